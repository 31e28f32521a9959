//! The naive backend: the matrix product as a textbook writes it.
//!
//! Three loops, no blocking, no intrinsics, no dependency: what the others are compared with when
//! speed is asked about, and what to read first. The training step around it is the host
//! engine's, as for every backend in host memory.

use consonance_host::kernels::check_shapes;
use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};

/// Products by three loops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Naive;

impl<T: Math> Kernels<T> for Naive {
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
        check_shapes(&a, &b, &c);
        for i in 0..a.rows() {
            for j in 0..b.cols() {
                let mut sum = T::zero();
                for k in 0..a.cols() {
                    sum += a.get(i, k) * b.get(k, j);
                }
                if beta == Beta::One {
                    sum += c.as_ref().get(i, j);
                }
                c.set(i, j, sum);
            }
        }
    }

    fn is_shape_invariant(&self) -> bool {
        true
    }
}

/// The backend `naive`.
pub fn backend() -> HostBackend<Naive> {
    HostBackend::new("naive", env!("CARGO_PKG_VERSION"), "plain Rust loops", Naive)
}
