//! Subnormal numbers taken for zeros while a step lasts.

use std::marker::PhantomData;

/// Bits of the control register MXCSR: subnormal results become zeros, and so do operands.
#[cfg(all(target_arch = "x86_64", not(miri)))]
const FLUSH: u32 = 1 << 15 | 1 << 6;

/// While it lives, the arithmetic of this thread takes subnormal numbers (below 10⁻³⁸ in `f32`,
/// 10⁻³⁰⁷ in `f64`) for zeros, on x86-64. What was before comes back when it is dropped.
///
/// These processors take many times as long for a vector in which one number is subnormal
/// (`benches/NOTES.md` has what a training gained), and a training has many: the gradients of a
/// network that is sure of most rows, and the moments of weights behind a relu that no longer fires,
/// which shrink at each step until rounding holds them at a few units of the smallest number.
pub(crate) struct Flush {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    before: u32,
    /// The register is the thread's.
    thread: PhantomData<*const ()>,
}

impl Flush {
    /// Begins.
    pub(crate) fn begin() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let before = read();
            write(before | FLUSH);
            Flush { before, thread: PhantomData }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        Flush { thread: PhantomData }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
impl Drop for Flush {
    fn drop(&mut self) {
        write(self.before);
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
fn read() -> u32 {
    let mut register = 0_u32;
    // SAFETY: stores 4 bytes
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &mut register, options(nostack, preserves_flags));
    }
    register
}

/// Rust takes the register to be as it was at the start, and does not promise what arithmetic gives
/// under another. What could go wrong is a result that is computed at compile time, or an operation
/// moved to the other side of this call: either would be right but for a subnormal number. Tasks read
/// and write memory that the compiler does not see through, so that operations stay inside.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn write(register: u32) {
    // SAFETY: loads 4 bytes, what was there but for the two bits: neither the rounding nor what
    // traps is another
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &register, options(nostack));
    }
}

#[cfg(all(test, target_arch = "x86_64", not(miri)))]
mod tests {
    use super::*;
    use std::hint::black_box;

    fn half(x: f32) -> f32 {
        black_box(black_box(x) * 0.5)
    }

    #[test]
    fn subnormal_results_are_zeros_until_it_is_dropped() {
        let smallest = f32::MIN_POSITIVE;
        let before = read();
        assert!(half(smallest) > 0.0);
        {
            let _flush = Flush::begin();
            assert_eq!(half(smallest), 0.0);
            assert_eq!(half(-smallest).to_bits(), (-0.0_f32).to_bits());
            assert_eq!(half(4.0 * smallest), 2.0 * smallest);
            // the one inside gives back what was outside it
            drop(Flush::begin());
            assert_eq!(half(smallest), 0.0);
        }
        assert!(half(smallest) > 0.0);
        // the flags of exceptions that happened are not part of the mode
        assert_eq!((before ^ read()) & !0x3f, 0);
        let panic = std::panic::catch_unwind(|| {
            let _flush = Flush::begin();
            panic!("in a task");
        });
        assert!(panic.is_err() && half(smallest) > 0.0);
    }
}
