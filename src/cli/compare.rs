//! `consonance compare`

use super::arguments::Threads;
use super::columns::PreparationArguments;
use super::loading::Source;
use super::network::NetworkArguments;
use super::prepare::{Prepared, TestArguments, prepare};
use super::training::TrainingArguments;
use super::{Outcome, output};
use consonance::train::{Observer, Trainer, evaluate};
use consonance::{Network, OptimizerState, Values};
use consonance_conformance::{gradient_error_over_bound, update_error_over_bound};
use serde::Serialize;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What to train on every backend.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    tests: TestArguments,
    #[command(flatten)]
    columns: PreparationArguments,
    /// The backends to compare, with commas between [default: all that are compiled in]
    #[arg(help_heading = "Output", long, value_name = "NAMES", value_delimiter = ',')]
    backends: Vec<String>,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    training: TrainingArguments,
    #[command(flatten)]
    threads: Threads,
    /// Print the result as one JSON object
    #[arg(help_heading = "Output", long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    backends: Vec<Row>,
    agree: bool,
}

/// One backend among the others.
#[derive(Serialize)]
struct Row {
    name: String,
    /// Median over all steps but the first epoch's.
    microseconds_per_step: Option<f64>,
    speed_vs_naive: Option<f64>,
    /// The first step's gradient: the worst element's error against the float64 oracle, as a
    /// fraction of its bound.
    gradient_error_over_bound: Option<f64>,
    /// The same of the first update.
    update_error_over_bound: Option<f64>,
    test_metric: Option<f64>,
    agree: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A backend in the middle of the comparison.
struct Contestant {
    name: String,
    network: Box<dyn Network>,
    gradient_error: f64,
    update_error: f64,
    times: Vec<Duration>,
}

impl Prepared {
    /// The rows whose metric is shown: those held out, or all if there are none.
    fn evaluated(&self) -> &[u32] {
        if self.split.test.is_empty() { &self.split.train } else { &self.split.test }
    }
}

/// Runs `consonance compare`: exit status 1 if any backend disagrees.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let threads = arguments.threads.count();
    let names = match &arguments.backends[..] {
        [] => consonance::backends().names(),
        names => names.to_vec(),
    };
    let Arguments { source, tests, columns, network, training, .. } = arguments;
    let prepared = prepare(source, tests, columns, network, training)?;
    let trainer =
        training.trainer(prepared.preparation.target.clone(), prepared.split.train.len())?;
    let parameters = arguments.network.initializer.draw(&prepared.plan, arguments.training.seed)?;

