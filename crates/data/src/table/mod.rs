//! A table as it was read: columns of numbers and of text, with the places they stand in.

mod builder;
mod cells;
mod told;

pub(crate) use builder::{Builder, Given};
pub(crate) use cells::{Cells, NO_TEXT};

use crate::error::{Column as ColumnPlace, Error, Place};
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::NumberFormat;
use std::path::{Path, PathBuf};

/// Rows and columns of a file, as they stand there: nothing is chosen, filled in or scaled yet.
///
/// A column holds numbers if each of its cells is one or is missing, and text otherwise.
/// [`Schema`](crate::Schema) says what the columns are for, and a
/// [`Preparation`](crate::Preparation) makes a data set of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub(crate) file: PathBuf,
    /// The file the last column was read from, if it is another one: an IDX file's labels.
    pub(crate) labels_file: Option<PathBuf>,
    pub(crate) columns: Vec<Column>,
    /// True if the columns' names stand in the file.
    pub(crate) named: bool,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) rows: usize,
    /// The words that were taken for missing values.
    pub(crate) missing: MissingWords,
    /// How numbers are written, unless a column's cells all say otherwise.
    pub(crate) numbers: NumberFormat,
    /// True if cells are separated by commas, which are seldom in fractions then.
    pub(crate) commas: bool,
    /// How many of the first columns are the pixels of an image, bytes from 0 to 255.
    pub(crate) pixels: Option<usize>,
    pub(crate) notes: Vec<Note>,
}

/// A column's name, and what all its cells have in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The distinct texts of a column of text, in the order in which they occur; `None` for one of
    /// numbers.
    pub(crate) texts: Option<Vec<String>>,
    /// Of a column of numbers, the spellings that are not the only ones of their number (`1.0`), if
    /// they are few.
    pub(crate) spellings: Vec<String>,
    /// True if points stand in the numbers as they do between thousands, and nowhere else: `999` and
    /// `1.000`.
    pub(crate) may_be_thousands: bool,
}

/// Some rows that follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) rows: usize,
    /// For each column.
    pub(crate) cells: Vec<Cells>,
    pub(crate) lines: Lines,
}

/// Where the rows of a chunk stand in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lines {
    /// The file has no lines: rows are counted from this one, from 0.
    None(u64),
    /// One line each from this one on.
    From(u64),
    /// These.
    Listed(Vec<u64>),
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A number of a column of numbers.
    Number(f64),
    /// The text of a column of text, without white space around it.
    Text(&'a str),
}

impl Table {
    /// The file it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// How many rows there are; at least one.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are; at least one.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The columns' names, in the order of the file. Without a header they are made up:
    /// `column_1`, or `pixel_ROW_COLUMN`.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// True if the names stand in the file.
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// What was decided while the file was read.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The cell of row `row` and column `column`, both counted from 0; panics past the end as a
    /// slice does.
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let (chunk, at) = self.find(row);
        match &chunk.cells[column] {
            Cells::Text(positions) => match (positions[at], &self.columns[column].texts) {
                (NO_TEXT, _) | (_, None) => Cell::Missing,
                (position, Some(texts)) => Cell::Text(&texts[position as usize]),
            },
            numbers => match numbers.number(at) {
                number if number.is_nan() => Cell::Missing,
                number => Cell::Number(number),
            },
        }
    }

    /// Where row `row`, from 0, is found in the file.
    pub fn place(&self, row: usize) -> Place {
        let (chunk, at) = self.find(row);
        match &chunk.lines {
            Lines::None(first) => Place::Row(first + at as u64 + 1),
            Lines::From(first) => Place::Line(first + at as u64),
            Lines::Listed(lines) => Place::Line(lines[at]),
        }
    }

    /// The chunk with row `row`, and which of its rows it is.
    fn find(&self, row: usize) -> (&Chunk, usize) {
        let mut at = row;
        for chunk in &self.chunks {
            if at < chunk.rows {
                return (chunk, at);
            }
            at -= chunk.rows;
        }
        panic!("row {row} of {}", self.rows)
    }

    /// Each chunk's cells of a column, with how many rows they are.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = (usize, &Cells)> + Clone {
        self.chunks.iter().map(move |chunk| (chunk.rows, &chunk.cells[column]))
    }

    /// The numbers of a column, NaN where one is missing.
    pub(crate) fn numbers(&self, column: usize) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.rows);
        for (rows, cells) in self.column(column) {
            cells.each_number(rows, |number| numbers.push(number));
        }
        numbers
    }

    /// The numbers of a column that are written in `format`; NaN where one is missing or is none.
    pub(crate) fn numbers_in(&self, column: usize, format: NumberFormat) -> Vec<f64> {
        let Some(texts) = &self.columns[column].texts else { return self.numbers(column) };
        let values: Vec<f64> = texts
            .iter()
            .map(|text| format.parse(text).map_or(f64::NAN, |number| number.value))
            .collect();
        let value = |position: u32| values.get(position as usize).copied().unwrap_or(f64::NAN);
        self.positions(column).map(value).collect()
    }

    /// For each row, the position of its text among the column's; [`NO_TEXT`] if it has none.
    pub(crate) fn positions(&self, column: usize) -> impl Iterator<Item = u32> + '_ {
        self.column(column).flat_map(|(rows, cells)| {
            (0..rows).map(move |row| match cells {
                Cells::Text(positions) => positions[row],
                _ => NO_TEXT,
            })
        })
    }

    /// How often each text of a column occurs.
    pub(crate) fn text_counts(&self, column: usize) -> Vec<usize> {
        let texts = self.columns[column].texts.as_ref().map_or(0, Vec::len);
        let mut counts = vec![0; texts];
        for position in self.positions(column).filter(|&position| position != NO_TEXT) {
            counts[position as usize] += 1;
        }
        counts
    }

    /// Leaves out the rows of which `keep` is false.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        let mut start = 0;
        for chunk in &mut self.chunks {
            let kept = &keep[start..start + chunk.rows];
            start += chunk.rows;
            if kept.iter().all(|kept| *kept) {
                continue;
            }
            chunk.cells.iter_mut().for_each(|cells| cells.retain(kept));
            let line = |(at, _): (usize, &bool)| match &chunk.lines {
                Lines::None(first) | Lines::From(first) => first + at as u64,
                Lines::Listed(lines) => lines[at],
            };
            let lines = kept.iter().enumerate().filter(|(_, kept)| **kept).map(line).collect();
            chunk.lines = Lines::Listed(lines);
            chunk.rows = kept.iter().filter(|kept| **kept).count();
        }
        self.chunks.retain(|chunk| chunk.rows > 0);
        self.rows = self.chunks.iter().map(|chunk| chunk.rows).sum();
    }

    /// The column as messages name it.
    pub(crate) fn column_place(&self, column: usize) -> ColumnPlace {
        let name = self.named.then(|| self.columns[column].name.clone());
        ColumnPlace { number: column + 1, name }
    }

    /// The file that holds a column.
    pub(crate) fn file_of(&self, column: usize) -> &Path {
        match &self.labels_file {
            Some(labels) if column + 1 == self.width() => labels,
            _ => &self.file,
        }
    }

    /// A problem with a cell.
    pub(crate) fn cell_problem(&self, row: usize, column: usize, problem: String) -> Error {
        let file = self.file_of(column);
        match self.labels_file.is_some() && column + 1 == self.width() {
            true => Error::row(file, self.place(row), problem),
            false => Error::cell(file, self.place(row), self.column_place(column), problem),
        }
    }
}
