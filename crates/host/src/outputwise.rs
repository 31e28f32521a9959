//! The second half of a step: the gradient of some rows of a layer's weights over the whole
//! batch, and their update, while they are at hand.

use crate::claim::claim;
use crate::cut::{Piece, block_outputs};
use crate::disjoint::Disjoint;
use crate::groups::Groups;
use crate::kernels::{Beta, Inputs, Kernels, add_columns};
use crate::layout::Layout;
use crate::math::Math;
use crate::matrix::MatRef;
use crate::packed::PackedParts;
use crate::workspace::Workspace;
use consonance_core::{Arena, Batch, DenseLayer, Rows, Rule};
use std::ops::Range;

/// Where the gradient goes.
pub(crate) enum Gradient<'a, T> {
    /// Laid out like the parameters, to be kept.
    Kept(Disjoint<'a, T>),
    /// A block's for each thread [threads, `block_len`], only until it has been used for the
    /// update: it never leaves the core's cache.
    Used(Disjoint<'a, T>),
}

/// The parameters of the largest block of all layers.
pub(crate) fn block_len(layers: &[DenseLayer]) -> usize {
    layers.iter().map(|layer| block_outputs(layer) * (layer.inputs + 1)).max().unwrap_or(0)
}

/// The elements of the largest layer's packed inputs.
pub(crate) fn inputs_len<T: Math>(
    kernels: &impl Kernels<T>,
    layers: &[DenseLayer],
    rows: usize,
) -> usize {
    let len = |layer: &DenseLayer| kernels.inputs_len(rows, layer.inputs, layer.outputs);
    layers.iter().map(len).max().unwrap_or(0)
}

/// A batch that went forward and backward, and the parameters it changes. A task takes a piece:
/// some outputs of one layer; no two tasks take the same.
pub(crate) struct Outputwise<'a, T, K> {
    kernels: &'a K,
    layers: &'a [DenseLayer],
    batch: &'a Batch<'a>,
    workspace: &'a Workspace<T>,
    /// Packed inputs, a part for each thread.
    packed_inputs: Disjoint<'a, T>,
    /// The gradients of groups, or room for those of a block for each thread.
    partial: Disjoint<'a, T>,
    parameters: Disjoint<'a, T>,
    gradient: Gradient<'a, T>,
    moments: [Disjoint<'a, T>; 2],
    packed: PackedParts<'a, T>,
    /// The groups of rows in which the gradient is summed.
    groups: Option<Groups>,
    /// True if each thread has a copy of the gathered rows.
    copies: bool,
    threads: usize,
    /// True if other threads have pieces too.
    shared: bool,
}

impl<'a, T: Math, K: Kernels<T>> Outputwise<'a, T, K> {
    #[allow(clippy::too_many_arguments, reason = "they are what a step borrows")]
    pub(crate) fn new(
        kernels: &'a K,
        layers: &'a [DenseLayer],
        batch: &'a Batch<'a>,
        workspace: &'a Workspace<T>,
        packed_inputs: &'a mut [T],
        partial: &'a mut [T],
        parameters: &'a mut [T],
        gradient: Gradient<'a, T>,
        moments: &'a mut [Arena<T>],
        packed: PackedParts<'a, T>,
        groups: Option<Groups>,
        copies: bool,
        threads: usize,
        shared: bool,
    ) -> Self {
        let mut moments = moments.iter_mut();
        let mut next = || Disjoint::new(moments.next().map_or(&mut [], |arena| &mut arena[..]));
        Outputwise {
            kernels,
            layers,
            batch,
            workspace,
            packed_inputs: Disjoint::new(packed_inputs),
            partial: Disjoint::new(partial),
            parameters: Disjoint::new(parameters),
            gradient,
            moments: [next(), next()],
            packed,
            groups,
            copies,
            threads,
            shared,
        }
    }

    /// Writes the gradient of a piece and, with a rule, updates its parameters: a block at a time,
    /// which is still in the cache when it is updated and packed.
    ///
    /// # Safety
    /// No other task works on this piece at the same time.
    pub(crate) unsafe fn run(&self, piece: &Piece, rule: Option<&Rule<T>>, thread: usize) {
        let Piece { layer: number, outputs } = piece;
        let layer = &self.layers[*number];
        let block = block_outputs(layer);
        // SAFETY: the thread has one task at a time
        let x = unsafe { self.inputs(*number, thread) };
        for start in outputs.clone().step_by(block) {
            let outputs = start..(start + block).min(outputs.end);
            let weight = layer.weight.start + outputs.start * layer.inputs
                ..layer.weight.start + outputs.end * layer.inputs;
            let bias = layer.bias.start + outputs.start..layer.bias.start + outputs.end;
            // SAFETY: these parameters belong to this task's piece, and panels to the piece whose
            // rows they hold
            unsafe {
                let (of_weight, of_bias) = match &self.gradient {
                    Gradient::Kept(all) => (all.part(weight.clone()), all.part(bias.clone())),
                    Gradient::Used(blocks) => {
                        let len = blocks.len() / self.threads;
                        let block = blocks.part(thread * len..(thread + 1) * len);
                        let (of_weight, rest) = block.split_at_mut(weight.len());
                        (of_weight, &mut rest[..bias.len()])
                    }
                };
                if self.shared && rule.is_some() {
                    // others have read these weights on their way forward, or back
                    claim(self.parameters.part(weight.clone()));
                    claim(self.packed.rows(*number, &outputs));
                }
                let (to_weight, to_bias) = ((&weight, &mut *of_weight), (&bias, &mut *of_bias));
                self.sum(*number, &outputs, x, to_weight, to_bias, thread);
                let Some(rule) = rule else { continue };
                self.update(rule, weight.clone(), of_weight);
                self.update(rule, bias, of_bias);
                let rows = MatRef::new(self.parameters.part(weight), outputs.len(), layer.inputs);
                self.packed.pack(self.kernels, rows, *number, outputs.start);
            }
        }
    }

    /// Writes the gradient of some outputs' weights and biases: (which parameters, where to).
    ///
    /// # Safety
    /// The thread has one task at a time.
    unsafe fn sum(
        &self,
        number: usize,
        outputs: &Range<usize>,
        x: Inputs<'_, T>,
        (weight, weight_gradient): (&Range<usize>, &mut [T]),
        (bias, bias_gradient): (&Range<usize>, &mut [T]),
        thread: usize,
    ) {
        match self.groups {
            None => {
                let delta = self.delta(number, outputs);
                self.kernels.weight_gradient(delta, x, Beta::Zero, weight_gradient, bias_gradient);
            }
            Some(groups) if groups.are_tasks => {
                let layout = Layout::rows(self.parameters.len());
                for (range, sums) in [(weight, weight_gradient), (bias, bias_gradient)] {
                    let (first, len) = (range.start, range.len());
                    // SAFETY: nobody writes what the groups have left
                    let left = unsafe { self.partial.view(first, groups.count(), len, layout) };
                    add_columns(left, Beta::Zero, sums);
                }
            }
            Some(groups) => {
                let room = self.partial.len() / self.threads;
                // SAFETY: the caller's promise
                let room = unsafe { self.partial.part(thread * room..(thread + 1) * room) };
                let delta = self.delta(number, outputs);
                self.sum_groups(groups, delta, x, room, weight_gradient, bias_gradient);
            }
        }
    }

    /// Writes the gradient of some outputs' weights and biases, summed group by group in `room` for
    /// one group's.
    fn sum_groups(
        &self,
        groups: Groups,
        delta: MatRef<'_, T>,
        x: Inputs<'_, T>,
        room: &mut [T],
        weight_gradient: &mut [T],
        bias_gradient: &mut [T],
    ) {
        let (of_weight, room) = room.split_at_mut(weight_gradient.len());
        let of_bias = &mut room[..bias_gradient.len()];
        weight_gradient.fill(T::zero());
        bias_gradient.fill(T::zero());
        for rows in (0..groups.count()).map(|group| groups.rows(group)) {
            let x = Inputs { matrix: x.matrix.rows_range(rows.clone()), ..x };
            let delta = delta.rows_range(rows);
            self.kernels.weight_gradient(delta, x, Beta::Zero, of_weight, of_bias);
            add_columns(MatRef::new(of_weight, 1, of_weight.len()), Beta::One, weight_gradient);
            add_columns(MatRef::new(of_bias, 1, of_bias.len()), Beta::One, bias_gradient);
        }
    }

    /// The gradient with respect to some of layer `number`'s sums, of the whole batch.
    fn delta(&self, number: usize, outputs: &Range<usize>) -> MatRef<'_, T> {
        self.workspace.view(self.workspace.layers[number].delta, self.batch.len(), outputs)
    }

    /// Updates some parameters.
    ///
    /// # Safety
    /// No other task works on these parameters at the same time.
    unsafe fn update(&self, rule: &Rule<T>, range: Range<usize>, gradient: &[T]) {
        // SAFETY: the caller's promise; each array is another
        unsafe {
            let [m, v] = self.moments.each_ref().map(|array| part_or_none(array, &range));
            T::update(rule, self.parameters.part(range), gradient, m, v);
        }
    }

    /// What layer `number` read, packed if its gradient is summed here over the whole batch at once.
    ///
    /// # Safety
    /// The thread's part of the packed inputs is used by nobody else, and no longer afterwards.
    unsafe fn inputs(&self, number: usize, thread: usize) -> Inputs<'_, T> {
        let DenseLayer { inputs: width, outputs: of_outputs, .. } = self.layers[number];
        let rows = self.batch.len();
        if self.groups.is_some_and(|groups| groups.are_tasks) {
            return Inputs { matrix: MatRef::new(&[], 0, 0), packed: &[], of_outputs };
        }
        let matrix = self.read(number, rows, width, thread);
        if self.groups.is_some() {
            return Inputs { matrix, packed: &[], of_outputs };
        }
        let start = self.packed_inputs.len() / self.threads * thread;
        let len = self.kernels.inputs_len(rows, width, of_outputs);
        // SAFETY: the caller's promise
        let packed = unsafe { self.packed_inputs.part(start..start + len) };
        if len > 0 {
            self.kernels.pack_inputs(matrix, packed);
        }
        Inputs { matrix, packed, of_outputs }
    }

    /// What layer `number` read: the rows of the batch, or the outputs of the layer below.
    fn read(&self, number: usize, rows: usize, width: usize, thread: usize) -> MatRef<'a, T> {
        match (&self.batch.rows, number) {
            (Rows::Range(range), 0) => {
                let features = T::slice(self.batch.data.features());
                let features = features.expect("of the plan's precision: checked");
                MatRef::new(&features[range.start * width..], rows, width)
            }
            (Rows::List(_), 0) if self.copies => {
                let copy = self.workspace.gathered.copy::<T>(thread, rows);
                copy.view(&self.workspace.copies, rows, &(0..width))
            }
            (Rows::List(_), 0) => self.workspace.view(self.workspace.gathered, rows, &(0..width)),
            _ => {
                let below = self.workspace.layers[number - 1].outputs;
                self.workspace.view(below, rows, &(0..width))
            }
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
