//! The products of a dense layer by several backends that take turns: what else happens on the
//! machine happens to all of them, so that a ratio holds where times do not.

use super::products::{Call, Operands, shapes};
use consonance::Products;
use std::cell::LazyCell;
use std::time::{Duration, Instant};

/// How often each has its turn, at most, and at least.
const MOST_ROUNDS: usize = 41;
const LEAST_ROUNDS: usize = 5;

/// How long a turn is, as long as a call is not longer, and all turns of a product together.
const TURN: Duration = Duration::from_micros(300);
const PRODUCT: Duration = Duration::from_secs(2);

/// Times every product of every workload whose name contains `filter`, and prints medians and,
/// for each backend but the first, the median ratio of the first one's time to its own.
///
/// # Panics
/// If there is no backend of a name, or one disagrees with the oracle.
pub(crate) fn turns(names: &[&str], filter: &str) {
    let all = consonance::products();
    let find = |name: &&str| {
        let known: Vec<_> = all.iter().map(|kernels| kernels.name).collect();
        let found = all.iter().find(|kernels| kernels.name == *name);
        found.unwrap_or_else(|| panic!("no products of '{name}'; there are: {}", known.join(", ")))
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
            let name = which.id(shape);
            if !name.contains(filter) {
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
            table.add_row([name].into_iter().chain(medians).chain(ratios));
        }
    }
    table.lines().for_each(|line| println!("{}", line.trim_end()));
}

/// Microseconds of a call in each round, for each of the calls.
fn in_turns(calls: &mut [Call<'_>]) -> Vec<Vec<f64>> {
    let begin = Instant::now();
    calls.iter_mut().for_each(Call::run);
    let round = begin.elapsed();
    let each = round / calls.len() as u32;
    let repeats = TURN.div_duration_f64(each).max(1.0) as usize;
    let rounds = PRODUCT.div_duration_f64(round * repeats as u32) as usize;
    let rounds = rounds.clamp(LEAST_ROUNDS, MOST_ROUNDS);
    let mut times = vec![Vec::new(); calls.len()];
    for round in 0..rounds {
        for place in 0..calls.len() {
            // every other round the other way about
            let turn = if round % 2 == 0 { place } else { calls.len() - 1 - place };
            let begin = Instant::now();
            for _ in 0..repeats {
                calls[turn].run();
            }
            times[turn].push(begin.elapsed().as_secs_f64() * 1e6 / repeats as f64);
        }
    }
    times
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
