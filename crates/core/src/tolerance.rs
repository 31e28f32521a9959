//! How far two computations of the same thing may lie apart: bounds that are theorems.

use crate::Precision;

/// γₙ = n·u / (1 − n·u) (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002,
/// lemma 3.1): the relative error bound of n successive roundings, in any order.
pub fn gamma(n: usize, precision: Precision) -> f64 {
    let nu = n as f64 * precision.unit_roundoff();
    assert!(nu < 1.0, "no bound exists for {n} roundings in {precision}");
    nu / (1.0 - nu)
}

/// The bound on |computed − exact| of one element of A·B + bias, where `magnitude` is the same
/// element of |A|·|B| + |bias| and `k` the length of the sums: γ(k+2)·magnitude.
pub fn product(k: usize, precision: Precision, magnitude: f64) -> f64 {
    gamma(k + 2, precision) * magnitude
}

/// The gate on random data: rounding errors of random sign add up like √k, so a good product
/// stays within 6·√k·u·(|A|·|B|), six standard deviations. Not a theorem; a product beyond it on
/// random data deserves a look.
pub fn product_quality(k: usize, precision: Precision, magnitude: f64) -> f64 {
    6.0 * (k as f64).sqrt().max(1.0) * precision.unit_roundoff() * magnitude
}

/// The distance from `value` to `reference` in units in the last place of the `f32` nearest to
/// `reference`. Infinite if one is NaN or infinite and the other is not the same.
pub fn ulps_f32(value: f32, reference: f64) -> f64 {
    ulps(f64::from(value), reference, f64::from(reference as f32), 24, -149)
}

/// The distance from `value` to `reference` in units in the last place of `reference`; as
/// [`ulps_f32`].
pub fn ulps_f64(value: f64, reference: f64) -> f64 {
    ulps(value, reference, reference, 53, -1074)
}

fn ulps(value: f64, reference: f64, rounded: f64, digits: i32, smallest: i32) -> f64 {
    if value.is_nan() && reference.is_nan() || value == rounded && !value.is_finite() {
        return 0.0;
    }
    if !value.is_finite() || !rounded.is_finite() {
        return f64::INFINITY;
    }
    let exponent = if rounded == 0.0 { i32::MIN / 2 } else { libm::ilogb(rounded) };
    // not `powi`, which overflows on its way to the smallest number
    let unit = libm::ldexp(1.0, (exponent - digits + 1).max(smallest));
    (value - reference).abs() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_is_a_little_more_than_n_u() {
        let u = Precision::F32.unit_roundoff();
        assert!(gamma(100, Precision::F32) > 100.0 * u);
        assert!(gamma(100, Precision::F32) < 100.01 * u);
    }

    #[test]
    fn ulps_count_representable_steps() {
        assert_eq!(ulps_f32(1.0, 1.0), 0.0);
        assert_eq!(ulps_f32(1.0 + f32::EPSILON, 1.0), 1.0);
        assert_eq!(ulps_f32(f32::from_bits(3), 0.0), 3.0);
        assert_eq!(ulps_f32(f32::INFINITY, 1.0), f64::INFINITY);
        assert_eq!(ulps_f32(f32::NAN, 1.0), f64::INFINITY);
        assert_eq!(ulps_f64(f64::INFINITY, f64::INFINITY), 0.0);
        assert_eq!(ulps_f32(1.0, 1.0 + f64::from(f32::EPSILON) / 4.0), 0.25);
        // just below a power of two the unit is half of that above
        assert_eq!(ulps_f64(2.0, 2.0 - f64::EPSILON), 1.0);
        assert_eq!(ulps_f64(2.0 + 2.0 * f64::EPSILON, 2.0), 1.0);
        assert_eq!(ulps_f64(f64::from_bits(3), 0.0), 3.0);
    }
}
