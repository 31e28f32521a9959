//! In which order a step is done, and how its parts are shared out among tasks.
//!
//! Threads meet between two parts, and what one has written travels to the other's cache when it
//! is read there. Both cost as much as thousands of multiplications, so parts are cut to need
//! little of it:
//!
//! - by **rows**: a task takes some rows of the batch through the layers one after the other. All
//!   weights travel, but rows meet nobody.
//! - by **outputs**: a task computes some outputs of one layer for the whole batch. Weights stay
//!   where they are updated; the layer's inputs travel, but for the first layer's, of which each
//!   thread has a copy, and all meet before the next layer.
//! - in [**groups**](crate::groups) of rows: as by rows, and each group sums the gradient of its
//!   rows. Of a large batch through a small network only these sums travel.
//!
//! How sums are grouped shows in the last bits; it follows from the shapes alone, never from the
//! number of threads.

use crate::groups::Groups;
use consonance_core::DenseLayer;
use std::ops::Range;

/// Rows a task takes through the layers at a time: what they are in every layer stays in a
/// core's second-level cache.
pub(crate) const MOST_ROWS: usize = 256;

/// Rows, or outputs, of a task where the kernels' bits depend on the shape of a product.
const FIXED: usize = 64;

/// Tasks take multiples of this, the height of common register tiles.
pub(crate) const TILE: usize = 8;

/// Outputs of a small task, and multiplications, at least: a hundred microseconds or so, against
/// which nothing counts that a task costs once.
const SMALL_OUTPUTS: usize = 128;
const SMALL_WORK: usize = 8 * 1024 * 1024;

/// Parameters of a block of a weight gradient: together with their gradient and moments they stay
/// in a core's second-level cache.
const BLOCK: usize = 32 * 1024;

/// Outputs of a block at least, and in multiples: enough to make up for what its product packs.
const BLOCK_OUTPUTS: usize = 64;

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

/// How the outputs of a layer may be cut into tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Among so many threads; `None` where the cut must not depend on them.
    pub(crate) threads: Option<usize>,
    /// Before multiples of so many outputs alone, if not 0: the rows of a panel.
    pub(crate) panel: usize,
    /// True if a thread's share may be several tasks ([`crate::Kernels::divides_well`]).
    pub(crate) fine: bool,
}

impl Cut {
    /// A layer's outputs in as many shares as there are threads, or in shares of a fixed size.
    fn shares(self, outputs: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
        let share = each(outputs, self.threads, self.panel.max(TILE));
        (0..outputs.div_ceil(share)).map(move |number| range(number, share, outputs))
    }

    /// The tasks that compute a layer's outputs, with `work` multiplications for each output: the
    /// shares, in equal parts if they are large.
    pub(crate) fn tasks(self, outputs: usize, work: usize) -> Tasks {
        let share = each(outputs, self.threads, self.panel.max(TILE));
        let parts = match self.threads.is_some() && self.fine {
            true => (share / SMALL_OUTPUTS).min(share.saturating_mul(work) / SMALL_WORK).max(1),
            false => 1,
        };
        Tasks { outputs, share, parts, part: each(share, Some(parts), self.panel.max(TILE)) }
    }
}

/// Tasks that compute a layer's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tasks {
    outputs: usize,
    share: usize,
    /// Of each share.
    parts: usize,
    part: usize,
}

impl Tasks {
    /// How many there are.
    pub(crate) fn count(self) -> usize {
        self.outputs.div_ceil(self.share) * self.parts
    }

    /// The outputs of one of them; the last may have none.
    pub(crate) fn outputs(self, number: usize) -> Range<usize> {
        let share = range(number / self.parts, self.share, self.outputs);
        let part = range(number % self.parts, self.part, share.len());
        share.start + part.start..share.start + part.end
    }
}

/// The range of so many elements with this number, of those below `end`.
fn range(number: usize, each: usize, end: usize) -> Range<usize> {
    (number * each).min(end)..((number + 1) * each).min(end)
}

/// How many of a layer's outputs are a block.
pub(crate) fn block_outputs(layer: &DenseLayer) -> usize {
    (BLOCK / layer.inputs).max(BLOCK_OUTPUTS).next_multiple_of(BLOCK_OUTPUTS).min(layer.outputs)
}

/// A share of `len`, in multiples of `unit`.
fn each(len: usize, threads: Option<usize>, unit: usize) -> usize {
    match threads {
        Some(threads) => len.div_ceil(threads).next_multiple_of(unit),
        None if len < 2 * FIXED => len.div_ceil(2).next_multiple_of(unit),
        None => FIXED.next_multiple_of(unit),
    }
}

/// Some output rows of one layer's weights, whose gradient and update are one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Which dense layer.
    pub(crate) layer: usize,
    /// Which of its outputs.
    pub(crate) outputs: Range<usize>,
}

/// The pieces of all layers, thread by thread.
#[derive(Debug)]
pub(crate) struct Pieces {
    pub(crate) pieces: Vec<Piece>,
    /// The number of pieces up to the last one of each thread.
    pub(crate) ends: Vec<usize>,
}

