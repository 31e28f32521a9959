//! Trains a workload for a number of steps, on one thread with the default backend, and prints the
//! level of its vector instructions: what `scripts/bench_guard.sh` counts the instructions of.
//!
//! `cargo run --release --example steps -- digits 100`

use consonance::workloads::Workload;
use consonance::{DEFAULT_BACKEND, Init, backend, host::simd};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, steps] = &arguments[..] else { return Err("usage: steps WORKLOAD STEPS".into()) };
    let steps: usize = steps.parse().map_err(|_| format!("{steps}: expected a number of steps"))?;
    let Workload { plan, batch_size, optimizer, .. } = &Workload::named(name)?;
    // four mini-batches, as in `consonance bench`: the rows of a step are gathered
    let data = Workload::named(name)?.data(4 * batch_size)?;
    let rows: Vec<u32> = (0..data.rows() as u32).rev().collect();
    let mut network = backend(DEFAULT_BACKEND)?.network(plan, 1)?;
    network.set_parameters(&Init::GlorotUniform.draw(plan, 0)?)?;
    for rows in rows.chunks(*batch_size).cycle().take(steps) {
        network.step(&data.batch(rows), optimizer)?;
    }
    println!("{}", simd::level());
    Ok(())
}
