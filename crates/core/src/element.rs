//! The two element types, known at run time as [`Precision`] and at compile time as [`Element`].

use crate::Values;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The type of every number inside a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit IEEE 754, the default.
    #[default]
    F32,
    /// 64-bit IEEE 754.
    F64,
}

impl Precision {
    /// The unit roundoff u: 2⁻²⁴ or 2⁻⁵³, half the distance from 1 to the next number.
    pub fn unit_roundoff(self) -> f64 {
        match self {
            Precision::F32 => f64::from(f32::EPSILON) / 2.0,
            Precision::F64 => f64::EPSILON / 2.0,
        }
    }

    /// Bytes an element takes.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }

    /// `"f32"` or `"f64"`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `f32` or `f64`: what kernels are generic over. Sealed; the arithmetic is `num_traits::Float`'s.
pub trait Element:
    num_traits::Float
    + num_traits::NumAssign
    + std::iter::Sum
    + fmt::Debug
    + fmt::Display
    + Default
    + Send
    + Sync
    + 'static
    + sealed::Sealed
{
    /// This type at run time.
    const PRECISION: Precision;

    /// The nearest element to an `f64`.
    fn of(value: f64) -> Self;

    /// This element as an `f64`, exactly.
    fn widen(self) -> f64;

    /// The elements of `values`, if they are of this type.
    fn slice(values: &Values) -> Option<&[Self]>;

    /// The elements of `values` for writing, if they are of this type.
    fn slice_mut(values: &mut Values) -> Option<&mut [Self]>;

    /// Elements as [`Values`], without a copy.
    fn values(elements: Vec<Self>) -> Values;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! element {
    ($type:ident, $variant:ident) => {
        impl Element for $type {
            const PRECISION: Precision = Precision::$variant;

            fn of(value: f64) -> Self {
                value as $type
            }

            fn widen(self) -> f64 {
                f64::from(self)
            }

            fn slice(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$variant(elements) => Some(elements),
                    _ => None,
                }
            }

            fn slice_mut(values: &mut Values) -> Option<&mut [Self]> {
                match values {
                    Values::$variant(elements) => Some(elements),
                    _ => None,
                }
            }

            fn values(elements: Vec<Self>) -> Values {
                Values::$variant(elements)
            }
        }
    };
}

element!(f32, F32);
element!(f64, F64);
