//! The fused backend: products in register tiles of this crate's own.
//!
//! - The weights are kept packed for the forward product, and packed anew by the task that just
//!   updated them; nothing is packed for a product that reads rows as they lie.
//! - Bias, relu and relu's derivative are applied while a tile is in the registers.
//! - Every element is one chain of fused multiply–adds along k, whatever tile it falls into, so
//!   bits depend neither on the number of threads nor on the shape of a product.

mod level;
mod pack;
mod product;
mod vector;

use consonance_core::Activation;
use consonance_host::kernels::{Weights, activate, check_shapes, scale_by_derivative};
use consonance_host::simd::{self, Level};
use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef};
use level::Compiled;
use pack::pack;
use product::{Finish, Product, Start};

/// Products in register tiles.
#[derive(Debug, Clone, Copy)]
pub struct Fused {
    level: Level,
}

/// The backend `fused`.
pub fn backend() -> HostBackend<Fused> {
    let library = "register tiles of its own";
    HostBackend::new("fused", env!("CARGO_PKG_VERSION"), library, Fused::default())
}

impl Default for Fused {
    /// At the best level of this processor.
    fn default() -> Self {
        Fused { level: simd::level() }
    }
}

/// Where the B of a product lies.
#[derive(Clone, Copy)]
enum Operand<'a, T> {
    /// Row-major, or any other way.
    Matrix(MatRef<'a, T>),
    /// Packed in panels.
    Panels(&'a [T]),
}

/// Rows of B this far apart share no cache lines between the stripes of neighbouring columns.
const APART_BYTES: usize = 1024;

/// A B larger than this falls out of the first-level cache between two tiles.
const LARGE_BYTES: usize = 64 * 1024;

/// Rows of A that make up for packing B.
const WORTH_ROWS: usize = 24;

/// Panels that are packed and multiplied at a time.
const STRIPE: usize = 6;

impl Fused {
    /// Products at a level of the caller's choice: for tests that compare levels.
    ///
    /// # Panics
    /// If the processor does not have the level.
    pub fn at(level: Level) -> Self {
        assert!(level.is_available(), "this processor does not have {level}");
        Fused { level }
    }

    /// C ← finish(start + A·B), C row-major with no gaps inside its rows.
    fn product<T: Compiled>(
        &self,
        a: MatRef<'_, T>,
        b: Operand<'_, T>,
        mut c: MatMut<'_, T>,
        start: Start<T>,
        finish: Finish<T>,
    ) {
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        if m == 0 || n == 0 {
            return;
        }
        let lanes = T::lanes(self.level);
        let whole = Product {
            m,
            n,
            k,
            a: a.as_ptr(),
            a_row: a.row_stride(),
            a_col: a.col_stride(),
            b: std::ptr::null(),
            b_row: lanes,
            b_panel: k * lanes,
            c_row: c.row_stride(),
            c: c.as_mut_ptr(),
            start,
            finish,
        };
        let run = |product: &Product<T>| {
            // SAFETY: the views hold all elements that their shapes and strides reach, panels are
            // whole, C is borrowed for writing, and the level is this processor's.
            unsafe { T::run(self.level, product) }
        };
        match b {
            Operand::Panels(panels) => run(&Product { b: panels.as_ptr(), ..whole }),
            Operand::Matrix(b) if !needs_packing(m, &b) => {
                let (b, b_row) = (b.as_ptr(), b.row_stride());
                run(&Product { b, b_row, b_panel: lanes, ..whole });
            }
            Operand::Matrix(b) => {
                // a few columns at a time, which are still in the cache when they are multiplied
                let columns = STRIPE * lanes;
                T::with_scratch(k * columns, |panels| {
                    for first in (0..n).step_by(columns) {
                        let count = columns.min(n - first);
                        pack(self.level, &b.columns(first..first + count), panels);
                        let stripe = whole.columns(first, count);
                        run(&Product { b: panels.as_ptr(), ..stripe });
                    }
                });
            }
        }
    }
}

/// True if B is not row-major, or its rows lie so far apart that the part of it under a tile
/// falls out of the first-level cache, and there are enough rows of A to make up for packing.
fn needs_packing<T>(m: usize, b: &MatRef<'_, T>) -> bool {
    let apart = b.row_stride() * size_of::<T>() >= APART_BYTES;
    let large = b.rows() * b.row_stride() * size_of::<T>() > LARGE_BYTES;
    b.col_stride() != 1 && b.cols() > 1 || apart && large && m >= WORTH_ROWS
}

macro_rules! kernels {
    ($type:ident) => {
        impl Kernels<$type> for Fused {
            fn gemm(
                &self,
                a: MatRef<'_, $type>,
                b: MatRef<'_, $type>,
                beta: Beta,
                mut c: MatMut<'_, $type>,
            ) {
                check_shapes(&a, &b, &c);
                let (m, n) = (c.rows(), c.cols());
                if c.col_stride() == 1 || n <= 1 {
                    let start = if beta == Beta::One { Start::Before } else { Start::Zero };
                    return self.product(a, Operand::Matrix(b), c, start, Finish::Plain);
                }
                if c.row_stride() == 1 {
                    // a column-major C is the transpose of Bᵀ·Aᵀ
                    return self.gemm(b.t(), a.t(), beta, c.t());
                }
                let mut gathered = vec![0.0; m * n];
                let cells = |i: usize| (0..n).map(move |j| (i, j));
                for (i, j) in (0..m).flat_map(cells) {
                    gathered[i * n + j] = c.as_ref().get(i, j);
                }
                self.gemm(a, b, beta, MatMut::new(&mut gathered, m, n));
                for (i, j) in (0..m).flat_map(cells) {
                    c.set(i, j, gathered[i * n + j]);
                }
            }

            fn is_shape_invariant(&self) -> bool {
                true
            }

            fn panel_rows(&self) -> usize {
                <$type>::lanes(self.level)
            }

            fn pack(&self, weight: MatRef<'_, $type>, packed: &mut [$type]) {
                pack(self.level, &weight.t(), packed);
            }

            fn forward(
                &self,
                x: MatRef<'_, $type>,
                weights: Weights<'_, $type>,
                bias: &[$type],
                activation: Activation,
                mut sums: Option<MatMut<'_, $type>>,
                mut y: MatMut<'_, $type>,
            ) {
                let b = match weights.packed {
                    [] => Operand::Matrix(weights.matrix.t()),
                    packed => Operand::Panels(packed),
                };
                let z = match &mut sums {
                    Some(sums) => sums.reborrow(),
                    None => y.reborrow(),
                };
                let finish = match activation {
                    Activation::Relu => Finish::Relu,
                    _ => Finish::Plain,
                };
                let start = Start::Bias(bias.as_ptr());
                self.product(x, b, z, start, finish);
                if !matches!(activation, Activation::Relu | Activation::Identity) {
                    activate(activation, sums, y);
                }
            }

            fn input_gradient(
                &self,
                delta: MatRef<'_, $type>,
                weight: MatRef<'_, $type>,
                activation: Activation,
                sums: Option<MatRef<'_, $type>>,
                y: MatRef<'_, $type>,
                mut d: MatMut<'_, $type>,
            ) {
                let finish = match activation {
                    Activation::Relu => {
                        let same = (y.rows(), y.cols(), y.row_stride());
                        assert_eq!(same, (d.rows(), d.cols(), d.row_stride()), "outputs and D");
                        Finish::WherePositive(y.as_ptr())
                    }
                    _ => Finish::Plain,
                };
                self.product(delta, Operand::Matrix(weight), d.reborrow(), Start::Zero, finish);
                if activation != Activation::Relu {
                    scale_by_derivative(activation, sums, y, d);
                }
            }
        }
    };
}

kernels!(f32);
kernels!(f64);
