//! In which order a step is done, and how its parts are shared out among tasks.
//!
//! Threads meet between two parts, and what one has written travels to the other's cache when it
//! is read there. Both cost as much as thousands of multiplications, so parts are cut to need
//! little of it:
//!
//! - by **rows**: a task takes some rows of the batch through the layers one after the other. All
//!   weights travel, but rows meet nobody.
//! - by **outputs**: a task computes some outputs of one layer for the whole batch. Weights stay
//!   where they are updated, unless a thread helps another; the layer's inputs travel, but for the
//!   first layer's, of which each thread has a copy, and all meet before the next layer.
//! - in [**groups**](crate::groups) of rows: as by rows, and each group sums the gradient of its
//!   rows. Of a large batch through a small network only these sums travel.
//!
//! How sums are grouped shows in the last bits; it follows from the shapes alone, never from the
//! number of threads.

use crate::groups::Groups;
use consonance_core::DenseLayer;

/// Rows a task takes through the layers at a time: what they are in every layer stays in a
/// core's second-level cache.
pub(crate) const MOST_ROWS: usize = 256;

/// Rows, or outputs, of a task where the kernels' bits depend on the shape of a product.
const FIXED: usize = 64;

/// Tasks take multiples of this, the height of common register tiles.
pub(crate) const TILE: usize = 8;

/// What meeting once more costs, as the number of elements that could travel in the meantime.
const MEETING: usize = 4096;

/// A part of the first half of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// The rows of the batch are copied together, each by the task that takes it, or all of them by
    /// each thread.
    Gather,
    /// The outputs of this layer.
    Forward(usize),
    /// The loss and its gradient.
    Loss,
    /// From the gradient of this layer's sums to that of the layer below.
    Backward(usize),
}

/// All operations of a network of `layers` layers in their order.
pub(crate) fn operations(layers: usize) -> impl Iterator<Item = Operation> + Clone {
    forward(layers).chain([Operation::Loss]).chain(backward(layers))
}

/// The operations up to the outputs of the last of `layers` layers.
pub(crate) fn forward(layers: usize) -> impl Iterator<Item = Operation> + Clone {
    [Operation::Gather].into_iter().chain((0..layers).map(Operation::Forward))
}

/// The operations from the gradient of the last layer's sums to that of the first.
pub(crate) fn backward(layers: usize) -> impl Iterator<Item = Operation> + Clone {
    (1..layers).rev().map(Operation::Backward)
}

/// The matrix an operation computes if, for `rows` rows, it is better shared out by outputs: the
/// layer whose outputs they are. Nothing if it is better shared out by rows.
pub(crate) fn by_outputs(
    operation: Operation,
    layers: &[DenseLayer],
    rows: usize,
) -> Option<usize> {
    let (number, travels) = match operation {
        Operation::Gather | Operation::Loss => return None,
        Operation::Forward(number) => (number, layers[number].inputs),
        Operation::Backward(number) => (number, layers[number].outputs),
    };
    let weights = layers[number].weight.len();
    let by_outputs = weights > rows.saturating_mul(travels).saturating_add(MEETING);
    let computes = if operation == Operation::Forward(number) { number } else { number - 1 };
    by_outputs.then_some(computes)
}

/// True if each thread is to gather all rows of the batch for itself, rather than some for all: if
/// the first layer is shared out by outputs. A copy costs less than what others gathered costs to
/// travel.
pub(crate) fn copies(layers: &[DenseLayer], rows: usize) -> bool {
    Groups::of(layers, rows, None).is_none()
        && by_outputs(Operation::Forward(0), layers, rows).is_some()
}

/// The most rows, up to so many, of a batch that each thread gathers for itself.
pub(crate) fn copied_rows(layers: &[DenseLayer], rows: usize) -> usize {
    let first = &layers[0];
    let fewer = first.weight.len().saturating_sub(MEETING + 1) / first.inputs.max(1);
    rows.min(fewer)
}

/// How many rows of a batch of `rows` a task takes. `threads` is `None` for kernels that are not
/// shape-invariant: the cut must not depend on it then.
pub(crate) fn shard_rows(rows: usize, threads: Option<usize>) -> usize {
    each(rows, threads, TILE).min(MOST_ROWS).min(rows).max(1)
}

/// A share of `len`, in multiples of `unit`.
pub(crate) fn each(len: usize, threads: Option<usize>, unit: usize) -> usize {
    match threads {
        Some(threads) => len.div_ceil(threads).next_multiple_of(unit),
        None if len < 2 * FIXED => len.div_ceil(2).next_multiple_of(unit),
        None => FIXED.next_multiple_of(unit),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use consonance_core::{Activation, Loss, Plan};

    pub(crate) fn layers(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<DenseLayer> {
        let plan = Plan::mlp(inputs, hidden, outputs, Activation::Relu, Loss::CrossEntropy);
        plan.dense_layers().unwrap()
    }

    #[test]
    fn shards_cover_the_rows_and_fixed_ones_ignore_threads() {
        assert_eq!(shard_rows(32, Some(2)), 16);
        assert_eq!(shard_rows(10, Some(2)), 8);
        assert_eq!(shard_rows(3, Some(8)), 3);
        assert_eq!(shard_rows(100_000, Some(2)), MOST_ROWS);
        assert_eq!(shard_rows(1, None), 1);
        assert_eq!(shard_rows(100, None), 56);
        assert_eq!(shard_rows(1000, None), FIXED);
    }

    #[test]
    fn large_layers_of_small_batches_are_cut_by_outputs() {
        let layers = layers(784, &[512, 512], 10);
        let of = |operation| by_outputs(operation, &layers, 128);
        assert_eq!(of(Operation::Forward(1)), Some(1));
        assert_eq!(of(Operation::Backward(1)), Some(0));
        assert_eq!(of(Operation::Forward(2)), None);
        assert_eq!(of(Operation::Gather), None);
        assert_eq!(by_outputs(Operation::Forward(1), &layers, 10_000), None);
    }
}
