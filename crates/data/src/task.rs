//! What is learned: a class or a number.

use crate::target::few_distinct;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a network is to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of a few classes.
    Classification,
    /// One or more numbers.
    Regression,
    /// Several labels, each of which holds or does not.
    MultiLabel,
}

impl Task {
    const ALL: [Task; 3] = [Task::Classification, Task::Regression, Task::MultiLabel];

    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
            Task::MultiLabel => "multi_label",
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
        Task::ALL.into_iter().find(|task| task.name() == name).ok_or_else(|| {
            format!("no task '{name}'; there are: classification, regression, multi_label")
        })
    }
}

/// Why a constant target cannot be learned.
pub(crate) const ONE: &str = "the same in every row";

/// More different values than this are not counted.
const MOST: usize = 1000;

/// What a column of numbers is as a target, and why:
///
/// - two whole numbers are classes;
/// - so are whole numbers that leave none out from 0 or 1 on, up to 8 of them, if the rarest occurs
///   at least a hundredth as often as the commonest, or up to 12 if it occurs at least half as
///   often: so classes are numbered, while counts and ages have rare ends;
/// - all others are a regression.
pub(crate) fn task_of_numbers(numbers: impl Iterator<Item = f64>) -> (Task, String) {
    match few_distinct(numbers, MOST) {
        Some(distinct) => task_of_distinct(&distinct),
        None => (Task::Regression, format!("more than {MOST} different numbers")),
    }
}

/// The task of numbers that are given as the distinct ones, in ascending order, with how often each
/// occurs.
fn task_of_distinct(distinct: &[(f64, usize)]) -> (Task, String) {
    let count = distinct.len();
    if distinct.iter().any(|(number, _)| number.fract() != 0.0) {
        return (Task::Regression, format!("{count} different numbers, with fractions"));
    }
    let (Some((first, _)), Some((last, _))) = (distinct.first(), distinct.last()) else {
        return (Task::Regression, "no numbers".to_owned());
    };
    if count == 1 {
        return (Task::Regression, ONE.to_owned());
    }
    if count == 2 {
        return (Task::Classification, format!("{first} and {last}"));
    }
    let counts = || distinct.iter().map(|(_, count)| *count as f64);
    let evenness = counts().fold(f64::INFINITY, f64::min) / counts().fold(1.0, f64::max);
    let numbered = matches!(*first, 0.0 | 1.0) && last - first + 1.0 == count as f64;
    if numbered && (count <= 8 && evenness >= 0.01 || count <= 12 && evenness >= 0.5) {
        return (Task::Classification, format!("the whole numbers {first} to {last}"));
    }
    (Task::Regression, format!("{count} different whole numbers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_classes_where_they_number_them() {
        let task = |numbers: &[(f64, usize)]| task_of_distinct(numbers).0;
        let even = |range: std::ops::Range<u32>, count| {
            range.map(|n| (f64::from(n), count)).collect::<Vec<_>>()
        };
        assert_eq!(task(&[(0.0, 999), (1.0, 1)]), Task::Classification);
        assert_eq!(task(&[(-1.0, 5), (1.0, 5)]), Task::Classification);
        assert_eq!(task(&[(0.5, 5), (1.0, 5)]), Task::Regression);
        assert_eq!(task(&even(0..10, 180)), Task::Classification, "digits");
        assert_eq!(task(&even(1..4, 50)), Task::Classification);
        assert_eq!(task(&even(1..27, 20)), Task::Regression, "letters by number");
        assert_eq!(task(&even(3..9, 20)), Task::Regression, "wine's quality");
        assert_eq!(task(&[(4.0, 11), (6.0, 7), (8.0, 14)]), Task::Regression, "cylinders");
        let counts = [(0.0, 300), (1.0, 200), (2.0, 90), (3.0, 20), (4.0, 5), (5.0, 1)];
        assert_eq!(task(&counts), Task::Regression, "children");
    }
}
