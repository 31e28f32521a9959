//! The numpy tutorial's network: every backend follows numpy's own numbers.

mod common;

use common::{Golden, backends, network, precisions, relative_difference};
use consonance::data::Split;
use consonance::train::Trainer;
use consonance::{
    Activation, Dataset, Loss, Network, Optimizer, Plan, Precision, Reduction, Targets, Values,
};
use consonance_conformance::gradient_error_over_bound;

struct Tutorial {
    golden: Golden,
    plan: Plan,
    data: Dataset,
}

fn tutorial(precision: Precision) -> Tutorial {
    let golden = Golden::read("tutorial.safetensors");
    let inputs = golden.shape("X")[1];
    let hidden = golden.shape("epoch0.0.weight")[0];
    let outputs = golden.shape("epoch0.2.weight")[0];
    let plan = Plan::mlp(inputs, &[hidden], outputs, Activation::Tanh, Loss::CrossEntropy)
        .reduction(Reduction::Sum)
        .precision(precision);
    let features = Values::rounded(precision, golden.get("X"));
    let data = Dataset::new(inputs, features, Targets::Classes(golden.indices("y"))).unwrap();
    Tutorial { golden, plan, data }
}

impl Tutorial {
    fn beginning(&self) -> Values {
        Values::rounded(self.plan.precision, &self.golden.parameters("epoch0.", &self.plan))
    }

    fn train(&self, network: &mut dyn Network, epochs: usize) {
        let rate = self.golden.about["learning_rate"].as_f64().unwrap();
        let trainer = Trainer {
            epochs,
            batch_size: None,
            shuffle: false,
            ..Trainer::new(Optimizer::sgd(rate))
        };
        let train = (0..self.data.rows() as u32).collect();
        let split = Split { train, test: Vec::new() };
        trainer.fit(network, &self.data, &split, &mut ()).unwrap();
    }
}

#[test]
fn weights_after_1_10_and_100_epochs_are_numpys() {
    let tutorial = tutorial(Precision::F64);
    for backend in backends() {
        let mut network = network(&*backend, &tutorial.plan, 2, &tutorial.beginning());
        let mut done = 0;
        for epochs in [1, 10, 100] {
            tutorial.train(&mut *network, epochs - done);
            done = epochs;
            let expected = tutorial.golden.parameters(&format!("epoch{epochs}."), &tutorial.plan);
            let difference =
                relative_difference(&network.parameters().unwrap().to_f64(), &expected);
            let name = backend.info().name;
            assert!(difference <= 1e-10, "{name}: {difference:e} after {epochs} epochs");
        }
        let outputs = network.forward(&tutorial.data.all()).unwrap().to_f64();
        let classes = tutorial.plan.outputs();
        let predicted: Vec<u32> = outputs
            .chunks(classes)
            .map(|row| (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32)
            .collect();
        assert_eq!(predicted, tutorial.golden.indices("predictions"), "{}", backend.info().name);
    }
}

#[test]
fn the_first_step_is_within_the_bound_in_every_precision() {
    for precision in precisions() {
        let tutorial = tutorial(precision);
        for backend in backends() {
            let mut network = network(&*backend, &tutorial.plan, 2, &tutorial.beginning());
            let fraction = gradient_error_over_bound(&mut *network, &tutorial.data.all()).unwrap();
            assert!(fraction <= 1.0, "{} {precision}: {fraction}", backend.info().name);
        }
    }
}

/// The tutorial's softmax divides e^z by its sum, which is ∞/∞ for large logits. Here the shift by
/// the largest logit keeps loss and gradient exact.
#[test]
fn large_logits_overflow_the_tutorials_softmax_and_not_ours() {
    let golden = Golden::read("tutorial.safetensors");
    let logits = golden.get("overflow.logits");
    let width = golden.shape("overflow.logits")[1];
    let naive = golden.get("overflow.naive_probabilities");
    assert!(naive.iter().any(|p| p.is_nan()), "the example no longer overflows");
    // a dense layer with the identity as weights answers its inputs
    for precision in precisions() {
        let plan = Plan::new(width, Loss::CrossEntropy).dense(width).precision(precision);
        let identity: Vec<f64> = (0..width * width + width)
            .map(|i| if i < width * width && i % (width + 1) == 0 { 1.0 } else { 0.0 })
            .collect();
        for backend in backends() {
            let parameters = Values::rounded(precision, &identity);
            let mut network = network(&*backend, &plan, 1, &parameters);
            for (row, class) in golden.indices("overflow.classes").into_iter().enumerate() {
                let features = Values::rounded(precision, &logits[row * width..(row + 1) * width]);
                let data = Dataset::new(width, features, Targets::Classes(vec![class])).unwrap();
                let loss = network.loss_and_gradient(&data.all()).unwrap();
                let expected = golden.get("overflow.losses")[row];
                // shift, sum and logarithm: a few roundings of a loss of this size
                let tolerance = 8.0 * precision.unit_roundoff() * expected.max(1.0);
                assert!(
                    (loss - expected).abs() <= tolerance,
                    "{} {precision} row {row}: {loss} against {expected}",
                    backend.info().name
                );
                assert!(network.gradient().unwrap().is_finite());
            }
        }
    }
}
