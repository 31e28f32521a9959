//! A loss and its gradient for some rows of outputs, in one pass.

use crate::math::Math;
use consonance_core::{Activation, Loss, Rows, Targets};

/// For outputs `z` [rows, width] of the rows `rows`: writes each row's loss, not yet reduced, to
/// `losses`, and the gradient of the reduced loss, `scale` times that of the sum, to `delta`
/// [rows, width]. The targets fit (`Plan::check_batch`).
pub(crate) fn loss_and_gradient<T: Math>(
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
    for (z, delta) in z.chunks_exact(width).zip(delta.chunks_exact_mut(width)) {
        let largest = largest(z);
        for (shifted, z) in delta.iter_mut().zip(z) {
            *shifted = *z - largest;
        }
    }
    T::exp_each(delta);
    let outputs = z.chunks_exact(width).zip(delta.chunks_exact_mut(width));
    for (position, ((z, delta), loss)) in outputs.zip(losses).enumerate() {
        let sum: T = delta.iter().copied().sum();
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

fn largest<T: Math>(row: &[T]) -> T {
    row.iter().fold(T::neg_infinity(), |a, &b| if b > a { b } else { a })
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
