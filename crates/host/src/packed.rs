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
}

/// Where a layer's panels lie.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    panel_len: usize,
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
}

impl<T: Math> Packed<T> {
    /// The panels of weights that are all 0.
    pub(crate) fn new(layers: &[DenseLayer], kernels: &impl Kernels<T>) -> Self {
        let mut start = 0;
        let place = |layer: &DenseLayer| {
            let place = Place { start, panel_len: kernels.panel_len(layer.inputs, layer.outputs) };
            start += Self::layer_len(layer, kernels);
            place
        };
        let layers = layers.iter().map(place).collect();
        Packed { arena: Arena::zeros(start), panel_rows: kernels.panel_rows(), layers }
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

    /// The panels of some outputs of layer `number`, which begin with a panel.
    pub(crate) fn rows(&self, number: usize, outputs: &Range<usize>) -> &[T] {
        if self.panel_rows == 0 {
            return &[];
        }
        &self.arena[self.layers[number].panels(self.panel_rows, outputs)]
    }

    pub(crate) fn parts(&mut self) -> PackedParts<'_, T> {
        let Packed { arena, panel_rows, layers } = self;
        PackedParts { arena: Disjoint::new(arena), panel_rows: *panel_rows, layers }
    }

    /// Packs the weights of all layers.
    pub(crate) fn pack_all<K: Kernels<T>>(
        &mut self,
        kernels: &K,
        layers: &[DenseLayer],
        parameters: &[T],
    ) {
        let parts = self.parts();
        for (number, layer) in layers.iter().enumerate() {
            let weight = &parameters[layer.weight.clone()];
            let weight = MatRef::new(weight, layer.outputs, layer.inputs);
            // SAFETY: one call after the other
            unsafe { parts.pack(kernels, weight, number, 0) };
        }
    }
}

impl<T: Math> PackedParts<'_, T> {
    /// The panels of some outputs of layer `number`, which begin with a panel.
    ///
    /// # Safety
    /// Nobody else uses them as long as the slice lives.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn rows(&self, number: usize, outputs: &Range<usize>) -> &mut [T] {
        if self.panel_rows == 0 {
            return &mut [];
        }
        // SAFETY: the caller's promise
        unsafe { self.arena.part(self.layers[number].panels(self.panel_rows, outputs)) }
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
