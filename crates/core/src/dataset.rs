//! Rows of inputs with their targets, and how a mini-batch names some of them.

use crate::{Error, Precision, Result, Values};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the network should answer for each row.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Nothing: the rows are for prediction.
    None,
    /// One class index a row, counted from 0.
    Classes(Vec<u32>),
    /// `width` numbers a row: values to regress on, or probabilities. Row-major [rows, width].
    Values {
        /// Numbers a row.
        width: usize,
        /// Row-major [rows, width].
        values: Values,
    },
}

/// An immutable table: `rows` × `inputs` features and a target for each row.
///
/// A network may hold a copy of it in its device's memory; [`Dataset::id`] tells one data set
/// from another, so that the copy is made once.
#[derive(Debug)]
pub struct Dataset {
    id: u64,
    rows: usize,
    inputs: usize,
    features: Values,
    targets: Targets,
    /// One more than the largest class index; 0 without classes.
    classes: usize,
}

impl Dataset {
    /// A data set of row-major `features` [rows, inputs].
    ///
    /// # Errors
    /// [`Error::Data`] if the features are not a whole number of rows, the targets are not one
    /// for each row, or features and target values are of different precision.
    pub fn new(inputs: usize, features: Values, targets: Targets) -> Result<Self> {
        if inputs == 0 || !features.len().is_multiple_of(inputs) {
            return Err(Error::Data(format!(
                "{} feature values are no whole number of rows of {inputs}",
                features.len()
            )));
        }
        let rows = features.len() / inputs;
        let target_rows = match &targets {
            Targets::None => rows,
            Targets::Classes(classes) => classes.len(),
            Targets::Values { width, values } => {
                if *width == 0 || !values.len().is_multiple_of(*width) {
                    return Err(Error::Data(format!(
                        "{} target values are no whole number of rows of {width}",
                        values.len()
                    )));
                }
                if values.precision() != features.precision() {
                    return Err(Error::Data(format!(
                        "features are {}, targets {}",
                        features.precision(),
                        values.precision()
                    )));
                }
                values.len() / width
            }
        };
        if target_rows != rows {
            return Err(Error::Data(format!("{rows} rows of features, {target_rows} of targets")));
        }
        if u32::try_from(rows).is_err() {
            return Err(Error::Data(format!("{rows} rows; at most {} are supported", u32::MAX)));
        }
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let classes = match &targets {
            Targets::Classes(classes) => {
                classes.iter().max().map_or(0, |&most| (most as usize).saturating_add(1))
            }
            _ => 0,
        };
        Ok(Dataset { id, rows, inputs, features, targets, classes })
    }

    /// The rows of this data set and, behind them, those of `other`; a data set of its own.
    ///
    /// # Errors
    /// [`Error::Data`] if they differ in inputs, precision, or the kind or width of their targets.
    pub fn followed_by(self, other: Dataset) -> Result<Self> {
        let differ = || Error::Data("two data sets of different columns do not follow".to_string());
        if self.inputs != other.inputs {
            return Err(differ());
        }
        let features = self.features.followed_by(other.features).ok_or_else(differ)?;
        let targets = match (self.targets, other.targets) {
            (Targets::None, Targets::None) => Targets::None,
            (Targets::Classes(mut classes), Targets::Classes(more)) => {
                classes.extend(more);
                Targets::Classes(classes)
            }
            (Targets::Values { width, values }, Targets::Values { width: same, values: more })
                if width == same =>
            {
                let values = values.followed_by(more).ok_or_else(differ)?;
                Targets::Values { width, values }
            }
            _ => return Err(differ()),
        };
        Dataset::new(self.inputs, features, targets)
    }

    /// A number no other data set of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many features a row has.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The features, row-major [rows, inputs].
    pub fn features(&self) -> &Values {
        &self.features
    }

    /// The targets.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// One more than the largest class index among the targets, whether or not a row has each
    /// smaller one; 0 if the targets are not classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The element type of the features (and of target values).
    pub fn precision(&self) -> Precision {
        self.features.precision()
    }

    /// Every row, in order.
    pub fn all(&self) -> Batch<'_> {
        Batch { data: self, rows: Rows::Range(0..self.rows) }
    }

    /// The rows of `rows`, in its order; a row may come twice.
    pub fn batch<'a>(&'a self, rows: &'a [u32]) -> Batch<'a> {
        Batch { data: self, rows: Rows::List(rows) }
    }
}

/// Row numbers: a run of neighbours, or any list.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows<'a> {
    /// Neighbouring rows; a host backend reads them where they lie.
    Range(Range<usize>),
    /// Any rows in any order; a backend gathers them.
    List(&'a [u32]),
}

