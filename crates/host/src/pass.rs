//! A mini-batch on its way through the layers, forward and back.

use crate::disjoint::Disjoint;
use crate::kernels::{Beta, Inputs, Kernels, Weights, scale_by_derivative};
use crate::layout::Layout;
use crate::loss::loss_and_gradient;
use crate::math::Math;
use crate::matrix::{MatMut, MatRef};
use crate::packed::Packed;
use crate::schedule::Operation;
use crate::workspace::{LayerRegions, Region, Workspace};
use consonance_core::{Activation, Batch, DenseLayer, Plan, Rows};
use std::ops::Range;

/// Some rows of the batch.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    /// Their positions in the batch.
    pub(crate) rows: Range<usize>,
    /// The first of their rows in the workspace.
    pub(crate) at: usize,
    /// The thread whose copy of the gathered rows is used; none if all use those in the workspace.
    pub(crate) copy: Option<usize>,
}

impl Shard {
    /// Rows whose place in the workspace is that in the batch.
    pub(crate) fn of(rows: Range<usize>) -> Self {
        Shard { at: rows.start, rows, copy: None }
    }

    /// Their rows in the workspace.
    fn places(&self) -> Range<usize> {
        self.at..self.at + self.rows.len()
    }
}

/// What the operations of a pass share.
///
/// An operation computes some rows and some columns of a matrix of the workspace. It is unsafe:
/// no two tasks may compute the same elements at the same time, and what an operation reads must
/// have been computed before, by the same task or before the crew last met.
pub(crate) struct Pass<'a, T, K> {
    kernels: &'a K,
    layers: &'a [DenseLayer],
    parameters: &'a [T],
    packed: &'a Packed<T>,
    batch: &'a Batch<'a>,
    features: &'a [T],
    arena: Disjoint<'a, T>,
    losses: Disjoint<'a, f64>,
    gathered: Region,
    copies: Disjoint<'a, T>,
    regions: &'a [LayerRegions],
}

