//! Softmax with cross-entropy: a row's outputs belong together.

use super::{SIDE_BY_SIDE, sum, target};
use crate::math::{Math, exp, log_from_one};
use crate::matrix::{MatMut, MatRef};
use crate::simd::{Fma, Sweep};
use consonance_core::{Rows, Targets};

/// Softmax, cross-entropy and its gradient p·Σt − t. The shift by each row's largest logit keeps
/// every exponential at most 1.
pub(super) struct CrossEntropy<'a, T> {
    pub(super) targets: &'a Targets,
    pub(super) rows: &'a Rows<'a>,
    pub(super) scale: T,
    pub(super) z: &'a [T],
    pub(super) width: usize,
    pub(super) delta: &'a mut [T],
    pub(super) losses: &'a mut [f64],
}

/// Rows that are computed side by side.
const BLOCK: usize = 32;

/// A number for each row of a block.
type Lanes<T> = [T; BLOCK];

/// The widest rows of which a block is turned, so that a vector holds a column of it: of narrow
/// rows most of a vector would be empty.
const NARROW: usize = 32;

impl<T: Math> Sweep for CrossEntropy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let CrossEntropy { targets, rows, scale, z, width, delta, losses } = self;
        let mut columns = [[T::zero(); BLOCK]; NARROW];
        let blocks = z.chunks(BLOCK * width).zip(delta.chunks_mut(BLOCK * width));
        for (number, ((z, delta), losses)) in blocks.zip(losses.chunks_mut(BLOCK)).enumerate() {
            let block = Block { targets, rows, first: number * BLOCK, scale, width };
            if width <= NARROW {
                block.turned::<F>(&mut columns[..width], z, delta, losses);
            } else {
                block.row_by_row::<F>(z, delta, losses);
            }
        }
    }
}

/// Some rows of the batch: `first` and those after it, as many as there are losses.
struct Block<'a, T> {
    targets: &'a Targets,
    rows: &'a Rows<'a>,
    first: usize,
    scale: T,
    width: usize,
}

