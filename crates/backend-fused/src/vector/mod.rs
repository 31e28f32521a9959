//! A register of numbers, on each instruction set.
//!
//! The register tile is written once over [`Vector`]. Explicit intrinsics, because compilers do
//! not keep a tile of accumulators in registers on their own.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;

use crate::dots::{self, Chains, Sums};
use consonance_host::Math;

/// Some neighbouring elements in a register.
///
/// # Safety
/// All functions may be called only where the processor has the instruction set, and from code
/// compiled for it; pointers must reach the elements that are named.
pub(crate) trait Vector: Copy {
    type Element: Math;
    /// How many elements it holds.
    const LANES: usize;
    /// Rows of the register tile.
    const ROWS: usize;
    /// Vectors across the register tile, 2 or 3; tiles of few rows are wider.
    const ACROSS: usize;

    unsafe fn splat(value: Self::Element) -> Self;
    unsafe fn load(from: *const Self::Element) -> Self;
    unsafe fn store(self, to: *mut Self::Element);
    /// The first `count` elements, zeros after them; reads no others.
    unsafe fn load_first(from: *const Self::Element, count: usize) -> Self;
    /// Has the cache line at `at`, any address at all, fetched into the second-level cache.
    #[inline(always)]
    unsafe fn prefetch(at: *const Self::Element) {
        let _ = at;
    }
    /// Writes the first `count` elements, no others.
    unsafe fn store_first(self, to: *mut Self::Element, count: usize);
    /// self·a + b, rounded once where the instruction set can.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
    /// sums += A·B, a tile of M rows and N vectors.
    #[inline(always)]
    unsafe fn multiply<const M: usize, const N: usize>(
        terms: &Terms<Self::Element>,
        sums: &mut [[Self; N]; M],
    ) {
        // SAFETY: the caller's promise
        unsafe { terms.add_to(sums) }
    }
    /// The sums of some rows' chains: [`dots::sum`], with its bits.
    #[inline(always)]
    unsafe fn add_up(chains: &Chains<Self::Element>, sums: &mut Sums<Self::Element>) {
        *sums = chains.each_ref().map(dots::sum);
    }
    /// Zero where an element is below zero, the element elsewhere, NaN and −0 among them.
    unsafe fn relu(self) -> Self;
    /// The element where that of `y` is above zero, zero elsewhere.
    unsafe fn where_positive(self, y: Self) -> Self;
}

/// The operands of a register tile: some terms of its sums.
#[derive(Clone, Copy)]
pub(crate) struct Terms<T> {
    pub(crate) count: usize,
    /// A's element (i, p) is at `i * a_row + p * a_col + p / LANES * a_jump`.
    pub(crate) a: *const T,
    pub(crate) a_row: usize,
    pub(crate) a_col: usize,
    pub(crate) a_jump: usize,
    /// B's vector j of term p is at `j * b_panel + p * b_row`.
    pub(crate) b: *const T,
    pub(crate) b_row: usize,
    pub(crate) b_panel: usize,
    /// How many elements of the last vector there are to read.
    pub(crate) last: usize,
}

impl<T: Math> Terms<T> {
    /// A mask of one bit, from the lowest on, for each element of the last vector there is to read.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn mask(&self) -> u16 {
        ((1_u32 << self.last) - 1) as u16
    }

    /// Adds A·B to the sums, by whatever loop a compiler makes of it.
    ///
    /// # Safety
    /// As [`Vector`]; A and B hold the terms.
    #[inline(always)]
    pub(crate) unsafe fn add_to<V: Vector<Element = T>, const M: usize, const N: usize>(
        &self,
        sums: &mut [[V; N]; M],
    ) {
        // SAFETY: the caller's promise
        unsafe {
            match self.last == V::LANES {
                true => self.add_by(sums, |from| V::load(from)),
                false => self.add_by(sums, |from| V::load_first(from, self.last)),
            }
        }
    }

    /// [`Terms::add_to`]; `load_last` reads the last vector.
    #[inline(always)]
    unsafe fn add_by<V: Vector<Element = T>, const M: usize, const N: usize>(
        &self,
        sums: &mut [[V; N]; M],
        load_last: impl Fn(*const T) -> V,
    ) {
        // only a vector that holds whole tiles has panels of terms
        if !V::LANES.is_multiple_of(V::ROWS) || self.a_jump == 0 {
            // SAFETY: the caller's promise
            return unsafe { self.add_alike(sums, load_last) };
        }
        for term in (0..self.count).step_by(V::LANES) {
            let part = Terms {
                count: (self.count - term).min(V::LANES),
                a: self.a.wrapping_add(term * self.a_col + term / V::LANES * self.a_jump),
                b: self.b.wrapping_add(term * self.b_row),
                ..*self
            };
            // SAFETY: the caller's promise
            unsafe { part.add_alike(sums, &load_last) };
        }
    }

    /// [`Terms::add_by`] where all terms lie alike.
    #[inline(always)]
    unsafe fn add_alike<V: Vector<Element = T>, const M: usize, const N: usize>(
        &self,
        sums: &mut [[V; N]; M],
        load_last: impl Fn(*const T) -> V,
    ) {
        // a pointer for every three rows, whose distances are what an address can name
        let mut threes: [*const T; M] =
            std::array::from_fn(|three| self.a.wrapping_add(3 * three * self.a_row));
        let mut b = self.b;
        for _ in 0..self.count {
            // SAFETY: the caller's promise: all pointers stay within their matrices
            unsafe {
                let mut row = [V::splat(T::zero()); N];
                for (j, vector) in row.iter_mut().enumerate() {
                    let from = b.add(j * self.b_panel);
                    *vector = if j + 1 < N { V::load(from) } else { load_last(from) };
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let factor = V::splat(*threes[i / 3].add(i % 3 * self.a_row));
                    for (sum, vector) in sums.iter_mut().zip(row) {
                        *sum = factor.mul_add(vector, *sum);
                    }
                }
            }
            // past the end after the last term, and not read there
            for three in &mut threes[..M.div_ceil(3)] {
                *three = three.wrapping_add(self.a_col);
            }
            b = b.wrapping_add(self.b_row);
        }
    }
}
