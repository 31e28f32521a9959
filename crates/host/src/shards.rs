//! How a step is cut into tasks.

use consonance_core::DenseLayer;
use std::ops::Range;

/// Rows a shard has at most: its part of every layer stays in a core's second-level cache.
const MOST_ROWS: usize = 256;

/// Rows a shard has where the kernels' bits depend on the shape of a product.
const FIXED_ROWS: usize = 64;

/// Pieces are multiples of this, the height of common register tiles.
const TILE: usize = 8;

/// How many rows of a batch of `rows` a task takes through the network. `threads` is `None` for
/// kernels that are not shape-invariant: the cut must not depend on it then.
pub(crate) fn shard_rows(rows: usize, threads: Option<usize>) -> usize {
    match threads {
        Some(threads) => {
            rows.div_ceil(threads).next_multiple_of(TILE).min(MOST_ROWS).min(rows).max(1)
        }
        None if rows < 2 * FIXED_ROWS => rows.div_ceil(2).next_multiple_of(TILE),
        None => FIXED_ROWS,
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

/// The pieces of all layers, the largest first, so that the threads end together. A piece begins
/// with the first row of a panel of `panel` rows.
pub(crate) fn pieces(layers: &[DenseLayer], threads: Option<usize>, panel: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let each = shard_rows(layer.outputs, threads).next_multiple_of(panel.max(1));
        for start in (0..layer.outputs).step_by(each) {
            let outputs = start..(start + each).min(layer.outputs);
            pieces.push(Piece { layer: number, outputs });
        }
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.outputs.len() * layers[piece.layer].inputs));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use consonance_core::{Activation, Loss, Plan};

    #[test]
    fn shards_cover_the_rows_and_fixed_ones_ignore_threads() {
        assert_eq!(shard_rows(32, Some(2)), 16);
        assert_eq!(shard_rows(10, Some(2)), 8);
        assert_eq!(shard_rows(3, Some(8)), 3);
        assert_eq!(shard_rows(100_000, Some(2)), MOST_ROWS);
        assert_eq!(shard_rows(1, None), 8);
        assert_eq!(shard_rows(1000, None), FIXED_ROWS);
    }

    #[test]
    fn pieces_cover_every_output_once() {
        let plan = Plan::mlp(5, &[130, 7], 10, Activation::Relu, Loss::CrossEntropy);
        let layers = plan.dense_layers().unwrap();
        for threads in [None, Some(1), Some(2), Some(3), Some(8)] {
            let seen: Vec<Vec<u32>> = layers.iter().map(|l| vec![0; l.outputs]).collect();
            for panel in [0, 4, 16] {
                let mut seen = seen.clone();
                for piece in pieces(&layers, threads, panel) {
                    assert!(panel == 0 || piece.outputs.start % panel == 0);
                    piece.outputs.for_each(|output| seen[piece.layer][output] += 1);
                }
                assert!(seen.iter().flatten().all(|count| *count == 1), "{threads:?} {panel}");
            }
        }
    }
}
