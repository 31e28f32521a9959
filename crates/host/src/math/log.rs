//! ln(1 + x) for x in [0, 1], and ln x for x from 1 on.
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
pub(crate) fn log_one_plus<F: Fma, T: Log>(x: T) -> T {
    let s = x / (T::of(2.0) + x);
    let z = s * s;
    x - s * (x - z * polynomial::<F, T>(T::ARTANH, z))
}

/// ln x for finite x ≥ 1: with x = m·2ⁿ and m in [1, 2), n·ln 2 + ln m, which have one sign. NaN
/// passes through.
#[inline(always)]
pub(crate) fn log_from_one<F: Fma, T: Log>(x: T) -> T {
    let (m, n) = x.split();
    let log = F::mul_add(n, T::LN_2, log_one_plus::<F, T>(m - T::one()));
    if x < T::infinity() { log } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Fused, Separate};

    #[test]
    fn a_logarithm_is_libms_within_two_units() {
        let steps = (0..20_000).map(|i| 1.0 + f64::from(i) * 1e-3);
        for x in steps.chain([1.0 + f64::EPSILON, 1e3, 1e10, 1e300]) {
            let expected = libm::log(x);
            for log in [log_from_one::<Fused, f64>(x), log_from_one::<Separate, f64>(x)] {
                let units = (log - expected).abs() / (f64::EPSILON * expected.abs());
                assert!(expected == log || units < 2.0, "ln {x}: {log}, expected {expected}");
            }
        }
        assert_eq!(log_from_one::<Fused, f32>(1.0), 0.0);
        assert!(log_from_one::<Fused, f32>(f32::NAN).is_nan());
    }
}
