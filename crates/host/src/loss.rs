//! A loss and its gradient for some rows of outputs, in one pass.

use crate::math::Math;
use crate::simd::{Fma, Sweep, dispatch};
use consonance_core::{Activation, Loss, Rows, Targets};

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
        Loss::CrossEntropy => cross_entropy(targets, rows, scale, z, delta, losses, width),
        Loss::BinaryCrossEntropy => {
            delta.copy_from_slice(z);
            T::activate(Activation::Sigmoid, delta);
            for_each_target(targets, rows, z, delta, losses, width, |z, t, sigmoid| {
                let (z, t) = (z.widen(), t.widen());
                let positive = if z < 0.0 { 0.0 } else { z };
                let loss = positive - z * t + libm::log1p(libm::exp(-z.abs()));
                ((sigmoid - T::of(t)) * scale, loss)
            });
        }
        Loss::MeanSquaredError => {
            let twice = scale + scale;
            for_each_target(targets, rows, z, delta, losses, width, |z, t, _| {
                let difference = z - t;
                (twice * difference, difference.widen() * difference.widen())
            });
        }
    }
}

/// Softmax, cross-entropy and its gradient p·Σt − t. The shift by each row's largest logit keeps
/// every exponential at most 1.
fn cross_entropy<T: Math>(
    targets: &Targets,
    rows: &Rows<'_>,
    scale: T,
    z: &[T],
    delta: &mut [T],
    losses: &mut [f64],
    width: usize,
) {
    dispatch(Shift { z, width, shifted: delta });
    T::exp_each(delta);
    dispatch(Normalise { targets, rows, scale, z, width, delta, losses });
}

/// Each row less its largest element.
struct Shift<'a, T> {
    z: &'a [T],
    width: usize,
    shifted: &'a mut [T],
}

impl<T: Math> Sweep for Shift<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let rows = self.z.chunks_exact(self.width);
        for (z, shifted) in rows.zip(self.shifted.chunks_exact_mut(self.width)) {
            let largest = largest(z);
            for (shifted, z) in shifted.iter_mut().zip(z) {
                *shifted = *z - largest;
            }
        }
    }
}

/// Rows of exponentials become gradients, and losses.
struct Normalise<'a, T> {
    targets: &'a Targets,
    rows: &'a Rows<'a>,
    scale: T,
    z: &'a [T],
    width: usize,
    delta: &'a mut [T],
    losses: &'a mut [f64],
}

impl<T: Math> Sweep for Normalise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let Normalise { targets, rows, scale, z, width, delta, losses } = self;
        let outputs = z.chunks_exact(width).zip(delta.chunks_exact_mut(width));
        for (position, ((z, delta), loss)) in outputs.zip(losses).enumerate() {
            let sum = sum(delta);
            // −ln softmax(z)ⱼ, without the digits that a sum with a large logit would lose
            let (largest, log_sum) = (largest(z).widen(), libm::log(sum.widen()));
            let surprise = |z: T| (largest - z.widen()) + log_sum;
            let row = rows.at(position);
            match targets {
                Targets::Classes(classes) => {
                    let class = classes[row] as usize;
                    let factor = scale / sum;
                    delta.iter_mut().for_each(|p| *p *= factor);
                    delta[class] -= scale;
                    *loss = surprise(z[class]);
                }
                Targets::Values { values, .. } => {
                    let target = target::<T>(values, row, width);
                    let mass: T = target.iter().copied().sum();
                    let factor = scale * mass / sum;
                    *loss = 0.0;
                    for ((p, t), z) in delta.iter_mut().zip(target).zip(z) {
                        *p = *p * factor - *t * scale;
                        // a probability of 0 asks nothing of its logit, were it infinite
                        if *t != T::zero() {
                            *loss += t.widen() * surprise(*z);
                        }
                    }
                }
                Targets::None => *loss = f64::NAN,
            }
        }
    }
}

/// How many elements of a row are compared, or added, side by side.
const SIDE_BY_SIDE: usize = 8;

/// The largest element of a row; NaN is never the largest.
#[inline(always)]
fn largest<T: Math>(row: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    let mut best = [T::neg_infinity(); SIDE_BY_SIDE];
    let chunks = row.chunks_exact(SIDE_BY_SIDE);
    let rest = chunks.remainder().iter().fold(T::neg_infinity(), |a, &b| larger(a, b));
    for chunk in chunks {
        for (best, &x) in best.iter_mut().zip(chunk) {
            *best = larger(*best, x);
        }
    }
    best.into_iter().fold(rest, larger)
}

/// The sum of a row, always in the same order.
#[inline(always)]
fn sum<T: Math>(row: &[T]) -> T {
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

fn target<T: Math>(values: &consonance_core::Values, row: usize, width: usize) -> &[T] {
    let values = T::slice(values).expect("targets are of the plan's precision: checked");
    &values[row * width..][..width]
}

/// Replaces each element of `delta` by the gradient and adds up each row's loss, as `one` tells
/// them of (output, target, what was in `delta`).
fn for_each_target<T: Math>(
    targets: &Targets,
    rows: &Rows<'_>,
    z: &[T],
    delta: &mut [T],
    losses: &mut [f64],
    width: usize,
    one: impl Fn(T, T, T) -> (T, f64),
) {
    let outputs = z.chunks_exact(width).zip(delta.chunks_exact_mut(width));
    for (position, ((z, delta), loss)) in outputs.zip(losses).enumerate() {
        let row = rows.at(position);
        let class;
        let target = match targets {
            Targets::Classes(classes) => {
                class = [T::of(f64::from(classes[row]))];
                &class[..]
            }
            Targets::Values { values, .. } => target::<T>(values, row, width),
            Targets::None => &[],
        };
        *loss = 0.0;
        for ((d, &z), &t) in delta.iter_mut().zip(z).zip(target) {
            let (gradient, value) = one(z, t, *d);
            *d = gradient;
            *loss += value;
        }
    }
}
