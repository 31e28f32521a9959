//! A table made ready for a training, and what is said about it.

use super::columns::PreparationArguments;
use super::loading::Source;
use super::network::NetworkArguments;
use super::output;
use super::reading::table;
use super::training::TrainingArguments;
use consonance::data::{
    Error as DataError, FeatureCells, Note, Pair, Place, Preparation, Schema, Split, Table,
    TargetEncoding,
};
use consonance::{Dataset, Plan};
use serde::Serialize;
use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Rows to test on, if not some of those to train on.
#[derive(clap::Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct TestArguments {
    /// Rows to test on, with the same columns, instead of a share of DATA
    #[arg(long, value_name = "FILE", conflicts_with = "test_fraction")]
    pub(crate) test: Option<PathBuf>,
}

/// A table made ready: a network to train and the rows to train and test it on.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) preparation: Preparation,
    pub(crate) split: Split,
    pub(crate) data: Dataset,
    pub(crate) found: Found,
    /// The rows that were held out, as a CSV file with a line each.
    pub(crate) held_out: String,
}

/// What was found out about the table.
#[derive(Serialize)]
pub(crate) struct Found {
    /// The target's columns.
    pub(crate) target: Vec<String>,
    pub(crate) task: consonance::data::Task,
    /// Why that was taken.
    pub(crate) task_because: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) classes: Option<Vec<String>>,
    pub(crate) features: Vec<FoundFeature>,
    pub(crate) passed_over: Vec<PassedOver>,
    /// Rows that were left out, since their target is missing.
    pub(crate) rows_without_target: usize,
    pub(crate) notes: Vec<Note>,
}

/// A column that a network sees.
#[derive(Serialize)]
pub(crate) struct FoundFeature {
    name: String,
    role: consonance::data::Role,
    /// How many inputs it has.
    inputs: usize,
    /// How many of its cells were filled in.
    imputed: usize,
}

/// A column that is neither a feature nor the target.
#[derive(Serialize)]
pub(crate) struct PassedOver {
    name: String,
    role: consonance::data::Role,
    because: String,
}

/// Finds out what the columns are, holds rows out, fits the preparation to the others, and plans the
/// network.
pub(crate) fn prepare(
    source: &Source,
    tests: &TestArguments,
    columns: &PreparationArguments,
    network: &NetworkArguments,
    training: &TrainingArguments,
) -> Result<Prepared> {
    let mut rows = source.table()?;
    let schema = source.columns.schema(&rows)?;
    let rows_without_target = rows.drop_missing_targets(&schema)?;
    let mut notes = [rows.notes(), schema.notes()].concat();
    let other = match &tests.test {
        Some(file) => Some((file.display().to_string(), None)),
        None => {
            source.other_pair(&rows).map(|pair| (pair.file().display().to_string(), Some(pair)))
        }
    };
    let fraction = if other.is_some() { 0.0 } else { training.test_fraction };
    let mut split = rows.split(&schema, fraction, training.seed).map_err(|e| match e {
        DataError::Split { .. } => format!("--test-fraction: {e}").into(),
        e => Box::<dyn Error>::from(e),
    })?;
    let preparation = columns.fit(&rows, &schema, &split.train)?;
    let held_out = held_out(&rows, &split);
    let prepared = preparation.prepare_owned(rows, network.precision, true)?;
    let (mut data, cells) = (prepared.data, prepared.cells);
    notes.extend(cells.iter().filter(|cells| cells.infinite > 0).map(|cells| Note {
        column: Some(cells.name.clone()),
        text: format!("{} infinite, taken for the largest finite number", cells.infinite),
    }));
    if let Some((name, pair)) = other {
        notes.push(Note { column: None, text: format!("tested on {name}") });
        let test = match (pair, &tests.test) {
            (Some(pair), _) => test_rows(pair, &preparation, network)?,
            (None, Some(file)) => {
                let options = preparation.read_options(source.reading.options());
                test_rows(table(file, &options, Pair::Test)?, &preparation, network)?
            }
            (None, None) => unreachable!("there is a file or a pair"),
        };
        let (train, all) = (data.rows() as u32, (data.rows() + test.rows()) as u32);
        data = data.followed_by(test)?;
        split.test = (train..all).collect();
    }
    let plan = network.plan(preparation.inputs(), &preparation.target)?;
    let found = found(&schema, &preparation, &cells, rows_without_target, notes);
    Ok(Prepared { plan, preparation, split, data, found, held_out })
}

