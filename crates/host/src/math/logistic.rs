//! Functions made of e⁻|ˣ|, which never overflows: sigmoid, SiLU, softplus; and ELU.

use super::exp::{Exp, exp, exp_less_one, exp_scaled};
use super::log::{Log, log_one_plus};
use crate::simd::Fma;

/// σ(x) = 1 / (1 + e⁻ˣ), which is e⁻|ˣ| / (1 + e⁻|ˣ|) for x < 0.
#[inline(always)]
pub(crate) fn sigmoid<F: Fma, T: Exp>(x: T) -> T {
    let e = exp::<F, T>(-x.abs());
    (if x < T::zero() { e } else { T::one() }) / (T::one() + e)
}

/// x·σ(x). For x < 0 the product with x comes before the exponential is scaled: e⁻|ˣ| may have
/// lost digits below the normal range where x·e⁻|ˣ| has not.
#[inline(always)]
pub(super) fn silu<F: Fma, T: Exp>(x: T) -> T {
    let minus_abs = -x.abs();
    let minus_abs = if minus_abs < T::LOWEST { T::LOWEST } else { minus_abs };
    let (fraction, (first, second)) = exp_scaled::<F, T>(minus_abs);
    let negative = x < T::zero();
    let numerator = if negative { F::mul_add(minus_abs, fraction, minus_abs) } else { x };
    let quotient = numerator / (T::one() + (T::one() + fraction) * first * second);
    if negative { quotient * first * second } else { quotient }
}

/// The derivative of x·σ(x): σ(x) + x·σ(x)·σ(−x).
#[inline(always)]
pub(super) fn silu_derivative<F: Fma, T: Exp>(x: T) -> T {
    // beyond these limits the derivative is 0 or 1, and ∞·0 is not formed
    let x = if x < T::LOWEST { T::LOWEST } else { x };
    let x = if x > -T::LOWEST { -T::LOWEST } else { x };
    let e = exp::<F, T>(-x.abs());
    let larger = (T::one() + e).recip();
    let smaller = e * larger;
    F::mul_add(x * larger, smaller, if x < T::zero() { smaller } else { larger })
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e⁻|ˣ|)
#[inline(always)]
pub(super) fn softplus<F: Fma, T: Log>(x: T) -> T {
    let rest = log_one_plus::<F, T>(exp::<F, T>(-x.abs()));
    if x > T::zero() { x + rest } else { rest }
}

/// The derivative of ln(1 + eˣ) = y: σ(x) = 1 − e⁻ʸ.
#[inline(always)]
pub(super) fn softplus_derivative<F: Fma, T: Exp>(y: T) -> T {
    -exp_less_one::<F, T>(-y)
}

/// x, or alpha·(eˣ − 1) for x < 0
#[inline(always)]
pub(super) fn elu<F: Fma, T: Exp>(x: T, alpha: T) -> T {
    if x < T::zero() { alpha * exp_less_one::<F, T>(x) } else { x }
}
