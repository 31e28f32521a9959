//! Checks of [`consonance_host::Kernels`], one matrix product at a time.

mod dense;
mod gemm;
mod repeats;
mod strided;

pub use dense::{forward, input_gradient, weight_gradient};
pub use gemm::{non_finite, products};
pub use repeats::{repeats, shape_invariance, without_panels};

use consonance_host::{Kernels, MatRef, Math};

/// Sizes where kernels go wrong: nothing, one, primes, and around the width of a register or a
/// tile.
const SIZES: [usize; 11] = [0, 1, 2, 3, 5, 7, 13, 31, 63, 64, 65];

/// Shapes [m, n, k] larger than one tile, with sums longer than one block.
const LARGE: [[usize; 3]; 10] = [
    [1, 1, 1000],
    [1, 67, 300],
    [67, 1, 301],
    [5, 7, 2049],
    [64, 10, 784],
    [64, 64, 1000],
    [65, 33, 513],
    [129, 257, 300],
    [257, 66, 64],
    [300, 300, 30],
];

/// The packed form of W, of a layer of so many outputs, that the engine would hand to these kernels;
/// whatever they do not write is NaN.
fn packed<T: Math>(kernels: &impl Kernels<T>, weight: MatRef<'_, T>, of_outputs: usize) -> Vec<T> {
    let panels = match kernels.panel_rows() {
        0 => return Vec::new(),
        rows => weight.rows().div_ceil(rows),
    };
    let mut packed = vec![T::nan(); panels * kernels.panel_len(weight.cols(), of_outputs)];
    if !packed.is_empty() {
        kernels.pack(weight, &mut packed);
    }
    packed
}

/// The packed form of X, in a layer of so many outputs, that the engine would hand to these kernels;
/// whatever they do not write is NaN.
fn packed_inputs<T: Math>(
    kernels: &impl Kernels<T>,
    x: MatRef<'_, T>,
    of_outputs: usize,
) -> Vec<T> {
    let mut packed = vec![T::nan(); kernels.inputs_len(x.rows(), x.cols(), of_outputs)];
    if !packed.is_empty() {
        kernels.pack_inputs(x, &mut packed);
    }
    packed
}
