//! Outputs, losses and gradients of whole networks against the oracle.

use super::begin;
use crate::checks::material::{
    Kind, Poison, dataset, natural_kind, network, normal_values, stream,
};
use crate::oracle::Oracle;
use crate::{Report, Subject};
use consonance_core::{Activation, Batch, Loss, Network, Plan, Reduction, Result};

/// Inputs, hidden layers, outputs, rows.
const SHAPES: [(usize, &[usize], usize, usize); 7] = [
    (1, &[], 1, 1),
    (5, &[], 3, 4),
    (1, &[1], 1, 2),
    (3, &[5], 2, 7),
    (64, &[32], 10, 64),
    (13, &[17, 31], 7, 65),
    (33, &[65, 64, 63], 9, 130),
];

fn plan(subject: &Subject<'_>, shape: usize, f: Activation, loss: Loss) -> (Plan, usize) {
    let (inputs, hidden, outputs, rows) = SHAPES[shape];
    (subject.mlp(inputs, hidden, outputs, f, loss), rows)
}

/// Holds every layer's output, and the network's, against the oracle.
fn hold_outputs(
    network: &mut dyn Network,
    batch: &Batch<'_>,
    place: &str,
    report: &mut Report,
) -> Result<()> {
    let oracle = Oracle::new(network.plan(), &network.parameters()?)?;
    let layers = oracle.activations(batch)?;
    let poison = Poison::new(network.plan(), batch.len())?;
    poison.all(network)?;
    let outputs = network.forward(batch)?;
    report.all_within(place, &outputs, &oracle.forward(batch)?.elements);
    for (layer, expected) in layers.iter().enumerate() {
        poison.outputs(network)?;
        let got = network.activations(batch, layer)?;
        report.all_within(format_args!("{place}, layer {layer}"), &got, &expected.elements);
    }
    Ok(())
}

