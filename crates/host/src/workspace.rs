//! The buffers of a step: one allocation, sized for the largest batch seen.

use crate::layout::{Layout, Panels};
use crate::matrix::MatRef;
use consonance_core::{Arena, DenseLayer, Element, Result, try_filled};
use std::ops::Range;

/// A matrix [rows, width] inside the workspace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Region {
    start: usize,
    width: usize,
    form: Form,
}

/// How its rows lie.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// In one piece each, so far apart.
    Rows(usize),
    /// In panels of `width` columns, `stride` apart.
    Panels { width: usize, stride: usize },
}

impl Default for Form {
    fn default() -> Self {
        Form::Rows(0)
    }
}

/// Rows of as many bytes, or a multiple, lie so that the same column of all rows falls into a few
/// sets of a cache, which hold only some of them.
const CROWDED: usize = 2048;

/// Elements that fill whole cache lines, whatever their type.
const LINE: usize = 16;

/// How a matrix [rows, width] is laid out.
#[derive(Debug, Clone, Copy)]
enum Wish {
    /// Rows side by side.
    Together,
    /// Rows with gaps where they would be crowded.
    Gaps,
    /// Panels of so many columns.
    Panels(usize),
}

impl Region {
    /// A matrix [rows, width] from `start` on, laid out as wished for.
    fn new<T>(start: usize, rows: usize, width: usize, wish: Wish) -> Self {
        let form = match wish {
            Wish::Together => Form::Rows(width),
            Wish::Gaps => {
                let bytes = width * size_of::<T>();
                let crowded = bytes > 0 && bytes.is_multiple_of(CROWDED);
                Form::Rows(if crowded { width + 64 / size_of::<T>() } else { width })
            }
            // an odd number of rows: panels do not crowd the cache either
            Wish::Panels(panel) => {
                Form::Panels { width: panel, stride: (rows | 1).saturating_mul(panel) }
            }
        };
        Region { start, width, form }
    }

    /// How many elements it takes for so many rows, filled up so that the next region begins with a
    /// cache line.
    fn len(&self, rows: usize) -> usize {
        let len = match self.form {
            Form::Rows(stride) => rows.saturating_mul(stride),
            Form::Panels { width, stride } => self.width.div_ceil(width).saturating_mul(stride),
        };
        len.saturating_add(LINE) / LINE * LINE
    }

    /// Where copy `number` of so many of its rows lies in an array of copies.
    pub(crate) fn copy<T>(&self, number: usize, rows: usize) -> Region {
        let wish = match self.form {
            Form::Rows(_) => Wish::Gaps,
            Form::Panels { width, .. } => Wish::Panels(width),
        };
        let copy = Region::new::<T>(0, rows, self.width, wish);
        Region { start: number * copy.len(rows), ..copy }
    }

    /// The elements of some of its rows, which lie side by side.
    ///
    /// # Panics
    /// If there are gaps.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Range<usize> {
        assert!(
            matches!(self.form, Form::Rows(stride) if stride == self.width),
            "gaps in a region"
        );
        self.start + rows.start * self.width..self.start + rows.end * self.width
    }

    /// Its first rows, some of their columns, in the array it lies in.
    pub(crate) fn view<'a, T>(
        &self,
        array: &'a [T],
        rows: usize,
        columns: &Range<usize>,
    ) -> MatRef<'a, T> {
        let (at, layout) = self.block(&(0..rows), columns);
        MatRef::with_layout(&array[at..], rows, columns.len(), layout)
    }

    /// Where a block of it begins, and its layout.
    ///
    /// # Panics
    /// If the region has not so many columns, or they do not begin with a panel.
    #[inline]
    pub(crate) fn block(&self, rows: &Range<usize>, columns: &Range<usize>) -> (usize, Layout) {
        assert!(columns.end <= self.width, "columns {columns:?} of {}", self.width);
        let layout = match self.form {
            Form::Rows(stride) => Layout::rows(stride),
            Form::Panels { width, stride } => {
                let panels = Panels { width, stride, of_rows: false };
                Layout { panels: Some(panels), ..Layout::rows(width) }
            }
        };
        let first = rows.start * layout.row_stride + layout.columns(columns);
        (self.start + first, layout)
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
    /// How many columns of what layers write lie side by side; 0 for all.
    panel: usize,
    pub(crate) arena: Arena<T>,
    /// The rows of the mini-batch, where they had to be gathered [rows, inputs].
    pub(crate) gathered: Region,
    pub(crate) layers: Vec<LayerRegions>,
    /// The loss of each row.
    pub(crate) losses: Vec<f64>,
    /// The gradient of each group of rows [groups, parameters]; or, for each thread, room for that of
    /// one block.
    pub(crate) partial: Arena<T>,
    /// The packed inputs of a layer, for each thread.
    pub(crate) inputs: Arena<T>,
    /// The rows of the mini-batch for each thread, where each gathers all of them.
    pub(crate) copies: Arena<T>,
}

