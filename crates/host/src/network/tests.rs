use crate::HostBackend;
use crate::kernels::{Beta, Kernels};
use crate::math::Math;
use crate::matrix::{MatMut, MatRef};
use consonance_core::{
    Activation, Backend, Batch, Dataset, Init, Loss, Optimizer, OptimizerState, Plan, Targets,
    Values,
};

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
