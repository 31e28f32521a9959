//! `consonance train`

use super::arguments::Compute;
use super::columns::PreparationArguments;
use super::initial::Initial;
use super::loading::Source;
use super::network::NetworkArguments;
use super::prepare::{Found, Prepared, TestArguments, prepare};
use super::progress::{Progress, rounded};
use super::run_folder::RunFolder;
use super::training::TrainingArguments;
use super::{Outcome, output};
use consonance::train::{Error as TrainError, Metrics, Model, Score, Summary, evaluate};
use consonance::{Network, Precision};
use serde::Serialize;
use serde_json::json;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What to train on, how, and where to.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    tests: TestArguments,
    #[command(flatten)]
    columns: PreparationArguments,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    training: TrainingArguments,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    initial: Initial,
    /// Folder for the model, metrics and settings [default: a new one in runs/]
    #[arg(help_heading = "Output", long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a run that is in that folder
    #[arg(help_heading = "Output", long, requires = "out")]
    overwrite: bool,
    /// Print the result as one JSON object
    #[arg(help_heading = "Output", long)]
    json: bool,
    /// Show no progress
    #[arg(help_heading = "Output", long, short)]
    quiet: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    backend: String,
    threads: usize,
    precision: Precision,
    seed: u64,
    epochs: usize,
    steps: u64,
    seconds: f64,
    samples_per_second: f64,
    train: Metrics,
    test: Option<Metrics>,
    #[serde(flatten)]
    found: &'a Found,
    /// As paths are shown: they need not be UTF-8.
    model: String,
    run: String,
}

/// Runs `consonance train`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let backend = arguments.compute.backend()?;
    let threads = arguments.compute.threads.count();
    arguments.training.optimizer()?;
    let Arguments { source, tests, columns, network, training, .. } = arguments;
    let prepared = prepare(source, tests, columns, network, training)?;
    let (target, initializer) = (&prepared.preparation.target, arguments.network.initializer);
    let seed = arguments.training.seed;
    let parameters = arguments.initial.parameters(&prepared.plan, target, initializer, seed)?;
    let mut network = backend.network(&prepared.plan, threads)?;
    network.set_parameters(&parameters)?;
    drop(parameters);

    let trainer = arguments
        .training
        .trainer(prepared.preparation.target.clone(), prepared.split.train.len())?;
    trainer.check()?;
    let settings = settings(arguments, &prepared, trainer.epochs, threads)?;
    let mut folder = match &arguments.out {
        Some(folder) => RunFolder::at(folder, arguments.overwrite)?,
        None => RunFolder::numbered(&arguments.source.name())?,
    };
    folder.write_settings(&settings)?;
    folder.write_held_out(&prepared.held_out)?;
    let model = |network: &dyn Network| {
        Ok(Model {
            plan: prepared.plan.clone(),
            parameters: network.parameters()?,
            preparation: prepared.preparation.clone(),
            settings: settings.clone(),
        })
    };

    let rows = prepared.split.train.len();
    if !arguments.quiet {
        output::note(prepared.description().trim_end());
    }
    let mut progress = Progress::new(&mut folder, &model, trainer.epochs, rows, arguments.quiet);
    let trained = trainer.fit(&mut *network, &prepared.data, &prepared.split, &mut progress);
    progress.finish();
    let summary = match trained {
        Ok(summary) => summary,
        Err(diverged @ TrainError::Diverged { .. }) => {
            folder.save(&model(&*network)?)?;
            let kept = folder.model();
            let kept = kept.display();
            return Err(format!("{diverged}; the last good model is in {kept}").into());
        }
        Err(error) => return Err(error.into()),
    };
    folder.save(&model(&*network)?)?;
    let report = report(arguments, threads, &summary, &prepared, &mut *network, &folder)?;
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&table_of(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings that a run records.
fn settings(
    arguments: &Arguments,
    prepared: &Prepared,
    epochs: usize,
    threads: usize,
) -> Result<serde_json::Value> {
    let Arguments { source, tests, columns, network, training, compute, initial, .. } = arguments;
    // as it is shown: a path need not be UTF-8
    let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let batch_size = training.batch_size.0.map_or(json!("full"), |rows| json!(rows));
    let mut settings = json!({
        "consonance": env!("CARGO_PKG_VERSION"),
        "data": shown(&source.path).unwrap_or("digits".to_string()),
        "labels": shown(&source.labels),
        "test": shown(&tests.test),
        "task": prepared.preparation.task(),
        "layers": network.layers.0,
        "activation": network.activation,
        "loss": prepared.plan.loss,
        "reduction": network.reduction,
        "precision": network.precision,
        "initializer": initial.draws().then_some(network.initializer),
        "init": shown(&initial.init),
        "new_head": initial.new_head,
        "optimizer": training.optimizer()?,
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": training.seed,
        "test_fraction": training.test_fraction,
        "shuffle": training.shuffle,
        "scale": columns.scaling(),
        "backend": compute.backend,
        "threads": threads,
    });
    if let (Some(settings), serde_json::Value::Object(told)) =
        (settings.as_object_mut(), source.columns.settings())
    {
        settings.extend(told);
    }
    Ok(settings)
}

fn report<'a>(
    arguments: &Arguments,
    threads: usize,
    summary: &Summary,
    prepared: &'a Prepared,
    network: &mut dyn Network,
    folder: &RunFolder,
) -> Result<Report<'a>> {
    let Prepared { preparation, split, data, found, .. } = prepared;
    let mut metrics = |rows: &[u32]| match rows {
        [] => Ok(None),
        rows => evaluate(network, &data.batch(rows), &preparation.target).map(Some),
    };
    Ok(Report {
        backend: arguments.compute.backend.clone(),
        threads,
        precision: arguments.network.precision,
        seed: arguments.training.seed,
        epochs: summary.epochs,
        steps: summary.steps,
        seconds: summary.seconds,
        samples_per_second: summary.samples_per_second,
        train: metrics(&split.train)?.ok_or("there are no rows to train on")?,
        test: metrics(&split.test)?,
        found,
        model: folder.model().display().to_string(),
        run: folder.path().display().to_string(),
    })
}

