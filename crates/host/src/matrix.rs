//! Views of matrices in host memory, with any strides.

use crate::layout::{Layout, each_panel, panels_layout};
use std::marker::PhantomData;
use std::ops::Range;

pub use crate::layout::Panels;

/// A read-only view of a matrix: element (i, j) lies `i * row_stride + j * col_stride` elements
/// after the first, unless columns lie in [`Panels`]. A transpose is a view with the strides
/// exchanged; nothing is copied.
#[derive(Debug)]
pub struct MatRef<'a, T> {
    first: *const T,
    rows: usize,
    cols: usize,
    layout: Layout,
    borrow: PhantomData<&'a [T]>,
}

/// A view of a matrix to write to, as [`MatRef`]. Distinct elements lie at distinct places.
///
/// It borrows its elements only, not what lies between them: several threads may write to
/// different columns of one matrix.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    first: *mut T,
    rows: usize,
    cols: usize,
    layout: Layout,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: a view is a borrow of its elements, as `&[T]` is.
unsafe impl<T: Sync> Send for MatRef<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatRef<'_, T> {}
// SAFETY: a view is a borrow of its elements, which nobody else has, as `&mut [T]` is.
unsafe impl<T: Send> Send for MatMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for MatMut<'_, T> {}

impl<T> Clone for MatRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for MatRef<'_, T> {}

/// Panics if an element would lie past the end of `len` elements.
#[inline]
fn check_extent(len: usize, rows: usize, cols: usize, row_stride: usize, col_stride: usize) {
    let extent = match (rows, cols) {
        (0, _) | (_, 0) => Some(0),
        _ => (rows - 1)
            .checked_mul(row_stride)
            .zip((cols - 1).checked_mul(col_stride))
            .and_then(|(down, right)| down.checked_add(right)?.checked_add(1)),
    };
    assert!(
        extent.is_some_and(|extent| extent <= len),
        "a {rows} × {cols} view needs {} elements, there are {len}",
        extent.map_or("too many".to_string(), |extent| extent.to_string())
    );
}

