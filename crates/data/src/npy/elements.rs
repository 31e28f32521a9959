//! The elements of an array as columns, in either order.

use super::CHUNK;
use super::header::{Elements, Header};
use super::scalar::{Cells, Scalar};
use super::stream::Stream;
use crate::error::{Error, Place, Result};
use crate::idx::by;
use crate::iso::without_midnight;
use crate::table;
use indexmap::IndexSet;

/// How many rows are decoded at a time, which stay in the cache while their columns are written.
const BLOCK: usize = 64;

/// The columns of an array.
pub(super) struct Decoded {
    /// The distinct texts of each column of text.
    pub(super) texts: Vec<Option<Vec<String>>>,
    /// The cells of each column, for each chunk of rows.
    pub(super) chunks: Vec<Vec<table::Cells>>,
}

/// Reads the elements of an array of `rows` rows of `width` columns, which take `total` bytes.
pub(super) fn decode(
    stream: &mut Stream<'_>,
    header: &Header,
    rows: usize,
    width: usize,
    total: usize,
) -> Result<Decoded> {
    let mut reader = Reader { rows, width, total, read: 0, header, texts: Vec::new() };
    let chunks = match header.elements {
        Elements::Scalar(scalar) if header.fortran && width > 1 => {
            reader.by_columns(stream, scalar)?
        }
        _ => reader.by_rows(stream)?,
    };
    if !stream.next(1)?.is_empty() {
        return Err(reader.length(stream, "more"));
    }
    let texts = reader.texts.into_iter().enumerate().map(|(column, texts)| {
        let mut texts: Vec<String> = texts.into_iter().collect();
        without_midnight(&mut texts);
        header.scalar(column).is_text().then_some(texts)
    });
    Ok(Decoded { texts: texts.collect(), chunks })
}

impl Header {
    /// The type of a column.
    fn scalar(&self, column: usize) -> Scalar {
        match &self.elements {
            Elements::Scalar(scalar) => *scalar,
            Elements::Record(fields, _) => fields[column].scalar,
        }
    }

    /// Where a column begins in a row that is stored as one.
    fn offset(&self, column: usize) -> usize {
        match &self.elements {
            Elements::Scalar(scalar) => column * scalar.bytes(),
            Elements::Record(fields, _) => fields[column].offset,
        }
    }
}

struct Reader<'a> {
    rows: usize,
    width: usize,
    total: usize,
    /// How many bytes were read.
    read: usize,
    header: &'a Header,
    texts: Vec<IndexSet<String>>,
}

impl Reader<'_> {
    /// The next `count` bytes, all of them.
    fn next(&mut self, stream: &mut Stream<'_>, count: usize) -> Result<Vec<u8>> {
        let bytes = stream.next(count as u64)?;
        self.read += bytes.len();
        match bytes.len() == count {
            true => Ok(bytes),
            false => Err(self.length(stream, &self.read.to_string())),
        }
    }

    /// What is said if there are `found` bytes and not as many as the header says.
    fn length(&self, stream: &Stream<'_>, found: &str) -> Error {
        stream.problem(format!(
            "holds {found} bytes after its header, expected {} for {} elements",
            self.total,
            by(&self.header.shape)
        ))
    }

    /// What is said of an element that is none of its type.
    fn element(&self, stream: &Stream<'_>, (row, column): (usize, usize), problem: &str) -> Error {
        let place = Place::Row(row as u64 + 1);
        stream.problem(format!("{place}, column {}: {problem}", column + 1))
    }

    /// Reads what is stored row by row.
    fn by_rows(&mut self, stream: &mut Stream<'_>) -> Result<Vec<Vec<table::Cells>>> {
        let stride = self.total / self.rows;
        let mut chunks = Vec::new();
        for first in (0..self.rows).step_by(CHUNK) {
            let count = CHUNK.min(self.rows - first);
            let bytes = self.next(stream, count * stride)?;
            // only now is it sure that there are as many columns as the header says
            self.texts.resize_with(self.width, IndexSet::new);
            let room = |column| self.header.scalar(column).cells(count);
            let mut columns: Vec<Cells> = (0..self.width).map(room).collect();
            for (block, bytes) in bytes.chunks(BLOCK * stride).enumerate() {
                for (column, cells) in columns.iter_mut().enumerate() {
                    let at = (self.header.offset(column), stride);
                    let texts = &mut self.texts[column];
                    self.header.scalar(column).decode(bytes, at, cells, texts).map_err(
                        |(row, problem)| {
                            self.element(stream, (first + block * BLOCK + row, column), &problem)
                        },
                    )?;
                }
            }
            chunks.push(columns.into_iter().map(Cells::finish).collect());
        }
        Ok(chunks)
    }

    /// Reads what is stored column by column.
    fn by_columns(
        &mut self,
        stream: &mut Stream<'_>,
        scalar: Scalar,
    ) -> Result<Vec<Vec<table::Cells>>> {
        let mut stored = Vec::new();
        for column in 0..self.width {
            let bytes = self.next(stream, self.rows * scalar.bytes())?;
            let mut texts = IndexSet::new();
            let mut chunks = Vec::new();
            for (chunk, bytes) in bytes.chunks(CHUNK * scalar.bytes()).enumerate() {
                let mut cells = scalar.cells(bytes.len() / scalar.bytes());
                let decoded = scalar.decode(bytes, (0, scalar.bytes()), &mut cells, &mut texts);
                decoded.map_err(|(row, problem)| {
                    self.element(stream, (chunk * CHUNK + row, column), &problem)
                })?;
                chunks.push(cells.finish());
            }
            stored.push((texts, chunks));
        }
        // with more than two dimensions the columns are stored in another order
        let mut places: Vec<usize> = (0..self.width).collect();
        places.sort_by_key(|&stored| place(stored, &self.header.shape[1..]));
        let mut chunks: Vec<Vec<table::Cells>> =
            (0..self.rows.div_ceil(CHUNK)).map(|_| Vec::with_capacity(self.width)).collect();
        for at in places {
            let (texts, cells) = std::mem::take(&mut stored[at]);
            self.texts.push(texts);
            for (chunk, cells) in chunks.iter_mut().zip(cells) {
                chunk.push(cells);
            }
        }
        Ok(chunks)
    }
}

/// The place among the columns of the one that is stored `stored`th where the first index runs
/// fastest.
fn place(mut stored: usize, shape: &[usize]) -> usize {
    let mut place = 0;
    let mut below: usize = shape.iter().product();
    for &size in shape {
        below /= size;
        place += stored % size * below;
        stored /= size;
    }
    place
}

impl Cells {
    /// In as few bytes as hold them.
    fn finish(self) -> table::Cells {
        match self {
            Cells::U8(bytes) => table::Cells::U8(bytes),
            Cells::Numbers(numbers) => table::Cells::of_numbers(numbers),
            Cells::Texts(positions) => table::Cells::Text(positions),
        }
    }
}