/// The table a training ends with.
fn table_of(report: &Report<'_>) -> String {
    let headings: &[&str] = match report.train.score {
        Score::Classes { .. } => &["", "loss", "accuracy"],
        Score::Labels { .. } => &["", "loss", "accuracy", "exact match"],
        Score::Values { .. } => &["", "loss", "rmse", "r2"],
    };
    let mut table = output::table(headings);
    for (name, metrics) in [("train", Some(&report.train)), ("test", report.test.as_ref())] {
        if let Some(metrics) = metrics {
            table.add_row(metrics_row(name, metrics));
        }
    }
    format!(
        "{}\n{} in {}, {} samples/s on {} with {}\nmodel: {}\n",
        output::lines(&table),
        output::count(report.steps as usize, "step"),
        duration(report.seconds),
        rounded(report.samples_per_second),
        report.backend,
        output::count(report.threads, "thread"),
        report.model
    )
}

/// `3.4 ms`, or `12.50 s`.
fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", 1e3 * seconds) } else { format!("{seconds:.2} s") }
}

/// A row of a table of metrics.
pub(crate) fn metrics_row(name: &str, metrics: &Metrics) -> Vec<String> {
    let mut row = vec![name.to_string(), format!("{:.4}", metrics.loss)];
    match metrics.score {
        Score::Classes { accuracy } => row.push(format!("{:.2} %", 100.0 * accuracy)),
        Score::Labels { accuracy, exact_match } => {
            row.push(format!("{:.2} %", 100.0 * accuracy));
            row.push(format!("{:.2} %", 100.0 * exact_match));
        }
        Score::Values { rmse, r2 } => {
            row.push(format!("{rmse:.4}"));
            row.push(r2.map_or("-".to_string(), |r2| format!("{r2:.4}")));
        }
    }
    row
}
