//! What goes into a network comes out of it, and training goes on from it.

use super::{begin, every_optimizer};
use crate::checks::material::{Snapshot, dataset, natural_kind, network, normal_values, stream};
use crate::{Report, Subject};
use consonance_core::{Activation, Loss, OptimizerState, Plan, Values};

fn plan(subject: &Subject<'_>) -> Plan {
    subject.mlp(6, &[13], 4, Activation::Tanh, Loss::MeanSquaredError)
}

/// A fresh network is all zeros; parameters and optimiser state come back bit for bit as they
/// went in; asking for outputs changes nothing that is kept.
pub fn round_trips(subject: &Subject<'_>) -> Report {
    let mut report = match begin("round_trips", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    report.attempt("round trips", |report| {
        let mut net = subject.network(&plan(subject))?;
        let plan = net.plan().clone();
        report.require(
            plan == self::plan(subject).precision(subject.precision),
            "the plan",
            "is not the one the network was made of",
        );
        let count = plan.parameter_count()?;
        let fresh = Snapshot::of(&*net)?;
        let zeros = Values::zeros(plan.precision, count);
        report.same_bits("parameters of a fresh network", &zeros, &fresh.parameters);
        report.same_bits("gradient of a fresh network", &zeros, &net.gradient()?);
        report.require(
            fresh.state == OptimizerState::default(),
            "optimiser state of a fresh network",
            "is not empty",
        );

        let mut stream = stream(1300);
        let mut numbers = normal_values(&mut stream, plan.precision, count, 1.0).to_f64();
        let special = [-0.0, 0.0, f64::from(f32::from_bits(1)), 1e-40, f64::from(f32::MAX)];
        numbers[3..8].copy_from_slice(&special);
        let given = Values::rounded(plan.precision, &numbers);
        net.set_parameters(&given)?;
        let held = Snapshot::of(&*net)?;
        report.same_bits("parameters", &given, &held.parameters);
        report.same_bits("gradient under new parameters", &zeros, &net.gradient()?);

        for moments in 0..3 {
            let moments = (0..moments).map(|_| {
                let magnitudes = normal_values(&mut stream, plan.precision, count, 1.0);
                let magnitudes: Vec<f64> = magnitudes.iter().map(f64::abs).collect();
                Values::rounded(plan.precision, &magnitudes)
            });
            let state = OptimizerState { steps: 12_345_678_901, moments: moments.collect() };
            net.set_optimizer_state(&state)?;
            let set = Snapshot { state, ..Snapshot::of(&*net)? };
            report.same_memory("optimiser state", &set, &Snapshot::of(&*net)?);
        }
        net.set_optimizer_state(&OptimizerState::default())?;
        let cleared = Snapshot { state: OptimizerState::default(), ..Snapshot::of(&*net)? };
        report.same_memory("cleared optimiser state", &cleared, &Snapshot::of(&*net)?);

        let mut net = network(subject, &plan, 1301)?;
        let data = dataset(&plan, natural_kind(&plan), 20, 1302)?;
        net.loss_and_gradient(&data.all())?;
        let optimizer = &every_optimizer()[8];
        let mut other = subject.network(&plan)?;
        other.set_parameters(&net.parameters()?)?;
        other.set_gradient(&net.gradient()?)?;
        report.same_memory("a gradient moved", &Snapshot::of(&*net)?, &Snapshot::of(&*other)?);
        net.update(optimizer)?;
        other.update(optimizer)?;
        report.same_memory("its update", &Snapshot::of(&*net)?, &Snapshot::of(&*other)?);

        net.step(&data.all(), optimizer)?;
        net.set_gradient(&given)?;
        report.same_bits("a gradient given after a step", &given, &net.gradient()?);
        let before = Snapshot::of(&*net)?;
        let some = data.batch(&[1, 3, 5]);
        net.forward(&some)?;
        net.activations(&some, 1)?;
        net.input_gradient(&some, &Values::zeros(plan.precision, 12))?;
        report.same_memory("after asking for outputs", &before, &Snapshot::of(&*net)?);
        Ok(())
    });
    report
}

/// Parameters and optimiser state moved into a fresh network, with another number of threads, go
/// on bit for bit where the first one would have gone.
pub fn resume(subject: &Subject<'_>) -> Report {
    let mut report = match begin("resume", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for optimizer in every_optimizer() {
        let place = format!("{optimizer:?}");
        report.attempt(&place, |report| {
            let mut one = network(subject, &plan(subject), 1303)?;
            let plan = one.plan().clone();
            let data = dataset(&plan, natural_kind(&plan), 60, 1304)?;
            let rows: Vec<u32> = (0..60).collect();
            let batches: Vec<_> = rows.chunks(13).map(|rows| data.batch(rows)).collect();
            for batch in &batches {
                one.step(batch, &optimizer)?;
            }
            let threads = subject.capabilities.threads.last().copied().unwrap_or(1);
            let mut other = subject.network_with(&plan, threads)?;
            other.set_parameters(&one.parameters()?)?;
            other.set_optimizer_state(&one.optimizer_state()?)?;
            for batch in &batches {
                let losses = (one.step(batch, &optimizer)?, other.step(batch, &optimizer)?);
                report.same_number(format_args!("{place}, loss"), losses.1, losses.0);
            }
            report.same_memory(&place, &Snapshot::of(&*one)?, &Snapshot::of(&*other)?);
            Ok(())
        });
    }
    report
}
