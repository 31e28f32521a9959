//! The product compiled for each instruction set, and what belongs to an element type.

#[cfg(target_arch = "x86_64")]
use crate::amx;
use crate::dots::{Dots, Sums};
use crate::product::{Call, Product};
use crate::vector::Vector;
use crate::vector::portable::Four;
use consonance_host::simd::Level;
#[cfg(target_arch = "x86_64")]
use consonance_host::transpose::Block;
use consonance_host::{MatMut, MatRef, Math};
use std::mem::MaybeUninit;

/// An element type with its compiled products.
pub(crate) trait Compiled: Math {
    /// Columns of a packed panel: the lanes of a vector.
    fn lanes(level: Level) -> usize;

    /// Runs a product.
    ///
    /// # Safety
    /// As [`Product::run`]; the processor has `level`.
    unsafe fn run(level: Level, product: &Product<Self>);

    /// Sums up rows for a layer of one output.
    ///
    /// # Safety
    /// As [`Dots::run_dots`]; the processor has `level`.
    unsafe fn run_dots(level: Level, dots: &Dots<'_, Self>, sums: &mut Sums<Self>);

    /// Transposes the first rows of a panel of [`Compiled::lanes`] columns by an instruction set's
    /// own means, and answers how many it did. The elements of a column lie side by side; columns
    /// that are missing become zeros.
    fn turn(level: Level, columns: &MatRef<'_, Self>, panel: &mut [MaybeUninit<Self>]) -> usize {
        let _ = (level, columns, panel);
        0
    }

    /// Rows of a register tile.
    fn rows(level: Level) -> usize;

    /// Elements of a panel packed for the matrix unit, for sums of so many terms; nothing if it
    /// does not take the type.
    fn amx_panel(terms: usize) -> Option<usize> {
        let _ = terms;
        None
    }

    /// Packs B for products of the matrix unit.
    ///
    /// # Safety
    /// The processor has the unit, and it takes the type.
    unsafe fn amx_pack(b: MatRef<'_, Self>, packed: &mut [MaybeUninit<Self>]) {
        let _ = (b, packed);
        unreachable!("a matrix unit for {}", Self::PRECISION);
    }

    /// Runs a product on the matrix unit.
    ///
    /// # Safety
    /// As [`Compiled::amx_pack`], and the pointers of start and finish reach what C has.
    unsafe fn amx_run(call: &Call<'_, Self>, c: MatMut<'_, Self>) {
        let _ = (call, c);
        unreachable!("a matrix unit for {}", Self::PRECISION);
    }
}

/// The function `$run`, which runs what `$what` has of that name, compiled for each level.
macro_rules! run {
    (
        $run:ident($what:ty $(, $more:ident: $of:ty)?),
        $type:ident, $wide:ident, $narrow:ident, $neon:ident
    ) => {
        unsafe fn $run(level: Level, what: &$what $(, $more: $of)?) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            unsafe fn avx512(what: &$what $(, $more: $of)?) {
                // SAFETY: the caller's promise
                unsafe { what.$run::<$wide>($($more)?) }
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2(what: &$what $(, $more: $of)?) {
                // SAFETY: the caller's promise
                unsafe { what.$run::<$narrow>($($more)?) }
            }

            // SAFETY: the caller's promise
            unsafe {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => avx512(what $(, $more)?),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => avx2(what $(, $more)?),
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => what.$run::<$neon>($($more)?),
                    _ => what.$run::<Four<$type>>($($more)?),
                }
            }
        }
    };
}

macro_rules! compiled {
    ($type:ident, $wide:ident, $narrow:ident, $neon:ident $(, $own:item)*) => {
        const _: () = {
            #[cfg(target_arch = "x86_64")]
            use std::arch::x86_64::{$narrow, $wide};

            #[cfg(target_arch = "aarch64")]
            use std::arch::aarch64::$neon;

            impl Compiled for $type {
                fn lanes(level: Level) -> usize {
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => <$wide>::LANES,
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2 => <$narrow>::LANES,
                        #[cfg(target_arch = "aarch64")]
                        Level::Neon => <$neon>::LANES,
                        _ => Four::<$type>::LANES,
                    }
                }

                fn rows(level: Level) -> usize {
                    match level {
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx512 => <$wide>::ROWS,
                        #[cfg(target_arch = "x86_64")]
                        Level::Avx2 => <$narrow>::ROWS,
                        #[cfg(target_arch = "aarch64")]
                        Level::Neon => <$neon>::ROWS,
                        _ => Four::<$type>::ROWS,
                    }
                }

                run!(run(Product<$type>), $type, $wide, $narrow, $neon);
                run!(
                    run_dots(Dots<'_, $type>, sums: &mut Sums<$type>),
                    $type, $wide, $narrow, $neon
                );

                $($own)*
            }
        };
    };
}

compiled!(
    f32,
    __m512,
    __m256,
    float32x4_t,
    #[cfg(target_arch = "x86_64")]
    fn turn(level: Level, columns: &MatRef<'_, f32>, panel: &mut [MaybeUninit<f32>]) -> usize {
        if level != Level::Avx512 {
            return 0;
        }
        let rows = panel.len() / 256 * 16;
        let side_by_side = columns.row_stride() == 1 && columns.cols() <= 16;
        assert!(side_by_side && columns.rows() >= rows, "a panel has 16 columns");
        for row in (0..rows).step_by(16) {
            let to = &mut panel[row * 16..(row + 16) * 16];
            // SAFETY: the level is this processor's; the columns have so many rows, and `to` has
            // 256 elements.
            unsafe {
                let (from, apart) = (columns.as_ptr().add(row), columns.col_stride());
                let block = Block { lines: columns.cols(), len: 16 };
                block.transpose(from, apart, to.as_mut_ptr().cast(), 16, 16);
            }
        }
        rows
    },
    #[cfg(target_arch = "x86_64")]
    fn amx_panel(terms: usize) -> Option<usize> {
        Some(amx::panel_len(terms))
    },
    #[cfg(target_arch = "x86_64")]
    unsafe fn amx_pack(b: MatRef<'_, f32>, packed: &mut [MaybeUninit<f32>]) {
        // SAFETY: the caller's promise
        unsafe { amx::pack_b(b, packed) }
    },
    #[cfg(target_arch = "x86_64")]
    unsafe fn amx_run(call: &Call<'_, f32>, c: MatMut<'_, f32>) {
        // SAFETY: the caller's promise
        unsafe { amx::run(call, c) }
    }
);
compiled!(f64, __m512d, __m256d, float64x2_t);
