//! Activations over tensors; the formulas and their meaning are those of
//! [`Activation`](consonance_core::Activation).

use crate::functions::{at_least, constant, exp_m1, gelu, ln_1p, sigmoids};
use candle_core::{Result, Tensor};
use consonance_core::Activation;

/// Below this, x·Φ(x) and x·σ(x) are −0 in `f64` and `f32`; taking it for −∞ keeps ∞·0 out.
const FAR: f64 = -1000.0;

/// |x| from which on Φ(x) is x·Φ(x) / x; nearer to 0 it is 1/2 to the last bit.
const NEAR: f64 = 1e-30;

/// 1/√(2π)
const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// The activation's values at `x`.
pub(crate) fn apply(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Relu => at_least(x, 0.0),
        Activation::LeakyRelu { slope } => {
            x.lt(&x.zeros_like()?)?.where_cond(&x.affine(slope, 0.0)?, x)
        }
        Activation::Sigmoid => Ok(sigmoids(x)?.0),
        Activation::Tanh => x.tanh(),
        Activation::Gelu => gelu(&at_least(x, FAR)?),
        Activation::Silu => {
            let x = at_least(x, FAR)?;
            let (sigmoid, _) = sigmoids(&x)?;
            x * sigmoid
        }
        Activation::Softplus => at_least(x, 0.0)? + ln_1p(&x.abs()?.neg()?.exp()?)?,
        Activation::Elu { alpha } => {
            x.lt(&x.zeros_like()?)?.where_cond(&exp_m1(x)?.affine(alpha, 0.0)?, x)
        }
    }
}

/// The gradient with respect to the activation's input: `gradient`, that with respect to its
/// output, times the derivative at input `x` and output `y`. At the kink of a piecewise function
/// the derivative is the left one.
pub(crate) fn backward(
    activation: Activation,
    x: &Tensor,
    y: &Tensor,
    gradient: &Tensor,
) -> Result<Tensor> {
    let positive = || y.gt(&y.zeros_like()?);
    let derivative = match activation {
        Activation::Identity => return Ok(gradient.clone()),
        Activation::Relu => positive()?.to_dtype(y.dtype())?,
        Activation::LeakyRelu { slope } => {
            positive()?.where_cond(&constant(y, 1.0)?, &constant(y, slope)?)?
        }
        Activation::Sigmoid => (y * y.affine(-1.0, 1.0)?)?,
        Activation::Tanh => (y.affine(-1.0, 1.0)? * y.affine(1.0, 1.0)?)?,
        Activation::Gelu => gelu_derivative(x, y)?,
        Activation::Silu => {
            let (sigmoid, complement) = sigmoids(x)?;
            let slope = (&sigmoid * complement)?;
            (sigmoid + unless_zero(&slope, x)?)?
        }
        Activation::Softplus => sigmoids(x)?.0,
        Activation::Elu { alpha } => {
            positive()?.where_cond(&constant(y, 1.0)?, &x.exp()?.affine(alpha, 0.0)?)?
        }
    };
    gradient * derivative
}

/// Φ(x) + x·φ(x), φ being Φ's derivative, where `y` = x·Φ(x). Φ is the quotient y/x: it keeps the
/// relative accuracy of y in the lower tail.
fn gelu_derivative(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    // far to the right Φ is 1; ∞/∞ would not be
    let saturated = y.eq(x)?.where_cond(&constant(x, 1.0)?, &y.div(x)?)?;
    let near = x.abs()?.lt(&constant(x, NEAR)?)?;
    let cumulative = near.where_cond(&constant(x, 0.5)?, &saturated)?;
    let density = x.sqr()?.affine(-0.5, 0.0)?.exp()?.affine(FRAC_1_SQRT_TAU, 0.0)?;
    cumulative + unless_zero(&density, x)?
}

