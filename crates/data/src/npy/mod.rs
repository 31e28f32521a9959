//! NumPy's arrays: `.npy`, and `.npz`, a zip archive of them.
//!
//! The first dimension counts the rows; the others are flattened to columns, as IDX files are. Truth
//! values become the texts `true` and `false`, dates ISO text, and NaN is a missing number. What is
//! decoded are the bytes that are there: a header that promises more costs nothing.

mod archive;
mod elements;
mod header;
mod literal;
mod scalar;
mod stream;

pub(crate) use archive::{ENDING, read_archive};

use crate::error::Result;
use crate::idx::{by, feature_names};
use crate::limits::Limits;
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::NumberFormat;
use crate::source::Source;
use crate::table::{self, Chunk, Column, Lines, Table};
use elements::Decoded;
use header::{Elements, Header};
use std::path::Path;
use stream::Stream;

/// How many rows are a chunk of the table.
const CHUNK: usize = 4096;

/// Reads an opened `.npy` file.
pub(crate) fn read(source: Source, limits: &Limits) -> Result<Table> {
    let file = source.file.clone();
    let (mut reader, error) = source.into_reader();
    let stream = Stream { reader: &mut reader, file: &file, array: None, error: &error };
    Ok(read_array(stream, limits)?.into_table(&file, Vec::new()))
}

/// An array as columns.
struct Array {
    names: Vec<String>,
    /// True if the names stand in the file.
    named: bool,
    /// True if it holds the pixels of images.
    pixels: bool,
    rows: usize,
    /// The distinct texts of each column of text.
    texts: Vec<Option<Vec<String>>>,
    /// The cells of each column, for each chunk of rows.
    chunks: Vec<Vec<table::Cells>>,
}

/// Reads one array.
fn read_array(mut stream: Stream<'_>, limits: &Limits) -> Result<Array> {
    let header = Header::read(&mut stream, limits.record_bytes)?;
    let shape = header.shape.as_slice();
    let Some((&rows, rest)) = shape.split_first() else {
        return Err(stream.problem("holds a single value, expected an array of rows"));
    };
    if shape.contains(&0) {
        return Err(stream.problem(format!("is empty: its dimensions are {}", by(shape))));
    }
    let size = match &header.elements {
        Elements::Scalar(scalar) => scalar.bytes(),
        Elements::Record(_, size) => *size,
    };
    let total = shape.iter().try_fold(size, |total, &size| total.checked_mul(size));
    let Some(total) = total.filter(|&total| (total as u64) < u64::MAX) else {
        let problem = format!("cannot be as large as its header says: {}", by(shape));
        return Err(stream.problem(problem));
    };
    let width = match &header.elements {
        Elements::Scalar(_) => rest.iter().product(),
        Elements::Record(fields, _) if rest.is_empty() => fields.len(),
        Elements::Record(..) => {
            let problem = format!("holds records in {} dimensions, expected one", shape.len());
            return Err(stream.problem(problem));
        }
    };
    if width > limits.columns {
        let most = limits.columns;
        let problem = format!(
            "has {width} columns, expected at most {most}; --limits off reads them all the same"
        );
        return Err(stream.problem(problem));
    }
    let Decoded { texts, chunks } = elements::decode(&mut stream, &header, rows, width, total)?;
    let pixels = matches!(&header.elements, Elements::Scalar(s) if s.is_u8() && rest.len() >= 2);
    let (names, named) = match header.elements {
        Elements::Record(fields, _) => (fields.into_iter().map(|field| field.name).collect(), true),
        Elements::Scalar(_) if rest.len() >= 2 => (feature_names(rest), false),
        Elements::Scalar(_) => ((1..=width).map(|n| format!("column_{n}")).collect(), false),
    };
    Ok(Array { names, named, pixels, rows, texts, chunks })
}

impl Array {
    fn width(&self) -> usize {
        self.names.len()
    }

    /// Adds the columns of an array with as many rows.
    fn join(&mut self, other: Array) {
        self.names.extend(other.names);
        self.texts.extend(other.texts);
        for (cells, others) in self.chunks.iter_mut().zip(other.chunks) {
            cells.extend(others);
        }
    }

    /// The table of these columns, of which the first `pixels` are those of an image.
    fn into_table(self, file: &Path, notes: Vec<Note>) -> Table {
        let pixels = self.pixels.then_some(self.width());
        self.into_table_with(file, pixels, notes)
    }

    fn into_table_with(self, file: &Path, pixels: Option<usize>, notes: Vec<Note>) -> Table {
        let rows = self.rows;
        let columns = self.names.into_iter().zip(self.texts);
        let columns = columns.map(|(name, texts)| Column {
            name,
            texts,
            spellings: Vec::new(),
            may_be_thousands: false,
        });
        let chunks = self.chunks.into_iter().zip((0..rows).step_by(CHUNK));
        let chunk = |(cells, first): (_, usize)| Chunk {
            rows: CHUNK.min(rows - first),
            cells,
            lines: Lines::None(first as u64),
        };
        Table {
            file: file.to_owned(),
            labels_file: None,
            columns: columns.collect(),
            named: self.named,
            chunks: chunks.map(chunk).collect(),
            rows,
            missing: MissingWords::default(),
            numbers: NumberFormat::default(),
            commas: false,
            pixels,
            notes,
        }
    }
}
