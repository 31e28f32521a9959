//! The second half of a step: the gradient of some rows of a layer's weights over the whole
//! batch, and their update, while they are at hand.

use crate::disjoint::Disjoint;
use crate::kernels::{Beta, Kernels, add_columns};
use crate::math::Math;
use crate::matrix::MatRef;
use crate::packed::{Packed, PackedParts};
use crate::schedule::Piece;
use crate::workspace::Workspace;
use consonance_core::{Arena, Batch, DenseLayer, Rows, Rule};
use std::ops::Range;

/// Parameters of a block: together with their gradient and moments they stay in a core's
/// second-level cache.
const BLOCK: usize = 32 * 1024;

/// Outputs of a block at least, and in multiples: enough to make up for what their product packs.
const BLOCK_OUTPUTS: usize = 64;

/// A batch that went forward and backward, and the parameters it changes. A task takes a piece:
/// some outputs of one layer; no two tasks take the same.
pub(crate) struct Outputwise<'a, T, K> {
    kernels: &'a K,
    layers: &'a [DenseLayer],
    batch: &'a Batch<'a>,
    workspace: &'a Workspace<T>,
    parameters: Disjoint<'a, T>,
    gradient: Disjoint<'a, T>,
    moments: [Disjoint<'a, T>; 2],
    packed: PackedParts<'a, T>,
    /// In how many groups of rows the gradient has been summed.
    groups: Option<usize>,
}

impl<'a, T: Math, K: Kernels<T>> Outputwise<'a, T, K> {
    #[allow(clippy::too_many_arguments, reason = "they are what a step borrows")]
    pub(crate) fn new(
        kernels: &'a K,
        layers: &'a [DenseLayer],
        batch: &'a Batch<'a>,
        workspace: &'a Workspace<T>,
        parameters: &'a mut [T],
        gradient: &'a mut [T],
        moments: &'a mut [Arena<T>],
        packed: &'a mut Packed<T>,
        groups: Option<usize>,
    ) -> Self {
        let mut moments = moments.iter_mut();
        let mut next = || Disjoint::new(moments.next().map_or(&mut [], |arena| &mut arena[..]));
        Outputwise {
            kernels,
            layers,
            batch,
            workspace,
            parameters: Disjoint::new(parameters),
            gradient: Disjoint::new(gradient),
            moments: [next(), next()],
            packed: packed.parts(),
            groups,
        }
    }

    /// Writes the gradient of a piece and, with a rule, updates its parameters: a block at a time,
    /// which is still in the cache when it is updated and packed.
    ///
    /// # Safety
    /// No other task works on this piece at the same time.
    pub(crate) unsafe fn run(&self, piece: &Piece, rule: Option<&Rule<T>>) {
        let Piece { layer: number, outputs } = piece;
        let layer = &self.layers[*number];
        let block = (BLOCK / layer.inputs).max(BLOCK_OUTPUTS).next_multiple_of(BLOCK_OUTPUTS);
        for start in outputs.clone().step_by(block) {
            let outputs = start..(start + block).min(outputs.end);
            let weight = layer.weight.start + outputs.start * layer.inputs
                ..layer.weight.start + outputs.end * layer.inputs;
            let bias = layer.bias.start + outputs.start..layer.bias.start + outputs.end;
            // SAFETY: these parameters belong to this task's piece, and panels to the piece whose
            // rows they hold
            unsafe {
                self.gradient(*number, &outputs, &weight, &bias);
                let Some(rule) = rule else { continue };
                self.update(rule, weight.clone());
                self.update(rule, bias);
                let rows = MatRef::new(self.parameters.part(weight), outputs.len(), layer.inputs);
                self.packed.pack(self.kernels, rows, *number, outputs.start);
            }
        }
    }

    /// Writes the gradient of some outputs' weights and biases.
    ///
    /// # Safety
    /// No other task works on these parameters at the same time.
    unsafe fn gradient(
        &self,
        number: usize,
        outputs: &Range<usize>,
        weight: &Range<usize>,
        bias: &Range<usize>,
    ) {
        // SAFETY: the caller's promise
        let (weight_gradient, bias_gradient) =
            unsafe { (self.gradient.part(weight.clone()), self.gradient.part(bias.clone())) };
        if let Some(groups) = self.groups {
            let count = self.parameters.len();
            for (range, sums) in [(weight, weight_gradient), (bias, bias_gradient)] {
                let partial = &self.workspace.partial[range.start..];
                let partial = MatRef::with_strides(partial, groups, range.len(), count, 1);
                add_columns(partial, Beta::Zero, sums);
            }
            return;
        }
        let (layer, rows) = (&self.layers[number], self.batch.len());
        let delta = &self.workspace.arena[self.workspace.layers[number].delta.rows(0..rows)];
        let delta = MatRef::new(delta, rows, layer.outputs).columns(outputs.clone());
        let x = MatRef::new(self.inputs(number), rows, layer.inputs);
        self.kernels.weight_gradient(delta, x, Beta::Zero, weight_gradient, bias_gradient);
    }

    /// Updates some parameters.
    ///
    /// # Safety
    /// As [`Outputwise::gradient`].
    unsafe fn update(&self, rule: &Rule<T>, range: Range<usize>) {
        // SAFETY: the caller's promise; each array is another
        unsafe {
            let [m, v] = self.moments.each_ref().map(|array| part_or_none(array, &range));
            let gradient = self.gradient.part(range.clone());
            T::update(rule, self.parameters.part(range), gradient, m, v);
        }
    }

    /// What layer `number` read: the rows of the batch, or the outputs of the layer below.
    fn inputs(&self, number: usize) -> &'a [T] {
        let rows = 0..self.batch.len();
        match (&self.batch.rows, number) {
            (Rows::Range(range), 0) => {
                let width = self.layers[0].inputs;
                let features = T::slice(self.batch.data.features());
                let features = features.expect("of the plan's precision: checked");
                &features[range.start * width..range.end * width]
            }
            (Rows::List(_), 0) => &self.workspace.arena[self.workspace.gathered.rows(rows)],
            _ => &self.workspace.arena[self.workspace.layers[number - 1].outputs.rows(rows)],
        }
    }
}

/// The elements of `range`, or none of an array the optimiser does not keep.
///
/// # Safety
/// As [`Disjoint::part`].
unsafe fn part_or_none<'a, T>(array: &Disjoint<'a, T>, range: &Range<usize>) -> &'a mut [T] {
    let range = if array.is_empty() { 0..0 } else { range.clone() };
    // SAFETY: the caller's promise
    unsafe { array.part(range) }
}
