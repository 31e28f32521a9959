//! Sums of columns.

use crate::matrix::MatRef;
use crate::simd::{Fma, Sweep};
use consonance_core::Element;

/// sums ← sums + the sum of each column.
///
/// Many rows are summed in 16 chains, every 16th row in the same one, which are then added in pairs:
/// rows side by side are one long slice then, however narrow they are.
#[derive(Debug)]
pub struct AddColumns<'a, T> {
    /// Rows that lie side by side or apart.
    pub matrix: MatRef<'a, T>,
    /// A sum for each column.
    pub sums: &'a mut [T],
}

const CHAINS: usize = 16;

/// Columns that are summed at a time.
const STRIP: usize = 32;

impl<T: Element> Sweep for AddColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let AddColumns { matrix, sums } = self;
        let (rows, width) = (matrix.rows(), matrix.cols());
        assert_eq!(width, sums.len(), "columns and sums");
        if rows < 2 * CHAINS || width == 0 {
            for row in 0..rows {
                add(sums, matrix.row(row));
            }
            return;
        }
        let mut chains = [T::zero(); CHAINS * STRIP];
        match matrix.as_slice() {
            Some(elements) if width <= STRIP => {
                for sixteen in elements.chunks(CHAINS * width) {
                    add(&mut chains, sixteen);
                }
                add_chains(&mut chains[..CHAINS * width], sums);
            }
            _ => {
                for (number, sums) in sums.chunks_mut(STRIP).enumerate() {
                    let (first, width) = (number * STRIP, sums.len());
                    chains.fill(T::zero());
                    for row in 0..rows {
                        let chain = &mut chains[row % CHAINS * width..][..width];
                        add(chain, &matrix.row(row)[first..first + width]);
                    }
                    add_chains(&mut chains[..CHAINS * width], sums);
                }
            }
        }
    }
}

/// sums ← sums + x, for as many as both have.
#[inline(always)]
fn add<T: Element>(sums: &mut [T], x: &[T]) {
    for (sum, &x) in sums.iter_mut().zip(x) {
        *sum += x;
    }
}

/// sums ← sums + the sum of the chains, half of them added to the other half until one is left.
#[inline(always)]
fn add_chains<T: Element>(chains: &mut [T], sums: &mut [T]) {
    let mut left = chains;
    while left.len() > sums.len() {
        let (first, second) = left.split_at_mut(left.len() / 2);
        add(first, second);
        left = first;
    }
    add(sums, left);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, dispatch_at};

    #[test]
    fn sums_are_right_and_do_not_depend_on_where_rows_and_columns_lie() {
        for (rows, width) in [(1, 3), (31, 10), (32, 1), (100, 10), (257, 64), (100, 200)] {
            let data: Vec<f32> =
                (0..rows * (width + 7)).map(|i| (i * 37 % 101) as f32 / 7.0).collect();
            let apart = MatRef::with_strides(&data, rows, width, width + 7, 1);
            let packed: Vec<f32> =
                (0..rows).flat_map(|row| apart.row(row).iter().copied()).collect();
            for level in Level::available() {
                let sum = |matrix: MatRef<'_, f32>| {
                    let mut sums = vec![1.0; matrix.cols()];
                    dispatch_at(level, AddColumns { matrix, sums: &mut sums });
                    sums
                };
                let sums = sum(apart);
                assert_eq!(sums, sum(MatRef::new(&packed, rows, width)));
                let half = width / 2;
                assert_eq!(sums[half..], sum(apart.columns(half..width)));
                for (column, &sum) in sums.iter().enumerate() {
                    let exact: f64 = (0..rows).map(|row| f64::from(apart.get(row, column))).sum();
                    let bound = f64::from(f32::EPSILON) * rows as f64 * (exact + 1.0);
                    assert!((f64::from(sum) - exact - 1.0).abs() <= bound, "{rows} × {width}");
                }
            }
        }
    }
}
