//! Matrices laid out in every way a view can describe.

use consonance_core::Element;
use consonance_host::{MatMut, MatRef};

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Row after row without gaps.
    Rows,
    /// Column after column without gaps: a transpose.
    Columns,
    /// Row after row, each followed by a gap.
    PaddedRows,
    /// Column after column, each followed by a gap.
    PaddedColumns,
    /// Gaps between rows and between neighbours.
    Sparse,
}

impl Layout {
    pub(super) const ALL: [Layout; 5] =
        [Layout::Rows, Layout::Columns, Layout::PaddedRows, Layout::PaddedColumns, Layout::Sparse];

    /// Row and column stride.
    fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Layout::Rows => (cols, 1),
            Layout::Columns => (1, rows),
            Layout::PaddedRows => (cols + 3, 1),
            Layout::PaddedColumns => (1, rows + 5),
            Layout::Sparse => (2 * cols + 1, 2),
        }
    }
}

/// A matrix in some layout, with some filling in the gaps and behind the end.
#[derive(Debug, Clone)]
pub(super) struct Strided<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    row_stride: usize,
    col_stride: usize,
    filling: T,
    data: Vec<T>,
}

/// Elements behind the last one of the matrix.
const BEHIND: usize = 9;

impl<T: Element> Strided<T> {
    /// The row-major `values` in the given layout.
    pub(super) fn new(
        layout: Layout,
        rows: usize,
        cols: usize,
        filling: T,
        values: impl Fn(usize, usize) -> T,
    ) -> Self {
        let (row_stride, col_stride) = layout.strides(rows, cols);
        let data = vec![filling; rows * row_stride + cols * col_stride + BEHIND];
        let mut strided = Strided { rows, cols, row_stride, col_stride, filling, data };
        for i in 0..rows {
            for j in 0..cols {
                strided.data[i * row_stride + j * col_stride] = values(i, j);
            }
        }
        strided
    }

    pub(super) fn as_ref(&self) -> MatRef<'_, T> {
        let Strided { rows, cols, row_stride, col_stride, ref data, .. } = *self;
        MatRef::with_strides(data, rows, cols, row_stride, col_stride)
    }

    pub(super) fn as_mut(&mut self) -> MatMut<'_, T> {
        let Strided { rows, cols, row_stride, col_stride, ref mut data, .. } = *self;
        MatMut::with_strides(data, rows, cols, row_stride, col_stride)
    }

    /// The part of these rows and columns, as a view.
    pub(super) fn part(
        &self,
        rows: std::ops::Range<usize>,
        cols: std::ops::Range<usize>,
    ) -> MatRef<'_, T> {
        let Strided { row_stride, col_stride, .. } = *self;
        let start = rows.start * row_stride + cols.start * col_stride;
        MatRef::with_strides(&self.data[start..], rows.len(), cols.len(), row_stride, col_stride)
    }

    pub(super) fn get(&self, i: usize, j: usize) -> T {
        self.as_ref().get(i, j)
    }

    /// True if what lies between and behind the elements is still the filling, bit for bit (NaN
    /// fillings included).
    pub(super) fn gaps_are_untouched(&self) -> bool {
        let mut is_element = vec![false; self.data.len()];
        for i in 0..self.rows {
            for j in 0..self.cols {
                is_element[i * self.row_stride + j * self.col_stride] = true;
            }
        }
        let filling = bits(self.filling);
        self.data.iter().zip(is_element).all(|(x, element)| element || bits(*x) == filling)
    }
}

/// The bits of an element, by way of the exact widening.
pub(super) fn bits<T: Element>(x: T) -> u64 {
    x.widen().to_bits()
}