/// Forward, and each layer's activations, for every activation: between layers, and on the last.
pub fn outputs(subject: &Subject<'_>) -> Report {
    let mut report = match begin("outputs", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let loss = Loss::MeanSquaredError;
    for (number, &f) in subject.capabilities.activations.iter().enumerate() {
        for shape in 0..SHAPES.len() {
            let (plan, rows) = plan(subject, shape, f, loss);
            for plan in [plan.clone(), plan.activation(f)] {
                let place = format!("{rows} rows through {:?}", plan.layers);
                report.attempt(&place, |report| {
                    let mut network = network(subject, &plan, 100 + number)?;
                    let data = dataset(network.plan(), Kind::Numbers, rows, 200 + shape)?;
                    hold_outputs(&mut *network, &data.all(), &place, report)
                });
            }
        }
    }
    // more rows than a backend is likely to take at once
    let plan = subject.mlp(8, &[9], 3, Activation::Tanh, loss);
    report.attempt("1537 rows", |report| {
        let mut network = network(subject, &plan, 100)?;
        let data = dataset(network.plan(), Kind::Numbers, 1537, 300)?;
        hold_outputs(&mut *network, &data.all(), "1537 rows", report)
    });
    report
}

/// The loss and its gradient with respect to every parameter, for every activation, loss, kind of
/// targets and reduction.
pub fn gradients(subject: &Subject<'_>) -> Report {
    let mut report = match begin("gradients", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let losses = [
        (Loss::CrossEntropy, Kind::Classes),
        (Loss::CrossEntropy, Kind::Numbers),
        (Loss::BinaryCrossEntropy, Kind::Classes),
        (Loss::BinaryCrossEntropy, Kind::Numbers),
        (Loss::MeanSquaredError, Kind::Numbers),
    ];
    for (number, &f) in subject.capabilities.activations.iter().enumerate() {
        if subject.capabilities.losses.contains(&Loss::CrossEntropy) {
            let place = format!("{f}, 9 layers");
            report.attempt(&place, |report| {
                let mut network = network(subject, &deep(subject, f), 400 + number)?;
                let data = dataset(network.plan(), Kind::Classes, 16, 507)?;
                hold_gradient(&mut *network, &data.all(), &place, report)
            });
        }
        for (loss, kind) in losses {
            if !subject.capabilities.losses.contains(&loss) {
                continue;
            }
            for reduction in [Reduction::Mean, Reduction::Sum] {
                // the largest shape is the slowest, and once for each activation is enough
                let shapes = if loss == Loss::CrossEntropy { 0..7 } else { 0..6 };
                for shape in shapes {
                    let (plan, rows) = plan(subject, shape, f, loss);
                    let one_class_output =
                        loss == Loss::BinaryCrossEntropy && kind == Kind::Classes;
                    if one_class_output && plan.outputs() != 1 {
                        continue;
                    }
                    // an activation on the outputs makes sense for values only
                    let ends_in_activation = loss == Loss::MeanSquaredError && shape % 2 == 1;
                    let plan = if ends_in_activation { plan.activation(f) } else { plan };
                    let plan = plan.reduction(reduction);
                    let place =
                        format!("{f}, {loss}, {kind:?}, {reduction:?}, {:?}", SHAPES[shape]);
                    report.attempt(&place, |report| {
                        let mut network = network(subject, &plan, 400 + number)?;
                        let data = dataset(network.plan(), kind, rows, 500 + shape)?;
                        hold_gradient(&mut *network, &data.all(), &place, report)
                    });
                }
            }
        }
    }
    report
}

/// Many layers, each as wide as the one before: errors must not grow into anything goes.
fn deep(subject: &Subject<'_>, f: Activation) -> Plan {
    subject.mlp(64, &[64; 8], 10, f, Loss::CrossEntropy)
}

/// Holds a batch's loss and gradient against the oracle.
pub(super) fn hold_gradient(
    network: &mut dyn Network,
    batch: &Batch<'_>,
    place: &str,
    report: &mut Report,
) -> Result<()> {
    let oracle = Oracle::new(network.plan(), &network.parameters()?)?;
    let expected = oracle.loss_and_gradient(batch)?;
    Poison::new(network.plan(), batch.len())?.all(network)?;
    let loss = network.loss_and_gradient(batch)?;
    report.within(format_args!("{place}, loss"), loss, expected.loss);
    let gradient = network.gradient()?;
    report.all_within(format_args!("{place}, gradient"), &gradient, &expected.gradient);
    Ok(())
}

/// The gradient of a linear combination of the outputs with respect to the inputs, for every
/// activation.
pub fn input_gradients(subject: &Subject<'_>) -> Report {
    let mut report = match begin("input_gradients", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let loss = Loss::CrossEntropy;
    let large = [(1037, subject.mlp(6, &[7], 4, Activation::Tanh, loss))];
    let small = subject.capabilities.activations.iter().flat_map(|&f| {
        (0..SHAPES.len()).map(move |shape| {
            let (plan, rows) = plan(subject, shape, f, loss);
            (rows, if shape % 2 == 0 { plan.activation(f) } else { plan })
        })
    });
    for (number, (rows, plan)) in small.chain(large).enumerate() {
        let place = format!("{rows} rows through {:?}", plan.layers);
        report.attempt(&place, |report| {
            let mut network = network(subject, &plan, 600 + number)?;
            let plan = network.plan().clone();
            let data = dataset(&plan, natural_kind(&plan), rows, 700 + number)?;
            let mut stream = stream(800 + number);
            let len = rows * plan.outputs();
            let coefficients = normal_values(&mut stream, plan.precision, len, 1.0);
            Poison::new(&plan, rows)?.all(&mut *network)?;
            let got = network.input_gradient(&data.all(), &coefficients)?;
            let oracle = Oracle::new(&plan, &network.parameters()?)?;
            let expected = oracle.input_gradient(&data.all(), &coefficients)?;
            report.all_within(&place, &got, &expected.elements);
            Ok(())
        });
    }
    report
}
