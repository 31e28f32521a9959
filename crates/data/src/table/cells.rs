//! The cells of one column in one part of a table, in as few bytes as hold them exactly.

/// A column's cells in a chunk of rows. NaN is a missing number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    /// Whole numbers from 0 to 255, none missing: images need an eighth of the memory.
    U8(Vec<u8>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Positions among the column's texts; [`NO_TEXT`] is an empty cell.
    Text(Vec<u32>),
}

/// The position of an empty cell's text.
pub(crate) const NO_TEXT: u32 = u32::MAX;

impl Cells {
    /// These numbers in the smallest type that holds all of them exactly.
    pub(crate) fn of_numbers(numbers: Vec<f64>) -> Self {
        let bits = |wide: f64, number: &f64| wide.to_bits() == number.to_bits();
        if numbers.iter().all(|number| bits(f64::from(*number as u8), number)) {
            return Cells::U8(numbers.iter().map(|&number| number as u8).collect());
        }
        let exact = |number: &f64| number.is_nan() || bits(f64::from(*number as f32), number);
        if numbers.iter().all(exact) {
            return Cells::F32(numbers.iter().map(|&number| number as f32).collect());
        }
        Cells::F64(numbers)
    }

    /// The number in `row`; NaN for a missing one, and for text.
    #[inline]
    pub(crate) fn number(&self, row: usize) -> f64 {
        match self {
            Cells::U8(bytes) => f64::from(bytes[row]),
            Cells::F32(numbers) => f64::from(numbers[row]),
            Cells::F64(numbers) => numbers[row],
            Cells::Text(_) => f64::NAN,
        }
    }

    /// Shows every number, in order; those of text are NaN.
    #[inline]
    pub(crate) fn each_number(&self, rows: usize, mut see: impl FnMut(f64)) {
        match self {
            Cells::U8(bytes) => bytes.iter().for_each(|&byte| see(f64::from(byte))),
            Cells::F32(numbers) => numbers.iter().for_each(|&number| see(f64::from(number))),
            Cells::F64(numbers) => numbers.iter().for_each(|&number| see(number)),
            Cells::Text(_) => (0..rows).for_each(|_| see(f64::NAN)),
        }
    }

    /// Keeps the rows of which `kept` is true.
    pub(crate) fn retain(&mut self, kept: &[bool]) {
        fn only<T>(values: &mut Vec<T>, kept: &[bool]) {
            let mut kept = kept.iter();
            values.retain(|_| *kept.next().unwrap_or(&false));
        }
        match self {
            Cells::U8(bytes) => only(bytes, kept),
            Cells::F32(numbers) => only(numbers, kept),
            Cells::F64(numbers) => only(numbers, kept),
            Cells::Text(positions) => only(positions, kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_smallest_type_that_holds_them() {
        assert_eq!(Cells::of_numbers(vec![0.0, 255.0]), Cells::U8(vec![0, 255]));
        assert_eq!(Cells::of_numbers(vec![-1.0, 0.5]), Cells::F32(vec![-1.0, 0.5]));
        assert_eq!(Cells::of_numbers(vec![0.1]), Cells::F64(vec![0.1]));
        // -0 is no byte, and a missing number neither
        assert_eq!(Cells::of_numbers(vec![-0.0]), Cells::F32(vec![-0.0]));
        assert!(matches!(Cells::of_numbers(vec![f64::NAN, 1.0]), Cells::F32(_)));
    }
}
