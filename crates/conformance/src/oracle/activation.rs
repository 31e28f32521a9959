//! Activations and their derivatives, and how exact a backend's have to be.
//!
//! Errors allowed to a backend's function, at an input x with the exact output y:
//!
//! | function | allowed error | why |
//! |---|---|---|
//! | identity, relu | none | no arithmetic |
//! | leaky_relu | 1 ulp for the rounded slope, ½ for the product | two roundings |
//! | sigmoid, tanh | 4 ulp of y | the contract |
//! | silu | \|x\|·4 ulp of the sigmoid + 1 ulp of y | x times a sigmoid |
//! | gelu | 4 ulp of y + 4·u·\|x\| | x·½·(1 + erf): the sum cancels in the lower tail |
//! | softplus | 4 ulp of y + 2·u | ln(1 + eˣ) through a plain logarithm |
//! | elu | 4 ulp of y + 4·u·α | α·(eˣ − 1) through a plain exponential |
//!
//! An ulp is the distance between neighbouring numbers of the backend's precision at y, at least
//! the smallest subnormal: there is no flushing to zero here. The oracle's own functions are
//! allowed the same number of its own ulps.
//!
//! Between inputs that lie e apart a smooth function differs by at most
//! |f′|·e + |f″|·e²/2 + M·e³/6 and its derivative by |f″|·e + M·e²/2 (Taylor), with f′ and f″ at
//! the oracle's input and M the largest |f‴| anywhere; nor by more than max |f′|·e and max |f″|·e,
//! nor than the values and the slopes lie apart. The piecewise functions have a kink at 0:
//! where it lies within e of the input, either side's slope is a correct answer.

use super::{Bounded, Rounding};
use consonance_core::{Activation, Precision};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The distance between neighbouring numbers of `precision` at `value`.
pub fn ulp(precision: Precision, value: f64) -> f64 {
    let (digits, smallest) = match precision {
        Precision::F32 => (24, -149),
        Precision::F64 => (53, -1074),
    };
    let exponent = if value == 0.0 { smallest } else { libm::ilogb(value) - digits + 1 };
    libm::ldexp(1.0, exponent.max(smallest))
}

/// The function's value.
pub fn function(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Relu => {
            if x > 0.0 || x.is_nan() {
                x
            } else {
                0.0
            }
        }
        Activation::LeakyRelu { slope } => x * if x > 0.0 { 1.0 } else { slope },
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => libm::tanh(x),
        Activation::Gelu | Activation::Silu if x == f64::NEG_INFINITY => 0.0,
        Activation::Gelu => x * normal_cdf(x),
        Activation::Silu => x * sigmoid(x),
        Activation::Softplus => libm::log1p(libm::exp(-x.abs())) + if x > 0.0 { x } else { 0.0 },
        Activation::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                alpha * libm::expm1(x)
            }
        }
    }
}

/// First and second derivative at a finite x; at a kink, those on its left.
pub(super) fn slopes(activation: Activation, x: f64) -> (f64, f64) {
    let s = sigmoid(x);
    // 1 − s without cancellation
    let c = sigmoid(-x);
    match activation {
        Activation::Identity => (1.0, 0.0),
        Activation::Relu => (if x > 0.0 { 1.0 } else { 0.0 }, 0.0),
        Activation::LeakyRelu { slope } => (if x > 0.0 { 1.0 } else { slope }, 0.0),
        Activation::Sigmoid => (s * c, s * c * (c - s)),
        Activation::Tanh => {
            let sech = 1.0 / libm::cosh(x);
            (sech * sech, -2.0 * libm::tanh(x) * sech * sech)
        }
        Activation::Gelu => {
            let density = libm::exp(-0.5 * x * x) / (2.0 * PI).sqrt();
            // where the density is 0, x² may be infinite
            let second = if density == 0.0 { 0.0 } else { density * (2.0 - x * x) };
            (normal_cdf(x) + x * density, second)
        }
        Activation::Silu => (s + x * s * c, s * c * (2.0 + x * (c - s))),
        Activation::Softplus => (s, s * c),
        Activation::Elu { alpha } => {
            if x > 0.0 {
                (1.0, 0.0)
            } else {
                (alpha * libm::exp(x), alpha * libm::exp(x))
            }
        }
    }
}

/// How far a function and its derivatives reach, away from its kink.
struct Reach {
    /// No two values lie farther apart.
    values: f64,
    /// No slope is larger.
    slope: f64,
    /// No two slopes lie farther apart.
    slopes: f64,
    /// No second derivative is larger.
    second: f64,
    /// M: no third derivative is larger.
    third: f64,
}

