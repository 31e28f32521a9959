//! The loop under a tile of 8 rows, instruction by instruction.
//!
//! In assembly for two reasons. Compilers keep a tile of 8 × 3 in registers or not, depending on
//! how the program around it is built: with `codegen-units = 1` or `lto = "fat"` they kept its sums
//! in memory, and a step took twice as long. And where somebody else computes on the same core (two
//! hardware threads, which clouds lend one by one), the core takes turns in reading their
//! instructions: fewer of them make the same multiply–adds faster (`benches/NOTES.md`).
//!
//! So every other row of A is broadcast by the multiply–adds themselves, which is no instruction of
//! its own as long as the address is a register and a constant. All rows so would be more reads
//! than a core can do.

use crate::vector::Terms;
use std::arch::asm;
use std::arch::x86_64::{__m512, __m512d};

/// One term: B's vectors, then for two rows of A at a time, whose elements are at `$even` and
/// `$odd`, their multiply–adds. The registers: of each row's sums, and of B's vector.
macro_rules! term {
    (
        ($suffix:literal, $word:literal, $broadcast:literal),
        [$($vector:literal at $at:literal)+],
        $([$even:expr, $odd:expr, $($sum:literal $next:literal $of:literal)+])+
    ) => {
        concat!(
            $("vmovup", $suffix, " ", $vector, ", [", $at, "]\n",)+
            "add {b}, {b_row}\n",
            $(
                $("vfmadd231p", $suffix, " ", $sum, ", ", $of, ", ", $word, " ptr [", $even, "]",
                    $broadcast, "\n",)+
                "vbroadcasts", $suffix, " zmm31, ", $word, " ptr [", $odd, "]\n",
                $("vfmadd231p", $suffix, " ", $next, ", ", $of, ", zmm31\n",)+
            )+
        )
    };
}

/// The module `$name` with two functions that add terms to the sums of 8 rows of `$n` vectors: four
/// at a time, for a loop with fewer rounds is one whose end the processor foresees, and what is left
/// one by one. `$b` are the registers of B's vectors and where these are; `$b_panel` is named where there are several. A line
/// of the table is two rows: their numbers and the pointer to the first, then for each vector its
/// number and the registers of [`term`].
macro_rules! tile {
    (
        $name:ident, $element:ident, $register:ident, $size:literal, $format:tt, $n:literal,
        $b:tt, [$($b_panel:ident)?],
        $([$even:literal $odd:literal $at:ident, $($j:literal $sum:tt $next:tt $of:tt),+])+
    ) => {
        mod $name {
            use super::*;

            /// Where A has the elements of a term side by side.
            ///
            /// # Safety
            /// The processor has AVX-512, and A and B hold the terms.
            #[inline]
            #[target_feature(enable = "avx512f")]
            pub(super) unsafe fn beside(
                terms: &Terms<$element>,
                sums: &mut [[$register; $n]; 8],
            ) {
                // SAFETY: the caller's promise; it reads A and B alone
                unsafe {
                    asm!(
                        "sub {count}, 4",
                        "jb 3f",
                        "2:",
                        beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                        beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                        beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                        beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                        "sub {count}, 4",
                        "jae 2b",
                        "3:",
                        "add {count}, 4",
                        "jz 5f",
                        "4:",
                        beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                        "sub {count}, 1",
                        "jnz 4b",
                        "5:",
                        a = inout(reg) terms.a => _,
                        a_col = in(reg) terms.a_col * $size,
                        b = inout(reg) terms.b => _,
                        b_row = in(reg) terms.b_row * $size,
                        $($b_panel = in(reg) terms.b_panel * $size,)?
                        count = inout(reg) terms.count => _,
                        $($(inout($sum) sums[$even][$j], inout($next) sums[$odd][$j],)+)+
                        out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm31") _,
                        options(nostack, readonly),
                    );
                }
            }

            /// Where A has the elements of a row side by side.
            ///
            /// # Safety
            /// The processor has AVX-512, and A and B hold the terms.
            #[inline]
            #[target_feature(enable = "avx512f")]
            pub(super) unsafe fn apart(
                terms: &Terms<$element>,
                sums: &mut [[$register; $n]; 8],
            ) {
                let row = |number: usize| terms.a.wrapping_add(number * terms.a_row);
                // SAFETY: the caller's promise; it reads A and B alone
                unsafe {
                    asm!(
                        "sub {count}, 4",
                        "jb 3f",
                        "2:",
                        apart!($size, $format, $b, 0, $([$at $($sum $next $of)+])+),
                        apart!($size, $format, $b, 1, $([$at $($sum $next $of)+])+),
                        apart!($size, $format, $b, 2, $([$at $($sum $next $of)+])+),
                        apart!($size, $format, $b, 3, $([$at $($sum $next $of)+])+),
                        $(concat!("add {", stringify!($at), "}, 4*", $size),)+
                        "sub {count}, 4",
                        "jae 2b",
                        "3:",
                        "add {count}, 4",
                        "jz 5f",
                        "4:",
                        apart!($size, $format, $b, 0, $([$at $($sum $next $of)+])+),
                        $(concat!("add {", stringify!($at), "}, ", $size),)+
                        "sub {count}, 1",
                        "jnz 4b",
                        "5:",
                        $($at = inout(reg) row($even) => _,)+
                        a_row = in(reg) terms.a_row * $size,
                        b = inout(reg) terms.b => _,
                        b_row = in(reg) terms.b_row * $size,
                        $($b_panel = in(reg) terms.b_panel * $size,)?
                        count = inout(reg) terms.count => _,
                        $($(inout($sum) sums[$even][$j], inout($next) sums[$odd][$j],)+)+
                        out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm31") _,
                        options(nostack, readonly),
                    );
                }
            }
        }
    };
}

