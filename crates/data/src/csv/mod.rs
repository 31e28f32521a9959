//! Text files: CSV and its relatives.
//!
//! The first megabyte tells the encoding, the separator, the header, and which columns hold
//! numbers. Then the file is read in blocks of whole records, side by side. If a block shows that a
//! guess was wrong (text in a column of numbers, bytes that are no UTF-8), the file is read again
//! with what is known now: what is read depends on the whole file, and never on how it is cut.

mod blocks;
mod dialect;
pub(crate) mod encoding;
mod header;
mod parse;
pub(crate) mod records;

pub use encoding::Encoding;
pub(crate) use header::{FirstRow, first_row, names};
pub(crate) use parse::MOST_SPELLINGS;
pub use records::Separator;

use crate::error::{Error, Place, Result, quoted};
use crate::missing::MissingWords;
use crate::note::Note;
use crate::options::ReadOptions;
use crate::source::Input;
use crate::table::{Cells, Chunk, Column, NO_TEXT, Table};
use blocks::{Block, Blocks, ends_in_returns, sample};
use dialect::Dialect;
use indexmap::IndexSet;
use parse::{Kind, Parsed, Shape, Spelt, flaw_error, is_blank, parse};
use rayon::prelude::*;
use std::io::Read;
use std::path::Path;

/// Reads a text file.
pub(crate) fn read(input: &Input, options: &ReadOptions) -> Result<Table> {
    let mut known = Known { encoding: options.encoding, text: Vec::new() };
    loop {
        match attempt(input, options, &known)? {
            Attempt::Read(table) => return Ok(*table),
            Attempt::Text(columns) => known.text.extend(columns),
            Attempt::Latin1 => known.encoding = Some(Encoding::Latin1),
        }
    }
}

/// What earlier attempts found out.
struct Known {
    encoding: Option<Encoding>,
    /// Columns that hold text.
    text: Vec<usize>,
}

enum Attempt {
    Read(Box<Table>),
    /// These columns turned out to hold text.
    Text(Vec<usize>),
    /// The file turned out not to be UTF-8.
    Latin1,
}

/// The first rows, and what they tell.
struct Beginning {
    dialect: Dialect,
    /// The names of a header.
    header: Option<Vec<String>>,
    /// The line of the first row.
    line: u64,
    width: usize,
    notes: Vec<Note>,
}

fn attempt(input: &Input, options: &ReadOptions, known: &Known) -> Result<Attempt> {
    let file = &input.file;
    let source = input.open(&options.limits)?;
    let (mut raw, error) = source.into_reader();
    let (head, _) = sample(&mut raw, &options.limits).map_err(&error)?;
    let encoding = known.encoding.unwrap_or_else(|| Encoding::of(&head));
    let mut reader = encoding.decode(Box::new(std::io::Cursor::new(head).chain(raw)));
    let (mut head, ended) = sample(&mut reader, &options.limits).map_err(&error)?;
    head.drain(..Encoding::marks(&head));
    let missing = options.missing.clone().unwrap_or_default();
    let Some(text) = whole_text(&head, ended) else { return Ok(Attempt::Latin1) };
    let text = if ends_in_returns(&head) { text.replace('\r', "\n") } else { text.to_owned() };
    let mut beginning = begin(file, &text, ended, options, &missing)?;
    beginning.notes.extend(beginning.dialect.note(options).map(Note::file));
    if !matches!(encoding, Encoding::Utf8) {
        let note = format!("read as {encoding}; --encoding names another");
        beginning.notes.insert(0, Note::file(note));
    }

    let header_names = beginning.header.as_deref();
    let (names, renamed) = names(header_names, beginning.width);
    let kinds = first_kinds(&names, options, known);
    let mut shape = Shape {
        file,
        dialect: beginning.dialect,
        missing: &missing,
        missing_numbers: missing.have_numbers(),
        spelt: vec![Spelt::default(); kinds.len()],
        kinds,
        width_line: beginning.line,
    };
    let blocks = Blocks::new(file.clone(), head, (reader, error), shape.dialect, options.limits);
    let parsed = match read_blocks(blocks, &mut shape, beginning.header.is_some())? {
        Outcome::Parsed(parsed) => parsed,
        Outcome::Text(columns) => return Ok(Attempt::Text(columns)),
        Outcome::Latin1 => return Ok(Attempt::Latin1),
    };
    for index in renamed {
        let given = header_names.map_or("", |header| header[index].as_str());
        let note = format!("several columns are called {given:?}: this one, number {}", index + 1);
        beginning.notes.push(Note::column(&names[index], note));
    }
    let table = assemble(file, names, parsed, beginning, missing)?;
    Ok(Attempt::Read(Box::new(table)))
}

