//! Losses: what training makes small.

use crate::{Batch, Error, Result, Targets, Values};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The loss of a network's outputs against the targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// −Σⱼ tⱼ·ln softmax(z)ⱼ over a row's outputs z, the logits. Targets are class indices, or
    /// probabilities tⱼ that sum to 1.
    CrossEntropy,
    /// −t·ln σ(z) − (1−t)·ln(1−σ(z)) for each output z, a logit. Targets are numbers in [0, 1],
    /// or, with one output, the classes 0 and 1.
    BinaryCrossEntropy,
    /// (z − t)² for each output z.
    #[serde(rename = "mse")]
    MeanSquaredError,
}

/// How the losses of a batch become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// The mean: over rows for cross-entropy, over rows and outputs for the others, as in
    /// PyTorch.
    #[default]
    Mean,
    /// The sum.
    Sum,
}

impl Loss {
    /// Every loss.
    pub const ALL: [Loss; 3] =
        [Loss::CrossEntropy, Loss::BinaryCrossEntropy, Loss::MeanSquaredError];

    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross_entropy",
            Loss::BinaryCrossEntropy => "binary_cross_entropy",
            Loss::MeanSquaredError => "mse",
        }
    }

    /// True where a row's outputs stand for classes (logits), false where they are values.
    pub fn is_classification(self) -> bool {
        self != Loss::MeanSquaredError
    }

    /// What the sum of a batch's losses, and its gradient, is divided by.
    pub fn divisor(self, reduction: Reduction, rows: usize, outputs: usize) -> f64 {
        match (reduction, self) {
            (Reduction::Sum, _) => 1.0,
            (Reduction::Mean, Loss::CrossEntropy) => rows as f64,
            (Reduction::Mean, _) => (rows * outputs) as f64,
        }
    }

    /// The loss of `outputs` [rows, outputs] against the batch's targets, in `f64`: the
    /// reference, and what evaluation reports.
    ///
    /// # Errors
    /// [`Error::Data`] if the batch has no targets of the kind and width this loss needs.
    pub fn value(self, outputs: &Values, batch: &Batch<'_>, reduction: Reduction) -> Result<f64> {
        let rows = batch.len();
        if rows == 0 || outputs.is_empty() || !outputs.len().is_multiple_of(rows) {
            return Err(Error::mismatch("outputs", format_args!("{rows} rows"), outputs.len()));
        }
        let width = outputs.len() / rows;
        self.check_targets(batch.data.targets(), width)?;
        let mut row = vec![0.0; width];
        let mut target = vec![0.0; width];
        let mut sum = 0.0;
        for position in 0..rows {
            for (j, z) in row.iter_mut().enumerate() {
                *z = outputs.get(position * width + j);
            }
            let source = batch.rows.at(position);
            match batch.data.targets() {
                Targets::Classes(classes) if self == Loss::CrossEntropy => {
                    target.fill(0.0);
                    let class = classes[source] as usize;
                    let hot = target.get_mut(class).ok_or_else(|| {
                        Error::Data(format!("row {source} is of class {class}, of {width} outputs"))
                    })?;
                    *hot = 1.0;
                }
                Targets::Classes(classes) => target[0] = f64::from(classes[source]),
                Targets::Values { values, .. } => {
                    for (j, t) in target.iter_mut().enumerate() {
                        *t = values.get(source * width + j);
                    }
                }
                Targets::None => unreachable!("checked above"),
            }
            sum += self.row(&row, &target);
        }
        Ok(sum / self.divisor(reduction, rows, width))
    }

    /// The loss of one row of outputs.
    fn row(self, outputs: &[f64], targets: &[f64]) -> f64 {
        match self {
            Loss::CrossEntropy => {
                // shifting by the largest logit keeps every exponential at most 1
                let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = outputs.iter().map(|z| (z - largest).exp()).sum();
                let one = |(z, t): (&f64, &f64)| {
                    if *t == 0.0 { 0.0 } else { t * ((largest - z) + sum.ln()) }
                };
                outputs.iter().zip(targets).map(one).sum()
            }
            // −t·ln σ(z) − (1−t)·ln(1−σ(z)) = max(z, 0) − z·t + ln(1 + e^−|z|)
            Loss::BinaryCrossEntropy => {
                let one = |(z, t): (&f64, &f64)| z.max(0.0) - z * t + (-z.abs()).exp().ln_1p();
                outputs.iter().zip(targets).map(one).sum()
            }
            Loss::MeanSquaredError => {
                outputs.iter().zip(targets).map(|(z, t)| (z - t).powi(2)).sum()
            }
        }
    }

    /// Checks that `targets` are of the kind and width this loss compares `outputs` outputs with.
    ///
    /// # Errors
    /// [`Error::Data`] saying what is there and what is needed.
    pub fn check_targets(self, targets: &Targets, outputs: usize) -> Result<()> {
        let refuse = |what: String| Err(Error::Data(format!("loss {self}: {what}")));
        match (self, targets) {
            (_, Targets::None) => refuse("the rows have no targets".into()),
            (Loss::MeanSquaredError, Targets::Classes(_)) => {
                refuse("targets are classes, numbers are needed".into())
            }
            (Loss::BinaryCrossEntropy, Targets::Classes(_)) if outputs != 1 => {
                refuse(format!("class targets need a network of 1 output, not {outputs}"))
            }
            (_, Targets::Values { width, .. }) if *width != outputs => refuse(format!(
                "targets are {width} numbers a row, the network has {outputs} outputs"
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Loss {
    type Err = Error;

    /// Reads a name; `-` may stand for `_`.
    fn from_str(name: &str) -> Result<Self> {
        let name = &name.replace('-', "_");
        Loss::ALL.into_iter().find(|loss| loss.name() == *name).ok_or_else(|| {
            let names: Vec<_> = Loss::ALL.iter().map(|loss| loss.name()).collect();
            Error::Plan(format!("unknown loss '{name}'; there are: {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;

    fn value(loss: Loss, outputs: Vec<f64>, targets: Targets) -> Result<f64> {
        let rows = match &targets {
            Targets::Classes(classes) => classes.len(),
            Targets::Values { width, values } => values.len() / width,
            Targets::None => 1,
        };
        let data = Dataset::new(1, Values::from(vec![0.0_f64; rows]), targets).unwrap();
        loss.value(&Values::from(outputs), &data.all(), Reduction::Mean)
    }

    #[test]
    fn cross_entropy_survives_logits_that_overflow_a_plain_softmax() {
        let classes = Targets::Classes(vec![0, 1]);
        let loss = value(Loss::CrossEntropy, vec![1000.0, 0.0, 1000.0, 0.0], classes).unwrap();
        assert_eq!(loss, 500.0);
    }

    #[test]
    fn classes_are_probabilities_of_one() {
        let logits = vec![0.3, -1.0, 2.0];
        let classes = value(Loss::CrossEntropy, logits.clone(), Targets::Classes(vec![2])).unwrap();
        let hot = Targets::Values { width: 3, values: Values::from(vec![0.0_f64, 0.0, 1.0]) };
        assert_eq!(classes, value(Loss::CrossEntropy, logits, hot).unwrap());
        let plain = (0.3_f64.exp() + (-1.0_f64).exp() + 2.0_f64.exp()).ln() - 2.0;
        assert!((classes - plain).abs() < 1e-15, "{classes}");
    }

    #[test]
    fn binary_cross_entropy_is_cross_entropy_of_two() {
        let z = 1.7;
        let one = value(Loss::BinaryCrossEntropy, vec![z], Targets::Classes(vec![1])).unwrap();
        let two = value(Loss::CrossEntropy, vec![0.0, z], Targets::Classes(vec![1])).unwrap();
        assert!((one - two).abs() < 1e-15);
    }

    #[test]
    fn unfit_targets_are_refused() {
        assert!(value(Loss::MeanSquaredError, vec![1.0], Targets::Classes(vec![0])).is_err());
        assert!(value(Loss::CrossEntropy, vec![1.0], Targets::None).is_err());
        assert!(
            value(Loss::BinaryCrossEntropy, vec![1.0, 2.0], Targets::Classes(vec![0])).is_err()
        );
    }
}