/// A term, where A has a pointer to the elements of all rows, which moves on.
macro_rules! beside {
    (
        $size:literal, $format:tt, $b:tt,
        $([$even:literal $odd:literal $($registers:literal)+])+
    ) => {
        concat!(
            term!($format, $b, $([
                concat!("{a} + ", $even, "*", $size),
                concat!("{a} + ", $odd, "*", $size),
                $($registers)+
            ])+),
            "add {a}, {a_col}",
        )
    };
}

/// Term `$number` of four, where A's pointers are one for every other row.
macro_rules! apart {
    (
        $size:literal, $format:tt, $b:tt, $number:literal,
        $([$at:ident $($registers:literal)+])+
    ) => {
        term!($format, $b, $([
            concat!("{", stringify!($at), "} + ", $number, "*", $size),
            concat!("{", stringify!($at), "} + {a_row} + ", $number, "*", $size),
            $($registers)+
        ])+)
    };
}

/// The module `$name` for an element type.
macro_rules! tiles {
    ($name:ident, $element:ident, $register:ident, $size:literal, $format:tt) => {
        pub(super) mod $name {
            use super::*;

            tile!(
                one, $element, $register, $size, $format, 1, ["zmm24" at "{b}"], [],
                [0 1 a0, 0 "zmm0" "zmm1" "zmm24"]
                [2 3 a2, 0 "zmm2" "zmm3" "zmm24"]
                [4 5 a4, 0 "zmm4" "zmm5" "zmm24"]
                [6 7 a6, 0 "zmm6" "zmm7" "zmm24"]
            );

            tile!(
                two, $element, $register, $size, $format, 2,
                ["zmm24" at "{b}" "zmm25" at "{b} + {b_panel}"], [b_panel],
                [0 1 a0, 0 "zmm0" "zmm2" "zmm24", 1 "zmm1" "zmm3" "zmm25"]
                [2 3 a2, 0 "zmm4" "zmm6" "zmm24", 1 "zmm5" "zmm7" "zmm25"]
                [4 5 a4, 0 "zmm8" "zmm10" "zmm24", 1 "zmm9" "zmm11" "zmm25"]
                [6 7 a6, 0 "zmm12" "zmm14" "zmm24", 1 "zmm13" "zmm15" "zmm25"]
            );

            tile!(
                three, $element, $register, $size, $format, 3,
                ["zmm24" at "{b}" "zmm25" at "{b} + {b_panel}" "zmm26" at "{b} + 2*{b_panel}"],
                [b_panel],
                [0 1 a0, 0 "zmm0" "zmm3" "zmm24", 1 "zmm1" "zmm4" "zmm25",
                    2 "zmm2" "zmm5" "zmm26"]
                [2 3 a2, 0 "zmm6" "zmm9" "zmm24", 1 "zmm7" "zmm10" "zmm25",
                    2 "zmm8" "zmm11" "zmm26"]
                [4 5 a4, 0 "zmm12" "zmm15" "zmm24", 1 "zmm13" "zmm16" "zmm25",
                    2 "zmm14" "zmm17" "zmm26"]
                [6 7 a6, 0 "zmm18" "zmm21" "zmm24", 1 "zmm19" "zmm22" "zmm25",
                    2 "zmm20" "zmm23" "zmm26"]
            );

            /// Adds all terms to the sums of M rows of N vectors if there is a loop for them, and
            /// answers whether there was.
            ///
            /// # Safety
            /// The processor has AVX-512, and A and B hold the terms in whole vectors.
            #[inline]
            #[target_feature(enable = "avx512f")]
            pub(in super::super) unsafe fn add<const M: usize, const N: usize>(
                terms: &Terms<$element>,
                sums: &mut [[$register; N]; M],
            ) -> bool {
                let sums: *mut [[$register; N]; M] = sums;
                let beside = terms.a_row == 1;
                if !beside && terms.a_col != 1 {
                    return false;
                }
                // SAFETY: the caller's promise; the sums are cast to what they are
                unsafe {
                    match (M, N, beside) {
                        (8, 1, true) => one::beside(terms, &mut *sums.cast()),
                        (8, 1, false) => one::apart(terms, &mut *sums.cast()),
                        (8, 2, true) => two::beside(terms, &mut *sums.cast()),
                        (8, 2, false) => two::apart(terms, &mut *sums.cast()),
                        (8, 3, true) => three::beside(terms, &mut *sums.cast()),
                        (8, 3, false) => three::apart(terms, &mut *sums.cast()),
                        _ => return false,
                    }
                }
                true
            }
        }
    };
}

