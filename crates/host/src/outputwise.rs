//! The second half of a step: the gradient of some rows of a layer's weights over the whole
//! batch, and their update, while they are at hand.

use crate::disjoint::Disjoint;
use crate::kernels::Kernels;
use crate::math::Math;
use crate::matrix::MatRef;
use crate::packed::{Packed, PackedParts};
use crate::shards::Piece;
use crate::workspace::Workspace;
use consonance_core::{Arena, Batch, DenseLayer, Rows, Rule};
use std::ops::Range;

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
        }
    }

    /// Writes the gradient of a piece and, with a rule, updates its parameters.
    ///
    /// # Safety
    /// No other task works on this piece at the same time.
    pub(crate) unsafe fn run(&self, piece: &Piece, rule: Option<&Rule<T>>) {
        let Piece { layer: number, outputs } = piece;
        let layer = &self.layers[*number];
        let rows = self.batch.len();
        let delta = &self.workspace.arena[self.workspace.layers[*number].delta.rows(0..rows)];
        let delta =
            MatRef::with_strides(&delta[outputs.start..], rows, outputs.len(), layer.outputs, 1);
        let x = MatRef::new(self.inputs(*number), rows, layer.inputs);
        let weight = layer.weight.start + outputs.start * layer.inputs
            ..layer.weight.start + outputs.end * layer.inputs;
        let bias = layer.bias.start + outputs.start..layer.bias.start + outputs.end;
        // SAFETY: these parameters belong to this task's piece
        let (weight_gradient, bias_gradient) =
            unsafe { (self.gradient.part(weight.clone()), self.gradient.part(bias.clone())) };
        self.kernels.weight_gradient(delta, x, weight_gradient, bias_gradient);
        if let Some(rule) = rule {
            for (range, gradient) in [(weight.clone(), weight_gradient), (bias, bias_gradient)] {
                // SAFETY: as above; each array is another
                unsafe {
                    let [m, v] = self.moments.each_ref().map(|array| part_or_none(array, &range));
                    T::update(rule, self.parameters.part(range), gradient, m, v);
                }
            }
            // SAFETY: as above; panels belong to the piece whose rows they hold
            unsafe {
                let rows = MatRef::new(self.parameters.part(weight), outputs.len(), layer.inputs);
                self.packed.pack(self.kernels, rows, *number, outputs.start);
            }
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
