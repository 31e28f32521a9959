//! eˣ and eˣ − 1.
//!
//! x = n·ln 2 + r with n an integer and |r| ≤ ln 2 / 2, then eˣ = 2ⁿ·eʳ, and eʳ is a polynomial.

use super::real::{Real, polynomial};
use crate::simd::Fma;

/// The constants of a format.
pub trait Exp: Real {
    /// Below it eˣ, and even −x·eˣ, rounds to 0. Arguments are cut off here and at `HIGHEST`.
    const LOWEST: Self;
    /// Above it eˣ is infinite.
    const HIGHEST: Self;
    /// Below it eˣ is nothing beside 1.
    const NEGLIGIBLE: Self;
    /// log₂ e
    const LOG2_E: Self;
    /// The leading digits of ln 2, so few that n·`LN_2_HIGH` is exact.
    const LN_2_HIGH: Self;
    /// ln 2 − `LN_2_HIGH`
    const LN_2_LOW: Self;
    /// q in eʳ = 1 + r + r²·q(r).
    const FRACTION: &[Self];
}

impl Exp for f32 {
    const LOWEST: f32 = -120.0;
    const HIGHEST: f32 = 89.0;
    const NEGLIGIBLE: f32 = -20.0;
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN_2_HIGH: f32 = 0.693_145_75;
    const LN_2_LOW: f32 = 1.428_606_8e-6;
    // |r| ≤ 0.34661, error 2^-30.3 relative to eʳ − 1 (scripts/coefficients/minimax.py)
    const FRACTION: &[f32] =
        &[0.5, 0.166_666_66, 0.041_666_42, 0.008_333_462, 0.001_394_07, 0.000_198_461_09];
}

impl Exp for f64 {
    const LOWEST: f64 = -760.0;
    const HIGHEST: f64 = 710.0;
    const NEGLIGIBLE: f64 = -40.0;
    const LOG2_E: f64 = std::f64::consts::LOG2_E;
    const LN_2_HIGH: f64 = 0.693_147_180_559_890_3;
    const LN_2_LOW: f64 = 5.497_923_018_708_371e-14;
    // |r| ≤ 0.34661, error 2^-61.0 relative to eʳ − 1 (scripts/coefficients/minimax.py)
    const FRACTION: &[f64] = &[
        0.5,
        0.166_666_666_666_666_77,
        0.041_666_666_666_666_51,
        0.008_333_333_333_321_691,
        0.001_388_888_888_896_234,
        0.000_198_412_698_859_662,
        2.480_158_717_259_284_7e-5,
        2.755_724_437_377_622_3e-6,
        2.755_740_259_912_855e-7,
        2.510_897_904_634_522e-8,
        2.087_534_286_490_036_5e-9,
    ];
}

/// eˣ
#[inline(always)]
pub(crate) fn exp<F: Fma, T: Exp>(x: T) -> T {
    // written so that NaN passes through
    let x = if x < T::LOWEST { T::LOWEST } else { x };
    let x = if x > T::HIGHEST { T::HIGHEST } else { x };
    let (fraction, (first, second)) = exp_scaled::<F, T>(x);
    (T::one() + fraction) * first * second
}

/// eˣ = (1 + f)·s·t as (f, (s, t)), for x between the limits: f is small, s and t are powers of 2.
/// A factor that is multiplied by 1 + f as c·f + c, and only then by s and t, keeps digits that
/// a product with the exponential itself would lose, above all where that is subnormal.
#[inline(always)]
pub(super) fn exp_scaled<F: Fma, T: Exp>(x: T) -> (T, (T, T)) {
    let sum = nearest::<F, T>(x);
    (fraction_less_one::<F, T>(x, T::zero(), sum), T::two_powers(sum))
}

/// eˣ⁺ˡ as [`exp_scaled`] gives eˣ, for |l| ≪ |x|.
#[inline(always)]
pub(super) fn exp_of_sum_scaled<F: Fma, T: Exp>(x: T, low: T) -> (T, (T, T)) {
    let sum = nearest::<F, T>(x + low);
    (fraction_less_one::<F, T>(x, low, sum), T::two_powers(sum))
}

/// eˣ − 1 for x ≤ 0, cut off where eˣ is nothing beside 1
#[inline(always)]
pub(super) fn exp_less_one<F: Fma, T: Exp>(x: T) -> T {
    let x = if x < T::NEGLIGIBLE { T::NEGLIGIBLE } else { x };
    let sum = nearest::<F, T>(x);
    let fraction = fraction_less_one::<F, T>(x, T::zero(), sum);
    let power = T::power(sum);
    F::mul_add(power, fraction, power - T::one())
}

/// n + [`Real::ROUND`] for the n nearest to x / ln 2
#[inline(always)]
fn nearest<F: Fma, T: Exp>(x: T) -> T {
    F::mul_add(x, T::LOG2_E, T::ROUND)
}

/// eʳ − 1 for r = x + low − n·ln 2. The leading part of r is exact; what is rounded is small and
/// joins the small terms, so that the result is rounded at its own size only once.
#[inline(always)]
fn fraction_less_one<F: Fma, T: Exp>(x: T, low: T, sum: T) -> T {
    let minus_n = T::ROUND - sum;
    let leading = F::mul_add(minus_n, T::LN_2_HIGH, x);
    let rest = F::mul_add(minus_n, T::LN_2_LOW, low);
    let r = leading + rest;
    leading + F::mul_add(r * r, polynomial::<F, T>(T::FRACTION, r), rest)
}