tiles!(single, f32, __m512, 4, ("s", "dword", "{{1to16}}"));
tiles!(double, f64, __m512d, 8, ("d", "qword", "{{1to8}}"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::Vector;
    use consonance_core::Element as _;
    use consonance_host::simd::Level;

    /// Sums of 8 rows of N vectors by the loop made here, and by a compiler's.
    ///
    /// # Safety
    /// The processor has AVX-512, and A and B hold the terms.
    #[target_feature(enable = "avx512f")]
    unsafe fn both<V: Vector, const N: usize>(terms: &Terms<V::Element>) -> [Vec<V::Element>; 2] {
        // SAFETY: the caller's promise
        unsafe {
            let mut sums = [[[V::splat(V::Element::of(1.0)); N]; 8]; 2];
            V::multiply(terms, &mut sums[0]);
            terms.add_to(&mut sums[1]);
            sums.map(|sums| {
                let mut all = vec![V::Element::of(0.0); 8 * N * V::LANES];
                for (to, sum) in all.chunks_exact_mut(V::LANES).zip(sums.as_flattened()) {
                    sum.store(to.as_mut_ptr());
                }
                all
            })
        }
    }

    fn check<V: Vector<Element: PartialEq>, const N: usize>() {
        let numbers = |len: usize| -> Vec<V::Element> {
            (0..len).map(|i| V::Element::of((i * 37 % 101) as f64 / 101.0 - 0.5)).collect()
        };
        let (a, b) = (numbers(8 * 64), numbers(3 * V::LANES * 64));
        for count in 0..14 {
            // A in a panel, as columns that lie apart, as rows, and as neither
            for (a_row, a_col) in [(1, 8), (1, 11), (17, 1), (14, 1), (3, 2)] {
                // B in panels, and as rows
                let rows = (3 * V::LANES + 5, V::LANES);
                for (b_row, b_panel) in [(V::LANES, 20 * V::LANES), rows] {
                    let (a, b, last) = (a.as_ptr(), b.as_ptr(), V::LANES);
                    let terms = Terms { count, a, a_row, a_col, b, b_row, b_panel, last };
                    // SAFETY: the test below asked for the level; at most 13 terms of 8 rows and 3
                    // vectors lie within A and B
                    let [made, compiled] = unsafe { both::<V, N>(&terms) };
                    assert!(
                        made == compiled,
                        "{count} terms, A {a_row}, {a_col}, B {b_row}, {b_panel}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_loop_adds_what_a_compilers_loop_adds() {
        if Level::Avx512.is_available() {
            check::<__m512, 1>();
            check::<__m512, 2>();
            check::<__m512, 3>();
            check::<__m512d, 1>();
            check::<__m512d, 2>();
            check::<__m512d, 3>();
        }
    }
}
