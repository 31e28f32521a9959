//! Losses of one row and their gradients with respect to its outputs.
//!
//! # Softmax
//! Errors e in the logits change p = softmax(z) by a factor between 1/(1 + r) and 1 + r,
//! 1 + rⱼ = exp(eⱼ)·(1 + q), q = Σ pᵢ·(exp(eᵢ) − 1). Since probabilities sum to 1, no pⱼ changes
//! by more than all others together; near pⱼ = 1 that is much less.
//!
//! Rounding, in units of u and with dᵢ = |zᵢ − max z|: the shifted logit dᵢ·u, its exponential 2·u
//! (1 ulp), the sum of n terms their average and (n − 1)·u, the quotient 2·u. Taking p as
//! exp(z − ln Σ exp z) instead costs another dⱼ·u and 3·u·ln n; the bound allows either.
//!
//! # Logarithms
//! 1 ulp is 2·u·|ln|; another 2·u for ln(1 + x) by way of 1 + x.

use super::{Bounded, Rounding, activation};
use consonance_core::{Activation, Loss, Reduction};

/// The loss of a row of outputs against its targets, and its gradient, both before reduction.
pub fn row(
    loss: Loss,
    outputs: &[Bounded],
    targets: &[f64],
    rounding: Rounding,
) -> (Bounded, Vec<Bounded>) {
    match loss {
        Loss::CrossEntropy => cross_entropy(outputs, targets, rounding),
        Loss::BinaryCrossEntropy => elementwise(outputs, targets, rounding, binary_cross_entropy),
        Loss::MeanSquaredError => elementwise(outputs, targets, rounding, squared_error),
    }
}

/// Makes of a row's outputs' errors those of its gradient, to first order: p∘(e − Σ p·e)·Σt,
/// σ·(1 − σ)·e or 2·e, all over `divisor`, as `gradient` is.
pub(super) fn gradient_errors(
    loss: Loss,
    gradient: &[Bounded],
    divisor: f64,
    targets: &[f64],
    e: &mut [f64],
) {
    let terms = gradient.iter().zip(targets).map(|(g, t)| g.value * divisor + t);
    match loss {
        Loss::CrossEntropy => {
            let total: f64 = targets.iter().sum();
            let weighted: f64 = terms.clone().zip(&*e).map(|(p, e)| p * e).sum();
            let mean = if total == 0.0 { 0.0 } else { weighted / total };
            e.iter_mut().zip(terms).for_each(|(e, p)| *e = p * (*e - mean));
        }
        Loss::BinaryCrossEntropy => e.iter_mut().zip(terms).for_each(|(e, s)| *e *= s * (1.0 - s)),
        Loss::MeanSquaredError => e.iter_mut().for_each(|e| *e *= 2.0),
    }
    e.iter_mut().for_each(|e| *e /= divisor);
}

/// What the sum over a batch is divided by.
pub fn divisor(loss: Loss, reduction: Reduction, rows: usize, outputs: usize) -> f64 {
    match (reduction, loss) {
        (Reduction::Sum, _) => 1.0,
        (Reduction::Mean, Loss::CrossEntropy) => rows as f64,
        (Reduction::Mean, Loss::BinaryCrossEntropy | Loss::MeanSquaredError) => {
            rows as f64 * outputs as f64
        }
    }
}