impl<T: Math> Block<'_, T> {
    /// A column of the block at a time. Lanes of rows that are missing hold anything.
    #[inline(always)]
    fn turned<F: Fma>(
        &self,
        columns: &mut [Lanes<T>],
        z: &[T],
        delta: &mut [T],
        losses: &mut [f64],
    ) {
        let rows = losses.len();
        let turned = MatMut::with_strides(columns.as_flattened_mut(), self.width, rows, BLOCK, 1);
        T::transpose(MatRef::new(z, rows, self.width), turned);
        let class = self.classes(rows);
        let (mut largest, mut of_class) = ([T::neg_infinity(); BLOCK], [T::zero(); BLOCK]);
        for (number, column) in columns.iter().enumerate() {
            for ((best, &x), (z, &class)) in
                largest.iter_mut().zip(column).zip(of_class.iter_mut().zip(&class))
            {
                *best = larger(*best, x);
                *z = if class == number as u32 { x } else { *z };
            }
        }
        let mut sums = [T::zero(); BLOCK];
        for column in &mut *columns {
            for ((x, &largest), sum) in column.iter_mut().zip(&largest).zip(&mut sums) {
                *x = exp::<F, T>(*x - largest);
                *sum += *x;
            }
        }
        if let Targets::Classes(_) = self.targets {
            let mut factors = sums;
            factors.iter_mut().for_each(|sum| *sum = self.scale / *sum);
            for (number, column) in columns.iter_mut().enumerate() {
                for ((p, &factor), &class) in column.iter_mut().zip(&factors).zip(&class) {
                    let scaled = *p * factor;
                    *p = if class == number as u32 { scaled - self.scale } else { scaled };
                }
            }
        }
        let turned = MatRef::with_strides(columns.as_flattened(), self.width, rows, BLOCK, 1);
        T::transpose(turned, MatMut::new(delta, rows, self.width));
        if let Targets::Values { .. } = self.targets {
            for (at, delta) in delta.chunks_exact_mut(self.width).enumerate() {
                self.gradient(at, sums[at], delta);
            }
        }
        self.losses::<F>(&largest, &sums, &of_class, z, losses);
    }

    /// One row after the other.
    #[inline(always)]
    fn row_by_row<F: Fma>(&self, z: &[T], delta: &mut [T], losses: &mut [f64]) {
        let (mut largest, mut sums) = ([T::zero(); BLOCK], [T::one(); BLOCK]);
        let mut of_class = [T::zero(); BLOCK];
        let lines = z.chunks_exact(self.width).zip(delta.chunks_exact_mut(self.width));
        for (at, (z, delta)) in lines.enumerate() {
            largest[at] = largest_of(z);
            for (x, &z) in delta.iter_mut().zip(z) {
                *x = exp::<F, T>(z - largest[at]);
            }
            sums[at] = sum(delta);
            self.gradient(at, sums[at], delta);
        }
        if let Targets::Classes(_) = self.targets {
            let lines = z.chunks_exact(self.width).zip(self.classes(losses.len()));
            for (of_class, (z, class)) in of_class.iter_mut().zip(lines) {
                *of_class = z[class as usize];
            }
        }
        self.losses::<F>(&largest, &sums, &of_class, z, losses);
    }

    /// The class of each of so many rows; of others, and where targets are values, none there is.
    #[inline(always)]
    fn classes(&self, rows: usize) -> [u32; BLOCK] {
        let mut of_rows = [u32::MAX; BLOCK];
        let Targets::Classes(classes) = self.targets else { return of_rows };
        match self.rows {
            Rows::Range(range) => {
                let first = range.start + self.first;
                of_rows[..rows].copy_from_slice(&classes[first..first + rows]);
            }
            Rows::List(list) => {
                for (class, &row) in of_rows.iter_mut().zip(&list[self.first..][..rows]) {
                    *class = classes[row as usize];
                }
            }
        }
        of_rows
    }

    /// Makes a gradient of the exponentials of row `at`, whose sum is `sum`.
    #[inline(always)]
    fn gradient(&self, at: usize, sum: T, delta: &mut [T]) {
        let row = self.rows.at(self.first + at);
        match self.targets {
            Targets::Classes(classes) => {
                let factor = self.scale / sum;
                delta.iter_mut().for_each(|p| *p *= factor);
                delta[classes[row] as usize] -= self.scale;
            }
            Targets::Values { values, .. } => {
                let target = target::<T>(values, row, self.width);
                let mass: T = target.iter().copied().sum();
                let factor = self.scale * mass / sum;
                for (p, t) in delta.iter_mut().zip(target) {
                    *p = *p * factor - *t * self.scale;
                }
            }
            Targets::None => {}
        }
    }

    /// The loss of each row: of its outputs `z`, the largest of them, that of its class, if it has
    /// one, and the sum of exponentials.
    #[inline(always)]
    fn losses<F: Fma>(
        &self,
        largest: &Lanes<T>,
        sums: &Lanes<T>,
        of_class: &Lanes<T>,
        z: &[T],
        losses: &mut [f64],
    ) {
        let mut log_sums = [0.0; BLOCK];
        for (log, &sum) in log_sums.iter_mut().zip(sums) {
            *log = log_from_one::<F, f64>(sum.widen());
        }
        // −ln softmax(z)ⱼ, without the digits that a sum with a large logit would lose
        let surprise = |largest: T, z: T, log_sum: f64| (largest.widen() - z.widen()) + log_sum;
        match self.targets {
            Targets::Classes(_) => {
                let mut each = [0.0; BLOCK];
                let lanes = each.iter_mut().zip(largest).zip(of_class).zip(&log_sums);
                for (((loss, &largest), &z), &log_sum) in lanes {
                    *loss = surprise(largest, z, log_sum);
                }
                losses.copy_from_slice(&each[..losses.len()]);
            }
            Targets::Values { values, .. } => {
                for (at, (z, loss)) in z.chunks_exact(self.width).zip(losses).enumerate() {
                    let row = self.rows.at(self.first + at);
                    // a probability of 0 asks nothing of its logit, were it infinite
                    let asked = target::<T>(values, row, self.width).iter().zip(z);
                    let asked = asked.filter(|(t, _)| **t != T::zero());
                    *loss = asked.fold(0.0, |sum, (t, &z)| {
                        sum + t.widen() * surprise(largest[at], z, log_sums[at])
                    });
                }
            }
            Targets::None => losses.fill(f64::NAN),
        }
    }
}

/// The larger of two; NaN never is.
#[inline(always)]
fn larger<T: Math>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// The largest element of a row; NaN is never the largest.
#[inline(always)]
fn largest_of<T: Math>(row: &[T]) -> T {
    let mut best = [T::neg_infinity(); SIDE_BY_SIDE];
    let chunks = row.chunks_exact(SIDE_BY_SIDE);
    let rest = chunks.remainder().iter().fold(T::neg_infinity(), |a, &b| larger(a, b));
    for chunk in chunks {
        for (best, &x) in best.iter_mut().zip(chunk) {
            *best = larger(*best, x);
        }
    }
    best.into_iter().fold(rest, larger)
}