fn reach(activation: Activation) -> Reach {
    let [values, slope, slopes, second, third] = match activation {
        Activation::Identity => [f64::MAX, 1.0, 0.0, 0.0, 0.0],
        Activation::Relu => [f64::MAX, 1.0, 1.0, 0.0, 0.0],
        Activation::LeakyRelu { slope } => {
            [f64::MAX, slope.max(1.0), (1.0 - slope).abs(), 0.0, 0.0]
        }
        // 1/(6√3)
        Activation::Sigmoid => [1.0, 0.25, 0.25, 0.0963, 0.125],
        // 4/(3√3)
        Activation::Tanh => [2.0, 1.0, 1.0, 0.770, 2.0],
        // slopes from −0.129 to 1.129, at ±√2; 2·φ(0); φ(x)·(x³ − 4x), largest near x = 0.74
        Activation::Gelu => [f64::MAX, 1.129, 1.258, 0.798, 0.784],
        // slopes from −0.0999 to 1.0999; s″·x + 3·s″, largest near x = 1.24
        Activation::Silu => [f64::MAX, 1.1, 1.2, 0.5, 0.310],
        Activation::Softplus => [f64::MAX, 1.0, 1.0, 0.25, 0.0963],
        Activation::Elu { alpha } => [f64::MAX, alpha.max(1.0), alpha.max(1.0), alpha, alpha],
    };
    Reach { values, slope, slopes, second, third }
}

/// The slopes on both sides of 0, if they differ.
fn kink(activation: Activation) -> Option<(f64, f64)> {
    match activation {
        Activation::Relu => Some((0.0, 1.0)),
        Activation::LeakyRelu { slope } => Some((slope, 1.0)),
        Activation::Elu { alpha } => Some((alpha, 1.0)),
        _ => None,
    }
}

/// True where a correct backend's input may lie on the other side of 0 than the oracle's.
fn may_cross_zero(input: Bounded) -> bool {
    input.error > 0.0 && input.value.abs() <= input.error
}

/// The error allowed to the function alone, for an input and an output of these magnitudes: what
/// the table above says.
fn function_error(activation: Activation, x: f64, y: f64, rounding: Rounding) -> f64 {
    let both = |n: f64, y: f64| {
        n * (rounding.bounded(ulp(rounding.precision, y)) + ulp(Precision::F64, y))
    };
    let ulps = |n: f64| both(n, y);
    match activation {
        Activation::Identity | Activation::Relu => 0.0,
        Activation::LeakyRelu { .. } => ulps(1.5),
        Activation::Sigmoid | Activation::Tanh => ulps(4.0),
        // the sigmoid's own magnitude is |y|/|x|
        Activation::Silu => x * both(4.0, if x > 0.0 { y / x } else { 1.0 }) + ulps(1.0),
        Activation::Gelu => ulps(4.0) + rounding.units(4.0) * x,
        Activation::Softplus => ulps(4.0) + rounding.units(2.0),
        Activation::Elu { alpha } => ulps(4.0) + rounding.units(4.0) * alpha,
    }
}

/// The output for a bounded input.
pub fn output(activation: Activation, input: Bounded, rounding: Rounding) -> Bounded {
    let Bounded { value: x, error: e } = input;
    let value = function(activation, x);
    if !x.is_finite() {
        return Bounded::exact(value);
    }
    let propagated = propagated(activation, input, rounding);
    // on the positive side of their kink these are the identity
    let copied = matches!(activation, Activation::LeakyRelu { .. } | Activation::Elu { .. });
    let rounded = if copied && x - e > 0.0 {
        0.0
    } else {
        function_error(activation, x.abs() + e, value.abs() + propagated, rounding)
    };
    Bounded { value, error: propagated + rounded }.finite()
}

/// |f(x̂) − f(x)| at most.
fn propagated(activation: Activation, input: Bounded, rounding: Rounding) -> f64 {
    let Bounded { value: x, error: e } = input;
    let reach = reach(activation);
    match kink(activation) {
        Some((left, right)) if may_cross_zero(input) => left.max(right) * e,
        _ => {
            let (first, second) = slopes(activation, x);
            // the exponential side of elu ends at 0, short of its largest third derivative
            let series =
                first.abs() * e + second.abs() * e * e / 2.0 + reach.third * e * e * e / 6.0;
            series.min(reach.slope * e).min(rounding.bounded(reach.values))
        }
    }
}

