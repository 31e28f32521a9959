//! Gradients against central differences of the backend's own forward pass, in `f64`.

use consonance_backend_candle::CandleBackend;
use consonance_core::rng::{Purpose, Stream};
use consonance_core::{
    Activation, Backend, Dataset, Loss, Network, Plan, Precision, Reduction, Targets, Values,
};

const ROWS: usize = 5;
const INPUTS: usize = 3;
const OUTPUTS: usize = 4;

/// Step of the differences: their error is of the order of h² from the curvature and u/h from
/// rounding, both about 1e-10 times numbers of the order of 1.
const H: f64 = 1e-5;
const BOUND: f64 = 1e-8;

fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, Purpose::Synthetic, 0, 0);
    (0..count).map(|_| stream.normal()).collect()
}

/// Numbers in (0, 1); if `sum_to_one`, each row's are probabilities.
fn fractions(count: usize, width: usize, sum_to_one: bool) -> Vec<f64> {
    let mut stream = Stream::new(3, Purpose::Synthetic, 0, 0);
    let mut values: Vec<f64> = (0..count * width).map(|_| stream.uniform()).collect();
    if sum_to_one {
        for row in values.chunks_exact_mut(width) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        }
    }
    values
}

fn plan(activation: Activation, loss: Loss, outputs: usize) -> Plan {
    Plan::mlp(INPUTS, &[6, 5], outputs, activation, loss).precision(Precision::F64)
}

fn data(targets: Targets) -> Dataset {
    Dataset::new(INPUTS, Values::from(normal(2, ROWS * INPUTS)), targets).unwrap()
}

fn numbers(width: usize, values: Vec<f64>) -> Targets {
    Targets::Values { width, values: Values::from(values) }
}

fn network(plan: &Plan) -> (Box<dyn Network>, Vec<f64>) {
    let mut network = CandleBackend::cpu().network(plan, 1).unwrap();
    let parameters = normal(1, plan.parameter_count().unwrap());
    network.set_parameters(&Values::from(parameters.clone())).unwrap();
    (network, parameters)
}

/// Holds the gradient against differences of the loss in every parameter.
fn check(plan: &Plan, data: &Dataset) {
    let (mut network, mut parameters) = network(plan);
    let mut loss_at = |parameters: &[f64]| {
        network.set_parameters(&Values::from(parameters.to_vec())).unwrap();
        let loss = network.loss_and_gradient(&data.all()).unwrap();
        (loss, network.gradient().unwrap().to_f64())
    };
    let (loss, gradient) = loss_at(&parameters);
    assert!(gradient.iter().any(|g| g.abs() > 1e-3), "nothing to compare");
    for index in 0..parameters.len() {
        let at = parameters[index];
        parameters[index] = at + H;
        let (above, _) = loss_at(&parameters);
        parameters[index] = at - H;
        let (below, _) = loss_at(&parameters);
        parameters[index] = at;
        let difference = (above - below) / (2.0 * H);
        assert!(
            (gradient[index] - difference).abs() <= BOUND * loss.abs().max(1.0),
            "{} parameter {index}: gradient {}, difference {difference}",
            plan.loss,
            gradient[index],
        );
    }
}

#[test]
fn gradients_of_every_activation_are_differences_of_the_loss() {
    let targets = numbers(OUTPUTS, normal(4, ROWS * OUTPUTS));
    let data = data(targets);
    for activation in Activation::ALL {
        // on the last layer too
        let plan = plan(activation, Loss::MeanSquaredError, OUTPUTS).activation(activation);
        check(&plan, &data);
    }
    for activation in [Activation::LeakyRelu { slope: 0.3 }, Activation::Elu { alpha: 0.5 }] {
        check(&plan(activation, Loss::MeanSquaredError, OUTPUTS), &data);
    }
}

