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
    /// Vectors across the register tile; at most 3.
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
    /// Zero where an element is below zero, the element elsewhere, NaN and −0 among them.
    unsafe fn relu(self) -> Self;
    /// The element where that of `y` is above zero, zero elsewhere.
    unsafe fn where_positive(self, y: Self) -> Self;
}
