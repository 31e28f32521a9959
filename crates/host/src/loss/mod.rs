//! A loss and its gradient for some rows of outputs, in one pass.

mod cross_entropy;
mod elementwise;

use crate::math::Math;
use crate::simd::dispatch;
use consonance_core::{Loss, Rows, Targets, Values};
use cross_entropy::CrossEntropy;
use elementwise::{Elementwise, Logistic, Squared};

/// For outputs `z` [rows, width] of the rows `rows`: writes each row's loss, not yet reduced, to
/// `losses`, and the gradient of the reduced loss, `scale` times that of the sum, to `delta`
/// [rows, width]. The targets fit ([`consonance_core::Plan::check_batch`]).
///
/// # Panics
/// May panic if the targets do not fit or the slices are not of these lengths.
pub fn loss_and_gradient<T: Math>(
    loss: Loss,
    targets: &Targets,
    rows: &Rows<'_>,
    scale: T,
    z: &[T],
    delta: &mut [T],
    losses: &mut [f64],
) {
    let width = z.len() / losses.len();
    match loss {
        Loss::CrossEntropy => {
            dispatch(CrossEntropy { targets, rows, scale, z, width, delta, losses });
        }
        Loss::BinaryCrossEntropy => {
            let term = Logistic { scale };
            dispatch(Elementwise { term, targets, rows, z, width, delta, losses });
        }
        Loss::MeanSquaredError => {
            let term = Squared { twice: scale + scale };
            dispatch(Elementwise { term, targets, rows, z, width, delta, losses });
        }
    }
}

/// How many elements of a row are compared, or added, side by side.
const SIDE_BY_SIDE: usize = 8;

/// The sum of some numbers, always in the same order.
#[inline(always)]
pub(crate) fn sum<T: Math>(row: &[T]) -> T {
    let mut sums = [T::zero(); SIDE_BY_SIDE];
    let chunks = row.chunks_exact(SIDE_BY_SIDE);
    let rest: T = chunks.remainder().iter().copied().sum();
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    (((a + e) + (b + f)) + ((c + g) + (d + h))) + rest
}

/// The target values of a row of the data set.
fn target<T: Math>(values: &Values, row: usize, width: usize) -> &[T] {
    &all_values(values)[row * width..][..width]
}

/// The target values of all rows.
fn all_values<T: Math>(values: &Values) -> &[T] {
    T::slice(values).expect("targets are of the plan's precision: checked")
}
