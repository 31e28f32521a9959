//! What a backend must refuse, with the error the contract names, and without changing anything.

use super::begin;
use crate::checks::material::{Snapshot, dataset, natural_kind, network};
use crate::{Report, Subject};
use consonance_core::{
    Activation, Batch, Dataset, Error, Loss, Network, Optimizer, OptimizerState, Plan, Precision,
    Result, Rows, Targets, Values,
};

fn is_data(error: &Error) -> bool {
    matches!(error, Error::Data(_))
}

fn is_mismatch(error: &Error) -> bool {
    matches!(error, Error::Mismatch { .. })
}

fn is_optimizer(error: &Error) -> bool {
    matches!(error, Error::Optimizer(_))
}

fn other_precision(precision: Precision) -> Precision {
    match precision {
        Precision::F32 => Precision::F64,
        Precision::F64 => Precision::F32,
    }
}

/// A network before its first step, and one after.
fn subjects(subject: &Subject<'_>, plan: &Plan) -> Result<[(&'static str, Box<dyn Network>); 2]> {
    let fresh = network(subject, plan, 1400)?;
    let mut trained = network(subject, plan, 1401)?;
    let data = dataset(trained.plan(), natural_kind(trained.plan()), 9, 1402)?;
    trained.step(&data.all(), &Optimizer::adam(0.01))?;
    Ok([("fresh", fresh), ("trained", trained)])
}

