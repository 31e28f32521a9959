//! A flat buffer whose element type is known at run time: what crosses the backend's boundary.

use crate::{Element, Error, Precision, Result};

/// Numbers of one [`Precision`], in row-major order where they stand for a matrix.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// 32-bit elements.
    F32(Vec<f32>),
    /// 64-bit elements.
    F64(Vec<f64>),
}

impl Values {
    /// `len` zeros.
    pub fn zeros(precision: Precision, len: usize) -> Self {
        match precision {
            Precision::F32 => Values::F32(vec![0.0; len]),
            Precision::F64 => Values::F64(vec![0.0; len]),
        }
    }

    /// The `f64` numbers of `source`, each rounded to the nearest element of `precision`.
    pub fn rounded(precision: Precision, source: &[f64]) -> Self {
        match precision {
            Precision::F32 => Values::F32(source.iter().map(|&v| v as f32).collect()),
            Precision::F64 => Values::F64(source.to_vec()),
        }
    }

    /// The element type.
    pub fn precision(&self) -> Precision {
        match self {
            Values::F32(_) => Precision::F32,
            Values::F64(_) => Precision::F64,
        }
    }

    /// These elements and then those of `other`, if they are of one precision.
    pub fn followed_by(self, other: Values) -> Option<Self> {
        match (self, other) {
            (Values::F32(mut values), Values::F32(more)) => {
                values.extend(more);
                Some(Values::F32(values))
            }
            (Values::F64(mut values), Values::F64(more)) => {
                values.extend(more);
                Some(Values::F64(values))
            }
            _ => None,
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// True without any element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `index`, widened; panics past the end as a slice does.
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Values::F32(v) => f64::from(v[index]),
            Values::F64(v) => v[index],
        }
    }

    /// All elements, widened.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }

    /// All elements as `f64`.
    pub fn to_f64(&self) -> Vec<f64> {
        self.iter().collect()
    }

    /// The same numbers in `precision`, each rounded to nearest; free where nothing changes.
    pub fn cast(self, precision: Precision) -> Self {
        match (self, precision) {
            (Values::F64(v), Precision::F32) => Values::F32(v.iter().map(|&x| x as f32).collect()),
            (Values::F32(v), Precision::F64) => {
                Values::F64(v.iter().map(|&x| f64::from(x)).collect())
            }
            (same, _) => same,
        }
    }

    /// True if no element is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        match self {
            Values::F32(v) => v.iter().all(|x| x.is_finite()),
            Values::F64(v) => v.iter().all(|x| x.is_finite()),
        }
    }

    /// The elements as `T`.
    ///
    /// # Errors
    /// [`Error::Mismatch`], naming `what`, if they are of the other type or not `len` of them.
    pub fn expect<T: Element>(&self, what: &'static str, len: usize) -> Result<&[T]> {
        let slice =
            T::slice(self).ok_or_else(|| Error::mismatch(what, T::PRECISION, self.precision()))?;
        if slice.len() != len {
            return Err(Error::mismatch(what, format_args!("{len} values"), slice.len()));
        }
        Ok(slice)
    }
}

impl From<Vec<f32>> for Values {
    fn from(elements: Vec<f32>) -> Self {
        Values::F32(elements)
    }
}

impl From<Vec<f64>> for Values {
    fn from(elements: Vec<f64>) -> Self {
        Values::F64(elements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_rounds_to_nearest_and_back_is_exact() {
        let wide = Values::from(vec![0.1_f64, -1.5, f64::MAX]);
        let narrow = wide.cast(Precision::F32);
        assert_eq!(narrow, Values::from(vec![0.1_f32, -1.5, f32::INFINITY]));
        assert_eq!(narrow.clone().cast(Precision::F64).get(0), f64::from(0.1_f32));
        assert!(!narrow.is_finite());
    }

    #[test]
    fn the_wrong_length_or_type_is_named() {
        let values = Values::from(vec![1.0_f32, 2.0]);
        assert_eq!(values.expect::<f32>("weights", 2).unwrap(), [1.0, 2.0]);
        let length = values.expect::<f32>("weights", 3).unwrap_err();
        assert_eq!(length.to_string(), "weights: expected 3 values, got 2");
        let kind = values.expect::<f64>("weights", 2).unwrap_err();
        assert_eq!(kind.to_string(), "weights: expected f64, got f32");
    }
}
