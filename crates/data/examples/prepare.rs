//! Times a table from its file to prepared data:
//! `cargo run --release -p consonance-data --example prepare FILE [TARGET]`.

use consonance_core::Precision;
use consonance_data::{Preparation, ReadOptions, Schema, SchemaOptions, TargetColumns, read};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a file")?;
    let target = arguments.next().map_or(TargetColumns::Last, |t| TargetColumns::Named(vec![t]));
    let begin = Instant::now();
    let tell = |what: &str| {
        let seconds = begin.elapsed().as_secs_f64();
        println!("{seconds:8.3} s {:5} MB at most  {what}", peak());
    };
    let table = read(file, &ReadOptions::default())?;
    tell("read");
    let schema = Schema::find(&table, &SchemaOptions { target, ..Default::default() })?;
    tell("schema");
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let preparation = Preparation::builder(&schema).fit(&table, &rows)?;
    tell("preparation");
    let data = preparation.prepare_owned(table, Precision::F32, true)?.data;
    tell("data");
    println!("{} rows x {} inputs", data.rows(), data.inputs());
    Ok(())
}

/// The most memory that was in use so far, in MB, as Linux tells it.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1000
}
