//! The comparison at the end of a run, made of the estimates that criterion has left.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// One benchmark's median.
struct Estimate {
    measured: SystemTime,
    /// What was measured.
    row: String,
    /// Who computed it, on how many threads.
    column: String,
    microseconds: f64,
}

/// Prints what was measured since `began`: a row for each thing measured, a column for each way
/// of computing it. Nothing if nothing was, as when benchmarks are only tested.
pub(super) fn print(results: &Path, began: SystemTime) {
    let mut estimates = Vec::new();
    collect(results, &mut estimates);
    estimates.retain(|estimate| estimate.measured >= began);
    estimates.sort_by_key(|estimate| estimate.measured);
    if estimates.is_empty() {
        return;
    }
    let rows = distinct(&estimates, |estimate| &estimate.row);
    let columns = distinct(&estimates, |estimate| &estimate.column);
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([""].iter().chain(&columns));
    for name in rows {
        let row: Vec<_> = estimates.iter().filter(|estimate| estimate.row == name).collect();
        let best = row.iter().map(|estimate| estimate.microseconds).fold(f64::INFINITY, f64::min);
        let cell = |column: &&str| match row.iter().find(|estimate| estimate.column == **column) {
            Some(Estimate { microseconds, .. }) => {
                format!("{microseconds:.1} ({:.2})", microseconds / best)
            }
            None => "-".to_string(),
        };
        table.add_row([name.to_string()].into_iter().chain(columns.iter().map(cell)));
    }
    println!("Medians in µs (and as multiples of the row's best):\n");
    table.lines().for_each(|line| println!("{}", line.trim_end()));
    println!("\nReports: {}", results.join("report/index.html").display());
}

/// Every result in `folder` or below.
fn collect(folder: &Path, estimates: &mut Vec<Estimate>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.ends_with("new") {
            estimates.extend(estimate(&path));
        } else if path.is_dir() {
            collect(&path, estimates);
        }
    }
}

/// The result of one benchmark; nothing if the folder holds none.
fn estimate(folder: &Path) -> Option<Estimate> {
    let path = folder.join("benchmark.json");
    let read = |path: &Path| serde_json::from_slice::<Value>(&fs::read(path).ok()?).ok();
    let (benchmark, estimates) = (read(&path)?, read(&folder.join("estimates.json"))?);
    let text = |key: &str| benchmark[key].as_str();
    Some(Estimate {
        measured: fs::metadata(&path).ok()?.modified().ok()?,
        row: text("group_id")?.to_string(),
        column: format!("{}, {}", text("function_id")?, text("value_str")?),
        microseconds: estimates["median"]["point_estimate"].as_f64()? / 1e3,
    })
}

/// The different names there are, in the order in which they come.
fn distinct(estimates: &[Estimate], name: impl Fn(&Estimate) -> &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in estimates.iter().map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