/// factor·x, and 0 wherever the factor is 0, be x infinite.
fn unless_zero(factor: &Tensor, x: &Tensor) -> Result<Tensor> {
    let zero = factor.zeros_like()?;
    factor.eq(&zero)?.where_cond(&zero, &(factor * x)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use consonance_core::tolerance::{ulps_f32, ulps_f64};

    /// From deep in one tail to deep in the other, both zeros and numbers near them.
    fn inputs() -> Vec<f64> {
        let mut inputs: Vec<f64> = (-2000..2000).map(|i| f64::from(i) / 117.0).collect();
        for x in [0.0, 1e-38, 1e-20, 1e-12, 1e-8, 1e-4, 0.01, 50.0, 104.0, 800.0, 1e30] {
            inputs.extend([x, -x]);
        }
        inputs
    }

    /// Units in the last place that values may lie off the reference: exp, tanh and log of the
    /// platform's library are good to 1 or 2, and each operation on the way adds a half or, where
    /// an error is magnified, a few. Wrong formulas are off by thousands.
    const ULPS: f64 = 6.0;

    /// Where σ(x) underflows to a few units, so does x·σ(x), to x times as many.
    fn close(ulps: f64, x: f64, y: f64, smallest: f64, expected: f64) -> bool {
        ulps <= ULPS || (y - expected).abs() <= smallest * x.abs()
    }

    #[test]
    fn values_are_the_references_to_the_last_places() {
        let inputs = inputs();
        let wide = Tensor::new(inputs.as_slice(), &Device::Cpu).unwrap();
        let narrow = wide.to_dtype(DType::F32).unwrap();
        let rounded: Vec<f32> = narrow.to_vec1().unwrap();
        for activation in Activation::ALL {
            let values: Vec<f64> = apply(activation, &wide).unwrap().to_vec1().unwrap();
            for (x, y) in inputs.iter().zip(values) {
                let expected = activation.apply(*x);
                let close = close(ulps_f64(y, expected), *x, y, f64::from_bits(1), expected);
                assert!(close, "{activation}({x}): {y}, not {expected}");
            }
            let values: Vec<f32> = apply(activation, &narrow).unwrap().to_vec1().unwrap();
            for (x, y) in rounded.iter().zip(values) {
                let (x, smallest) = (f64::from(*x), f64::from(f32::from_bits(1)));
                let expected = activation.apply(x);
                let close = close(ulps_f32(y, expected), x, f64::from(y), smallest, expected);
                assert!(close, "{activation}({x}): {y}, not {expected}");
            }
        }
    }

    #[test]
    fn derivatives_are_the_references() {
        let inputs = inputs();
        let x = Tensor::new(inputs.as_slice(), &Device::Cpu).unwrap();
        let ones = x.ones_like().unwrap();
        for activation in Activation::ALL {
            let y = apply(activation, &x).unwrap();
            let gradient = backward(activation, &x, &y, &ones).unwrap();
            for (x, gradient) in inputs.iter().zip(gradient.to_vec1::<f64>().unwrap()) {
                let expected = activation.derivative(*x, activation.apply(*x));
                // the reference takes 1 − σ and its like, good to units of 1, and silu's x times
                let bound = 8.0 * f64::EPSILON * (1.0 + x.abs());
                let difference = (gradient - expected).abs();
                assert!(difference <= bound, "{activation}'({x}): {gradient}, not {expected}");
            }
        }
    }

    #[test]
    fn infinities_and_nan_are_those_of_the_reference() {
        let inputs = [f64::NEG_INFINITY, f64::INFINITY, f64::NAN, 0.0, -0.0];
        for dtype in [DType::F32, DType::F64] {
            let x = Tensor::new(&inputs, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            for activation in Activation::ALL {
                let values = apply(activation, &x).unwrap().to_dtype(DType::F64).unwrap();
                let gradient = backward(
                    activation,
                    &x,
                    &apply(activation, &x).unwrap(),
                    &x.ones_like().unwrap(),
                );
                let gradient = gradient.unwrap().to_dtype(DType::F64).unwrap();
                let values: Vec<f64> = values.to_vec1().unwrap();
                let gradient: Vec<f64> = gradient.to_vec1().unwrap();
                for ((x, y), slope) in inputs.into_iter().zip(values).zip(gradient) {
                    let expected = activation.apply(x);
                    if expected.is_nan() {
                        assert!(y.is_nan(), "{activation}({x}): {y}");
                        continue;
                    }
                    let same = if expected == 0.0 {
                        y == 0.0 && y.is_sign_negative() == expected.is_sign_negative()
                    } else {
                        ulps_f32(y as f32, expected) <= 1.0
                    };
                    assert!(same, "{activation}({x}): {y}, not {expected}");
                    let expected = activation.derivative(x, expected);
                    assert!((slope - expected).abs() < 1e-7, "{activation}'({x}): {slope}");
                }
            }
        }
    }
}
