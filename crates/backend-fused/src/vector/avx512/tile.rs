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

/// All terms, from the first four: these four by four, with what moves A's pointers on after each
/// round, then those that are left.
macro_rules! rounds {
    ([$term:expr, $($more:expr),+], $after_four:expr, $after_one:expr) => {
        concat!(
            "sub {count}, 4\n",
            "jb 3f\n",
            "2:\n",
            $term, "\n", $($more, "\n",)+ $after_four,
            "sub {count}, 4\n",
            "jae 2b\n",
            "3:\n",
            "add {count}, 4\n",
            "jz 5f\n",
            "4:\n",
            $term, "\n", $after_one,
            "sub {count}, 1\n",
            "jnz 4b\n",
            "5:\n",
        )
    };
}

/// The module `$name` with three functions that add terms to the sums of 8 rows of `$n` vectors:
/// four at a time, for a loop with fewer rounds is one whose end the processor foresees, and what is
/// left one by one. `$b` are the registers of B's vectors and where these are; `$b_panel` is named
/// where there are several, `$mask` where the last vector has fewer elements. A line of the table is
/// two rows: their numbers and the pointer to the first, then for each vector its number and the
/// registers of [`term`].
macro_rules! tile {
    (
        $name:ident, $element:ident, $register:ident, $size:literal, $format:tt, $n:literal,
        $b:tt, [$($b_panel:ident)?], [$($mask:tt)?],
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
                        rounds!(
                            [
                                beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                                beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                                beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+),
                                beside!($size, $format, $b, $([$even $odd $($sum $next $of)+])+)
                            ],
                            "",
                            ""
                        ),
                        a = inout(reg) terms.a => _,
                        a_col = in(reg) terms.a_col * $size,
                        b = inout(reg) terms.b => _,
                        b_row = in(reg) terms.b_row * $size,
                        $($b_panel = in(reg) terms.b_panel * $size,)?
                        $(in($mask) terms.mask(),)?
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
                        rounds!(
                            [
                                apart!($size, $format, $b, 0, $([$at $($sum $next $of)+])+),
                                apart!($size, $format, $b, 1, $([$at $($sum $next $of)+])+),
                                apart!($size, $format, $b, 2, $([$at $($sum $next $of)+])+),
                                apart!($size, $format, $b, 3, $([$at $($sum $next $of)+])+)
                            ],
                            concat!($("add {", stringify!($at), "}, 4*", $size, "\n"),+),
                            concat!($("add {", stringify!($at), "}, ", $size, "\n"),+)
                        ),
                        $($at = inout(reg) row($even) => _,)+
                        a_row = in(reg) terms.a_row * $size,
                        b = inout(reg) terms.b => _,
                        b_row = in(reg) terms.b_row * $size,
                        $($b_panel = in(reg) terms.b_panel * $size,)?
                        $(in($mask) terms.mask(),)?
                        count = inout(reg) terms.count => _,
                        $($(inout($sum) sums[$even][$j], inout($next) sums[$odd][$j],)+)+
                        out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm31") _,
                        options(nostack, readonly),
                    );
                }
            }

            /// Where A lies in panels of as many terms as a vector has elements.
            ///
            /// # Safety
            /// The processor has AVX-512, and A and B hold the terms.
            #[inline]
            #[target_feature(enable = "avx512f")]
            pub(super) unsafe fn in_panels(
                terms: &Terms<$element>,
                sums: &mut [[$register; $n]; 8],
            ) {
                // SAFETY: the caller's promise; it reads A and B alone
                unsafe {
                    asm!(
                        concat!("mov {left}, 16/", $size),
                        rounds!(
                            [
                                panels!($size, $format, $b, 0, $([$even $odd $($sum $next $of)+])+),
                                panels!($size, $format, $b, 1, $([$even $odd $($sum $next $of)+])+),
                                panels!($size, $format, $b, 2, $([$even $odd $($sum $next $of)+])+),
                                panels!($size, $format, $b, 3, $([$even $odd $($sum $next $of)+])+)
                            ],
                            concat!(
                                "add {a}, 4*", $size, "\n",
                                "sub {left}, 1\n",
                                "jnz 6f\n",
                                "add {a}, {jump}\n",
                                "mov {left}, 16/", $size, "\n",
                                "6:\n",
                            ),
                            concat!("add {a}, ", $size, "\n")
                        ),
                        a = inout(reg) terms.a => _,
                        jump = in(reg) terms.a_jump * $size,
                        left = out(reg) _,
                        b = inout(reg) terms.b => _,
                        b_row = in(reg) terms.b_row * $size,
                        $($b_panel = in(reg) terms.b_panel * $size,)?
                        $(in($mask) terms.mask(),)?
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

/// Term `$number` of four, where rows of A are a vector's width apart.
macro_rules! panels {
    (
        $size:literal, $format:tt, $b:tt, $number:literal,
        $([$even:literal $odd:literal $($registers:literal)+])+
    ) => {
        term!($format, $b, $([
            concat!("{a} + ", $even, "*64 + ", $number, "*", $size),
            concat!("{a} + ", $odd, "*64 + ", $number, "*", $size),
            $($registers)+
        ])+)
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

/// How A lies.
enum Form {
    /// The elements of a term side by side.
    Beside,
    /// Those of a row, rows anyhow.
    Apart,
    /// In panels of as many terms as a vector has elements, rows one after the other.
    InPanels,
}

/// The module `$name` for an element type.
macro_rules! tiles {
    ($name:ident, $element:ident, $register:ident, $size:literal, $format:tt) => {
        pub(super) mod $name {
            use super::*;

            tile!(
                one, $element, $register, $size, $format, 1, ["zmm24" at "{b}"], [], [],
                [0 1 a0, 0 "zmm0" "zmm1" "zmm24"]
                [2 3 a2, 0 "zmm2" "zmm3" "zmm24"]
                [4 5 a4, 0 "zmm4" "zmm5" "zmm24"]
                [6 7 a6, 0 "zmm6" "zmm7" "zmm24"]
            );

            tile!(
                part, $element, $register, $size, $format, 1,
                ["zmm24 {{k1}}{{z}}" at "{b}"], [], ["k1"],
                [0 1 a0, 0 "zmm0" "zmm1" "zmm24"]
                [2 3 a2, 0 "zmm2" "zmm3" "zmm24"]
                [4 5 a4, 0 "zmm4" "zmm5" "zmm24"]
                [6 7 a6, 0 "zmm6" "zmm7" "zmm24"]
            );

            tile!(
                two, $element, $register, $size, $format, 2,
                ["zmm24" at "{b}" "zmm25" at "{b} + {b_panel}"], [b_panel], [],
                [0 1 a0, 0 "zmm0" "zmm2" "zmm24", 1 "zmm1" "zmm3" "zmm25"]
                [2 3 a2, 0 "zmm4" "zmm6" "zmm24", 1 "zmm5" "zmm7" "zmm25"]
                [4 5 a4, 0 "zmm8" "zmm10" "zmm24", 1 "zmm9" "zmm11" "zmm25"]
                [6 7 a6, 0 "zmm12" "zmm14" "zmm24", 1 "zmm13" "zmm15" "zmm25"]
            );

            tile!(
                three, $element, $register, $size, $format, 3,
                ["zmm24" at "{b}" "zmm25" at "{b} + {b_panel}" "zmm26" at "{b} + 2*{b_panel}"],
                [b_panel], [],
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
            /// The processor has AVX-512, and A and B hold the terms.
            #[inline]
            #[target_feature(enable = "avx512f")]
            pub(in super::super) unsafe fn add<const M: usize, const N: usize>(
                terms: &Terms<$element>,
                sums: &mut [[$register; N]; M],
            ) -> bool {
                let sums: *mut [[$register; N]; M] = sums;
                let form = match *terms {
                    Terms { a_row: 1, a_jump: 0, .. } => Form::Beside,
                    Terms { a_col: 1, a_jump: 0, .. } => Form::Apart,
                    Terms { a_col: 1, a_row, .. } if a_row * $size == 64 => Form::InPanels,
                    _ => return false,
                };
                let whole = terms.last * $size == 64;
                // SAFETY: the caller's promise; the sums are cast to what they are
                unsafe {
                    match (M, N, form) {
                        (8, 1, Form::Beside) if !whole => part::beside(terms, &mut *sums.cast()),
                        (8, 1, Form::Apart) if !whole => part::apart(terms, &mut *sums.cast()),
                        (8, 1, Form::InPanels) if !whole => {
                            part::in_panels(terms, &mut *sums.cast())
                        }
                        _ if !whole => return false,
                        (8, 1, Form::Beside) => one::beside(terms, &mut *sums.cast()),
                        (8, 1, Form::Apart) => one::apart(terms, &mut *sums.cast()),
                        (8, 1, Form::InPanels) => one::in_panels(terms, &mut *sums.cast()),
                        (8, 2, Form::Beside) => two::beside(terms, &mut *sums.cast()),
                        (8, 2, Form::Apart) => two::apart(terms, &mut *sums.cast()),
                        (8, 2, Form::InPanels) => two::in_panels(terms, &mut *sums.cast()),
                        (8, 3, Form::Beside) => three::beside(terms, &mut *sums.cast()),
                        (8, 3, Form::Apart) => three::apart(terms, &mut *sums.cast()),
                        (8, 3, Form::InPanels) => three::in_panels(terms, &mut *sums.cast()),
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
        let (a, b) = (numbers(48 * V::LANES + 8 * 64), numbers(3 * V::LANES * 64));
        // a vector that has fewer elements is alone in its tile
        let lasts = if N == 1 { vec![V::LANES, V::LANES - 1, 1] } else { vec![V::LANES] };
        for (count, last) in (0..=34).flat_map(|count| lasts.iter().map(move |last| (count, *last)))
        {
            // A in a panel, as columns that lie apart, as rows, as neither, and in panels of terms
            let l = V::LANES;
            let in_panels = [(l, 1, 7 * l), (l, 1, 9 * l)];
            let plain = [(1, 8, 0), (1, 11, 0), (37, 1, 0), (34, 1, 0), (3, 2, 0)];
            for (a_row, a_col, a_jump) in plain.into_iter().chain(in_panels) {
                // B in panels, and as rows
                let rows = (3 * V::LANES + 5, V::LANES);
                for (b_row, b_panel) in [(V::LANES, 20 * V::LANES), rows] {
                    let (a, b) = (a.as_ptr(), b.as_ptr());
                    let terms = Terms { count, a, a_row, a_col, a_jump, b, b_row, b_panel, last };
                    // SAFETY: the test below asked for the level; at most 34 terms of 8 rows and 3
                    // vectors lie within A and B
                    let [made, compiled] = unsafe { both::<V, N>(&terms) };
                    assert!(
                        made == compiled,
                        "{count} terms of {last}, A {a_row}, {a_col}, {a_jump}, B {b_row}, {b_panel}"
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