impl<'a, T> MatRef<'a, T> {
    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// If `data` is shorter than the matrix.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        Self::with_strides(data, rows, cols, cols, 1)
    }

    /// A view with strides.
    ///
    /// # Panics
    /// If an element would lie past the end of `data`.
    pub fn with_strides(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        check_extent(data.len(), rows, cols, row_stride, col_stride);
        let layout = Layout { row_stride, col_stride, panels: None };
        MatRef { first: data.as_ptr(), rows, cols, layout, borrow: PhantomData }
    }

    /// A matrix in panels of `width` columns, each with the elements of a row side by side and its
    /// rows `width` apart; panels begin `stride` apart.
    ///
    /// # Panics
    /// If the width is no power of two, panels overlap, or the last one, filled up, would reach past the
    /// end of `data`.
    pub fn in_panels(data: &'a [T], rows: usize, cols: usize, width: usize, stride: usize) -> Self {
        let layout = panels_layout(data.len(), rows, cols, width, stride);
        MatRef { first: data.as_ptr(), rows, cols, layout, borrow: PhantomData }
    }

    /// A view with any layout.
    ///
    /// # Panics
    /// If an element would lie past the end of `data`.
    pub(crate) fn with_layout(data: &'a [T], rows: usize, cols: usize, layout: Layout) -> Self {
        let needs = layout.extent(rows, cols);
        assert!(needs <= data.len(), "a {rows} × {cols} view needs {needs} of {}", data.len());
        MatRef { first: data.as_ptr(), rows, cols, layout, borrow: PhantomData }
    }

    /// A matrix whose neighbours in memory may be written by someone else.
    ///
    /// # Safety
    /// `first` points at the first of the elements that the layout names, at distinct places, which
    /// nobody writes for as long as the view lives.
    pub(crate) unsafe fn block(
        first: *const T,
        rows: usize,
        cols: usize,
        layout: Layout,
    ) -> MatRef<'a, T> {
        MatRef { first, rows, cols, layout, borrow: PhantomData }
    }

    /// The transpose, a view of the same elements.
    pub fn t(self) -> Self {
        MatRef { rows: self.cols, cols: self.rows, layout: self.layout.t(), ..self }
    }

    /// Some of its rows.
    ///
    /// # Panics
    /// If there are not so many, or they lie in panels, as a transpose's may, and do not begin with
    /// one.
    pub fn rows_range(self, rows: Range<usize>) -> Self {
        self.t().columns(rows).t()
    }

    /// Some of its columns.
    ///
    /// # Panics
    /// If there are not so many, or they lie in panels and do not begin with one.
    pub fn columns(self, columns: Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.cols, "{columns:?}");
        // an empty view does not care where it begins
        let first = self.first.wrapping_add(self.layout.columns(&columns));
        MatRef { first, cols: columns.len(), ..self }
    }

    /// Its panels, each a matrix whose rows have their elements side by side; the whole of it if
    /// its columns do not lie in panels.
    pub fn panels(self) -> impl Iterator<Item = MatRef<'a, T>> {
        each_panel(self.layout, self.cols).map(move |(at, cols)| {
            let layout = Layout { panels: None, ..self.layout };
            MatRef { first: self.first.wrapping_add(at), cols, layout, ..self }
        })
    }

    /// How its columns, or rows, lie in panels, if they do.
    pub fn in_which_panels(&self) -> Option<Panels> {
        self.layout.panels
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance from an element to the one below it, in the same panel if rows lie in panels.
    pub fn row_stride(&self) -> usize {
        self.layout.row_stride
    }

    /// Distance from an element to the one on its right, in the same panel if columns lie in
    /// panels.
    pub fn col_stride(&self) -> usize {
        self.layout.col_stride
    }

    /// Where element (0, 0) lies. An empty view may point anywhere.
    pub fn as_ptr(&self) -> *const T {
        self.first
    }

    /// All elements, where the view is row-major without gaps.
    #[inline(always)]
    pub fn as_slice(&self) -> Option<&'a [T]> {
        let MatRef { first, rows, cols, layout, .. } = *self;
        let Layout { row_stride, col_stride, panels } = layout;
        match rows * cols {
            0 => Some(&[]),
            _ if col_stride != 1 && cols > 1 || row_stride != cols && rows > 1 => None,
            _ if panels.is_some() => None,
            // SAFETY: the view borrows these elements
            len => Some(unsafe { std::slice::from_raw_parts(first, len) }),
        }
    }

    /// A row whose elements lie side by side.
    ///
    /// # Panics
    /// If there is no such row, or its elements lie apart.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [T] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let Layout { row_stride, col_stride, panels } = self.layout;
        let together = (col_stride == 1 || self.cols <= 1) && panels.is_none();
        assert!(together, "the elements of a row lie apart");
        if self.cols == 0 {
            return &[];
        }
        // SAFETY: the view borrows these elements
        unsafe { std::slice::from_raw_parts(self.first.add(row * row_stride), self.cols) }
    }
}

impl<T: Copy> MatRef<'_, T> {
    /// Element (i, j).
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub fn get(&self, i: usize, j: usize) -> T {
        assert!(i < self.rows && j < self.cols, "({i}, {j}) of {} × {}", self.rows, self.cols);
        // SAFETY: the view borrows this element
        unsafe { *self.first.add(self.layout.offset(i, j)) }
    }
}