impl Rows<'_> {
    /// How many rows are named.
    pub fn len(&self) -> usize {
        match self {
            Rows::Range(range) => range.len(),
            Rows::List(list) => list.len(),
        }
    }

    /// True if no row is named.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number, in the data set, of the batch's row `position`.
    pub fn at(&self, position: usize) -> usize {
        match self {
            Rows::Range(range) => range.start + position,
            Rows::List(list) => list[position] as usize,
        }
    }

    /// The part of these rows at `positions`.
    pub fn part(&self, positions: Range<usize>) -> Rows<'_> {
        match self {
            Rows::Range(range) => {
                Rows::Range(range.start + positions.start..range.start + positions.end)
            }
            Rows::List(list) => Rows::List(&list[positions]),
        }
    }
}

/// Some rows of a data set: a mini-batch, or all of it.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// The data set the rows belong to.
    pub data: &'a Dataset,
    /// Which rows.
    pub rows: Rows<'a>,
}

impl Batch<'_> {
    /// How many rows the batch has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without any row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The batch's rows at `positions` as a batch of their own.
    pub fn part(&self, positions: Range<usize>) -> Batch<'_> {
        Batch { data: self.data, rows: self.rows.part(positions) }
    }

    /// The class of the batch's row `position`, if the targets are classes.
    pub fn class(&self, position: usize) -> Option<u32> {
        match &self.data.targets {
            Targets::Classes(classes) => Some(classes[self.rows.at(position)]),
            _ => None,
        }
    }

    /// Checks that every row exists in the data set.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first row that does not.
    pub fn check(&self) -> Result<()> {
        let rows = self.data.rows;
        let beyond = match &self.rows {
            Rows::Range(range) if range.start <= range.end => {
                (range.end > rows).then_some(range.end.saturating_sub(1))
            }
            Rows::Range(range) => Some(range.start),
            Rows::List(list) => {
                // vectors find the largest; the first that is beyond is looked for if there is one
                let largest = list.iter().fold(0, |largest, &row| row.max(largest));
                let mut beyond = list.iter().map(|&row| row as usize).filter(|&row| row >= rows);
                (largest as usize >= rows).then(|| beyond.next()).flatten()
            }
        };
        match beyond {
            Some(row) => {
                Err(Error::Data(format!("row {row} asked for, the data set has {rows} rows")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lying_shapes_are_refused() {
        let features = || Values::from(vec![0.0_f32; 6]);
        assert!(Dataset::new(3, features(), Targets::None).is_ok());
        assert!(Dataset::new(4, features(), Targets::None).is_err());
        assert!(Dataset::new(0, features(), Targets::None).is_err());
        assert!(Dataset::new(3, features(), Targets::Classes(vec![0])).is_err());
        let wide = Targets::Values { width: 1, values: Values::from(vec![0.0_f64; 2]) };
        assert!(Dataset::new(3, features(), wide).is_err());
    }

    #[test]
    fn rows_follow_rows_of_the_same_columns() {
        let of = |features: Vec<f32>, classes: Vec<u32>| {
            Dataset::new(2, Values::from(features), Targets::Classes(classes)).unwrap()
        };
        let both = of(vec![1.0, 2.0], vec![0]).followed_by(of(vec![3.0, 4.0], vec![1])).unwrap();
        assert_eq!(both.features(), &Values::from(vec![1.0_f32, 2.0, 3.0, 4.0]));
        assert_eq!(both.targets(), &Targets::Classes(vec![0, 1]));
        let wide = Dataset::new(1, Values::from(vec![1.0_f32]), Targets::Classes(vec![0])).unwrap();
        assert!(of(vec![1.0, 2.0], vec![0]).followed_by(wide).is_err());
        let bare = Dataset::new(2, Values::from(vec![1.0_f32, 2.0]), Targets::None).unwrap();
        assert!(of(vec![1.0, 2.0], vec![0]).followed_by(bare).is_err());
    }

    #[test]
    fn rows_past_the_end_are_refused() {
        let data = Dataset::new(1, Values::from(vec![1.0_f32, 2.0]), Targets::None).unwrap();
        assert!(data.all().check().is_ok());
        assert!(data.batch(&[1, 0, 1]).check().is_ok());
        assert!(data.batch(&[2]).check().is_err());
        assert!(Batch { data: &data, rows: Rows::Range(1..3) }.check().is_err());
        assert_eq!(data.batch(&[1, 0]).part(1..2).rows.at(0), 0);
    }
}
