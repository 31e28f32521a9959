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
        Self::of(vec![T::zero(); len + ALIGNMENT / size_of::<T>()], len)
    }

    /// `len` zeros for `what`, as large as a user asked.
    ///
    /// # Errors
    /// [`Error::Memory`] where there is no memory for them.
    pub fn try_zeros(what: &'static str, len: usize) -> Result<Self> {
        let padded = len.saturating_add(ALIGNMENT / size_of::<T>());
        Ok(Self::of(try_filled(what, padded, T::zero())?, len))
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
    let mut storage = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    storage.try_reserve_exact(len).map_err(|_| Error::Memory { what, bytes })?;
    storage.resize(len, value);
    Ok(storage)
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
    fn arenas_are_aligned_and_stay_so_when_moved() {
        let arenas: Vec<Arena<f32>> = (0..50).map(Arena::zeros).collect();
        for (len, arena) in arenas.iter().enumerate() {
            assert_eq!(arena.len(), len);
            assert!(cfg!(miri) || arena.as_ptr().addr() % ALIGNMENT == 0);
        }
    }
}
