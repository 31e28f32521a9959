//! The float64 oracle: what a network should answer, and how far a correct answer may lie off.
//!
//! Every number here is a [`Bounded`]: the oracle's own value, and an error that no backend
//! within the contract can exceed. The errors are carried through the layers alongside the
//! values, operation by operation (running error analysis; Higham, *Accuracy and Stability of
//! Numerical Algorithms*, 2002, section 3.3). They are bounds, not estimates: terms of second
//! order are kept, and nothing in them was fitted to what some backend does.
//!
//! # How a bound arises
//! Write x for the oracle's number, x̂ for the backend's and |x̂ − x| ≤ e for what is known so
//! far. One more operation f then adds up three things:
//!
//! 1. what it makes of the error that is already there: |f(x̂) − f(x)|, from f's slope and
//!    curvature on [x − e, x + e];
//! 2. the backend's rounding: n roundings cost γ(n)·(|f(x)| + 1.), γ(n) = n·u/(1 − n·u);
//! 3. the oracle's rounding, the same with u = 2⁻⁵³. For an `f32` network that is nothing; for
//!    an `f64` network it makes the bound twice as wide as the theorem, which is the price of an
//!    oracle in the same precision. Products are exempt: they are summed in twice that precision.
//!
//! What is assumed of a backend is what the contract says: products within γ(k+2)·(|A|·|B| +
//! |bias|), exp within 1 unit in the last place, activations as [`activation`] lists them.
//! Nothing is assumed about the order of its sums.
//!
//! The bounds themselves are computed in float64. Their own rounding, a relative k·2⁻⁵³, is
//! covered by the two roundings by which γ(k+2) exceeds what a sum of k products needs.

pub mod activation;
pub mod loss;
mod network;
mod optimizer;
pub mod product;

pub use network::{Answer, Oracle};
pub use optimizer::update;

use consonance_core::Precision;

/// A number, and how far a correct backend may lie from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The oracle's value.
    pub value: f64,
    /// The largest permitted |backend − value|.
    pub error: f64,
}

impl Bounded {
    /// A number that is known exactly: an input, a parameter.
    pub fn exact(value: f64) -> Self {
        Bounded { value, error: 0.0 }
    }

    /// The largest magnitude a correct backend's number may have.
    pub fn magnitude(self) -> f64 {
        self.value.abs() + self.error
    }

    /// |`observed` − value| as a fraction of the bound: at most 1 for a correct backend. Infinite
    /// where `observed` or the bound is not a number, or where nothing but the value itself is
    /// permitted and `observed` is another.
    pub fn fraction(self, observed: f64) -> f64 {
        let distance = (observed - self.value).abs();
        if distance == 0.0 {
            0.0
        } else if distance.is_nan() || self.error.is_nan() || self.error == 0.0 {
            f64::INFINITY
        } else {
            distance / self.error
        }
    }
}

/// How a backend of some precision rounds: the constants of the error model.
///
/// One operation with the exact result x gives x·(1 + δ) + ε with |δ| ≤ u and |ε| at most the
/// smallest normal number, so that gradual underflow and flushing to zero are both within it.
#[derive(Debug, Clone, Copy)]
pub struct Rounding {
    /// The backend's precision.
    pub precision: Precision,
    unit: f64,
    tiny: f64,
}

/// The oracle's own unit roundoff.
const ORACLE: f64 = f64::EPSILON / 2.0;

impl Rounding {
    /// The model of `precision`.
    pub fn of(precision: Precision) -> Self {
        let tiny = match precision {
            Precision::F32 => f64::from(f32::MIN_POSITIVE),
            Precision::F64 => f64::MIN_POSITIVE,
        };
        Rounding { precision, unit: precision.unit_roundoff(), tiny }
    }

    /// γ(n) of the backend; infinite where n·u ≥ 1, where no bound exists.
    pub fn gamma(self, n: f64) -> f64 {
        let nu = n * self.unit;
        if nu < 1.0 { nu / (1.0 - nu) } else { f64::INFINITY }
    }

    /// γ(n) of backend and oracle together: both made `n` roundings relative to 1.
    pub fn units(self, n: f64) -> f64 {
        self.gamma(n) + n * ORACLE / (1.0 - n * ORACLE)
    }

    /// The result `value` of an operation whose operands' errors already make it uncertain by
    /// `propagated`, after `n` roundings on either side.
    pub fn round(self, value: f64, propagated: f64, n: f64) -> Bounded {
        let error = propagated
            + self.gamma(n) * (value.abs() + propagated)
            + (self.units(n) - self.gamma(n)) * value.abs()
            + n * self.tiny;
        Bounded { value, error }
    }

    /// The backend's number nearest to `value`.
    pub fn nearest(self, value: f64) -> f64 {
        match self.precision {
            Precision::F32 => f64::from(value as f32),
            Precision::F64 => value,
        }
    }

    /// The backend's largest finite number.
    pub fn largest(self) -> f64 {
        match self.precision {
            Precision::F32 => f64::from(f32::MAX),
            Precision::F64 => f64::MAX,
        }
    }

    /// A constant as the backend holds it: `value` comes from float64 arithmetic with a relative
    /// error of at most `relative` on either side, and is rounded once.
    pub fn constant(self, value: f64, relative: f64) -> Bounded {
        let rounded = if self.nearest(value) == value { 0.0 } else { self.unit * value.abs() };
        Bounded { value, error: rounded + 2.0 * relative * value.abs() }
    }

    /// a + b
    pub fn add(self, a: Bounded, b: Bounded) -> Bounded {
        self.round(a.value + b.value, a.error + b.error, 1.0)
    }

    /// a − b
    pub fn sub(self, a: Bounded, b: Bounded) -> Bounded {
        self.round(a.value - b.value, a.error + b.error, 1.0)
    }

    /// a·b: |âb̂ − ab| ≤ |a|·e_b + e_a·|b| + e_a·e_b
    pub fn mul(self, a: Bounded, b: Bounded) -> Bounded {
        let propagated = a.value.abs() * b.error + a.error * b.magnitude();
        self.round(a.value * b.value, propagated, 1.0)
    }

    /// a / b: |â/b̂ − a/b| ≤ (e_a + |a/b|·e_b) / (|b| − e_b); no bound where b may be 0.
    pub fn div(self, a: Bounded, b: Bounded) -> Bounded {
        let value = a.value / b.value;
        let room = b.value.abs() - b.error;
        let propagated =
            if room > 0.0 { (a.error + value.abs() * b.error) / room } else { f64::INFINITY };
        self.round(value, propagated, 1.0)
    }

    /// √a: |√â − √a| = |â − a| / (√â + √a) ≤ min(e/√a, √e)
    pub fn sqrt(self, a: Bounded) -> Bounded {
        let value = a.value.sqrt();
        let propagated = a.error.sqrt().min(if value > 0.0 { a.error / value } else { f64::MAX });
        self.round(value, propagated, 1.0)
    }
}

#[cfg(test)]
mod tests;
