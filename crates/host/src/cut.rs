//! Which outputs of a layer a task takes: on the way through the layers, and for the gradient and
//! the update of their weights.
//!
//! Each thread has a share of a layer's outputs, the same in both halves of a step, so that weights
//! stay where they are updated. Where kernels lose little by it, a share is several tasks, and a
//! thread that is done before the others helps them.

use crate::schedule::{TILE, each};
use consonance_core::DenseLayer;
use std::ops::Range;

/// Outputs of a small task, and multiplications: a hundred microseconds or so, against which nothing
/// counts that a task costs once.
const SMALL_OUTPUTS: usize = 128;
const SMALL_WORK: usize = 8 * 1024 * 1024;

/// Parameters of a block of a weight gradient: together with their gradient and moments they stay
/// in a core's second-level cache.
const BLOCK: usize = 32 * 1024;

/// Outputs of a block at least, and in multiples: enough to make up for what its product packs, and
/// a multiple of a panel's rows.
pub(crate) const BLOCK_OUTPUTS: usize = 64;

/// How many of a layer's outputs are a block.
pub(crate) fn block_outputs(layer: &DenseLayer) -> usize {
    (BLOCK / layer.inputs).max(BLOCK_OUTPUTS).next_multiple_of(BLOCK_OUTPUTS).min(layer.outputs)
}

/// How the outputs of a layer may be cut into tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Among so many threads; `None` where the cut must not depend on them.
    pub(crate) threads: Option<usize>,
    /// Tasks begin with multiples of this, the rows of a panel; 0 if there are no panels.
    pub(crate) panel: usize,
    /// True if a thread's share may be several tasks ([`crate::Kernels::divides_well`]).
    pub(crate) fine: bool,
}

impl Cut {
    /// How many of a layer's outputs are a share: of as many shares as there are threads at most, or
    /// a fixed number.
    fn share(self, outputs: usize) -> usize {
        each(outputs, self.threads, self.panel.max(TILE))
    }

    /// True if a share may be several tasks.
    fn is_fine(self) -> bool {
        self.fine && self.threads.is_some()
    }

    /// The tasks that compute a layer's outputs, with `work` multiplications for each output.
    pub(crate) fn tasks(self, outputs: usize, work: usize) -> Tasks {
        let share = self.share(outputs);
        let parts = match self.is_fine() {
            true => (share / SMALL_OUTPUTS).min(share.saturating_mul(work) / SMALL_WORK).max(1),
            false => 1,
        };
        let part = each(share, Some(parts), self.panel.max(TILE));
        Tasks { outputs, share, part, parts: share.div_ceil(part) }
    }
}

/// Tasks that compute a layer's outputs: parts of shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tasks {
    outputs: usize,
    share: usize,
    part: usize,
    /// How many of a share.
    parts: usize,
}

impl Tasks {
    /// How many tasks the first `thread` of `threads` threads have.
    pub(crate) fn of_threads(self, thread: usize, threads: usize) -> usize {
        let shares = self.outputs.div_ceil(self.share);
        (thread * shares).div_ceil(threads) * self.parts
    }

    /// The outputs of a task. The last tasks of the last share, which may be a smaller one, may have
    /// none.
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

/// Some output rows of one layer's weights, whose gradient and update are one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Which dense layer.
    pub(crate) layer: usize,
    /// Which of its outputs. They begin with a panel.
    pub(crate) outputs: Range<usize>,
}

/// The pieces of all layers, thread by thread.
#[derive(Debug)]
pub(crate) struct Pieces {
    pub(crate) pieces: Vec<Piece>,
    /// How many pieces the threads up to each have.
    pub(crate) ends: Vec<usize>,
}

