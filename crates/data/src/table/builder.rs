//! A table from cells that come one after the other, where columns may appear late.

use super::{Cells, Chunk, Column, Lines, NO_TEXT, Table};
use crate::csv::{MOST_SPELLINGS, names};
use crate::limits::Limits;
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::{NumberFormat, Spelling};
use indexmap::IndexSet;
use std::path::Path;

/// How many rows are a chunk of the table.
const CHUNK: usize = 4096;

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Given<'a> {
    /// A number as it is written.
    Number(&'a str),
    /// A number that has no spelling of its own.
    #[cfg(feature = "xlsx")]
    Value(f64),
    Text(&'a str),
}

/// Columns that are filled row by row. Cells that are not given are missing.
pub(crate) struct Builder<'a> {
    missing: &'a MissingWords,
    missing_numbers: bool,
    columns: Vec<Growing>,
    chunks: Vec<Chunk>,
    /// The lines of the rows that are no chunk yet.
    lines: Vec<u64>,
    rows: usize,
}

/// A column while it is filled.
struct Growing {
    /// True if it holds text.
    text: bool,
    /// True until a cell was given.
    fresh: bool,
    /// True if text was given where numbers were expected: they are worth nothing then.
    surprise: bool,
    numbers: Vec<f64>,
    positions: Vec<u32>,
    texts: IndexSet<String>,
    /// Spellings of numbers that are not the only ones, one more than are kept at most.
    spellings: IndexSet<String>,
}

impl Growing {
    fn rows(&self) -> usize {
        if self.text { self.positions.len() } else { self.numbers.len() }
    }

    /// Makes it `rows` long.
    fn pad(&mut self, rows: usize) {
        match self.text {
            true => self.positions.resize(rows, NO_TEXT),
            false => self.numbers.resize(rows, f64::NAN),
        }
    }

    fn push_text(&mut self, text: &str) {
        self.positions.push(match (text, self.texts.get_index_of(text)) {
            ("", _) => NO_TEXT,
            (_, Some(position)) => position as u32,
            (_, None) => self.texts.insert_full(text.to_owned()).0 as u32,
        });
    }

    fn keep_spelling(&mut self, text: &str) {
        if self.spellings.len() <= MOST_SPELLINGS && !self.spellings.contains(text) {
            self.spellings.insert(text.to_owned());
        }
    }

    /// The cells of a chunk that is complete.
    fn take(&mut self) -> Cells {
        match self.text {
            true => Cells::Text(std::mem::take(&mut self.positions)),
            false => Cells::of_numbers(std::mem::take(&mut self.numbers)),
        }
    }
}

