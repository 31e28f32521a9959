//! A loss and its gradient for some rows of outputs, in one pass.

use crate::math::{Math, exp, log_from_one};
use crate::matrix::{MatMut, MatRef};
use crate::simd::{Fma, Sweep, dispatch};
use consonance_core::{Activation, Loss, Rows, Targets};

/// For outputs `z` [rows, width] of the rows `rows`: writes each row's loss, not yet reduced, to
/// `losses`, and the gradient of the reduced loss, `scale` times that of the sum, to `delta`
/// [rows, width]. The targets fit ([`consonance_core::Plan::check_batch`]).
///
/// # Panics
/// May panic if the targets do not fit or the slices are not of these lengths.
pub fn loss_and_gradient<T: Math>(
    loss: Loss,
    targets: &Targets,
    rows: &Rows<'_>,
    scale: T,
    z: &[T],
    delta: &mut [T],
    losses: &mut [f64],
) {
    let width = z.len() / losses.len();
    match loss {
        Loss::CrossEntropy => {
            dispatch(CrossEntropy { targets, rows, scale, z, width, delta, losses });
        }
        Loss::BinaryCrossEntropy => {
            delta.copy_from_slice(z);
            T::activate(Activation::Sigmoid, delta);
            for_each_target(targets, rows, z, delta, losses, width, |z, t, sigmoid| {
                let (z, t) = (z.widen(), t.widen());
                let positive = if z < 0.0 { 0.0 } else { z };
                let loss = positive - z * t + libm::log1p(libm::exp(-z.abs()));
                ((sigmoid - T::of(t)) * scale, loss)
            });
        }
        Loss::MeanSquaredError => {
            let twice = scale + scale;
            for_each_target(targets, rows, z, delta, losses, width, |z, t, _| {
                let difference = z - t;
                (twice * difference, difference.widen() * difference.widen())
            });
        }
    }
}

/// Softmax, cross-entropy and its gradient p·Σt − t. The shift by each row's largest logit keeps
/// every exponential at most 1.
struct CrossEntropy<'a, T> {
    targets: &'a Targets,
    rows: &'a Rows<'a>,
    scale: T,
    z: &'a [T],
    width: usize,
    delta: &'a mut [T],
    losses: &'a mut [f64],
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
            let mut of_block = [0; BLOCK];
            for (at, row) in of_block[..losses.len()].iter_mut().enumerate() {
                *row = rows.at(number * BLOCK + at);
            }
            let block = Block { targets, rows: &of_block[..losses.len()], scale, width };
            if width <= NARROW {
                block.turned::<F>(&mut columns[..width], z, delta, losses);
            } else {
                block.row_by_row::<F>(z, delta, losses);
            }
        }
    }
}