/// Batches whose rows or targets do not fit the plan.
pub fn refused_batches(subject: &Subject<'_>) -> Report {
    let mut report = match begin("refused_batches", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let precision = subject.precision;
    for loss in subject.capabilities.losses.clone() {
        report.attempt(loss, |report| {
            let plan = subject.mlp(4, &[6], 3, Activation::Tanh, loss);
            let zeros = |len| Values::zeros(precision, len);
            let numbers =
                |width: usize, rows| Targets::Values { width, values: zeros(width * rows) };
            let data = |inputs: usize, rows: usize, targets| {
                Dataset::new(inputs, zeros(inputs * rows), targets)
            };
            let good = match loss {
                Loss::CrossEntropy => data(4, 5, Targets::Classes(vec![0, 1, 2, 1, 0]))?,
                _ => data(4, 5, numbers(3, 5))?,
            };
            let wide = data(5, 5, good.targets().clone())?;
            let features = Values::zeros(other_precision(precision), 20);
            let imprecise = Dataset::new(4, features, Targets::Classes(vec![0; 5]))?;
            let without = data(4, 5, Targets::None)?;
            let broad = data(4, 5, numbers(4, 5))?;
            // for cross-entropy class 3 is one too many; the other losses take no classes here
            let classes = data(4, 5, Targets::Classes(vec![0, 1, 2, 3, 0]))?;

            // what does not fit the inputs, then what fits them but not the loss
            let range = |range| Batch { data: &good, rows: Rows::Range(range) };
            let inputs = [
                ("rows of another width", wide.all()),
                ("rows of another precision", imprecise.all()),
                ("no rows, as a list", good.batch(&[])),
                ("no rows, as a range", range(2..2)),
                ("a row past the end, in a list", good.batch(&[0, 5])),
                ("a row past the end, in a range", range(3..6)),
            ];
            let targets = [
                ("no targets", without.all()),
                ("targets of another width", broad.all()),
                ("a class without an output", classes.all()),
            ];
            for (age, mut network) in subjects(subject, &plan)? {
                let before = Snapshot::of(&*network)?;
                for (what, batch) in inputs.iter().chain(&targets) {
                    let fits_inputs = targets.iter().any(|(other, _)| other == what);
                    let place = format!("{loss}, {age} network, {what}");
                    let loss = network.loss_and_gradient(batch);
                    report.refused(format_args!("loss_and_gradient: {place}"), loss, is_data);
                    let step = network.step(batch, &Optimizer::adam(0.01));
                    report.refused(format_args!("step: {place}"), step, is_data);
                    let rows = batch.len();
                    let coefficients = Values::zeros(precision, 3 * rows);
                    let answers = [
                        ("forward", network.forward(batch), 3),
                        ("activations", network.activations(batch, 0), 6),
                        ("input_gradient", network.input_gradient(batch, &coefficients), 4),
                    ];
                    for (call, answer, width) in answers {
                        let place = format!("{call}: {place}");
                        if fits_inputs {
                            // prediction needs no targets
                            if let Some(values) = report.ok(&place, answer) {
                                let len = values.len();
                                report.require(len == rows * width, &place, "another length");
                            }
                        } else {
                            report.refused(place, answer, is_data);
                        }
                    }
                    report.same_memory(&place, &before, &Snapshot::of(&*network)?);
                }
                report.ok(
                    format_args!("{loss}: a good batch"),
                    network.loss_and_gradient(&good.all()),
                );
            }
            Ok(())
        });
    }
    if subject.capabilities.losses.contains(&Loss::BinaryCrossEntropy) {
        report.attempt("two classes", |report| {
            let plan = Plan::new(1, Loss::BinaryCrossEntropy).dense(1);
            let mut network = network(subject, &plan, 1403)?;
            let targets = Targets::Classes(vec![0, 2]);
            let data = Dataset::new(1, Values::zeros(precision, 2), targets)?;
            let first = network.loss_and_gradient(&data.batch(&[0]));
            report.ok("binary cross-entropy of class 0", first);
            let second = network.loss_and_gradient(&data.all());
            report.refused("binary cross-entropy of class 2", second, is_data);
            Ok(())
        });
    }
    report
}

/// Parameters, moments and coefficients of another length or precision, and layers that do not
/// exist.
pub fn refused_buffers(subject: &Subject<'_>) -> Report {
    let mut report = match begin("refused_buffers", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let precision = subject.precision;
    report.attempt("buffers", |report| {
        let plan = subject.mlp(4, &[6], 3, Activation::Tanh, Loss::MeanSquaredError);
        let count = plan.parameter_count()?;
        for (age, mut network) in subjects(subject, &plan)? {
            let data = dataset(network.plan(), natural_kind(network.plan()), 5, 1404)?;
            let before = Snapshot::of(&*network)?;
            let wrong = |len: usize| {
                [
                    Values::zeros(precision, len - 1),
                    Values::zeros(precision, len + 1),
                    Values::zeros(precision, 0),
                    Values::zeros(other_precision(precision), len),
                ]
            };
            for values in wrong(count) {
                let place = format!(
                    "{age} network: {} values of {} for {count} of {precision}",
                    values.len(),
                    values.precision()
                );
                let answer = network.set_parameters(&values);
                report.refused(format_args!("parameters, {place}"), answer, is_mismatch);
                let answer = network.set_gradient(&values);
                report.refused(format_args!("gradient, {place}"), answer, is_mismatch);
                let good = Values::zeros(precision, count);
                let state = OptimizerState { steps: 7, moments: vec![good, values] };
                let answer = network.set_optimizer_state(&state);
                report.refused(format_args!("moments, {place}"), answer, is_mismatch);
                report.same_memory(&place, &before, &Snapshot::of(&*network)?);
            }
            for coefficients in wrong(5 * 3) {
                let place = format!("{age} network: {} coefficients for 15", coefficients.len());
                report
                    .refused(&place, network.input_gradient(&data.all(), &coefficients), |_| true);
                report.same_memory(&place, &before, &Snapshot::of(&*network)?);
            }
            for layer in [3, 4, usize::MAX] {
                let place = format!("{age} network: layer {layer} of 3");
                report.refused(&place, network.activations(&data.all(), layer), |_| true);
                report.same_memory(&place, &before, &Snapshot::of(&*network)?);
            }
        }
        Ok(())
    });
    report
}

/// Plans that are no networks, and what the backend says it does not support.
pub fn refused_plans(subject: &Subject<'_>) -> Report {
    let mut report = match begin("refused_plans", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let tanh = Activation::Tanh;
    let loss = subject.mlp(1, &[], 1, tanh, Loss::MeanSquaredError).loss;
    let new = |inputs| Plan::new(inputs, loss);
    let plans = [
        ("no inputs", new(0).dense(1)),
        ("no layers", new(1)),
        ("a layer of width 0", new(1).dense(2).dense(0).dense(1)),
        ("an activation first", new(1).activation(tanh).dense(1)),
        ("two activations in a row", new(1).dense(1).activation(tanh).activation(tanh)),
        ("a slope below 0", new(1).dense(1).activation(Activation::LeakyRelu { slope: -1.0 })),
        (
            "an alpha that is no number",
            new(1).dense(1).activation(Activation::Elu { alpha: f64::NAN }),
        ),
        ("more parameters than there is memory", new(usize::MAX).dense(usize::MAX)),
    ];
    for (what, plan) in plans {
        report.refused(what, subject.network(&plan), |error| matches!(error, Error::Plan(_)));
    }
    let unsupported = |error: &Error| matches!(error, Error::Unsupported { .. });
    let same = |one: &Activation, other: &Activation| one.name() == other.name();
    for f in Activation::ALL {
        if !subject.capabilities.activations.iter().any(|known| same(known, &f)) {
            report.refused(f, subject.network(&new(1).dense(1).activation(f)), unsupported);
        }
    }
    for loss in Loss::ALL {
        if !subject.capabilities.losses.contains(&loss) {
            report.refused(loss, subject.network(&Plan::new(1, loss).dense(1)), unsupported);
        }
    }
    report
}

/// Optimisers with settings out of range, and optimisers that keep other moments than the network
/// holds.
pub fn refused_optimizers(subject: &Subject<'_>) -> Report {
    let mut report = match begin("refused_optimizers", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    report.attempt("optimisers", |report| {
        let plan = subject.mlp(4, &[6], 3, Activation::Tanh, Loss::MeanSquaredError);
        let sgd = |momentum, nesterov, weight_decay| Optimizer::Sgd {
            learning_rate: 0.1,
            momentum,
            nesterov,
            weight_decay,
        };
        let adam = |beta1, beta2, epsilon| Optimizer::Adam {
            learning_rate: 0.1,
            beta1,
            beta2,
            epsilon,
            weight_decay: 0.0,
        };
        let out_of_range = [
            Optimizer::sgd(f64::NAN),
            Optimizer::adamw(-1.0),
            sgd(1.0, false, 0.0),
            sgd(0.0, true, 0.0),
            sgd(0.0, false, f64::INFINITY),
            adam(-0.1, 0.9, 1e-8),
            adam(0.9, 1.0, 1e-8),
            adam(0.9, 0.9, 0.0),
        ];
        for (age, mut network) in subjects(subject, &plan)? {
            let data = dataset(network.plan(), natural_kind(network.plan()), 5, 1405)?;
            let hold = |network: &mut dyn Network, optimizer: &Optimizer, report: &mut Report| {
                let place = format!("{age} network: {optimizer:?}");
                let before = Snapshot::of(network)?;
                report.refused(
                    format_args!("update: {place}"),
                    network.update(optimizer),
                    is_optimizer,
                );
                report.same_memory(&place, &before, &Snapshot::of(network)?);
                let step = network.step(&data.all(), optimizer);
                report.refused(format_args!("step: {place}"), step, is_optimizer);
                // the gradient may be the new batch's
                report.same_training(&place, &before, &Snapshot::of(network)?);
                Ok(())
            };
            for optimizer in &out_of_range {
                hold(&mut *network, optimizer, report)?;
            }
            let first = if age == "fresh" { Optimizer::sgd(0.1) } else { Optimizer::adam(0.1) };
            network.step(&data.all(), &first)?;
            let mut others = vec![sgd(0.9, false, 0.0)];
            others.push(if age == "fresh" { Optimizer::adam(0.1) } else { Optimizer::sgd(0.1) });
            for optimizer in &others {
                hold(&mut *network, optimizer, report)?;
                let mut network = self::network(subject, &plan, 1406)?;
                network.step(&data.all(), &first)?;
                network.set_optimizer_state(&OptimizerState::default())?;
                report.ok(
                    format_args!("{optimizer:?} after the state was cleared"),
                    network.step(&data.all(), optimizer),
                );
            }
        }
        Ok(())
    });
    report
}
