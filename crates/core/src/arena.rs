//! One allocation for many arrays of the same length of life.

use crate::Element;
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
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let storage = vec![T::zero(); len + ALIGNMENT / size_of::<T>()];
        let start = storage.as_ptr().align_offset(ALIGNMENT);
        // Miri may refuse to tell an alignment; any start is correct, an aligned one is fast.
        let start = if start < ALIGNMENT / size_of::<T>() { start } else { 0 };
        Arena { storage, start, len }
    }
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
    fn arenas_are_aligned_and_stay_so_when_moved() {
        let arenas: Vec<Arena<f32>> = (0..50).map(Arena::zeros).collect();
        for (len, arena) in arenas.iter().enumerate() {
            assert_eq!(arena.len(), len);
            assert!(cfg!(miri) || arena.as_ptr().addr() % ALIGNMENT == 0);
        }
    }
}
