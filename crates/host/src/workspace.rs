//! The buffers of a step: one allocation, sized for the largest batch seen.

use crate::matrix::MatRef;
use consonance_core::{Arena, DenseLayer, Element, Result, try_filled};
use std::ops::Range;

/// A matrix [rows, width] inside the workspace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Region {
    start: usize,
    width: usize,
    stride: usize,
}

/// Rows of as many bytes, or a multiple, lie so that the same column of all rows falls into a few
/// sets of a cache, which hold only some of them.
const CROWDED: usize = 2048;

/// Elements that fill whole cache lines, whatever their type.
const LINE: usize = 16;

impl Region {
    /// How many elements a copy of so many of its rows takes, filled up so that the next begins with
    /// a cache line.
    pub(crate) fn copy_len(&self, rows: usize) -> usize {
        rows.saturating_mul(self.stride).saturating_add(LINE - 1) / LINE * LINE
    }

    /// Where copy `number` of so many of its rows lies in an array of copies.
    pub(crate) fn copy(&self, number: usize, rows: usize) -> Region {
        Region { start: number * self.copy_len(rows), ..*self }
    }

    /// The elements of some of its rows, which lie side by side.
    ///
    /// # Panics
    /// If there are gaps.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Range<usize> {
        assert_eq!(self.stride, self.width, "a region with gaps");
        self.start + rows.start * self.width..self.start + rows.end * self.width
    }

    /// Where a block of it begins, and the distance of its rows.
    ///
    /// # Panics
    /// If the region has not so many columns.
    pub(crate) fn block(&self, rows: &Range<usize>, columns: &Range<usize>) -> (usize, usize) {
        assert!(columns.end <= self.width, "columns {columns:?} of {}", self.width);
        (self.start + rows.start * self.stride + columns.start, self.stride)
    }
}

/// The distance of rows of so many elements, with gaps where they would be crowded.
fn stride<T>(width: usize, gaps: bool) -> usize {
    let bytes = width * size_of::<T>();
    let crowded = gaps && bytes > 0 && bytes.is_multiple_of(CROWDED);
    if crowded { width + 64 / size_of::<T>() } else { width }
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
    /// The gradient of each group of rows [groups, parameters].
    pub(crate) partial: Arena<T>,
    /// The packed inputs of a layer, for each thread.
    pub(crate) inputs: Arena<T>,
    /// The rows of the mini-batch for each thread, where each gathers all of them.
    pub(crate) copies: Arena<T>,
}

impl<T: Element> Workspace<T> {
    /// Makes room for `rows` rows, and for gradients if `backward`. Allocates only where there
    /// was less room before; what the workspace held is lost then.
    pub(crate) fn reserve(
        &mut self,
        layers: &[DenseLayer],
        rows: usize,
        backward: bool,
    ) -> Result<()> {
        if rows <= self.rows && (self.backward || !backward) {
            return Ok(());
        }
        let (rows, backward) = (self.rows.max(rows), self.backward || backward);
        // given back before there is a new one, and forgotten until that is whole
        (self.rows, self.arena) = (0, Arena::default());
        let (gathered, regions, len) = Self::layout(layers, rows, backward);
        (self.gathered, self.layers) = (gathered, regions);
        self.arena = Arena::try_zeros("a workspace for the mini-batch", len)?;
        (self.rows, self.backward) = (rows, backward);
        Ok(())
    }

    /// How many elements it takes to have room for `rows` rows, and for gradients if `backward`.
    pub(crate) fn len(layers: &[DenseLayer], rows: usize, backward: bool) -> usize {
        Self::layout(layers, rows, backward).2
    }

    /// How many elements a copy of so many gathered rows takes.
    pub(crate) fn copy_len(layers: &[DenseLayer], rows: usize) -> usize {
        let width = layers[0].inputs;
        Region { start: 0, width, stride: stride::<T>(width, true) }.copy_len(rows)
    }

