//! What a backend that computes in host memory supplies: a matrix product, and what it can do
//! better than the engine around it.

use crate::math::Math;
use crate::matrix::{MatMut, MatRef};
use consonance_core::Activation;

/// What becomes of the elements that are already in the result of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beta {
    /// β = 0: they are overwritten without being read; they may be NaN or never written.
    Zero,
    /// β = 1: the product is added to them.
    One,
}

/// The weights W [outputs, inputs] of a dense layer.
#[derive(Debug, Clone, Copy)]
pub struct Weights<'a, T> {
    /// W itself.
    pub matrix: MatRef<'a, T>,
    /// What [`Kernels::pack`] made of it; empty where the kernels keep no packed form.
    pub packed: &'a [T],
}

/// The kernels of one element type. [`crate::HostBackend`] builds a whole backend on them.
///
/// Only [`Kernels::gemm`] is required. The three products of a dense layer have defaults in terms
/// of it, which a backend overrides to fuse the pointwise work into its product.
///
/// Kernels are called from several threads at once and must not start threads of their own: the
/// engine shares out the rows of a mini-batch before it calls. They must give the same bits each
/// time they are called with the same.
pub trait Kernels<T: Math>: Send + Sync + 'static {
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

    /// How many rows of W a panel of the packed form has; 0 if the kernels keep none.
    ///
    /// The engine keeps the packed form of every layer beside its weights, and has it packed anew
    /// after each update, by the task that made the update. A layer's packed form is a panel of
    /// `panel_rows() · inputs` elements for each group of so many rows, the last group filled up.
    fn panel_rows(&self) -> usize {
        0
    }

    /// Packs some rows of W [rows, inputs], beginning with the first of a panel, into their
    /// panels.
    fn pack(&self, weight: MatRef<'_, T>, packed: &mut [T]) {
        let _ = (weight, packed);
    }

    /// The outputs of a dense layer: Y ← f(X·Wᵀ + b).
    ///
    /// X is [m, inputs], W [outputs, inputs], b `[outputs]`, Y [m, outputs] row-major without gaps.
    /// `sums`, as long as Y, receives X·Wᵀ + b where
    /// [`Activation::derivative_needs_input`]; elsewhere it is empty.
    fn forward(
        &self,
        x: MatRef<'_, T>,
        weights: Weights<'_, T>,
        bias: &[T],
        activation: Activation,
        sums: &mut [T],
        y: &mut [T],
    ) {
        let (rows, outputs) = (x.rows(), weights.matrix.rows());
        let z = if sums.is_empty() { &mut *y } else { &mut *sums };
        for row in z.chunks_exact_mut(outputs) {
            row.copy_from_slice(bias);
        }
        self.gemm(x, weights.matrix.t(), Beta::One, MatMut::new(z, rows, outputs));
        if sums.is_empty() {
            T::activate(activation, y);
        } else {
            T::activate_from(activation, sums, y);
        }
    }

    /// The gradient with respect to a dense layer's inputs, carried through the activation of the
    /// layer below: D ← (Δ·W) ∘ f′.
    ///
    /// Δ is [m, outputs], W [outputs, inputs]; D, and the outputs `y` of the layer below, are
    /// [m, inputs] row-major without gaps; `sums` holds that layer's inputs to f where
    /// [`Activation::derivative_needs_input`]. With [`Activation::Identity`] both may be empty.
    fn input_gradient(
        &self,
        delta: MatRef<'_, T>,
        weight: MatRef<'_, T>,
        activation: Activation,
        sums: &[T],
        y: &[T],
        d: &mut [T],
    ) {
        self.gemm(delta, weight, Beta::Zero, MatMut::new(d, delta.rows(), weight.cols()));
        if activation != Activation::Identity {
            T::scale_by_derivative(activation, sums, y, d);
        }
    }

    /// The gradient with respect to some rows of a dense layer's parameters: G ← Δᵀ·X and
    /// g ← the column sums of Δ.
    ///
    /// Δ is [m, n], n columns of the layer's [m, outputs]; X is [m, inputs]; G [n, inputs]
    /// row-major without gaps; g `[n]`.
    fn weight_gradient(
        &self,
        delta: MatRef<'_, T>,
        x: MatRef<'_, T>,
        weight: &mut [T],
        bias: &mut [T],
    ) {
        self.gemm(delta.t(), x, Beta::Zero, MatMut::new(weight, delta.cols(), x.cols()));
        let (rows, stride) = (delta.rows(), delta.row_stride());
        let end = if rows == 0 { 0 } else { (rows - 1) * stride + bias.len() };
        T::column_sums(&delta.data()[..end], stride.max(1), bias);
    }
}

/// Checks the shapes of a product: what an implementation of [`Kernels::gemm`] begins with.
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