/// The derivative for a bounded, finite input.
///
/// A backend may compute it from its output ŷ, which it knows to within the function's error ε,
/// or from its input; the terms below cover the usual formulas of either kind.
pub fn derivative(activation: Activation, input: Bounded, rounding: Rounding) -> Bounded {
    let Bounded { value: x, error: e } = input;
    let (value, second) = slopes(activation, x);
    let size = value.abs();
    let reach = reach(activation);
    let series = second.abs() * e + reach.third * e * e / 2.0;
    let smooth = series.min(reach.second * e).min(rounding.bounded(reach.slopes));
    let propagated = match kink(activation) {
        Some((left, right)) if may_cross_zero(input) => {
            rounding.bounded((left - right).abs()) + smooth
        }
        _ => smooth,
    };
    let y = function(activation, x).abs();
    let spread = self::propagated(activation, input, rounding);
    let epsilon = function_error(activation, x.abs() + e, y + spread, rounding);
    let off = spread + epsilon;
    let units = |n: f64| rounding.units(n);
    let formula = match activation {
        Activation::Identity | Activation::Relu => 0.0,
        Activation::LeakyRelu { .. } => units(1.0) * size,
        // y·(1 − y): slope 1 − 2y in y, two roundings
        Activation::Sigmoid => {
            epsilon * ((1.0 - 2.0 * y).abs() + 2.0 * off) + units(3.0) * (size + propagated)
        }
        // 1 − y² or (1 − y)·(1 + y): slope 2y in y, at most three roundings of numbers up to 1
        Activation::Tanh => epsilon * (2.0 * y + 2.0 * off) + units(3.0),
        // Φ(x) + x·φ(x): Φ to 4·u, and x·φ(x) ≤ 0.25 to some 12 roundings
        Activation::Gelu => units(8.0),
        // s + x·s·(1 − s), or y + s·(1 − y), with s to 4 ulp, that is 8·u
        Activation::Silu => units(12.0) * sigmoid(x + e) * (1.0 + x.abs() + e),
        // 1 − e⁻ʸ: slope e⁻ʸ = 1 − f′ in y, or a sigmoid of the input
        Activation::Softplus => {
            epsilon * (1.0 - size + propagated) + units(2.0) + units(8.0) * size
        }
        // y + α, or α·eˣ
        Activation::Elu { alpha } if x <= e => epsilon + units(4.0) * alpha,
        Activation::Elu { .. } => 0.0,
    };
    // four operations that may underflow; silu's meet x after
    let underflow = match activation {
        Activation::Identity | Activation::Relu => 0.0,
        Activation::Silu => 4.0 * rounding.tiny * (1.0 + x.abs() + e),
        _ => 4.0 * rounding.tiny,
    };
    Bounded { value, error: propagated + formula + underflow }.finite()
}

/// 1 / (1 + e⁻ˣ), in the form that neither overflows nor cancels.
fn sigmoid(x: f64) -> f64 {
    if x < 0.0 {
        let e = libm::exp(x);
        e / (1.0 + e)
    } else {
        1.0 / (1.0 + libm::exp(-x))
    }
}

/// The standard normal distribution function.
fn normal_cdf(x: f64) -> f64 {
    libm::erfc(-x * FRAC_1_SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> impl Iterator<Item = f64> {
        (-20_000..=20_000).map(|i| f64::from(i) * 1e-3 + 5e-5)
    }

    #[test]
    fn derivatives_are_differences() {
        for activation in Activation::ALL {
            for x in grid() {
                // truncation h²·M/6 plus the rounding of two values up to 20
                let h = 1e-5;
                let f = |x| function(activation, x);
                let tolerance = h * h + 20.0 * 4.0 * f64::EPSILON / h;
                let (first, second) = slopes(activation, x);
                let difference = (f(x + h) - f(x - h)) / (2.0 * h);
                assert!((first - difference).abs() <= tolerance, "{activation}′({x})");
                let difference =
                    (slopes(activation, x + h).0 - slopes(activation, x - h).0) / (2.0 * h);
                assert!((second - difference).abs() <= tolerance, "{activation}″({x})");
            }
        }
    }

    #[test]
    fn no_derivative_reaches_farther_than_stated_and_what_is_stated_is_close() {
        for activation in Activation::ALL {
            let h = 1e-4;
            let third =
                |x: f64| (slopes(activation, x + h).1 - slopes(activation, x - h).1) / (2.0 * h);
            let away_from_kinks = |x: &f64| kink(activation).is_none() || x.abs() > h;
            let smallest_and_largest = |f: &dyn Fn(f64) -> f64| {
                let all = || grid().filter(away_from_kinks).map(f);
                (all().fold(f64::MAX, f64::min), all().fold(f64::MIN, f64::max))
            };
            let apart = |(smallest, largest): (f64, f64)| largest - smallest;
            let size = |(smallest, largest): (f64, f64)| largest.max(-smallest);
            let reach = reach(activation);
            let values = smallest_and_largest(&|x| function(activation, x));
            let first = smallest_and_largest(&|x| slopes(activation, x).0);
            let second = smallest_and_largest(&|x| slopes(activation, x).1);
            for (what, reached, stated) in [
                ("values", apart(values), reach.values),
                ("slope", size(first), reach.slope),
                ("slopes", apart(first), reach.slopes),
                ("second derivative", size(second), reach.second),
                ("third derivative", size(smallest_and_largest(&third)), reach.third),
            ] {
                assert!(reached <= stated + 1e-6, "{what} of {activation}: {reached} > {stated}");
                let close = stated == f64::MAX || reached >= 0.9 * stated;
                assert!(close, "{what} of {activation}: {reached} far below {stated}");
            }
        }
    }

    #[test]
    fn units_in_the_last_place() {
        assert_eq!(ulp(Precision::F32, 1.0), f64::from(f32::EPSILON));
        assert_eq!(ulp(Precision::F32, -1.999), f64::from(f32::EPSILON));
        assert_eq!(ulp(Precision::F32, 0.0), f64::from(f32::from_bits(1)));
        assert_eq!(ulp(Precision::F32, 1e-44), f64::from(f32::from_bits(1)));
        assert_eq!(ulp(Precision::F64, 1.0), f64::EPSILON);
        assert_eq!(ulp(Precision::F64, 0.0), f64::from_bits(1));
    }
}
