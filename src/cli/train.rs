//! `consonance train`

use super::arguments::{BatchSize, Compute, Layers, named, precision};
use super::initial::Initial;
use super::loading::Source;
use super::progress::{Progress, rounded};
use super::run_folder::RunFolder;
use super::{Outcome, output};
use consonance::data::{Error as DataError, Preparation, Split, Table, TargetEncoding, Task};
use consonance::train::{Error as TrainError, Metrics, Model, Score, Summary, Trainer, evaluate};
use consonance::{Activation, Dataset, Init, Loss, Network, Optimizer, Plan, Precision, Reduction};
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
    network: NetworkArguments,
    #[command(flatten)]
    training: TrainingArguments,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    initial: Initial,
    /// Folder for the model, metrics and settings [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a run that is in that folder
    #[arg(long, requires = "out")]
    overwrite: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

/// The network to build.
#[derive(clap::Args)]
pub(crate) struct NetworkArguments {
    /// Widths of the hidden layers, or none
    #[arg(long, value_name = "WIDTHS", default_value = "512")]
    pub(crate) layers: Layers,
    /// identity, relu, leaky_relu, sigmoid, tanh, gelu, silu, softplus or elu
    #[arg(long, value_name = "NAME", default_value = "relu", value_parser = named::<Activation>)]
    pub(crate) activation: Activation,
    /// cross_entropy, binary_cross_entropy or mse [default: what suits the task]
    #[arg(long, value_name = "NAME", value_parser = named::<Loss>)]
    pub(crate) loss: Option<Loss>,
    /// How the losses of a batch become one number: mean or sum
    #[arg(long, value_name = "NAME", default_value = "mean", value_parser = reduction)]
    pub(crate) reduction: Reduction,
    /// Distribution of the initial weights: glorot_, he_ or lecun_, uniform or normal; or
    /// standard_normal
    #[arg(long, value_name = "NAME", default_value = "glorot_uniform", value_parser = named::<Init>)]
    pub(crate) initializer: Init,
    /// Type of every number in the network: f32 or f64
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = precision)]
    pub(crate) precision: Precision,
}

/// How to train.
#[derive(clap::Args)]
pub(crate) struct TrainingArguments {
    /// sgd, adam or adamw
    #[arg(long, value_name = "NAME", default_value = "adam", value_parser = ["sgd", "adam", "adamw"])]
    pub(crate) optimizer: String,
    /// Step size [default: 0.001 for adam and adamw, 0.01 for sgd]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub(crate) learning_rate: Option<f64>,
    /// Momentum of sgd
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) momentum: f64,
    /// Let sgd look ahead by its momentum
    #[arg(long)]
    pub(crate) nesterov: bool,
    /// Weight decay [default: 0.01 for adamw, 0 for the others]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub(crate) weight_decay: Option<f64>,
    /// How many times to see every row
    #[arg(long, value_name = "N", default_value = "30", value_parser = epochs)]
    pub(crate) epochs: usize,
    /// Rows of a mini-batch, or full for all rows at once
    #[arg(long, value_name = "ROWS", default_value = "32")]
    pub(crate) batch_size: BatchSize,
    /// Seed of the split, the initial weights and the order of rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Share of the rows to hold out; 0 trains on every row
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, allow_negative_numbers = true)]
    pub(crate) test_fraction: f64,
    /// Take the rows in another order each epoch
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) shuffle: bool,
    /// Bring features (and the target of a regression) to mean 0 and deviation 1
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) standardize: bool,
}

fn epochs(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse::<u32>().ok().filter(|number| *number > 0);
    number.map(|n| n as usize).ok_or_else(|| format!("expected 1 to {}", u32::MAX))
}

/// The flag that an optimiser's refusal is about: it begins with the name of a setting.
fn flag_of(refusal: &str) -> &'static str {
    let flags = ["learning-rate", "momentum", "weight-decay", "nesterov"];
    let about = |flag: &&str| refusal.contains(&flag.replace('-', " "));
    flags.into_iter().find(about).unwrap_or("optimizer")
}

