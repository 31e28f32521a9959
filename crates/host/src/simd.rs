//! Vector instructions, chosen once the program runs.
//!
//! A loop written in plain Rust becomes vector code when it is compiled for a processor that has
//! vectors. [`dispatch`] holds one such compilation of a [`Sweep`] for each [`Level`] and runs the
//! one this machine can execute. The fused multiply–add is the one operation whose result depends
//! on the level, so it comes as a type, [`Fma`]; everything else in a sweep is IEEE 754 arithmetic
//! with the same bits everywhere.

use consonance_core::Element;
use std::fmt;
use std::sync::OnceLock;

/// An instruction set a sweep is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// What every processor of the target has; without fused multiply–add.
    Portable,
    /// x86-64 with AVX2 and FMA: 256-bit vectors.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL: 512-bit vectors.
    Avx512,
    /// AArch64's NEON: 128-bit vectors.
    Neon,
}

impl Level {
    /// Every level, the slowest first.
    pub const ALL: [Level; 4] = [Level::Portable, Level::Neon, Level::Avx2, Level::Avx512];

    /// True if this processor can execute it.
    pub fn is_available(self) -> bool {
        match self {
            Level::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Level::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            Level::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => false,
        }
    }

    /// The levels of this processor, the slowest first.
    pub fn available() -> impl DoubleEndedIterator<Item = Level> {
        Level::ALL.into_iter().filter(|level| level.is_available())
    }

    /// `"portable"`, `"avx2"`, `"avx512"` or `"neon"`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
            Level::Neon => "neon",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The fastest level this processor has.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| Level::available().next_back().unwrap_or(Level::Portable))
}

/// a·b + c, rounded once where the level has an instruction for it and twice where it has not.
pub trait Fma: Copy {
    /// a·b + c
    fn mul_add<T: Element>(a: T, b: T, c: T) -> T;
}

/// One rounding, one instruction.
#[derive(Debug, Clone, Copy)]
pub struct Fused;

/// A product, then a sum.
#[derive(Debug, Clone, Copy)]
pub struct Separate;

impl Fma for Fused {
    #[inline(always)]
    fn mul_add<T: Element>(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }
}

impl Fma for Separate {
    // `mul_add` would round once here too, by calling a function for every element.
    #[inline(always)]
    fn mul_add<T: Element>(a: T, b: T, c: T) -> T {
        a * b + c
    }
}

/// A pass over slices.
pub trait Sweep {
    /// What comes out besides the changes to the slices.
    type Output;

    /// The pass. Implementations, and all that they call for each element, are
    /// `#[inline(always)]`: they then take on the instruction set of the function they are
    /// inlined into.
    fn run<F: Fma>(self) -> Self::Output;
}

/// Runs `sweep` at this processor's [`level`].
#[inline]
pub fn dispatch<S: Sweep>(sweep: S) -> S::Output {
    // SAFETY: `level` returns levels that are available only.
    unsafe { run_at(level(), sweep) }
}

/// Runs `sweep` at a level of the caller's choice: for tests that compare levels.
///
/// # Panics
/// If the processor does not have the level.
pub fn dispatch_at<S: Sweep>(level: Level, sweep: S) -> S::Output {
    assert!(level.is_available(), "this processor does not have {level}");
    // SAFETY: the level has just been found available.
    unsafe { run_at(level, sweep) }
}

/// # Safety
/// The processor must have `level`.
#[inline]
unsafe fn run_at<S: Sweep>(level: Level, sweep: S) -> S::Output {
    match level {
        // SAFETY: the caller says that the processor has these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(sweep) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(sweep) },
        // NEON, fused multiply–add included, is part of every AArch64 target.
        #[cfg(target_arch = "aarch64")]
        Level::Neon => sweep.run::<Fused>(),
        _ => sweep.run::<Separate>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<S: Sweep>(sweep: S) -> S::Output {
    sweep.run::<Fused>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<S: Sweep>(sweep: S) -> S::Output {
    sweep.run::<Fused>()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Multiply(f64);

    impl Sweep for Multiply {
        type Output = f64;

        // what a product loses in rounding
        #[inline(always)]
        fn run<F: Fma>(self) -> f64 {
            F::mul_add(self.0, self.0, -(self.0 * self.0))
        }
    }

    #[test]
    fn only_the_portable_level_rounds_twice() {
        let x = 1.0 + f64::EPSILON;
        for level in Level::available() {
            let lost = if level == Level::Portable { 0.0 } else { f64::EPSILON.powi(2) };
            assert_eq!(dispatch_at(level, Multiply(x)), lost, "{level}");
        }
        assert_eq!(dispatch(Multiply(x)), dispatch_at(level(), Multiply(x)));
    }

    #[test]
    #[should_panic(expected = "does not have")]
    fn a_level_the_processor_lacks_is_refused() {
        let missing = Level::ALL.into_iter().find(|level| !level.is_available());
        dispatch_at(missing.expect("no processor has both AVX2 and NEON"), Multiply(1.0));
    }
}
