//! A table's cells written as the rows of a network's inputs.

use super::encoder::{Category, Encoder, Fill};
use super::scale::Scale;
use crate::error::{Error, Problems, Result};
use crate::numbers::{NumberFormat, Spelling, label};
use crate::table::{Cells, NO_TEXT, Table};
use crate::target::{at, shown};
use consonance_core::Element;
use std::collections::HashMap;
use std::ops::Range;

/// What each cell of a column means to its encoder.
pub(super) enum Lookup {
    /// The cells are numbers, and mean themselves.
    Numbers,
    /// For each text its value, NaN where it is missing.
    Values(Vec<f64>),
    /// For each text its level.
    Levels(Vec<u32>),
    /// The level of each number.
    NumberLevels(HashMap<u64, u32>),
}

/// At most one cell of so many may be no number where training had numbers.
const ODD_SHARE: usize = 10;

/// A missing level.
const MISSING: u32 = u32::MAX;
/// A level that was never seen in training.
const UNKNOWN: u32 = u32::MAX - 1;
/// A level that was seen in training, and has no input of its own.
const RARE: u32 = u32::MAX - 2;

/// How many cells of a column were not as in most of training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) missing: usize,
    pub(super) unknown: usize,
    pub(super) infinite: usize,
}

impl Tally {
    pub(super) fn add(&mut self, other: Tally) {
        self.missing += other.missing;
        self.unknown += other.unknown;
        self.infinite += other.infinite;
    }
}

/// What the cells of a column of `table` mean, and how many among numbers are none: a few of them
/// count as missing, unless it is to be `strict`.
///
/// # Errors
/// [`Error::Several`] for cells that the encoder cannot take.
pub(super) fn lookup(
    encoder: &Encoder,
    table: &Table,
    column: usize,
    strict: bool,
) -> Result<(Lookup, usize)> {
    let Some(texts) = &table.columns[column].texts else {
        return match encoder {
            Encoder::Category(category) => Ok((number_levels(category, table, column), 0)),
            // infinite ones are found once they are scaled
            Encoder::Number(_) => Ok((Lookup::Numbers, 0)),
            _ => {
                check_numbers(encoder, table, column)?;
                Ok((Lookup::Numbers, 0))
            }
        };
    };
    let missing = |text: &String| encoder.is_missing(text, &table.missing);
    if let Encoder::Category(category) = encoder {
        let level = |text: &String| match missing(text) {
            true => MISSING,
            false => level_of(category, text),
        };
        return Ok((Lookup::Levels(texts.iter().map(level).collect()), 0));
    }
    let value = |text: &String| match encoder {
        _ if missing(text) => Some(f64::NAN),
        Encoder::Number(number) => match number.format.parse(text) {
            Some(number) => Some(number.value),
            // text stood among the numbers in training too
            None => (!number.odd.is_empty()).then_some(f64::NAN),
        },
        Encoder::Boolean(boolean) => boolean.words.value(text).map(f64::from),
        Encoder::Date(date) => date.format.days(text),
        Encoder::Category(_) => None,
    };
    let values: Vec<Option<f64>> = texts.iter().map(value).collect();
    let odd = match encoder {
        Encoder::Number(_) => {
            let none = |position: u32| values.get(position as usize).is_some_and(Option::is_none);
            table.positions(column).filter(|&position| none(position)).count()
        }
        _ => 0,
    };
    // more than a few are written in another way than training's
    let few = odd > 0 && !strict && ODD_SHARE * odd <= table.rows;
    let clips = matches!(encoder, Encoder::Number(number) if number.infinite_as.is_some());
    let wrong_value = |value: &Option<f64>| value.map_or(!few, |n| n.is_infinite() && !clips);
    let wrong = |position: u32| position != NO_TEXT && wrong_value(&values[position as usize]);
    if values.iter().any(wrong_value) {
        let mut problems = Problems::new(match encoder {
            Encoder::Number(_) => {
                "expected finite numbers; --missing-values names words for missing ones".to_owned()
            }
            Encoder::Boolean(boolean) => {
                let words = [boolean.words.yes.as_slice(), &boolean.words.no].concat();
                format!("expected one of {}", words.join(", "))
            }
            Encoder::Date(date) => format!("expected dates written as {}", date.format),
            Encoder::Category(_) => String::new(),
        });
        for (row, _) in table.positions(column).enumerate().filter(|(_, p)| wrong(*p)) {
            problems
                .add(|| format!("{}: found {}", at(table, row, column), shown(table, row, column)));
        }
        if problems.count > 0 {
            return Err(Error::Several { file: table.file_of(column).to_owned(), problems });
        }
    }
    let values = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    Ok((Lookup::Values(values), odd))
}