impl<'a, T> MatMut<'a, T> {
    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// If `data` is shorter than the matrix.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        Self::with_strides(data, rows, cols, cols, 1)
    }

    /// A view with strides.
    ///
    /// # Panics
    /// If an element would lie past the end of `data`, or two elements at one place.
    pub fn with_strides(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        check_extent(data.len(), rows, cols, row_stride, col_stride);
        let apart = rows <= 1
            || cols <= 1
            || row_stride > (cols - 1) * col_stride && col_stride > 0
            || col_stride > (rows - 1) * row_stride && row_stride > 0;
        assert!(apart, "elements of a {rows} × {cols} view overlap at {row_stride}, {col_stride}");
        let layout = Layout { row_stride, col_stride, panels: None };
        MatMut { first: data.as_mut_ptr(), rows, cols, layout, borrow: PhantomData }
    }

    /// A matrix in panels, as [`MatRef::in_panels`].
    ///
    /// # Panics
    /// As there.
    pub fn in_panels(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        width: usize,
        stride: usize,
    ) -> Self {
        let layout = panels_layout(data.len(), rows, cols, width, stride);
        MatMut { first: data.as_mut_ptr(), rows, cols, layout, borrow: PhantomData }
    }

    /// A matrix whose neighbours in memory may be someone else's.
    ///
    /// # Safety
    /// `first` points at the first of the elements that the layout names, at distinct places, which
    /// nobody else reads or writes for as long as the view lives.
    pub(crate) unsafe fn block(
        first: *mut T,
        rows: usize,
        cols: usize,
        layout: Layout,
    ) -> MatMut<'a, T> {
        MatMut { first, rows, cols, layout, borrow: PhantomData }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance from an element to the one below it, in the same panel if rows lie in panels.
    pub fn row_stride(&self) -> usize {
        self.layout.row_stride
    }

    /// Distance from an element to the one on its right, in the same panel if columns lie in
    /// panels.
    pub fn col_stride(&self) -> usize {
        self.layout.col_stride
    }

    /// Where element (0, 0) lies. An empty view may point anywhere.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.first
    }

    /// The view for reading.
    #[inline(always)]
    pub fn as_ref(&self) -> MatRef<'_, T> {
        let MatMut { first, rows, cols, layout, .. } = *self;
        MatRef { first, rows, cols, layout, borrow: PhantomData }
    }

    /// The transpose, a view of the same elements.
    pub fn t(self) -> Self {
        MatMut { rows: self.cols, cols: self.rows, layout: self.layout.t(), ..self }
    }

    /// The same view, lent for less long.
    pub fn reborrow(&mut self) -> MatMut<'_, T> {
        let MatMut { first, rows, cols, layout, .. } = *self;
        MatMut { first, rows, cols, layout, borrow: PhantomData }
    }

    /// Its panels, as [`MatRef::panels`].
    pub fn panels(self) -> impl Iterator<Item = MatMut<'a, T>> {
        let MatMut { first, rows, layout, .. } = self;
        each_panel(layout, self.cols).map(move |(at, cols)| {
            let layout = Layout { panels: None, ..layout };
            // different panels are different elements
            MatMut { first: first.wrapping_add(at), rows, cols, layout, borrow: PhantomData }
        })
    }

    /// How its columns, or rows, lie in panels, if they do.
    pub fn in_which_panels(&self) -> Option<Panels> {
        self.layout.panels
    }

    /// All elements, where the view is row-major without gaps.
    #[inline(always)]
    pub fn as_slice(&mut self) -> Option<&mut [T]> {
        let len = self.as_ref().as_slice()?.len();
        // SAFETY: as the slice that was just found, which is gone; the view borrows them mutably
        Some(unsafe { std::slice::from_raw_parts_mut(self.first, len) })
    }

    /// A row whose elements lie side by side.
    ///
    /// # Panics
    /// If there is no such row, or its elements lie apart.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [T] {
        let len = self.as_ref().row(row).len();
        // SAFETY: as the row that was just found, which is gone; the view borrows it mutably
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.row_stride()), len) }
    }
}

