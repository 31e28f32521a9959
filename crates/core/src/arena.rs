//! One allocation for many arrays of the same length of life.

use crate::{Element, Error, Result};
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector register.
const ALIGNMENT: usize = 64;

/// A flat, 64-byte aligned buffer of elements that never grows: parameters, gradients, moments,
/// workspaces. Layers are ranges of it.
#[derive(Debug, Default)]
pub struct Arena<T> {
    // Longer than asked for by up to one cache line, so that an aligned start lies within it. A
    // vector's heap block does not move with the vector, so `start` holds for good.
    storage: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Element> Arena<T> {
    /// `len` zeros. Aborts where there is no memory for them, as a vector does: for what is no
    /// larger than something that is there already.
    pub fn zeros(len: usize) -> Self {
        // large ones come from the system untouched
        let storage = vec![T::zero(); len + ALIGNMENT / size_of::<T>()];
        huge_pages::advise(storage.as_ptr(), storage.len());
        Self::of(storage, len)
    }

    /// `len` zeros for `what`, as large as a user asked.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is no memory for them.
    pub fn try_zeros(what: &'static str, len: usize) -> Result<Self> {
        let padded = len.saturating_add(ALIGNMENT / size_of::<T>());
        let mut storage = try_reserved(what, padded)?;
        huge_pages::advise(storage.as_ptr(), padded);
        storage.resize(padded, T::zero());
        Ok(Self::of(storage, len))
    }

    fn of(storage: Vec<T>, len: usize) -> Self {
        let start = storage.as_ptr().align_offset(ALIGNMENT);
        // Miri may refuse to tell an alignment; any start is correct, an aligned one is fast.
        let start = if start < ALIGNMENT / size_of::<T>() { start } else { 0 };
        Arena { storage, start, len }
    }
}

/// `len` times `value`, for `what`, as large as a user asked.
///
/// # Errors
/// [`Error::Memory`] where there is no memory for them.
pub fn try_filled<T: Clone>(what: &'static str, len: usize, value: T) -> Result<Vec<T>> {
    let mut storage = try_reserved(what, len)?;
    storage.resize(len, value);
    Ok(storage)
}

/// Room for `len` elements.
fn try_reserved<T>(what: &'static str, len: usize) -> Result<Vec<T>> {
    let mut storage = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    storage.try_reserve_exact(len).map_err(|_| Error::Memory { what, bytes })?;
    Ok(storage)
}

/// Pages of 2 MiB instead of 4 KiB for large arrays: a sweep over weights and moments, and rows
/// that lie apart, otherwise spend much of their time on finding pages. Only where the system
/// gives them to those who ask.
mod huge_pages {
    #[cfg(target_os = "linux")]
    pub(super) fn advise<T>(start: *const T, len: usize) {
        const PAGE: usize = 4096;
        const LARGE: usize = 4 << 20;
        let bytes = len * size_of::<T>();
        if bytes < LARGE || cfg!(miri) {
            return;
        }
        let first = start.addr().next_multiple_of(PAGE);
        let whole = (start.addr() + bytes - first) / PAGE * PAGE;
        let start = start.cast_mut().cast::<u8>().wrapping_add(first - start.addr());
        // SAFETY: whole pages inside one allocation of ours; the advice changes nothing that they
        // hold. Where it cannot be followed nothing is lost, so that the answer does not matter.
        unsafe { libc::madvise(start.cast(), whole, libc::MADV_HUGEPAGE) };
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn advise<T>(_: *const T, _: usize) {}
}

impl<T> Deref for Arena<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Arena<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_an_error() {
        let error = Arena::<f64>::try_zeros("parameters", usize::MAX / 64).unwrap_err();
        assert!(error.to_string().starts_with("parameters of "), "{error}");
        assert!(Arena::<f32>::try_zeros("parameters", usize::MAX).is_err());
    }

    #[test]
    fn large_arenas_are_zeros_and_can_be_written() {
        let len = 3 << 20;
        for mut arena in [Arena::<f32>::zeros(len), Arena::try_zeros("zeros", len).unwrap()] {
            assert!(arena.iter().all(|x| *x == 0.0));
            arena.fill(1.0);
            assert_eq!(arena.iter().sum::<f32>(), len as f32);
        }
    }

    #[test]
    fn arenas_are_aligned_and_stay_so_when_moved() {
        let arenas: Vec<Arena<f32>> = (0..50).map(Arena::zeros).collect();
        for (len, arena) in arenas.iter().enumerate() {
            assert_eq!(arena.len(), len);
            assert!(cfg!(miri) || arena.as_ptr().addr() % ALIGNMENT == 0);
        }
    }
}
