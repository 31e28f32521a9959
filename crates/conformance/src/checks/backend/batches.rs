//! How a batch names its rows must not matter.

use super::begin;
use crate::checks::material::{dataset, natural_kind, network, normal_values, stream};
use crate::oracle::Oracle;
use crate::{Report, Subject};
use consonance_core::{
    Activation, Batch, Dataset, Loss, Network, Plan, Result, Rows, Targets, Values,
};

/// Everything a network says about a batch.
pub(super) struct Answers {
    pub(super) place: String,
    pub(super) loss: Values,
    pub(super) buffers: Vec<Values>,
}

impl Answers {
    pub(super) fn of(
        network: &mut dyn Network,
        batch: &Batch<'_>,
        place: impl ToString,
    ) -> Result<Self> {
        let plan = network.plan().clone();
        let len = batch.len() * plan.outputs();
        let coefficients = normal_values(&mut stream(1000), plan.precision, len, 1.0);
        let loss = Values::from(vec![network.loss_and_gradient(batch)?]);
        let mut buffers = vec![network.gradient()?, network.forward(batch)?];
        buffers.push(network.input_gradient(batch, &coefficients)?);
        for layer in 0..plan.layers.len() {
            buffers.push(network.activations(batch, layer)?);
        }
        Ok(Answers { place: place.to_string(), loss, buffers })
    }
}

impl Report {
    /// Holds that two networks said the same, bit for bit.
    pub(super) fn same_answers(&mut self, one: &Answers, other: &Answers) {
        let place = format!("{} against {}", other.place, one.place);
        self.same_bits(format_args!("{place}: loss"), &one.loss, &other.loss);
        let names = ["gradient", "outputs", "input gradient"];
        for (number, (one, other)) in one.buffers.iter().zip(&other.buffers).enumerate() {
            match names.get(number) {
                Some(name) => self.same_bits(format_args!("{place}: {name}"), one, other),
                None => self.same_bits(format_args!("{place}: layer {}", number - 3), one, other),
            }
        }
    }
}

fn plan(subject: &Subject<'_>, loss: Loss) -> Plan {
    subject.mlp(7, &[19, 11], 5, Activation::Tanh, loss)
}

/// The named rows as a data set of their own.
fn copied(batch: &Batch<'_>) -> Result<Dataset> {
    let rows: Vec<usize> = (0..batch.len()).map(|position| batch.rows.at(position)).collect();
    let gather = |values: &Values, width: usize| {
        let numbers: Vec<f64> = rows
            .iter()
            .flat_map(|row| (0..width).map(move |j| values.get(row * width + j)))
            .collect();
        Values::rounded(values.precision(), &numbers)
    };
    let targets = match batch.data.targets() {
        Targets::None => Targets::None,
        Targets::Classes(classes) => {
            Targets::Classes(rows.iter().map(|row| classes[*row]).collect())
        }
        Targets::Values { width, values } => {
            Targets::Values { width: *width, values: gather(values, *width) }
        }
    };
    Dataset::new(batch.data.inputs(), gather(batch.data.features(), batch.data.inputs()), targets)
}

/// The same rows give the same bits whether they are named by a range, by a list, or are a data
/// set of their own; rows in any order, and rows that come twice, are those rows.
pub fn batches(subject: &Subject<'_>) -> Report {
    let mut report = match begin("batches", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for loss in subject.capabilities.losses.clone() {
        report.attempt(loss, |report| {
            let mut network = network(subject, &plan(subject, loss), 1001)?;
            let plan = network.plan().clone();
            let data = dataset(&plan, natural_kind(&plan), 131, 1002)?;
            for range in [0..131, 0..1, 1..2, 3..67, 64..131, 129..131, 130..131] {
                let list: Vec<u32> = range.clone().map(|row| row as u32).collect();
                let by_range = Batch { data: &data, rows: Rows::Range(range.clone()) };
                let own = copied(&by_range)?;
                let place = format!("{loss}: rows {range:?}");
                let first = Answers::of(&mut *network, &by_range, &place)?;
                let listed = format!("the same as a list ({place})");
                let listed = Answers::of(&mut *network, &data.batch(&list), listed)?;
                report.same_answers(&first, &listed);
                let alone = format!("the same as a data set ({place})");
                report.same_answers(&first, &Answers::of(&mut *network, &own.all(), alone)?);
            }
            let lists: [&[u32]; 4] =
                [&[130, 0, 77], &[5, 5, 5, 5, 5], &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 9], &[130]];
            for list in lists {
                let place = format!("{loss}: rows {list:?}");
                let batch = data.batch(list);
                let listed = Answers::of(&mut *network, &batch, &place)?;
                let own = copied(&batch)?;
                let alone = format!("the same as a data set ({place})");
                report.same_answers(&listed, &Answers::of(&mut *network, &own.all(), alone)?);
                let oracle = Oracle::new(&plan, &network.parameters()?)?;
                let expected = oracle.loss_and_gradient(&own.all())?;
                report.within(format_args!("{place}: loss"), listed.loss.get(0), expected.loss);
                report.all_within(
                    format_args!("{place}: gradient"),
                    &listed.buffers[0],
                    &expected.gradient,
                );
            }
            Ok(())
        });
    }
    report
}

/// A network that is handed one data set after another, of the same and of other sizes, answers
/// for the one it is handed: nothing of an earlier one is left.
pub fn datasets(subject: &Subject<'_>) -> Report {
    let mut report = match begin("datasets", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    for loss in subject.capabilities.losses.clone() {
        report.attempt(loss, |report| {
            let mut one = network(subject, &plan(subject, loss), 1003)?;
            let plan = one.plan().clone();
            let draw = |rows, number| dataset(&plan, natural_kind(&plan), rows, number);
            let kept = [draw(40, 1004)?, draw(40, 1005)?, draw(3, 1006)?];
            let fresh = |data: &Dataset, place: &str| {
                Answers::of(&mut *network(subject, &plan, 1003)?, &data.all(), place)
            };
            for turn in [0, 1, 0, 2, 1, 1, 2, 0] {
                let place = format!("{loss}: data set {turn}");
                let expected = fresh(&kept[turn], &place)?;
                let place = "after others";
                report.same_answers(&expected, &Answers::of(&mut *one, &kept[turn].all(), place)?);
            }
            // data sets that die as soon as they were used, so that the next one may lie where
            // the last one lay
            for number in 0..6 {
                let data = draw(40, 1010 + number)?;
                let expected = fresh(&data, &format!("{loss}: passing data set {number}"))?;
                let place = "after others";
                report.same_answers(&expected, &Answers::of(&mut *one, &data.all(), place)?);
            }
            Ok(())
        });
    }
    report
}
