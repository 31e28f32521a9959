//! Asks for cache lines before they are written.

#[cfg(all(target_arch = "x86_64", not(miri)))]
use std::arch::asm;

/// The most bytes of an array that is claimed: a larger one's first lines would have left the core's
/// cache again before they are written.
const MOST_BYTES: usize = 32 * 1024;

/// Has the cache lines of `array` taken away from other cores, so that writing them does not wait.
/// Does nothing for a larger array, and where there is no such instruction.
///
/// A line that another core has read since this one wrote it takes long to come back, and an
/// optimiser's sweep comes to write one after the other. Claimed while the gradient is still being
/// summed, they are there when it ends (`benches/NOTES.md`).
#[inline]
pub(crate) fn claim<T>(array: &mut [T]) {
    let bytes = size_of_val(array);
    if bytes > MOST_BYTES {
        return;
    }
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        const LINE: usize = 64;
        let begin = array.as_mut_ptr();
        let within = begin.addr() % LINE;
        for at in (0..within + bytes).step_by(LINE) {
            let line = begin.wrapping_byte_sub(within).wrapping_byte_add(at);
            // SAFETY: a hint, which changes neither memory nor registers; processors that do not
            // know it do nothing
            unsafe {
                asm!("prefetchw [{}]", in(reg) line, options(nostack, readonly, preserves_flags));
            }
        }
    }
}
