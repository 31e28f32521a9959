//! Parquet files, by way of Arrow's arrays.
//!
//! Columns of numbers, truth values, text and dates, also as dictionaries; null is a missing cell, and
//! so is NaN. Truth values become the texts `true` and `false`, dates and times ISO text, in UTC where
//! they have a time zone. What holds several values in a cell is refused by its column's name.

mod columns;

use crate::csv::names;
use crate::error::{Error, Result};
use crate::iso::without_midnight;
use crate::limits::Limits;
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::NumberFormat;
use crate::options::ReadOptions;
use crate::source::Input;
use crate::table::{Chunk, Column, Lines, Table};
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use columns::Reading;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// How many rows of a Parquet file are a chunk of the table.
const CHUNK: usize = 4096;

/// Reads a Parquet file.
pub(crate) fn read(input: &Input, options: &ReadOptions) -> Result<Table> {
    let file = input.file.as_path();
    let from = input.seekable(&options.limits)?;
    let size = from.metadata().map_err(|source| Error::Io { file: file.to_owned(), source })?.len();
    let read = || read_parquet(file, from, size, options);
    // the library is not proof against every damaged file
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Error::file(file, "is damaged, and cannot be read")))
}

fn read_parquet(file: &Path, from: File, size: u64, options: &ReadOptions) -> Result<Table> {
    let problem =
        |error| Error::file(file, format!("is a Parquet file that cannot be read: {error}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new(from).map_err(problem)?;
    let schema = builder.schema().clone();
    let batches = builder.with_batch_size(CHUNK).build().map_err(problem)?;
    collect(file, &schema, batches, size, options)
}

fn told(file: &Path, error: &ArrowError) -> Error {
    Error::file(file, format!("cannot be read: {error}"))
}

/// The table of these batches of rows.
fn collect(
    file: &Path,
    schema: &SchemaRef,
    batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
    size: u64,
    options: &ReadOptions,
) -> Result<Table> {
    let fields = schema.fields();
    let given: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    let width = given.len();
    if width == 0 || width > options.limits.columns {
        let most = options.limits.columns;
        return Err(Error::file(file, format!("has {width} columns, expected 1 to {most}")));
    }
    let mut notes = Vec::new();
    let mut readings: Vec<Reading> = Vec::with_capacity(width);
    for (field, name) in fields.iter().zip(&given) {
        let reading = Reading::of(field.data_type())
            .map_err(|problem| Error::file(file, format!("column {name:?}: {problem}")))?;
        if reading.is_zoned() {
            notes.push(Note::column(name, "times are read in UTC"));
        }
        readings.push(reading);
    }
    let (mut chunks, mut rows) = (Vec::new(), 0_usize);
    for batch in batches {
        let batch = batch.map_err(|error| told(file, &error))?;
        if batch.num_rows() == 0 {
            continue;
        }
        let mut cells = Vec::with_capacity(width);
        for (reading, (array, name)) in readings.iter_mut().zip(batch.columns().iter().zip(&given))
        {
            let read = reading.read(array.as_ref());
            cells.push(read.map_err(|said| Error::file(file, format!("column {name:?}: {said}")))?);
        }
        chunks.push(Chunk { rows: batch.num_rows(), cells, lines: Lines::None(rows as u64) });
        rows += batch.num_rows();
        // the same value a billion times takes a few bytes
        let most = size.saturating_mul(options.limits.unpacked_ratio).max(Limits::UNPACKED_FREE);
        if (rows as u64).saturating_mul(width as u64) > most {
            let problem = format!(
                "unpacks to more than {most} cells, which no table does; --limits off reads it all \
                 the same"
            );
            return Err(Error::file(file, problem));
        }
    }
    if rows == 0 {
        return Err(Error::file(file, "is empty, expected rows of cells"));
    }
    let (names, renamed) = names(Some(&given), width);
    notes.extend(renamed.into_iter().map(|index| {
        let given = &given[index];
        let text = format!("several columns are called {given:?}: this one, number {}", index + 1);
        Note::column(&names[index], text)
    }));
    let column = |(reading, name): (Reading, String)| {
        let mut texts = reading.into_texts();
        if let Some(texts) = &mut texts {
            without_midnight(texts);
        }
        Column { name, texts, spellings: Vec::new(), may_be_thousands: false }
    };
    Ok(Table {
        file: file.to_owned(),
        labels_file: None,
        columns: readings.into_iter().zip(names).map(column).collect(),
        named: true,
        chunks,
        rows,
        missing: MissingWords::default(),
        numbers: NumberFormat::default(),
        commas: false,
        pixels: None,
        notes,
    })
}
