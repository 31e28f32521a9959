//! From a raw table to the data set a network learns from, and the same again for the next table.

use crate::error::{Error, Result};
use crate::schema::Schema;
use crate::standardizer::Standardizer;
use crate::table::Table;
use crate::task::Task;
use consonance_core::{Dataset, Element, Loss, Plan, Precision, Targets, Values};
use serde::{Deserialize, Serialize};

/// All that was learned about a table before training: kept with the model, it prepares any other
/// table in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// What the columns are; [`Columns::Like`](crate::Columns::Like) reads another file by it.
    pub schema: Schema,
    /// How features are scaled, if they are.
    pub features: Option<Standardizer>,
    /// How targets become numbers.
    pub target: TargetEncoding,
}

/// How targets become what a network is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetEncoding {
    /// Each row's class is the position of its label in this list.
    Classes(Vec<String>),
    /// One number a row.
    Values {
        /// How the numbers are scaled, if they are.
        standardizer: Option<Standardizer>,
    },
}

impl Preparation {
    /// For `task` on tables like `table`: its columns, its classes, nothing scaled.
    ///
    /// # Errors
    /// Those of [`Table::classes`] for classification, of [`Table::numbers`] for regression.
    pub fn new(table: &Table, task: Task) -> Result<Self> {
        let target = match task {
            Task::Classification => TargetEncoding::Classes(table.classes()?),
            Task::Regression => {
                table.numbers()?;
                TargetEncoding::Values { standardizer: None }
            }
        };
        Ok(Preparation { schema: table.schema().clone(), features: None, target })
    }

    /// Features standardised by the rows `rows` of `table`: the training rows.
    ///
    /// # Errors
    /// Those of [`Standardizer::fit`].
    pub fn standardize_features(mut self, table: &Table, rows: &[u32]) -> Result<Self> {
        self.features = Some(Standardizer::fit(table, rows)?);
        Ok(self)
    }

    /// For regression, the target standardised by the rows `rows` of `table`: the training rows.
    /// Classes stay as they are.
    ///
    /// # Errors
    /// Those of [`Table::numbers`] and [`Standardizer::fit_values`], and
    /// [`Error::Standardize`] for a row past the end.
    pub fn standardize_target(mut self, table: &Table, rows: &[u32]) -> Result<Self> {
        if let TargetEncoding::Values { standardizer } = &mut self.target {
            let numbers = table.numbers()?;
            let number = |&row: &u32| {
                numbers.get(row as usize).copied().ok_or_else(|| {
                    let rows = numbers.len();
                    Error::Standardize(format!("row {row} asked for, the table has {rows} rows"))
                })
            };
            let chosen = rows.iter().map(number).collect::<Result<Vec<f64>>>()?;
            *standardizer = Some(Standardizer::fit_values(1, &chosen)?);
        }
        Ok(self)
    }

    /// Checks that this preparation belongs to networks of `plan`: a model file may be damaged, or
    /// changed by hand.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn check(&self, plan: &Plan) -> std::result::Result<(), String> {
        let (inputs, outputs) = (plan.inputs, plan.outputs());
        if self.schema.features.len() != inputs {
            let named = self.schema.features.len();
            return Err(format!("{named} features are named, the network has {inputs} inputs"));
        }
        if let Some(features) = &self.features {
            features.check(inputs).map_err(|problem| format!("features: {problem}"))?;
        }
        let (classes, expected) = match (&self.target, plan.loss) {
            (TargetEncoding::Values { standardizer }, Loss::MeanSquaredError) => {
                let one = standardizer.as_ref().map_or(Ok(()), |scale| scale.check(1));
                one.map_err(|problem| format!("target: {problem}"))?;
                (outputs, 1)
            }
            (TargetEncoding::Classes(classes), Loss::CrossEntropy) => (classes.len(), outputs),
            (TargetEncoding::Classes(classes), Loss::BinaryCrossEntropy) if outputs == 1 => {
                (classes.len(), 2)
            }
            (_, loss) => return Err(format!("the target does not fit the loss {loss}")),
        };
        match classes == expected {
            true => Ok(()),
            false => Err(format!("{classes} classes or values, expected {expected}")),
        }
    }

    /// What the network is to predict.
    pub fn task(&self) -> Task {
        match self.target {
            TargetEncoding::Classes(_) => Task::Classification,
            TargetEncoding::Values { .. } => Task::Regression,
        }
    }

    /// The data set of `table` in `precision`: features [rows, inputs], scaled in `f64` before
    /// they are rounded, and class indices or values of width 1 as targets; [`Targets::None`] if
    /// the table has no target.
    ///
    /// # Errors
    /// [`Error::File`] if the table has another number of features, [`Error::Cell`] for a number
    /// that is too large for `precision`, and those of [`Table::class_indices`] or
    /// [`Table::numbers`] for the target.
    pub fn dataset(&self, table: &Table, precision: Precision) -> Result<Dataset> {
        match precision {
            Precision::F32 => self.dataset_of::<f32>(table),
            Precision::F64 => self.dataset_of::<f64>(table),
        }
    }

    fn dataset_of<T: Element>(&self, table: &Table) -> Result<Dataset> {
        let (inputs, found) = (self.schema.features.len(), table.inputs());
        if inputs != found {
            return Err(Error::file(table.file(), expected_features(inputs, found)));
        }
        let mut features: Vec<T> = Vec::with_capacity(table.rows() * inputs);
        let mut row_values = vec![0.0; inputs];
        for row in 0..table.rows() {
            table.copy_row(row, &mut row_values);
            if let Some(standardizer) = &self.features {
                standardizer.apply(&mut row_values)?;
            }
            features.extend(row_values.iter().map(|&x| T::of(x)));
            let rounded = &features[row * inputs..];
            if let Some(index) = rounded.iter().position(|x| !x.is_finite()) {
                let problem = too_large::<T>(table.value(row, index), self.features.is_some());
                return Err(table.feature_problem(row, index, problem));
            }
        }
        let targets = match (&self.target, table.target()) {
            (_, None) => Targets::None,
            (TargetEncoding::Classes(classes), _) => {
                Targets::Classes(table.class_indices(classes)?)
            }
            (TargetEncoding::Values { standardizer }, _) => {
                Targets::Values { width: 1, values: target_values::<T>(table, standardizer)? }
            }
        };
        Ok(Dataset::new(inputs, T::values(features), targets)?)
    }
}

fn target_values<T: Element>(table: &Table, standardizer: &Option<Standardizer>) -> Result<Values> {
    let numbers = table.numbers()?;
    let mut scaled = numbers.to_vec();
    if let Some(standardizer) = standardizer {
        standardizer.apply(&mut scaled)?;
    }
    let rounded: Vec<T> = scaled.iter().map(|&x| T::of(x)).collect();
    if let Some(row) = rounded.iter().position(|x| !x.is_finite()) {
        let problem = too_large::<T>(numbers[row], standardizer.is_some());
        return Err(table.target_cell_problem(row, problem));
    }
    Ok(T::values(rounded))
}

fn too_large<T: Element>(value: f64, standardized: bool) -> String {
    let once = if standardized { " once standardised" } else { "" };
    format!("{value:e} is too large for {}{once}", T::PRECISION)
}

pub(crate) fn expected_features(expected: usize, found: usize) -> String {
    let features = if found == 1 { "feature" } else { "features" };
    format!("has {found} {features}, expected {expected}")
}
