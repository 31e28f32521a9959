//! A network in host memory.

mod contract;
#[cfg(test)]
mod tests;

use crate::crew::Crew;
use crate::cut::{BLOCK_OUTPUTS, Cut, Piece, Pieces};
use crate::disjoint::Disjoint;
use crate::flush::Flush;
use crate::groups::Groups;
use crate::kernels::{Beta, Kernels};
use crate::loss;
use crate::math::Math;
use crate::matrix::MatRef;
use crate::outputwise::{Gradient, Outputwise, block_len, inputs_len};
use crate::packed::{Packed, Which};
use crate::pass::{Pass, Shard};
use crate::schedule::{self, MOST_ROWS, Operation};
use crate::trial::Trial;
use crate::workspace::Workspace;
use consonance_core::{
    Arena, Batch, DenseLayer, Error, Optimizer, Plan, Result, Rows, Rule, TrainingMemory, Values,
};
use std::ops::Range;
use std::sync::Arc;

/// Rows that a pass without an update takes through the network at once: a data set of any size
/// is evaluated in the memory of this many.
const EVALUATION_ROWS: usize = 256;

/// Parameters from which on packing all of them is shared out.
const WORTH_SHARING: usize = 64 * 1024;

/// True if a step goes through all layers by rows: on one thread nothing travels, and what is in the
/// cache is best used at once. Where the cut must not depend on the number of threads, it is cut as
/// for several.
fn is_alone(shared: bool, free: Option<usize>) -> bool {
    free.is_some() && !shared
}

/// How many columns of activations lie side by side, checked; 0 for all.
///
/// # Panics
/// If kernels break what [`Kernels::activation_panel`] says.
fn activation_panel<T: Math>(kernels: &impl Kernels<T>, layers: &[DenseLayer]) -> usize {
    let (panel, rows) = (kernels.activation_panel(layers), kernels.panel_rows());
    assert!(matches!(panel, 0 | 4 | 8 | 16), "panels of {panel} columns of activations");
    let begins = panel == 0 || rows > 0 && rows.is_multiple_of(panel);
    assert!(begins, "panels of {panel} columns, where tasks begin with multiples of {rows}");
    panel
}

/// How the outputs of layers are cut, among so many threads if that is free.
///
/// # Panics
/// If kernels break what [`Kernels::panel_rows`] says: tasks would write the same panels.
fn cut<T: Math>(kernels: &impl Kernels<T>, free: Option<usize>) -> Cut {
    let panel = kernels.panel_rows();
    let fits = panel == 0 || BLOCK_OUTPUTS.is_multiple_of(panel) && panel >= 4;
    assert!(fits, "panels of {panel} rows");
    Cut { threads: free, panel, fine: kernels.divides_well() }
}

/// The engine: parameters, gradient and moments as flat arenas, a workspace, a crew.
pub(crate) struct HostNetwork<T, K> {
    plan: Arc<Plan>,
    layers: Arc<[DenseLayer]>,
    kernels: Arc<K>,
    crew: Crew,
    pieces: Pieces,
    parameters: Arena<T>,
    /// The weights once more, as the kernels like them.
    packed: Packed<T>,
    /// Empty until it is asked for.
    gradient: Arena<T>,
    /// False after a step, which keeps no gradient.
    has_gradient: bool,
    /// The gradient of a block for each thread.
    block: Arena<T>,
    moments: Vec<Arena<T>>,
    steps: u64,
    workspace: Workspace<T>,
    trial: Trial,
}

impl<T: Math, K: Kernels<T>> HostNetwork<T, K> {
    pub(crate) fn new(name: &str, kernels: Arc<K>, plan: &Plan, threads: usize) -> Result<Self> {
        let layers = plan.dense_layers()?;
        let crew = Crew::new(threads).map_err(|e| Error::Backend {
            backend: name.to_string(),
            message: format!("{threads} threads could not be started: {e}"),
        })?;
        let count = plan.parameter_count()?;
        let free = kernels.is_shape_invariant().then_some(crew.threads());
        let panel = activation_panel(&*kernels, &layers);
        Ok(HostNetwork {
            plan: Arc::new(plan.clone()),
            pieces: Pieces::new(&layers, crew.threads(), cut(&*kernels, free)),
            packed: Packed::new(&layers, &*kernels),
            parameters: Arena::try_zeros("parameters", count)?,
            block: Arena::try_zeros(
                "a block of the gradient",
                crew.threads() * block_len(&layers),
            )?,
            layers: layers.into(),
            kernels,
            crew,
            gradient: Arena::default(),
            has_gradient: true,
            moments: Vec::new(),
            steps: 0,
            workspace: Workspace::new(panel),
            trial: Trial::default(),
        })
    }