fn reduction(text: &str) -> std::result::Result<Reduction, String> {
    match text {
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        _ => Err("expected mean or sum".to_string()),
    }
}

impl TrainingArguments {
    /// The optimiser asked for.
    pub(crate) fn optimizer(&self) -> Result<Optimizer> {
        let rate = |default| self.learning_rate.unwrap_or(default);
        let mut optimizer = match self.optimizer.as_str() {
            "adam" => Optimizer::adam(rate(0.001)),
            "adamw" => Optimizer::adamw(rate(0.001)),
            _ => Optimizer::sgd(rate(0.01)),
        };
        match &mut optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                (*momentum, *nesterov) = (self.momentum, self.nesterov);
                *weight_decay = self.weight_decay.unwrap_or(*weight_decay);
            }
            Optimizer::Adam { weight_decay, .. } | Optimizer::AdamW { weight_decay, .. } => {
                if self.momentum != 0.0 || self.nesterov {
                    let name = &self.optimizer;
                    return Err(format!("--momentum and --nesterov are sgd's, not {name}'s").into());
                }
                *weight_decay = self.weight_decay.unwrap_or(*weight_decay);
            }
        }
        optimizer.check().map_err(|e| format!("--{}: {e}", flag_of(&e.to_string())))?;
        Ok(optimizer)
    }

    /// The trainer asked for.
    pub(crate) fn trainer(&self, encoding: TargetEncoding) -> Result<Trainer> {
        Ok(Trainer {
            optimizer: self.optimizer()?,
            epochs: self.epochs,
            batch_size: self.batch_size.0,
            shuffle: self.shuffle,
            seed: self.seed,
            encoding,
        })
    }
}

/// A table made ready: a network to train and the rows to train and test it on.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) preparation: Preparation,
    pub(crate) split: Split,
    pub(crate) data: Dataset,
}

/// Holds rows out, fits the preparation to the others, and plans the network.
pub(crate) fn prepare(
    table: &Table,
    task: Option<Task>,
    network: &NetworkArguments,
    training: &TrainingArguments,
) -> Result<Prepared> {
    let task = task.map_or_else(|| table.task(), Ok)?;
    let split = table.split(task, training.test_fraction, training.seed).map_err(|e| match e {
        DataError::Split { .. } => format!("--test-fraction: {e}").into(),
        e => Box::<dyn Error>::from(e),
    })?;
    let mut preparation = Preparation::new(table, task)?;
    if training.standardize {
        preparation = preparation
            .standardize_features(table, &split.train)?
            .standardize_target(table, &split.train)?;
    }
    let plan = plan(table.inputs(), &preparation.target, network)?;
    let data = preparation.dataset(table, network.precision)?;
    Ok(Prepared { plan, preparation, split, data })
}

fn plan(inputs: usize, target: &TargetEncoding, network: &NetworkArguments) -> Result<Plan> {
    let (suitable, outputs) = match target {
        TargetEncoding::Classes(classes) => (Loss::CrossEntropy, classes.len()),
        TargetEncoding::Values { .. } => (Loss::MeanSquaredError, 1),
    };
    let loss = network.loss.unwrap_or(suitable);
    let outputs = match (loss, target) {
        (Loss::CrossEntropy, TargetEncoding::Classes(_)) => outputs,
        (Loss::BinaryCrossEntropy, TargetEncoding::Classes(classes)) if classes.len() == 2 => 1,
        (Loss::BinaryCrossEntropy, TargetEncoding::Classes(classes)) => {
            let count = classes.len();
            return Err(format!(
                "--loss binary_cross_entropy tells 2 classes apart, there are {count}: use \
                 cross_entropy"
            )
            .into());
        }
        (Loss::MeanSquaredError, TargetEncoding::Values { .. }) => outputs,
        (loss, TargetEncoding::Classes(_)) => {
            return Err(format!(
                "--loss {loss} is for numbers, the target is a class: use cross_entropy, or \
                 --task regression"
            )
            .into());
        }
        (loss, TargetEncoding::Values { .. }) => {
            return Err(format!(
                "--loss {loss} is for classes, the target is a number: use mse, or --task \
                 classification"
            )
            .into());
        }
    };
    let plan = Plan::mlp(inputs, &network.layers.0, outputs, network.activation, loss);
    let plan = plan.reduction(network.reduction).precision(network.precision);
    plan.check().map_err(|e| format!("--layers: {e}"))?;
    Ok(plan)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
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
    /// As paths are shown: they need not be UTF-8.
    model: String,
    run: String,
}