/// The level that `text` is, or the number that it writes in another way, as `3.0` does for `3`.
fn level_of(category: &Category, text: &str) -> u32 {
    let among = |levels: &[String], text: &str| {
        levels.binary_search_by(|level| level.as_str().cmp(text)).ok()
    };
    let find = |text: &str| match among(&category.levels, text) {
        Some(level) => Some(level as u32),
        None => among(&category.rare, text).map(|_| RARE),
    };
    let by_value = || {
        let number = NumberFormat::default().parse(text)?;
        (number.spelling == Spelling::Other).then(|| find(&label(number.value)))?
    };
    find(text).or_else(by_value).unwrap_or(UNKNOWN)
}

fn number_levels(category: &Category, table: &Table, column: usize) -> Lookup {
    let distinct = crate::target::distinct(table.numbers(column).into_iter());
    let level = |(number, _): (f64, usize)| {
        let level = level_of(category, &label(number));
        ((number + 0.0).to_bits(), level)
    };
    Lookup::NumberLevels(distinct.into_iter().map(level).collect())
}

/// Refuses numbers where dates or yes and no are expected, and infinite ones.
pub(super) fn check_numbers(encoder: &Encoder, table: &Table, column: usize) -> Result<()> {
    let (expected, wrong): (&str, fn(f64) -> bool) = match encoder {
        Encoder::Date(_) => ("expected dates", |number| !number.is_nan()),
        Encoder::Boolean(_) => ("expected yes or no, as 1 or 0", |number| {
            !(number.is_nan() || number == 0.0 || number == 1.0)
        }),
        _ => (
            "expected finite numbers; --infinite clip takes the largest finite one for them",
            f64::is_infinite,
        ),
    };
    let mut problems = Problems::new(expected);
    let mut row = 0;
    for (rows, cells) in table.column(column) {
        cells.each_number(rows, |number| {
            if wrong(number) {
                problems.add(|| {
                    format!("{}: found {}", at(table, row, column), shown(table, row, column))
                });
            }
            row += 1;
        });
    }
    match problems.count {
        0 => Ok(()),
        _ => Err(Error::Several { file: table.file_of(column).to_owned(), problems }),
    }
}

/// Where a column's inputs go: rows of `stride` numbers, from `offset` on.
pub(super) struct Place<'a, T> {
    pub(super) rows: &'a mut [T],
    pub(super) stride: usize,
    pub(super) offset: usize,
}

impl<T: Element> Place<'_, T> {
    #[inline]
    fn set(&mut self, row: usize, input: usize, value: f64) {
        self.rows[row * self.stride + self.offset + input] = T::of(value);
    }
}

/// Writes the inputs of the rows `range` of a chunk's `cells`; those not written to stay 0.
pub(super) fn encode<T: Element>(
    encoder: &Encoder,
    lookup: &Lookup,
    cells: &Cells,
    range: Range<usize>,
    mut place: Place<'_, T>,
) -> Tally {
    let mut tally = Tally::default();
    let first = range.start;
    match encoder {
        Encoder::Number(number) => {
            let ends = number.infinite_as;
            numbers(
                cells,
                lookup,
                range,
                (number.fill, ends),
                &number.scale,
                &mut place,
                &mut tally,
            );
        }
        Encoder::Boolean(boolean) => {
            let fill = (boolean.fill, None);
            numbers(cells, lookup, range, fill, &Scale::NONE, &mut place, &mut tally);
        }
        Encoder::Date(date) => {
            for row in range {
                let days = value(cells, lookup, row);
                let missing = days.is_nan();
                let days = if missing { date.fill.missing_as.unwrap_or(0.0) } else { days };
                date.write(days, |input, value| place.set(row - first, input, value));
                if missing {
                    tally.missing += 1;
                    if date.fill.indicator {
                        place.set(row - first, date.width() - 1, 1.0);
                    }
                }
            }
        }
        Encoder::Category(category) => {
            for row in range {
                let input = match level(cells, lookup, row) {
                    MISSING => {
                        tally.missing += 1;
                        category.missing_input().or(category.other_input())
                    }
                    UNKNOWN => {
                        tally.unknown += 1;
                        category.other_input()
                    }
                    RARE => category.other_input(),
                    level => Some(level),
                };
                if let Some(input) = input {
                    place.set(row - first, input as usize, 1.0);
                }
            }
        }
    }
    tally
}