    /// What a network of `plan` holds in training; see [`consonance_core::Backend`].
    pub(crate) fn memory(
        kernels: &K,
        plan: &Plan,
        threads: usize,
        optimizer: &Optimizer,
        rows: usize,
    ) -> Result<TrainingMemory> {
        let (layers, count) = (plan.dense_layers()?, plan.parameter_count()?);
        let free = kernels.is_shape_invariant().then_some(threads);
        let groups = Groups::of(&layers, rows, free);
        let are_tasks = groups.is_some_and(|groups| groups.are_tasks);
        let places = if are_tasks { threads * MOST_ROWS } else { rows };
        let empty = Workspace::<T>::new(activation_panel(kernels, &layers));
        let workspace = empty
            .len(&layers, places.max(EVALUATION_ROWS), true)
            .saturating_add(threads * block_len(&layers))
            .saturating_add(match groups {
                Some(groups) => groups.room(count, threads, block_len(&layers)),
                None => threads.saturating_mul(inputs_len(kernels, &layers, rows)),
            })
            .saturating_add(match (threads, schedule::copied_rows(&layers, rows)) {
                (1, _) | (_, 0) => 0,
                (_, rows) => threads.saturating_mul(empty.copy_len(&layers, rows)),
            });
        let bytes = |elements: usize| elements.saturating_mul(size_of::<T>());
        Ok(TrainingMemory {
            parameters: bytes(count),
            packed: bytes(Packed::<T>::len(&layers, kernels)),
            moments: bytes(count.saturating_mul(optimizer.moments())),
            workspace: bytes(workspace).saturating_add(rows.saturating_mul(size_of::<f64>())),
        })
    }

    /// Multiplications of a forward pass.
    fn work(&self, rows: usize) -> usize {
        rows.saturating_mul(self.parameters.len())
    }

    /// Whether a pass over `rows` rows is shared out, and among how many threads it is cut: `None`
    /// if the cut must not depend on that.
    fn shares(&self, rows: usize) -> (bool, Option<usize>) {
        let worth = self.crew.threads() > 1 && self.trial.shares(self.work(rows));
        let threads = if worth { self.crew.threads() } else { 1 };
        (worth, self.kernels.is_shape_invariant().then_some(threads))
    }

