//! `consonance predict`

use super::arguments::Compute;
use super::loading::ModelAndRows;
use super::{Outcome, output};
use consonance::data::TargetEncoding;
use consonance::train::{Prediction, predict, write_atomically};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// A model, and rows to answer for, whose target may be left out.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rows: ModelAndRows,
    /// Write the answers to this file instead of standard output
    #[arg(help_heading = "Output", long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    compute: Compute,
}

/// Runs `consonance predict`: a line for each row, the class and each class's probability, or the
/// value.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let backend = arguments.compute.backend()?;
    let threads = arguments.compute.threads.count();
    let mut loaded = arguments.rows.load(false, &*backend, threads)?;
    let target = &loaded.preparation.target;
    let names = loaded.preparation.target_names();
    let answers = predict(&mut *loaded.network, &loaded.data.all(), target)?;
    let text = csv(&names, target, &answers)?;
    match &arguments.output {
        Some(file) => write_atomically(file, text.as_bytes())?,
        None => output::print(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The shortest digits that read back as the same number, with an exponent where it is far from 1.
fn number(value: &f64) -> String {
    format!("{value:?}")
}

/// Answers as CSV: a header, then a line for each row.
fn csv(
    names: &[String],
    target: &TargetEncoding,
    answers: &Prediction,
) -> Result<String, Box<dyn Error>> {
    // the targets' names, unless the file it learned from had none
    let name = |index: usize| names.get(index).map_or("prediction", String::as_str);
    let mut writer = csv::Writer::from_writer(Vec::new());
    match (answers, target) {
        (Prediction::Classes { classes, probabilities }, TargetEncoding::Classes(labels)) => {
            let columns = labels.iter().map(|label| format!("probability_{label}"));
            writer.write_record([name(0).to_string()].into_iter().chain(columns))?;
            for (class, probabilities) in classes.iter().zip(probabilities) {
                writer.write_field(&labels[*class])?;
                writer.write_record(probabilities.iter().map(number))?;
            }
        }
        (Prediction::Labels(probabilities), TargetEncoding::Labels(labels)) => {
            let columns = (0..labels.len()).map(|label| format!("probability_{}", name(label)));
            writer.write_record((0..labels.len()).map(|l| name(l).to_string()).chain(columns))?;
            for probabilities in probabilities {
                for (probability, words) in probabilities.iter().zip(labels) {
                    writer.write_field(&words[usize::from(*probability > 0.5)])?;
                }
                writer.write_record(probabilities.iter().map(number))?;
            }
        }
        (Prediction::Values(values), _) => {
            let width = values.first().map_or(1, Vec::len);
            writer.write_record((0..width).map(name))?;
            for row in values {
                writer.write_record(row.iter().map(number))?;
            }
        }
        _ => return Err("the model answers classes but names none".into()),
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
