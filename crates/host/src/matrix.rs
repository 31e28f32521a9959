//! Views of matrices in host memory, with any strides.

/// A read-only view of a matrix: element (i, j) is `data[i * row_stride + j * col_stride]`.
/// A transpose is a view with the strides exchanged; nothing is copied.
#[derive(Debug, Clone, Copy)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A view of a matrix to write to, as [`MatRef`]. Distinct elements lie at distinct places.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// How many elements a view needs to have behind it.
fn extent(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> usize {
    if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + (cols - 1) * col_stride + 1 }
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
        let extent = extent(rows, cols, row_stride, col_stride);
        assert!(
            data.len() >= extent,
            "a {rows} × {cols} view needs {extent} elements, there are {}",
            data.len()
        );
        MatRef { data, rows, cols, row_stride, col_stride }
    }

    /// The transpose, a view of the same elements.
    pub fn t(self) -> Self {
        let MatRef { data, rows, cols, row_stride, col_stride } = self;
        MatRef { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }

    /// Some of its columns.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn columns(self, columns: std::ops::Range<usize>) -> Self {
        assert!(columns.start <= columns.end && columns.end <= self.cols, "{columns:?}");
        let data = self.data.get(columns.start * self.col_stride..).unwrap_or(&[]);
        MatRef { data, cols: columns.len(), ..self }
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

    /// The elements behind the view, gaps included; the first is element (0, 0).
    pub fn data(&self) -> &'a [T] {
        self.data
    }
}

impl<T: Copy> MatRef<'_, T> {
    /// Element (i, j).
    pub fn get(&self, i: usize, j: usize) -> T {
        debug_assert!(i < self.rows && j < self.cols);
        self.data[i * self.row_stride + j * self.col_stride]
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
        let extent = extent(rows, cols, row_stride, col_stride);
        assert!(
            data.len() >= extent,
            "a {rows} × {cols} view needs {extent} elements, there are {}",
            data.len()
        );
        let apart = rows <= 1
            || cols <= 1
            || row_stride > (cols - 1) * col_stride && col_stride > 0
            || col_stride > (rows - 1) * row_stride && row_stride > 0;
        assert!(apart, "elements of a {rows} × {cols} view overlap at {row_stride}, {col_stride}");
        MatMut { data, rows, cols, row_stride, col_stride }
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

    /// The elements behind the view, gaps included; the first is element (0, 0).
    pub fn data(&mut self) -> &mut [T] {
        self.data
    }

    /// The view for reading.
    pub fn as_ref(&self) -> MatRef<'_, T> {
        let MatMut { ref data, rows, cols, row_stride, col_stride } = *self;
        MatRef { data, rows, cols, row_stride, col_stride }
    }

    /// The transpose, a view of the same elements.
    pub fn t(self) -> Self {
        let MatMut { data, rows, cols, row_stride, col_stride } = self;
        MatMut { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }

    /// The same view, lent for less long.
    pub fn reborrow(&mut self) -> MatMut<'_, T> {
        let MatMut { ref mut data, rows, cols, row_stride, col_stride } = *self;
        MatMut { data, rows, cols, row_stride, col_stride }
    }
}

impl<T: Copy> MatMut<'_, T> {
    /// Sets element (i, j).
    pub fn set(&mut self, i: usize, j: usize, value: T) {
        debug_assert!(i < self.rows && j < self.cols);
        self.data[i * self.row_stride + j * self.col_stride] = value;
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