/// The whole records of `head` as text, or what is text of it; `None` if it is no UTF-8.
fn whole_text(head: &[u8], ended: bool) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // a character cut in two by the end of the sample
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    Some(match ended {
        true => text,
        false => &text[..text.rfind('\n').map_or(text.len(), |at| at + 1)],
    })
}

/// How many rows are looked at to tell names from data.
const ROWS: usize = 1000;

/// Finds the dialect and the header of a file that begins with `text`.
fn begin(
    file: &Path,
    text: &str,
    ended: bool,
    options: &ReadOptions,
    missing: &MissingWords,
) -> Result<Beginning> {
    let dialect = Dialect::find(text, options);
    let bytes = text.as_bytes();
    let (mut at, mut cells, mut rows) = (dialect.preamble.min(bytes.len()), Vec::new(), Vec::new());
    let line_at = |at: usize| 1 + memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64;
    let mut line = 0;
    while at < bytes.len() && rows.len() <= ROWS {
        let begins = at;
        let comment = dialect.comment == Some(bytes[at]);
        at = match dialect.cutter.cut(bytes, at, &mut cells) {
            Ok(next) => next,
            // what follows the sample may close the quote
            Err(records::Flaw::Unclosed(_)) if !ended && !rows.is_empty() => break,
            Err(flaw) => return Err(flaw_error(flaw, &dialect.cutter, file, text, line_at)),
        };
        if comment || is_blank(&cells, text) {
            continue;
        }
        if rows.is_empty() {
            line = line_at(begins);
        }
        let texts = cells.iter().map(|cell| cell.of(text, dialect.cutter.quote).into_owned());
        rows.push(texts.collect::<Vec<String>>());
    }
    if rows.is_empty() {
        return Err(Error::file(file, "is empty, expected rows of cells"));
    }
    let mut first = rows.remove(0);
    let mut notes = Vec::new();
    extend_header(&mut first, &rows, &mut notes);
    let width = first.len();
    let asked = |name: &String| dialect.numbers.parse(name).is_none() && first.contains(name);
    let told = options.header.or(options.names.iter().any(asked).then_some(true));
    let told = told.map(|header| if header { FirstRow::Names } else { FirstRow::Data });
    let names = told.unwrap_or_else(|| first_row(&first, &rows, dialect.numbers, missing));
    let header = match names {
        FirstRow::Names => Some(first),
        FirstRow::Data => None,
        FirstRow::Unclear => {
            let shown: Vec<String> = first.iter().take(5).map(|cell| quoted(cell)).collect();
            let problem = format!(
                "are these names or data: {}? --header true or --header false says which",
                shown.join(", ")
            );
            return Err(Error::row(file, Place::Line(line), problem));
        }
    };
    Ok(Beginning { dialect, header, line, width, notes })
}

/// Adds what a header lacks: a name for the row names that R writes, or for the empty cells behind
/// a separator at the end of each line.
fn extend_header(first: &mut Vec<String>, below: &[Vec<String>], notes: &mut Vec<Note>) {
    let one_more = |row: &Vec<String>| row.len() == first.len() + 1;
    if below.is_empty() || !below.iter().all(one_more) {
        return;
    }
    if below.iter().all(|row| row.last().is_some_and(String::is_empty)) {
        first.push(String::new());
    } else {
        first.insert(0, String::new());
        notes
            .push(Note::file("rows have a cell more than the first one: their names, as R writes"));
    }
}

