//! PyTorch's numbers: losses, gradients and updates of two networks over ten steps.

mod common;

use common::{Golden, backends, network, precisions, relative_difference};
use consonance::{Dataset, Loss, Optimizer, Plan, Precision, Reduction, Targets, Values};
use consonance_conformance::gradient_error_over_bound;

const NETWORKS: [(&str, Loss); 2] = [
    ("pytorch_classes.safetensors", Loss::CrossEntropy),
    ("pytorch_regression.safetensors", Loss::MeanSquaredError),
];

/// The goldens are `f64` sums in another order: γ of sums of up to 40 terms, through 4 layers and
/// back, over 10 steps is 40·8·10·2⁻⁵³ = 4·10⁻¹³ of their magnitudes.
const RELATIVE: f64 = 1e-12;

fn data(golden: &Golden, plan: &Plan) -> Dataset {
    let targets = match plan.loss {
        Loss::CrossEntropy => Targets::Classes(golden.indices("y")),
        _ => Targets::Values {
            width: plan.outputs(),
            values: Values::rounded(plan.precision, golden.get("y")),
        },
    };
    Dataset::new(plan.inputs, Values::rounded(plan.precision, golden.get("x")), targets).unwrap()
}

fn optimizers(golden: &Golden) -> Vec<(String, Optimizer)> {
    let settings = golden.about["optimizers"].as_object().unwrap();
    let read = |(name, value): (&String, &serde_json::Value)| {
        let mut value = value.clone();
        if value.get("name").is_none() {
            value["name"] = name.split('_').next().unwrap().into();
        }
        (name.clone(), serde_json::from_value(value).unwrap())
    };
    settings.iter().map(read).collect()
}

#[test]
fn ten_steps_of_every_optimiser_are_pytorchs() {
    for (file, loss) in NETWORKS {
        let golden = Golden::read(file);
        let plan = golden.plan(loss).precision(Precision::F64);
        let data = data(&golden, &plan);
        let initial = Values::from(golden.parameters("initial.", &plan));
        for backend in backends() {
            for (name, optimizer) in optimizers(&golden) {
                let mut network = common::network(&*backend, &plan, 2, &initial);
                // the same in whole steps, which keep no gradient
                let mut stepped = common::network(&*backend, &plan, 2, &initial);
                for step in 0..golden.shape("batches")[0] {
                    let place = format!("{file} {name} step {step} on {}", backend.info().name);
                    let rows: Vec<u32> =
                        golden.row("batches", step).iter().map(|&r| r as u32).collect();
                    let loss = network.loss_and_gradient(&data.batch(&rows)).unwrap();
                    assert_eq!(stepped.step(&data.batch(&rows), &optimizer).unwrap(), loss);
                    let expected = golden.get(&format!("{name}.loss"))[step];
                    assert!((loss / expected - 1.0).abs() < RELATIVE, "{place}: loss {loss}");
                    let expected = golden.parameters_at(&format!("{name}.gradient."), &plan, step);
                    let gradient = network.gradient().unwrap().to_f64();
                    network.update(&optimizer).unwrap();
                    let difference = relative_difference(&gradient, &expected);
                    assert!(difference < RELATIVE, "{place}: gradient {difference:e}");
                }
                let expected = golden.parameters(&format!("{name}.final."), &plan);
                assert_eq!(stepped.parameters().unwrap(), network.parameters().unwrap(), "{file}");
                let last = network.parameters().unwrap().to_f64();
                let difference = relative_difference(&last, &expected);
                assert!(difference < RELATIVE, "{file} {name}: parameters {difference:e}");
            }
        }
    }
}

#[test]
fn first_steps_are_within_the_bound_in_every_precision() {
    for (file, loss) in NETWORKS {
        let golden = Golden::read(file);
        for precision in precisions() {
            let plan = golden.plan(loss).precision(precision);
            let data = data(&golden, &plan);
            let initial = Values::rounded(precision, &golden.parameters("initial.", &plan));
            for backend in backends() {
                let mut network = network(&*backend, &plan, 2, &initial);
                let fraction = gradient_error_over_bound(&mut *network, &data.all()).unwrap();
                assert!(fraction <= 1.0, "{file} {} {precision}: {fraction}", backend.info().name);
            }
        }
    }
}