/// Some rows of the batch.
struct Block<'a, T> {
    targets: &'a Targets,
    /// Their positions in the data set.
    rows: &'a [usize],
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
        let rows = self.rows.len();
        let turned = MatMut::with_strides(columns.as_flattened_mut(), self.width, rows, BLOCK, 1);
        T::transpose(MatRef::new(z, rows, self.width), turned);
        let mut largest = [T::neg_infinity(); BLOCK];
        for column in &*columns {
            for (best, &x) in largest.iter_mut().zip(column) {
                *best = larger(*best, x);
            }
        }
        let mut sums = [T::zero(); BLOCK];
        for column in &mut *columns {
            for ((x, &largest), sum) in column.iter_mut().zip(&largest).zip(&mut sums) {
                *x = exp::<F, T>(*x - largest);
                *sum += *x;
            }
        }
        if let Targets::Classes(classes) = self.targets {
            let mut class = [u32::MAX; BLOCK];
            for (class, &row) in class.iter_mut().zip(self.rows) {
                *class = classes[row];
            }
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
        self.losses::<F>(&largest, &sums, z, losses);
    }

    /// One row after the other.
    #[inline(always)]
    fn row_by_row<F: Fma>(&self, z: &[T], delta: &mut [T], losses: &mut [f64]) {
        let (mut largest, mut sums) = ([T::zero(); BLOCK], [T::one(); BLOCK]);
        let lines = z.chunks_exact(self.width).zip(delta.chunks_exact_mut(self.width));
        for (at, (z, delta)) in lines.enumerate() {
            largest[at] = largest_of(z);
            for (x, &z) in delta.iter_mut().zip(z) {
                *x = exp::<F, T>(z - largest[at]);
            }
            sums[at] = sum(delta);
            self.gradient(at, sums[at], delta);
        }
        self.losses::<F>(&largest, &sums, z, losses);
    }

    /// Makes a gradient of the exponentials of row `at`, whose sum is `sum`.
    #[inline(always)]
    fn gradient(&self, at: usize, sum: T, delta: &mut [T]) {
        match self.targets {
            Targets::Classes(classes) => {
                let factor = self.scale / sum;
                delta.iter_mut().for_each(|p| *p *= factor);
                delta[classes[self.rows[at]] as usize] -= self.scale;
            }
            Targets::Values { values, .. } => {
                let target = target::<T>(values, self.rows[at], self.width);
                let mass: T = target.iter().copied().sum();
                let factor = self.scale * mass / sum;
                for (p, t) in delta.iter_mut().zip(target) {
                    *p = *p * factor - *t * self.scale;
                }
            }
            Targets::None => {}
        }
    }

    /// The loss of each row, of its outputs `z`, the largest of them and the sum of exponentials.
    #[inline(always)]
    fn losses<F: Fma>(&self, largest: &Lanes<T>, sums: &Lanes<T>, z: &[T], losses: &mut [f64]) {
        let mut log_sums = [0.0; BLOCK];
        for (log, &sum) in log_sums.iter_mut().zip(sums) {
            *log = log_from_one::<F, f64>(sum.widen());
        }
        // −ln softmax(z)ⱼ, without the digits that a sum with a large logit would lose
        let surprise = |at: usize, z: T| (largest[at].widen() - z.widen()) + log_sums[at];
        for (at, (&row, loss)) in self.rows.iter().zip(losses).enumerate() {
            let z = &z[at * self.width..][..self.width];
            *loss = match self.targets {
                Targets::Classes(classes) => surprise(at, z[classes[row] as usize]),
                Targets::Values { values, .. } => {
                    // a probability of 0 asks nothing of its logit, were it infinite
                    let asked = target::<T>(values, row, self.width).iter().zip(z);
                    let asked = asked.filter(|(t, _)| **t != T::zero());
                    asked.fold(0.0, |sum, (t, z)| sum + t.widen() * surprise(at, *z))
                }
                Targets::None => f64::NAN,
            };
        }
    }
}

/// The larger of two; NaN never is.
#[inline(always)]
fn larger<T: Math>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// How many elements of a row are compared, or added, side by side.
const SIDE_BY_SIDE: usize = 8;

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

/// The sum of some numbers, always in the same order.
#[inline(always)]
pub(crate) fn sum<T: Math>(row: &[T]) -> T {
    let mut sums = [T::zero(); SIDE_BY_SIDE];
    let chunks = row.chunks_exact(SIDE_BY_SIDE);
    let rest: T = chunks.remainder().iter().copied().sum();
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += x;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    (((a + e) + (b + f)) + ((c + g) + (d + h))) + rest
}

fn target<T: Math>(values: &consonance_core::Values, row: usize, width: usize) -> &[T] {
    let values = T::slice(values).expect("targets are of the plan's precision: checked");
    &values[row * width..][..width]
}

/// Replaces each element of `delta` by the gradient and adds up each row's loss, as `one` tells
/// them of (output, target, what was in `delta`).
fn for_each_target<T: Math>(
    targets: &Targets,
    rows: &Rows<'_>,
    z: &[T],
    delta: &mut [T],
    losses: &mut [f64],
    width: usize,
    one: impl Fn(T, T, T) -> (T, f64),
) {
    let outputs = z.chunks_exact(width).zip(delta.chunks_exact_mut(width));
    for (position, ((z, delta), loss)) in outputs.zip(losses).enumerate() {
        let row = rows.at(position);
        let class;
        let target = match targets {
            Targets::Classes(classes) => {
                class = [T::of(f64::from(classes[row]))];
                &class[..]
            }
            Targets::Values { values, .. } => target::<T>(values, row, width),
            Targets::None => &[],
        };
        *loss = 0.0;
        for ((d, &z), &t) in delta.iter_mut().zip(z).zip(target) {
            let (gradient, value) = one(z, t, *d);
            *d = gradient;
            *loss += value;
        }
    }
}
