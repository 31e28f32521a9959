//! Losses over tensors, in `f64` whatever the network's precision: outputs are few, and both the
//! sum over a batch and differences such as p − t deserve the digits.

use crate::functions::{at_least, ln_1p, sigmoids};
use candle_core::{D, DType, Result, Tensor};
use consonance_core::Loss;

/// The losses, summed over all rows, and the gradient of `scale` times that sum with respect to
/// the outputs `z` [rows, outputs], in their precision.
///
/// `targets` [rows, outputs] hold numbers or, [rows, 1] of `u32`, classes.
pub(crate) fn loss_and_gradient(
    loss: Loss,
    z: &Tensor,
    targets: &Tensor,
    scale: f64,
) -> Result<(f64, Tensor)> {
    let precision = z.dtype();
    let targets = numbers(loss, targets, z.dim(D::Minus1)?)?;
    let z = z.to_dtype(DType::F64)?;
    let (losses, gradient) = match loss {
        Loss::CrossEntropy => cross_entropy(&z, &targets)?,
        Loss::BinaryCrossEntropy => binary_cross_entropy(&z, &targets)?,
        Loss::MeanSquaredError => {
            let difference = (&z - &targets)?;
            (difference.sqr()?, difference.affine(2.0, 0.0)?)
        }
    };
    let sum = losses.sum_all()?.to_scalar()?;
    Ok((sum, gradient.affine(scale, 0.0)?.to_dtype(precision)?))
}

/// The targets as `f64` numbers, one for each output.
fn numbers(loss: Loss, targets: &Tensor, outputs: usize) -> Result<Tensor> {
    if targets.dtype() == DType::U32 && loss == Loss::CrossEntropy {
        let classes = Tensor::arange(0, outputs as u32, targets.device())?.unsqueeze(0)?;
        return targets.broadcast_eq(&classes)?.to_dtype(DType::F64);
    }
    targets.to_dtype(DType::F64)
}

/// Σⱼ tⱼ·(ln Σₖ e^zₖ − zⱼ), and its gradient p·Σt − t with p the softmax. The shift by each row's
/// largest logit keeps every exponential at most 1.
fn cross_entropy(z: &Tensor, t: &Tensor) -> Result<(Tensor, Tensor)> {
    let shifted = z.broadcast_sub(&z.max_keepdim(D::Minus1)?)?;
    let exponentials = shifted.exp()?;
    let sum = exponentials.sum_keepdim(D::Minus1)?;
    let surprises = shifted.broadcast_sub(&sum.log()?)?.neg()?;
    // a probability of 0 asks nothing of its logit, were it infinite
    let zero = t.zeros_like()?;
    let losses = t.eq(&zero)?.where_cond(&zero, &(t * surprises)?)?;
    let mass = t.sum_keepdim(D::Minus1)?;
    let gradient = (exponentials.broadcast_mul(&mass.div(&sum)?)? - t)?;
    Ok((losses, gradient))
}

/// max(z, 0) − z·t + ln(1 + e^−|z|), and its gradient σ(z) − t as (1 − t)·σ(z) − t·σ(−z), which
/// does not cancel where the answer is right.
fn binary_cross_entropy(z: &Tensor, t: &Tensor) -> Result<(Tensor, Tensor)> {
    let tail = ln_1p(&z.abs()?.neg()?.exp()?)?;
    let losses = ((at_least(z, 0.0)? - (z * t)?)? + tail)?;
    let (sigmoid, complement) = sigmoids(z)?;
    let gradient = ((t.affine(-1.0, 1.0)? * sigmoid)? - (t * complement)?)?;
    Ok((losses, gradient))
}