/// Rows to test on, of a file of their own.
fn test_rows(
    mut rows: Table,
    preparation: &Preparation,
    network: &NetworkArguments,
) -> Result<Dataset> {
    preparation.drop_missing_targets(&mut rows)?;
    let file = rows.file().to_owned();
    let data = preparation.prepare_owned(rows, network.precision, true)?.data;
    match data.targets() {
        consonance::Targets::None => {
            let file = file.display();
            let target = preparation.target_names().join(", ");
            Err(format!("--test: {file}: has no target ({target}) to compare the answers with")
                .into())
        }
        _ => Ok(data),
    }
}

/// Where the rows that were held out stand in their file.
fn held_out(rows: &Table, split: &Split) -> String {
    let heading = match rows.place(0) {
        Place::Line(_) => "line",
        Place::Row(_) => "row",
    };
    let mut text = format!("{heading}\n");
    for &row in &split.test {
        let (Place::Line(number) | Place::Row(number)) = rows.place(row as usize);
        let _ = writeln!(text, "{number}");
    }
    text
}

fn found(
    schema: &Schema,
    preparation: &Preparation,
    cells: &[FeatureCells],
    rows_without_target: usize,
    notes: Vec<Note>,
) -> Found {
    let features = preparation.features().zip(cells).map(|(feature, cells)| FoundFeature {
        name: feature.name.to_string(),
        role: feature.role,
        inputs: feature.inputs,
        imputed: cells.missing,
    });
    let passed_over = schema.passed_over().map(|column| PassedOver {
        name: column.name.clone(),
        role: column.role,
        because: column.why.clone(),
    });
    Found {
        target: preparation.target_names(),
        task: preparation.task(),
        task_because: schema.task().map_or(String::new(), |(_, why)| why.to_string()),
        classes: match &preparation.target {
            TargetEncoding::Classes(classes) => Some(classes.clone()),
            _ => None,
        },
        features: features.collect(),
        passed_over: passed_over.collect(),
        rows_without_target,
        notes,
    }
}

impl Prepared {
    /// What was found out, for people: `1797 rows (359 held out), 64 features; digit: one of 10
    /// classes`, and what was passed over, filled in or decided.
    pub(crate) fn description(&self) -> String {
        let Prepared { split, data, found, .. } = self;
        let rows = output::count(data.rows(), "row");
        let features = output::count(found.features.len(), "feature");
        let held_out = split.test.len();
        let mut text =
            format!("{rows} ({held_out} held out), {features}; {}\n", self.target_description());
        if found.rows_without_target > 0 {
            let rows = output::count(found.rows_without_target, "row");
            text += &format!("{rows} without a target: left out\n");
        }
        let passed: Vec<String> = found
            .passed_over
            .iter()
            .map(|column| format!("{} ({}: {})", column.name, column.role, column.because))
            .collect();
        if !passed.is_empty() {
            text += &format!("passed over: {}\n", output::some_of(&passed, 8));
        }
        let imputed: Vec<String> = found
            .features
            .iter()
            .filter(|feature| feature.imputed > 0)
            .map(|feature| format!("{} {}", feature.name, feature.imputed))
            .collect();
        if !imputed.is_empty() {
            text += &format!("missing values filled in: {}\n", output::some_of(&imputed, 8));
        }
        for note in &found.notes {
            text += &format!("note: {note}\n");
        }
        text.lines().map(|line| output::plain(line) + "\n").collect()
    }

    /// `digit: one of 10 classes (the whole numbers 0 to 9)`.
    fn target_description(&self) -> String {
        let Found { target, task_because, .. } = &self.found;
        let names = target.join(", ");
        match &self.preparation.target {
            TargetEncoding::Classes(classes) => {
                let count = classes.len();
                let hint = match task_because.as_str() {
                    "text" | "as told" => "",
                    _ => "; --task regression for a number",
                };
                format!("{names}: one of {count} classes ({task_because}{hint})")
            }
            TargetEncoding::Values { .. } if target.len() == 1 => {
                let hint = match task_because.ends_with("whole numbers") {
                    true => "; --task classification for classes",
                    false => "",
                };
                format!("{names}: a number ({task_because}{hint})")
            }
            TargetEncoding::Values { .. } => format!("{names}: {} numbers", target.len()),
            TargetEncoding::Labels(labels) => {
                format!("{names}: {} labels, each of which holds or not", labels.len())
            }
        }
    }
}
