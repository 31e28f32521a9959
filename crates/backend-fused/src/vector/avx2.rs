//! AVX2 with FMA: 8 or 4 elements; 16 registers hold a tile of 6 × 2.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "all of them pass the trait's contract on to an intrinsic"
)]

use super::Vector;
use std::arch::x86_64::*;

/// All bits set in the first `count` of 8 lanes of 32 bits, when read from `8 - count`.
static MASK: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

macro_rules! vector {
    ($type:ident, $lanes:literal, $register:ident, $splat:ident, $load:ident, $store:ident,
     $load_mask:ident, $store_mask:ident, $fma:ident, $max:ident, $zero:ident, $compare:ident,
     $and:ident) => {
        impl Vector for $register {
            type Element = $type;
            const LANES: usize = $lanes;
            const ROWS: usize = 6;
            const ACROSS: usize = 2;

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
                unsafe { $load_mask(from, mask(count * (8 / $lanes))) }
            }
            #[inline(always)]
            unsafe fn prefetch(at: *const $type) {
                unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $type, count: usize) {
                unsafe { $store_mask(to, mask(count * (8 / $lanes)), self) }
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
                unsafe { $and(self, $compare::<_CMP_GT_OQ>(y, $zero())) }
            }
        }
    };
}

/// The mask of the first `count` of 8 lanes of 32 bits.
///
/// # Safety
/// The processor has AVX2, and `count` is at most 8.
#[inline(always)]
unsafe fn mask(count: usize) -> __m256i {
    // SAFETY: 8 numbers from 8 − count on lie within the 16
    unsafe { _mm256_loadu_si256(MASK.as_ptr().add(8 - count).cast()) }
}

vector!(
    f32,
    8,
    __m256,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_maskload_ps,
    _mm256_maskstore_ps,
    _mm256_fmadd_ps,
    _mm256_max_ps,
    _mm256_setzero_ps,
    _mm256_cmp_ps,
    _mm256_and_ps
);
vector!(
    f64,
    4,
    __m256d,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_maskload_pd,
    _mm256_maskstore_pd,
    _mm256_fmadd_pd,
    _mm256_max_pd,
    _mm256_setzero_pd,
    _mm256_cmp_pd,
    _mm256_and_pd
);