/// How each column is read at first: as numbers, unless it is known to hold text.
fn first_kinds(names: &[String], options: &ReadOptions, known: &Known) -> Vec<Kind> {
    let mut kinds = vec![Kind::Number; names.len()];
    for column in &options.text {
        // a column that is not there is told by who needs it
        if let Some(index) = crate::select::position(names, column) {
            kinds[index] = Kind::Text;
        }
    }
    known.text.iter().for_each(|&column| kinds[column] = Kind::Text);
    kinds
}

enum Outcome {
    Parsed(Vec<Parsed>),
    Text(Vec<usize>),
    Latin1,
}

/// Reads all blocks, as many at a time as there are threads.
fn read_blocks<F: Fn(std::io::Error) -> Error + Send>(
    mut blocks: Blocks<F>,
    shape: &mut Shape<'_>,
    header: bool,
) -> Result<Outcome> {
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut surprises: Vec<usize> = Vec::new();
    let at_once = 6 * rayon::current_num_threads();
    let Some(mut first) = blocks.next()? else { return Ok(Outcome::Parsed(parsed)) };
    if header {
        without_first_record(&mut first, shape);
    }
    // the first block tells which columns are text, so that most files are read once
    let tried = parse(&first, text_of(&first, shape.file)?, shape)?;
    for (index, column) in tried.columns.iter().enumerate() {
        if column.surprise {
            shape.kinds[index] = Kind::Text;
        }
        // where spellings are too many to be kept, none is kept from here on
        shape.spelt[index] = column.spelt;
    }
    let mut waiting = vec![first];
    loop {
        let (results, next) = rayon::join(
            || {
                let parse_one = |block: &Block| match std::str::from_utf8(&block.bytes) {
                    Ok(text) => parse(block, text, shape).map(Some),
                    Err(_) => not_utf8(block, shape.file).map(|()| None),
                };
                waiting.par_iter().map(parse_one).collect::<Vec<_>>()
            },
            || {
                let mut next = Vec::new();
                while next.len() < at_once
                    && let Some(block) = blocks.next()?
                {
                    next.push(block);
                }
                Ok::<_, Error>(next)
            },
        );
        for result in results {
            let Some(block) = result? else { return Ok(Outcome::Latin1) };
            let surprised = block.columns.iter().enumerate().filter(|(_, column)| column.surprise);
            surprises.extend(surprised.map(|(index, _)| index));
            // what will be read again need not be kept
            if surprises.is_empty() {
                parsed.push(block);
            }
        }
        waiting = next?;
        if waiting.is_empty() {
            break;
        }
    }
    surprises.sort_unstable();
    surprises.dedup();
    Ok(if surprises.is_empty() { Outcome::Parsed(parsed) } else { Outcome::Text(surprises) })
}

fn text_of<'a>(block: &'a Block, file: &Path) -> Result<&'a str> {
    std::str::from_utf8(&block.bytes)
        .map_err(|_| Error::row(file, Place::Line(block.line), "is not UTF-8; --encoding latin-1"))
}

/// Takes the header out of the first block.
fn without_first_record(block: &mut Block, shape: &Shape<'_>) {
    let mut cells = Vec::new();
    let mut at = 0;
    while at < block.bytes.len() {
        let begins = at;
        let bytes = &block.bytes;
        let comment = shape.dialect.comment == Some(bytes[at]);
        let Ok(next) = shape.dialect.cutter.cut(bytes, at, &mut cells) else { return };
        at = next;
        let blank = bytes[begins..next].trim_ascii().is_empty();
        if !comment && !blank {
            break;
        }
    }
    let header: Vec<u8> = block.bytes.drain(..at).collect();
    block.line += memchr::memchr_iter(b'\n', &header).count() as u64;
}