    /// Where the gathered rows and what each layer writes lie, and how many elements there are.
    fn layout(
        layers: &[DenseLayer],
        rows: usize,
        backward: bool,
    ) -> (Region, Vec<LayerRegions>, usize) {
        let line = 64 / size_of::<T>();
        let mut len = 0_usize;
        let mut region = |width: usize, gaps: bool| {
            let (start, stride) = (len, stride::<T>(width, gaps));
            // what saturates here is refused below
            len =
                len.saturating_add(rows.saturating_mul(stride).saturating_add(line) / line * line);
            Region { start, width, stride }
        };
        let gathered = region(layers[0].inputs, true);
        let of_layer = |(number, layer): (usize, &DenseLayer)| {
            let needs_sums = layer.activation.derivative_needs_input();
            // the loss takes rows side by side
            let gaps = number + 1 < layers.len();
            LayerRegions {
                outputs: region(layer.outputs, gaps),
                sums: region(if needs_sums { layer.outputs } else { 0 }, gaps),
                delta: region(if backward { layer.outputs } else { 0 }, gaps),
            }
        };
        let regions = layers.iter().enumerate().map(of_layer).collect();
        (gathered, regions, len)
    }

    /// The first rows of a region, some of its columns.
    pub(crate) fn view(
        &self,
        region: Region,
        rows: usize,
        columns: &Range<usize>,
    ) -> MatRef<'_, T> {
        let (at, stride) = region.block(&(0..rows), columns);
        MatRef::with_strides(&self.arena[at..], rows, columns.len(), stride, 1)
    }

    /// Makes room for the losses of `rows` rows.
    pub(crate) fn reserve_losses(&mut self, rows: usize) -> Result<()> {
        if self.losses.len() < rows {
            self.losses = Vec::new();
            self.losses = try_filled("the losses of the mini-batch", rows, 0.0)?;
        }
        Ok(())
    }

    /// Makes room for `len` elements of packed inputs.
    pub(crate) fn reserve_inputs(&mut self, len: usize) -> Result<()> {
        grow(&mut self.inputs, "the packed inputs of a layer", len)
    }

    /// Makes room for `len` elements of copies of the mini-batch.
    pub(crate) fn reserve_copies(&mut self, len: usize) -> Result<()> {
        grow(&mut self.copies, "the rows of the mini-batch", len)
    }

    /// Makes room for the gradients of `groups` groups of rows.
    pub(crate) fn reserve_partial(&mut self, groups: usize, parameters: usize) -> Result<()> {
        let len = groups.saturating_mul(parameters);
        grow(&mut self.partial, "gradients of groups of rows", len)
    }
}

/// Makes an array of `len` zeros of one that is shorter, which is given back before.
fn grow<T: Element>(array: &mut Arena<T>, what: &'static str, len: usize) -> Result<()> {
    if array.len() < len {
        *array = Arena::default();
        *array = Arena::try_zeros(what, len)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use consonance_core::{Activation, Loss, Plan};

    #[test]
    fn regions_do_not_overlap_and_only_growth_allocates() {
        let plan = Plan::mlp(5, &[7, 512, 3], 2, Activation::Gelu, Loss::CrossEntropy);
        let layers = plan.dense_layers().unwrap();
        let mut workspace = Workspace::<f32>::default();
        workspace.reserve(&layers, 10, true).unwrap();
        let regions = workspace.layers.iter().flat_map(|l| [l.outputs, l.sums, l.delta]);
        let extent = |r: Region| r.start..r.start + 10 * r.stride;
        let mut ranges: Vec<_> =
            [workspace.gathered].into_iter().chain(regions).map(extent).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
        assert!(ranges.last().unwrap().end <= workspace.arena.len());
        let place = workspace.arena.as_ptr();
        workspace.reserve(&layers, 4, false).unwrap();
        assert_eq!(workspace.arena.as_ptr(), place);
    }
}