impl<'a, T: Math, K: Kernels<T>> Pass<'a, T, K> {
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
        Pass {
            kernels,
            layers,
            parameters,
            packed,
            batch,
            features,
            arena: Disjoint::new(&mut workspace.arena),
            losses: Disjoint::new(&mut workspace.losses),
            gathered: workspace.gathered,
            copies: Disjoint::new(&mut workspace.copies),
            regions: &workspace.layers,
        }
    }

    /// An operation for some rows: all their columns.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn run(&self, operation: Operation, plan: &Plan, shard: &Shard) {
        // SAFETY: the caller's promise
        unsafe {
            match operation {
                Operation::Gather => self.gather(shard),
                Operation::Forward(layer) => self.forward(layer, shard, self.outputs(layer)),
                Operation::Loss => self.loss(plan, shard),
                Operation::Backward(layer) => self.backward(layer, shard, self.outputs(layer - 1)),
            }
        }
    }

    /// All outputs of layer `number`.
    fn outputs(&self, number: usize) -> Range<usize> {
        0..self.layers[number].outputs
    }

    /// Copies the features of rows that do not lie together.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn gather(&self, shard: &Shard) {
        let Rows::List(list) = &self.batch.rows else { return };
        let width = self.layers[0].inputs;
        let (array, at, layout) = self.gathered(shard);
        // SAFETY: the block belongs to this task's rows, or copy
        let mut gathered = unsafe { array.block(at, shard.rows.len(), width, layout) };
        let sources = list[shard.rows.clone()].iter();
        gathered.copy_rows(sources.map(|&row| &self.features[row as usize * width..][..width]));
    }

    /// Some outputs of layer `number`.
    ///
    /// # Safety
    /// As the [type](Pass) says; `outputs` begin with a panel.
    pub(crate) unsafe fn forward(&self, number: usize, shard: &Shard, outputs: Range<usize>) {
        let (layer, regions) = (&self.layers[number], self.regions[number]);
        let weight = &self.parameters[layer.weight.clone()][outputs.start * layer.inputs..];
        let weights = Weights {
            matrix: MatRef::new(weight, outputs.len(), layer.inputs),
            packed: self.packed.rows(number, &outputs),
            of_outputs: layer.outputs,
        };
        let bias = &self.parameters[layer.bias.clone()][outputs.clone()];
        // SAFETY: the caller's promise; outputs and sums are different regions. A pass may end
        // before an activation for which there is room.
        unsafe {
            let keeps_sums = layer.activation.derivative_needs_input();
            let sums = keeps_sums.then(|| self.block(regions.sums, shard, &outputs));
            let y = self.block(regions.outputs, shard, &outputs);
            self.kernels.forward(
                self.inputs(number, shard),
                weights,
                bias,
                layer.activation,
                sums,
                y,
            );
        }
    }

    /// Copies the outputs of rows that went forward: [rows, outputs].
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn copy_outputs(&self, shard: &Shard, out: &mut [T]) {
        let last = self.layers.len() - 1;
        // SAFETY: the view belongs to this task's rows
        let outputs = unsafe { self.view(self.regions[last].outputs, shard, &self.outputs(last)) };
        let mut first = 0;
        for panel in outputs.panels() {
            for (row, out) in out.chunks_exact_mut(outputs.cols()).enumerate() {
                out[first..][..panel.cols()].copy_from_slice(panel.row(row));
            }
            first += panel.cols();
        }
    }

    /// The losses of rows that went forward, and the gradient with respect to the last layer's
    /// sums.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    unsafe fn loss(&self, plan: &Plan, shard: &Shard) {
        let last = self.regions.last().expect("a network has a layer");
        // SAFETY: all parts belong to this task's rows, in different regions
        let (z, delta, losses) = unsafe {
            (
                self.arena.part(last.outputs.rows(shard.places())),
                self.arena.part(last.delta.rows(shard.places())),
                self.losses.part(shard.rows.clone()),
            )
        };
        let divisor = plan.loss.divisor(plan.reduction, self.batch.len(), plan.outputs());
        let targets = self.batch.data.targets();
        let named = self.batch.rows.part(shard.rows.clone());
        loss_and_gradient(plan.loss, targets, &named, T::of(1.0 / divisor), z, delta, losses);
        // SAFETY: the caller's promise
        unsafe { self.through_last_activation(shard) };
    }

    /// Takes over given gradients [rows, outputs] with respect to the outputs of rows.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn output_gradient(&self, gradient: &[T], shard: &Shard) {
        let last = self.regions.last().expect("a network has a layer");
        // SAFETY: the part belongs to this task's rows
        unsafe {
            self.arena.part(last.delta.rows(shard.places())).copy_from_slice(gradient);
            self.through_last_activation(shard);
        }
    }

    /// From the gradient with respect to the last layer's outputs to that of its sums.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    unsafe fn through_last_activation(&self, shard: &Shard) {
        let last = self.layers.len() - 1;
        let (activation, regions, all) =
            (self.layers[last].activation, self.regions[last], self.outputs(last));
        // SAFETY: the caller's promise
        unsafe {
            let sums = activation.derivative_needs_input();
            let sums = sums.then(|| self.view(regions.sums, shard, &all));
            let y = self.view(regions.outputs, shard, &all);
            scale_by_derivative(activation, sums, y, self.block(regions.delta, shard, &all));
        }
    }

    /// From the gradient with respect to the sums of layer `number` to that of some sums of the
    /// layer below.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn backward(&self, number: usize, shard: &Shard, columns: Range<usize>) {
        let (layer, below) = (&self.layers[number], self.regions[number - 1]);
        let activation = self.layers[number - 1].activation;
        // SAFETY: the caller's promise
        unsafe {
            let delta = self.view(self.regions[number].delta, shard, &(0..layer.outputs));
            let sums = activation.derivative_needs_input();
            let sums = sums.then(|| self.view(below.sums, shard, &columns));
            let y = self.view(below.outputs, shard, &columns);
            let d = self.block(below.delta, shard, &columns);
            let weight = self.weight(layer).columns(columns);
            self.kernels.input_gradient(delta, weight, activation, sums, y, d);
        }
    }

    /// The gradient with respect to the inputs of rows that went backward: [rows, inputs].
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn input_gradient(&self, shard: &Shard, gradient: &mut [T]) {
        let layer = &self.layers[0];
        // SAFETY: the caller's promise
        let delta = unsafe { self.view(self.regions[0].delta, shard, &self.outputs(0)) };
        let nothing = MatRef::new(&[], 0, 0);
        let d = MatMut::new(gradient, shard.rows.len(), layer.inputs);
        let weight = self.weight(layer);
        self.kernels.input_gradient(delta, weight, Activation::Identity, None, nothing, d);
    }

    /// G ← the share of `rows` in the gradient of all parameters, + β·G.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    pub(crate) unsafe fn gradient(&self, shard: &Shard, beta: Beta, gradient: &mut [T]) {
        for (number, layer) in self.layers.iter().enumerate() {
            // SAFETY: the caller's promise
            let (delta, x) = unsafe {
                let delta = self.view(self.regions[number].delta, shard, &self.outputs(number));
                (delta, self.inputs(number, shard))
            };
            let [weight, bias] = gradient
                .get_disjoint_mut([layer.weight.clone(), layer.bias.clone()])
                .expect("weights and biases are different parameters");
            let x = Inputs { matrix: x, packed: &[], of_outputs: layer.outputs };
            self.kernels.weight_gradient(delta, x, beta, weight, bias);
        }
    }

    /// What layer `number` reads of rows: their features, or the outputs of the layer below.
    ///
    /// # Safety
    /// As the [type](Pass) says.
    unsafe fn inputs(&self, number: usize, shard: &Shard) -> MatRef<'a, T> {
        let width = self.layers[number].inputs;
        match (&self.batch.rows, number) {
            (Rows::Range(range), 0) => {
                let features = &self.features[(range.start + shard.rows.start) * width..];
                MatRef::new(features, shard.rows.len(), width)
            }
            (Rows::List(_), 0) => {
                let (array, at, layout) = self.gathered(shard);
                // SAFETY: the caller's promise
                unsafe { array.view(at, shard.rows.len(), width, layout) }
            }
            // SAFETY: the caller's promise
            _ => unsafe { self.view(self.regions[number - 1].outputs, shard, &(0..width)) },
        }
    }

    /// Where gathered rows lie, in the workspace or among the copies: the array, the first element
    /// and the layout.
    fn gathered(&self, shard: &Shard) -> (&Disjoint<'a, T>, usize, Layout) {
        let (array, region) = match shard.copy {
            None => (&self.arena, self.gathered),
            Some(copy) => (&self.copies, self.gathered.copy::<T>(copy, self.batch.len())),
        };
        let (at, layout) = region.block(&shard.places(), &(0..self.layers[0].inputs));
        (array, at, layout)
    }

    fn weight(&self, layer: &DenseLayer) -> MatRef<'a, T> {
        MatRef::new(&self.parameters[layer.weight.clone()], layer.outputs, layer.inputs)
    }

    /// Some rows and columns of a region, to read.
    ///
    /// # Safety
    /// Nobody writes them as long as the view lives.
    unsafe fn view(&self, region: Region, shard: &Shard, columns: &Range<usize>) -> MatRef<'a, T> {
        let (at, layout) = region.block(&shard.places(), columns);
        // SAFETY: the caller's promise
        unsafe { self.arena.view(at, shard.rows.len(), columns.len(), layout) }
    }

    /// Some rows and columns of a region, to write.
    ///
    /// # Safety
    /// Nobody else reads or writes them as long as the view lives.
    unsafe fn block(&self, region: Region, shard: &Shard, columns: &Range<usize>) -> MatMut<'a, T> {
        let (at, layout) = region.block(&shard.places(), columns);
        // SAFETY: the caller's promise
        unsafe { self.arena.block(at, shard.rows.len(), columns.len(), layout) }
    }
}
