//! Columns brought to mean 0 and standard deviation 1.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// x ↦ (x − mean) / scale for each column.
///
/// Fitted, `scale` is the population standard deviation (divided by n), as in scikit-learn's
/// `StandardScaler`, and 1 for a column that never varies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standardizer {
    /// One for each column.
    pub mean: Vec<f64>,
    /// One for each column; none is 0.
    pub scale: Vec<f64>,
}

impl Standardizer {
    /// Fits row-major `values` [rows, `width`].
    ///
    /// # Errors
    /// [`Error::Standardize`] if `values` is not a positive whole number of rows, holds NaN or ∞,
    /// or spans so wide a range that `f64` cannot hold it.
    pub fn fit_values(width: usize, values: &[f64]) -> Result<Self> {
        check_shape(width, values)?;
        let each = |visit: &mut dyn FnMut(&[f64])| values.chunks(width).for_each(visit);
        Self::fit_rows(width, each, |column| format!("column {}", column + 1))
    }

    /// Fits the rows that `each` shows, twice: first the mean, then the deviation.
    ///
    /// Sums are of differences from the first row, which loses no digits to a large offset, and
    /// squares are of deviations divided by the largest, which neither overflow nor vanish.
    fn fit_rows(
        width: usize,
        each: impl Fn(&mut dyn FnMut(&[f64])),
        name: impl Fn(usize) -> String,
    ) -> Result<Self> {
        let (mut count, mut first) = (0.0, Vec::new());
        let mut sum = vec![0.0; width];
        let mut range = vec![(f64::INFINITY, f64::NEG_INFINITY); width];
        each(&mut |row| {
            if first.is_empty() {
                first = row.to_vec();
            }
            count += 1.0;
            for (j, &x) in row.iter().enumerate() {
                sum[j] += x - first[j];
                range[j] = (range[j].0.min(x), range[j].1.max(x));
            }
        });
        if first.is_empty() {
            return Err(Error::Standardize("no rows to learn mean and deviation from".to_owned()));
        }
        let mean: Vec<f64> = first.iter().zip(&sum).map(|(x, sum)| x + sum / count).collect();
        let largest: Vec<f64> =
            range.iter().zip(&mean).map(|((low, high), m)| (m - low).max(high - m)).collect();
        let mut squares = vec![0.0; width];
        each(&mut |row| {
            for (j, &x) in row.iter().enumerate() {
                let deviation = (x - mean[j]) / largest[j];
                squares[j] += deviation * deviation;
            }
        });
        let scale: Vec<f64> = (0..width)
            .map(|j| match range[j].0 == range[j].1 {
                true => 1.0,
                false => largest[j] * f64::sqrt(squares[j] / count),
            })
            .collect();
        let fits = |j: usize| mean[j].is_finite() && scale[j].is_finite() && scale[j] > 0.0;
        match (0..width).find(|&j| !fits(j)) {
            Some(j) => {
                let problem = format!("{}: its mean and deviation do not fit f64", name(j));
                Err(Error::Standardize(problem))
            }
            None => Ok(Standardizer { mean, scale }),
        }
    }

    /// Checks that there are `width` means and scales, all finite and no scale 0 or below.
    pub(crate) fn check(&self, width: usize) -> std::result::Result<(), String> {
        let (means, scales) = (self.mean.len(), self.scale.len());
        if means != width || scales != width {
            return Err(format!("{means} means and {scales} scales, expected {width}"));
        }
        let bad = |scale: &&f64| !(scale.is_finite() && **scale > 0.0);
        if let Some(mean) = self.mean.iter().find(|mean| !mean.is_finite()) {
            return Err(format!("a mean of {mean}, expected finite numbers"));
        }
        match self.scale.iter().find(bad) {
            Some(scale) => Err(format!("a scale of {scale}, expected numbers above 0")),
            None => Ok(()),
        }
    }

    /// How many columns it was fitted to.
    pub fn width(&self) -> usize {
        self.mean.len()
    }

    /// Standardises row-major `values` [rows, width] in place.
    ///
    /// # Errors
    /// [`Error::Standardize`] if they are no whole number of rows.
    pub fn apply(&self, values: &mut [f64]) -> Result<()> {
        self.each(values, |x, mean, scale| (x - mean) / scale)
    }

    /// Takes standardised `values` [rows, width] back to the units they came in, in place.
    ///
    /// # Errors
    /// [`Error::Standardize`] if they are no whole number of rows.
    pub fn invert(&self, values: &mut [f64]) -> Result<()> {
        self.each(values, |x, mean, scale| x * scale + mean)
    }

    fn each(&self, values: &mut [f64], formula: impl Fn(f64, f64, f64) -> f64) -> Result<()> {
        check_shape(self.width(), values)?;
        for row in values.chunks_mut(self.width()) {
            for ((x, &mean), &scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *x = formula(*x, mean, scale);
            }
        }
        Ok(())
    }
}

fn check_shape(width: usize, values: &[f64]) -> Result<()> {
    match width > 0 && values.len().is_multiple_of(width) {
        true => Ok(()),
        false => {
            let problem = format!("{} values are no whole number of rows of {width}", values.len());
            Err(Error::Standardize(problem))
        }
    }
}
