//! x·Φ(x), where Φ is the standard normal distribution function.
//!
//! Everything is made of the lower tail, Φ(−a) = e^(−a²/2)·g(a) for a ≥ 0, which keeps its
//! relative accuracy down to the smallest number. g falls slowly, from 1/2 like 1/a: it is
//! p(t) / (a + c), where p is a polynomial in t = (a − k) / (a + k).

use super::exp::{Exp, exp_of_sum_scaled};
use super::real::polynomial;
use crate::simd::Fma;

/// The constants of a format.
pub trait Normal: Exp {
    /// Above it a·Φ(−a) rounds to 0.
    const HIGHEST_TAIL: Self;
    /// k
    const K: Self;
    /// c, with which p is flat at a = 0: there t has its largest rounding error.
    const C: Self;
    /// p
    const TAIL: &[Self];
    /// 1 / √(2π)
    const DENSITY_AT_ZERO: Self;
}

impl Normal for f32 {
    const HIGHEST_TAIL: f32 = 14.5;
    const K: f32 = 4.0;
    const C: f32 = 1.25;
    // relative error 2^-27.0 (scripts/coefficients/minimax.py)
    const TAIL: &[f32] = &[
        0.495_655_86,
        -0.139_302_9,
        0.045_094_42,
        0.010_673_178,
        -0.024_481_073,
        0.015_816_377,
        -0.004_877_949,
        -0.000_140_981_52,
        0.000_649_218_04,
        -7.540_732e-5,
        -7.021_171e-5,
    ];
    const DENSITY_AT_ZERO: f32 = 0.398_942_3;
}

impl Normal for f64 {
    const HIGHEST_TAIL: f64 = 39.0;
    const K: f64 = 6.0;
    const C: f64 = 1.25;
    // relative error 2^-55.1 (scripts/coefficients/minimax.py)
    const TAIL: &[f64] = &[
        0.469_650_028_852_239_66,
        -0.115_824_545_670_025_45,
        0.066_269_297_925_047_82,
        -0.024_849_896_729_394_465,
        -0.001_935_729_173_521_673_8,
        0.013_828_832_106_458_045,
        -0.015_019_559_475_147_985,
        0.011_035_255_170_481_775,
        -0.006_205_337_422_292_532,
        0.002_682_292_483_768_926,
        -0.000_823_901_402_831_954_6,
        0.000_122_583_191_923_067_9,
        3.266_744_068_023_809_4e-5,
        -2.498_197_520_839_075_3e-5,
        4.531_894_222_765_789e-6,
        1.604_789_788_833_504_9e-6,
        -9.715_295_918_983_966e-7,
        1.478_144_405_126_131_2e-8,
        1.264_924_727_872_392_6e-7,
        -2.083_466_400_481_296_7e-8,
        -1.487_711_793_324_581_6e-8,
        2.889_445_567_374_107_4e-9,
        1.479_858_669_615_525e-9,
    ];
    const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;
}

/// a = |x|, cut off where the tail ends
#[inline(always)]
fn tail_argument<T: Normal>(x: T) -> T {
    let a = x.abs();
    if a > T::HIGHEST_TAIL { T::HIGHEST_TAIL } else { a }
}

/// e^(−a²/2), scaled as [`exp_scaled`](super::exp::exp_scaled) does
#[inline(always)]
fn gaussian<F: Fma, T: Normal>(a: T) -> (T, (T, T)) {
    // a² is up to 2⁸ or 2¹¹ and its exponential as many times more sensitive than a²: it is
    // taken as an exact square and a small rest
    let upper = a.upper_half();
    let minus_half = -T::of(0.5);
    exp_of_sum_scaled::<F, T>(minus_half * upper * upper, minus_half * (a - upper) * (a + upper))
}

/// g(a)
#[inline(always)]
fn tail<F: Fma, T: Normal>(a: T) -> T {
    polynomial::<F, T>(T::TAIL, (a - T::K) / (a + T::K)) / (a + T::C)
}

/// x·Φ(x): for x < 0 the tail, for x > 0 the rest that the tail leaves of x.
#[inline(always)]
pub(super) fn gelu<F: Fma, T: Normal>(x: T) -> T {
    let a = tail_argument(x);
    let (fraction, (first, second)) = gaussian::<F, T>(a);
    let product = a * tail::<F, T>(a);
    let lost = F::mul_add(product, fraction, product) * first * second;
    if x < T::zero() { -lost } else { x - lost }
}

/// The derivative Φ(x) + x·φ(x): e^(−a²/2)·(g(a) − a/√(2π)) for x < 0, and 1 less that for x > 0.
#[inline(always)]
pub(super) fn gelu_derivative<F: Fma, T: Normal>(x: T) -> T {
    let a = tail_argument(x);
    let (fraction, (first, second)) = gaussian::<F, T>(a);
    let difference = F::mul_add(-a, T::DENSITY_AT_ZERO, tail::<F, T>(a));
    let tail = F::mul_add(difference, fraction, difference) * first * second;
    if x < T::zero() { tail } else { T::one() - tail }
}
