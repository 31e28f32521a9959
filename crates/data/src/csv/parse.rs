//! A block of text as columns.

use super::blocks::Block;
use super::dialect::Dialect;
use super::records::{Cell, Cutter, Flaw, Separator, find};
use crate::error::{Error, Place, Problems, Result};
use crate::missing::MissingWords;
use crate::numbers::{NumberFormat, Spelling};
use crate::table::{Cells, Lines, NO_TEXT};
use indexmap::IndexSet;
use memchr::{memchr, memchr_iter};
use std::borrow::Cow;
use std::path::Path;

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
}

/// How a block is to be read.
pub(crate) struct Shape<'a> {
    pub(crate) file: &'a Path,
    pub(crate) dialect: Dialect,
    pub(crate) missing: &'a MissingWords,
    /// True if a word for a missing value is a number.
    pub(crate) missing_numbers: bool,
    /// For each column.
    pub(crate) kinds: Vec<Kind>,
    /// For each column, what earlier blocks tell of its numbers' spellings.
    pub(crate) spelt: Vec<Spelt>,
    /// The line that says how many cells a row has.
    pub(crate) width_line: u64,
}

/// The columns of a block.
pub(crate) struct Parsed {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<ParsedColumn>,
    pub(crate) lines: Lines,
    /// Rows of another length.
    pub(crate) ragged: Problems,
    /// Of a single column: how many of the last rows are blank lines.
    pub(crate) trailing_blanks: usize,
}

/// A column of a block.
pub(crate) struct ParsedColumn {
    pub(crate) cells: Cells,
    /// The distinct texts in the order in which they occur. Of numbers, the spellings that are not
    /// the only ones, as long as they are few.
    pub(crate) texts: Vec<String>,
    pub(crate) spelt: Spelt,
    /// True if a cell was no number where one was expected: the numbers are worth nothing then.
    pub(crate) surprise: bool,
}

/// How the numbers of a column are spelt.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spelt {
    /// True if there are more spellings than are kept.
    pub(crate) many: bool,
    /// True if some are whole numbers of at most three digits, and none is longer.
    pub(crate) short: bool,
    long: bool,
    /// True if some have a point, and all of these look like thousands: `1.000`.
    pub(crate) grouped: bool,
    ungrouped: bool,
}

impl Spelt {
    fn whole(&mut self, short: bool) {
        self.short |= short;
        self.long |= !short;
    }

    pub(crate) fn merge(&mut self, other: Spelt) {
        self.many |= other.many;
        self.short |= other.short;
        self.long |= other.long;
        self.grouped |= other.grouped;
        self.ungrouped |= other.ungrouped;
    }

    /// True if the points may stand between thousands.
    pub(crate) fn may_be_thousands(&self) -> bool {
        self.short && !self.long && self.grouped && !self.ungrouped
    }
}

/// True for `1.000` and `12.345.678`, as a number with points between thousands is written.
fn looks_grouped(text: &str) -> bool {
    let digits = text.trim_start_matches('-');
    let mut groups = digits.split('.');
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().unwrap_or("");
    (1..=3).contains(&first.len())
        && digits(first)
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3 && digits(group))
}

/// A column while it is read.
struct Builder {
    kind: Kind,
    numbers: Vec<f64>,
    positions: Vec<u32>,
    texts: IndexSet<String>,
    spelt: Spelt,
    surprise: bool,
}

/// The most spellings of numbers that are kept: class labels are given back as they were written.
pub(crate) const MOST_SPELLINGS: usize = 32;

impl Builder {
    fn new(kind: Kind, spelt: Spelt, rows: usize) -> Self {
        let room = |wanted| if kind == wanted { rows } else { 0 };
        Builder {
            kind,
            numbers: Vec::with_capacity(room(Kind::Number)),
            positions: Vec::with_capacity(room(Kind::Text)),
            texts: IndexSet::new(),
            spelt,
            surprise: false,
        }
    }

    #[inline]
    fn push(&mut self, cell: &Cell, text: &str, shape: &Shape<'_>) {
        match self.kind {
            Kind::Number => {
                let text = cell.of(text, shape.dialect.cutter.quote);
                let missing = shape.missing_numbers && shape.missing.contains(&text);
                let number = match shape.dialect.numbers.parse(&text) {
                    _ if missing => f64::NAN,
                    Some(number) => {
                        match number.spelling {
                            Spelling::Whole => self.spelt.whole(number.value.abs() < 1000.0),
                            Spelling::Other => self.keep_spelling(&text),
                            // codes are meant as they are written
                            Spelling::LeadingZero => self.surprise = true,
                        }
                        number.value
                    }
                    None => {
                        self.surprise |= !shape.missing.contains(&text);
                        f64::NAN
                    }
                };
                self.numbers.push(number);
            }
            Kind::Text => self.push_text(cell.of(text, shape.dialect.cutter.quote)),
        }
    }

