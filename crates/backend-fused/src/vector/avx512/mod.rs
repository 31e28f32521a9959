//! AVX-512: 16 or 8 elements; 32 registers hold a tile of 8 × 3.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "all of them pass the trait's contract on to an intrinsic"
)]

mod tile;

use super::{Terms, Vector};
use crate::dots::{Chains, Sums};
use std::arch::x86_64::*;

macro_rules! vector {
    ($type:ident, $tile:ident, $lanes:literal, $register:ident, $mask:ident, $splat:ident,
     $load:ident, $store:ident, $load_mask:ident, $store_mask:ident, $fma:ident, $max:ident, $zero:ident,
     $compare:ident, $select:ident $(, $own:item)*) => {
        impl Vector for $register {
            type Element = $type;
            const LANES: usize = $lanes;
            const ROWS: usize = 8;
            const ACROSS: usize = 3;

            #[inline(always)]
            unsafe fn splat(value: $type) -> Self {
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const $type) -> Self {
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $type, count: usize) -> Self {
                unsafe { $load_mask(((1_u32 << count) - 1) as $mask, from) }
            }
            #[inline(always)]
            unsafe fn prefetch(at: *const $type) {
                unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $type, count: usize) {
                unsafe { $store_mask(to, ((1_u32 << count) - 1) as $mask, self) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, a: Self, b: Self) -> Self {
                unsafe { $fma(self, a, b) }
            }
            #[inline(always)]
            unsafe fn multiply<const M: usize, const N: usize>(
                terms: &Terms<$type>,
                sums: &mut [[Self; N]; M],
            ) {
                unsafe {
                    if !tile::$tile::add(terms, sums) {
                        terms.add_to(sums);
                    }
                }
            }
            #[inline(always)]
            unsafe fn relu(self) -> Self {
                // of a NaN or of two zeros the instruction answers the second operand
                unsafe { $max($zero(), self) }
            }
            #[inline(always)]
            unsafe fn where_positive(self, y: Self) -> Self {
                unsafe { $select($compare::<_CMP_GT_OQ>(y, $zero()), self) }
            }

            $($own)*
        }
    };
}

vector!(
    f32,
    single,
    16,
    __m512,
    __mmask16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_mask_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_max_ps,
    _mm512_setzero_ps,
    _mm512_cmp_ps_mask,
    _mm512_maskz_mov_ps,
    #[inline(always)]
    unsafe fn add_up(chains: &Chains<f32>, sums: &mut Sums<f32>) {
        unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), add_up(chains)) }
    }
);
vector!(
    f64,
    double,
    8,
    __m512d,
    __mmask8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_mask_storeu_pd,
    _mm512_fmadd_pd,
    _mm512_max_pd,
    _mm512_setzero_pd,
    _mm512_cmp_pd_mask,
    _mm512_maskz_mov_pd
);

/// [`Vector::add_up`]: rows are folded to half their length, two of them into one register, until a
/// register holds a number of each row.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_up(chains: &Chains<f32>) -> __m512 {
    let row = |i: usize| unsafe { _mm512_loadu_ps(chains[i].as_ptr()) };
    // halves: two rows
    let eight = |i: usize| {
        let (a, b) = (row(i), row(i + 4));
        _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b))
    };
    // quarters: the rows i, i + 4, i + 8 and i + 12
    let four = |i: usize| {
        let (a, b) = (eight(i), eight(i + 8));
        _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b))
    };
    // and within each quarter those of the next row
    let two = |i: usize| {
        let (a, b) = (_mm512_castps_pd(four(i)), _mm512_castps_pd(four(i + 1)));
        let (low, high) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
        _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high))
    };
    let (a, b) = (two(0), two(2));
    _mm512_add_ps(_mm512_shuffle_ps::<0x88>(a, b), _mm512_shuffle_ps::<0xdd>(a, b))
}
