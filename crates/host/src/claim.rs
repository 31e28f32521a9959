//! Asks for cache lines before they are written.

#[cfg(all(target_arch = "x86_64", not(miri)))]
use std::arch::asm;

/// The most bytes that are claimed at a time: they are to be in a core's cache still when they are
/// written.
const MOST_BYTES: usize = 32 * 1024;

/// Has the cache lines of `array` taken away from other cores, so that writing them does not wait.
/// Does nothing for a large array, and where there is no such instruction.
///
/// A line that another core has read since this one wrote it takes a hundred nanoseconds to come
/// back, and an optimiser's sweep comes to write one after the other. Claimed while the gradient is
/// still being summed, they are there when it ends (`benches/NOTES.md`).
#[inline]
pub(crate) fn claim<T>(array: &mut [T]) {
    let bytes = size_of_val(array);
    if bytes > MOST_BYTES {
        return;
    }
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    for at in (0..bytes).step_by(64) {
        let line = array.as_mut_ptr().wrapping_byte_add(at);
        // SAFETY: a hint, which changes neither memory nor registers; processors that do not know it
        // do nothing
        unsafe {
            asm!("prefetchw [{}]", in(reg) line, options(nostack, readonly, preserves_flags));
        }
    }
}
