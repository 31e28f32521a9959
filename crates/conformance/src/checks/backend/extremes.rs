//! Numbers at the end of the range: nothing overflows that need not, and what is not finite stays
//! where it belongs.

use super::network::hold_gradient;
use super::{begin, every_optimizer};
use crate::checks::material::{Kind, Snapshot, dataset, natural_kind, network};
use crate::oracle::Oracle;
use crate::{Report, Subject};
use consonance_core::{Dataset, Loss, Plan, Reduction, Targets, Values};

/// Rows of three logits that overflow, or cancel in, a careless softmax or logarithm.
const LOGITS: [[f64; 3]; 9] = [
    [0.0, 0.0, 0.0],
    [1000.0, 0.0, -1000.0],
    [-1000.0, -1000.0, -1000.0],
    [10_000.0, 9_999.0, 9_998.0],
    [-10_000.0, 10_000.0, 0.0],
    [80_000.0, 0.0, 80_000.0],
    [100.0, 0.0, -100.0],
    [30.0, 0.0, 0.0],
    [1e-30, -1e-30, 0.0],
];

/// Losses of huge logits are finite and right, and so are their gradients.
pub fn extreme_logits(subject: &Subject<'_>) -> Report {
    let mut report = match begin("extreme_logits", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    // the weights are the identity: inputs are logits
    let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    let of_logits = |loss: &Loss| loss.is_classification();
    if !subject.capabilities.losses.iter().any(of_logits) {
        report.require(true, "a backend without losses of logits", "");
    }
    for loss in subject.capabilities.losses.iter().copied().filter(of_logits) {
        for (number, logits) in LOGITS.into_iter().enumerate() {
            for hot in 0..3 {
                let place = format!("{loss} of {logits:?}, target {hot}");
                report.attempt(&place, |report| {
                    let plan = Plan::new(3, loss).dense(3).reduction(Reduction::Sum);
                    let mut network = subject.network(&plan)?;
                    let values = |numbers: &[f64]| Values::rounded(subject.precision, numbers);
                    network.set_parameters(&values(&identity))?;
                    let targets = if loss == Loss::CrossEntropy && number % 2 == 0 {
                        Targets::Classes(vec![hot])
                    } else {
                        let mut one_hot = [0.0; 3];
                        one_hot[hot as usize] = 1.0;
                        Targets::Values { width: 3, values: values(&one_hot) }
                    };
                    let data = Dataset::new(3, values(&logits), targets)?;
                    hold_gradient(&mut *network, &data.all(), &place, report)
                });
            }
        }
    }
    report
}

/// NaN or infinity in one row makes the loss not finite; a step then answers that loss and leaves
/// parameters and optimiser state alone, before the first update and after; and no other row's
/// outputs change.
pub fn non_finite(subject: &Subject<'_>) -> Report {
    let mut report = match begin("non_finite", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let (rows, bad_row) = (33, 20);
    for loss in subject.capabilities.losses.clone() {
        for special in [f64::NAN, f64::INFINITY] {
            let place = format!("{special} in row {bad_row}, {loss}");
            report.attempt(&place, |report| {
                // without an activation that could make infinity finite
                let plan = Plan::new(5, loss).dense(8).dense(3);
                let mut net = network(subject, &plan, 900)?;
                let plan = net.plan().clone();
                let clean = dataset(&plan, natural_kind(&plan), rows, 901)?;
                let mut numbers = clean.features().to_f64();
                numbers[bad_row * 5 + 2] = special;
                let features = Values::rounded(plan.precision, &numbers);
                let bad = Dataset::new(5, features, clean.targets().clone())?;

                let expected = Oracle::new(&plan, &net.parameters()?)?.forward(&clean.all())?;
                let got = net.forward(&bad.all())?;
                for (at, expected) in expected.elements.iter().enumerate() {
                    let (row, got) = (at / plan.outputs(), got.get(at));
                    if row == bad_row {
                        report.require(!got.is_finite(), &place, "the row's outputs are finite");
                    } else {
                        report.within(
                            format_args!("{place}, outputs of row {row}"),
                            got,
                            *expected,
                        );
                    }
                }
                let observed = net.loss_and_gradient(&bad.all())?;
                report.require(!observed.is_finite(), &place, "the loss is finite");
                for optimizer in every_optimizer() {
                    let mut net = network(subject, &plan, 902)?;
                    for moment in ["before the first update", "after the first update"] {
                        let place = format!("{place}, {} {moment}", optimizer.name());
                        let before = Snapshot::of(&*net)?;
                        let observed = net.step(&bad.all(), &optimizer)?;
                        report.require(!observed.is_finite(), &place, "the step's loss is finite");
                        report.same_training(&place, &before, &Snapshot::of(&*net)?);
                        net.step(&clean.all(), &optimizer)?;
                    }
                    let trained = net.parameters()?;
                    report.require(trained.is_finite(), &place, "training on clean rows fails");
                }
                Ok(())
            });
        }
    }
    // relu and its kin must hand NaN on, not take it for a negative number
    for f in subject.capabilities.activations.clone() {
        report.attempt(format_args!("NaN through {f}"), |report| {
            let plan = subject.mlp(2, &[4], 1, f, Loss::MeanSquaredError);
            let mut network = network(subject, &plan, 903)?;
            let data = dataset(network.plan(), Kind::Numbers, 1, 904)?;
            let nan = Values::rounded(subject.precision, &[f64::NAN, 1.0]);
            let data = Dataset::new(2, nan, data.targets().clone())?;
            let loss = network.loss_and_gradient(&data.all())?;
            report.require(loss.is_nan(), format_args!("NaN through {f}"), "the loss is a number");
            Ok(())
        });
    }
    report
}
