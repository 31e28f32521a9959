//! The mathematics of a training step over slices: activations, their derivatives, exponentials,
//! optimiser updates, sums.

mod activation;
mod update;

pub use activation::{Activate, ActivateFrom, ScaleByDerivative};
pub use update::Update;

use crate::simd::{Fma, Sweep, dispatch};
use consonance_core::{Activation, Element, Rule};

/// Functions over slices of `f32` or `f64`.
///
/// # Panics
/// Every method panics if its slices differ in length, save where it says that one may be empty.
pub trait Math: Element {
    /// y ← f(y)
    fn activate(activation: Activation, y: &mut [Self]) {
        dispatch(Activate { activation, y });
    }

    /// y ← f(z), for activations whose input must be kept.
    fn activate_from(activation: Activation, z: &[Self], y: &mut [Self]) {
        dispatch(ActivateFrom { activation, z, y });
    }

    /// delta ← delta · f′, where y = f(z). `z` is read only where
    /// [`Activation::derivative_needs_input`]; elsewhere it may be empty.
    fn scale_by_derivative(activation: Activation, z: &[Self], y: &[Self], delta: &mut [Self]) {
        dispatch(ScaleByDerivative { activation, z, y, delta });
    }

    /// x ← eˣ
    fn exp_each(x: &mut [Self]) {
        dispatch(Exp { x });
    }

    /// One optimiser update: [`Rule::apply`] for each element, with its bits. `m` and `v` are
    /// empty where the optimiser keeps none.
    fn update(rule: &Rule<Self>, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self]) {
        dispatch(Update { rule: *rule, p, g, m, v });
    }

    /// yᵢ ← yᵢ + xᵢ
    fn add_each(y: &mut [Self], x: &[Self]) {
        dispatch(Add { y, x });
    }
}

impl Math for f32 {}
impl Math for f64 {}

/// x ← eˣ
#[derive(Debug)]
pub struct Exp<'a, T> {
    /// The arguments, then the results.
    pub x: &'a mut [T],
}

impl<T: Element> Sweep for Exp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        for x in self.x {
            *x = x.exp();
        }
    }
}

/// yᵢ ← yᵢ + xᵢ
#[derive(Debug)]
pub struct Add<'a, T> {
    /// The first summands, then the sums.
    pub y: &'a mut [T],
    /// The second summands.
    pub x: &'a [T],
}

impl<T: Element> Sweep for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        assert_eq!(self.y.len(), self.x.len(), "y and x differ in length");
        for (y, &x) in self.y.iter_mut().zip(self.x) {
            *y += x;
        }
    }
}
