//! Matrices in panels: some neighbouring columns, one row after the other.

use crate::level::Compiled;
use consonance_host::simd::Level;
use consonance_host::{MatRef, Math};
use std::mem::MaybeUninit;

/// Memory that holds numbers already, for [`pack`].
pub(crate) fn overwrite<T: Copy>(packed: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: the same layout, and what this module writes are numbers
    unsafe { &mut *(packed as *mut [T] as *mut [MaybeUninit<T>]) }
}

/// Writes `matrix` [k, n], whose rows or columns lie side by side or anyhow, in panels of `lanes`
/// columns; columns past the last are zeros. All elements of as many panels as it takes are
/// written.
pub(crate) fn pack<T: Compiled>(
    level: Level,
    lanes: usize,
    matrix: &MatRef<'_, T>,
    packed: &mut [MaybeUninit<T>],
) {
    let (k, n) = (matrix.rows(), matrix.cols());
    if k == 0 {
        return;
    }
    for (panel, first) in packed.chunks_exact_mut(k * lanes).zip((0..n).step_by(lanes)) {
        let columns = matrix.columns(first..(first + lanes).min(n));
        let width = columns.cols();
        let transposes = matrix.col_stride() != 1 && matrix.row_stride() == 1;
        let done = match transposes && lanes == T::lanes(level) {
            true => T::turn(level, &columns, panel),
            false => 0,
        };
        if width < lanes {
            panel[done * lanes..].fill(MaybeUninit::new(T::zero()));
        }
        if matrix.col_stride() == 1 && width == lanes {
            // lengths the compiler knows make a copy one or two instructions
            match lanes {
                4 => copy::<T, 4>(&columns, panel),
                6 => copy::<T, 6>(&columns, panel),
                8 => copy::<T, 8>(&columns, panel),
                16 => copy::<T, 16>(&columns, panel),
                _ => unreachable!("{lanes} lanes"),
            }
        } else if matrix.col_stride() == 1 {
            for (row, into) in panel.chunks_exact_mut(lanes).enumerate() {
                for (into, &x) in into.iter_mut().zip(columns.row(row)) {
                    into.write(x);
                }
            }
        } else if transposes {
            transpose(&columns, done, panel, lanes);
        } else {
            for (row, into) in panel.chunks_exact_mut(lanes).enumerate() {
                for (column, into) in into[..width].iter_mut().enumerate() {
                    into.write(columns.get(row, column));
                }
            }
        }
    }
}

/// Rows of N elements, written one after the other.
fn copy<T: Math, const N: usize>(columns: &MatRef<'_, T>, panel: &mut [MaybeUninit<T>]) {
    for (row, into) in panel.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        let from: &[T; N] = columns.row(row).try_into().expect("N columns");
        *into = from.map(MaybeUninit::new);
    }
}

/// Columns that lie apart, written as rows from row `first` on: four by four, which compilers turn
/// into shuffles of registers, and one by one at the edges.
fn transpose<T: Math>(
    columns: &MatRef<'_, T>,
    first: usize,
    panel: &mut [MaybeUninit<T>],
    lanes: usize,
) {
    let (rows, width) = (columns.rows(), columns.cols());
    let columns = columns.t();
    let whole = first + (rows - first) / 4 * 4;
    for lane in (0..width / 4 * 4).step_by(4) {
        let four: [&[T]; 4] = std::array::from_fn(|column| columns.row(lane + column));
        for row in (first..whole).step_by(4) {
            let block: [[T; 4]; 4] =
                four.map(|column| std::array::from_fn(|r| column[row..row + 4][r]));
            for r in 0..4 {
                let into = &mut panel[(row + r) * lanes + lane..][..4];
                into.copy_from_slice(&block.map(|column| MaybeUninit::new(column[r])));
            }
        }
    }
    for lane in 0..width {
        let from = if lane < width / 4 * 4 { whole } else { first };
        for (row, &x) in columns.row(lane).iter().enumerate().skip(from) {
            panel[row * lanes + lane].write(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_every_element_and_zeros() {
        for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
            let lanes = f32::lanes(level);
            for (k, n) in [(1, 1), (5, 7), (16, 16), (33, 16), (47, 35), (64, 10)] {
                let data: Vec<f32> = (1..=4 * k * n).map(|i| i as f32).collect();
                let column_major = MatRef::new(&data, n, k).t();
                let apart = MatRef::with_strides(&data, n, k, 2 * k, 1).t();
                let strided = MatRef::with_strides(&data, k, n, 2, 2 * k);
                for matrix in [MatRef::new(&data, k, n), column_major, apart, strided] {
                    let mut packed = vec![f32::NAN; k * n.next_multiple_of(lanes)];
                    pack(level, lanes, &matrix, overwrite(&mut packed));
                    for (at, value) in packed.iter().enumerate() {
                        let (panel, inside) = (at / (k * lanes), at % (k * lanes));
                        let (row, column) = (inside / lanes, panel * lanes + inside % lanes);
                        let expected = if column < n { matrix.get(row, column) } else { 0.0 };
                        assert_eq!(*value, expected, "{level}, [{k}, {n}]: {row}, {column}");
                    }
                }
            }
        }
    }
}
