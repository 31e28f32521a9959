//! What a backend that computes in host memory has to supply: a matrix product.

use crate::matrix::{MatMut, MatRef};
use consonance_core::Element;

/// What becomes of the elements that are already in the result of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beta {
    /// β = 0: they are overwritten without being read; they may be NaN or never written.
    Zero,
    /// β = 1: the product is added to them.
    One,
}

/// The products of one element type. [`crate::HostBackend`] builds a whole backend on them.
///
/// Kernels are called from several threads at once and must not start threads of their own: the
/// engine shares out the rows of a mini-batch before it calls.
pub trait Kernels<T: Element>: Send + Sync + 'static {
    /// C ← A·B + β·C, where A is [m, k], B [k, n] and C [m, n].
    ///
    /// Strides are arbitrary (transposes come as exchanged strides); any of m, n, k may be 0, and
    /// k = 0 with β = 0 sets C to zeros. Only elements of the view C are written, not what lies
    /// between them.
    ///
    /// # Panics
    /// May panic if the shapes do not match.
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, c: MatMut<'_, T>);

    /// True if the bits of an element of C depend on its row of A and its column of B alone, not
    /// on how many other rows and columns the call computes.
    ///
    /// The engine may then cut a product into as many pieces as there are threads and still give
    /// the same bits for any number. Otherwise it cuts into pieces of a fixed size, which is
    /// right for any deterministic `gemm` but not always as fast. The conformance kit checks the
    /// claim.
    fn is_shape_invariant(&self) -> bool {
        false
    }
}

/// Checks the shapes of a product: what every implementation of [`Kernels::gemm`] begins with.
///
/// # Panics
/// If A, B and C do not fit together.
pub fn check_shapes<T>(a: &MatRef<'_, T>, b: &MatRef<'_, T>, c: &MatMut<'_, T>) {
    assert!(
        a.cols() == b.rows() && a.rows() == c.rows() && b.cols() == c.cols(),
        "[{}, {}] · [{}, {}] is not [{}, {}]",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols(),
        c.rows(),
        c.cols()
    );
}