impl<T: Copy> MatMut<'_, T> {
    /// Writes all rows, whose elements lie side by side or in panels.
    ///
    /// # Panics
    /// If the elements of a row lie apart, or there are not as many rows of as many elements.
    #[inline(always)]
    pub fn copy_rows<'b>(&mut self, from: impl ExactSizeIterator<Item = &'b [T]>)
    where
        T: 'b,
    {
        assert_eq!(from.len(), self.rows, "rows");
        match self.layout.panels {
            Some(Panels { width: 16, stride, of_rows: false }) => {
                self.rows_in_panels::<16>(from, stride)
            }
            Some(Panels { width: 8, stride, of_rows: false }) => {
                self.rows_in_panels::<8>(from, stride)
            }
            Some(Panels { width: 4, stride, of_rows: false }) => {
                self.rows_in_panels::<4>(from, stride)
            }
            None => {
                for (row, from) in from.enumerate() {
                    self.row(row).copy_from_slice(from);
                }
            }
            Some(Panels { of_rows: true, .. }) => panic!("the elements of a row lie apart"),
            Some(Panels { width, .. }) => panic!("panels of 4, 8 or 16 columns, not {width}"),
        }
    }

    /// Rows in panels of N columns, a length that makes a copy an instruction or two.
    #[inline(always)]
    fn rows_in_panels<'b, const N: usize>(
        &mut self,
        from: impl Iterator<Item = &'b [T]>,
        stride: usize,
    ) where
        T: 'b,
    {
        for (row, from) in from.enumerate() {
            assert_eq!(from.len(), self.cols, "elements of row {row}");
            let (whole, rest) = from.as_chunks::<N>();
            // SAFETY: the elements of a row, which `copy_rows` found to be there: N in each panel, as
            // the rows of a panel are, and fewer in the last
            unsafe {
                let mut to = self.first.add(row * N);
                for &elements in whole {
                    to.cast::<[T; N]>().write_unaligned(elements);
                    to = to.wrapping_add(stride);
                }
                to.copy_from_nonoverlapping(rest.as_ptr(), rest.len());
            }
        }
    }

    /// Sets element (i, j).
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub fn set(&mut self, i: usize, j: usize, value: T) {
        assert!(i < self.rows && j < self.cols, "({i}, {j}) of {} × {}", self.rows, self.cols);
        // SAFETY: the view borrows this element
        unsafe { *self.first.add(self.layout.offset(i, j)) = value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transpose_is_a_view() {
        let data = [1, 2, 3, 4, 5, 6];
        let a = MatRef::new(&data, 2, 3);
        assert_eq!((a.get(0, 2), a.t().get(2, 0), a.t().rows()), (3, 3, 3));
    }

    #[test]
    #[should_panic(expected = "needs 6 elements")]
    fn a_view_past_the_end_is_refused() {
        MatRef::new(&[0.0; 5], 2, 3);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn a_view_that_overlaps_itself_cannot_be_written() {
        MatMut::with_strides(&mut [0.0; 9], 3, 3, 2, 1);
    }

    #[test]
    fn panels_are_parts_of_a_matrix() {
        let mut data: Vec<usize> = vec![0; 40];
        let mut matrix = MatMut::in_panels(&mut data, 3, 10, 4, 13);
        for (i, j) in (0..3).flat_map(|i| (0..10).map(move |j| (i, j))) {
            matrix.set(i, j, 100 * i + j);
        }
        assert_eq!(data[13 + 4..13 + 8], [104, 105, 106, 107]);
        let matrix = MatRef::in_panels(&data, 3, 10, 4, 13);
        assert_eq!(
            (matrix.get(2, 9), matrix.t().get(9, 2), matrix.t().t().get(1, 5)),
            (209, 209, 105)
        );
        let below = matrix.rows_range(1..3).columns(4..10);
        assert_eq!((below.get(1, 0), below.t().get(5, 1)), (204, 209));
        let widths: Vec<_> = matrix.panels().map(|panel| panel.cols()).collect();
        assert_eq!(widths, [4, 4, 2]);
        let last = matrix.panels().last().unwrap();
        assert_eq!(last.row(2), [208, 209]);
        assert!(last.as_slice().is_none() && matrix.as_slice().is_none());
    }

    #[test]
    #[should_panic(expected = "3..8 of panels of 4")]
    fn a_view_within_a_panel_is_refused() {
        let _ = MatRef::in_panels(&[0; 40], 3, 10, 4, 13).columns(3..8);
    }

    #[test]
    #[should_panic(expected = "needs 36 elements")]
    fn panels_past_the_end_are_refused() {
        MatRef::in_panels(&[0; 33], 3, 9, 4, 12);
    }

    #[test]
    fn empty_views_need_nothing() {
        MatRef::<f32>::new(&[], 0, 5);
        MatMut::<f32>::with_strides(&mut [], 5, 0, 1, 1);
    }
}