impl<'a> Builder<'a> {
    /// Without columns; `missing` are words for a missing value.
    pub(crate) fn new(missing: &'a MissingWords) -> Self {
        Builder {
            missing,
            missing_numbers: missing.have_numbers(),
            columns: Vec::new(),
            chunks: Vec::new(),
            lines: Vec::new(),
            rows: 0,
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Adds a column that holds text, or may hold numbers.
    pub(crate) fn add_column(&mut self, text: bool) {
        self.columns.push(Growing {
            text,
            fresh: true,
            surprise: false,
            numbers: Vec::new(),
            positions: Vec::new(),
            texts: IndexSet::new(),
            spellings: IndexSet::new(),
        });
    }

    /// Gives the cell of a column in the row that is being filled; false if it has one already.
    pub(crate) fn give(&mut self, column: usize, given: Given<'_>) -> bool {
        let row = self.lines.len();
        let (missing, missing_numbers) = (self.missing, self.missing_numbers);
        let column = &mut self.columns[column];
        if column.rows() > row {
            return false;
        }
        column.pad(row);
        let given = match given {
            Given::Text(text) => Given::Text(text.trim()),
            given => given,
        };
        if let Given::Text(text) = given
            && column.fresh
            && !missing.contains(text)
        {
            column.text = true;
            column.numbers = Vec::new();
            column.pad(row);
        }
        column.fresh &= given == Given::Text("");
        match given {
            Given::Number(text) if column.text => column.push_text(text),
            #[cfg(feature = "xlsx")]
            Given::Value(number) if column.text => {
                column.push_text(&crate::numbers::label(number));
            }
            Given::Text(text) if column.text => column.push_text(text),
            Given::Number(text) if missing_numbers && missing.contains(text) => {
                column.numbers.push(f64::NAN);
            }
            Given::Number(text) => {
                let number = NumberFormat::default().parse(text);
                match number.map(|number| number.spelling) {
                    Some(Spelling::Whole) => {}
                    Some(_) => column.keep_spelling(text),
                    None => column.surprise = true,
                }
                column.numbers.push(number.map_or(f64::NAN, |number| number.value));
            }
            #[cfg(feature = "xlsx")]
            Given::Value(number) => {
                let word = missing_numbers && missing.contains(&crate::numbers::label(number));
                column.numbers.push(if word { f64::NAN } else { number });
            }
            Given::Text(text) => {
                column.surprise |= !missing.contains(text);
                column.numbers.push(f64::NAN);
            }
        }
        true
    }

    /// Ends the row, which stands in `line`. False if the table is to be read again at once, since
    /// columns that were taken for numbers hold text.
    pub(crate) fn end_row(&mut self, line: u64) -> bool {
        self.lines.push(line);
        self.rows += 1;
        if self.lines.len() == CHUNK {
            self.end_chunk();
            return self.chunks.len() > 1 || self.surprises().is_empty();
        }
        true
    }

    fn end_chunk(&mut self) {
        let rows = self.lines.len();
        let take = |column: &mut Growing| {
            column.pad(rows);
            column.take()
        };
        let cells = self.columns.iter_mut().map(take).collect();
        let lines = std::mem::take(&mut self.lines);
        let lines = match lines.windows(2).all(|pair| pair[1] == pair[0] + 1) {
            true => Lines::From(lines[0]),
            false => Lines::Listed(lines),
        };
        self.chunks.push(Chunk { rows, cells, lines });
    }

    /// What is wrong with a table of so many rows and columns from `bytes` bytes, if it would take
    /// far more memory than they did: rows that each have columns of their own.
    pub(crate) fn too_sparse(&self, bytes: u64, limits: &Limits) -> Option<String> {
        let (rows, width) = (self.rows + 1, self.columns.len());
        let most = bytes.saturating_mul(limits.unpacked_ratio).max(Limits::UNPACKED_FREE);
        let size = (rows as u64).saturating_mul(width as u64).saturating_mul(4);
        (size > most && limits.unpacked_ratio < u64::MAX).then(|| {
            format!(
                "makes {rows} rows of {width} columns, nearly all of them empty, which no sensible \
                 table has; --limits off reads them all the same"
            )
        })
    }

    /// The columns that hold text where numbers were expected.
    pub(crate) fn surprises(&self) -> Vec<usize> {
        let surprised = self.columns.iter().enumerate().filter(|(_, column)| column.surprise);
        surprised.map(|(index, _)| index).collect()
    }

    /// The table of the rows, whose columns have these names in the file.
    pub(crate) fn finish(mut self, file: &Path, header: &[String], named: bool) -> Table {
        if !self.lines.is_empty() {
            self.end_chunk();
        }
        let width = self.columns.len();
        for chunk in &mut self.chunks {
            // columns that appeared later
            for column in &self.columns[chunk.cells.len()..] {
                chunk.cells.push(match column.text {
                    true => Cells::Text(vec![NO_TEXT; chunk.rows]),
                    false => Cells::F32(vec![f32::NAN; chunk.rows]),
                });
            }
            debug_assert_eq!(chunk.cells.len(), width);
            // a column whose first cells were missing turned out to hold text
            for (cells, column) in chunk.cells.iter_mut().zip(&self.columns) {
                if column.text && !matches!(cells, Cells::Text(_)) {
                    *cells = Cells::Text(vec![NO_TEXT; chunk.rows]);
                }
            }
        }
        let (names, renamed) = names(Some(header).filter(|_| named), width);
        let note = |&index: &usize| {
            let given = &header[index];
            let text =
                format!("several columns are called {given:?}: this one, number {}", index + 1);
            Note::column(&names[index], text)
        };
        let notes = renamed.iter().map(note).collect();
        let column = |(column, name): (Growing, String)| Column {
            name,
            texts: column.text.then(|| column.texts.into_iter().collect()),
            spellings: match column.spellings.len() <= MOST_SPELLINGS {
                true => column.spellings.into_iter().collect(),
                false => Vec::new(),
            },
            may_be_thousands: false,
        };
        Table {
            file: file.to_owned(),
            labels_file: None,
            columns: self.columns.into_iter().zip(names).map(column).collect(),
            named,
            chunks: self.chunks,
            rows: self.rows,
            missing: self.missing.clone(),
            numbers: NumberFormat::default(),
            commas: false,
            pixels: None,
            notes,
        }
    }
}
