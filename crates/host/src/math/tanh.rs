//! tanh x

use super::exp::{Exp, exp_less_one};
use crate::simd::Fma;

/// tanh x = −e / (e + 2) with e = e⁻²|ˣ| − 1, of which every digit is right near 0 too.
#[inline(always)]
pub(super) fn tanh<F: Fma, T: Exp>(x: T) -> T {
    let two = T::of(2.0);
    let e = exp_less_one::<F, T>(-two * x.abs());
    (e / (e + two)).copysign(x)
}
