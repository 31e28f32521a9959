//! How good a network's answers are.

use crate::Result;
use consonance_core::{Batch, Network, Targets, Values};
use consonance_data::TargetEncoding;
use serde::Serialize;

/// The loss over some rows, and the score people read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metrics {
    /// The plan's loss, reduced as the plan says.
    pub loss: f64,
    /// Accuracy, or error and explained variance.
    #[serde(flatten)]
    pub score: Score,
}

/// The score of a classification or a regression.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Score {
    /// Of classes.
    Classes {
        /// The share of rows whose class was predicted, in [0, 1].
        accuracy: f64,
    },
    /// Of several labels, each of which holds or does not.
    Labels {
        /// The share of labels that were predicted, over all rows and labels, in [0, 1].
        accuracy: f64,
        /// The share of rows of which every label was predicted, in [0, 1].
        exact_match: f64,
    },
    /// Of numbers.
    Values {
        /// Root of the mean squared error, in the target's own unit.
        rmse: f64,
        /// 1 − Σ(t − y)² / Σ(t − t̄)²: 1 is perfect, 0 no better than the mean. `None` (in JSON,
        /// `null`) where the targets do not vary.
        r2: Option<f64>,
    },
}

impl Score {
    /// The number people compare: accuracy, or RMSE.
    pub fn main(&self) -> f64 {
        match *self {
            Score::Classes { accuracy } | Score::Labels { accuracy, .. } => accuracy,
            Score::Values { rmse, .. } => rmse,
        }
    }
}

/// Runs the batch forward and compares with its targets. `encoding` says how targets were scaled.
///
/// # Errors
/// A batch that does not fit the network, also in its targets.
pub fn evaluate(
    network: &mut dyn Network,
    batch: &Batch<'_>,
    encoding: &TargetEncoding,
) -> Result<Metrics> {
    network.plan().check_batch(batch)?;
    let outputs = network.forward(batch)?;
    let plan = network.plan();
    let loss = plan.loss.value(&outputs, batch, plan.reduction)?;
    let score = match batch.data.targets() {
        Targets::Classes(_) => accuracy(&outputs, batch),
        Targets::Values { values, width } if matches!(encoding, TargetEncoding::Labels(_)) => {
            labels(&outputs, values, *width, batch)
        }
        Targets::Values { values, width } if plan.loss.is_classification() => {
            let rows = batch.len();
            let agrees = |position: &usize| {
                let target = values_row(values, *width, batch.rows.at(*position));
                predicted_class(&outputs, *width, *position) == largest(&target)
            };
            let right = (0..rows).filter(agrees).count();
            Score::Classes { accuracy: right as f64 / rows as f64 }
        }
        Targets::Values { values, width } => {
            let mut scales = vec![1.0; *width];
            if let TargetEncoding::Values { standardizer: Some(standardizer) } = encoding {
                // of another width: the error that scaling would give
                standardizer.apply(&mut scales)?;
                scales.clone_from(&standardizer.scale);
            }
            regression(&outputs, values, *width, batch, &scales)
        }
        Targets::None => unreachable!("the batch's targets fit the loss"),
    };
    Ok(Metrics { loss, score })
}

/// Of logits, of which those above 0 say that the label holds.
fn labels(outputs: &Values, targets: &Values, width: usize, batch: &Batch<'_>) -> Score {
    let rows = batch.len();
    let right = |row: usize, label: usize| {
        let target = targets.get(batch.rows.at(row) * width + label);
        (outputs.get(row * width + label) > 0.0) == (target > 0.5)
    };
    let of_row = |row: usize| (0..width).filter(|&label| right(row, label)).count();
    let all: usize = (0..rows).map(of_row).sum();
    let exact = (0..rows).filter(|&row| of_row(row) == width).count();
    Score::Labels {
        accuracy: all as f64 / (rows * width) as f64,
        exact_match: exact as f64 / rows as f64,
    }
}

fn accuracy(outputs: &Values, batch: &Batch<'_>) -> Score {
    let rows = batch.len();
    let width = outputs.len() / rows;
    let right = (0..rows)
        .filter(|&row| batch.class(row) == Some(predicted_class(outputs, width, row) as u32))
        .count();
    Score::Classes { accuracy: right as f64 / rows as f64 }
}

/// The class that row `row` of logits stands for: the largest, the first of equals; of a single
/// logit, its sign.
pub(crate) fn predicted_class(outputs: &Values, width: usize, row: usize) -> usize {
    if width == 1 {
        return usize::from(outputs.get(row) > 0.0);
    }
    largest(&values_row(outputs, width, row))
}

fn values_row(values: &Values, width: usize, row: usize) -> Vec<f64> {
    (row * width..(row + 1) * width).map(|i| values.get(i)).collect()
}

fn largest(row: &[f64]) -> usize {
    if row.len() == 1 {
        return usize::from(row[0] > 0.5);
    }
    (0..row.len()).fold(0, |best, j| if row[j] > row[best] { j } else { best })
}

fn regression(
    outputs: &Values,
    targets: &Values,
    width: usize,
    batch: &Batch<'_>,
    scales: &[f64],
) -> Score {
    let pairs = |output: usize| {
        (0..batch.len()).map(move |row| {
            let target = targets.get(batch.rows.at(row) * width + output);
            (outputs.get(row * width + output), target)
        })
    };
    let count = (batch.len() * width) as f64;
    let mut residual = 0.0;
    let mut total = 0.0;
    for (output, scale) in scales.iter().enumerate() {
        let mean = pairs(output).map(|(_, t)| t).sum::<f64>() / batch.len() as f64;
        residual += pairs(output).map(|(y, t)| (scale * (t - y)).powi(2)).sum::<f64>();
        total += pairs(output).map(|(_, t)| (scale * (t - mean)).powi(2)).sum::<f64>();
    }
    Score::Values {
        rmse: (residual / count).sqrt(),
        r2: (total > 0.0).then(|| 1.0 - residual / total),
    }
}
