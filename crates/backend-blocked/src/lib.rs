//! The blocked backend: cache-blocked products by the crate `matrixmultiply`, one
//! core each, with the rows of the mini-batch shared out over threads by the host engine.

use consonance_host::kernels::check_shapes;
use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef};

/// Products by `matrixmultiply`, its own threading off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blocked;

macro_rules! kernels {
    ($type:ident, $gemm:ident) => {
        impl Kernels<$type> for Blocked {
            fn gemm(
                &self,
                a: MatRef<'_, $type>,
                b: MatRef<'_, $type>,
                beta: Beta,
                mut c: MatMut<'_, $type>,
            ) {
                check_shapes(&a, &b, &c);
                let (m, k, n) = (a.rows(), a.cols(), b.cols());
                // Strides address memory, so they fit; those of an empty view mean nothing.
                let strides = |row: usize, col: usize| (row as isize, col as isize);
                let (a_row, a_col) = strides(a.row_stride(), a.col_stride());
                let (b_row, b_col) = strides(b.row_stride(), b.col_stride());
                let (c_row, c_col) = strides(c.row_stride(), c.col_stride());
                let beta = if beta == Beta::One { 1.0 } else { 0.0 };
                // SAFETY: the views hold every element that m, k, n and the strides reach
                // (checked when they were made), those of C at distinct places and borrowed for
                // writing. With β = 0 the product does not read C.
                unsafe {
                    matrixmultiply::$gemm(
                        m,
                        k,
                        n,
                        1.0,
                        a.as_ptr(),
                        a_row,
                        a_col,
                        b.as_ptr(),
                        b_row,
                        b_col,
                        beta,
                        c.as_mut_ptr(),
                        c_row,
                        c_col,
                    );
                }
            }

            // Each element is summed over k in blocks of a fixed length, by the same micro-kernel
            // wherever it lies in a tile.
            fn is_shape_invariant(&self) -> bool {
                true
            }
        }
    };
}

kernels!(f32, sgemm);
kernels!(f64, dgemm);

/// The backend `blocked`.
pub fn backend() -> HostBackend<Blocked> {
    // a test holds this to the lock file
    let library = "matrixmultiply 0.3.11";
    HostBackend::new("blocked", env!("CARGO_PKG_VERSION"), library, Blocked)
}
