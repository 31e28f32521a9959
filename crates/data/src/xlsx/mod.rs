//! Excel's `.xlsx` files: the first sheet that is shown.
//!
//! Rows without a cell are passed over, and so are empty rows and columns before the table. Whether
//! the first row holds names is found out as in a CSV file. Dates become ISO text, truth values the
//! texts `true` and `false`, and of a formula its value is read. Cells are read one after the other;
//! the range that a sheet claims to have costs nothing.

mod sheet;

use crate::csv::{FirstRow, first_row};
use crate::error::{Column, Error, Place, Result, quoted};
use crate::iso::without_midnight;
use crate::missing::MissingWords;
use crate::note::Note;
use crate::numbers::NumberFormat;
use crate::options::ReadOptions;
use crate::source::{Archive, Input};
use crate::table::{Builder, Table};
use sheet::{Row, Workbook};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many rows are looked at to tell names from data.
const ROWS: usize = 1000;

/// Reads the first sheet. The files in `archive` are read once before, so that damage and bombs are
/// met there.
pub(crate) fn read(input: &Input, archive: &mut Archive, options: &ReadOptions) -> Result<Table> {
    archive.check()?;
    // the library that reads the sheet is not proof against every file
    catch_unwind(AssertUnwindSafe(|| read_checked(input, options))).unwrap_or_else(|_| {
        Err(Error::file(&input.file, "is no sound Excel file; open it and save it anew, or as CSV"))
    })
}

fn read_checked(input: &Input, options: &ReadOptions) -> Result<Table> {
    let file = input.file.as_path();
    let mut workbook = Workbook::open(file, input.seekable(&options.limits)?)?;
    let missing = options.missing.clone().unwrap_or_default();
    let header = find_header(&mut workbook, options, &missing)?;
    let mut known = Vec::new();
    loop {
        match attempt(&mut workbook, options, &missing, &header, &known)? {
            Attempt::Text(columns) => known.extend(columns),
            Attempt::Read(mut table) => {
                table.notes.splice(0..0, workbook.notes());
                return Ok(*table);
            }
        }
    }
}

/// Where the table begins, and its names.
struct Header {
    /// The first column with a cell in it.
    left: usize,
    /// The names, if there are any: those of the columns from `left` on.
    names: Option<Vec<String>>,
    /// The row with the names.
    row: u64,
}

/// Finds the header in the first rows.
fn find_header(
    workbook: &mut Workbook<'_>,
    options: &ReadOptions,
    missing: &MissingWords,
) -> Result<Header> {
    let mut rows: Vec<Row> = Vec::new();
    workbook.rows(|row| {
        rows.push(row);
        Ok(rows.len() <= ROWS)
    })?;
    let cells = || rows.iter().flat_map(|row| &row.cells).map(|(column, _)| *column);
    let (Some(left), Some(right)) = (cells().min(), cells().max()) else {
        return Err(Error::file(workbook.file, "is empty, expected rows of cells"));
    };
    // wide and nearly empty rows are not spread out
    let texts = |row: &Row, columns: &[usize]| -> Vec<String> {
        let text = |column: &usize| {
            let found = row.cells.iter().find(|(at, _)| at == column);
            found.map_or(String::new(), |(_, value)| value.text().trim().to_owned())
        };
        columns.iter().map(text).collect()
    };
    let mut columns: Vec<usize> = cells().collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.len() > options.limits.columns {
        return Err(Error::file(
            workbook.file,
            "has too many columns; --limits off reads them all",
        ));
    }
    let first = texts(&rows[0], &columns);
    let below: Vec<Vec<String>> = rows[1..].iter().map(|row| texts(row, &columns)).collect();
    let asked =
        |name: &String| NumberFormat::default().parse(name).is_none() && first.contains(name);
    let told = options.header.or(options.names.iter().any(asked).then_some(true));
    let found = match told {
        Some(true) => FirstRow::Names,
        Some(false) => FirstRow::Data,
        None => first_row(&first, &below, NumberFormat::default(), missing),
    };
    let row = rows[0].number;
    let names = match found {
        FirstRow::Names => {
            let all: Vec<usize> = (left..=right).collect();
            Some(texts(&rows[0], &all))
        }
        FirstRow::Data => None,
        FirstRow::Unclear => {
            let shown: Vec<String> = first.iter().take(5).map(|cell| quoted(cell)).collect();
            let problem = format!(
                "are these names or data: {}? --header true or --header false says which",
                shown.join(", ")
            );
            return Err(Error::row(workbook.file, Place::Row(row), problem));
        }
    };
    Ok(Header { left, names, row })
}

enum Attempt {
    Read(Box<Table>),
    /// These columns hold text and were not known to.
    Text(Vec<usize>),
}

fn attempt(
    workbook: &mut Workbook<'_>,
    options: &ReadOptions,
    missing: &MissingWords,
    header: &Header,
    known: &[usize],
) -> Result<Attempt> {
    let file = workbook.file;
    let mut builder = Builder::new(missing);
    let names = header.names.clone().unwrap_or_default();
    let is_text = |column: usize| {
        let told =
            |asked: &String| names.get(column) == Some(asked) || *asked == (column + 1).to_string();
        known.contains(&column) || options.text.iter().any(told)
    };
    names.iter().enumerate().for_each(|(column, _)| builder.add_column(is_text(column)));
    let (mut cells, mut rows) = (0_u64, 0_usize);
    workbook.rows(|row| {
        if header.names.is_some() && row.number == header.row {
            return Ok(true);
        }
        for (at, value) in &row.cells {
            let place = Place::Row(row.number);
            let Some(column) = at.checked_sub(header.left) else {
                let problem = format!(
                    "has a cell in column {} of the sheet, left of the table, which begins in column {}",
                    at + 1,
                    header.left + 1
                );
                return Err(Error::row(file, place, problem));
            };
            while builder.width() <= column {
                builder.add_column(is_text(builder.width()));
            }
            if !builder.give(column, value.given()) {
                let column = Column { number: column + 1, name: names.get(column).cloned() };
                return Err(Error::cell(file, place, column, "stands twice in the sheet"));
            }
        }
        // a cell takes some ten bytes of the sheet at least
        cells += 1 + row.cells.len() as u64;
        rows += 1;
        if let Some(problem) = builder.too_sparse(10 * cells, &options.limits) {
            return Err(Error::row(file, Place::Row(row.number), problem));
        }
        Ok(builder.end_row(row.number))
    })?;
    let surprises = builder.surprises();
    if !surprises.is_empty() {
        return Ok(Attempt::Text(surprises));
    }
    if rows == 0 {
        return Err(Error::file(file, "holds a header only, expected rows below it"));
    }
    let mut given = names;
    given.resize(builder.width(), String::new());
    let mut table = builder.finish(file, &given, header.names.is_some());
    let texts = table.columns.iter_mut().filter_map(|column| column.texts.as_mut());
    texts.for_each(|texts| without_midnight(texts));
    Ok(Attempt::Read(Box::new(table)))
}

impl Workbook<'_> {
    /// Which sheet is read, if there are several.
    fn notes(&self) -> Vec<Note> {
        if self.others.is_empty() {
            return Vec::new();
        }
        let others: Vec<String> = self.others.iter().map(|name| quoted(name)).collect();
        let text =
            format!("read the sheet {}; not read: {}", quoted(&self.sheet), others.join(", "));
        vec![Note::file(text)]
    }
}
