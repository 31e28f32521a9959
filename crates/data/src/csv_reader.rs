//! Reads a CSV file row by row into a [`Table`].

use crate::columns::{Columns, Layout, layout};
use crate::error::{Column, Error, Place, Result, quoted};
use crate::newlines::Newlines;
use crate::source::{Format, Source, read_error};
use crate::table::{Cells, Table};
use crate::target::TargetBuilder;
use std::io::{BufRead, Cursor, Read};
use std::path::{Path, PathBuf};

/// How a file is to be read. The default: the last column is the target; whether there is a
/// header, and what separates the cells, is found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Which columns are features, which the target.
    pub columns: Columns,
    /// Columns of a CSV file to pass over, whatever they hold: names in the header or, if no column
    /// has that name, numbers, counted from 1.
    ///
    /// A schema remembers them: files read like it may have them still.
    pub ignore: Vec<String>,
    /// Whether the first row of a CSV file holds names; `None` to find out.
    ///
    /// It does if no feature's cell in it is a number. If all are, it is data, unless the
    /// target's cell is text and the cell below a number (names such as `0,1,2,label`). If only
    /// some are, that is an error, to be settled here. A column asked for by its name, and
    /// found, settles it too.
    pub header: Option<bool>,
    /// What separates the cells of a CSV file; `None` to find out: a tab if the first line has
    /// one outside quotes, else a semicolon if it has one, else a comma.
    pub delimiter: Option<u8>,
}

/// Reads a CSV file, plain or gzip.
///
/// UTF-8, with or without a byte order mark; lines end in LF, CRLF or CR, and blank ones are
/// skipped; cells may be quoted, and lose white space at either end. Every feature must be a
/// finite number, with a decimal point; the target is a number or text, and no cell may be empty.
///
/// # Errors
/// [`Error`] with file, line and column of the first thing that is otherwise.
pub fn read_csv(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table> {
    read_source(Source::open(path.as_ref())?, options)
}

/// Reads an opened CSV file.
pub(crate) fn read_source(source: Source, options: &ReadOptions) -> Result<Table> {
    if source.format == Format::Idx {
        return Err(Error::file(
            &source.file,
            "begins with zero bytes, expected the text of a CSV",
        ));
    }
    let mut rows = Rows::new(source, options.delimiter)?;
    let file = rows.file.clone();
    let Some((line, first)) = rows.next_copied()? else {
        return Err(Error::file(&file, "is empty, expected rows of numbers"));
    };
    let second = rows.next_copied()?;
    let below = second.as_ref().map(|(_, row)| texts(row));
    let layout = layout(&texts(&first), below.as_deref(), options)
        .map_err(|problem| Error::row(&file, Place::Line(line), problem))?;
    let header = layout.header;
    for &column in layout.features.iter().chain(&layout.target).filter(|_| header) {
        if let Err(problem) = text(&first[column]) {
            let column = Column { number: column + 1, name: None };
            return Err(Error::cell(&file, Place::Line(line), column, problem));
        }
    }
    let mut table = Builder::new(file, line, first.len(), layout, options);
    if !header {
        table.push(line, &first)?;
    }
    if let Some((line, row)) = &second {
        table.push(*line, row)?;
    }
    while let Some(line) = rows.advance()? {
        table.push(line, &rows.record)?;
    }
    table.finish()
}

/// All cells of a row as text; what is not UTF-8 may be ignored, and is refused later if it is not.
fn texts(row: &csv::ByteRecord) -> Vec<String> {
    row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect()
}

/// The rows of a file as text.
struct Rows {
    file: PathBuf,
    gzip: bool,
    reader: csv::Reader<Newlines<Box<dyn BufRead>>>,
    record: csv::ByteRecord,
}

impl Rows {
    fn new(source: Source, delimiter: Option<u8>) -> Result<Self> {
        /// A first line longer than this tells its delimiter by its beginning.
        const LONGEST_LINE: u64 = 1 << 20;
        let (file, gzip) = (source.file.clone(), source.is_gzip());
        let mut reader = source.into_reader();
        let mut line = Vec::new();
        (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|e| read_error(&file, gzip, e))?;
        let delimiter = delimiter.unwrap_or_else(|| find_delimiter(&line));
        let bytes: Box<dyn BufRead> = Box::new(Cursor::new(line).chain(reader));
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .delimiter(delimiter)
            .from_reader(Newlines::new(bytes));
        Ok(Rows { file, gzip, reader, record: csv::ByteRecord::new() })
    }

    /// Reads the next row that is not blank into `record`; its line.
    fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            let read = self.reader.read_byte_record(&mut self.record);
            let more = read.map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(source) => read_error(&self.file, self.gzip, source),
                other => Error::file(&self.file, format!("cannot be read as CSV: {other:?}")),
            })?;
            if !more {
                return Ok(None);
            }
            // where the reader stands: behind the row and its newlines
            let line = self.reader.position().line();
            let within = self.record.as_slice().iter().filter(|&&b| b == b'\n').count() as u64;
            // every line ends in a newline, so only a row still in quotes reaches the end
            if self.reader.get_ref().is_exhausted() {
                let place = Place::Line(line - within);
                return Err(Error::row(&self.file, place, "a quote is opened and never closed"));
            }
            let blank = self.record.len() == 1 && self.record[0].trim_ascii().is_empty();
            if !blank {
                return Ok(Some(line - within - 1));
            }
        }
    }

    /// A copy of the next row that is not blank, with its line.
    fn next_copied(&mut self) -> Result<Option<(u64, csv::ByteRecord)>> {
        Ok(self.advance()?.map(|line| (line, self.record.clone())))
    }
}

