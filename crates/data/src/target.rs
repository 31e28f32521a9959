//! The target of each row: a class, or numbers.

use crate::error::{Error, Problems, Result, quoted};
use crate::missing::MissingWords;
use crate::numbers::{NumberFormat, label, label_number};
use crate::select::listed;
use crate::table::{NO_TEXT, Table};
use std::collections::HashMap;

/// The distinct labels of a column with how often each occurs: in numerical order if all are
/// numbers, else by code points. Rows without one are not counted.
pub(crate) fn labels(table: &Table, column: usize, missing: &MissingWords) -> Vec<(String, usize)> {
    let mut labels: Vec<(String, usize)> = match &table.columns[column].texts {
        Some(texts) => {
            let counted = texts.iter().cloned().zip(table.text_counts(column));
            counted.filter(|(text, count)| *count > 0 && !missing.contains(text)).collect()
        }
        None => {
            let written = spellings(table, column);
            let distinct = distinct(table.numbers(column).into_iter());
            let name = |n: f64| written.get(&n.to_bits()).cloned().unwrap_or_else(|| label(n));
            distinct.into_iter().map(|(number, count)| (name(number), count)).collect()
        }
    };
    sort_labels(&mut labels);
    labels
}

/// How the numbers of a column are written, where it is not in the only way.
fn spellings(table: &Table, column: usize) -> HashMap<u64, String> {
    let mut written = HashMap::new();
    for spelling in &table.columns[column].spellings {
        if let Some(number) = table.numbers.parse(spelling) {
            // of several the first
            written.entry((number.value + 0.0).to_bits()).or_insert_with(|| spelling.clone());
        }
    }
    written
}

/// The distinct numbers but NaN, in ascending order, with how often each occurs.
pub(crate) fn distinct(numbers: impl Iterator<Item = f64>) -> Vec<(f64, usize)> {
    few_distinct(numbers, usize::MAX).unwrap_or_default()
}

/// As [`distinct`], unless there are more than `most`.
pub(crate) fn few_distinct(
    numbers: impl Iterator<Item = f64>,
    most: usize,
) -> Option<Vec<(f64, usize)>> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for number in numbers.filter(|number| !number.is_nan()) {
        *counts.entry((number + 0.0).to_bits()).or_default() += 1;
        if counts.len() > most {
            return None;
        }
    }
    let each = counts.into_iter().map(|(bits, count)| (f64::from_bits(bits), count));
    let mut distinct: Vec<(f64, usize)> = each.collect();
    distinct.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    Some(distinct)
}

fn sort_labels(labels: &mut [(String, usize)]) {
    let numbers = labels.iter().all(|(label, _)| label_number(label).is_some());
    let number = |label: &str| label_number(label).unwrap_or(0.0);
    match numbers {
        true => labels.sort_by(|(a, _), (b, _)| number(a).total_cmp(&number(b)).then(a.cmp(b))),
        false => labels.sort_unstable(),
    }
}

/// Finds the class of a label: it is written like the class or, where both are plain numbers, of
/// the same value.
pub(crate) struct ClassFinder<'a> {
    classes: &'a [String],
    by_text: HashMap<&'a str, u32>,
    by_value: HashMap<u64, u32>,
}

impl<'a> ClassFinder<'a> {
    pub(crate) fn new(classes: &'a [String]) -> Self {
        let by_text = classes.iter().map(String::as_str).zip(0..).collect();
        let value = |(class, index): (&String, u32)| {
            let number = NumberFormat::default().parse(class)?;
            let plain = number.spelling != crate::numbers::Spelling::LeadingZero;
            plain.then_some(((number.value + 0.0).to_bits(), index))
        };
        let by_value = classes.iter().zip(0..).filter_map(value).collect();
        ClassFinder { classes, by_text, by_value }
    }

    /// The class of `text`.
    pub(crate) fn of_text(&self, text: &str) -> Option<u32> {
        let by_text = self.by_text.get(text).copied();
        by_text.or_else(|| match NumberFormat::default().parse(text) {
            Some(number) if number.spelling != crate::numbers::Spelling::LeadingZero => {
                self.of_number(number.value)
            }
            _ => None,
        })
    }

