//! Reading tables, and models with the rows they answer for.

use super::arguments::named;
use super::model_path::model_file;
use consonance::data::{Columns, Preparation, ReadOptions, Table, Task, digits, read, read_idx};
use consonance::train::Model;
use consonance::{Backend, Dataset, Network};
use std::error::Error;
use std::path::PathBuf;

/// Rows to train on.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// A CSV file, an IDX file of images, or a folder with a pair of IDX files; plain or gzip
    /// [default: 1,797 handwritten digits that come with the program]
    #[arg(value_name = "DATA")]
    pub(crate) path: Option<PathBuf>,
    /// The labels of an IDX file of images, where they do not lie beside it
    #[arg(requires = "path")]
    pub(crate) labels: Option<PathBuf>,
    /// Which column to predict: its name, or its number from 1 [default: the last]
    #[arg(long, value_name = "COLUMN", requires = "path")]
    pub(crate) target: Option<String>,
    /// Columns of a CSV file to pass over, whatever they hold: names, or numbers from 1
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', requires = "path")]
    pub(crate) ignore: Vec<String>,
    /// Whether the first row of a CSV file holds names [default: told by its cells]
    #[arg(long, value_name = "BOOL", requires = "path")]
    pub(crate) header: Option<bool>,
    /// classification or regression [default: what the target column suggests]
    #[arg(long, value_parser = named::<Task>)]
    pub(crate) task: Option<Task>,
}

impl Source {
    /// The table named, or the digits.
    pub(crate) fn table(&self) -> Result<Table, Box<dyn Error>> {
        let Some(path) = &self.path else { return Ok(digits()) };
        if let Some(labels) = &self.labels {
            if self.target.is_some() || self.header.is_some() || !self.ignore.is_empty() {
                let problem =
                    "--target, --ignore and --header are for CSV files, not for IDX files";
                return Err(problem.into());
            }
            return Ok(read_idx(path, Some(labels))?);
        }
        let columns = self.target.clone().map_or(Columns::LastIsTarget, Columns::Target);
        let (ignore, header) = (self.ignore.clone(), self.header);
        Ok(read(path, &ReadOptions { columns, ignore, header, ..ReadOptions::default() })?)
    }

    /// What the rows are called, for the name of a folder.
    pub(crate) fn name(&self) -> String {
        let file = self.path.as_ref().and_then(|path| path.file_name()).unwrap_or_default();
        let file = file.to_string_lossy();
        let fallback = if self.path.is_none() { "digits" } else { "run" };
        file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(fallback).to_string()
    }
}

/// A model, and rows it is to answer for.
#[derive(clap::Args)]
pub(crate) struct ModelAndRows {
    /// A model file, or the folder of a run with its model
    model: PathBuf,
    /// Rows as the model was trained on, in a CSV or IDX file
    pub(crate) data: PathBuf,
    /// All columns of a CSV file to pass over: names, or numbers from 1 [default: those that the
    /// model's training passed over]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Whether the first row of a CSV file holds names [default: told by its cells]
    #[arg(long, value_name = "BOOL")]
    header: Option<bool>,
}

/// A model on a backend, and rows it can answer for.
pub(crate) struct Loaded {
    pub(crate) preparation: Preparation,
    pub(crate) network: Box<dyn Network>,
    pub(crate) data: Dataset,
}

impl ModelAndRows {
    /// Loads the model and the rows, prepared as the model's training rows were.
    pub(crate) fn load(
        &self,
        with_target: bool,
        backend: &dyn Backend,
        threads: usize,
    ) -> Result<Loaded, Box<dyn Error>> {
        let model = Model::load(&model_file(&self.model)?)?;
        let schema = model.preparation.schema.clone();
        let columns =
            if with_target { Columns::Like(schema) } else { Columns::FeaturesLike(schema) };
        let (ignore, header) = (self.ignore.clone(), self.header);
        let options = ReadOptions { columns, ignore, header, ..ReadOptions::default() };
        let table = read(&self.data, &options)?;
        let data = model.preparation.dataset(&table, model.plan.precision)?;
        let network = model.network(backend, threads)?;
        Ok(Loaded { preparation: model.preparation, network, data })
    }
}
