//! What a backend that computes in host memory supplies: a matrix product, and what it can do
//! better than the engine around it.

use crate::math::Math;
use crate::matrix::{MatMut, MatRef};
use consonance_core::{Activation, DenseLayer};

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
    /// What [`Kernels::pack`] made of it; empty where the kernels have no packed form, and where
    /// [`Kernels::keeps_packed`] says no and nothing has been packed since the last update.
    pub packed: &'a [T],
    /// How many outputs the whole layer has, of which W may be some.
    pub of_outputs: usize,
}

/// What a dense layer read, X [rows, inputs].
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a, T> {
    /// X itself.
    pub matrix: MatRef<'a, T>,
    /// What [`Kernels::pack_inputs`] made of it, or nothing.
    pub packed: &'a [T],
    /// How many outputs the whole layer has, of which a call may compute some.
    pub of_outputs: usize,
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

    /// True if the bits of an element of C depend on its row of A and its column of B alone, and on
    /// the shape of the whole layer where a call tells it, not on how many other rows and columns
    /// the call computes.
    ///
    /// The engine may then cut a product into as many pieces as there are threads and still give
    /// the same bits for any number. Otherwise it cuts into pieces of a fixed size, which is
    /// right for any deterministic `gemm` but not always as fast. The conformance kit checks the
    /// claim.
    fn is_shape_invariant(&self) -> bool {
        false
    }

    /// True if a layer's outputs may be computed some hundred at a time at little more cost than all
    /// at once: if products pack nothing that products of other outputs pack again.
    ///
    /// If kernels are [shape-invariant](Kernels::is_shape_invariant) too, the engine hands out large
    /// layers in small tasks: a thread whose core is faster, or not disturbed, takes some of the
    /// others'. Inputs that are [packed](Kernels::pack_inputs) are packed for each block of outputs
    /// then.
    fn divides_well(&self) -> bool {
        false
    }

    /// How many rows of W a panel of the packed form has: 4, 8, 16, 32 or 64, or 0 if the kernels
    /// keep none.
    ///
    /// The engine keeps the packed form of every layer beside its weights, and has it packed anew
    /// after each update, by the task that made the update, if the kernels want that
    /// ([`Kernels::keeps_packed`]). A layer's packed form is a panel of
    /// [`Kernels::panel_len`] elements for each group of so many rows, the last group filled up.
    fn panel_rows(&self) -> usize {
        0
    }

    /// How many elements a panel has in a layer of so many inputs and outputs; 0 if none is kept of
    /// it.
    fn panel_len(&self, inputs: usize, outputs: usize) -> usize {
        let _ = outputs;
        self.panel_rows() * inputs
    }

    /// True if W's panels are packed anew after each update. False for layers whose weights cost
    /// less to read as they lie once a step: their panels are packed before an evaluation, or a step
    /// in which several tasks would read them whole, and until then the forward product is given
    /// none. It must have the same bits with them and without, which the conformance kit checks:
    /// which it is depends on the number of threads, and on what the network was asked before.
    fn keeps_packed(&self, inputs: usize, outputs: usize) -> bool {
        let _ = (inputs, outputs);
        true
    }

    /// Packs some rows of W [rows, inputs], beginning with the first of a panel, into their
    /// panels.
    fn pack(&self, weight: MatRef<'_, T>, packed: &mut [T]) {
        let _ = (weight, packed);
    }

    /// How many elements the packed form of a layer's inputs X [rows, inputs] has, in a layer of so
    /// many outputs; 0 if the kernels keep none of this shape.
    ///
    /// The gradient of a layer's weights is taken in blocks of its outputs, which read all of X
    /// each: the engine has it packed once before.
    fn inputs_len(&self, rows: usize, inputs: usize, outputs: usize) -> usize {
        let _ = (rows, inputs, outputs);
        0
    }

    /// Packs X for [`Kernels::weight_gradient`].
    fn pack_inputs(&self, x: MatRef<'_, T>, packed: &mut [T]) {
        let _ = (x, packed);
    }

    /// How many columns of what the layers of a network write the kernels want side by side: their
    /// rows in panels of so many columns ([`Panels`](crate::matrix::Panels)), 4, 8 or 16, or 0 for
    /// rows in one piece. [`Kernels::panel_rows`] is a multiple of it then, and not 0.
    ///
    /// Panels of a vector's width are packed already for the product that reads them next, as A or
    /// as B, and threads that write different outputs of a layer write different parts of memory.
    /// The gathered features are laid out so too, and all X, Y, sums, Δ and D below may be then, or
    /// not: the last layer's are rows in one piece whatever the kernels want, and so are features
    /// that need no gathering. The products' defaults take rows in one piece alone.
    fn activation_panel(&self, layers: &[DenseLayer]) -> usize {
        let _ = layers;
        0
    }

    /// Some outputs of a dense layer: Y ← f(X·Wᵀ + b).
    ///
    /// X is [m, inputs], W [n, inputs], b `[n]`, Y [m, n]; the rows of X and of Y lie side by side,
    /// apart or in panels. `sums`, with Y's shape and strides, receives X·Wᵀ + b where
    /// [`Activation::derivative_needs_input`]; elsewhere there are none.
    fn forward(
        &self,
        x: MatRef<'_, T>,
        weights: Weights<'_, T>,
        bias: &[T],
        activation: Activation,
        mut sums: Option<MatMut<'_, T>>,
        mut y: MatMut<'_, T>,
    ) {
        let mut z = match &mut sums {
            Some(sums) => sums.reborrow(),
            None => y.reborrow(),
        };
        for row in 0..z.rows() {
            z.row(row).copy_from_slice(bias);
        }
        self.gemm(x, weights.matrix.t(), Beta::One, z);
        activate(activation, sums, y);
    }

    /// The gradient with respect to some of a dense layer's inputs, carried through the activation
    /// of the layer below: D ← (Δ·W) ∘ f′.
    ///
    /// Δ is [m, outputs], W [outputs, n]; D, and the outputs `y` of the layer below, are [m, n]
    /// laid out alike; the rows of all of them lie side by side, apart or in panels. `sums`, of the
    /// same shape and layout, are that layer's inputs to f where
    /// [`Activation::derivative_needs_input`]. With [`Activation::Identity`] neither is read.
    fn input_gradient(
        &self,
        delta: MatRef<'_, T>,
        weight: MatRef<'_, T>,
        activation: Activation,
        sums: Option<MatRef<'_, T>>,
        y: MatRef<'_, T>,
        mut d: MatMut<'_, T>,
    ) {
        self.gemm(delta, weight, Beta::Zero, d.reborrow());
        scale_by_derivative(activation, sums, y, d);
    }

    /// The gradient with respect to some rows of a dense layer's parameters: G ← Δᵀ·X + β·G and
    /// g ← the column sums of Δ, + β·g.
    ///
    /// Δ is [m, n], n columns of the layer's [m, outputs]; X is [m, inputs]; G [n, inputs]
    /// row-major without gaps; g `[n]`.
    fn weight_gradient(
        &self,
        delta: MatRef<'_, T>,
        x: Inputs<'_, T>,
        beta: Beta,
        weight: &mut [T],
        bias: &mut [T],
    ) {
        let x = x.matrix;
        self.gemm(delta.t(), x, beta, MatMut::new(weight, delta.cols(), x.cols()));
        add_columns(delta, beta, bias);
    }
}