impl<T: Element> Workspace<T> {
    /// An empty one, of regions in panels of so many columns; 0 for rows in one piece.
    pub(crate) fn new(panel: usize) -> Self {
        Workspace { panel, ..Workspace::default() }
    }

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
        let (gathered, regions, len) = self.layout(layers, rows, backward);
        (self.gathered, self.layers) = (gathered, regions);
        self.arena = Arena::try_zeros("a workspace for the mini-batch", len)?;
        (self.rows, self.backward) = (rows, backward);
        Ok(())
    }

    /// How many elements it takes to have room for `rows` rows, and for gradients if `backward`.
    pub(crate) fn len(&self, layers: &[DenseLayer], rows: usize, backward: bool) -> usize {
        self.layout(layers, rows, backward).2
    }

    /// How regions are laid out that kernels alone read.
    fn wish(&self) -> Wish {
        if self.panel == 0 { Wish::Gaps } else { Wish::Panels(self.panel) }
    }

    /// How many elements a copy of so many gathered rows takes.
    pub(crate) fn copy_len(&self, layers: &[DenseLayer], rows: usize) -> usize {
        Region::new::<T>(0, rows, layers[0].inputs, self.wish()).len(rows)
    }

    /// Where the gathered rows and what each layer writes lie, and how many elements there are.
    fn layout(
        &self,
        layers: &[DenseLayer],
        rows: usize,
        backward: bool,
    ) -> (Region, Vec<LayerRegions>, usize) {
        let mut len = 0_usize;
        let mut region = |width: usize, wish: Wish| {
            let region = Region::new::<T>(len, rows, width, wish);
            // what saturates here is refused below
            len = len.saturating_add(region.len(rows));
            region
        };
        let gathered = region(layers[0].inputs, self.wish());
        let of_layer = |(number, layer): (usize, &DenseLayer)| {
            let needs_sums = layer.activation.derivative_needs_input();
            // the loss takes rows side by side
            let last = number + 1 == layers.len();
            let wish = if last { Wish::Together } else { self.wish() };
            LayerRegions {
                outputs: region(layer.outputs, wish),
                sums: region(if needs_sums { layer.outputs } else { 0 }, wish),
                delta: region(if backward { layer.outputs } else { 0 }, wish),
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
        region.view(&self.arena, rows, columns)
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

    /// Makes room for `len` elements of gradients of groups.
    pub(crate) fn reserve_partial(&mut self, len: usize) -> Result<()> {
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
        for panel in [0, 4, 16] {
            let mut workspace = Workspace::<f32>::new(panel);
            workspace.reserve(&layers, 10, true).unwrap();
            let regions = workspace.layers.iter().flat_map(|l| [l.outputs, l.sums, l.delta]);
            let extent = |region: Region| {
                let (at, layout) = region.block(&(0..10), &(0..region.width));
                at..at + layout.extent(10, region.width)
            };
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
}