/// The pieces of all layers for `threads` threads: equal shares, and the outputs of a layer for the
/// threads that compute them in the first half.
pub(crate) fn pieces(layers: &[DenseLayer], threads: usize, cut: Cut) -> Pieces {
    let mut shares: Vec<(usize, Vec<Piece>)> = vec![(0, Vec::new()); threads.max(1)];
    let mut by_size: Vec<usize> = (0..layers.len()).collect();
    by_size.sort_by_key(|&layer| std::cmp::Reverse(layers[layer].weight.len()));
    for layer in by_size {
        let DenseLayer { outputs, inputs, .. } = layers[layer];
        let of_layer = cut.shares(outputs);
        let count = of_layer.len();
        for (number, share) in of_layer.enumerate() {
            let lightest = || (0..shares.len()).min_by_key(|&share| shares[share].0).unwrap_or(0);
            let owner = if count == 1 { lightest() } else { number * shares.len() / count };
            shares[owner].0 += share.len() * inputs;
            let fine = cut.threads.is_some() && cut.fine;
            let each = if fine { block_outputs(&layers[layer]) } else { share.len() };
            for start in share.clone().step_by(each) {
                let outputs = start..(start + each).min(share.end);
                shares[owner].1.push(Piece { layer, outputs });
            }
        }
    }
    let (mut pieces, mut ends) = (Vec::new(), Vec::new());
    for (_, share) in shares {
        pieces.extend(share);
        ends.push(pieces.len());
    }
    Pieces { pieces, ends }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use consonance_core::{Activation, Loss, Plan};

    const COARSE: Cut = Cut { threads: Some(2), panel: 16, fine: false };
    const FINE: Cut = Cut { fine: true, ..COARSE };

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

    /// All cuts of so many threads.
    fn cuts(threads: usize) -> impl Iterator<Item = Cut> {
        [None, Some(threads)].into_iter().flat_map(|threads| {
            [(0, false), (4, false), (16, false), (0, true), (16, true)].map(|(panel, fine)| Cut {
                threads,
                panel,
                fine,
            })
        })
    }

    #[test]
    fn pieces_cover_every_output_once() {
        let layers = layers(5, &[130, 20_001, 7], 10);
        for threads in [1, 2, 3, 8] {
            for cut in cuts(threads) {
                let mut seen: Vec<_> = layers.iter().map(|l| vec![0; l.outputs]).collect();
                for piece in pieces(&layers, threads, cut).pieces {
                    assert!(cut.panel == 0 || piece.outputs.start % cut.panel == 0);
                    piece.outputs.for_each(|output| seen[piece.layer][output] += 1);
                }
                assert!(seen.iter().flatten().all(|count| *count == 1), "{cut:?}");
            }
        }
    }

    #[test]
    fn tasks_cover_every_output_once_in_their_order() {
        for outputs in [1, 10, 64, 257, 513, 1000, 4097] {
            for work in [1, 100_000, 10_000_000] {
                for cut in [1, 2, 3, 8].into_iter().flat_map(cuts) {
                    let tasks = cut.tasks(outputs, work);
                    let mut end = 0;
                    for outputs in (0..tasks.count()).map(|number| tasks.outputs(number)) {
                        assert_eq!(outputs.start, end, "{cut:?} {work}");
                        assert!(outputs.is_empty() || end % cut.panel.max(1) == 0, "{cut:?}");
                        end = outputs.end;
                    }
                    assert_eq!(end, outputs, "{cut:?} {work}");
                }
            }
        }
    }

    /// The layers and first outputs of each thread's pieces.
    fn starts(pieces: &Pieces) -> Vec<Vec<(usize, usize)>> {
        let begins = [0].into_iter().chain(pieces.ends.iter().copied());
        let shares = begins.zip(&pieces.ends).map(|(begin, &end)| &pieces.pieces[begin..end]);
        let start = |piece: &Piece| (piece.layer, piece.outputs.start);
        shares.map(|share| share.iter().map(start).collect()).collect()
    }

    #[test]
    fn a_piece_falls_to_the_thread_that_computes_its_outputs() {
        let pieces = pieces(&layers(64, &[128, 64], 10), 2, COARSE);
        assert_eq!(starts(&pieces), [vec![(0, 0), (1, 0), (2, 0)], vec![(0, 64), (1, 32)]]);
    }

    #[test]
    fn large_shares_are_several_tasks_of_the_same_thread() {
        let pieces = pieces(&layers(784, &[512, 200], 10), 2, FINE);
        let first = [(0, 0), (0, 64), (0, 128), (0, 192), (1, 0), (1, 64)];
        let second = [(0, 256), (0, 320), (0, 384), (0, 448), (1, 112), (1, 176), (2, 0)];
        assert_eq!(starts(&pieces), [&first[..], &second]);
        let starts = |cut: Cut, work| -> Vec<_> {
            let tasks = cut.tasks(512, work);
            (0..tasks.count()).map(|number| tasks.outputs(number).start).collect()
        };
        assert_eq!(starts(FINE, 128 * 784), [0, 128, 256, 384]);
        assert_eq!(starts(FINE, 128 * 256), [0, 256]);
        assert_eq!(starts(COARSE, 128 * 784), [0, 256]);
        let fixed = Cut { threads: None, ..FINE };
        assert_eq!(starts(fixed, 128 * 784), [0, 64, 128, 192, 256, 320, 384, 448]);
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
