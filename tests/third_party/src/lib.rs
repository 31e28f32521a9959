//! A backend as a third party would write it: this crate depends on the contract and the host
//! engine alone, implements one matrix product, and registers itself by name. Its tests run the
//! conformance kit and train digits with it.

use consonance_core::Registry;
use consonance_host::kernels::check_shapes;
use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};

/// Products as sums of outer products: row k of B, scaled, is added to each row of C.
#[derive(Debug, Clone, Copy, Default)]
pub struct OuterProducts;

impl<T: Math> Kernels<T> for OuterProducts {
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
        check_shapes(&a, &b, &c);
        for i in 0..c.rows() {
            for j in 0..c.cols() {
                if beta == Beta::Zero {
                    c.set(i, j, T::zero());
                }
            }
            for k in 0..a.cols() {
                for j in 0..c.cols() {
                    let sum = c.as_ref().get(i, j) + a.get(i, k) * b.get(k, j);
                    c.set(i, j, sum);
                }
            }
        }
    }
}

/// Adds the backend `outer` to a program's backends.
pub fn register(registry: &mut Registry) {
    let library = "sums of outer products";
    registry.register(HostBackend::new("outer", env!("CARGO_PKG_VERSION"), library, OuterProducts));
}
