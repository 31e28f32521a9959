//! One optimiser update of one parameter, from the numbers a backend itself holds.
//!
//! Operands are exact: the backend's own parameter, gradient and moments before the step. Each
//! constant of the formula is taken in float64 and rounded once to the backend's precision. So are
//! the corrections 1 − βᵗ, which cancel: βᵗ by repeated multiplication has a relative error of up
//! to t·2⁻⁵³, which 1 − βᵗ has of βᵗ, not of itself.

use super::{Bounded, ORACLE, Rounding};
use consonance_core::Optimizer;

/// What an update leaves of a parameter with gradient `g` and these moments (as many as the
/// optimiser keeps): the parameter, and the moments. `step` counts from 1.
pub fn update(
    optimizer: &Optimizer,
    step: u64,
    p: f64,
    g: f64,
    moments: &[f64],
    r: Rounding,
) -> (Bounded, Vec<Bounded>) {
    let (p, g) = (Bounded::exact(p), Bounded::exact(g));
    // one factor with the rounding of the constant
    let times = |constant: f64, x: Bounded| r.mul(r.constant(constant, 0.0), x);
    let decayed = |decay: f64| if decay == 0.0 { g } else { r.add(g, times(decay, p)) };
    match *optimizer {
        Optimizer::Sgd { learning_rate, momentum, nesterov, weight_decay } => {
            let g = decayed(weight_decay);
            if momentum == 0.0 {
                return (r.sub(p, times(learning_rate, g)), Vec::new());
            }
            let m = r.add(times(momentum, Bounded::exact(moments[0])), g);
            let direction = if nesterov { r.add(g, times(momentum, m)) } else { m };
            (r.sub(p, times(learning_rate, direction)), vec![m])
        }
        Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay }
        | Optimizer::AdamW { learning_rate, beta1, beta2, epsilon, weight_decay } => {
            let decoupled = matches!(optimizer, Optimizer::AdamW { .. });
            let g = if decoupled { g } else { decayed(weight_decay) };
            let times_derived =
                |value: f64, error: f64, x: Bounded| r.mul(r.constant(value, error), x);
            let mix = |beta: f64, old: f64, new: Bounded| {
                let new = times_derived(1.0 - beta, ORACLE, new);
                r.add(times(beta, Bounded::exact(old)), new)
            };
            let m = mix(beta1, moments[0], g);
            let v = mix(beta2, moments[1], r.mul(g, g));
            let correct = |beta: f64| {
                let power = libm::pow(beta, step as f64);
                let correction = 1.0 - power;
                (correction, (step as f64 * power / correction + 3.0) * ORACLE)
            };
            let (first, first_error) = correct(beta1);
            let (second, second_error) = correct(beta2);
            let root = times_derived(1.0 / second.sqrt(), second_error, r.sqrt(v));
            let ratio = r.div(m, r.add(root, r.constant(epsilon, 0.0)));
            let kept = if decoupled {
                times_derived(1.0 - learning_rate * weight_decay, 2.0 * ORACLE, p)
            } else {
                p
            };
            let moved = times_derived(learning_rate / first, first_error, ratio);
            (r.sub(kept, moved), vec![m, v])
        }
    }
}
