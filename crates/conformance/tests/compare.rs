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

/// A network whose gradient is changed before it is seen.
struct Wrong(Box<dyn Network>, fn(&Plan, &mut [f64]));

impl Network for Wrong {
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
        let mut gradient = self.0.gradient()?.to_f64();
        (self.1)(self.plan(), &mut gradient);
        Ok(Values::rounded(self.plan().precision, &gradient))
    }

    fn set_gradient(&mut self, gradient: &Values) -> Result<()> {
        self.0.set_gradient(gradient)
    }

    fn optimizer_state(&self) -> Result<OptimizerState> {
        self.0.optimizer_state()
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()> {
        self.0.set_optimizer_state(state)
    }
}

fn plan(inputs: usize, hidden: &[usize]) -> Plan {
    Plan::mlp(inputs, hidden, 10, Activation::Relu, Loss::CrossEntropy)
}

/// A network of drawn weights, and rows for it.
fn network_and_rows(plan: &Plan, rows: usize) -> (Box<dyn Network>, Dataset) {
    let features: Vec<f32> =
        (0..rows * plan.inputs).map(|i| (i * 31 % 257) as f32 / 257.0).collect();
    let classes = Targets::Classes((0..rows as u32).map(|row| row * 7 % 10).collect());
    let data = Dataset::new(plan.inputs, features.into(), classes).unwrap();
    let backend = HostBackend::new("loops", "0.0.0", "plain loops", Loops);
    let mut network = backend.network(plan, 1).unwrap();
    network.set_parameters(&Init::HeUniform.draw(plan, 1).unwrap()).unwrap();
    (network, data)
}

#[test]
fn a_first_step_is_within_its_bounds_and_a_wrong_one_is_not() {
    for plan in [plan(64, &[128, 64]), plan(784, &[128])] {
        let (mut network, data) = network_and_rows(&plan, 64);
        let fraction = gradient_error_over_bound(&mut *network, &data.all()).unwrap();
        assert!(fraction > 0.0 && fraction <= 1.0, "{fraction}");
        let adam = Optimizer::adam(0.01);
        let fraction = update_error_over_bound(&mut *network, &adam).unwrap();
        assert!(fraction > 0.0 && fraction <= 1.0, "{fraction}");
        // its updates are those of another gradient than it shows
        let double = |_: &Plan, g: &mut [f64]| g.iter_mut().for_each(|g| *g *= 2.0);
        let mut doubled = Wrong(network, double);
        let fraction = gradient_error_over_bound(&mut doubled, &data.all()).unwrap();
        assert!(fraction > 1.0, "{fraction}");
        assert!(update_error_over_bound(&mut doubled, &adam).unwrap() > 1.0);
    }
}

/// A bound that anything is within would be no test of networks of this size.
#[test]
fn small_faults_of_large_networks_are_seen() {
    let zeros: fn(&Plan, &mut [f64]) = |plan, gradient| {
        gradient[plan.dense_layers().unwrap()[0].weight.clone()].fill(0.0);
    };
    let no_bias: fn(&Plan, &mut [f64]) = |plan, gradient| {
        gradient[plan.dense_layers().unwrap()[0].bias.clone()].fill(0.0);
    };
    // one thousandth too large in a hidden layer
    let scaled: fn(&Plan, &mut [f64]) = |plan, gradient| {
        let weight = plan.dense_layers().unwrap()[1].weight.clone();
        gradient[weight].iter_mut().for_each(|g| *g *= 1.001);
    };
    for plan in [plan(784, &[256, 256]), plan(64, &[64; 8])] {
        let (mut network, data) = network_and_rows(&plan, 32);
        let fraction = gradient_error_over_bound(&mut *network, &data.all()).unwrap();
        assert!(fraction > 0.0 && fraction <= 1.0, "{fraction}");
        for change in [zeros, no_bias, scaled] {
            let mut wrong = Wrong(network, change);
            let fraction = gradient_error_over_bound(&mut wrong, &data.all()).unwrap();
            assert!(fraction > 1.0, "{fraction}");
            network = wrong.0;
        }
    }
}
