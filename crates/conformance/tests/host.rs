//! The host engine over a product of plain loops conforms.

use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};

/// The shortest kernels there are.
struct Loops;

impl<T: Math> Kernels<T> for Loops {
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
        for i in 0..c.rows() {
            for j in 0..c.cols() {
                let start = if beta == Beta::One { c.as_ref().get(i, j) } else { T::zero() };
                let terms = (0..a.cols()).map(|k| a.get(i, k) * b.get(k, j));
                c.set(i, j, terms.fold(start, |sum, term| sum + term));
            }
        }
    }

    fn is_shape_invariant(&self) -> bool {
        true
    }
}

fn backend() -> HostBackend<Loops> {
    HostBackend::new("loops", "0.0.0", "plain loops", Loops)
}

consonance_conformance::kernel_tests!(Loops);
consonance_conformance::backend_tests!(backend());
