//! The weights of all layers in the form that the kernels' forward product reads.

use crate::disjoint::Disjoint;
use crate::kernels::Kernels;
use crate::math::Math;
use crate::matrix::MatRef;
use consonance_core::{Arena, DenseLayer};
use std::ops::Range;

/// Packed weights, a run of panels for each layer; nothing for kernels that keep none.
pub(crate) struct Packed<T> {
    arena: Arena<T>,
    panel_rows: usize,
    layers: Vec<Place>,
    /// False once weights have been updated whose panels were not.
    is_whole: bool,
}

/// Where a layer's panels lie.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    panel_len: usize,
    /// Whether an update packs it anew, or it has no panels.
    is_kept: bool,
}

/// The layers whose panels are to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those that are packed anew after each update.
    Kept,
    /// The others.
    Rest,
}

impl Place {
    /// Where the panels of some rows lie, which begin with a panel of `panel_rows`.
    fn panels(&self, panel_rows: usize, rows: &Range<usize>) -> Range<usize> {
        let first = self.start + rows.start / panel_rows * self.panel_len;
        first..first + rows.len().div_ceil(panel_rows) * self.panel_len
    }
}

/// [`Packed`], for tasks that each write the panels of their own rows.
pub(crate) struct PackedParts<'a, T> {
    arena: Disjoint<'a, T>,
    panel_rows: usize,
    layers: &'a [Place],
    which: Which,
}

impl<T: Math> Packed<T> {
    /// The panels of weights that are all 0.
    pub(crate) fn new(layers: &[DenseLayer], kernels: &impl Kernels<T>) -> Self {
        let mut start = 0;
        let place = |layer: &DenseLayer| {
            let panel_len = kernels.panel_len(layer.inputs, layer.outputs);
            let is_kept = panel_len == 0 || kernels.keeps_packed(layer.inputs, layer.outputs);
            let place = Place { start, panel_len, is_kept };
            start += Self::layer_len(layer, kernels);
            place
        };
        let layers = layers.iter().map(place).collect();
        let arena = Arena::zeros(start);
        Packed { arena, panel_rows: kernels.panel_rows(), layers, is_whole: true }
    }

    /// How many elements the panels of all layers have.
    pub(crate) fn len(layers: &[DenseLayer], kernels: &impl Kernels<T>) -> usize {
        layers.iter().map(|layer| Self::layer_len(layer, kernels)).sum()
    }

    /// How many elements the panels of a layer have, filled up so that the next layer's begin with
    /// a cache line.
    fn layer_len(layer: &DenseLayer, kernels: &impl Kernels<T>) -> usize {
        let panels = match kernels.panel_rows() {
            0 => 0,
            rows => layer.outputs.div_ceil(rows),
        };
        (panels * kernels.panel_len(layer.inputs, layer.outputs))
            .next_multiple_of(64 / size_of::<T>())
    }

    /// The panels of some outputs of layer `number`, which begin with a panel; none if they are of
    /// earlier weights.
    pub(crate) fn rows(&self, number: usize, outputs: &Range<usize>) -> &[T] {
        if self.panel_rows == 0 || self.lacks(number) {
            return &[];
        }
        &self.arena[self.layers[number].panels(self.panel_rows, outputs)]
    }

    /// True if the panels of layer `number` are of earlier weights.
    pub(crate) fn lacks(&self, number: usize) -> bool {
        !self.is_whole && !self.layers[number].is_kept
    }

    /// True if all panels are of the weights there are.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Notes that the weights of all layers are about to be updated.
    pub(crate) fn note_update(&mut self) {
        self.is_whole = self.layers.iter().all(|place| place.is_kept);
    }

    /// For tasks that pack all weights of some layers. Notes that nothing is lacking afterwards, unless
    /// it is those alone that an update packs.
    pub(crate) fn parts(&mut self, which: Which) -> PackedParts<'_, T> {
        self.is_whole |= which != Which::Kept;
        let Packed { arena, panel_rows, layers, .. } = self;
        PackedParts { arena: Disjoint::new(arena), panel_rows: *panel_rows, layers, which }
    }
}

impl<T: Math> PackedParts<'_, T> {
    /// The panels of some outputs of layer `number`, which begin with a panel; none if they are not
    /// to be written.
    ///
    /// # Safety
    /// Nobody else uses them as long as the slice lives.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn rows(&self, number: usize, outputs: &Range<usize>) -> &mut [T] {
        let place = &self.layers[number];
        let written = match self.which {
            Which::All => true,
            Which::Kept => place.is_kept,
            Which::Rest => !place.is_kept,
        };
        if self.panel_rows == 0 || !written {
            return &mut [];
        }
        // SAFETY: the caller's promise
        unsafe { self.arena.part(place.panels(self.panel_rows, outputs)) }
    }

    /// Packs rows of layer `number`'s weights, `first` and those after it; `first` begins a panel.
    ///
    /// # Safety
    /// No two calls at the same time have rows in the same panel.
    pub(crate) unsafe fn pack<K: Kernels<T>>(
        &self,
        kernels: &K,
        rows: MatRef<'_, T>,
        number: usize,
        first: usize,
    ) {
        // SAFETY: whole panels of these rows, which the caller says are nobody else's
        let panels = unsafe { self.rows(number, &(first..first + rows.rows())) };
        if !panels.is_empty() {
            kernels.pack(rows, panels);
        }
    }
}
