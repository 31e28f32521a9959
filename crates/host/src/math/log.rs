//! ln(1 + x) for x in [0, 1].
//!
//! With s = x / (2 + x), ln(1 + x) = 2·artanh s = 2s + s·z·l(z), z = s²; and since 2s = x − s·x,
//! the result is x and a correction.

use super::exp::Exp;
use super::real::polynomial;
use crate::simd::Fma;

/// The polynomial of a format.
pub trait Log: Exp {
    /// l in 2·artanh s = 2s + s·z·l(z).
    const ARTANH: &[Self];
}

impl Log for f32 {
    // z ≤ 1/9, relative error 2^-27.7 (scripts/coefficients/minimax.py)
    const ARTANH: &[f32] = &[0.666_664_2, 0.400_215_1, 0.280_017_7, 0.280_119_8];
}

impl Log for f64 {
    // z ≤ 1/9, relative error 2^-59.2 (scripts/coefficients/minimax.py)
    const ARTANH: &[f64] = &[
        0.666_666_666_666_663_1,
        0.400_000_000_001_551_2,
        0.285_714_285_481_173_45,
        0.222_222_239_536_768_9,
        0.181_817_444_782_870_96,
        0.153_865_484_045_563_72,
        0.133_011_212_743_686_9,
        0.121_049_454_163_382_27,
        0.083_449_703_225_837_79,
        0.170_097_573_188_943_7,
    ];
}

/// ln(1 + x) for x in [0, 1]
#[inline(always)]
pub(super) fn log_one_plus<F: Fma, T: Log>(x: T) -> T {
    let s = x / (T::of(2.0) + x);
    let z = s * s;
    x - s * (x - z * polynomial::<F, T>(T::ARTANH, z))
}
