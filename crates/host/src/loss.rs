//! A loss and its gradient for some rows of outputs, in one pass.

use crate::math::{Math, exp, log_from_one};
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
const BLOCK: usize = 16;

/// The widest rows of which a block is turned, so that a vector holds a column of it: of narrow
/// rows most of a vector would be empty.
const NARROW: usize = 32;

impl<T: Math> Sweep for CrossEntropy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let CrossEntropy { targets, rows, scale, z, width, delta, losses } = self;
        let blocks = z.chunks(BLOCK * width).zip(delta.chunks_mut(BLOCK * width));
        for (number, ((z, delta), losses)) in blocks.zip(losses.chunks_mut(BLOCK)).enumerate() {
            let softmax = if width <= NARROW {
                Softmax::turned::<F>(z, width, delta)
            } else {
                Softmax::row_by_row::<F>(z, width, delta)
            };
            let lines = z.chunks_exact(width).zip(delta.chunks_exact_mut(width)).zip(losses);
            for (at, ((z, delta), loss)) in lines.enumerate() {
                let row = rows.at(number * BLOCK + at);
                *loss = softmax.finish(at, targets, row, scale, z, delta);
            }
        }
    }
}

/// What is left of a block of rows when their elements have become exponentials.
struct Softmax<T> {
    largest: [T; BLOCK],
    sums: [T; BLOCK],
    log_sums: [f64; BLOCK],
}

impl<T: Math> Softmax<T> {
    /// Writes each element less its row's largest as an exponential, a column of the block at a
    /// time.
    #[inline(always)]
    fn turned<F: Fma>(z: &[T], width: usize, exponentials: &mut [T]) -> Self {
        let mut columns = [[T::zero(); BLOCK]; NARROW];
        for (row, z) in z.chunks_exact(width).enumerate() {
            for (column, &z) in columns.iter_mut().zip(z) {
                column[row] = z;
            }
        }
        let columns = &mut columns[..width];
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
        for (row, exponentials) in exponentials.chunks_exact_mut(width).enumerate() {
            for (x, column) in exponentials.iter_mut().zip(&*columns) {
                *x = column[row];
            }
        }
        Self::new::<F>(largest, sums)
    }

    /// The same for one row after the other.
    #[inline(always)]
    fn row_by_row<F: Fma>(z: &[T], width: usize, exponentials: &mut [T]) -> Self {
        let (mut largest, mut sums) = ([T::zero(); BLOCK], [T::one(); BLOCK]);
        let rows = z.chunks_exact(width).zip(exponentials.chunks_exact_mut(width));
        for (row, (z, exponentials)) in rows.enumerate() {
            largest[row] = largest_of(z);
            for (x, &z) in exponentials.iter_mut().zip(z) {
                *x = exp::<F, T>(z - largest[row]);
            }
            sums[row] = sum(exponentials);
        }
        Self::new::<F>(largest, sums)
    }

    #[inline(always)]
    fn new<F: Fma>(largest: [T; BLOCK], sums: [T; BLOCK]) -> Self {
        let mut log_sums = [0.0; BLOCK];
        for (log, &sum) in log_sums.iter_mut().zip(&sums) {
            *log = log_from_one::<F, f64>(sum.widen());
        }
        Softmax { largest, sums, log_sums }
    }

    /// Makes a gradient of the exponentials of the block's row `at`, and answers its loss.
    #[inline(always)]
    fn finish(
        &self,
        at: usize,
        targets: &Targets,
        row: usize,
        scale: T,
        z: &[T],
        delta: &mut [T],
    ) -> f64 {
        let (largest, sum, log_sum) = (self.largest[at], self.sums[at], self.log_sums[at]);
        // −ln softmax(z)ⱼ, without the digits that a sum with a large logit would lose
        let surprise = |z: T| (largest.widen() - z.widen()) + log_sum;
        match targets {
            Targets::Classes(classes) => {
                let class = classes[row] as usize;
                let factor = scale / sum;
                delta.iter_mut().for_each(|p| *p *= factor);
                delta[class] -= scale;
                surprise(z[class])
            }
            Targets::Values { values, .. } => {
                let target = target::<T>(values, row, z.len());
                let mass: T = target.iter().copied().sum();
                let factor = scale * mass / sum;
                let mut loss = 0.0;
                for ((p, t), z) in delta.iter_mut().zip(target).zip(z) {
                    *p = *p * factor - *t * scale;
                    // a probability of 0 asks nothing of its logit, were it infinite
                    if *t != T::zero() {
                        loss += t.widen() * surprise(*z);
                    }
                }
                loss
            }
            Targets::None => f64::NAN,
        }
    }
}

/// How many elements of a row are compared, or added, side by side.
const SIDE_BY_SIDE: usize = 8;

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

/// The sum of a row, always in the same order.
#[inline(always)]
fn sum<T: Math>(row: &[T]) -> T {
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