/// Refuses a block that is partly UTF-8 beyond ASCII, so that no encoding reads all of it.
fn not_utf8(block: &Block, file: &Path) -> Result<()> {
    let mut at = 0;
    let mut wide = false;
    for chunk in block.bytes.utf8_chunks() {
        wide |= !chunk.valid().is_ascii();
        at += chunk.valid().len();
        if wide && !chunk.invalid().is_empty() {
            let line = block.line + memchr::memchr_iter(b'\n', &block.bytes[..at]).count() as u64;
            let problem = "is not UTF-8, as other lines are; save the file in one encoding, or name \
                           it by --encoding";
            return Err(Error::row(file, Place::Line(line), problem));
        }
        at += chunk.invalid().len();
    }
    Ok(())
}

/// A table of what was read.
fn assemble(
    file: &Path,
    names: Vec<String>,
    parsed: Vec<Parsed>,
    beginning: Beginning,
    missing: MissingWords,
) -> Result<Table> {
    let mut ragged: Option<crate::error::Problems> = None;
    for block in &parsed {
        match &mut ragged {
            Some(all) => all.merge(&block.ragged),
            None => ragged = Some(block.ragged.clone()),
        }
    }
    if let Some(problems) = ragged.filter(|problems| problems.count > 0) {
        return Err(Error::Several { file: file.to_owned(), problems });
    }
    let width = names.len();
    let mut texts: Vec<Option<IndexSet<String>>> = vec![None; width];
    let mut columns: Vec<Column> = names
        .into_iter()
        .map(|name| Column { name, texts: None, spellings: Vec::new(), may_be_thousands: false })
        .collect();
    let (mut spelt, mut is_text) = (vec![Spelt::default(); width], vec![false; width]);
    let mut chunks = Vec::new();
    let mut trailing = 0;
    for block in parsed {
        trailing = match block.trailing_blanks == block.rows {
            true => trailing + block.rows,
            false => block.trailing_blanks,
        };
        let mut cells = Vec::with_capacity(width);
        for (index, column) in block.columns.into_iter().enumerate() {
            spelt[index].merge(column.spelt);
            cells.push(match column.cells {
                Cells::Text(positions) => {
                    is_text[index] = true;
                    let all = texts[index].get_or_insert_default();
                    Cells::Text(renumber(positions, column.texts, all))
                }
                numbers => {
                    texts[index].get_or_insert_default().extend(column.texts);
                    numbers
                }
            });
        }
        if block.rows > 0 {
            chunks.push(Chunk { rows: block.rows, cells, lines: block.lines });
        }
    }
    for (index, texts) in texts.into_iter().enumerate() {
        let texts: Vec<String> = texts.unwrap_or_default().into_iter().collect();
        if is_text[index] {
            columns[index].texts = Some(texts);
        } else if !spelt[index].many && texts.len() <= MOST_SPELLINGS {
            columns[index].spellings = texts;
        }
        columns[index].may_be_thousands =
            spelt[index].may_be_thousands() && beginning.dialect.numbers.thousands.is_none();
    }
    let rows = chunks.iter().map(|chunk| chunk.rows).sum::<usize>();
    let mut table = Table {
        file: file.to_owned(),
        labels_file: None,
        columns,
        named: beginning.header.is_some(),
        chunks,
        rows,
        missing,
        numbers: beginning.dialect.numbers,
        commas: beginning.dialect.cutter.separator == Separator::Character(b','),
        pixels: None,
        notes: beginning.notes,
    };
    if trailing > 0 {
        // blank lines at the end are none of the rows of a single column
        let keep: Vec<bool> = (0..rows).map(|row| row + trailing < rows).collect();
        table.retain(&keep);
    }
    if table.rows == 0 {
        let problem = match table.named {
            true => "holds a header only, expected rows below it",
            false => "is empty, expected rows of cells",
        };
        return Err(Error::file(file, problem));
    }
    Ok(table)
}

/// `positions` among a block's `texts`, as positions among those of the whole column.
fn renumber(mut positions: Vec<u32>, texts: Vec<String>, all: &mut IndexSet<String>) -> Vec<u32> {
    let places: Vec<u32> = texts.into_iter().map(|text| all.insert_full(text).0 as u32).collect();
    for position in positions.iter_mut().filter(|position| **position != NO_TEXT) {
        *position = places[*position as usize];
    }
    positions
}
