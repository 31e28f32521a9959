//! Losses that are a sum over the outputs of a row, each of which has a target.

use super::{all_values, sum, target};
use crate::math::{Math, exp, log_one_plus, sigmoid};
use crate::simd::{Fma, Sweep};
use consonance_core::{Rows, Targets};

/// What one output adds to a loss.
pub(super) trait Term<T>: Copy {
    /// The gradient at output `z` with target `t`, and the loss.
    fn at<F: Fma>(self, z: T, t: T) -> (T, f64);
}

/// (z − t)², whose derivative is 2·(z − t).
#[derive(Clone, Copy)]
pub(super) struct Squared<T> {
    /// Twice the factor of the gradient.
    pub(super) twice: T,
}

impl<T: Math> Term<T> for Squared<T> {
    #[inline(always)]
    fn at<F: Fma>(self, z: T, t: T) -> (T, f64) {
        let difference = z - t;
        (self.twice * difference, difference.widen() * difference.widen())
    }
}

/// Cross-entropy of σ(z) and t, max(z, 0) − z·t + ln(1 + e⁻|ᶻ|), whose derivative is σ(z) − t.
#[derive(Clone, Copy)]
pub(super) struct Logistic<T> {
    /// The factor of the gradient.
    pub(super) scale: T,
}

impl<T: Math> Term<T> for Logistic<T> {
    #[inline(always)]
    fn at<F: Fma>(self, z: T, t: T) -> (T, f64) {
        let gradient = (sigmoid::<F, T>(z) - t) * self.scale;
        let (z, t) = (z.widen(), t.widen());
        let positive = if z < 0.0 { 0.0 } else { z };
        let rest = log_one_plus::<F, f64>(exp::<F, f64>(-z.abs()));
        (gradient, positive - z * t + rest)
    }
}

/// How many elements are computed side by side.
const CHUNK: usize = 256;

/// Such a loss and its gradient.
pub(super) struct Elementwise<'a, T, L> {
    pub(super) term: L,
    pub(super) targets: &'a Targets,
    pub(super) rows: &'a Rows<'a>,
    pub(super) z: &'a [T],
    pub(super) width: usize,
    pub(super) delta: &'a mut [T],
    pub(super) losses: &'a mut [f64],
}

impl<T: Math, L: Term<T>> Sweep for Elementwise<'_, T, L> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let Elementwise { term, targets, rows, z, width, delta, losses } = self;
        collect(targets, rows, width, delta);
        // as many rows as fit into a chunk, or one row in several
        let rows = (CHUNK / width).max(1);
        let parts = z.chunks(rows * width).zip(delta.chunks_mut(rows * width));
        for ((z, delta), losses) in parts.zip(losses.chunks_mut(rows)) {
            losses.fill(0.0);
            for (z, delta) in z.chunks(CHUNK).zip(delta.chunks_mut(CHUNK)) {
                let mut each = [0.0; CHUNK];
                for ((&z, delta), loss) in z.iter().zip(&mut *delta).zip(&mut each) {
                    (*delta, *loss) = term.at::<F>(z, *delta);
                }
                let each = &each[..z.len()];
                match width {
                    1 => losses.copy_from_slice(each),
                    _ => each.chunks(width).zip(&mut *losses).for_each(|(of_row, loss)| {
                        *loss += sum(of_row);
                    }),
                }
            }
        }
    }
}

/// Writes the targets of some rows to where their gradient will be.
#[inline(always)]
fn collect<T: Math>(targets: &Targets, rows: &Rows<'_>, width: usize, to: &mut [T]) {
    match targets {
        // of one output: `Plan::check_batch`
        Targets::Classes(classes) => {
            for (at, t) in to.iter_mut().enumerate() {
                *t = T::of(f64::from(classes[rows.at(at)]));
            }
        }
        // no call for a single number
        Targets::Values { values, .. } if width == 1 => {
            let values = all_values::<T>(values);
            for (at, t) in to.iter_mut().enumerate() {
                *t = values[rows.at(at)];
            }
        }
        Targets::Values { values, .. } => {
            for (at, to) in to.chunks_exact_mut(width).enumerate() {
                to.copy_from_slice(target(values, rows.at(at), width));
            }
        }
        Targets::None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::loss_and_gradient;
    use consonance_core::{Loss, Values};

    /// The gradient and the loss of one output, by functions that are right to a unit.
    fn exactly(loss: Loss, z: f64, t: f64) -> (f64, f64) {
        match loss {
            Loss::MeanSquaredError => (2.0 * (z - t), (z - t) * (z - t)),
            _ => {
                let sigmoid = 1.0 / (1.0 + libm::exp(-z));
                (sigmoid - t, z.max(0.0) - z * t + libm::log1p(libm::exp(-z.abs())))
            }
        }
    }

    fn check(
        loss: Loss,
        targets: &Targets,
        rows: &[u32],
        width: usize,
        target: impl Fn(usize) -> f64,
    ) {
        let z: Vec<f64> = (0..rows.len() * width).map(|i| (i * 37 % 101) as f64 - 50.0).collect();
        let (mut delta, mut losses) = (vec![f64::NAN; z.len()], vec![f64::NAN; rows.len()]);
        let named = Rows::List(rows);
        loss_and_gradient(loss, targets, &named, 0.5, &z, &mut delta, &mut losses);
        for (position, (&row, sum)) in rows.iter().zip(losses).enumerate() {
            let mut expected = 0.0;
            for at in position * width..(position + 1) * width {
                let t = target(row as usize * width + at % width);
                let (gradient, term) = exactly(loss, z[at], t);
                // some units in the last place of σ, which is 1 at most, and of sums
                let off = (delta[at] - 0.5 * gradient).abs();
                assert!(
                    off <= 1e-15 * gradient.abs().max(1.0),
                    "{loss}: {} of {gradient}",
                    delta[at]
                );
                expected += term;
            }
            let off = (sum - expected).abs();
            assert!(
                off <= 1e-14 * expected,
                "{loss}, width {width}, row {row}: {sum} of {expected}"
            );
        }
    }

    #[test]
    fn rows_of_any_width_have_their_losses_and_gradients() {
        for loss in [Loss::MeanSquaredError, Loss::BinaryCrossEntropy] {
            for (width, rows) in [(1, 1), (1, 700), (3, 100), (CHUNK, 2), (2 * CHUNK + 7, 3)] {
                let target = |at: usize| (at % 7) as f64 / 6.0;
                let values: Vec<f64> = (0..2 * rows * width).map(target).collect();
                let targets = Targets::Values { width, values: Values::from(values) };
                let backwards: Vec<u32> = (0..rows as u32).map(|row| 2 * row + 1).rev().collect();
                check(loss, &targets, &backwards, width, target);
            }
        }
    }

    #[test]
    fn classes_are_the_targets_zero_and_one() {
        let classes: Vec<u32> = (0..600).map(|row| row / 3 % 2).collect();
        let rows: Vec<u32> = (0..300).map(|row| 599 - row).collect();
        let target = |row: usize| f64::from(classes[row]);
        check(Loss::BinaryCrossEntropy, &Targets::Classes(classes.clone()), &rows, 1, target);
    }
}
