//! Optimiser updates over flat tensors: [`Rule::apply`] for all parameters at once, with its
//! operations in its order, so that on the CPU the bits are its own.

use candle_core::{Result, Tensor};
use consonance_core::{Optimizer, Precision, Rule};

/// Parameters and moments after step number `step`, counted from 1. `moments` are
/// [`Optimizer::moments`] tensors, all of the parameters' shape.
pub(crate) fn updated(
    optimizer: &Optimizer,
    step: u64,
    precision: Precision,
    parameters: &Tensor,
    gradient: &Tensor,
    moments: &[Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    match (rule(optimizer, step, precision), moments) {
        (Rule::Sgd { rate, momentum, nesterov, decay }, moments) => {
            let g = decayed(gradient, parameters, decay)?;
            let (direction, moments) = match moments {
                [m] => {
                    let m = (m.affine(momentum, 0.0)? + &g)?;
                    let ahead = if nesterov { (g + m.affine(momentum, 0.0)?)? } else { m.clone() };
                    (ahead, vec![m])
                }
                _ => (g, Vec::new()),
            };
            Ok(((parameters - direction.affine(rate, 0.0)?)?, moments))
        }
        (
            Rule::Adam {
                keep,
                decay,
                beta1,
                one_minus_beta1,
                beta2,
                one_minus_beta2,
                rate,
                scale,
                epsilon,
            },
            [m, v],
        ) => {
            let g = decayed(gradient, parameters, decay)?;
            let m = (m.affine(beta1, 0.0)? + g.affine(one_minus_beta1, 0.0)?)?;
            let v = (v.affine(beta2, 0.0)? + g.sqr()?.affine(one_minus_beta2, 0.0)?)?;
            let ratio = m.div(&v.sqrt()?.affine(scale, epsilon)?)?;
            let kept =
                if keep == 1.0 { parameters.clone() } else { parameters.affine(keep, 0.0)? };
            Ok(((kept - ratio.affine(rate, 0.0)?)?, vec![m, v]))
        }
        (Rule::Adam { .. }, other) => {
            candle_core::bail!("Adam keeps 2 moments, {} are held", other.len())
        }
    }
}

/// gradient + decay·parameters
fn decayed(gradient: &Tensor, parameters: &Tensor, decay: f64) -> Result<Tensor> {
    if decay == 0.0 { Ok(gradient.clone()) } else { gradient + parameters.affine(decay, 0.0)? }
}

/// The step's constants, rounded to the network's precision.
fn rule(optimizer: &Optimizer, step: u64, precision: Precision) -> Rule<f64> {
    if precision == Precision::F64 {
        return optimizer.rule(step);
    }
    match optimizer.rule::<f32>(step) {
        Rule::Sgd { rate, momentum, nesterov, decay } => Rule::Sgd {
            rate: rate.into(),
            momentum: momentum.into(),
            nesterov,
            decay: decay.into(),
        },
        Rule::Adam {
            keep,
            decay,
            beta1,
            one_minus_beta1,
            beta2,
            one_minus_beta2,
            rate,
            scale,
            epsilon,
        } => Rule::Adam {
            keep: keep.into(),
            decay: decay.into(),
            beta1: beta1.into(),
            one_minus_beta1: one_minus_beta1.into(),
            beta2: beta2.into(),
            one_minus_beta2: one_minus_beta2.into(),
            rate: rate.into(),
            scale: scale.into(),
            epsilon: epsilon.into(),
        },
    }
}
