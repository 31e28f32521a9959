//! The products of a dense layer by several backends that take turns: what else happens on the
//! machine happens to all of them, so that a ratio holds where times do not.

use super::products::{Call, Operands, shapes};
use consonance::Products;
use std::cell::LazyCell;
use std::time::{Duration, Instant};

/// How often each has its turn, at most, and at least.
const MOST_ROUNDS: usize = 41;
const LEAST_ROUNDS: usize = 5;

/// How long a turn is, if a call is not longer; and all turns of a product, if there are more than
/// [`LEAST_ROUNDS`].
const TURN: Duration = Duration::from_micros(300);
const PRODUCT: Duration = Duration::from_secs(2);

/// Which backends take turns, and part of the ids of the products they do it in.
pub(crate) struct Turns {
    names: String,
    filter: String,
}

impl Turns {
    /// What the command line asks for: `--turns NAMES [FILTER]`, if it does.
    ///
    /// # Panics
    /// If there is more than that, or less.
    pub(crate) fn asked() -> Option<Self> {
        // cargo adds a flag of its own
        let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        let arguments: Vec<String> = arguments.collect();
        let (names, filter) = match &arguments[..] {
            [flag, names] if flag == "--turns" => (names.clone(), String::new()),
            [flag, names, filter] if flag == "--turns" => (names.clone(), filter.clone()),
            others if others.iter().any(|other| other == "--turns") => {
                panic!("expected --turns NAMES [FILTER], as in --turns fused,openblas ops/forward")
            }
            _ => return None,
        };
        Some(Turns { names, filter })
    }

    /// Times every product of every workload whose id contains the filter, and prints medians and,
    /// for each backend but the first, the median ratio of the first one's time to its own.
    ///
    /// # Panics
    /// If there is no backend of a name, no product of such an id, or a backend disagrees with the
    /// oracle.
    pub(crate) fn run(&self) {
        let names: Vec<&str> = self.names.split(',').collect();
        let all = consonance::products();
        let find = |name: &&str| {
            let known: Vec<_> = all.iter().map(|kernels| kernels.name).collect();
            let found = all.iter().find(|kernels| kernels.name == *name);
            found.unwrap_or_else(|| {
                panic!("no products of '{name}'; there are: {}", known.join(", "))
            })
        };
        let kernels: Vec<&Products> = names.iter().map(find).collect();
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        let ratios = names[1..].iter().map(|name| format!("{} / {name}", names[0]));
        let times = names.iter().map(|name| format!("{name} µs"));
        table.set_header([String::new()].into_iter().chain(times).chain(ratios));
        for (shape, products) in shapes() {
            let operands = LazyCell::new(|| Operands::new(shape));
            for which in products {
                if !which.id(shape).contains(&self.filter) {
                    continue;
                }
                let mut calls: Vec<Call<'_>> = Vec::new();
                for kernels in &kernels {
                    let mut call = Call::new(&operands, which, &*kernels.f32);
                    call.run();
                    call.assert_agreement(kernels.name);
                    calls.push(call);
                }
                let times = in_turns(&mut calls);
                let medians = times.iter().map(|times| format!("{:.2}", median(times.clone())));
                let ratio = |others: &Vec<f64>| {
                    let ratios = times[0].iter().zip(others).map(|(first, other)| first / other);
                    format!("{:.3}", median(ratios.collect()))
                };
                let ratios = times[1..].iter().map(ratio);
                table.add_row([which.id(operands.shape)].into_iter().chain(medians).chain(ratios));
            }
        }
        assert!(!table.is_empty(), "no product's id contains '{}'", self.filter);
        table.lines().for_each(|line| println!("{}", line.trim_end()));
    }
}

/// Microseconds of a call in each round, for each of the calls.
fn in_turns(calls: &mut [Call<'_>]) -> Vec<Vec<f64>> {
    let repeats: Vec<usize> = calls.iter_mut().map(repeats).collect();
    let mut times = vec![Vec::new(); calls.len()];
    let begin = Instant::now();
    for round in 0..MOST_ROUNDS {
        if round >= LEAST_ROUNDS && begin.elapsed() >= PRODUCT {
            break;
        }
        for place in 0..calls.len() {
            // every other round the other way about
            let turn = if round % 2 == 0 { place } else { calls.len() - 1 - place };
            // whoever was last, it begins with its own operands in the caches
            calls[turn].run();
            let begin = Instant::now();
            for _ in 0..repeats[turn] {
                calls[turn].run();
            }
            times[turn].push(begin.elapsed().as_secs_f64() * 1e6 / repeats[turn] as f64);
        }
    }
    times
}

/// How many calls fill a turn.
fn repeats(call: &mut Call<'_>) -> usize {
    call.run();
    let begin = Instant::now();
    call.run();
    TURN.div_duration_f64(begin.elapsed()).max(1.0) as usize
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let (lower, upper) = (numbers[(numbers.len() - 1) / 2], numbers[numbers.len() / 2]);
    (lower + upper) / 2.0
}
