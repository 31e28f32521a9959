//! Matrices in panels: as many columns as a vector has lanes, one row after the other.

use crate::level::Compiled;
use consonance_host::simd::Level;
use consonance_host::{MatRef, Math};

/// Writes `matrix` [k, n] in panels of the level's lanes; columns past the last are zeros.
pub(crate) fn pack<T: Compiled>(level: Level, matrix: &MatRef<'_, T>, packed: &mut [T]) {
    let (k, n) = (matrix.rows(), matrix.cols());
    let lanes = T::lanes(level);
    if k == 0 {
        return;
    }
    for (panel, columns) in packed.chunks_exact_mut(k * lanes).zip((0..n).step_by(lanes)) {
        let width = lanes.min(n - columns);
        let (row_stride, col_stride) = (matrix.row_stride(), matrix.col_stride());
        let from = &matrix.data()[columns * col_stride..];
        if width < lanes {
            panel.fill(T::zero());
        }
        if col_stride == 1 {
            for (row, into) in panel.chunks_exact_mut(lanes).enumerate() {
                into[..width].copy_from_slice(&from[row * row_stride..][..width]);
            }
        } else {
            let own = width == lanes && row_stride == 1;
            let done = if own { T::transpose(level, from, col_stride, panel) } else { 0 };
            // past the end of the last column there may be nothing
            let rest = from.get(done * row_stride..).unwrap_or(&[]);
            transpose(rest, (row_stride, col_stride), &mut panel[done * lanes..], lanes, width);
        }
    }
}

/// Columns that lie apart, written as rows. Four by four, which compilers turn into shuffles of
/// registers, where the elements of a column are neighbours; one by one elsewhere.
fn transpose<T: Math>(
    from: &[T],
    (row_stride, col_stride): (usize, usize),
    panel: &mut [T],
    lanes: usize,
    width: usize,
) {
    let rows = panel.len() / lanes;
    let whole = |count: usize| if row_stride == 1 { count / 4 * 4 } else { 0 };
    for lane in (0..whole(width)).step_by(4) {
        for row in (0..whole(rows)).step_by(4) {
            let columns: [[T; 4]; 4] = std::array::from_fn(|c| {
                let start = (lane + c) * col_stride + row;
                std::array::from_fn(|r| from[start..start + 4][r])
            });
            for r in 0..4 {
                let into = &mut panel[(row + r) * lanes + lane..][..4];
                into.copy_from_slice(&columns.map(|column| column[r]));
            }
        }
    }
    for lane in 0..width {
        let first = if lane < whole(width) { whole(rows) } else { 0 };
        for row in first..rows {
            panel[row * lanes + lane] = from[lane * col_stride + row * row_stride];
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
                    pack(level, &matrix, &mut packed);
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
