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
    #[arg(long, short, value_name = "FILE")]
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
    let name = loaded.preparation.schema.target.as_ref().map_or("prediction", |t| &t.name);
    let answers = predict(&mut *loaded.network, &loaded.data.all(), target)?;
    let text = csv(name, target, &answers)?;
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
    name: &str,
    target: &TargetEncoding,
    answers: &Prediction,
) -> Result<String, Box<dyn Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    match (answers, target) {
        (Prediction::Classes { classes, probabilities }, TargetEncoding::Classes(labels)) => {
            let columns = labels.iter().map(|label| format!("probability_{label}"));
            writer.write_record([name.to_string()].into_iter().chain(columns))?;
            for (class, probabilities) in classes.iter().zip(probabilities) {
                writer.write_field(&labels[*class])?;
                writer.write_record(probabilities.iter().map(number))?;
            }
        }
        (Prediction::Values(values), _) => {
            writer.write_record([name])?;
            for row in values {
                writer.write_record(row.iter().map(number))?;
            }
        }
        _ => return Err("the model answers classes but names none".into()),
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
