//! The buffers of a step: one allocation, sized for the largest batch seen.

use consonance_core::{Arena, DenseLayer, Element};
use std::ops::Range;

/// A matrix [rows, width] inside the workspace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Region {
    start: usize,
    width: usize,
}

impl Region {
    /// The elements of some of its rows.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Range<usize> {
        self.start + rows.start * self.width..self.start + rows.end * self.width
    }
}

/// What one layer writes, a row for each row of the batch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LayerRegions {
    /// Its outputs [rows, outputs].
    pub(crate) outputs: Region,
    /// Its sums before the activation [rows, outputs]; of width 0 where they are not needed.
    pub(crate) sums: Region,
    /// The gradient with respect to its sums [rows, outputs].
    pub(crate) delta: Region,
}

/// What the forward and backward products of up to `rows` rows write.
#[derive(Default)]
pub(crate) struct Workspace<T> {
    rows: usize,
    backward: bool,
    pub(crate) arena: Arena<T>,
    /// The rows of the mini-batch, where they had to be gathered [rows, inputs].
    pub(crate) gathered: Region,
    pub(crate) layers: Vec<LayerRegions>,
    /// The loss of each row.
    pub(crate) losses: Vec<f64>,
}

impl<T: Element> Workspace<T> {
    /// Makes room for `rows` rows, and for gradients if `backward`. Allocates only where there
    /// was less room before; what the workspace held is lost then.
    pub(crate) fn reserve(&mut self, layers: &[DenseLayer], rows: usize, backward: bool) {
        if rows <= self.rows && (self.backward || !backward) {
            return;
        }
        self.rows = self.rows.max(rows);
        self.backward |= backward;
        let line = 64 / size_of::<T>();
        let mut len = 0;
        let mut region = |width: usize| {
            let start = len;
            len += (self.rows * width).next_multiple_of(line);
            Region { start, width }
        };
        self.gathered = region(layers[0].inputs);
        self.layers.clear();
        for layer in layers {
            let needs_sums = layer.activation.derivative_needs_input();
            self.layers.push(LayerRegions {
                outputs: region(layer.outputs),
                sums: region(if needs_sums { layer.outputs } else { 0 }),
                delta: region(if self.backward { layer.outputs } else { 0 }),
            });
        }
        self.arena = Arena::zeros(len);
        self.losses = vec![0.0; self.rows];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use consonance_core::{Activation, Loss, Plan};

    #[test]
    fn regions_do_not_overlap_and_only_growth_allocates() {
        let plan = Plan::mlp(5, &[7, 3], 2, Activation::Gelu, Loss::CrossEntropy);
        let layers = plan.dense_layers().unwrap();
        let mut workspace = Workspace::<f32>::default();
        workspace.reserve(&layers, 10, true);
        let regions = workspace.layers.iter().flat_map(|l| [l.outputs, l.sums, l.delta]);
        let mut ranges: Vec<_> =
            [workspace.gathered].into_iter().chain(regions).map(|r| r.rows(0..10)).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(ranges.last().unwrap().end <= workspace.arena.len());
        let place = workspace.arena.as_ptr();
        workspace.reserve(&layers, 4, false);
        assert_eq!(workspace.arena.as_ptr(), place);
    }
}
