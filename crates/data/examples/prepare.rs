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
    let tell = |what: &str| println!("{:8.3} s  {what}", begin.elapsed().as_secs_f64());
    let table = read(file, &ReadOptions::default())?;
    tell("read");
    let schema = Schema::find(&table, &SchemaOptions { target, ..Default::default() })?;
    tell("schema");
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let preparation = Preparation::builder(&schema).fit(&table, &rows)?;
    tell("preparation");
    let data = preparation.dataset(&table, Precision::F32)?;
    tell("data");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    println!("{} rows x {} inputs; {peak}", data.rows(), data.inputs());
    Ok(())
}
