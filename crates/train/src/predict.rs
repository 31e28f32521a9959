//! Answers for rows, in the words of the data.

use crate::Result;
use crate::metrics::predicted_class;
use consonance_core::{Batch, Loss, Network, Values};
use consonance_data::TargetEncoding;

/// What a network says of some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Prediction {
    /// Of classes.
    Classes {
        /// The most probable class of each row, an index into the labels.
        classes: Vec<usize>,
        /// The probability of each class for each row, each row summing to 1.
        probabilities: Vec<Vec<f64>>,
    },
    /// Of several labels: for each row the probability that each holds.
    Labels(Vec<Vec<f64>>),
    /// Of numbers: for each row its outputs, in the target's own unit.
    Values(Vec<Vec<f64>>),
}

/// Runs the batch forward and turns outputs into answers: logits into probabilities (softmax, or
/// the logistic function of a single logit), scaled values into the target's own unit.
///
/// # Errors
/// A batch that does not fit the network.
pub fn predict(
    network: &mut dyn Network,
    batch: &Batch<'_>,
    encoding: &TargetEncoding,
) -> Result<Prediction> {
    let outputs = network.forward(batch)?;
    let width = network.plan().outputs();
    let rows = 0..batch.len();
    let row = |row: usize| (0..width).map(move |j| (row, j));
    Ok(match network.plan().loss {
        Loss::MeanSquaredError => {
            let mut values: Vec<Vec<f64>> =
                rows.map(|r| row(r).map(|(r, j)| outputs.get(r * width + j)).collect()).collect();
            if let TargetEncoding::Values { standardizer: Some(standardizer) } = encoding {
                for row in &mut values {
                    standardizer.invert(row)?;
                }
            }
            Prediction::Values(values)
        }
        loss if matches!(encoding, TargetEncoding::Labels(_)) => Prediction::Labels(
            rows.map(|r| probabilities(loss, &outputs, width, r, true)).collect(),
        ),
        loss => Prediction::Classes {
            classes: rows.clone().map(|r| predicted_class(&outputs, width, r)).collect(),
            probabilities: rows.map(|r| probabilities(loss, &outputs, width, r, false)).collect(),
        },
    })
}

/// The probability of each class, or of each of several `labels`.
fn probabilities(loss: Loss, outputs: &Values, width: usize, row: usize, labels: bool) -> Vec<f64> {
    let logits: Vec<f64> = (row * width..(row + 1) * width).map(|i| outputs.get(i)).collect();
    match (loss, &logits[..]) {
        (Loss::BinaryCrossEntropy, &[z]) if !labels => softmax(&[0.0, z]),
        (Loss::BinaryCrossEntropy, _) => logits.iter().map(|&z| softmax(&[0.0, z])[1]).collect(),
        _ => softmax(&logits),
    }
}

/// e^zⱼ / Σ e^z, shifted by the largest logit so that nothing overflows.
fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|e| e / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_of_huge_logits_is_finite() {
        assert_eq!(softmax(&[1000.0, 1000.0]), [0.5, 0.5]);
        assert_eq!(softmax(&[-1000.0, 0.0]), [0.0, 1.0]);
    }
}
