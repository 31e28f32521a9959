//! The column to predict: class labels or numbers.

use std::collections::HashMap;

/// The target of every row.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Class labels.
    Labels(Labels),
    /// Numbers, which may yet stand for classes; all finite.
    Numbers(Vec<f64>),
}

/// A label for every row, each distinct label stored once.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The distinct labels: in numerical order if all are numbers, else in the order of their
    /// code points.
    pub names: Vec<String>,
    /// For each row, the position of its label in `names`.
    pub rows: Vec<u32>,
}

/// The label that a number stands for: its shortest decimal, so that `3`, `3.0` and `03` are one
/// label, `"3"`.
pub(crate) fn label(number: f64) -> String {
    // adding zero turns -0 into 0
    format!("{}", number + 0.0)
}

/// The number a label stands for, if it does.
pub(crate) fn label_number(label: &str) -> Option<f64> {
    label.parse().ok().filter(|number: &f64| number.is_finite())
}

impl Labels {
    /// One label for each of `numbers`.
    pub(crate) fn of_numbers(numbers: &[f64]) -> Self {
        let mut distinct: Vec<f64> = numbers.iter().map(|n| n + 0.0).collect();
        distinct.sort_unstable_by(f64::total_cmp);
        distinct.dedup();
        let at = |n: &f64| distinct.partition_point(|d| d < n) as u32;
        let rows = numbers.iter().map(at).collect();
        Labels { names: distinct.into_iter().map(label).collect(), rows }
    }
}

/// A target column while it is read. Numbers stay numbers until the first text.
pub(crate) enum TargetBuilder {
    Numbers(Vec<f64>),
    Labels { positions: HashMap<String, u32>, rows: Vec<u32> },
}

impl TargetBuilder {
    pub(crate) fn new() -> Self {
        TargetBuilder::Numbers(Vec::new())
    }

    /// Adds a row whose cell is a number.
    pub(crate) fn push_number(&mut self, number: f64) {
        match self {
            TargetBuilder::Numbers(numbers) => numbers.push(number),
            TargetBuilder::Labels { .. } => self.push_text(&label(number)),
        }
    }

    /// Adds a row whose cell is text.
    pub(crate) fn push_text(&mut self, text: &str) {
        if let TargetBuilder::Numbers(numbers) = self {
            let Labels { names, rows } = Labels::of_numbers(numbers);
            let positions = names.into_iter().zip(0..).collect();
            *self = TargetBuilder::Labels { positions, rows };
        }
        if let TargetBuilder::Labels { positions, rows } = self {
            let next = positions.len() as u32;
            let position = match positions.get(text) {
                Some(&position) => position,
                None => *positions.entry(text.to_owned()).or_insert(next),
            };
            rows.push(position);
        }
    }

    /// The whole column.
    pub(crate) fn finish(self) -> Target {
        let (positions, mut rows) = match self {
            TargetBuilder::Numbers(numbers) => return Target::Numbers(numbers),
            TargetBuilder::Labels { positions, rows } => (positions, rows),
        };
        let mut read: Vec<(String, u32)> = positions.into_iter().collect();
        read.sort_unstable();
        let mut place = vec![0; read.len()];
        for ((_, position), new) in read.iter().zip(0..) {
            place[*position as usize] = new;
        }
        rows.iter_mut().for_each(|row| *row = place[*row as usize]);
        Target::Labels(Labels { names: read.into_iter().map(|(name, _)| name).collect(), rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_make_numerically_sorted_labels() {
        let labels = Labels::of_numbers(&[10.0, -1.0, 2.0, 10.0, -0.0, 0.5, 0.0]);
        assert_eq!(labels.names, ["-1", "0", "0.5", "2", "10"]);
        assert_eq!(labels.rows, [4, 0, 3, 4, 1, 2, 1]);
    }

    #[test]
    fn the_first_text_turns_numbers_into_labels() {
        let mut builder = TargetBuilder::new();
        builder.push_number(3.0);
        builder.push_text("b");
        builder.push_number(3.0);
        builder.push_text("a");
        let Target::Labels(labels) = builder.finish() else { panic!("labels expected") };
        assert_eq!(labels.names, ["3", "a", "b"]);
        assert_eq!(labels.rows, [0, 2, 0, 1]);
    }
}