/// A tab if `line` has one outside quotes, else a semicolon if it has one, else a comma.
fn find_delimiter(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut semicolon = false;
    for &byte in line {
        match byte {
            b'"' => quoted = !quoted,
            b'\t' if !quoted => return b'\t',
            b';' if !quoted => semicolon = true,
            _ => {}
        }
    }
    if semicolon { b';' } else { b',' }
}

/// A table while its rows are read.
struct Builder {
    file: PathBuf,
    layout: Layout,
    first_line: u64,
    width: usize,
    /// True if what is a feature is up to the caller, not to an earlier table.
    chooses: bool,
    cells: Cells,
    target: TargetBuilder,
    lines: Vec<u64>,
}

impl Builder {
    fn new(
        file: PathBuf,
        first_line: u64,
        width: usize,
        layout: Layout,
        options: &ReadOptions,
    ) -> Self {
        let (cells, target) = (Cells::U8(Vec::new()), TargetBuilder::new());
        let chooses = options.columns.earlier().is_none();
        Builder { file, layout, first_line, width, chooses, cells, target, lines: Vec::new() }
    }

    fn push(&mut self, line: u64, row: &csv::ByteRecord) -> Result<()> {
        if row.len() != self.width {
            let (found, expected, first) = (row.len(), self.width, self.first_line);
            let problem = format!("{found} cells, expected {expected} as in line {first}");
            return Err(Error::row(&self.file, Place::Line(line), problem));
        }
        for (&column, name) in self.layout.features.iter().zip(&self.layout.schema.features) {
            match text(&row[column]).and_then(number) {
                Ok(value) => self.cells.push(value),
                Err(problem) => {
                    // text in the first row is likely to go on
                    let text = problem.starts_with("expected a number, found");
                    let hint = match text && self.lines.is_empty() && self.chooses {
                        true => "; a column that is no feature can be ignored",
                        false => "",
                    };
                    return Err(self.problem(line, column, name, problem + hint));
                }
            }
        }
        if let (Some(column), Some(target)) = (self.layout.target, &self.layout.schema.target)
            && let Err(problem) = push_target(&mut self.target, &row[column])
        {
            return Err(self.problem(line, column, &target.name, problem));
        }
        self.lines.push(line);
        Ok(())
    }

    fn problem(&self, line: u64, column: usize, name: &str, problem: String) -> Error {
        let name = self.layout.header.then(|| name.to_owned());
        let column = Column { number: column + 1, name };
        Error::cell(&self.file, Place::Line(line), column, problem)
    }

    fn finish(self) -> Result<Table> {
        if self.lines.is_empty() {
            return Err(Error::file(&self.file, "holds a header only, expected rows below it"));
        }
        Ok(Table {
            target_file: self.file.clone(),
            file: self.file,
            target: self.layout.target.map(|_| self.target.finish()),
            schema: self.layout.schema,
            columns: self.layout.features,
            cells: self.cells,
            lines: self.lines,
        })
    }
}

/// Adds a target cell, a number or a label.
fn push_target(target: &mut TargetBuilder, cell: &[u8]) -> std::result::Result<(), String> {
    let text = text(cell)?;
    if text.is_empty() {
        return Err("empty cell, expected a label or a number".to_owned());
    }
    match text.parse::<f64>() {
        Ok(_) => target.push_number(number(text)?),
        Err(_) => target.push_text(text),
    }
    Ok(())
}

/// A cell's text without white space at either end.
fn text(cell: &[u8]) -> std::result::Result<&str, String> {
    match std::str::from_utf8(cell) {
        Ok(text) => Ok(text.trim()),
        Err(_) => {
            let found = quoted(&String::from_utf8_lossy(cell));
            Err(format!("{found} is not UTF-8; save the file as UTF-8"))
        }
    }
}

/// The finite number a cell holds.
fn number(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("expected a finite number, found {}", quoted(text))),
        Err(_) if text.is_empty() => Err("empty cell, expected a number".to_owned()),
        Err(_) if text.replacen(',', ".", 1).parse::<f64>().is_ok() => {
            Err(format!("expected a number with a decimal point, found {}", quoted(text)))
        }
        Err(_) => Err(format!("expected a number, found {}", quoted(text))),
    }
}