impl Pieces {
    /// Cuts all layers for `threads` threads. Each has the shares that it has on the way through the
    /// layers, but for layers of one share, which go where there is the least to do.
    pub(crate) fn new(layers: &[DenseLayer], threads: usize, cut: Cut) -> Self {
        let mut shares: Vec<(usize, Vec<Piece>)> = vec![(0, Vec::new()); threads.max(1)];
        let mut by_size: Vec<usize> = (0..layers.len()).collect();
        by_size.sort_by_key(|&layer| std::cmp::Reverse(layers[layer].weight.len()));
        for layer in by_size {
            let DenseLayer { outputs, inputs, .. } = layers[layer];
            let each = cut.share(outputs);
            let piece = if cut.is_fine() { block_outputs(&layers[layer]) } else { each };
            let count = outputs.div_ceil(each);
            for number in 0..count {
                let share = range(number, each, outputs);
                let lightest =
                    || (0..shares.len()).min_by_key(|&share| shares[share].0).unwrap_or(0);
                let owner = if count == 1 { lightest() } else { number * shares.len() / count };
                shares[owner].0 += share.len() * inputs;
                for start in share.clone().step_by(piece) {
                    let outputs = start..(start + piece).min(share.end);
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::layers;

    const COARSE: Cut = Cut { threads: Some(2), panel: 16, fine: false };
    const FINE: Cut = Cut { fine: true, ..COARSE };

    /// All cuts of so many threads.
    fn cuts(threads: usize) -> impl Iterator<Item = Cut> {
        [None, Some(threads)].into_iter().flat_map(|threads| {
            [(0, false), (4, false), (16, false), (0, true), (16, true), (64, true)]
                .map(|(panel, fine)| Cut { threads, panel, fine })
        })
    }

    #[test]
    fn pieces_cover_every_output_once() {
        let layers = layers(5, &[130, 20_001, 7], 10);
        for threads in [1, 2, 3, 8] {
            for cut in cuts(threads) {
                let mut seen: Vec<_> = layers.iter().map(|l| vec![0; l.outputs]).collect();
                for piece in Pieces::new(&layers, threads, cut).pieces {
                    assert!(cut.panel == 0 || piece.outputs.start % cut.panel == 0);
                    piece.outputs.for_each(|output| seen[piece.layer][output] += 1);
                }
                assert!(seen.iter().flatten().all(|count| *count == 1), "{cut:?}");
            }
        }
    }

    #[test]
    fn tasks_cover_every_output_once_in_their_order() {
        for outputs in [1, 10, 64, 257, 513, 1000, 2311, 4097, 8210] {
            for work in [1, 100_000, 10_000_000] {
                for threads in [1, 2, 3, 8] {
                    for cut in cuts(threads) {
                        let tasks = cut.tasks(outputs, work);
                        let count = tasks.of_threads(threads, threads);
                        let (mut end, mut empty) = (0, 0);
                        for outputs in (0..count).map(|number| tasks.outputs(number)) {
                            assert_eq!(outputs.start, end, "{cut:?} {work}");
                            empty += usize::from(outputs.is_empty());
                            assert!(outputs.is_empty() || end % cut.panel.max(1) == 0, "{cut:?}");
                            end = outputs.end;
                        }
                        assert_eq!(end, outputs, "{cut:?} {work}");
                        let last = tasks.outputs(count - tasks.parts).start;
                        let needed = (outputs - last).div_ceil(tasks.part);
                        assert_eq!(empty, tasks.parts - needed, "{cut:?} {work}");
                    }
                }
            }
        }
    }

    /// The layers and outputs of each thread's pieces.
    fn shares(pieces: &Pieces) -> Vec<Vec<(usize, Range<usize>)>> {
        let begins = [0].into_iter().chain(pieces.ends.iter().copied());
        let shares = begins.zip(&pieces.ends).map(|(begin, &end)| &pieces.pieces[begin..end]);
        let both = |piece: &Piece| (piece.layer, piece.outputs.clone());
        shares.map(|share| share.iter().map(both).collect()).collect()
    }

    /// The same, first outputs alone.
    fn starts(pieces: &Pieces) -> Vec<Vec<(usize, usize)>> {
        let start = |(layer, outputs): (usize, Range<usize>)| (layer, outputs.start);
        shares(pieces).into_iter().map(|share| share.into_iter().map(start).collect()).collect()
    }

    #[test]
    fn shares_follow_from_the_layers() {
        let pieces = Pieces::new(&layers(64, &[128, 64], 10), 2, COARSE);
        assert_eq!(starts(&pieces), [vec![(0, 0), (1, 0), (2, 0)], vec![(0, 64), (1, 32)]]);
    }

    #[test]
    fn a_piece_falls_to_the_thread_that_computes_its_outputs() {
        let layers = layers(784, &[7936, 2311, 500, 136], 10);
        for threads in [2, 3, 8, 32] {
            for fine in [false, true] {
                let cut = Cut { threads: Some(threads), panel: 16, fine };
                let shares = shares(&Pieces::new(&layers, threads, cut));
                for (number, layer) in layers[..4].iter().enumerate() {
                    let tasks = cut.tasks(layer.outputs, 1_000_000);
                    for (thread, pieces) in shares.iter().enumerate() {
                        let [begin, end] =
                            [thread, thread + 1].map(|t| tasks.of_threads(t, threads));
                        let of_tasks = (begin..end).flat_map(|task| tasks.outputs(task));
                        let of_layer = pieces.iter().filter(|(layer, _)| *layer == number);
                        assert!(of_layer.flat_map(|(_, outputs)| outputs.clone()).eq(of_tasks));
                    }
                }
            }
        }
    }

    #[test]
    fn large_shares_are_several_tasks_of_the_same_thread() {
        let pieces = Pieces::new(&layers(784, &[512, 200], 10), 2, FINE);
        let first = [(0, 0), (0, 64), (0, 128), (0, 192), (1, 0), (1, 64)];
        let second = [(0, 256), (0, 320), (0, 384), (0, 448), (1, 112), (1, 176), (2, 0)];
        assert_eq!(starts(&pieces), [&first[..], &second]);
        let starts = |cut: Cut, work| -> Vec<_> {
            let tasks = cut.tasks(512, work);
            (0..tasks.of_threads(2, 2)).map(|number| tasks.outputs(number).start).collect()
        };
        assert_eq!(starts(FINE, 128 * 784), [0, 128, 256, 384]);
        assert_eq!(starts(FINE, 128 * 256), [0, 256]);
        assert_eq!(starts(COARSE, 128 * 784), [0, 256]);
        let fixed = Cut { threads: None, ..FINE };
        assert_eq!(starts(fixed, 128 * 784), [0, 64, 128, 192, 256, 320, 384, 448]);
    }
}
