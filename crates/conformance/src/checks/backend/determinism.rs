//! The same bits from run to run, and whatever the number of threads.

use super::batches::Answers;
use super::{begin, every_optimizer};
use crate::checks::material::{Snapshot, dataset, natural_kind, parameters};
use crate::{Report, Subject};
use consonance_core::{Activation, Loss, Plan, Result};

/// Rows of a batch: on both sides of where an engine begins to share them out.
const ROWS: [usize; 6] = [1, 7, 64, 65, 257, 600];

/// Trains a few steps and answers all a network then says and remembers.
fn train(
    subject: &Subject<'_>,
    plan: &Plan,
    threads: usize,
    rows: usize,
    place: &str,
) -> Result<(Answers, Snapshot)> {
    let mut network = subject.network_with(plan, threads)?;
    let plan = network.plan().clone();
    network.set_parameters(&parameters(&plan, 1100)?)?;
    let data = dataset(&plan, natural_kind(&plan), rows, 1101)?;
    let optimizer = every_optimizer()[8];
    for step in 0..4 {
        // the last step's batch is a part of the rows, in another order
        let some: Vec<u32> = (0..rows as u32).rev().step_by(2).collect();
        let batch = if step < 3 { data.all() } else { data.batch(&some) };
        network.step(&batch, &optimizer)?;
    }
    let answers = Answers::of(&mut *network, &data.all(), place)?;
    Ok((answers, Snapshot::of(&*network)?))
}

/// Small enough not to be worth sharing out, and large enough.
fn plans(subject: &Subject<'_>) -> [Plan; 2] {
    [
        subject.mlp(3, &[5], 2, Activation::Sigmoid, Loss::MeanSquaredError),
        subject.mlp(40, &[67, 33], 10, Activation::Gelu, Loss::CrossEntropy),
    ]
}

/// Training twice gives the same bits.
pub fn runs(subject: &Subject<'_>) -> Report {
    let mut report = match begin("runs", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for plan in &plans(subject) {
        for &threads in &subject.capabilities.threads {
            for rows in [7, 257] {
                let place = format!("{} layers, {rows} rows, {threads} threads", plan.layers.len());
                report.attempt(&place, |report| {
                    let (answers, memory) = train(subject, plan, threads, rows, &place)?;
                    for _ in 0..2 {
                        let again = train(subject, plan, threads, rows, "another run")?;
                        report.same_answers(&answers, &again.0);
                        report.same_memory(&place, &memory, &again.1);
                    }
                    Ok(())
                });
            }
        }
    }
    report
}

/// Training with any number of threads gives the same bits.
pub fn threads(subject: &Subject<'_>) -> Report {
    let mut report = match begin("threads", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for plan in &plans(subject) {
        for rows in ROWS {
            let place = format!("{} layers, {rows} rows", plan.layers.len());
            report.attempt(&place, |report| {
                let counts = &subject.capabilities.threads;
                let Some((&first, others)) = counts.split_first() else { return Ok(()) };
                let (answers, memory) = train(subject, plan, first, rows, &place)?;
                report.require(memory.parameters.is_finite(), &place, "training diverged");
                for &threads in others {
                    let name = format!("{threads} threads");
                    let shared = train(subject, plan, threads, rows, &name)?;
                    report.same_answers(&answers, &shared.0);
                    report.same_memory(&format!("{place}, {name}"), &memory, &shared.1);
                }
                Ok(())
            });
        }
    }
    report
}
