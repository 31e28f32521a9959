//! `consonance inspect`

use super::arguments::{Compute, precision};
use super::model_path::model_file;
use super::workload::WorkloadArguments;
use super::{Outcome, output};
use consonance::data::{Preparation, Role, TargetEncoding};
use consonance::train::ModelFile;
use consonance::workloads::Workload;
use consonance::{Layer, Optimizer, Plan, Precision};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A model, or a network that is not trained yet.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A model file or a run folder, unless --workload or --layers name a network
    #[arg(conflicts_with_all = ["workload", "layers", "precision"])]
    model: Option<PathBuf>,
    #[command(flatten)]
    workload: WorkloadArguments,
    /// Type of every number in the network: f32 or f64
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = precision)]
    precision: Precision,
    #[command(flatten)]
    compute: Compute,
}

/// Copies of the parameters that are there at once while a model is written: out of the network, as
/// bytes, and in the file's format.
const COPIES: usize = 3;

/// Runs `consonance inspect`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let text = match (arguments.workload.workload()?, &arguments.model) {
        (Some(workload), _) => of_workload(workload.precision(arguments.precision), arguments)?,
        (None, Some(file)) => of_model(file, arguments)?,
        (None, None) => {
            let asked = "name a model file, or a network by --workload or --layers";
            return Err(asked.into());
        }
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_workload(workload: Workload, arguments: &Arguments) -> Result<String> {
    let Workload { plan, batch_size, optimizer, .. } = workload;
    Ok(of_plan(&plan)? + &training(&plan, &optimizer, batch_size, &arguments.compute)?)
}

fn of_model(file: &Path, arguments: &Arguments) -> Result<String> {
    let ModelFile { model, checksum } = ModelFile::read(&model_file(file)?)?;
    let mut text = of_plan(&model.plan)?;
    match checksum {
        Some(checksum) => writeln!(text, "checksum: {checksum}, verified")?,
        None => writeln!(text, "no checksum: written by an earlier version or another program")?,
    }
    text += &columns(&model.preparation)?;
    writeln!(text, "trained with: {}", model.settings)?;
    let optimizer: Option<Optimizer> =
        serde_json::from_value(model.settings["optimizer"].clone()).ok();
    match (optimizer, model.settings["batch_size"].as_u64()) {
        (Some(optimizer), Some(rows)) => {
            text += &training(&model.plan, &optimizer, rows as usize, &arguments.compute)?;
        }
        // a mini-batch of all rows is as large as the data, which is not here
        _ => writeln!(text, "training: its memory depends on the rows of the data")?,
    }
    Ok(text)
}

/// What goes in and what comes out, in the words of the training file.
fn columns(preparation: &Preparation) -> Result<String> {
    let mut text = String::new();
    let inputs = output::count(preparation.inputs(), "input");
    let count = |role| preparation.features().filter(|feature| feature.role == role).count();
    let roles = [
        (Role::Number, "number"),
        (Role::Category, "category"),
        (Role::Boolean, "boolean"),
        (Role::Date, "date"),
    ];
    let kinds: Vec<String> = roles
        .into_iter()
        .map(|(role, name)| (count(role), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| match (count, name) {
            (1, _) => format!("1 {name}"),
            (_, "category") => format!("{count} categories"),
            _ => format!("{count} {name}s"),
        })
        .collect();
    writeln!(text, "inputs: {inputs} of {}", kinds.join(", "))?;
    let passed: Vec<String> =
        preparation.passed_over().map(|(name, _)| output::plain(name)).collect();
    if !passed.is_empty() {
        writeln!(text, "passes over: {}", output::some_of(&passed, 20))?;
    }
    let names = preparation.target_names();
    let target = if names.is_empty() { "the target".to_string() } else { names.join(", ") };
    let target = output::plain(&target);
    match &preparation.target {
        TargetEncoding::Classes(classes) => {
            let classes: Vec<String> = classes.iter().map(|class| output::plain(class)).collect();
            writeln!(text, "answers: {target}, one of {}", output::some_of(&classes, 100))?;
        }
        TargetEncoding::Labels(_) => writeln!(text, "answers: {target}, whether each holds")?,
        TargetEncoding::Values { .. } if names.len() > 1 => writeln!(text, "answers: {target}")?,
        TargetEncoding::Values { .. } => writeln!(text, "answers: {target}, a number")?,
    }
    Ok(text)
}

/// The layers, their parameters, the loss.
fn of_plan(plan: &Plan) -> Result<String> {
    let mut text = layers(plan)?;
    let count = plan.parameter_count()?;
    let bytes = count * plan.precision.bytes();
    writeln!(text, "\n{count} parameters of {}, {}", plan.precision, size(bytes))?;
    let reduction = format!("{:?}", plan.reduction).to_lowercase();
    writeln!(text, "loss: {}, the {reduction} over a batch", plan.loss)?;
    Ok(text)
}

/// What training takes of the memory.
fn training(plan: &Plan, optimizer: &Optimizer, rows: usize, compute: &Compute) -> Result<String> {
    let (backend, threads) = (compute.backend()?, compute.threads.count());
    let setting = format!(
        "by {} with mini-batches of {} on {} with {}",
        optimizer.name(),
        output::count(rows, "row"),
        compute.backend,
        output::count(threads, "thread")
    );
    let Some(memory) = backend.training_memory(plan, threads, optimizer, rows)? else {
        return Ok(format!("training {setting}: {} cannot tell its memory\n", compute.backend));
    };
    let mut text = format!("training {setting} takes {} in the network:\n", size(memory.total()));
    let parts = [
        ("parameters", memory.parameters),
        ("packed weights", memory.packed),
        ("moments", memory.moments),
        ("workspace", memory.workspace),
    ];
    let mut table = output::table(&["", ""]);
    for (name, bytes) in parts.into_iter().filter(|(_, bytes)| *bytes > 0) {
        table.add_row([name.to_string(), size(bytes)]);
    }
    text += output::lines(&table).trim_start_matches('\n');
    let copies = size(COPIES.saturating_mul(memory.parameters));
    writeln!(text, "and {copies} for copies of the parameters while `train` writes the model")?;
    Ok(text)
}

/// A line for each layer: what it is, its shape, its parameters.
fn layers(plan: &Plan) -> Result<String> {
    let mut table = output::table(&["layer", "kind", "output", "parameters", "size"]);
    let parameters = plan.parameters()?;
    for (index, layer) in plan.layers.iter().enumerate() {
        let kind = match layer {
            Layer::Activation(activation) => activation.to_string(),
            _ => "dense".to_string(),
        };
        let count: usize =
            parameters.iter().filter(|array| array.layer == index).map(|a| a.range.len()).sum();
        table.add_row([
            index.to_string(),
            kind,
            plan.width(index).unwrap_or(0).to_string(),
            count.to_string(),
            size(count * plan.precision.bytes()),
        ]);
    }
    Ok(output::lines(&table))
}

/// A number of bytes for people.
fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
