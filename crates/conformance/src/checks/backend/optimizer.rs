//! Optimiser updates, one step at a time.

use super::{begin, every_optimizer};
use crate::checks::material::{Snapshot, dataset, natural_kind, network};
use crate::oracle::{Rounding, update};
use crate::{Report, Subject};
use consonance_core::{Activation, Error, Loss, Network, Optimizer, Plan, Result};

fn plan(subject: &Subject<'_>) -> Plan {
    subject.mlp(5, &[17], 3, Activation::Relu, Loss::MeanSquaredError)
}

/// Every optimiser over several steps. Each step is held against the oracle's own update of the
/// parameters, moments and gradient the network held before it: errors do not add up over steps,
/// so the bound stays that of one update.
pub fn optimizers(subject: &Subject<'_>) -> Report {
    let mut report = match begin("optimizers", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for optimizer in every_optimizer() {
        report.attempt(format_args!("{optimizer:?}"), |report| {
            let mut network = network(subject, &plan(subject), 1200)?;
            let data = dataset(network.plan(), natural_kind(network.plan()), 24, 1201)?;
            for step in 1..=6 {
                let rows: Vec<u32> = (0..4).map(|row| 4 * (step as u32 - 1) + row).collect();
                network.loss_and_gradient(&data.batch(&rows))?;
                // as a schedule would
                let rate = optimizer.learning_rate() * if step > 3 { 0.5 } else { 1.0 };
                let optimizer = optimizer.with_learning_rate(rate);
                hold_update(&mut *network, &optimizer, step, report)?;
            }
            Ok(())
        });
    }
    report
}

/// Holds one update, the `step`th of the network, against the oracle's.
pub(crate) fn hold_update(
    network: &mut dyn Network,
    optimizer: &Optimizer,
    step: u64,
    report: &mut Report,
) -> Result<()> {
    let before = Snapshot::of(network)?;
    let gradient = network.gradient()?;
    network.update(optimizer)?;
    let after = Snapshot::of(network)?;
    let place = format!("{optimizer:?}, step {step}");
    report.same_bits(format_args!("{place}, gradient"), &gradient, &network.gradient()?);
    report.require(after.state.steps == step, &place, "steps are not counted");
    if after.state.moments.len() != optimizer.moments() {
        report.fail(&place, format_args!("{} moments", after.state.moments.len()));
        return Ok(());
    }
    let rounding = Rounding::of(network.plan().precision);
    for i in 0..before.parameters.len() {
        // before the first update there may be no moments yet: they are zeros
        let moments: Vec<f64> = (0..optimizer.moments())
            .map(|moment| before.state.moments.get(moment).map_or(0.0, |m| m.get(i)))
            .collect();
        let (p, g) = (before.parameters.get(i), gradient.get(i));
        let (parameter, expected) = update(optimizer, step, p, g, &moments, rounding);
        report.within(format_args!("{place}, parameter {i}"), after.parameters.get(i), parameter);
        for (moment, expected) in expected.into_iter().enumerate() {
            let got = after.state.moments[moment].get(i);
            report.within(format_args!("{place}, moment {moment} of {i}"), got, expected);
        }
    }
    Ok(())
}

/// A step is [`Network::loss_and_gradient`] and [`Network::update`], bit for bit.
pub fn steps(subject: &Subject<'_>) -> Report {
    let mut report = match begin("steps", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for optimizer in every_optimizer() {
        for rows in [5, 130] {
            let place = format!("{optimizer:?}, {rows} rows");
            report.attempt(&place, |report| {
                let plan = subject.mlp(31, &[40, 23], 3, Activation::Tanh, Loss::MeanSquaredError);
                let mut one = network(subject, &plan, 1202)?;
                let mut other = network(subject, &plan, 1202)?;
                let data = dataset(one.plan(), natural_kind(one.plan()), rows, 1203)?;
                for _ in 0..3 {
                    let whole = one.step(&data.all(), &optimizer)?;
                    let halves = other.loss_and_gradient(&data.all())?;
                    other.update(&optimizer)?;
                    report.same_number(format_args!("{place}, loss"), whole, halves);
                    let after = Snapshot::of(&*one)?;
                    report.same_memory(&place, &after, &Snapshot::of(&*other)?);
                    if after.gradient.is_none() {
                        let again = one.update(&optimizer);
                        let none = |error: &Error| matches!(error, Error::NoGradient);
                        report.refused(format_args!("update: {place}"), again, none);
                        report.same_memory(&place, &after, &Snapshot::of(&*one)?);
                    }
                }
                Ok(())
            });
        }
    }
    report
}
