use super::HostNetwork;
use crate::HostBackend;
use crate::kernels::{Beta, Kernels, Weights};
use crate::math::Math;
use crate::matrix::{MatMut, MatRef};
use consonance_core::{
    Activation, Backend, Batch, Dataset, Init, Loss, Network, Optimizer, OptimizerState, Plan,
    Targets, Values,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Instant;

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

/// Loops that read W from panels of four rows, one after the other, where they are given them.
#[derive(Default)]
struct Panels {
    /// Forward products without.
    without: AtomicUsize,
}

/// Inputs of layers whose panels a step keeps.
const KEPT: usize = 9;

impl Kernels<f32> for Panels {
    fn gemm(&self, a: MatRef<'_, f32>, b: MatRef<'_, f32>, beta: Beta, c: MatMut<'_, f32>) {
        Loops.gemm(a, b, beta, c);
    }

    fn is_shape_invariant(&self) -> bool {
        true
    }

    fn panel_rows(&self) -> usize {
        4
    }

    fn keeps_packed(&self, inputs: usize, _: usize) -> bool {
        inputs == KEPT
    }

    fn pack(&self, weight: MatRef<'_, f32>, packed: &mut [f32]) {
        for (row, packed) in packed.chunks_mut(weight.cols()).take(weight.rows()).enumerate() {
            packed.copy_from_slice(weight.row(row));
        }
    }

    fn forward(
        &self,
        x: MatRef<'_, f32>,
        weights: Weights<'_, f32>,
        bias: &[f32],
        activation: Activation,
        sums: Option<MatMut<'_, f32>>,
        y: MatMut<'_, f32>,
    ) {
        let Weights { mut matrix, packed, .. } = weights;
        match packed {
            [] => {
                assert_ne!(matrix.cols(), KEPT, "panels of this layer are kept");
                self.without.fetch_add(1, Ordering::Relaxed);
            }
            packed => matrix = MatRef::new(packed, matrix.rows(), matrix.cols()),
        }
        let weights = Weights { matrix, packed: &[], ..weights };
        Loops.forward(x, weights, bias, activation, sums, y);
    }
}

#[test]
fn panels_are_of_the_weights_there_are() {
    let plan = Plan::mlp(KEPT, &[24, 16], 3, Activation::Tanh, Loss::CrossEntropy);
    let rows = 300;
    let features: Vec<f32> = (0..rows * KEPT).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let classes = Targets::Classes((0..rows as u32).map(|row| row % 3).collect());
    let data = Dataset::new(KEPT, features.into(), classes).unwrap();
    // one block of rows
    let some: Vec<u32> = (0..8).rev().collect();
    let adam = Optimizer::adam(0.01);
    for threads in [1, 3] {
        let kernels = Arc::new(Panels::default());
        let mut network = HostNetwork::new("panels", Arc::clone(&kernels), &plan, threads).unwrap();
        network.set_parameters(&Init::GlorotUniform.draw(&plan, 1).unwrap()).unwrap();
        let without = || kernels.without.load(Ordering::Relaxed);
        let check = |network: &mut HostNetwork<f32, Panels>, after: &str| {
            let mut plain = HostBackend::new("loops", "", "", Loops).network(&plan, 1).unwrap();
            plain.set_parameters(&network.parameters().unwrap()).unwrap();
            let [part, all] = [data.batch(&some), data.all()];
            let losses = [network.loss_and_gradient(&part), plain.loss_and_gradient(&part)];
            assert_eq!(losses[0], losses[1], "the loss after {after}, {threads} threads");
            let before = without();
            let outputs = [network.forward(&all), plain.forward(&all)];
            assert_eq!(outputs[0], outputs[1], "outputs after {after}, {threads} threads");
            assert_eq!(without(), before, "answers read panels, after {after}");
        };
        check(&mut network, "setting parameters");
        for _ in 0..3 {
            network.step(&data.batch(&some), &adam).unwrap();
        }
        assert!(without() > 0, "a step keeps no panels of the second layer");
        check(&mut network, "steps");
        network.step(&data.batch(&some), &adam).unwrap();
        check(&mut network, "a step after answers");
        network.update(&adam).unwrap();
        check(&mut network, "an update");
        network.step(&data.batch(&some), &adam).unwrap();
        let before = without();
        network.step(&data.all(), &adam).unwrap();
        assert_eq!(without(), before, "many rows read panels");
        check(&mut network, "a step of many rows");
    }
}

/// Loops that note how a step of `CUT_ROWS` rows is cut.
#[derive(Default)]
struct Cuts {
    fine: bool,
    threads: usize,
    /// [terms, columns] of products forward and back.
    products: Mutex<Vec<[usize; 2]>>,
    /// The inputs of the layer whose gradient a thread took first.
    firsts: Mutex<Vec<(ThreadId, usize)>>,
}

const CUT_ROWS: usize = 64;

impl Kernels<f32> for Cuts {
    fn gemm(&self, a: MatRef<'_, f32>, b: MatRef<'_, f32>, beta: Beta, c: MatMut<'_, f32>) {
        let (terms, columns) = (b.rows(), b.cols());
        if terms == CUT_ROWS {
            // the gradient of some weights sums over all rows
            self.note_first(columns);
        } else {
            self.products.lock().unwrap().push([terms, columns]);
        }
        Loops.gemm(a, b, beta, c);
    }

    fn is_shape_invariant(&self) -> bool {
        true
    }

    fn divides_well(&self) -> bool {
        self.fine
    }

    fn panel_rows(&self) -> usize {
        16
    }
}

impl Cuts {
    fn note_first(&self, inputs: usize) {
        let me = thread::current().id();
        let firsts = || self.firsts.lock().unwrap();
        if firsts().iter().all(|(thread, _)| *thread != me) {
            firsts().push((me, inputs));
            // a thread does not help before all have begun, or one seems to have nothing to do
            let since = Instant::now();
            while firsts().len() < self.threads && since.elapsed().as_secs() < 10 {
                thread::yield_now();
            }
        }
    }
}

/// Layers that do not halve evenly, the first one large.
#[test]
#[cfg(not(miri))]
fn steps_are_cut_as_kernels_want_and_threads_begin_with_their_own() {
    let plan = Plan::mlp(1024, &[512, 300], 10, Activation::Relu, Loss::CrossEntropy);
    let rows = CUT_ROWS;
    let features: Vec<f32> = (0..rows * 1024).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
    let classes = Targets::Classes((0..rows as u32).map(|row| row % 10).collect());
    let data = Dataset::new(1024, features.into(), classes).unwrap();
    let mut answers = Vec::new();
    for (threads, fine) in [(1, true), (2, false), (2, true)] {
        let kernels = Arc::new(Cuts { fine, threads, ..Cuts::default() });
        let mut network = HostNetwork::new("cuts", Arc::clone(&kernels), &plan, threads).unwrap();
        network.set_parameters(&Init::GlorotUniform.draw(&plan, 1).unwrap()).unwrap();
        network.step(&data.all(), &Optimizer::adam(0.01)).unwrap();
        answers.push(network.parameters().unwrap());
        if threads == 1 {
            continue;
        }
        let mut products = kernels.products.lock().unwrap().clone();
        products.sort_unstable();
        let mut expected = vec![
            // back through the last layer, by rows, and the one before
            [10, 300],
            [10, 300],
            [300, 256],
            [300, 256],
            // forward
            [300, 10],
            [300, 10],
            [512, 160],
            [512, 140],
        ];
        expected.extend(if fine { vec![[1024, 128]; 4] } else { vec![[1024, 256]; 2] });
        expected.sort_unstable();
        assert_eq!(products, expected, "fine: {fine}");
        let firsts = kernels.firsts.lock().unwrap();
        let own = firsts.iter().all(|(_, inputs)| *inputs == 1024);
        assert!(own && firsts.len() == threads, "fine: {fine}, {firsts:?}");
    }
    assert!(answers.iter().all(|parameters| *parameters == answers[0]));
}

struct OddPanels;

impl Kernels<f32> for OddPanels {
    fn gemm(&self, a: MatRef<'_, f32>, b: MatRef<'_, f32>, beta: Beta, c: MatMut<'_, f32>) {
        Loops.gemm(a, b, beta, c);
    }

    fn panel_rows(&self) -> usize {
        24
    }
}

#[test]
#[should_panic(expected = "panels of 24 rows")]
fn panels_that_tasks_would_share_are_refused() {
    let plan = Plan::mlp(2, &[100], 2, Activation::Tanh, Loss::CrossEntropy);
    let _ = HostNetwork::new("odd", Arc::new(OddPanels), &plan, 2);
}