    let mut contestants = Vec::new();
    let mut failures = Vec::new();
    for name in names {
        let backend = consonance::backend(&name).map_err(|e| format!("--backends: {e}"))?;
        output::advise(&*backend);
        match contestant(&name, &*backend, &prepared, &trainer, &parameters, threads) {
            Ok(contestant) => contestants.push(contestant),
            Err(error) => failures.push(failure(name, &*error)),
        }
    }
    // One epoch each in turn, so that whatever else the machine does falls on all alike.
    for epoch in 1..=trainer.epochs {
        let mut going = Vec::new();
        for mut contestant in contestants {
            let mut watch = Watch(Vec::new());
            let Prepared { data, split, .. } = &prepared;
            let network = &mut *contestant.network;
            match trainer.epoch(network, data, &split.train, epoch, &mut watch) {
                Ok(_) => {
                    // the first epoch warms up
                    if epoch > 1 || trainer.epochs == 1 {
                        contestant.times.append(&mut watch.0);
                    }
                    going.push(contestant);
                }
                Err(error) => failures.push(failure(contestant.name, &error)),
            }
        }
        contestants = going;
    }
    let mut rows = Vec::new();
    for contestant in contestants {
        let name = contestant.name.clone();
        match finish(contestant, &prepared) {
            Ok(row) => rows.push(row),
            Err(error) => failures.push(failure(name, &*error)),
        }
    }
    judge_quality(&mut rows, &prepared);
    let naive = rows.iter().find(|row| row.name == "naive").and_then(|r| r.microseconds_per_step);
    for row in &mut rows {
        row.speed_vs_naive = naive.zip(row.microseconds_per_step).map(|(naive, own)| naive / own);
    }
    rows.extend(failures);
    let report = Report { agree: rows.iter().all(|row| row.agree), backends: rows };
    match arguments.json {
        true => output::print_json(&report)?,
        false => output::print(&table_of(&report))?,
    }
    Ok(if report.agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A network of this backend at the common beginning, its first gradient held against the oracle.
fn contestant(
    name: &str,
    backend: &dyn consonance::Backend,
    prepared: &Prepared,
    trainer: &Trainer,
    parameters: &Values,
    threads: usize,
) -> Result<Contestant> {
    let mut network = backend.network(&prepared.plan, threads)?;
    network.set_parameters(parameters)?;
    let order = trainer.order(&prepared.split.train, 1);
    let first = &order[..trainer.batch_rows(order.len())];
    let gradient_error = gradient_error_over_bound(&mut *network, &prepared.data.batch(first))?;
    let update_error = update_error_over_bound(&mut *network, &trainer.optimizer)?;
    network.set_parameters(parameters)?;
    network.set_optimizer_state(&OptimizerState::default())?;
    let (name, times) = (name.to_string(), Vec::new());
    Ok(Contestant { name, network, gradient_error, update_error, times })
}

/// A contestant after its last epoch.
fn finish(mut contestant: Contestant, prepared: &Prepared) -> Result<Row> {
    let Prepared { data, preparation, .. } = prepared;
    let batch = data.batch(prepared.evaluated());
    let metrics = evaluate(&mut *contestant.network, &batch, &preparation.target)?;
    contestant.times.sort_unstable();
    let median = contestant.times.get(contestant.times.len() / 2);
    Ok(Row {
        name: contestant.name,
        microseconds_per_step: median.map(|time| time.as_secs_f64() * 1e6),
        speed_vs_naive: None,
        gradient_error_over_bound: Some(contestant.gradient_error),
        update_error_over_bound: Some(contestant.update_error),
        test_metric: Some(metrics.score.main()),
        agree: contestant.gradient_error <= 1.0
            && contestant.update_error <= 1.0
            && metrics.loss.is_finite(),
        error: None,
    })
}

/// Long trainings part ways by rounding, so no bound compares them, but all must be equally good:
/// accuracies may differ from the best by three standard errors of such a difference.
fn judge_quality(rows: &mut [Row], prepared: &Prepared) {
    if !prepared.plan.loss.is_classification() {
        return;
    }
    let count = prepared.evaluated().len() as f64;
    let best = rows.iter().filter_map(|row| row.test_metric).fold(0.0, f64::max);
    for row in rows {
        let accuracy = row.test_metric.unwrap_or(0.0);
        let variance = (best * (1.0 - best) + accuracy * (1.0 - accuracy)) / count;
        row.agree &= best - accuracy <= 3.0 * variance.sqrt();
    }
}

/// A backend that could not take part, or not to the end: it does not agree.
fn failure(name: String, error: &dyn Error) -> Row {
    Row {
        name,
        microseconds_per_step: None,
        speed_vs_naive: None,
        gradient_error_over_bound: None,
        update_error_over_bound: None,
        test_metric: None,
        agree: false,
        error: Some(error.to_string()),
    }
}

/// Notes what each step takes.
struct Watch(Vec<Duration>);

impl Observer for Watch {
    fn step(&mut self, _epoch: usize, _rows: usize, _loss: f64, time: Duration) {
        self.0.push(time);
    }
}

fn table_of(report: &Report) -> String {
    let mut table = output::table(&[
        "backend",
        "µs a step",
        "speed against naive",
        "gradient error / bound",
        "update error / bound",
        "test metric",
        "agrees",
    ]);
    let shown = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_string(),
    };
    for row in &report.backends {
        table.add_row([
            row.name.clone(),
            shown(row.microseconds_per_step, 1),
            shown(row.speed_vs_naive, 2),
            shown(row.gradient_error_over_bound, 4),
            shown(row.update_error_over_bound, 4),
            shown(row.test_metric, 4),
            if row.agree { "yes" } else { "no" }.to_string(),
        ]);
    }
    let errors = report
        .backends
        .iter()
        .filter_map(|row| row.error.as_ref().map(|error| format!("{}: {error}\n", row.name)));
    output::lines(&table) + &errors.collect::<String>()
}
