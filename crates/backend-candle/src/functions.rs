//! Functions candle lacks, or computes inaccurately near zero or far out, over `f32` and `f64`
//! tensors.
//!
//! NaN passes through all of them: choices are made by comparisons that are false for NaN, because
//! candle's own `relu` and `maximum` drop NaN on some devices.

use candle_core::backend::BackendStorage;
use candle_core::cpu_backend::unary_map;
use candle_core::op::GeluErf;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, DType, Error, Layout, Result, Shape, Tensor,
};
use consonance_core::Activation;

/// A tensor of `like`'s shape, type and device filled with `value`.
pub(crate) fn constant(like: &Tensor, value: f64) -> Result<Tensor> {
    match like.dtype() {
        DType::F32 => Tensor::full(value as f32, like.shape(), like.device()),
        _ => Tensor::full(value, like.shape(), like.device()),
    }
}

/// max(x, `bound`), NaN where x is NaN.
pub(crate) fn at_least(x: &Tensor, bound: f64) -> Result<Tensor> {
    let bound = constant(x, bound)?;
    x.lt(&bound)?.where_cond(&bound, x)
}

/// (σ(x), σ(−x)), each with its full relative accuracy: the exponential is taken of −|x|, so it
/// neither overflows nor is subtracted from 1.
pub(crate) fn sigmoids(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let exponential = x.abs()?.neg()?.exp()?;
    let larger = exponential.affine(1.0, 1.0)?.recip()?;
    let smaller = (&exponential * &larger)?;
    let negative = x.lt(&x.zeros_like()?)?;
    let sigmoid = negative.where_cond(&smaller, &larger)?;
    let complement = negative.where_cond(&larger, &smaller)?;
    Ok((sigmoid, complement))
}

/// ln(1 + x) for x in [0, 1]. The rounding of 1 + x is undone by the quotient x / ((1 + x) − 1)
/// (Kahan; see Goldberg, *What every computer scientist should know about floating-point
/// arithmetic*, 1991, theorem 4).
pub(crate) fn ln_1p(x: &Tensor) -> Result<Tensor> {
    let sum = x.affine(1.0, 1.0)?;
    let rounded = sum.affine(1.0, -1.0)?;
    let vanished = rounded.eq(&rounded.zeros_like()?)?;
    vanished.where_cond(x, &(sum.log()? * x)?.div(&rounded)?)
}

/// eˣ − 1 for x ≤ 0; above 0, anything. Near 0 the rounding of eˣ is undone by the quotient
/// x / ln eˣ (Kahan, as [`ln_1p`]); below −1 nothing cancels.
pub(crate) fn exp_m1(x: &Tensor) -> Result<Tensor> {
    let exponential = x.exp()?;
    let difference = exponential.affine(1.0, -1.0)?;
    let corrected = (&difference * x)?.div(&exponential.log()?)?;
    let vanished = difference.eq(&difference.zeros_like()?)?;
    let near = vanished.where_cond(x, &corrected)?;
    x.lt(&constant(x, -1.0)?)?.where_cond(&difference, &near)
}

/// x·Φ(x) for x above −∞, accurate in the lower tail too.
///
/// candle's `gelu_erf` is, on CUDA; on the CPU it adds erf to 1, which leaves nothing of a small
/// Φ. There the reference formula takes its place.
pub(crate) fn gelu(x: &Tensor) -> Result<Tensor> {
    x.apply_op1_no_bwd(&Gelu)
}

struct Gelu;

impl CustomOp1 for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let result = match storage {
            CpuStorage::F32(x) => {
                CpuStorage::F32(unary_map(x, layout, |x| Activation::Gelu.apply(x)))
            }
            CpuStorage::F64(x) => {
                CpuStorage::F64(unary_map(x, layout, |x| Activation::Gelu.apply(x)))
            }
            other => return Err(Error::UnsupportedDTypeForOp(other.dtype(), "gelu")),
        };
        Ok((result, layout.shape().clone()))
    }

    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> Result<(CudaStorage, Shape)> {
        Ok((storage.unary_impl::<GeluErf>(layout)?, layout.shape().clone()))
    }
}
