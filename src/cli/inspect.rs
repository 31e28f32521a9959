//! `consonance inspect`

use super::{Outcome, output};
use consonance::data::TargetEncoding;
use consonance::train::Model;
use consonance::{Layer, Plan};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// A model.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A model file
    model: PathBuf,
}

/// Runs `consonance inspect`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let model = Model::load(&arguments.model)?;
    let mut text = layers(&model.plan)?;
    let plan = &model.plan;
    let count = plan.parameter_count()?;
    let bytes = count * plan.precision.bytes();
    writeln!(text, "\n{count} parameters of {}, {}", plan.precision, size(bytes))?;
    let reduction = format!("{:?}", plan.reduction).to_lowercase();
    writeln!(text, "loss: {}, the {reduction} over a batch", plan.loss)?;
    let schema = &model.preparation.schema;
    let scaled = match model.preparation.features {
        Some(_) => "standardised by the model",
        None => "as they are",
    };
    writeln!(text, "inputs: {} features, {scaled}", schema.features.len())?;
    let target = schema.target.as_ref().map_or("the target", |target| &target.name);
    match &model.preparation.target {
        TargetEncoding::Classes(classes) => {
            writeln!(text, "answers: {target}, one of {}", classes.join(", "))?;
        }
        TargetEncoding::Values { .. } => writeln!(text, "answers: {target}, a number")?,
    }
    writeln!(text, "trained with: {}", model.settings)?;
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each layer: what it is, its shape, its parameters.
fn layers(plan: &Plan) -> Result<String, Box<dyn std::error::Error>> {
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