    /// The class of `number`.
    pub(crate) fn of_number(&self, number: f64) -> Option<u32> {
        self.by_value.get(&(number + 0.0).to_bits()).copied()
    }

    /// The class of each row of a column.
    ///
    /// # Errors
    /// [`Error::Several`] naming the first rows whose label is no class.
    pub(crate) fn of_column(&self, table: &Table, column: usize) -> Result<Vec<u32>> {
        const UNKNOWN: u32 = u32::MAX;
        let found: Vec<u32> = match &table.columns[column].texts {
            Some(texts) => {
                let classes: Vec<u32> =
                    texts.iter().map(|text| self.of_text(text).unwrap_or(UNKNOWN)).collect();
                let class = |position: u32| match position {
                    NO_TEXT => UNKNOWN,
                    position => classes[position as usize],
                };
                table.positions(column).map(class).collect()
            }
            None => {
                let class = |number: f64| self.of_number(number).unwrap_or(UNKNOWN);
                table.numbers(column).into_iter().map(class).collect()
            }
        };
        let known = listed(self.classes);
        let mut problems = Problems::new(format!("the known labels are {known}"));
        for (row, _) in found.iter().enumerate().filter(|(_, class)| **class == UNKNOWN) {
            problems
                .add(|| format!("{}: label {}", at(table, row, column), shown(table, row, column)));
        }
        match problems.count {
            0 => Ok(found),
            _ => Err(Error::Several { file: table.file_of(column).to_owned(), problems }),
        }
    }
}

/// Where a cell stands, for a list of several.
pub(crate) fn at(table: &Table, row: usize, column: usize) -> String {
    format!("{}, {}", table.place(row), table.column_place(column))
}

/// What a cell holds, in quotes.
pub(crate) fn shown(table: &Table, row: usize, column: usize) -> String {
    match table.cell(row, column) {
        crate::table::Cell::Missing => "(empty)".to_owned(),
        crate::table::Cell::Number(number) => quoted(&label(number)),
        crate::table::Cell::Text(text) => quoted(text),
    }
}

/// The numbers of a target column, of which those in `rows` are asked for.
///
/// # Errors
/// [`Error::Several`] naming the first of `rows` that hold no finite number.
pub(crate) fn target_numbers(
    table: &Table,
    column: usize,
    format: NumberFormat,
    rows: impl Iterator<Item = usize>,
) -> Result<Vec<f64>> {
    let found = table.numbers_in(column, format);
    let mut problems = Problems::new("expected a finite number to learn or compare with");
    for row in rows.filter(|&row| !found[row].is_finite()) {
        problems.add(|| format!("{}: found {}", at(table, row, column), shown(table, row, column)));
    }
    match problems.count {
        0 => Ok(found),
        _ => Err(Error::Several { file: table.file_of(column).to_owned(), problems }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_found_by_text_then_by_value() {
        let classes = ["1.1", "1.10", "007", "7", "x"].map(str::to_owned);
        let finder = ClassFinder::new(&classes);
        assert_eq!(finder.of_text("1.10"), Some(1));
        assert_eq!(finder.of_text("007"), Some(2));
        assert_eq!(finder.of_text("7.0"), Some(3));
        assert_eq!(finder.of_text("07"), None);
        assert_eq!(finder.of_number(7.0), Some(3));
        assert_eq!(finder.of_text("y"), None);
    }

    #[test]
    fn labels_of_numbers_are_in_numerical_order() {
        let mut labels = ["10", "9", "-1", "0.5"].map(|label| (label.to_owned(), 1)).to_vec();
        sort_labels(&mut labels);
        assert_eq!(
            labels.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(),
            ["-1", "0.5", "9", "10"]
        );
        let mut labels = ["10", "9", "x"].map(|label| (label.to_owned(), 1)).to_vec();
        sort_labels(&mut labels);
        assert_eq!(labels[0].0, "10");
    }
}
