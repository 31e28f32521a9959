//! Matrices in panels: as many columns as a vector has lanes, one row after the other.

use consonance_host::{MatRef, Math};

/// Writes `matrix` [k, n] in panels of `lanes` columns; columns past the last are zeros.
pub(crate) fn pack<T: Math>(matrix: &MatRef<'_, T>, lanes: usize, packed: &mut [T]) {
    let (k, n) = (matrix.rows(), matrix.cols());
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
            transpose(from, (row_stride, col_stride), panel, lanes, width);
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
        let data: Vec<f32> = (1..=5 * 7).map(|i| i as f32).collect();
        let column_major = MatRef::new(&data, 7, 5).t();
        let strided = MatRef::with_strides(&data, 5, 7, 2, 4);
        for matrix in [MatRef::new(&data, 5, 7), column_major, strided] {
            let lanes = 4;
            let mut packed = vec![f32::NAN; 5 * 7_usize.next_multiple_of(lanes)];
            pack(&matrix, lanes, &mut packed);
            for (at, value) in packed.iter().enumerate() {
                let (panel, inside) = (at / (5 * lanes), at % (5 * lanes));
                let (row, column) = (inside / lanes, panel * lanes + inside % lanes);
                let expected = if column < 7 { matrix.get(row, column) } else { 0.0 };
                assert_eq!(*value, expected, "{row}, {column}");
            }
        }
    }
}