    /// Runs operations for all rows, and hands the rows of each task to `then`, on its thread. If it
    /// `flushes`, as in a training step, subnormal numbers are zeros.
    fn by_rows(
        &mut self,
        layers: &[DenseLayer],
        batch: &Batch<'_>,
        flushes: bool,
        operations: impl Iterator<Item = Operation> + Clone + Sync,
        then: impl Fn(&Pass<'_, T, K>, &Shard) + Sync,
    ) {
        let rows = batch.len();
        let (worth, free) = self.shares(rows);
        let each = schedule::shard_rows(rows, free);
        let HostNetwork { plan, kernels, parameters, packed, workspace, .. } = self;
        let pass = Pass::new(&**kernels, layers, parameters, packed, batch, workspace);
        self.crew.for_each_if(worth, rows.div_ceil(each), &|number, _| {
            let _flush = flushes.then(Flush::begin);
            let shard = Shard::of(number * each..((number + 1) * each).min(rows));
            for operation in operations.clone() {
                // SAFETY: shards are different rows, and the crew runs each once
                unsafe { pass.run(operation, plan, &shard) };
            }
            then(&pass, &shard);
        });
    }

    /// Runs an operation for the whole batch, shared out by the outputs of layer `computes`.
    fn by_outputs(
        &mut self,
        batch: &Batch<'_>,
        operation: Operation,
        computes: usize,
        copies: bool,
    ) {
        let (worth, free) = self.shares(batch.len());
        let (rows, outputs) = (batch.len(), self.layers[computes].outputs);
        let reads = match operation {
            Operation::Backward(layer) => layer,
            _ => computes,
        };
        let work = rows.saturating_mul(self.layers[reads].weight.len() / outputs);
        let tasks = cut(&*self.kernels, free).tasks(outputs, work);
        let HostNetwork { layers, kernels, parameters, packed, workspace, .. } = self;
        let pass = Pass::new(&**kernels, layers, parameters, packed, batch, workspace);
        let threads = self.crew.threads();
        let ends = |thread| tasks.of_threads(thread + 1, threads);
        self.crew.for_each_in_shares(worth, ends, &|task, thread| {
            let outputs = tasks.outputs(task);
            if outputs.is_empty() {
                return;
            }
            let _flush = Flush::begin();
            let all = Shard { copy: copies.then_some(thread), ..Shard::of(0..rows) };
            // SAFETY: tasks compute different outputs, and the crew runs each once
            unsafe {
                match operation {
                    Operation::Backward(layer) => pass.backward(layer, &all, outputs),
                    _ => pass.forward(computes, &all, outputs),
                }
            }
        });
    }

    /// True if each thread gathers all rows for itself: where rows are gathered, the first layer is
    /// shared out by outputs, which read all of them, and there is more than one thread to do it.
    fn copies(&self, batch: &Batch<'_>) -> bool {
        let (worth, _) = self.shares(batch.len());
        let gathers = matches!(batch.rows, Rows::List(_));
        worth && gathers && schedule::copies(&self.layers, batch.len())
    }

    /// Gathers all rows once for each thread.
    fn gather_copies(&mut self, batch: &Batch<'_>) {
        let threads = self.crew.threads();
        let HostNetwork { layers, kernels, parameters, packed, workspace, .. } = self;
        let pass = Pass::new(&**kernels, layers, parameters, packed, batch, workspace);
        self.crew.for_each(threads, &|copy, _| {
            // SAFETY: each task has a copy of its own, and the crew runs each once
            unsafe { pass.gather(&Shard { copy: Some(copy), ..Shard::of(0..batch.len()) }) };
        });
    }

    /// Makes room for the copies of this batch, and of smaller ones: the last of an epoch.
    fn reserve_copies(&mut self, batch: &Batch<'_>) -> Result<()> {
        let rows = schedule::copied_rows(&self.layers, batch.len());
        if rows == 0 || self.crew.threads() == 1 || !matches!(batch.rows, Rows::List(_)) {
            return Ok(());
        }
        let len = self.workspace.copy_len(&self.layers, rows);
        self.workspace.reserve_copies(self.crew.threads().saturating_mul(len))
    }

    /// How the rows of a batch are grouped, if its gradient is summed in groups.
    fn groups(&self, rows: usize) -> Option<Groups> {
        let free = self.kernels.is_shape_invariant().then_some(self.crew.threads());
        Groups::of(&self.layers, rows, free)
    }

    /// Forward, loss, backward and the gradient for each group of rows.
    fn by_groups(&mut self, batch: &Batch<'_>, groups: Groups) {
        let (worth, _) = self.shares(batch.len());
        let count = self.parameters.len();
        let HostNetwork { plan, layers, kernels, parameters, packed, workspace, .. } = self;
        // the pass borrows the rest of the workspace
        let mut partial = std::mem::take(&mut workspace.partial);
        let sums = Disjoint::new(&mut partial);
        let pass = Pass::new(&**kernels, layers, parameters, packed, batch, workspace);
        self.crew.for_each_if(worth, groups.count(), &|number, thread| {
            let _flush = Flush::begin();
            // SAFETY: groups are different rows, and the crew runs each once
            let sums = unsafe { sums.part(number * count..(number + 1) * count) };
            let group = groups.rows(number);
            let mut beta = Beta::Zero;
            for start in group.clone().step_by(MOST_ROWS) {
                let rows = start..(start + MOST_ROWS).min(group.end);
                // a thread has one place for all its rows, which stays in its core's cache, and
                // far enough from the next thread's that no prefetch takes it away
                let shard = Shard { rows, at: thread * MOST_ROWS, copy: None };
                for operation in schedule::operations(layers.len()) {
                    // SAFETY: as above, and the place is this thread's
                    unsafe { pass.run(operation, plan, &shard) };
                }
                // SAFETY: as above
                unsafe { pass.gradient(&shard, beta, sums) };
                beta = Beta::One;
            }
        });
        self.workspace.partial = partial;
    }

    /// Forward, loss and backward for the whole batch; answers the loss.
    fn first_half(&mut self, batch: &Batch<'_>) -> Result<f64> {
        self.plan.check_batch(batch)?;
        let (layers, rows) = (Arc::clone(&self.layers), batch.len());
        if self.reads_often(rows) {
            self.pack_rest();
        }
        self.workspace.reserve_losses(rows)?;
        self.reserve_copies(batch)?;
        let (groups, threads) = (self.groups(rows), self.crew.threads());
        match groups {
            None => {
                let each = inputs_len(&*self.kernels, &layers, rows);
                self.workspace.reserve_inputs(threads * each)?;
            }
            Some(groups) => {
                let len = groups.room(self.parameters.len(), threads, block_len(&layers));
                self.workspace.reserve_partial(len)?;
            }
        }
        if let Some(groups) = groups.filter(|groups| groups.are_tasks) {
            self.workspace.reserve(&layers, threads * MOST_ROWS, true)?;
            self.by_groups(batch, groups);
        } else {
            self.workspace.reserve(&layers, rows, true)?;
            let (worth, free) = self.shares(rows);
            let alone = is_alone(worth, free);
            let computes = |&operation: &Operation| match alone {
                true => None,
                false => schedule::by_outputs(operation, &layers, rows),
            };
            let mut operations = schedule::operations(layers.len());
            let copies = self.copies(batch);
            if copies {
                self.gather_copies(batch);
                operations.next();
            }
            while let Some(operation) = operations.clone().next() {
                if let Some(layer) = computes(&operation) {
                    self.by_outputs(batch, operation, layer, copies);
                    operations.next();
                } else {
                    let run =
                        operations.clone().take_while(|operation| computes(operation).is_none());
                    let count = run.clone().count();
                    self.by_rows(&layers, batch, true, run, |_, _| {});
                    operations.nth(count - 1);
                }
            }
        }
        let sum = loss::sum(&self.workspace.losses[..rows]);
        Ok(sum / self.plan.loss.divisor(self.plan.reduction, rows, self.plan.outputs()))
    }

    /// Packs the weights of some layers.
    fn pack(&mut self, which: Which) {
        let HostNetwork { layers, kernels, parameters, pieces, packed, .. } = self;
        let worth = self.crew.threads() > 1 && parameters.len() > WORTH_SHARING;
        let parts = packed.parts(which);
        self.crew.for_each_in_shares(worth, |thread| pieces.ends[thread], &|piece, _| {
            let Piece { layer: number, outputs } = &pieces.pieces[piece];
            let layer = &layers[*number];
            let weight = &parameters[layer.weight.clone()][outputs.start * layer.inputs..];
            let rows = MatRef::new(weight, outputs.len(), layer.inputs);
            // SAFETY: pieces are different outputs, which begin with a panel
            unsafe { parts.pack(&**kernels, rows, *number, outputs.start) };
        });
    }

    /// Packs the weights that the last step did not pack.
    fn pack_rest(&mut self) {
        if !self.packed.is_whole() {
            self.pack(Which::Rest);
        }
    }

    /// True if several tasks of a step would read the whole of weights that are not packed, and pack
    /// them each for itself.
    fn reads_often(&self, rows: usize) -> bool {
        if self.packed.is_whole() {
            return false;
        }
        let (worth, free) = self.shares(rows);
        let groups = self.groups(rows).filter(|groups| groups.are_tasks);
        let blocks = match groups {
            Some(groups) => groups.blocks(),
            None => rows.div_ceil(schedule::shard_rows(rows, free)),
        };
        let by_rows = |number| {
            let forward = Operation::Forward(number);
            groups.is_some()
                || is_alone(worth, free)
                || schedule::by_outputs(forward, &self.layers, rows).is_none()
        };
        let mut lacking = (0..self.layers.len()).filter(|&number| self.packed.lacks(number));
        blocks > 1 && lacking.any(by_rows)
    }

    /// Makes room for a gradient that is kept.
    fn reserve_gradient(&mut self) -> Result<()> {
        if self.gradient.is_empty() {
            self.gradient = Arena::try_zeros("the gradient", self.parameters.len())?;
        }
        Ok(())
    }

    /// The gradient of all parameters, which is kept, or with a rule their update.
    fn second_half(&mut self, batch: &Batch<'_>, rule: Option<&Rule<T>>) {
        let (worth, _) = self.shares(batch.len());
        let groups = self.groups(batch.len());
        let copies = self.copies(batch);
        self.has_gradient = rule.is_none();
        let pieces = &self.pieces;
        let gradient = match rule {
            Some(_) => Gradient::Used(Disjoint::new(&mut self.block)),
            None => Gradient::Kept(Disjoint::new(&mut self.gradient)),
        };
        if rule.is_some() {
            self.packed.note_update();
        }
        // the pieces read the rest of the workspace
        let mut packed_inputs = std::mem::take(&mut self.workspace.inputs);
        let mut partial = std::mem::take(&mut self.workspace.partial);
        let outputwise = Outputwise::new(
            &*self.kernels,
            &self.layers,
            batch,
            &self.workspace,
            &mut packed_inputs,
            &mut partial,
            &mut self.parameters,
            gradient,
            &mut self.moments,
            self.packed.parts(Which::Kept),
            groups,
            copies,
            self.crew.threads(),
            worth,
        );
        self.crew.for_each_in_shares(worth, |thread| pieces.ends[thread], &|piece, thread| {
            let _flush = Flush::begin();
            // SAFETY: pieces are different outputs, and the crew runs each once
            unsafe { outputwise.run(&pieces.pieces[piece], rule, thread) };
        });
        self.workspace.inputs = packed_inputs;
        self.workspace.partial = partial;
    }

    /// Checks that the optimiser can go on from the state there is.
    fn check(&self, optimizer: &Optimizer) -> Result<()> {
        optimizer.check()?;
        let begins = self.steps == 0 && self.moments.is_empty();
        if !begins && self.moments.len() != optimizer.moments() {
            return Err(Error::Optimizer(format!(
                "{} keeps {} moments, the network holds {} of an earlier optimiser",
                optimizer.name(),
                optimizer.moments(),
                self.moments.len()
            )));
        }
        Ok(())
    }

    /// Counts one more step of a checked optimiser, makes its moments if it is the first, and
    /// answers its constants.
    fn begin_update(&mut self, optimizer: &Optimizer) -> Rule<T> {
        let count = self.parameters.len();
        self.moments.resize_with(optimizer.moments(), || Arena::zeros(count));
        self.steps += 1;
        optimizer.rule(self.steps)
    }

    /// Runs `layers` over the batch in blocks and collects what `take` writes of each shard:
    /// `width` numbers a row.
    fn collect(
        &mut self,
        layers: &[DenseLayer],
        batch: &Batch<'_>,
        backward: bool,
        width: usize,
        take: impl Fn(&Pass<'_, T, K>, &Shard, Range<usize>, &mut [T]) + Sync,
    ) -> Result<Values> {
        self.plan.check_inputs(batch)?;
        let rows = batch.len();
        self.pack_rest();
        self.workspace.reserve(&self.layers, rows.min(EVALUATION_ROWS), backward)?;
        let mut collected = vec![T::zero(); rows * width];
        let all = Disjoint::new(&mut collected);
        for start in (0..rows).step_by(EVALUATION_ROWS) {
            let block = batch.part(start..(start + EVALUATION_ROWS).min(rows));
            let operations = schedule::forward(layers.len());
            self.by_rows(layers, &block, false, operations, |pass, shard| {
                let of_batch = start + shard.rows.start..start + shard.rows.end;
                // SAFETY: each task has rows of its own
                let out = unsafe { all.part(of_batch.start * width..of_batch.end * width) };
                take(pass, shard, of_batch, out);
            });
        }
        Ok(T::values(collected))
    }
}
