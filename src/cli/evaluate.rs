//! `consonance evaluate`

use super::arguments::Compute;
use super::loading::ModelAndRows;
use super::train::metrics_row;
use super::{Outcome, output};
use consonance::train::{Score, evaluate};
use std::process::ExitCode;

/// A model, and rows with targets.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rows: ModelAndRows,
    /// Print the result as one JSON object
    #[arg(help_heading = "Output", long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Runs `consonance evaluate`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let backend = arguments.compute.backend()?;
    let threads = arguments.compute.threads.count();
    let mut loaded = arguments.rows.load(true, &*backend, threads)?;
    if *loaded.data.targets() == consonance::Targets::None {
        let (file, names) = (arguments.rows.shown(), loaded.preparation.target_names());
        let name = if names.is_empty() { "labels".to_string() } else { names.join(", ") };
        return Err(format!("{file}: has no target ({name}) to compare the answers with").into());
    }
    let target = &loaded.preparation.target;
    let metrics = evaluate(&mut *loaded.network, &loaded.data.all(), target)?;
    if arguments.json {
        output::print_json(&metrics)?;
    } else {
        let headings: &[&str] = match metrics.score {
            Score::Classes { .. } => &["rows", "loss", "accuracy"],
            Score::Labels { .. } => &["rows", "loss", "accuracy", "exact match"],
            Score::Values { .. } => &["rows", "loss", "rmse", "r2"],
        };
        let mut table = output::table(headings);
        table.add_row(metrics_row(&loaded.data.rows().to_string(), &metrics));
        output::print(&format!("{}{}\n", output::lines(&table), loaded.file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
