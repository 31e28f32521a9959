//! Activation functions: names, formulas, derivatives.

use crate::{Element, Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A function applied to every element of a layer's output.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// x
    Identity,
    /// max(x, 0)
    Relu,
    /// x where x > 0, otherwise `slope`·x
    LeakyRelu {
        /// Slope on the negative side, at least 0; PyTorch's default is 0.01.
        slope: f64,
    },
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// tanh x
    Tanh,
    /// x·Φ(x), Φ the standard normal distribution function (Hendrycks & Gimpel 2016, exact form)
    Gelu,
    /// x·sigmoid(x) (Elfwing et al. 2017; also called swish)
    Silu,
    /// ln(1 + eˣ)
    Softplus,
    /// x where x > 0, otherwise `alpha`·(eˣ − 1) (Clevert et al. 2015)
    Elu {
        /// Minus the limit at −∞, above 0; PyTorch's default is 1.
        alpha: f64,
    },
}

impl Activation {
    /// One of each, with default settings.
    pub const ALL: [Activation; 9] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.01 },
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Silu,
        Activation::Softplus,
        Activation::Elu { alpha: 1.0 },
    ];

    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "relu",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Gelu => "gelu",
            Activation::Silu => "silu",
            Activation::Softplus => "softplus",
            Activation::Elu { .. } => "elu",
        }
    }

    /// Checks that the settings lie in their ranges.
    ///
    /// # Errors
    /// [`Error::Plan`] naming the setting.
    pub fn check(self) -> Result<()> {
        match self {
            Activation::LeakyRelu { slope } if !(slope.is_finite() && slope >= 0.0) => {
                Err(Error::Plan(format!("leaky_relu: slope {slope} must be finite and at least 0")))
            }
            Activation::Elu { alpha } if !(alpha.is_finite() && alpha > 0.0) => {
                Err(Error::Plan(format!("elu: alpha {alpha} must be finite and above 0")))
            }
            _ => Ok(()),
        }
    }

    /// True where the derivative cannot be told from the output alone, because the function is
    /// not monotonic: a network has to keep the input of such an activation.
    pub fn derivative_needs_input(self) -> bool {
        matches!(self, Activation::Gelu | Activation::Silu)
    }

    /// The function, in the arithmetic of `T`: the reference, not the fast path.
    pub fn apply<T: Element>(self, x: T) -> T {
        let zero = T::zero();
        match self {
            Activation::Identity => x,
            // written so that NaN passes through
            Activation::Relu => {
                if x < zero {
                    zero
                } else {
                    x
                }
            }
            Activation::LeakyRelu { slope } => {
                if x < zero {
                    T::of(slope) * x
                } else {
                    x
                }
            }
            Activation::Sigmoid => sigmoid(x),
            Activation::Tanh => x.tanh(),
            // at −∞ the product 0·∞ has the limit 0
            Activation::Gelu | Activation::Silu if x == T::neg_infinity() => -zero,
            Activation::Gelu => T::of(x.widen() * normal_cdf(x.widen())),
            Activation::Silu => x * sigmoid(x),
            Activation::Softplus => {
                if x > zero {
                    x + (-x).exp().ln_1p()
                } else {
                    x.exp().ln_1p()
                }
            }
            Activation::Elu { alpha } => {
                if x < zero {
                    T::of(alpha) * x.exp_m1()
                } else {
                    x
                }
            }
        }
    }

    /// The derivative at input `x`, where `y` is the output there. `x` is read only where
    /// [`Activation::derivative_needs_input`]; elsewhere `y` tells all.
    ///
    /// At the kink of the piecewise functions this is the left derivative, as in PyTorch.
    pub fn derivative<T: Element>(self, x: T, y: T) -> T {
        let (zero, one) = (T::zero(), T::one());
        match self {
            Activation::Identity => one,
            Activation::Relu => {
                if y > zero {
                    one
                } else {
                    zero
                }
            }
            Activation::LeakyRelu { slope } => {
                if y > zero {
                    one
                } else {
                    T::of(slope)
                }
            }
            Activation::Sigmoid => y * (one - y),
            Activation::Tanh => (one - y) * (one + y),
            Activation::Gelu => {
                let x = x.widen();
                let density = (-0.5 * x * x).exp() * FRAC_1_SQRT_TAU;
                T::of(normal_cdf(x) + if density == 0.0 { 0.0 } else { x * density })
            }
            Activation::Silu => {
                let s = sigmoid(x);
                s + if s == zero || s == one { zero } else { x * s * (one - s) }
            }
            // y = ln(1 + eˣ), so e⁻ʸ = 1 / (1 + eˣ) and 1 − e⁻ʸ = sigmoid(x)
            Activation::Softplus => -(-y).exp_m1(),
            Activation::Elu { alpha } => {
                if y > zero {
                    one
                } else {
                    y + T::of(alpha)
                }
            }
        }
    }
}

const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// 1 / (1 + e⁻ˣ) without overflow: the exponential is taken of −|x|.
fn sigmoid<T: Element>(x: T) -> T {
    let e = (-x.abs()).exp();
    let denominator = T::one() + e;
    if x >= T::zero() { T::one() / denominator } else { e / denominator }
}

/// Φ(x) = erfc(−x/√2) / 2, which keeps its relative accuracy in the lower tail.
fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Activation {
    type Err = Error;

    /// Reads a name; `-` may stand for `_`.
    fn from_str(name: &str) -> Result<Self> {
        let name = &name.replace('-', "_");
        Activation::ALL.into_iter().find(|a| a.name() == *name).ok_or_else(|| {
            let names: Vec<_> = Activation::ALL.iter().map(|a| a.name()).collect();
            Error::Plan(format!("unknown activation '{name}'; there are: {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_central_differences() {
        for activation in Activation::ALL {
            for x in [-5.0_f64, -1.3, -0.2, 0.4, 1.0, 6.5] {
                let h = 1e-6;
                let difference = (activation.apply(x + h) - activation.apply(x - h)) / (2.0 * h);
                let derivative = activation.derivative(x, activation.apply(x));
                assert!(
                    (difference - derivative).abs() < 1e-8,
                    "{activation} at {x}: {derivative} against {difference}"
                );
            }
        }
    }

    #[test]
    fn extremes_stay_exact() {
        for activation in Activation::ALL {
            assert!(activation.apply(f64::NAN).is_nan(), "{activation}");
            assert!(!activation.apply(f64::NEG_INFINITY).is_nan(), "{activation}");
            for x in [1000.0_f64, -1000.0] {
                let y = activation.apply(x);
                assert!(y.is_finite(), "{activation}({x})");
                assert!(activation.derivative(x, y).is_finite(), "{activation}'({x})");
            }
        }
        assert_eq!(Activation::Sigmoid.apply(-1000.0_f32), 0.0);
        assert_eq!(Activation::Softplus.apply(1000.0_f32), 1000.0);
    }

    #[test]
    fn names_round_trip() {
        for activation in Activation::ALL {
            assert_eq!(activation.name().parse::<Activation>().unwrap(), activation);
        }
        assert!("swoosh".parse::<Activation>().unwrap_err().to_string().contains("silu"));
    }
}
