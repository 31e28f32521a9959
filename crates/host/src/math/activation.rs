//! Activation functions and their derivatives over slices.

use super::gelu::{Normal, gelu, gelu_derivative};
use super::log::Log;
use super::logistic::{elu, sigmoid, silu, silu_derivative, softplus, softplus_derivative};
use super::tanh::tanh;
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

impl<T: Normal + Log> Sweep for Activate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        activate::<F, T>(self.activation, self.y.iter_mut().map(|y| (*y, y)));
    }
}

impl<T: Normal + Log> Sweep for ActivateFrom<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        activate::<F, T>(self.activation, pairs(self.z, self.y));
    }
}

// Each arm is a loop of its own, written out: a function given the formula as a closure would be
// shorter, but closures cannot be told to be inlined always, and one that is not inlined is
// compiled without the vector instructions.

/// y ← f(x) for each pair of x and y.
#[inline(always)]
fn activate<'a, F: Fma, T: Normal + Log>(
    activation: Activation,
    pairs: impl Iterator<Item = (T, &'a mut T)>,
) {
    let zero = T::zero();
    match activation {
        Activation::Identity => {
            for (x, y) in pairs {
                *y = x;
            }
        }
        // written so that NaN passes through
        Activation::Relu => {
            for (x, y) in pairs {
                *y = if x < zero { zero } else { x };
            }
        }
        Activation::LeakyRelu { slope } => {
            let slope = T::of(slope);
            for (x, y) in pairs {
                *y = if x < zero { slope * x } else { x };
            }
        }
        Activation::Sigmoid => {
            for (x, y) in pairs {
                *y = sigmoid::<F, T>(x);
            }
        }
        Activation::Tanh => {
            for (x, y) in pairs {
                *y = tanh::<F, T>(x);
            }
        }
        Activation::Gelu => {
            for (x, y) in pairs {
                *y = gelu::<F, T>(x);
            }
        }
        Activation::Silu => {
            for (x, y) in pairs {
                *y = silu::<F, T>(x);
            }
        }
        Activation::Softplus => {
            for (x, y) in pairs {
                *y = softplus::<F, T>(x);
            }
        }
        Activation::Elu { alpha } => {
            let alpha = T::of(alpha);
            for (x, y) in pairs {
                *y = elu::<F, T>(x, alpha);
            }
        }
    }
}

impl<T: Normal + Log> Sweep for ScaleByDerivative<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let ScaleByDerivative { activation, z, y, delta } = self;
        let (zero, one) = (T::zero(), T::one());
        let x = if activation.derivative_needs_input() { z } else { y };
        let pairs = pairs(x, delta);
        match activation {
            Activation::Identity => {}
            Activation::Relu => {
                for (y, delta) in pairs {
                    *delta *= if y > zero { one } else { zero };
                }
            }
            Activation::LeakyRelu { slope } => {
                let slope = T::of(slope);
                for (y, delta) in pairs {
                    *delta *= if y > zero { one } else { slope };
                }
            }
            Activation::Sigmoid => {
                for (y, delta) in pairs {
                    *delta *= y * (one - y);
                }
            }
            Activation::Tanh => {
                for (y, delta) in pairs {
                    *delta *= (one - y) * (one + y);
                }
            }
            Activation::Gelu => {
                for (z, delta) in pairs {
                    *delta *= gelu_derivative::<F, T>(z);
                }
            }
            Activation::Silu => {
                for (z, delta) in pairs {
                    *delta *= silu_derivative::<F, T>(z);
                }
            }
            Activation::Softplus => {
                for (y, delta) in pairs {
                    *delta *= softplus_derivative::<F, T>(y);
                }
            }
            Activation::Elu { alpha } => {
                let alpha = T::of(alpha);
                for (y, delta) in pairs {
                    *delta *= if y > zero { one } else { y + alpha };
                }
            }
        }
    }
}

/// The elements of two slices side by side.
#[inline(always)]
fn pairs<'a, T: Element>(x: &[T], y: &'a mut [T]) -> impl Iterator<Item = (T, &'a mut T)> {
    assert_eq!(x.len(), y.len(), "slices differ in length");
    x.iter().copied().zip(y)
}
