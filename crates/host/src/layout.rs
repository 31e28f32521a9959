//! Where the elements of a matrix lie in memory: with any strides, or in panels of columns.

use std::ops::Range;

/// Where the elements of a matrix lie: element (i, j) `i * row_stride + j * col_stride` elements
/// after the first, if it is not in panels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) row_stride: usize,
    pub(crate) col_stride: usize,
    pub(crate) panels: Option<Panels>,
}

/// Columns of a matrix in panels, one after the other: so many side by side (a power of two, whose
/// quotients are cheap), the first of the next panel so many elements after the first of this one.
/// The last panel may have fewer columns; what fills it up lies in memory too, and may be read.
///
/// [`Kernels::activation_panel`](crate::Kernels::activation_panel) says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panels {
    /// Columns of a panel.
    pub width: usize,
    /// Distance of panels.
    pub stride: usize,
    /// True in a transpose: it is rows that lie in panels.
    pub of_rows: bool,
}

impl Panels {
    /// In which panel a column is, and which of the panel's.
    #[inline(always)]
    fn find(&self, column: usize) -> (usize, usize) {
        (column >> self.width.trailing_zeros(), column & (self.width - 1))
    }
}

impl Layout {
    /// Rows whose elements lie side by side.
    #[inline]
    pub(crate) fn rows(row_stride: usize) -> Self {
        Layout { row_stride, col_stride: 1, panels: None }
    }

    /// How far element (i, j) lies from the first.
    #[inline(always)]
    pub(crate) fn offset(&self, i: usize, j: usize) -> usize {
        let Layout { row_stride, col_stride, panels } = *self;
        match panels {
            None => i * row_stride + j * col_stride,
            Some(panels @ Panels { stride, of_rows: false, .. }) => {
                let (panel, within) = panels.find(j);
                i * row_stride + panel * stride + within * col_stride
            }
            Some(panels @ Panels { stride, of_rows: true, .. }) => {
                let (panel, within) = panels.find(i);
                panel * stride + within * row_stride + j * col_stride
            }
        }
    }

    /// How many elements there are from the first to the last of a row-major matrix, or to the end
    /// of its last panel.
    #[inline]
    pub(crate) fn extent(&self, rows: usize, cols: usize) -> usize {
        let cols = match self.panels {
            None => cols,
            Some(Panels { width, .. }) => (cols + width - 1) & !(width - 1),
        };
        match (rows, cols) {
            (0, _) | (_, 0) => 0,
            // panels do not overlap: the last element is the furthest
            _ => self.offset(rows - 1, cols - 1) + 1,
        }
    }

    /// The layout of the transpose.
    #[inline]
    pub(crate) fn t(self) -> Self {
        let Layout { row_stride, col_stride, panels } = self;
        let panels = panels.map(|panels| Panels { of_rows: !panels.of_rows, ..panels });
        Layout { row_stride: col_stride, col_stride: row_stride, panels }
    }

    /// How far a view of some columns lies from the first.
    ///
    /// # Panics
    /// If columns in panels do not begin with a panel.
    #[inline]
    pub(crate) fn columns(&self, columns: &Range<usize>) -> usize {
        if let Some(panels @ Panels { width, of_rows: false, .. }) = self.panels {
            let begins = columns.is_empty() || panels.find(columns.start).1 == 0;
            assert!(begins, "columns, or rows of a transpose, {columns:?} of panels of {width}");
        }
        self.offset(0, columns.start)
    }
}

/// The layout of panels in `len` elements.
///
/// # Panics
/// As [`MatRef::in_panels`](crate::MatRef::in_panels).
pub(crate) fn panels_layout(
    len: usize,
    rows: usize,
    cols: usize,
    width: usize,
    stride: usize,
) -> Layout {
    assert!(width.is_power_of_two(), "panels of {width} columns, no power of two");
    let of_panel = rows.checked_mul(width).filter(|len| *len <= stride);
    let of_panel =
        of_panel.unwrap_or_else(|| panic!("panels of {rows} × {width} overlap at {stride}"));
    let panels = Some(Panels { width, stride, of_rows: false });
    let needs = match (rows, cols) {
        (0, _) | (_, 0) => Some(0),
        _ => ((cols - 1) / width).checked_mul(stride).and_then(|last| last.checked_add(of_panel)),
    };
    assert!(
        needs.is_some_and(|needs| needs <= len),
        "{rows} × {cols} in panels needs {} elements, there are {len}",
        needs.map_or("too many".to_string(), |needs| needs.to_string())
    );
    Layout { row_stride: width, col_stride: 1, panels }
}

/// How far each panel lies from the first, and how many columns it has; or all of them are one.
#[inline]
pub(crate) fn each_panel(layout: Layout, cols: usize) -> impl Iterator<Item = (usize, usize)> {
    let (width, stride) = match layout.panels {
        None => (cols.max(1), 0),
        Some(Panels { width, stride, of_rows }) => {
            assert!(!of_rows, "the rows of a transpose are in panels, not its columns");
            (width, stride)
        }
    };
    let (mut at, mut left) = (0, cols);
    std::iter::from_fn(move || {
        let panel = (at, left.min(width));
        (at, left) = (at + stride, left - panel.1);
        (panel.1 > 0).then_some(panel)
    })
}