/// y ← f(sums), or f(y) without them: rows that lie side by side, apart or in panels, `sums` as
/// y.
pub fn activate<T: Math>(activation: Activation, sums: Option<MatMut<'_, T>>, y: MatMut<'_, T>) {
    let each = |sums: Option<&[T]>, y: &mut [T]| match sums {
        Some(sums) => T::activate_from(activation, sums, y),
        None => T::activate(activation, y),
    };
    let mut sums = sums.as_ref().map(|sums| sums.as_ref().panels());
    for mut y in y.panels() {
        let sums = sums.as_mut().and_then(Iterator::next);
        match (sums.map(|sums| sums.as_slice()), y.as_slice()) {
            (None, Some(y)) => each(None, y),
            (Some(Some(sums)), Some(y)) => each(Some(sums), y),
            _ => (0..y.rows()).for_each(|i| each(sums.map(|sums| sums.row(i)), y.row(i))),
        }
    }
}

/// d ← d ∘ f′, where y = f(sums): rows that lie side by side, apart or in panels, all alike. `sums`
/// are read only where [`Activation::derivative_needs_input`], and nothing is read of the identity.
///
/// # Panics
/// If the shapes differ, or sums that are needed are missing.
pub fn scale_by_derivative<T: Math>(
    activation: Activation,
    sums: Option<MatRef<'_, T>>,
    y: MatRef<'_, T>,
    d: MatMut<'_, T>,
) {
    if activation == Activation::Identity {
        return;
    }
    // the derivative is read off one of the two
    let x = match activation.derivative_needs_input() {
        true => sums.expect("sums are kept where the derivative needs them"),
        false => y,
    };
    assert_eq!((x.rows(), x.cols()), (d.rows(), d.cols()), "a layer's outputs and their gradient");
    let each = |x: &[T], d: &mut [T]| T::scale_by_derivative(activation, x, x, d);
    for (x, mut d) in x.panels().zip(d.panels()) {
        match (x.as_slice(), d.as_slice()) {
            (Some(x), Some(d)) => each(x, d),
            _ => (0..d.rows()).for_each(|i| each(x.row(i), d.row(i))),
        }
    }
}

/// sums ← the sum of each column of `matrix`, + β·sums; its rows lie side by side, apart or in
/// panels.
pub fn add_columns<T: Math>(matrix: MatRef<'_, T>, beta: Beta, sums: &mut [T]) {
    if beta == Beta::Zero {
        sums.fill(T::zero());
    }
    let mut sums = sums;
    for panel in matrix.panels() {
        let (first, rest) = sums.split_at_mut(panel.cols());
        T::add_columns(panel, first);
        sums = rest;
    }
}

/// Checks the shapes of a product: what an implementation of [`Kernels::gemm`] begins with.
///
/// # Panics
/// If A, B and C do not fit together, or lie in panels.
pub fn check_shapes<T>(a: &MatRef<'_, T>, b: &MatRef<'_, T>, c: &MatMut<'_, T>) {
    let panels = [a.in_which_panels(), b.in_which_panels(), c.in_which_panels()];
    assert!(panels.iter().all(Option::is_none), "strides are arbitrary, but nothing is in panels");
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
