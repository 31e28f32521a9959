//! What the command line's `compare` asks for.

use consonance_conformance::{gradient_error_over_bound, update_error_over_bound};
use consonance_core::{
    Activation, Backend, Batch, Dataset, Init, Loss, Network, Optimizer, OptimizerState, Plan,
    Result, Targets, Values,
};
use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};

struct Loops;

impl<T: Math> Kernels<T> for Loops {
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
        for i in 0..c.rows() {
            for j in 0..c.cols() {
                let start = if beta == Beta::One { c.as_ref().get(i, j) } else { T::zero() };
                let terms = (0..a.cols()).map(|k| a.get(i, k) * b.get(k, j));
                c.set(i, j, terms.fold(start, |sum, term| sum + term));
            }
        }
    }
}

/// A network whose gradient is twice what it should be.
struct Doubled(Box<dyn Network>);

impl Network for Doubled {
    fn plan(&self) -> &Plan {
        self.0.plan()
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Values> {
        self.0.forward(batch)
    }

    fn loss_and_gradient(&mut self, batch: &Batch<'_>) -> Result<f64> {
        self.0.loss_and_gradient(batch)
    }

    fn update(&mut self, optimizer: &Optimizer) -> Result<()> {
        self.0.update(optimizer)
    }

    fn input_gradient(&mut self, batch: &Batch<'_>, coefficients: &Values) -> Result<Values> {
        self.0.input_gradient(batch, coefficients)
    }

    fn activations(&mut self, batch: &Batch<'_>, layer: usize) -> Result<Values> {
        self.0.activations(batch, layer)
    }

    fn parameters(&self) -> Result<Values> {
        self.0.parameters()
    }

    fn set_parameters(&mut self, parameters: &Values) -> Result<()> {
        self.0.set_parameters(parameters)
    }

    fn gradient(&self) -> Result<Values> {
        let doubled: Vec<f64> = self.0.gradient()?.iter().map(|g| 2.0 * g).collect();
        Ok(Values::rounded(self.plan().precision, &doubled))
    }

    fn optimizer_state(&self) -> Result<OptimizerState> {
        self.0.optimizer_state()
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()> {
        self.0.set_optimizer_state(state)
    }
}

#[test]
fn a_first_step_is_within_its_bounds_and_a_wrong_one_is_not() {
    let plans = [
        Plan::mlp(64, &[128, 64], 10, Activation::Relu, Loss::CrossEntropy),
        Plan::mlp(784, &[128], 10, Activation::Relu, Loss::CrossEntropy),
    ];
    for plan in plans {
        let features: Vec<f32> =
            (0..64 * plan.inputs).map(|i| (i * 31 % 257) as f32 / 257.0).collect();
        let classes = Targets::Classes((0..64).map(|row| row * 7 % 10).collect());
        let data = Dataset::new(plan.inputs, features.into(), classes).unwrap();
        let backend = HostBackend::new("loops", "0.0.0", "plain loops", Loops);
        let mut network = backend.network(&plan, 1).unwrap();
        network.set_parameters(&Init::HeUniform.draw(&plan, 1).unwrap()).unwrap();
        let fraction = gradient_error_over_bound(&mut *network, &data.all()).unwrap();
        assert!(fraction > 0.0 && fraction <= 1.0, "{fraction}");
        let adam = Optimizer::adam(0.01);
        let fraction = update_error_over_bound(&mut *network, &adam).unwrap();
        assert!(fraction > 0.0 && fraction <= 1.0, "{fraction}");
        // its updates are those of another gradient than it shows
        let mut doubled = Doubled(network);
        let fraction = gradient_error_over_bound(&mut doubled, &data.all()).unwrap();
        assert!(fraction > 1.0, "{fraction}");
        assert!(update_error_over_bound(&mut doubled, &adam).unwrap() > 1.0);
    }
}
