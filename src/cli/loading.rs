//! Reading tables to train on, and models with the rows they answer for.

use super::columns::ColumnArguments;
use super::model_path::model_file;
use super::output;
use super::reading::{Reading, STANDARD_INPUT, table};
use consonance::data::{FeatureCells, Pair, Preparation, ReadOptions, Table, digits, read_idx};
use consonance::train::Model;
use consonance::{Backend, Dataset, Network};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Rows to train on.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// A table (CSV and its relatives, JSON lines, NumPy's .npy and .npz, Excel's .xlsx), an IDX file
    /// of images, or a folder with a pair of IDX files; plain, gzip or zstd; - is standard input
    /// [default: 1,797 handwritten digits that come with the program]
    #[arg(value_name = "DATA")]
    pub(crate) path: Option<PathBuf>,
    /// The labels of an IDX file of images, where they do not lie beside it
    #[arg(requires = "path")]
    pub(crate) labels: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) columns: ColumnArguments,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

impl Source {
    /// The table named, or the digits.
    pub(crate) fn table(&self) -> Result<Table, Box<dyn Error>> {
        let Some(path) = &self.path else { return Ok(digits()) };
        match &self.labels {
            Some(_) if self.columns.is_told() || self.reading.is_told() => {
                Err("--target, --column, --ignore and what is about text are for tables, not for \
                     IDX files"
                    .into())
            }
            Some(labels) => Ok(read_idx(path, Some(labels))?),
            None => {
                let options = ReadOptions { names: self.columns.names(), ..self.reading.options() };
                table(path, &options, Pair::Train)
            }
        }
    }

    /// The rows to test on that belong to the rows to train on: the second pair of IDX files in a
    /// folder that holds a `train` pair and a `t10k` or `test` pair.
    pub(crate) fn other_pair(&self, trained_on: &Table) -> Option<Table> {
        let folder = self.path.as_ref().filter(|path| path.is_dir())?;
        let test = table(folder, &self.reading.options(), Pair::Test).ok()?;
        (test.file() != trained_on.file()).then_some(test)
    }

    /// What the rows are called, for the name of a folder.
    pub(crate) fn name(&self) -> String {
        let file = self.path.as_ref().and_then(|path| path.file_name()).unwrap_or_default();
        let file = file.to_string_lossy();
        let fallback = if self.path.is_none() { "digits" } else { "run" };
        let stem =
            file.split('.').next().filter(|stem| !stem.is_empty() && *stem != STANDARD_INPUT);
        stem.unwrap_or(fallback).to_string()
    }
}

/// A model, and rows it is to answer for.
#[derive(clap::Args)]
pub(crate) struct ModelAndRows {
    /// A model file, or the folder of the run that made it
    model: PathBuf,
    /// Rows with the model's columns: in any order where there are names, and others are passed
    /// over; - is standard input
    pub(crate) data: PathBuf,
    /// Refuse levels that training did not see, and missing values where it saw none
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    reading: Reading,
}

/// A model on a backend, and rows it can answer for.
pub(crate) struct Loaded {
    pub(crate) preparation: Preparation,
    pub(crate) network: Box<dyn Network>,
    pub(crate) data: Dataset,
    /// The file the rows were read from.
    pub(crate) file: PathBuf,
}

impl ModelAndRows {
    /// Loads the model and the rows, prepared as the model's training rows were; with their targets,
    /// if `with_target`: rows without one are left out then. What is not as in training is told.
    pub(crate) fn load(
        &self,
        with_target: bool,
        backend: &dyn Backend,
        threads: usize,
    ) -> Result<Loaded, Box<dyn Error>> {
        let model = Model::load(&model_file(&self.model)?)?;
        let preparation = model.preparation.clone();
        let options = preparation.read_options(self.reading.options());
        let mut table = table(&self.data, &options, Pair::Test)?;
        tell(table.notes());
        if with_target {
            let dropped = preparation.drop_missing_targets(&mut table)?;
            if dropped > 0 {
                let rows = output::count(dropped, "row");
                output::note(&format!("{rows} without a target: left out"));
            }
        }
        if self.strict {
            preparation.check_seen(&table)?;
        }
        let file = table.file().to_owned();
        let prepared = preparation.prepare_owned(table, model.plan.precision, with_target)?;
        tell(&prepared.notes);
        tell_cells(&prepared.cells);
        let network = model.network(backend, threads)?;
        Ok(Loaded { preparation, network, data: prepared.data, file })
    }

    /// The path of the rows, as it is shown.
    pub(crate) fn shown(&self) -> std::path::Display<'_> {
        Path::display(&self.data)
    }
}

/// Tells what was decided.
pub(crate) fn tell(notes: &[consonance::data::Note]) {
    for note in notes {
        output::note(&format!("note: {}", output::plain(&note.to_string())));
    }
}

/// Tells how many cells were filled in, and how many held what training did not see.
fn tell_cells(cells: &[FeatureCells]) {
    let listed = |count: fn(&FeatureCells) -> usize| {
        let some = cells.iter().filter(|cells| count(cells) > 0);
        let each: Vec<String> =
            some.map(|cells| format!("{} {}", output::plain(&cells.name), count(cells))).collect();
        output::some_of(&each, 8)
    };
    let (missing, unknown) = (listed(|cells| cells.missing), listed(|cells| cells.unknown));
    let infinite = listed(|cells| cells.infinite);
    if !infinite.is_empty() {
        output::note(&format!("infinite, taken for the largest finite number: {infinite}"));
    }
    if !missing.is_empty() {
        output::note(&format!("missing values filled in: {missing}"));
    }
    if !unknown.is_empty() {
        output::note(&format!("cells of a kind that training did not see: {unknown}"));
    }
}