    fn push_text(&mut self, text: Cow<'_, str>) {
        let position = match self.texts.get_index_of(&*text) {
            _ if text.is_empty() => NO_TEXT,
            Some(position) => position as u32,
            None => self.texts.insert_full(text.into_owned()).0 as u32,
        };
        self.positions.push(position);
    }

    /// Adds the number that begins at `start` and nothing stands around, or an empty cell; where it
    /// ends. `None` for anything else.
    #[inline]
    fn scan_number(
        &mut self,
        bytes: &[u8],
        start: usize,
        separator: u8,
        text: &str,
    ) -> Option<usize> {
        let first = start + usize::from(bytes.get(start) == Some(&b'-'));
        let mut end = first;
        let mut whole = 0_u64;
        while let Some(digit) =
            bytes.get(end).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d <= 9)
        {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
            end += 1;
        }
        let digits = end - first;
        if digits == 0 {
            let empty =
                matches!(bytes.get(start), Some(&byte) if byte == separator || byte == b'\n');
            return empty.then(|| {
                self.numbers.push(f64::NAN);
                start
            });
        }
        if digits <= 15 && !matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
            // 007 and -0 have spellings of their own
            if bytes[first] == b'0' && end > start + 1 {
                return None;
            }
            self.spelt.whole(whole < 1000);
            let whole = whole as f64;
            self.numbers.push(if first > start { -whole } else { whole });
            return Some(end);
        }
        let (number, length) = fast_float2::parse_partial::<f64, _>(&bytes[start..]).ok()?;
        if bytes[first] == b'0' && digits > 1 {
            return None;
        }
        let end = start + length;
        if !(self.spelt.many && self.spelt.ungrouped) {
            self.keep_spelling(&text[start..end]);
        }
        self.numbers.push(number);
        Some(end)
    }

    /// Takes back what was read of a row that is to be read otherwise.
    fn truncate(&mut self, rows: usize) {
        self.numbers.truncate(rows);
        self.positions.truncate(rows);
    }

    #[inline]
    fn keep_spelling(&mut self, text: &str) {
        if !self.spelt.ungrouped {
            self.spelt.grouped = true;
            self.spelt.ungrouped = !looks_grouped(text);
        }
        if !self.spelt.many && !self.texts.contains(text) {
            self.spelt.many = self.texts.len() == MOST_SPELLINGS;
            if !self.spelt.many {
                self.texts.insert(text.to_owned());
            }
        }
    }

    fn finish(self) -> ParsedColumn {
        let cells = match self.kind {
            Kind::Number => Cells::of_numbers(self.numbers),
            Kind::Text => Cells::Text(self.positions),
        };
        let texts = self.texts.into_iter().collect();
        ParsedColumn { cells, texts, spelt: self.spelt, surprise: self.surprise }
    }
}

/// Reads the records of `block`, which is UTF-8, as columns.
pub(crate) fn parse(block: &Block, text: &str, shape: &Shape<'_>) -> Result<Parsed> {
    let bytes = text.as_bytes();
    let width = shape.kinds.len();
    let line_at = |at: usize| block.line + memchr_iter(b'\n', &bytes[..at]).count() as u64;
    if let Some(at) = memchr(0, bytes) {
        let problem = "holds a NUL byte, which no text does";
        return Err(Error::row(shape.file, Place::Line(line_at(at)), problem));
    }
    let most = memchr_iter(b'\n', bytes).count();
    let mut builders: Vec<Builder> = shape
        .kinds
        .iter()
        .zip(&shape.spelt)
        .map(|(&kind, &spelt)| Builder::new(kind, spelt, most))
        .collect();
    let expected = format!("expected {width} as in line {}", shape.width_line);
    let mut ragged = Problems::new(expected);
    let mut lines = Vec::new();
    let (mut rows, mut trailing_blanks) = (0, 0);
    let (mut at, mut line) = (0, block.line);
    let mut cells = Vec::with_capacity(width);
    while at < bytes.len() {
        if shape.dialect.comment == Some(bytes[at]) {
            at = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
            line += 1;
            continue;
        }
        if let Some(next) = shape.numbers_of_row(bytes, at, &mut builders, text) {
            place_row(&mut lines, rows, line, block.line);
            (at, line, rows, trailing_blanks) = (next, line + 1, rows + 1, 0);
            continue;
        }
        builders.iter_mut().for_each(|builder| builder.truncate(rows));
        let next =
            shape.dialect.cutter.cut(bytes, at, &mut cells).map_err(|flaw| {
                flaw_error(flaw, &shape.dialect.cutter, shape.file, text, line_at)
            })?;
        let begins = line;
        line += match cells.iter().any(|cell| cell.quoted) {
            true => memchr_iter(b'\n', &bytes[at..next]).count() as u64,
            false => 1,
        };
        let start = at;
        at = next;
        let blank = is_blank(&cells, text);
        if blank && width > 1 {
            continue;
        }
        if blank && cells.is_empty() {
            // a blank line between blanks is one cell that is missing
            cells.push(Cell::EMPTY);
        }
        if cells.len() != width {
            ragged.add(|| {
                let found = cells.len();
                let comment = text[start..].starts_with('#');
                let hint = if comment { " (--comment '#' passes over such lines)" } else { "" };
                format!("line {begins}: {found} cell{}{hint}", if found == 1 { "" } else { "s" })
            });
            continue;
        }
        trailing_blanks = if blank { trailing_blanks + 1 } else { 0 };
        for (builder, cell) in builders.iter_mut().zip(&cells) {
            builder.push(cell, text, shape);
        }
        place_row(&mut lines, rows, begins, block.line);
        rows += 1;
    }
    let lines = match lines.is_empty() {
        true => Lines::From(block.line),
        false => Lines::Listed(lines),
    };
    let columns = builders.into_iter().map(Builder::finish).collect();
    Ok(Parsed { rows, columns, lines, ragged, trailing_blanks })
}

