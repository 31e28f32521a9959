//! NEON: 4 or 2 elements; 32 registers hold a tile of 8 × 3.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "all of them pass the trait's contract on to an intrinsic"
)]

use super::Vector;
use std::arch::aarch64::*;

macro_rules! vector {
    ($type:ident, $lanes:literal, $register:ident, $splat:ident, $load:ident, $store:ident,
     $fma:ident, $compare:ident, $select:ident) => {
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
                let mut lanes = [0.0; $lanes];
                unsafe {
                    std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count);
                    $load(lanes.as_ptr())
                }
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $type, count: usize) {
                let mut lanes = [0.0; $lanes];
                unsafe {
                    $store(lanes.as_mut_ptr(), self);
                    std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count);
                }
            }
            #[inline(always)]
            unsafe fn mul_add(self, a: Self, b: Self) -> Self {
                unsafe { $fma(b, self, a) }
            }
            #[inline(always)]
            unsafe fn relu(self) -> Self {
                // a NaN is not below zero
                let zero = unsafe { $splat(0.0) };
                unsafe { $select($compare(zero, self), zero, self) }
            }
            #[inline(always)]
            unsafe fn where_positive(self, y: Self) -> Self {
                let zero = unsafe { $splat(0.0) };
                unsafe { $select($compare(y, zero), self, zero) }
            }
        }
    };
}

vector!(f32, 4, float32x4_t, vdupq_n_f32, vld1q_f32, vst1q_f32, vfmaq_f32, vcgtq_f32, vbslq_f32);
vector!(f64, 2, float64x2_t, vdupq_n_f64, vld1q_f64, vst1q_f64, vfmaq_f64, vcgtq_f64, vbslq_f64);
