//! Any processor: arrays of 4 elements, which compilers turn into the vectors there are.

use super::Vector;
use consonance_host::Math;

/// Four elements.
#[derive(Clone, Copy)]
pub(crate) struct Four<T>([T; 4]);

impl<T: Math> Vector for Four<T> {
    type Element = T;
    const LANES: usize = 4;
    const ROWS: usize = 4;
    const ACROSS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Four([value; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        // SAFETY: the caller's promise
        Four(unsafe { from.cast::<[T; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        // SAFETY: the caller's promise
        unsafe { to.cast::<[T; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_first(from: *const T, count: usize) -> Self {
        // SAFETY: the caller's promise
        Four(std::array::from_fn(|i| if i < count { unsafe { *from.add(i) } } else { T::zero() }))
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut T, count: usize) {
        for (i, value) in self.0.into_iter().take(count).enumerate() {
            // SAFETY: the caller's promise
            unsafe { *to.add(i) = value };
        }
    }
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        Four(std::array::from_fn(|i| self.0[i] * a.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Four(self.0.map(|x| if x < T::zero() { T::zero() } else { x }))
    }
    #[inline(always)]
    unsafe fn where_positive(self, y: Self) -> Self {
        Four(std::array::from_fn(|i| if y.0[i] > T::zero() { self.0[i] } else { T::zero() }))
    }
}