/// Notes the line of the row behind `rows` others: rows stand one a line, until one does not.
fn place_row(lines: &mut Vec<u64>, rows: usize, line: u64, first: u64) {
    if !lines.is_empty() {
        lines.push(line);
    } else if line != first + rows as u64 {
        lines.extend((0..rows).map(|row| first + row as u64));
        lines.push(line);
    }
}

impl Shape<'_> {
    /// Reads the row at `start` if it is plain, as most are: numbers and texts without quotes or
    /// blanks around, as many as there are columns; where the next begins. It does what the cutter
    /// and the builders do together, in one go. Of a row that is not plain, parts may have been read.
    #[inline]
    fn numbers_of_row(
        &self,
        bytes: &[u8],
        start: usize,
        builders: &mut [Builder],
        text: &str,
    ) -> Option<usize> {
        let Separator::Character(separator) = self.dialect.cutter.separator else { return None };
        if self.dialect.numbers != NumberFormat::default() || self.missing_numbers {
            return None;
        }
        let (mut at, last) = (start, builders.len() - 1);
        if last == 0 {
            return None;
        }
        for (index, builder) in builders.iter_mut().enumerate() {
            let end = match builder.kind {
                Kind::Number => builder.scan_number(bytes, at, separator, text)?,
                Kind::Text => {
                    let first = *bytes.get(at)?;
                    // a quote may stand behind blanks
                    if Some(first) == self.dialect.cutter.quote || matches!(first, b' ' | b'\t') {
                        return None;
                    }
                    let end = find(bytes, at, separator);
                    builder.push_text(Cow::Borrowed(text[at..end].trim()));
                    end
                }
            };
            let ends = if index == last { b'\n' } else { separator };
            match bytes.get(end) {
                Some(&byte) if byte == ends => at = end + 1,
                Some(b'\r') if index == last && bytes.get(end + 1) == Some(&b'\n') => at = end + 2,
                _ => return None,
            }
        }
        Some(at)
    }
}

/// True for a line with nothing on it.
pub(crate) fn is_blank(cells: &[Cell], text: &str) -> bool {
    match cells {
        [] => true,
        [only] => !only.quoted && only.of(text, None).is_empty(),
        _ => false,
    }
}

/// What is wrong with a record.
pub(crate) fn flaw_error(
    flaw: Flaw,
    cutter: &Cutter,
    file: &Path,
    text: &str,
    line_at: impl Fn(usize) -> u64,
) -> Error {
    let (at, problem) = match flaw {
        Flaw::Unclosed(at) => (at, "a quote is opened and never closed".to_owned()),
        Flaw::AfterQuote(at, behind) => {
            let rest: String = text[behind..].chars().take_while(|c| *c != '\n').take(20).collect();
            let problem = format!(
                "a quoted cell is closed and followed by {rest:?}, expected a separator or the end \
                 of the line; a quote within quotes is doubled, and --quote none takes quotes as \
                 text"
            );
            (at, problem)
        }
        Flaw::TooMany(at) => {
            let problem = format!(
                "has more than {} cells, as no sensible table does; --limits off reads them all the \
                 same",
                cutter.most
            );
            (at, problem)
        }
    };
    Error::row(file, Place::Line(line_at(at)), problem)
}
