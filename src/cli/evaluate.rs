//! `consonance evaluate`

use super::arguments::Compute;
use super::train::metrics_row;
use super::{Outcome, loading, output};
use consonance::train::{Score, evaluate};
use std::path::PathBuf;
use std::process::ExitCode;

/// A model, and rows with targets.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A model file
    model: PathBuf,
    /// Rows with targets as the model was trained on, in a CSV or IDX file
    data: PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Runs `consonance evaluate`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let backend = arguments.compute.backend()?;
    let threads = arguments.compute.threads.count();
    let mut loaded =
        loading::model_and_rows(&arguments.model, &arguments.data, true, &*backend, threads)?;
    if *loaded.data.targets() == consonance::Targets::None {
        let file = arguments.data.display();
        let name = loaded.preparation.schema.target.as_ref().map_or("labels", |t| &t.name);
        return Err(format!("{file}: has no target ({name}) to compare the answers with").into());
    }
    let target = &loaded.preparation.target;
    let metrics = evaluate(&mut *loaded.network, &loaded.data.all(), target)?;
    if arguments.json {
        output::print_json(&metrics)?;
    } else {
        let headings: &[&str] = match metrics.score {
            Score::Classes { .. } => &["rows", "loss", "accuracy"],
            Score::Values { .. } => &["rows", "loss", "rmse", "r2"],
        };
        let mut table = output::table(headings);
        table.add_row(metrics_row(&loaded.data.rows().to_string(), &metrics));
        output::print(&output::lines(&table))?;
    }
    Ok(ExitCode::SUCCESS)
}
