//! One array that several threads write to at once, each its own part.

use crate::layout::Layout;
use crate::matrix::{MatMut, MatRef};
use std::marker::PhantomData;
use std::ops::Range;

/// A borrowed array from which threads take parts that do not overlap.
///
/// The borrow checker cannot see that row ranges handed to different threads are disjoint, and
/// cutting the array beforehand would need a list of slices for each layer and step; so the parts
/// are taken by range.
pub(crate) struct Disjoint<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it hands out `&mut` parts of distinct elements (see `part`), which is sending them.
unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

impl<'a, T> Disjoint<'a, T> {
    pub(crate) fn new(array: &'a mut [T]) -> Self {
        Disjoint { start: array.as_mut_ptr(), len: array.len(), borrow: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements of `range`.
    ///
    /// # Safety
    /// No two parts alive at the same time may overlap.
    ///
    /// # Panics
    /// If the range lies outside the array.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "part {range:?} of {}",
            self.len
        );
        // SAFETY: the range lies within the borrowed array, and the caller vouches that no other
        // reference to these elements is alive.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// A matrix whose first element is number `at`, to read.
    ///
    /// # Safety
    /// Nobody writes its elements as long as the view lives; they lie at distinct places.
    ///
    /// # Panics
    /// If it does not lie within the array.
    pub(crate) unsafe fn view(
        &self,
        at: usize,
        rows: usize,
        cols: usize,
        layout: Layout,
    ) -> MatRef<'a, T> {
        // SAFETY: the caller's promise, and the check
        unsafe { MatRef::block(self.first(at, rows, cols, layout), rows, cols, layout) }
    }

    /// A matrix whose first element is number `at`, to write.
    ///
    /// # Safety
    /// Nobody else reads or writes its elements as long as the view lives; they lie at distinct
    /// places.
    ///
    /// # Panics
    /// If it does not lie within the array.
    pub(crate) unsafe fn block(
        &self,
        at: usize,
        rows: usize,
        cols: usize,
        layout: Layout,
    ) -> MatMut<'a, T> {
        // SAFETY: the caller's promise, and the check
        unsafe { MatMut::block(self.first(at, rows, cols, layout), rows, cols, layout) }
    }

    /// Where element `at` lies, if a matrix that begins there lies within the array.
    fn first(&self, at: usize, rows: usize, cols: usize, layout: Layout) -> *mut T {
        let end = at + layout.extent(rows, cols);
        assert!(at <= end && end <= self.len, "a {rows} × {cols} matrix at {at} of {}", self.len);
        // SAFETY: `at` is within the array, or one past its end
        unsafe { self.start.add(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_array() {
        let mut array: Vec<u32> = (0..10).collect();
        let disjoint = Disjoint::new(&mut array);
        std::thread::scope(|scope| {
            for start in [0, 3, 6] {
                let disjoint = &disjoint;
                // SAFETY: the three ranges do not overlap
                scope.spawn(move || unsafe { disjoint.part(start..start + 3) }.fill(start as u32));
            }
        });
        assert_eq!(array, [0, 0, 0, 3, 3, 3, 6, 6, 6, 9]);
    }

    #[test]
    #[should_panic(expected = "part 3..5 of 4")]
    fn a_part_outside_is_refused() {
        let mut array = [0; 4];
        // SAFETY: there is only one part
        unsafe { Disjoint::new(&mut array).part(3..5) };
    }
}
