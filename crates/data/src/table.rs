//! A table as it was read: raw features, and the target if there is one.

use crate::error::{Column, Error, Place, Result};
use crate::schema::Schema;
use crate::target::{Labels, Target, label_number};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Rows of numeric features with their targets, as read from a file; every number is finite.
///
/// Nothing is scaled or rounded yet: a [`Preparation`](crate::Preparation) makes the data set.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(crate) file: PathBuf,
    /// Where the target was read from: the same file, except for IDX.
    pub(crate) target_file: PathBuf,
    pub(crate) schema: Schema,
    /// The column of each feature in the file, counted from 0.
    pub(crate) columns: Vec<usize>,
    pub(crate) cells: Cells,
    pub(crate) target: Option<Target>,
    /// The line of each row; empty if the file has no lines.
    pub(crate) lines: Vec<u64>,
}

/// Row-major feature values, in bytes as long as all of them fit: images need an eighth of the
/// memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    U8(Vec<u8>),
    F64(Vec<f64>),
}

impl Cells {
    /// Adds a value, exactly.
    pub(crate) fn push(&mut self, value: f64) {
        let byte = value as u8;
        match self {
            Cells::U8(bytes) if f64::from(byte).to_bits() == value.to_bits() => bytes.push(byte),
            Cells::U8(bytes) => {
                let mut wide = Vec::with_capacity(bytes.len() + 1);
                wide.extend(bytes.iter().map(|&b| f64::from(b)));
                wide.push(value);
                *self = Cells::F64(wide);
            }
            Cells::F64(values) => values.push(value),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Cells::U8(bytes) => bytes.len(),
            Cells::F64(values) => values.len(),
        }
    }
}

impl Table {
    /// The file it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What the columns are called.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// How many rows there are; at least one.
    pub fn rows(&self) -> usize {
        self.cells.len() / self.inputs()
    }

    /// How many features a row has; at least one.
    pub fn inputs(&self) -> usize {
        self.schema.features.len()
    }

    /// The target column, if the file has one.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Feature `index` of row `row`, both counted from 0; panics past the end as a slice does.
    pub fn value(&self, row: usize, index: usize) -> f64 {
        assert!(index < self.inputs(), "feature {index} of {}", self.inputs());
        let at = row * self.inputs() + index;
        match &self.cells {
            Cells::U8(bytes) => f64::from(bytes[at]),
            Cells::F64(values) => values[at],
        }
    }

    /// Copies the features of row `row` into `into`, which must hold [`Table::inputs`] of them.
    pub fn copy_row(&self, row: usize, into: &mut [f64]) {
        let range = row * self.inputs()..(row + 1) * self.inputs();
        match &self.cells {
            Cells::U8(bytes) => {
                let row = &bytes[range];
                assert_eq!(row.len(), into.len(), "a row's length");
                into.iter_mut().zip(row).for_each(|(to, &byte)| *to = f64::from(byte));
            }
            Cells::F64(values) => into.copy_from_slice(&values[range]),
        }
    }

    /// Where row `row` (from 0) is found in the file.
    pub fn place(&self, row: usize) -> Place {
        match self.lines.get(row) {
            Some(&line) => Place::Line(line),
            None => Place::Row(row as u64 + 1),
        }
    }

    /// The distinct class labels, numerically sorted if all are numbers, else by code points.
    ///
    /// # Errors
    /// [`Error::File`] without a target, or if every row has the same label; [`Error::Cell`] for a
    /// number beyond ±2⁵³.
    pub fn classes(&self) -> Result<Vec<String>> {
        let names = self.labels()?.names.clone();
        match names.as_slice() {
            [only] => Err(self.target_problem(format!(
                "every row is of the class {only:?}; classification needs at least two classes"
            ))),
            _ => Ok(names),
        }
    }

    /// The position of each row's label in `classes`.
    ///
    /// # Errors
    /// [`Error::Cell`], or for an IDX file [`Error::Row`], naming the first row whose label is not
    /// among `classes`; [`Error::File`] without a target.
    pub fn class_indices(&self, classes: &[String]) -> Result<Vec<u32>> {
        let Labels { names, rows } = &*self.labels()?;
        let known: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        let index: Vec<Option<u32>> = names.iter().map(|n| known.get(&**n).copied()).collect();
        let known_index = |(row, &name): (usize, &u32)| {
            index[name as usize].ok_or_else(|| {
                let (name, known) = (&names[name as usize], listed(classes));
                let problem = format!("label {name:?} is unknown; the known labels are {known}");
                self.target_cell_problem(row, problem)
            })
        };
        rows.iter().enumerate().map(known_index).collect()
    }

    /// The target of each row as a number.
    ///
    /// # Errors
    /// [`Error::Cell`] naming the first row whose target is text; [`Error::File`] without a
    /// target.
    pub fn numbers(&self) -> Result<Cow<'_, [f64]>> {
        match self.expect_target()? {
            Target::Numbers(numbers) => Ok(Cow::Borrowed(numbers)),
            Target::Labels(Labels { names, rows }) => {
                let values: Vec<Option<f64>> = names.iter().map(|n| label_number(n)).collect();
                let value = |(row, &name): (usize, &u32)| {
                    values[name as usize].ok_or_else(|| {
                        let found = &names[name as usize];
                        let problem = format!("regression needs a number, found {found:?}");
                        self.target_cell_problem(row, problem)
                    })
                };
                rows.iter().enumerate().map(value).collect::<Result<_>>().map(Cow::Owned)
            }
        }
    }

    /// The target as labels, whatever it was read as.
    fn labels(&self) -> Result<Cow<'_, Labels>> {
        /// 2⁵³: beyond it, different whole numbers become the same `f64`, and the same label.
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        let labels = match self.expect_target()? {
            Target::Labels(labels) => Cow::Borrowed(labels),
            Target::Numbers(numbers) => Cow::Owned(Labels::of_numbers(numbers)),
        };
        let blurred = |name: &String| label_number(name).is_some_and(|n| n.abs() > LARGEST);
        let Some(blurred) = labels.names.iter().position(blurred) else { return Ok(labels) };
        let row = labels.rows.iter().position(|&name| name as usize == blurred).unwrap_or(0);
        let name = &labels.names[blurred];
        let problem = format!("label {name} is too large, expected at most 2^53 = {LARGEST}");
        Err(self.target_cell_problem(row, problem))
    }

    pub(crate) fn expect_target(&self) -> Result<&Target> {
        self.target.as_ref().ok_or_else(|| {
            let what = "has no target column, expected labels or numbers to learn or compare with";
            Error::file(&self.file, what)
        })
    }

    pub(crate) fn target_problem(&self, problem: String) -> Error {
        Error::file(&self.target_file, problem)
    }

    /// A problem with the target of `row`.
    pub(crate) fn target_cell_problem(&self, row: usize, problem: String) -> Error {
        match &self.schema.target {
            Some(target) => {
                let name = self.schema.named.then(|| target.name.clone());
                let column = Column { number: target.position + 1, name };
                Error::cell(&self.target_file, self.place(row), column, problem)
            }
            None => Error::row(&self.target_file, self.place(row), problem),
        }
    }

    /// A problem with feature `index` of `row`.
    pub(crate) fn feature_problem(&self, row: usize, index: usize, problem: String) -> Error {
        let name = self.schema.named.then(|| self.schema.features[index].clone());
        let column = Column { number: self.columns[index] + 1, name };
        Error::cell(&self.file, self.place(row), column, problem)
    }
}

/// `names` one after the other, at most twenty.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
