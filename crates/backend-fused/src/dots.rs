//! Layers of one output: a sum for each row, with nothing to lay side by side in a register but
//! terms.

use crate::level::Compiled;
use crate::vector::Vector;
use consonance_host::simd::Level;
use consonance_host::{MatMut, MatRef, Math};

/// Terms that are summed side by side, whatever the vectors of the processor hold.
pub(crate) const CHAINS: usize = 16;

/// Rows whose chains are made before they are added up.
pub(crate) const ROWS: usize = 16;

/// The chains of each row.
pub(crate) type Chains<T> = [[T; CHAINS]; ROWS];

/// The sum of each row.
pub(crate) type Sums<T> = [T; ROWS];

/// The sum of a row's chains: of those 8 apart, of these sums those 4 apart, then 2, then 1.
#[inline(always)]
pub(crate) fn sum<T: Math>(chains: &[T; CHAINS]) -> T {
    let eight: [T; 8] = std::array::from_fn(|i| chains[i] + chains[i + 8]);
    let four: [T; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

/// y ← X·w + b for X [rows, inputs], the elements of a row side by side or in panels of a vector,
/// w `[inputs]` and y [rows, 1].
///
/// Every 16th term is in the same chain of multiply–adds; the chains are then added in pairs, and
/// their sum to the bias: the same bits for any rows beside it, and at every level that has fused
/// multiply–adds.
pub(crate) fn dots<T: Compiled>(
    level: Level,
    x: MatRef<'_, T>,
    weight: &[T],
    bias: T,
    mut y: MatMut<'_, T>,
) {
    assert_eq!((x.rows(), x.cols()), (y.rows(), weight.len()), "rows and terms");
    assert!(x.col_stride() == 1 || x.cols() <= 1, "the elements of a row of X lie apart");
    let lanes = T::lanes(level);
    let panel = x.in_which_panels().map_or(lanes, |panels| {
        assert!(panels.width == lanes && !panels.of_rows, "X in {panels:?}");
        panels.stride
    });
    let mut sums = [T::zero(); ROWS];
    for first in (0..x.rows()).step_by(ROWS) {
        let rows = first..(first + ROWS).min(x.rows());
        let part = Dots {
            rows: rows.len(),
            // rows of X lie alike, in panels of columns too
            x: x.as_ptr().wrapping_add(first * x.row_stride()),
            row: x.row_stride(),
            panel,
            weight,
        };
        // SAFETY: the level is this processor's, and X has so many rows of a weight's terms each
        unsafe { T::run_dots(level, &part, &mut sums) };
        match y.as_slice() {
            Some(y) => {
                for (y, sum) in y[rows].iter_mut().zip(sums) {
                    *y = sum + bias;
                }
            }
            None => {
                for (row, sum) in rows.zip(sums) {
                    y.set(row, 0, sum + bias);
                }
            }
        }
    }
}

/// Some rows, [`ROWS`] at most.
pub(crate) struct Dots<'a, T> {
    rows: usize,
    /// X's element (i, p) is at `i * row + p / LANES * panel + p % LANES`.
    x: *const T,
    row: usize,
    panel: usize,
    weight: &'a [T],
}

impl<T: Math> Dots<'_, T> {
    /// Writes the sum of each row; anything where there is no row.
    ///
    /// # Safety
    /// X has the elements, and the processor V's instruction set.
    #[inline(always)]
    pub(crate) unsafe fn run_dots<V: Vector<Element = T>>(&self, sums: &mut Sums<T>) {
        let mut chains = [[T::zero(); CHAINS]; ROWS];
        // SAFETY: the caller's promise
        unsafe {
            self.chains::<V>(&mut chains);
            V::add_up(&chains, sums);
        }
    }

    /// Writes the chains of each row.
    ///
    /// # Safety
    /// As [`Dots::run_dots`].
    #[inline(always)]
    unsafe fn chains<V: Vector<Element = T>>(&self, of_rows: &mut Chains<T>) {
        let vectors = CHAINS / V::LANES;
        let terms = self.weight.len();
        for (row, sums) in of_rows.iter_mut().enumerate().take(self.rows) {
            // SAFETY: the caller's promise; the last vector is read as far as there are terms
            unsafe {
                let mut chains = [V::splat(T::zero()); CHAINS];
                let mut x = self.x.add(row * self.row);
                let (mut weight, mut left) = (self.weight.as_ptr(), terms);
                while left >= CHAINS {
                    for chain in &mut chains[..vectors] {
                        *chain = V::load(x).mul_add(V::load(weight), *chain);
                        x = x.wrapping_add(self.panel);
                        weight = weight.add(V::LANES);
                    }
                    left -= CHAINS;
                }
                for chain in &mut chains[..vectors] {
                    let count = left.min(V::LANES);
                    if count == 0 {
                        break;
                    }
                    let (of_x, of_weight) = (V::load_first(x, count), V::load_first(weight, count));
                    *chain = of_x.mul_add(of_weight, *chain);
                    x = x.wrapping_add(self.panel);
                    weight = weight.add(count);
                    left -= count;
                }
                for (vector, chain) in chains.iter().enumerate().take(vectors) {
                    chain.store(sums.as_mut_ptr().add(vector * V::LANES));
                }
            }
        }
    }
}