#[test]
fn input_gradients_are_pytorchs() {
    for (file, loss) in NETWORKS {
        let golden = Golden::read(file);
        let plan = golden.plan(loss).precision(Precision::F64);
        let data = data(&golden, &plan);
        let initial = Values::from(golden.parameters("initial.", &plan));
        let coefficients = Values::from(golden.get("input_gradient.coefficients").to_vec());
        for backend in backends() {
            let mut network = network(&*backend, &plan, 2, &initial);
            let outputs = network.forward(&data.all()).unwrap().to_f64();
            let gradient = network.input_gradient(&data.all(), &coefficients).unwrap().to_f64();
            for (own, name) in
                [(outputs, "input_gradient.outputs"), (gradient, "input_gradient.value")]
            {
                let difference = relative_difference(&own, golden.get(name));
                assert!(difference < RELATIVE, "{file} {}: {difference:e}", backend.info().name);
            }
        }
    }
}

#[test]
fn losses_of_probabilities_and_numbers_are_pytorchs() {
    let golden = Golden::read("pytorch_losses.safetensors");
    for (name, loss) in [
        ("cross_entropy_probabilities", Loss::CrossEntropy),
        ("binary_cross_entropy", Loss::BinaryCrossEntropy),
        ("mse", Loss::MeanSquaredError),
    ] {
        for (reduction_name, reduction) in [("mean", Reduction::Mean), ("sum", Reduction::Sum)] {
            let plan = golden.plan(loss).precision(Precision::F64).reduction(reduction);
            let values = Values::from(golden.get(&format!("{name}.targets")).to_vec());
            let targets = Targets::Values { width: plan.outputs(), values };
            let x = Values::from(golden.get("x").to_vec());
            let data = Dataset::new(plan.inputs, x, targets).unwrap();
            let initial = Values::from(golden.parameters("initial.", &plan));
            for backend in backends() {
                let mut network = network(&*backend, &plan, 1, &initial);
                let loss = network.loss_and_gradient(&data.all()).unwrap();
                let prefix = format!("{name}.{reduction_name}.");
                let expected = golden.get(&format!("{prefix}loss"))[0];
                assert!((loss / expected - 1.0).abs() < RELATIVE, "{prefix} {loss} {expected}");
                let expected = golden.parameters(&format!("{prefix}gradient."), &plan);
                let gradient = network.gradient().unwrap().to_f64();
                let difference = relative_difference(&gradient, &expected);
                assert!(difference < RELATIVE, "{prefix}: gradient {difference:e}");
                // and the loss that evaluation reports
                let outputs = network.forward(&data.all()).unwrap();
                let value = plan.loss.value(&outputs, &data.all(), reduction).unwrap();
                assert!((value / loss - 1.0).abs() < RELATIVE, "{prefix} {value} {loss}");
            }
        }
    }
}

#[test]
fn activations_and_derivatives_are_pytorchs() {
    let golden = Golden::read("pytorch_activations.safetensors");
    let x = golden.get("x");
    for activation in consonance::Activation::ALL {
        let plan = Plan::new(1, Loss::MeanSquaredError)
            .dense(1)
            .activation(activation)
            .precision(Precision::F64);
        let data = Dataset::new(1, Values::from(x.to_vec()), Targets::None).unwrap();
        let ones = Values::from(vec![1.0_f64; x.len()]);
        for backend in backends() {
            let mut network = network(&*backend, &plan, 1, &Values::from(vec![1.0_f64, 0.0]));
            let values = network.forward(&data.all()).unwrap().to_f64();
            let derivatives = network.input_gradient(&data.all(), &ones).unwrap().to_f64();
            for (own, kind) in [(values, "value"), (derivatives, "derivative")] {
                let expected = golden.get(&format!("{}.{kind}", activation.name()));
                for ((own, expected), x) in own.iter().zip(expected).zip(x) {
                    // PyTorch's gelu cancels in its lower tail, so the comparison is absolute:
                    // a few roundings of numbers up to 8
                    assert!(
                        (own - expected).abs() <= 4.0 * f64::EPSILON * expected.abs().max(1.0),
                        "{} {kind} at {x} on {}: {own} against {expected}",
                        activation,
                        backend.info().name
                    );
                }
            }
        }
    }
}
