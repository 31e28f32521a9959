//! The bits of a floating-point number, for the functions of this folder.

use crate::simd::Fma;
use consonance_core::Element;

/// What the functions need to know of a format beyond its arithmetic. They are written without
/// branches and without conversions to integers, so that a loop over them becomes vector code.
pub trait Real: Element {
    /// 1.5·2ᵈ, where d is the number of stored digits: x + `ROUND` is x rounded to an integer,
    /// which stands in the low bits of the sum; − `ROUND` makes a number of it again.
    const ROUND: Self;

    /// ln 2
    const LN_2: Self;

    /// 2ⁿ, where `sum` = n + `ROUND` and 2ⁿ is a normal number.
    fn power(sum: Self) -> Self;

    /// Two normal numbers whose product is 2ⁿ, where `sum` = n + `ROUND`: n may go as far again
    /// beyond the range of the exponent. A product with one, then the other, rounds only once.
    fn two_powers(sum: Self) -> (Self, Self);

    /// The upper half of the digits, whose square is exact.
    fn upper_half(self) -> Self;

    /// m in [1, 2) and n of m·2ⁿ, for a positive normal number.
    fn split(self) -> (Self, Self);
}

macro_rules! real {
    ($type:ident, $bits:ident, bias: $bias:literal) => {
        impl Real for $type {
            const ROUND: $type = 1.5 * (1_u64 << ($type::MANTISSA_DIGITS - 1)) as $type;
            const LN_2: $type = std::$type::consts::LN_2;

            #[inline(always)]
            fn power(sum: $type) -> $type {
                const DIGITS: u32 = $type::MANTISSA_DIGITS - 1;
                // the shift drops the bits of ROUND itself
                $type::from_bits(sum.to_bits().wrapping_add($bias) << DIGITS)
            }

            #[inline(always)]
            fn two_powers(sum: $type) -> ($type, $type) {
                const DIGITS: u32 = $type::MANTISSA_DIGITS - 1;
                const ZERO: $bits = $type::ROUND.to_bits();
                // n + 2·bias is the sum of two biased exponents
                let exponents = sum.to_bits().wrapping_sub(ZERO - 2 * $bias);
                let half = exponents >> 1;
                (
                    $type::from_bits(half << DIGITS),
                    $type::from_bits(exponents.wrapping_sub(half) << DIGITS),
                )
            }

            #[inline(always)]
            fn upper_half(self) -> $type {
                const LOWER: $bits = (1 << $type::MANTISSA_DIGITS.div_ceil(2)) - 1;
                $type::from_bits(self.to_bits() & !LOWER)
            }

            #[inline(always)]
            fn split(self) -> ($type, $type) {
                const DIGITS: u32 = $type::MANTISSA_DIGITS - 1;
                const FRACTION: $bits = (1 << DIGITS) - 1;
                let m = $type::from_bits(self.to_bits() & FRACTION | $type::to_bits(1.0));
                let exponent = (self.to_bits() >> DIGITS).wrapping_sub($bias);
                // an integer added to the low bits of ROUND is added to the number
                let n = $type::from_bits($type::ROUND.to_bits().wrapping_add(exponent));
                (m, n - $type::ROUND)
            }
        }
    };
}

real!(f32, u32, bias: 127);
real!(f64, u64, bias: 1023);

/// c₀ + c₁x + c₂x² + …
#[inline(always)]
pub(super) fn polynomial<F: Fma, T: Element>(coefficients: &[T], x: T) -> T {
    let (&last, rest) = coefficients.split_last().expect("a polynomial has a coefficient");
    rest.iter().rev().fold(last, |sum, &c| F::mul_add(sum, x, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_parts() {
        for x in [1.0_f64, 1.5, 2.0, 3.0, 1e-300, 1e300, f64::MIN_POSITIVE, f64::MAX] {
            let (m, n) = x.split();
            assert!((1.0..2.0).contains(&m));
            assert_eq!(m * (n / 2.0).floor().exp2() * (n - (n / 2.0).floor()).exp2(), x);
        }
        assert_eq!(40.0_f32.split(), (1.25, 5.0));
    }
}
