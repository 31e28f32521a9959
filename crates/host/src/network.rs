//! A network in host memory.

use crate::crew::Crew;
use crate::disjoint::Disjoint;
use crate::flush::Flush;
use crate::groups::Groups;
use crate::kernels::{Beta, Kernels};
use crate::loss;
use crate::math::Math;
use crate::outputwise::{Gradient, Outputwise, block_len, inputs_len};
use crate::packed::Packed;
use crate::pass::{Pass, Shard};
use crate::schedule::{self, MOST_ROWS, Operation, Piece};
use crate::trial::Trial;
use crate::workspace::Workspace;
use consonance_core::{
    Activation, Arena, Batch, DenseLayer, Error, Network, Optimizer, OptimizerState, Plan, Result,
    Rows, Rule, TrainingMemory, Values,
};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Rows that a pass without an update takes through the network at once: a data set of any size
/// is evaluated in the memory of this many.
const EVALUATION_ROWS: usize = 256;

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

/// The engine: parameters, gradient and moments as flat arenas, a workspace, a crew.
pub(crate) struct HostNetwork<T, K> {
    plan: Arc<Plan>,
    layers: Arc<[DenseLayer]>,
    kernels: Arc<K>,
    crew: Crew,
    pieces: Vec<Piece>,
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
            pieces: schedule::pieces(&layers, crew.threads(), free, kernels.panel_rows()),
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
        let outputs = self.layers[computes].outputs;
        let each = schedule::piece(outputs, free, self.kernels.panel_rows());
        let HostNetwork { layers, kernels, parameters, packed, workspace, .. } = self;
        let pass = Pass::new(&**kernels, layers, parameters, packed, batch, workspace);
        self.crew.for_each_if(worth, outputs.div_ceil(each), &|piece, thread| {
            let _flush = Flush::begin();
            let outputs = piece * each..((piece + 1) * each).min(outputs);
            let all = Shard { copy: copies.then_some(thread), ..Shard::of(0..batch.len()) };
            // SAFETY: pieces are different outputs, and the crew runs each once
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
            // on one thread nothing travels, and what is in the cache is best used at once
            let (worth, free) = self.shares(rows);
            let alone = free.is_some() && !worth;
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
            &mut self.packed,
            groups,
            copies,
            self.crew.threads(),
            worth,
        );
        self.crew.for_each_if(worth, pieces.len(), &|piece, thread| {
            let _flush = Flush::begin();
            // SAFETY: pieces are different outputs, and the crew runs each once
            unsafe { outputwise.run(&pieces[piece], rule, thread) };
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

impl<T: Math, K: Kernels<T>> Network for HostNetwork<T, K> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Values> {
        let layers = Arc::clone(&self.layers);
        let width = self.plan.outputs();
        self.collect(&layers, batch, false, width, |pass, shard, _, out| {
            // SAFETY: `collect` gives each task rows of its own
            unsafe { pass.copy_outputs(shard, out) };
        })
    }

    fn loss_and_gradient(&mut self, batch: &Batch<'_>) -> Result<f64> {
        self.reserve_gradient()?;
        let loss = self.first_half(batch)?;
        self.second_half(batch, None);
        Ok(loss)
    }

    fn update(&mut self, optimizer: &Optimizer) -> Result<()> {
        self.check(optimizer)?;
        if !self.has_gradient {
            return Err(Error::NoGradient);
        }
        self.reserve_gradient()?;
        let rule = self.begin_update(optimizer);
        let mut moments = self.moments.iter_mut().map(|arena| &mut arena[..]);
        let (m, v) = (moments.next().unwrap_or_default(), moments.next().unwrap_or_default());
        let _flush = Flush::begin();
        T::update(&rule, &mut self.parameters, &self.gradient, m, v);
        self.packed.pack_all(&*self.kernels, &self.layers, &self.parameters);
        Ok(())
    }

    fn step(&mut self, batch: &Batch<'_>, optimizer: &Optimizer) -> Result<f64> {
        self.check(optimizer)?;
        // one thread has nothing to try
        let begun = (self.crew.threads() > 1).then(Instant::now);
        let loss = self.first_half(batch)?;
        let rule = loss.is_finite().then(|| self.begin_update(optimizer));
        if rule.is_none() {
            self.reserve_gradient()?;
        }
        self.second_half(batch, rule.as_ref());
        if let Some(begun) = begun {
            self.trial.note(self.work(batch.len()), begun.elapsed());
        }
        Ok(loss)
    }

    fn input_gradient(&mut self, batch: &Batch<'_>, coefficients: &Values) -> Result<Values> {
        self.plan.check_inputs(batch)?;
        let outputs = self.plan.outputs();
        let coefficients = coefficients.expect::<T>("coefficients", batch.len() * outputs)?;
        let (plan, layers) = (&*Arc::clone(&self.plan), Arc::clone(&self.layers));
        let width = self.plan.inputs;
        self.collect(&layers, batch, true, width, |pass, shard, of_batch, out| {
            let given = &coefficients[of_batch.start * outputs..of_batch.end * outputs];
            // SAFETY: `collect` gives each task rows of its own
            unsafe {
                pass.output_gradient(given, shard);
                for operation in schedule::backward(layers.len()) {
                    pass.run(operation, plan, shard);
                }
                pass.input_gradient(shard, out);
            }
        })
    }

    fn activations(&mut self, batch: &Batch<'_>, layer: usize) -> Result<Values> {
        let found = self.layers.iter().position(|l| l.layer <= layer && layer <= l.last);
        let Some(dense) = found else {
            let last = self.plan.layers.len() - 1;
            return Err(Error::mismatch("layer", format_args!("0 to {last}"), layer));
        };
        let mut layers = self.layers[..=dense].to_vec();
        let width = layers[dense].outputs;
        if layer == layers[dense].layer {
            layers[dense].activation = Activation::Identity;
        }
        self.collect(&layers, batch, false, width, |pass, shard, _, out| {
            // SAFETY: `collect` gives each task rows of its own
            unsafe { pass.copy_outputs(shard, out) };
        })
    }

    fn parameters(&self) -> Result<Values> {
        Ok(T::values(self.parameters.to_vec()))
    }

    fn set_parameters(&mut self, parameters: &Values) -> Result<()> {
        let given = parameters.expect::<T>("parameters", self.parameters.len())?;
        self.parameters.copy_from_slice(given);
        self.packed.pack_all(&*self.kernels, &self.layers, &self.parameters);
        Ok(())
    }

    fn gradient(&self) -> Result<Values> {
        match (self.has_gradient, self.gradient.is_empty()) {
            (false, _) => Err(Error::NoGradient),
            (true, true) => Ok(T::values(vec![T::zero(); self.parameters.len()])),
            (true, false) => Ok(T::values(self.gradient.to_vec())),
        }
    }

    fn set_gradient(&mut self, gradient: &Values) -> Result<()> {
        let given = gradient.expect::<T>("gradient", self.parameters.len())?;
        self.reserve_gradient()?;
        self.gradient.copy_from_slice(given);
        self.has_gradient = true;
        Ok(())
    }

    fn optimizer_state(&self) -> Result<OptimizerState> {
        let moments = self.moments.iter().map(|arena| T::values(arena.to_vec())).collect();
        Ok(OptimizerState { steps: self.steps, moments })
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()> {
        let count = self.parameters.len();
        let given: Vec<&[T]> =
            state.moments.iter().map(|m| m.expect("moments", count)).collect::<Result<_>>()?;
        self.moments = given
            .into_iter()
            .map(|given| {
                let mut arena = Arena::zeros(count);
                arena.copy_from_slice(given);
                arena
            })
            .collect();
        self.steps = state.steps;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::{MatMut, MatRef};
    use crate::{Beta, HostBackend};
    use consonance_core::{Backend, Dataset, Init, Loss, Targets};

    struct Loops;

    impl<T: Math> Kernels<T> for Loops {
        fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
            for i in 0..c.rows() {
                for j in 0..c.cols() {
                    let before = if beta == Beta::One { c.as_ref().get(i, j) } else { T::zero() };
                    let terms = (0..a.cols()).map(|k| a.get(i, k) * b.get(k, j));
                    c.set(i, j, before + terms.sum::<T>());
                }
            }
        }

        fn is_shape_invariant(&self) -> bool {
            true
        }
    }

    /// A gradient of a quarter of the smallest normal number, on any number of threads; and outputs,
    /// which are not part of a step.
    #[test]
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn a_step_takes_subnormal_numbers_for_zeros() {
        let plan = Plan::mlp(1, &[], 1, Activation::Identity, Loss::MeanSquaredError);
        let smallest = f32::MIN_POSITIVE;
        let rows = 64;
        let values = vec![-0.125_f32; rows];
        let targets = Targets::Values { width: 1, values: values.into() };
        let data = Dataset::new(1, vec![smallest; rows].into(), targets).unwrap();
        for threads in [1, 3] {
            let backend = HostBackend::new("loops", "", "", Loops);
            let mut network = backend.network(&plan, threads).unwrap();
            for optimizer in [Optimizer::sgd(1.0), Optimizer::adam(1e9)] {
                network.set_parameters(&Values::zeros(plan.precision, 2)).unwrap();
                network.set_optimizer_state(&OptimizerState::default()).unwrap();
                network.step(&data.all(), &optimizer).unwrap();
                let parameters = network.parameters().unwrap();
                assert_eq!(parameters.iter().next(), Some(0.0), "{threads}, {}", optimizer.name());
            }
            network.set_parameters(&Values::from(vec![0.25_f32, 0.0])).unwrap();
            let outputs = network.forward(&data.all()).unwrap();
            assert!(outputs.iter().all(|y| y == f64::from(0.25 * smallest)), "{threads}");
        }
    }

    /// Everything that tasks share, on a small network: what Miri is to look at. Sixteen steps, so
    /// that both ways of the trial are tried.
    #[test]
    fn threads_share_a_step_and_its_answers() {
        // the second has two groups of rows: tasks of one thread, but not of three
        [60, 130].into_iter().for_each(threads_share_a_step_of);
    }

    fn threads_share_a_step_of(rows: usize) {
        let plan = Plan::mlp(9, &[24, 16], 3, Activation::Gelu, Loss::CrossEntropy);
        let features: Vec<f32> = (0..rows * 9).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        let classes = Targets::Classes((0..rows as u32).map(|row| row % 3).collect());
        let data = Dataset::new(9, features.into(), classes).unwrap();
        let backwards: Vec<u32> = (0..rows as u32).rev().collect();
        let ones = Values::from(vec![1.0_f32; rows * 3]);
        let answers = [1, 3].map(|threads| {
            let backend = HostBackend::new("loops", "", "", Loops);
            let mut network = backend.network(&plan, threads).unwrap();
            network.set_parameters(&Init::GlorotUniform.draw(&plan, 1).unwrap()).unwrap();
            let adam = Optimizer::adam(0.01);
            let mut step = |batch: &Batch<'_>| network.step(batch, &adam).unwrap().to_bits();
            let losses: Vec<u64> =
                (0..8).flat_map(|_| [step(&data.all()), step(&data.batch(&backwards))]).collect();
            let batch = data.batch(&backwards);
            (
                losses,
                network.parameters().unwrap(),
                network.input_gradient(&batch, &ones).unwrap(),
                network.activations(&batch, 1).unwrap(),
            )
        });
        assert_eq!(answers[0], answers[1]);
    }
}
