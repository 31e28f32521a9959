//! AVX-512: 16 or 8 elements; 32 registers hold a tile of 8 × 3.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "all of them pass the trait's contract on to an intrinsic"
)]

use super::Vector;
use std::arch::x86_64::*;

macro_rules! vector {
    ($type:ident, $lanes:literal, $register:ident, $mask:ident, $splat:ident, $load:ident,
     $store:ident, $load_mask:ident, $store_mask:ident, $fma:ident, $max:ident, $zero:ident,
     $compare:ident, $select:ident) => {
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
            unsafe fn relu(self) -> Self {
                // of a NaN or of two zeros the instruction answers the second operand
                unsafe { $max($zero(), self) }
            }
            #[inline(always)]
            unsafe fn where_positive(self, y: Self) -> Self {
                unsafe { $select($compare::<_CMP_GT_OQ>(y, $zero()), self) }
            }
        }
    };
}

vector!(
    f32,
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
    _mm512_maskz_mov_ps
);
vector!(
    f64,
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

/// Transposes a block of `columns` ≤ 16 columns of 16: element j of column i, which begin `stride`
/// apart, becomes element i of row j, of 16 neighbours each; where columns are missing, zeros.
///
/// Pairs of columns are interleaved, then pairs of pairs, which transposes four by four inside
/// each quarter of the registers; then the quarters are exchanged.
///
/// # Safety
/// The processor has AVX-512; 16 elements can be read at each of the columns, and 256 written.
#[target_feature(enable = "avx512f")]
pub(crate) unsafe fn transpose_16(from: *const f32, columns: usize, stride: usize, to: *mut f32) {
    let column = |i: usize| match i < columns {
        // SAFETY: the caller's promise
        true => unsafe { _mm512_loadu_ps(from.add(i * stride)) },
        false => _mm512_setzero_ps(),
    };
    let mut fours = [_mm512_setzero_ps(); 16];
    for four in 0..4 {
        let [a, b, c, d] = std::array::from_fn(|i| column(4 * four + i));
        let (low, low_next) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (high, high_next) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        let pair = |x: __m512, y: __m512| {
            let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
            let (first, second) = (_mm512_unpacklo_pd(x, y), _mm512_unpackhi_pd(x, y));
            [_mm512_castpd_ps(first), _mm512_castpd_ps(second)]
        };
        let [first, second] = pair(low, low_next);
        let [third, fourth] = pair(high, high_next);
        fours[4 * four..4 * four + 4].copy_from_slice(&[first, second, third, fourth]);
    }
    // quarter q of fours[4 f + j] holds row 4 q + j of columns 4 f to 4 f + 3
    for j in 0..4 {
        let [a, b, c, d] = std::array::from_fn(|f| fours[4 * f + j]);
        let (even, even_next) =
            (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
        let (odd, odd_next) =
            (_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d));
        let quarters = [
            _mm512_shuffle_f32x4::<0x88>(even, even_next),
            _mm512_shuffle_f32x4::<0x88>(odd, odd_next),
            _mm512_shuffle_f32x4::<0xdd>(even, even_next),
            _mm512_shuffle_f32x4::<0xdd>(odd, odd_next),
        ];
        for (q, row) in quarters.into_iter().enumerate() {
            // SAFETY: the caller's promise
            unsafe { _mm512_storeu_ps(to.add((4 * q + j) * 16), row) };
        }
    }
}
