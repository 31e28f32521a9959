//! `consonance bench`

mod ceiling;
mod split;

use super::arguments::{Compute, precision};
use super::workload::WorkloadArguments;
use super::{Outcome, output};
use crate::allocations;
use ceiling::Ceiling;
use consonance::rng::{Purpose, Stream};
use consonance::workloads::Workload;
use consonance::{Backend, Batch, Init, Precision, Rows};
use serde::Serialize;
use split::Split;
use std::process::ExitCode;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Rounds of steps, with the ceiling measured in between, and how long one lasts at least.
const ROUNDS: f64 = 10.0;
const ROUND_SECONDS: f64 = 0.1;

/// What to time: all eight workloads, unless one or another network is named.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    workload: WorkloadArguments,
    #[command(flatten)]
    compute: Compute,
    /// Type of every number in the network: f32 or f64
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = precision)]
    precision: Precision,
    /// How long to time steps, in seconds, for each workload
    #[arg(long, value_name = "S", default_value = "2", value_parser = seconds)]
    seconds: f64,
    /// Mini-batches of neighbouring rows, as a whole set in one batch has them: none is gathered
    #[arg(long)]
    in_order: bool,
    /// Time steps alone: no ceiling, no efficiency, no split
    #[arg(long)]
    steps_only: bool,
    /// Print one JSON object a workload
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> std::result::Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    let range = 0.01..=3600.0;
    number
        .filter(|s| range.contains(s))
        .ok_or_else(|| "expected a number of seconds from 0.01 to 3600".to_string())
}

/// What one workload took.
#[derive(Serialize)]
struct Report {
    workload: String,
    layers: Vec<usize>,
    batch_size: usize,
    backend: String,
    threads: usize,
    precision: Precision,
    microseconds_per_step: Percentiles,
    gflops: f64,
    /// Of the best library over square products, as many at once as there are threads; nothing if
    /// no library is compiled in whose products can be measured by themselves, or with
    /// `--steps-only`.
    ceiling_gflops: Option<f64>,
    /// Of the same products on a matrix unit, with several shorter numbers for each; nothing where
    /// none is used. It is no part of the ceiling: above 1, the efficiency says that it was used.
    matrix_unit_gflops: Option<f64>,
    efficiency: Option<f64>,
    /// Shares of a step on one thread, each part measured by itself; nothing with `--steps-only`.
    split: Option<Split>,
    allocations_per_step: f64,
}

#[derive(Serialize)]
struct Percentiles {
    median: f64,
    p10: f64,
    p90: f64,
}

/// Runs `consonance bench`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let backend = arguments.compute.backend()?;
    let threads = arguments.compute.threads.count();
    output::advise(&*backend);
    let mut table = output::table(&[
        "workload",
        "µs a step",
        "p10",
        "p90",
        "GFLOP/s",
        "ceiling",
        "matrix unit",
        "efficiency",
        "products",
        "pointwise",
        "update",
        "allocations",
    ]);
    let workloads = arguments.workload.workload()?.map_or_else(Workload::all, |one| vec![one]);
    for workload in workloads {
        let workload = workload.precision(arguments.precision);
        let report = measure(&workload, &*backend, threads, arguments)?;
        if arguments.json {
            output::print_json(&report)?;
            continue;
        }
        let percent = |share: Option<f64>| {
            share.map_or("-".to_string(), |share| format!("{:.0} %", 100.0 * share))
        };
        let rate =
            |gflops: Option<f64>| gflops.map_or("-".to_string(), |rate| format!("{rate:.1}"));
        let (time, split) = (&report.microseconds_per_step, report.split);
        table.add_row([
            report.workload.clone(),
            format!("{:.1}", time.median),
            format!("{:.1}", time.p10),
            format!("{:.1}", time.p90),
            format!("{:.1}", report.gflops),
            rate(report.ceiling_gflops),
            rate(report.matrix_unit_gflops),
            percent(report.efficiency),
            percent(split.map(|split| split.products)),
            percent(split.map(|split| split.pointwise)),
            percent(split.map(|split| split.update)),
            format!("{}", report.allocations_per_step),
        ]);
    }
    if !arguments.json {
        let info = backend.info();
        let title =
            format!("{} ({}), {}\n", info.name, info.library, output::count(threads, "thread"));
        output::print(&(title + &output::lines(&table)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Times steps on mini-batches out of a set of four, in rounds with the ceiling in between.
fn measure(
    workload: &Workload,
    backend: &dyn Backend,
    threads: usize,
    arguments: &Arguments,
) -> Result<Report> {
    let Workload { plan, batch_size, optimizer, .. } = workload;
    let &Arguments { seconds, steps_only, in_order, .. } = arguments;
    let data = workload.data(batch_size.saturating_mul(4))?;
    let mut network = backend.network(plan, threads)?;
    network.set_parameters(&Init::GlorotUniform.draw(plan, 0)?)?;
    let mut order: Vec<u32> = (0..data.rows() as u32).collect();
    Stream::new(0, Purpose::Shuffle, 0, 0).shuffle(&mut order);
    let mut next = 0;
    let mut step = || -> Result<Duration> {
        let rows = next..next + batch_size;
        next = rows.end % data.rows();
        let rows = match in_order {
            true => Rows::Range(rows),
            false => Rows::List(&order[rows]),
        };
        let begun = Instant::now();
        network.step(&Batch { data: &data, rows }, optimizer)?;
        Ok(begun.elapsed())
    };
    let mut ceiling = Ceiling::new(threads)?;
    let rounds = (seconds / ROUND_SECONDS).floor().clamp(3.0, ROUNDS);
    let each = Duration::from_secs_f64(seconds / rounds);
    let mut times: Vec<Duration> = Vec::new();
    let mut steps = 0_usize;
    let mut allocated = 0_usize;
    for _ in 0..rounds as usize {
        if !steps_only {
            // leaves the caches to another
            ceiling.round(plan.precision);
        }
        let begun = Instant::now();
        step()?;
        while begun.elapsed() < each / 10 {
            step()?;
        }
        let begun = Instant::now();
        times.reserve(1 + (each.as_secs_f64() / 1e-6) as usize);
        let before = allocations::count();
        loop {
            times.push(step()?);
            steps += 1;
            if begun.elapsed() >= each {
                break;
            }
        }
        allocated += allocations::count() - before;
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let percentiles = Percentiles { median: at(0.5), p10: at(0.1), p90: at(0.9) };
    let gflops = workload.flops()? / percentiles.median / 1e3;
    let layers = plan.dense_layers()?;
    Ok(Report {
        workload: workload.name.clone(),
        layers: [plan.inputs].into_iter().chain(layers.iter().map(|l| l.outputs)).collect(),
        batch_size: *batch_size,
        backend: backend.info().name,
        threads,
        precision: plan.precision,
        microseconds_per_step: percentiles,
        gflops,
        ceiling_gflops: ceiling.gflops(),
        matrix_unit_gflops: ceiling.matrix_unit_gflops(),
        efficiency: ceiling.gflops().map(|ceiling| gflops / ceiling),
        split: if steps_only { None } else { Some(split::measure(workload, backend, &data)?) },
        allocations_per_step: allocated as f64 / steps as f64,
    })
}
