//! What is learned: a class or a number.

use crate::error::Result;
use crate::table::Table;
use crate::target::{Labels, Target, label_number};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a network is to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of a few classes.
    Classification,
    /// A number.
    Regression,
}

/// The most distinct integers that [`Table::task`] takes for classes.
const MOST_INTEGER_CLASSES: usize = 20;

impl Table {
    /// The task the target column suggests:
    ///
    /// - text, or the labels of an IDX file: classification;
    /// - integers (`3` or `3.0`) of at most 20 distinct values, each of which occurs at least
    ///   twice on average: classification;
    /// - any other numbers: regression.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) without a target column, and
    /// [`Error::Cell`](crate::Error::Cell) if text stands among fractional numbers, where neither
    /// task is likely to be meant.
    pub fn task(&self) -> Result<Task> {
        match self.expect_target()? {
            Target::Labels(labels) => self.check_mixture(labels).map(|()| Task::Classification),
            Target::Numbers(numbers) => {
                let integers = numbers.iter().all(|n| n.fract() == 0.0);
                let classes = integers && {
                    let distinct = Labels::of_numbers(numbers).names.len();
                    distinct <= MOST_INTEGER_CLASSES && 2 * distinct <= numbers.len()
                };
                Ok(if classes { Task::Classification } else { Task::Regression })
            }
        }
    }

    /// Refuses text among fractional numbers.
    fn check_mixture(&self, labels: &Labels) -> Result<()> {
        let numbers: Vec<Option<f64>> = labels.names.iter().map(|n| label_number(n)).collect();
        let fraction = numbers.iter().flatten().find(|n| n.fract() != 0.0);
        let text = labels.rows.iter().position(|&label| numbers[label as usize].is_none());
        match (fraction, text) {
            (Some(fraction), Some(row)) => {
                let found = &labels.names[labels.rows[row] as usize];
                let problem = format!(
                    "expected a number, as in other rows ({fraction}), found {found:?}; mend the \
                     cell, or name the task if the column holds classes"
                );
                Err(self.target_cell_problem(row, problem))
            }
            _ => Ok(()),
        }
    }
}

impl Task {
    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        [Task::Classification, Task::Regression]
            .into_iter()
            .find(|task| task.name() == name)
            .ok_or_else(|| format!("no task '{name}'; there are: classification, regression"))
    }
}
