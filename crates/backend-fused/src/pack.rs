//! Matrices in panels: as many columns as a vector has lanes, one row after the other.

use consonance_host::{MatRef, Math};

/// Elements that the panels of a [k, n] matrix take.
pub(crate) fn packed_len(k: usize, n: usize, lanes: usize) -> usize {
    k * n.next_multiple_of(lanes)
}

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

/// Rows that are transposed together: their cache lines are read once.
const TOGETHER: usize = 16;

fn transpose<T: Math>(
    from: &[T],
    (row_stride, col_stride): (usize, usize),
    panel: &mut [T],
    lanes: usize,
    width: usize,
) {
    for (block, into) in panel.chunks_mut(TOGETHER * lanes).enumerate() {
        let rows = into.len() / lanes;
        for lane in 0..width {
            let column = &from[lane * col_stride + block * TOGETHER * row_stride..];
            for row in 0..rows {
                into[row * lanes + lane] = column[row * row_stride];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_every_element_and_zeros() {
        let data: Vec<f32> = (1..=5 * 7).map(|i| i as f32).collect();
        for matrix in [MatRef::new(&data, 5, 7), MatRef::new(&data, 7, 5).t()] {
            let lanes = 4;
            let mut packed = vec![f32::NAN; packed_len(5, 7, lanes)];
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
