//! tanh x: an odd polynomial near 0, where its digits are those of x, and farther out
//! 1 − 2e / (1 + e) with e = e⁻²|ˣ|, whose error the subtraction makes smaller.

use super::exp::{Exp, exp_of_negative};
use super::real::polynomial;
use crate::simd::Fma;

/// The polynomial of a format.
pub trait Tanh: Exp {
    /// h in tanh x = x + x·z·h(z), z = x².
    const SERIES: &[Self];
}

impl Tanh for f32 {
    // |x| ≤ 0.625, relative error 2^-27.4 (scripts/coefficients/minimax.py)
    const SERIES: &[f32] =
        &[-0.333_332_8, 0.133_314_39, -0.053_739_72, 0.020_639_077, -0.005_704_981];
}

impl Tanh for f64 {
    // |x| ≤ 0.625, relative error 2^-55.7 (scripts/coefficients/minimax.py)
    const SERIES: &[f64] = &[
        -0.333_333_333_333_328_54,
        0.133_333_333_332_620_9,
        -0.053_968_253_931_266_745,
        0.021_869_487_576_075_774,
        -0.008_863_221_002_427_486,
        0.003_591_989_172_498_303_7,
        -0.001_454_958_872_670_511_5,
        0.000_586_316_527_012_248_8,
        -0.000_228_564_191_329_525_47,
        7.714_435_123_911_237e-5,
        -1.607_256_519_811_115e-5,
    ];
}

/// tanh x
#[inline(always)]
pub(super) fn tanh<F: Fma, T: Tanh>(x: T) -> T {
    let (one, two) = (T::one(), T::of(2.0));
    let a = x.abs();
    let z = a * a;
    let near = F::mul_add(a * z, polynomial::<F, T>(T::SERIES, z), a);
    let e = exp_of_negative::<F, T>(-two * a);
    let far = one - two * e / (one + e);
    (if a > T::of(0.625) { far } else { near }).copysign(x)
}
