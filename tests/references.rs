//! The numbers of other libraries: scikit-learn's scores, PyTorch's outputs for its own state dict.

mod common;

use common::{Golden, backends, golden_path, network, precisions, relative_difference};
use consonance::data::{Standardizer, TargetEncoding};
use consonance::train::{Score, StateDict, evaluate};
use consonance::{Activation, Dataset, Loss, Plan, Precision, Reduction, Targets, Values};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_slice(&std::fs::read(golden_path("sklearn.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value.as_array() {
        Some(values) => values.iter().flat_map(numbers).collect(),
        None => vec![value.as_f64().unwrap()],
    }
}

fn close(own: f64, expected: f64) -> bool {
    (own - expected).abs() <= 1e-12 * expected.abs().max(1.0)
}

/// A network of one dense layer with the identity as weights answers its inputs: so any outputs
/// can be scored.
fn score(outputs: &[f64], width: usize, loss: Loss, targets: Targets) -> (f64, Score) {
    let plan = Plan::new(width, loss).dense(width).precision(Precision::F64);
    let identity: Vec<f64> = (0..width * width + width)
        .map(|i| if i < width * width && i % (width + 1) == 0 { 1.0 } else { 0.0 })
        .collect();
    let backend = &backends()[0];
    let mut network = network(&**backend, &plan, 1, &Values::from(identity));
    let data = Dataset::new(width, Values::from(outputs.to_vec()), targets).unwrap();
    let encoding = TargetEncoding::Values { standardizer: None };
    let metrics = evaluate(&mut *network, &data.all(), &encoding).unwrap();
    (metrics.loss, metrics.score)
}

#[test]
fn accuracy_and_log_loss_are_scikit_learns() {
    let golden = &golden()["classification"];
    let truth: Vec<u32> = numbers(&golden["truth"]).iter().map(|&c| c as u32).collect();
    let logits: Vec<f64> = numbers(&golden["probabilities"]).iter().map(|p| p.ln()).collect();
    let width = logits.len() / truth.len();
    let (loss, score) = score(&logits, width, Loss::CrossEntropy, Targets::Classes(truth));
    assert!(close(loss, golden["log_loss"].as_f64().unwrap()), "{loss}");
    let Score::Classes { accuracy } = score else { panic!("{score:?}") };
    assert!(close(accuracy, golden["accuracy"].as_f64().unwrap()), "{accuracy}");
}

#[test]
fn squared_error_and_r2_are_scikit_learns() {
    let golden = &golden()["regression"]["one_output"];
    let truth = numbers(&golden["truth"]);
    let targets = Targets::Values { width: 1, values: Values::from(truth) };
    let predictions = numbers(&golden["predictions"]);
    let (loss, score) = score(&predictions, 1, Loss::MeanSquaredError, targets);
    let Score::Values { rmse, r2 } = score else { panic!("{score:?}") };
    for (own, name) in [(loss, "mse"), (rmse, "rmse"), (r2.unwrap(), "r2")] {
        assert!(close(own, golden[name].as_f64().unwrap()), "{name}: {own}");
    }
}

#[test]
fn a_standardizer_is_scikit_learns() {
    let golden = &golden()["standard_scaler"]["constant_column"];
    let x = numbers(&golden["X"]);
    let width = numbers(&golden["mean"]).len();
    let standardizer = Standardizer::fit_values(width, &x).unwrap();
    let mut scaled = x;
    standardizer.apply(&mut scaled).unwrap();
    for (own, name) in
        [(&standardizer.mean, "mean"), (&standardizer.scale, "scale"), (&scaled, "scaled")]
    {
        let expected = numbers(&golden[name]);
        assert_eq!(own.len(), expected.len());
        assert!(own.iter().zip(&expected).all(|(a, b)| close(*a, *b)), "{name}: {own:?}");
    }
}

#[test]
fn a_state_dict_answers_as_in_pytorch() {
    let golden = Golden::read("state_dict_outputs.safetensors");
    for precision in precisions() {
        let plan = Plan::mlp(64, &[32], 10, Activation::Relu, Loss::CrossEntropy)
            .reduction(Reduction::Mean)
            .precision(precision);
        let dict = StateDict::read(&golden_path("state_dict.safetensors")).unwrap();
        let parameters = dict.parameters(&plan).unwrap().parameters;
        let x = Values::rounded(precision, golden.get("x"));
        let data = Dataset::new(64, x, Targets::None).unwrap();
        for backend in backends() {
            let mut network = network(&*backend, &plan, 1, &parameters);
            let outputs = network.forward(&data.all()).unwrap().to_f64();
            let difference = relative_difference(&outputs, golden.get("outputs"));
            // PyTorch's own outputs are sums of 64 and of 32 terms in f32
            let tolerance = (64.0 + 32.0 + 4.0) * Precision::F32.unit_roundoff();
            assert!(difference <= tolerance, "{} {precision}: {difference}", backend.info().name);
        }
    }
}
