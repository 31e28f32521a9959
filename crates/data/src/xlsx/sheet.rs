//! The rows of a sheet, one after the other.

use crate::error::{Error, Place, Result};
use crate::numbers::label;
use crate::table::Given;
use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The most columns that a sheet has: A to XFD.
const MOST_COLUMNS: u32 = 16_384;

/// An opened file, and its first sheet.
pub(super) struct Workbook<'a> {
    pub(super) file: &'a Path,
    book: Xlsx<BufReader<File>>,
    pub(super) sheet: String,
    /// The other sheets.
    pub(super) others: Vec<String>,
}

/// A row with at least one cell.
pub(super) struct Row {
    /// Counted from 1, as Excel does.
    pub(super) number: u64,
    /// Each cell and its column, counted from 0.
    pub(super) cells: Vec<(usize, Value)>,
}

/// What a cell holds, if anything.
pub(super) enum Value {
    Number(f64),
    Text(String),
}

impl Value {
    pub(super) fn given(&self) -> Given<'_> {
        match self {
            Value::Number(number) => Given::Value(*number),
            Value::Text(text) => Given::Text(text),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Value::Number(number) => label(*number),
            Value::Text(text) => text.clone(),
        }
    }

    fn of(data: DataRef<'_>) -> Option<Self> {
        Some(match data {
            DataRef::Empty => return None,
            DataRef::Int(number) => Value::Number(number as f64),
            DataRef::Float(number) => Value::Number(number),
            DataRef::Bool(value) => Value::Text(value.to_string()),
            DataRef::String(text) | DataRef::DurationIso(text) => Value::Text(text),
            DataRef::SharedString(text) => Value::Text(text.to_owned()),
            DataRef::DateTimeIso(text) => Value::Text(text.replacen('T', " ", 1)),
            DataRef::Error(error) => Value::Text(error.to_string()),
            DataRef::DateTime(time) => date(&time),
        })
        .filter(|value| !matches!(value, Value::Text(text) if text.trim().is_empty()))
    }
}

/// A date as ISO text; spans of time, and what Excel shows as no date, stay numbers.
fn date(time: &ExcelDateTime) -> Value {
    let days = time.as_f64();
    if time.is_duration() || !(0.0..2_958_466.0).contains(&days) {
        return Value::Number(days);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let fraction = if milli > 0 { format!(".{milli:03}") } else { String::new() };
    let clock = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    Value::Text(match days < 1.0 {
        true => clock,
        false => format!("{year:04}-{month:02}-{day:02} {clock}"),
    })
}

impl<'a> Workbook<'a> {
    pub(super) fn open(file: &'a Path, from: File) -> Result<Self> {
        let problem = |error: XlsxError| problem(file, &error);
        let book = Xlsx::new(BufReader::new(from)).map_err(problem)?;
        let sheets: Vec<_> = book
            .sheets_metadata()
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .collect();
        let shown = sheets.iter().find(|sheet| sheet.visible == SheetVisible::Visible);
        let Some(sheet) = shown.or(sheets.first()).map(|sheet| sheet.name.clone()) else {
            return Err(Error::file(file, "is an Excel file without a sheet of cells"));
        };
        let others = sheets.iter().map(|other| other.name.clone()).filter(|name| *name != sheet);
        let others = others.collect();
        Ok(Workbook { file, book, sheet, others })
    }

    /// Shows every row that has a cell, until `see` has seen enough.
    pub(super) fn rows(&mut self, mut see: impl FnMut(Row) -> Result<bool>) -> Result<()> {
        let file = self.file;
        let problem = |error: XlsxError| problem(file, &error);
        let mut cells = self.book.worksheet_cells_reader(&self.sheet).map_err(problem)?;
        let mut row: Option<Row> = None;
        while let Some(cell) = cells.next_cell().map_err(problem)? {
            let (at, column) = cell.get_position();
            let number = u64::from(at) + 1;
            if column >= MOST_COLUMNS {
                let said = format!("has a cell in column {}, beyond XFD", u64::from(column) + 1);
                return Err(Error::row(file, Place::Row(number), said));
            }
            let Some(value) = Value::of(cell.get_value().clone()) else { continue };
            if let Some(done) = row.take_if(|row| row.number != number) {
                if number < done.number {
                    let said = format!("stands behind row {}", done.number);
                    return Err(Error::row(file, Place::Row(number), said));
                }
                if !see(done)? {
                    return Ok(());
                }
            }
            let row = row.get_or_insert_with(|| Row { number, cells: Vec::new() });
            row.cells.push((column as usize, value));
        }
        match row {
            Some(row) => see(row).map(drop),
            None => Ok(()),
        }
    }
}

fn problem(file: &Path, error: &XlsxError) -> Error {
    Error::file(file, format!("is an Excel file that cannot be read: {error}"))
}
