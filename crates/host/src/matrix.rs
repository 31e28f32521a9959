//! Views of matrices in host memory, with any strides.

use std::marker::PhantomData;

/// A read-only view of a matrix: element (i, j) lies `i * row_stride + j * col_stride` elements
/// after the first. A transpose is a view with the strides exchanged; nothing is copied.
#[derive(Debug)]
pub struct MatRef<'a, T> {
    first: *const T,
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
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
    row_stride: usize,
    col_stride: usize,
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
        let first = data.as_ptr();
        MatRef { first, rows, cols, row_stride, col_stride, borrow: PhantomData }
    }

    /// A row-major matrix whose neighbours in memory may be written by someone else.
    ///
    /// # Safety
    /// `first` points at the first of `rows` rows of `cols` elements, `row_stride` ≥ `cols` apart,
    /// which nobody writes for as long as the view lives.
    pub(crate) unsafe fn block(
        first: *const T,
        rows: usize,
        cols: usize,
        row_stride: usize,
    ) -> MatRef<'a, T> {
        MatRef { first, rows, cols, row_stride, col_stride: 1, borrow: PhantomData }
    }

    /// The transpose, a view of the same elements.
    pub fn t(self) -> Self {
        let MatRef { rows, cols, row_stride, col_stride, .. } = self;
        MatRef { rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride, ..self }
    }

    /// Some of its rows.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn rows_range(self, rows: std::ops::Range<usize>) -> Self {
        self.t().columns(rows).t()
    }

    /// Some of its columns.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn columns(self, columns: std::ops::Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.cols, "{columns:?}");
        // an empty view does not care where it begins
        let first = self.first.wrapping_add(columns.start * self.col_stride);
        MatRef { first, cols: columns.len(), ..self }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance from an element to the one below it.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Distance from an element to the one on its right.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// Where element (0, 0) lies. An empty view may point anywhere.
    pub fn as_ptr(&self) -> *const T {
        self.first
    }

    /// All elements, where the view is row-major without gaps.
    pub fn as_slice(&self) -> Option<&'a [T]> {
        let MatRef { first, rows, cols, row_stride, col_stride, .. } = *self;
        match rows * cols {
            0 => Some(&[]),
            _ if col_stride != 1 && cols > 1 || row_stride != cols && rows > 1 => None,
            // SAFETY: the view borrows these elements
            len => Some(unsafe { std::slice::from_raw_parts(first, len) }),
        }
    }

    /// A row whose elements lie side by side.
    ///
    /// # Panics
    /// If there is no such row, or its elements lie apart.
    pub fn row(&self, row: usize) -> &'a [T] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        assert!(self.col_stride == 1 || self.cols <= 1, "the elements of a row lie apart");
        if self.cols == 0 {
            return &[];
        }
        // SAFETY: the view borrows these elements
        unsafe { std::slice::from_raw_parts(self.first.add(row * self.row_stride), self.cols) }
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
        unsafe { *self.first.add(i * self.row_stride + j * self.col_stride) }
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
        let first = data.as_mut_ptr();
        MatMut { first, rows, cols, row_stride, col_stride, borrow: PhantomData }
    }

    /// A row-major matrix whose neighbours in memory may be someone else's.
    ///
    /// # Safety
    /// `first` points at the first of `rows` rows of `cols` elements, `row_stride` ≥ `cols` apart,
    /// which nobody else reads or writes for as long as the view lives.
    pub(crate) unsafe fn block(
        first: *mut T,
        rows: usize,
        cols: usize,
        row_stride: usize,
    ) -> MatMut<'a, T> {
        MatMut { first, rows, cols, row_stride, col_stride: 1, borrow: PhantomData }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Distance from an element to the one below it.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Distance from an element to the one on its right.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// Where element (0, 0) lies. An empty view may point anywhere.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.first
    }

    /// The view for reading.
    pub fn as_ref(&self) -> MatRef<'_, T> {
        let MatMut { first, rows, cols, row_stride, col_stride, .. } = *self;
        MatRef { first, rows, cols, row_stride, col_stride, borrow: PhantomData }
    }

    /// The transpose, a view of the same elements.
    pub fn t(self) -> Self {
        let MatMut { rows, cols, row_stride, col_stride, .. } = self;
        MatMut { rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride, ..self }
    }

    /// The same view, lent for less long.
    pub fn reborrow(&mut self) -> MatMut<'_, T> {
        let MatMut { first, rows, cols, row_stride, col_stride, .. } = *self;
        MatMut { first, rows, cols, row_stride, col_stride, borrow: PhantomData }
    }

    /// All elements, where the view is row-major without gaps.
    pub fn as_slice(&mut self) -> Option<&mut [T]> {
        let len = self.as_ref().as_slice()?.len();
        // SAFETY: as the slice that was just found, which is gone; the view borrows them mutably
        Some(unsafe { std::slice::from_raw_parts_mut(self.first, len) })
    }

    /// A row whose elements lie side by side.
    ///
    /// # Panics
    /// If there is no such row, or its elements lie apart.
    pub fn row(&mut self, row: usize) -> &mut [T] {
        let len = self.as_ref().row(row).len();
        // SAFETY: as the row that was just found, which is gone; the view borrows it mutably
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.row_stride), len) }
    }
}

impl<T: Copy> MatMut<'_, T> {
    /// Sets element (i, j).
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub fn set(&mut self, i: usize, j: usize, value: T) {
        assert!(i < self.rows && j < self.cols, "({i}, {j}) of {} × {}", self.rows, self.cols);
        // SAFETY: the view borrows this element
        unsafe { *self.first.add(i * self.row_stride + j * self.col_stride) = value };
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
    fn empty_views_need_nothing() {
        MatRef::<f32>::new(&[], 0, 5);
        MatMut::<f32>::with_strides(&mut [], 5, 0, 1, 1);
    }
}
