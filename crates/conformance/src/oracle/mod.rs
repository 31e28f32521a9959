//! The float64 oracle: what a network should answer, and how far a correct answer may lie off.
//!
//! Every number here is a [`Bounded`]: the oracle's own value, and an error that no backend
//! within the contract can exceed. The errors are carried through the layers alongside the
//! values, operation by operation (running error analysis; Higham, *Accuracy and Stability of
//! Numerical Algorithms*, 2002, section 3.3). Nothing in them was fitted to what some backend does.
//! There are two kinds: bounds that always hold, and likely ones.
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
//! # Likely bounds
//! What always holds says nothing of a large network: if every error pushes the same way, a layer
//! of n ordinary weights makes of the errors before it some √n times as much, and soon anything is
//! within the bound. So a network's numbers are held within the smaller of two bounds: the one that
//! always holds, and one that is exceeded by chance alone, and hardly.
//!
//! It takes roundings for independent random numbers of mean 0 (Higham & Mary, *A new approach to
//! probabilistic rounding error analysis*, SIAM J. Sci. Comput. 41, 2019). Numbers of that kind,
//! each at most cᵢ, come to more than λ·√Σcᵢ² with a probability of at most 2·exp(−λ²/2)
//! (Hoeffding). With λ = 10 that is 4·10⁻²², and less than 10⁻¹² for all of 10⁹ numbers. Hence
//!
//! - a sum of n terms is within λ·√n·u/(1 − λ·√n·u) of the sum of their magnitudes, where the other
//!   bound has γ(n); what is only known to be at most c, an activation's error in ulp or the other
//!   slope at a kink, counts λ·c;
//! - errors of the terms of a sum are combined by their squares. Where they have a common source,
//!   as all units of a layer have in the roundings before it, that may be too little. So no error
//!   is taken for smaller than 16 draws of all roundings before it show (`samples`);
//! - rows of a batch share no rounding, so over rows squares add up too, times m if some row occurs
//!   m times: the square of a sum of m equal errors is m times the sum of their squares.
//!
//! Not covered is what is the same for different numbers: an activation that is always off to one
//! side, units that are copies of each other, terms that are all equal. And a deviation estimated
//! from 16 draws may be too small: less than a third of the true one 4 times in a million. What
//! there is against both is a margin: no rounding is as large as its bound, and partial sums are
//! taken for as large as the sum of all magnitudes. `tests/bounds.rs` of the whole measures how much
//! of the bound backends use.
//!
//! Likely bounds are of first order in the draws. Single products, activations and updates are held
//! against the bounds that always hold.
//!
//! # Their own rounding
//! The bounds themselves are computed in float64. Their own rounding, a relative k·2⁻⁵³, is
//! covered by the two roundings by which γ(k+2) exceeds what a sum of k products needs.

pub mod activation;
pub mod loss;
mod network;
mod optimizer;
pub mod product;
mod samples;

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

    /// The same number under two bounds that both hold: the smaller. One that is not a number says
    /// nothing.
    pub fn tighter(self, other: Self) -> Self {
        Bounded { error: self.error.min(other.error), ..self }
    }

    /// The same with an error that is a number, so that nothing computed from it is NaN: the
    /// largest one says as little as infinity.
    fn finite(self) -> Self {
        Bounded { error: self.error.min(f64::MAX), ..self }
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
    /// In a likely bound, how many terms of a sum may have errors that depend on each other.
    dependent: Option<f64>,
}

/// λ: how many deviations a likely bound is wide.
const DEVIATIONS: f64 = 10.0;

/// The oracle's own unit roundoff.
const ORACLE: f64 = f64::EPSILON / 2.0;

impl Rounding {
    /// The model of `precision`, for bounds that always hold.
    pub fn of(precision: Precision) -> Self {
        let tiny = match precision {
            Precision::F32 => f64::from(f32::MIN_POSITIVE),
            Precision::F64 => f64::MIN_POSITIVE,
        };
        Rounding { precision, unit: precision.unit_roundoff(), tiny, dependent: None }
    }

    /// The model of `precision`, for likely bounds.
    pub fn likely(precision: Precision) -> Self {
        let worst = Rounding::of(precision);
        Rounding { unit: DEVIATIONS * worst.unit, dependent: Some(1.0), ..worst }
    }

    /// For sums of which up to `count` terms come from the same numbers, and have the same errors.
    fn dependent(self, count: usize) -> Self {
        Rounding { dependent: self.dependent.map(|_| count as f64), ..self }
    }

    /// How many draws tell what errors of one layer do in the next: none for a bound that always
    /// holds.
    fn draws(self) -> usize {
        if self.dependent.is_some() { 16 } else { 0 }
    }

    /// What an error that cannot exceed `bound` counts for.
    fn bounded(self, bound: f64) -> f64 {
        if self.dependent.is_some() { DEVIATIONS * bound } else { bound }
    }

    /// How many roundings a chain of `n` different ones counts for.
    fn chain(self, n: f64) -> f64 {
        if self.dependent.is_some() { n.sqrt() } else { n }
    }

    /// The error of a sum, from the sum of its terms' errors and that of their squares.
    fn of_sum(self, sum: f64, squares: f64) -> f64 {
        self.dependent.map_or(sum, |count| (count * squares).sqrt().min(sum))
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