/// Runs `consonance train`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let backend = arguments.compute.backend()?;
    let threads = arguments.compute.threads.count();
    arguments.training.optimizer()?;
    let table = arguments.source.table()?;
    let prepared = prepare(&table, arguments.source.task, &arguments.network, &arguments.training)?;
    drop(table);
    let (target, initializer) = (&prepared.preparation.target, arguments.network.initializer);
    let seed = arguments.training.seed;
    let parameters = arguments.initial.parameters(&prepared.plan, target, initializer, seed)?;
    let mut network = backend.network(&prepared.plan, threads)?;
    network.set_parameters(&parameters)?;
    drop(parameters);

    let trainer = arguments.training.trainer(prepared.preparation.target.clone())?;
    trainer.check()?;
    let settings = settings(arguments, &prepared, threads)?;
    let mut folder = match &arguments.out {
        Some(folder) => RunFolder::at(folder, arguments.overwrite)?,
        None => RunFolder::numbered(&arguments.source.name())?,
    };
    folder.write_settings(&settings)?;
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
        output::note(&description(&prepared));
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

/// What was found out about the rows: `1797 rows, 64 features; label: one of 10 classes`.
fn description(prepared: &Prepared) -> String {
    let Prepared { plan, preparation, split, data } = prepared;
    let rows = output::count(data.rows(), "row");
    let features = output::count(plan.inputs, "feature");
    let held_out = split.test.len();
    let target = preparation.schema.target.as_ref().map_or("target", |target| &target.name);
    let target = output::plain(target);
    let answer = match &preparation.target {
        TargetEncoding::Classes(classes) => format!("one of {} classes", classes.len()),
        TargetEncoding::Values { .. } => "a number".to_string(),
    };
    format!("{rows} ({held_out} held out), {features}; {target}: {answer}")
}

/// The settings that a run records.
fn settings(
    arguments: &Arguments,
    prepared: &Prepared,
    threads: usize,
) -> Result<serde_json::Value> {
    let Arguments { source, network, training, compute, initial, .. } = arguments;
    // as it is shown: a path need not be UTF-8
    let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let batch_size = training.batch_size.0.map_or(json!("full"), |rows| json!(rows));
    Ok(json!({
        "consonance": env!("CARGO_PKG_VERSION"),
        "data": shown(&source.path).unwrap_or("digits".to_string()),
        "labels": shown(&source.labels),
        "target": source.target,
        "ignore": source.ignore,
        "header": source.header,
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
        "epochs": training.epochs,
        "batch_size": batch_size,
        "seed": training.seed,
        "test_fraction": training.test_fraction,
        "shuffle": training.shuffle,
        "standardize": training.standardize,
        "backend": compute.backend,
        "threads": threads,
    }))
}

fn report(
    arguments: &Arguments,
    threads: usize,
    summary: &Summary,
    prepared: &Prepared,
    network: &mut dyn Network,
    folder: &RunFolder,
) -> Result<Report> {
    let Prepared { preparation, split, data, .. } = prepared;
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
        model: folder.model().display().to_string(),
        run: folder.path().display().to_string(),
    })
}

/// The table a training ends with.
fn table_of(report: &Report) -> String {
    let headings: &[&str] = match report.train.score {
        Score::Classes { .. } => &["", "loss", "accuracy"],
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
        Score::Values { rmse, r2 } => {
            row.push(format!("{rmse:.4}"));
            row.push(r2.map_or("-".to_string(), |r2| format!("{r2:.4}")));
        }
    }
    row
}