#[test]
fn gradients_of_every_loss_are_differences_of_it() {
    let classes = || Targets::Classes(vec![0, 3, 1, 1, 2]);
    let binary = || Targets::Classes(vec![0, 1, 1, 0, 1]);
    let cases = [
        (Loss::CrossEntropy, OUTPUTS, classes()),
        (Loss::CrossEntropy, OUTPUTS, numbers(OUTPUTS, fractions(ROWS, OUTPUTS, true))),
        // also targets that do not sum to 1 have a well-defined loss
        (Loss::CrossEntropy, OUTPUTS, numbers(OUTPUTS, fractions(ROWS, OUTPUTS, false))),
        (Loss::BinaryCrossEntropy, 1, binary()),
        (Loss::BinaryCrossEntropy, OUTPUTS, numbers(OUTPUTS, fractions(ROWS, OUTPUTS, false))),
        (Loss::MeanSquaredError, OUTPUTS, numbers(OUTPUTS, normal(5, ROWS * OUTPUTS))),
    ];
    for (loss, outputs, targets) in cases {
        let data = data(targets);
        for reduction in [Reduction::Mean, Reduction::Sum] {
            check(&plan(Activation::Tanh, loss, outputs).reduction(reduction), &data);
        }
    }
}

#[test]
fn losses_are_those_of_the_reference() {
    let cases = [
        (Loss::CrossEntropy, OUTPUTS, Targets::Classes(vec![0, 3, 1, 1, 2])),
        (Loss::CrossEntropy, OUTPUTS, numbers(OUTPUTS, fractions(ROWS, OUTPUTS, true))),
        (Loss::BinaryCrossEntropy, 1, Targets::Classes(vec![0, 1, 1, 0, 1])),
        (Loss::BinaryCrossEntropy, OUTPUTS, numbers(OUTPUTS, fractions(ROWS, OUTPUTS, false))),
        (Loss::MeanSquaredError, OUTPUTS, numbers(OUTPUTS, normal(5, ROWS * OUTPUTS))),
    ];
    for (loss, outputs, targets) in cases {
        let plan = plan(Activation::Silu, loss, outputs);
        let (mut network, _) = network(&plan);
        let data = data(targets);
        let computed = network.loss_and_gradient(&data.all()).unwrap();
        let outputs = network.forward(&data.all()).unwrap();
        let expected = loss.value(&outputs, &data.all(), plan.reduction).unwrap();
        // some forty terms of the order of the loss, each good to a few roundings
        let bound = 100.0 * f64::EPSILON * expected.abs();
        assert!((computed - expected).abs() <= bound, "{loss}: {computed}, not {expected}");
    }
}

#[test]
fn input_gradients_are_differences_of_the_outputs() {
    let coefficients = normal(6, ROWS * OUTPUTS);
    for activation in Activation::ALL {
        let plan = plan(activation, Loss::CrossEntropy, OUTPUTS).activation(activation);
        let (mut network, _) = network(&plan);
        let mut features = normal(2, ROWS * INPUTS);
        let mut combination = |features: &[f64]| -> f64 {
            let data =
                Dataset::new(INPUTS, Values::from(features.to_vec()), Targets::None).unwrap();
            let outputs = network.forward(&data.all()).unwrap();
            outputs.iter().zip(&coefficients).map(|(output, c)| output * c).sum()
        };
        let mut differences = Vec::new();
        for index in 0..features.len() {
            let at = features[index];
            features[index] = at + H;
            let above = combination(&features);
            features[index] = at - H;
            let below = combination(&features);
            features[index] = at;
            differences.push((above - below) / (2.0 * H));
        }
        let data = Dataset::new(INPUTS, Values::from(features), Targets::None).unwrap();
        let gradient =
            network.input_gradient(&data.all(), &Values::from(coefficients.clone())).unwrap();
        assert_eq!(gradient.len(), ROWS * INPUTS);
        for (gradient, difference) in gradient.iter().zip(differences) {
            let bound = 10.0 * BOUND * difference.abs().max(1.0);
            assert!(
                (gradient - difference).abs() <= bound,
                "{activation}: {gradient} {difference}"
            );
        }
    }
}

#[test]
fn activations_are_sums_and_values_of_each_layer() {
    let plan = plan(Activation::Gelu, Loss::MeanSquaredError, OUTPUTS);
    let (mut network, _) = network(&plan);
    let data = data(Targets::None);
    let batch = data.batch(&[3, 0, 3]);
    let sums = network.activations(&batch, 0).unwrap();
    let values = network.activations(&batch, 1).unwrap();
    assert_eq!(sums.len(), 3 * 6);
    let applied: Vec<f64> = sums.iter().map(|x| Activation::Gelu.apply(x)).collect();
    assert_eq!(values.to_f64(), applied);
    assert_eq!(network.activations(&batch, 4).unwrap(), network.forward(&batch).unwrap());
}
