//! The first half of a step: what can be done row by row, through all layers, without meeting
//! other rows.

use crate::disjoint::Disjoint;
use crate::kernels::{Kernels, Weights};
use crate::loss::loss_and_gradient;
use crate::math::Math;
use crate::matrix::MatRef;
use crate::packed::Packed;
use crate::workspace::{LayerRegions, Region, Workspace};
use consonance_core::{Activation, Batch, DenseLayer, Plan, Rows};
use std::ops::Range;

/// A batch on its way through the layers. Rows are named by their positions in the batch; a task
/// takes a range of positions, and no two tasks at the same time take the same.
pub(crate) struct Rowwise<'a, T, K> {
    kernels: &'a K,
    layers: &'a [DenseLayer],
    parameters: &'a [T],
    packed: &'a Packed<T>,
    batch: &'a Batch<'a>,
    features: &'a [T],
    arena: Disjoint<'a, T>,
    losses: Disjoint<'a, f64>,
    gathered: Region,
    regions: &'a [LayerRegions],
}

impl<'a, T: Math, K: Kernels<T>> Rowwise<'a, T, K> {
    /// The batch fits the plan (`Plan::check_inputs`), the workspace has room for it.
    pub(crate) fn new(
        kernels: &'a K,
        layers: &'a [DenseLayer],
        parameters: &'a [T],
        packed: &'a Packed<T>,
        batch: &'a Batch<'a>,
        workspace: &'a mut Workspace<T>,
    ) -> Self {
        let features = T::slice(batch.data.features()).expect("of the plan's precision: checked");
        Rowwise {
            kernels,
            layers,
            parameters,
            packed,
            batch,
            features,
            arena: Disjoint::new(&mut workspace.arena),
            losses: Disjoint::new(&mut workspace.losses),
            gathered: workspace.gathered,
            regions: &workspace.layers,
        }
    }

    /// Runs rows through all layers.
    ///
    /// # Safety
    /// No other task works on these positions at the same time.
    pub(crate) unsafe fn forward(&self, positions: Range<usize>) {
        let rows = positions.len();
        // SAFETY: all parts belong to this task's rows
        let mut x: &[T] = unsafe { self.inputs(positions.clone()) };
        for (number, (layer, regions)) in self.layers.iter().zip(self.regions).enumerate() {
            // SAFETY: as above; outputs and sums are different regions
            let (y, sums) = unsafe {
                (
                    self.arena.part(regions.outputs.rows(positions.clone())),
                    self.arena.part(regions.sums.rows(positions.clone())),
                )
            };
            // a pass may end before an activation for which there is room
            let sums = if layer.activation.derivative_needs_input() { sums } else { &mut [] };
            let x_rows = MatRef::new(x, rows, layer.inputs);
            let bias = &self.parameters[layer.bias.clone()];
            let weights = Weights { matrix: self.weight(layer), packed: self.packed.layer(number) };
            self.kernels.forward(x_rows, weights, bias, layer.activation, sums, y);
            x = y;
        }
    }

    /// Copies the outputs of rows that went forward: [rows, outputs].
    ///
    /// # Safety
    /// As [`Rowwise::forward`].
    pub(crate) unsafe fn copy_outputs(&self, positions: Range<usize>, out: &mut [T]) {
        let last = self.regions[self.layers.len() - 1];
        // SAFETY: the part belongs to this task's rows
        out.copy_from_slice(unsafe { self.arena.part(last.outputs.rows(positions)) });
    }

    /// Writes the losses of rows that went forward, and the gradient with respect to their
    /// outputs.
    ///
    /// # Safety
    /// As [`Rowwise::forward`].
    pub(crate) unsafe fn loss(&self, plan: &Plan, positions: Range<usize>) {
        let last = self.regions.last().expect("a network has a layer");
        // SAFETY: all parts belong to this task's rows, in different regions
        let (z, delta, losses) = unsafe {
            (
                self.arena.part(last.outputs.rows(positions.clone())),
                self.arena.part(last.delta.rows(positions.clone())),
                self.losses.part(positions.clone()),
            )
        };
        let divisor = plan.loss.divisor(plan.reduction, self.batch.len(), plan.outputs());
        let targets = self.batch.data.targets();
        let rows = self.batch.rows.part(positions);
        loss_and_gradient(plan.loss, targets, &rows, T::of(1.0 / divisor), z, delta, losses);
    }

    /// Writes given gradients [rows, outputs] with respect to the outputs of rows.
    ///
    /// # Safety
    /// As [`Rowwise::forward`].
    pub(crate) unsafe fn output_gradient(&self, gradient: &[T], positions: Range<usize>) {
        let last = self.regions.last().expect("a network has a layer");
        // SAFETY: the part belongs to this task's rows
        unsafe { self.arena.part(last.delta.rows(positions)) }.copy_from_slice(gradient);
    }

    /// Carries the gradient with respect to the outputs of rows back to each layer's sums.
    ///
    /// # Safety
    /// As [`Rowwise::forward`].
    pub(crate) unsafe fn backward(&self, positions: Range<usize>) {
        let rows = positions.len();
        let part = |region: Region| {
            // SAFETY: all parts belong to this task's rows, in different regions
            unsafe { self.arena.part(region.rows(positions.clone())) }
        };
        let last = self.layers.len() - 1;
        if self.layers[last].activation != Activation::Identity {
            let LayerRegions { outputs, sums, delta } = self.regions[last];
            let activation = self.layers[last].activation;
            T::scale_by_derivative(activation, part(sums), part(outputs), part(delta));
        }
        for above in (1..=last).rev() {
            let (layer, below) = (&self.layers[above], self.regions[above - 1]);
            let delta = MatRef::new(part(self.regions[above].delta), rows, layer.outputs);
            self.kernels.input_gradient(
                delta,
                self.weight(layer),
                self.layers[above - 1].activation,
                part(below.sums),
                part(below.outputs),
                part(below.delta),
            );
        }
    }

    /// The gradient with respect to the inputs of rows that went backward: [rows, inputs].
    ///
    /// # Safety
    /// As [`Rowwise::forward`].
    pub(crate) unsafe fn input_gradient(&self, positions: Range<usize>, gradient: &mut [T]) {
        let layer = &self.layers[0];
        let rows = positions.len();
        // SAFETY: the part belongs to this task's rows
        let delta = unsafe { self.arena.part(self.regions[0].delta.rows(positions)) };
        let delta = MatRef::new(delta, rows, layer.outputs);
        let identity = Activation::Identity;
        self.kernels.input_gradient(delta, self.weight(layer), identity, &[], &[], gradient);
    }

    fn weight(&self, layer: &DenseLayer) -> MatRef<'a, T> {
        MatRef::new(&self.parameters[layer.weight.clone()], layer.outputs, layer.inputs)
    }

    /// The features of rows, gathered if they do not lie together.
    ///
    /// # Safety
    /// As [`Rowwise::forward`].
    unsafe fn inputs(&self, positions: Range<usize>) -> &'a [T] {
        let width = self.layers[0].inputs;
        match &self.batch.rows {
            Rows::Range(range) => {
                &self.features[(range.start + positions.start) * width..][..positions.len() * width]
            }
            Rows::List(list) => {
                // SAFETY: the part belongs to this task's rows
                let gathered = unsafe { self.arena.part(self.gathered.rows(positions.clone())) };
                for (row, &source) in gathered.chunks_exact_mut(width).zip(&list[positions]) {
                    row.copy_from_slice(&self.features[source as usize * width..][..width]);
                }
                gathered
            }
        }
    }
}