/// −Σ tⱼ·ln pⱼ = Σ tⱼ·(ln Σ exp z − zⱼ), gradient pⱼ·Σt − tⱼ.
fn cross_entropy(z: &[Bounded], targets: &[f64], rounding: Rounding) -> (Bounded, Vec<Bounded>) {
    let n = z.len() as f64;
    let largest = z.iter().map(|z| z.value).fold(f64::NEG_INFINITY, f64::max);
    let widest = z.iter().map(|z| z.error).fold(0.0, f64::max);
    let weights: Vec<f64> = z.iter().map(|z| libm::exp(z.value - largest)).collect();
    let sum: f64 = weights.iter().sum();
    let p: Vec<f64> = weights.iter().map(|w| w / sum).collect();
    let log_sum = libm::log(sum);

    // what the errors of the logits do: (exp(e) − 1)·(1 + q) + q is r
    let q: f64 = p.iter().zip(z).map(|(p, z)| p * libm::expm1(z.error)).sum();
    let shift = |j: usize| p[j] * (libm::expm1(z[j].error) * (1.0 + q) + q);
    // what rounding does, in units
    let distance = |j: usize| largest - z[j].value + z[j].error + widest;
    let average: f64 = (0..z.len()).map(|j| p[j] * (distance(j) + 2.0)).sum();

    let target_sum: f64 = targets.iter().sum();
    let gradient = (0..z.len())
        .map(|j| {
            let own = shift(j);
            let propagated = if p[j] > 0.5 {
                own.min((0..z.len()).filter(|&i| i != j).map(shift).sum())
            } else {
                own
            };
            let units = 2.0 * distance(j) + average + rounding.chain(n) + 3.0 + 3.0 * libm::log(n);
            let rounded = match p[j] + propagated {
                // nothing is left of the probability, however wrong its relative error
                0.0 => 0.0,
                size => size * libm::expm1(rounding.units(units)),
            };
            let tiny = rounding.round(0.0, 0.0, n + 1.0).error;
            // no two probabilities lie farther apart than 1, and some rounding
            let error = (propagated + rounded + tiny).min(rounding.bounded(1.5));
            let probability = Bounded { value: p[j], error };
            // a backend may take Σt as 1
            let scaled = Bounded {
                value: probability.value * target_sum,
                error: probability.error * target_sum.max(1.0)
                    + probability.value * (target_sum - 1.0).abs(),
            };
            rounding.sub(scaled, Bounded::exact(targets[j]))
        })
        .collect();

    let log_sum_units = average + rounding.chain(n) + 2.0 * log_sum + 1.0;
    // the logarithm changes by no more than the logit that changes most
    let log_sum_propagated = libm::log1p(q).min(widest);
    let mut total = Bounded::exact(0.0);
    for (j, &t) in targets.iter().enumerate().filter(|(_, t)| **t != 0.0) {
        let value = log_sum + (largest - z[j].value);
        let propagated = log_sum_propagated + z[j].error;
        // max + ln Σ, then − z; or z − max, then ln Σ − that
        let sums = largest.abs() + log_sum + 2.0 * distance(j) + value + propagated;
        let error = propagated + rounding.units(log_sum_units + sums);
        total.value += t * value;
        total.error += t.abs() * error;
    }
    (rounding.round(total.value, total.error, n + 1.0), gradient)
}

/// A loss that is a sum over the outputs.
fn elementwise(
    outputs: &[Bounded],
    targets: &[f64],
    rounding: Rounding,
    one: impl Fn(Bounded, f64, Rounding) -> (Bounded, Bounded),
) -> (Bounded, Vec<Bounded>) {
    let mut total = Bounded::exact(0.0);
    let mut gradient = Vec::with_capacity(outputs.len());
    for (&z, &t) in outputs.iter().zip(targets) {
        let (loss, slope) = one(z, t, rounding);
        total = rounding.add(total, loss);
        gradient.push(slope);
    }
    (total, gradient)
}

/// max(z, 0) − z·t + ln(1 + e^−|z|), gradient σ(z) − t.
fn binary_cross_entropy(z: Bounded, t: f64, rounding: Rounding) -> (Bounded, Bounded) {
    let sigmoid = activation::output(Activation::Sigmoid, z, rounding);
    let gradient = rounding.sub(sigmoid, Bounded::exact(t));
    let log = libm::log1p(libm::exp(-z.value.abs()));
    let value = if z.value > 0.0 { z.value * (1.0 - t) } else { -z.value * t } + log;
    // the slope is σ − t, the curvature at most ¼
    let propagated = (libm::fabs(sigmoid.value - t)) * z.error + z.error * z.error / 8.0;
    // z·t, the difference, the logarithm to 4 ulp and 2·u, the sum
    let size = z.magnitude() * (1.0 + t.abs());
    let units = 2.0 * size + 8.0 * log + 2.0 + value.abs() + propagated;
    let error = propagated + rounding.units(units) + rounding.round(0.0, 0.0, 4.0).error;
    (Bounded { value, error }, gradient)
}

/// (z − t)², gradient 2·(z − t).
fn squared_error(z: Bounded, t: f64, rounding: Rounding) -> (Bounded, Bounded) {
    let difference = rounding.sub(z, Bounded::exact(t));
    let gradient = Bounded { value: 2.0 * difference.value, error: 2.0 * difference.error };
    (rounding.mul(difference, difference), gradient)
}