/// Refuses missing values.
pub(super) fn check_present(
    encoder: &Encoder,
    lookup: &Lookup,
    table: &Table,
    column: usize,
) -> Result<()> {
    let mut problems = Problems::new("expected no missing values; --missing impute fills them in");
    let is_missing = |cells: &Cells, row: usize| match encoder {
        Encoder::Category(_) => level(cells, lookup, row) == MISSING,
        _ => value(cells, lookup, row).is_nan(),
    };
    let mut first = 0;
    for (count, cells) in table.column(column) {
        for row in (0..count).filter(|&row| is_missing(cells, row)) {
            problems.add(|| format!("{}: is missing", at(table, first + row, column)));
        }
        first += count;
    }
    match problems.count {
        0 => Ok(()),
        _ => Err(Error::Several { file: table.file.clone(), problems }),
    }
}

/// The rows whose cell has nothing in training that was like it.
pub(super) fn unseen(
    encoder: &Encoder,
    lookup: &Lookup,
    table: &Table,
    column: usize,
) -> Vec<usize> {
    let knows_missing = encoder.knows_missing();
    let mut rows = Vec::new();
    let mut first = 0;
    for (count, cells) in table.column(column) {
        let is_unseen = |row: &usize| match encoder {
            Encoder::Category(_) => match level(cells, lookup, *row) {
                MISSING => !knows_missing,
                level => level == UNKNOWN,
            },
            _ => value(cells, lookup, *row).is_nan() && !knows_missing,
        };
        rows.extend((0..count).filter(is_unseen).map(|row| first + row));
        first += count;
    }
    rows
}

/// The value of a cell, NaN if it is missing.
#[inline]
fn value(cells: &Cells, lookup: &Lookup, row: usize) -> f64 {
    match (cells, lookup) {
        (Cells::Text(positions), Lookup::Values(values)) => {
            values.get(positions[row] as usize).copied().unwrap_or(f64::NAN)
        }
        _ => cells.number(row),
    }
}

/// The level of a cell.
#[inline]
fn level(cells: &Cells, lookup: &Lookup, row: usize) -> u32 {
    match (cells, lookup) {
        (Cells::Text(positions), Lookup::Levels(levels)) => {
            levels.get(positions[row] as usize).copied().unwrap_or(MISSING)
        }
        (_, Lookup::NumberLevels(levels)) => {
            let number = cells.number(row);
            let level = levels.get(&(number + 0.0).to_bits()).copied().unwrap_or(UNKNOWN);
            if number.is_nan() { MISSING } else { level }
        }
        _ => MISSING,
    }
}

/// Writes scaled numbers, one column of a block of rows.
fn numbers<T: Element>(
    cells: &Cells,
    lookup: &Lookup,
    range: Range<usize>,
    (fill, infinite_as): (Fill, Option<[f64; 2]>),
    scale: &Scale,
    place: &mut Place<'_, T>,
    tally: &mut Tally,
) {
    let mut write = |row: usize, number: f64| {
        let missing = number.is_nan();
        let number = if missing { fill.missing_as.unwrap_or(0.0) } else { number };
        let number = match infinite_as {
            Some([least, largest]) if number.is_infinite() => {
                tally.infinite += 1;
                if number > 0.0 { largest } else { least }
            }
            _ => number,
        };
        place.set(row, 0, scale.apply(number));
        if missing {
            tally.missing += 1;
            if fill.indicator {
                place.set(row, 1, 1.0);
            }
        }
    };
    // a loop for each type, so that the type is looked at once
    match cells {
        Cells::U8(cells) => each(&cells[range], |row, &cell| write(row, f64::from(cell))),
        Cells::F32(cells) => each(&cells[range], |row, &cell| write(row, f64::from(cell))),
        Cells::F64(cells) => each(&cells[range], |row, &cell| write(row, cell)),
        Cells::Text(_) => {
            let first = range.start;
            range.for_each(|row| write(row - first, value(cells, lookup, row)));
        }
    }
}

/// Shows each of `cells` with its position.
#[inline]
fn each<T>(cells: &[T], mut see: impl FnMut(usize, &T)) {
    cells.iter().enumerate().for_each(|(row, cell)| see(row, cell));
}
