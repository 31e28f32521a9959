//! Activation functions and their derivatives over slices.

use crate::simd::{Fma, Sweep};
use consonance_core::{Activation, Element};

/// y ← f(y)
#[derive(Debug)]
pub struct Activate<'a, T> {
    /// f
    pub activation: Activation,
    /// The arguments, then the results.
    pub y: &'a mut [T],
}

impl<T: Element> Sweep for Activate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        for y in self.y {
            *y = self.activation.apply(*y);
        }
    }
}

/// y ← f(z)
#[derive(Debug)]
pub struct ActivateFrom<'a, T> {
    /// f
    pub activation: Activation,
    /// The arguments.
    pub z: &'a [T],
    /// The results.
    pub y: &'a mut [T],
}

impl<T: Element> Sweep for ActivateFrom<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        assert_eq!(self.z.len(), self.y.len(), "z and y differ in length");
        for (&z, y) in self.z.iter().zip(self.y) {
            *y = self.activation.apply(z);
        }
    }
}

/// delta ← delta · f′
#[derive(Debug)]
pub struct ScaleByDerivative<'a, T> {
    /// f
    pub activation: Activation,
    /// The arguments of f, read only where the derivative needs them.
    pub z: &'a [T],
    /// The results of f.
    pub y: &'a [T],
    /// The gradient of the loss to y, then to z.
    pub delta: &'a mut [T],
}

impl<T: Element> Sweep for ScaleByDerivative<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let ScaleByDerivative { activation, z, y, delta } = self;
        assert_eq!(y.len(), delta.len(), "y and delta differ in length");
        if activation.derivative_needs_input() {
            assert_eq!(z.len(), delta.len(), "z and delta differ in length");
            for ((&z, &y), delta) in z.iter().zip(y).zip(delta) {
                *delta *= activation.derivative(z, y);
            }
        } else {
            for (&y, delta) in y.iter().zip(delta) {
                *delta *= activation.derivative(y, y);
            }
        }
    }
}
