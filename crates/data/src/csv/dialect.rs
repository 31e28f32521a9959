//! What a text file's cells are separated by, and how its fractions are written: found by trying.

use super::records::{Cell, Cutter, Separator};
use crate::missing::MissingWords;
use crate::numbers::NumberFormat;
use crate::options::ReadOptions;

/// How a text is cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) cutter: Cutter,
    /// How numbers are written, unless a column's cells all say otherwise.
    pub(crate) numbers: NumberFormat,
    /// What a line that is passed over begins with.
    pub(crate) comment: Option<u8>,
    /// Bytes before the first row that belong to none: comments, Excel's `sep=`.
    pub(crate) preamble: usize,
}

/// How many records are looked at.
const RECORDS: usize = 500;

/// Separators in the order in which they are preferred where all fit alike.
const SEPARATORS: [Separator; 5] = [
    Separator::Character(b','),
    Separator::Character(b';'),
    Separator::Character(b'\t'),
    Separator::Character(b'|'),
    Separator::Blanks,
];

impl Separator {
    /// Its name for a person.
    pub fn name(self) -> String {
        match self {
            Separator::Blanks => "blanks".to_owned(),
            Separator::Character(b'\t') => "tabs".to_owned(),
            Separator::Character(b',') => "commas".to_owned(),
            Separator::Character(b';') => "semicolons".to_owned(),
            Separator::Character(character) => format!("'{}'", char::from(character)),
        }
    }
}

impl Dialect {
    /// What was found that is not as in most files, unless it was told.
    pub(crate) fn note(&self, options: &ReadOptions) -> Option<String> {
        let separator = self.cutter.separator;
        let unusual = separator != SEPARATORS[0] && options.delimiter.is_none();
        let separator = unusual.then(|| format!("{} between cells", separator.name()));
        let comma = self.numbers.decimal_comma && options.decimal.is_none();
        let comma = comma.then(|| "decimal commas".to_owned());
        let preamble = (self.preamble > 0).then(|| "lines above the table passed over".to_owned());
        let parts: Vec<String> = separator.into_iter().chain(comma).chain(preamble).collect();
        (!parts.is_empty()).then(|| format!("read with {}", parts.join(", ")))
    }

    /// The dialect of the text that begins with `sample`, its first whole records, as far as it is
    /// not told by `options`.
    pub(crate) fn find(sample: &str, options: &ReadOptions) -> Dialect {
        let quote = options.quote.unwrap_or(Some(b'"'));
        let (told, mut preamble) = separator_line(sample);
        let told = options.delimiter.or(told);
        if options.comment.is_none() {
            preamble += comments(&sample[preamble..]);
        }
        let text = &sample[preamble..];
        let most = options.limits.columns;
        let cut = |separator| records(text, Cutter { separator, quote, most }, options.comment);
        let separator = told.unwrap_or_else(|| {
            let fits = SEPARATORS.map(|separator| (separator, fitness(&cut(separator), separator)));
            // the first of the best
            let best =
                fits.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
            best.filter(|(_, fit)| *fit > 0.0).map_or(SEPARATORS[0], |(separator, _)| separator)
        });
        let decimal_comma = match (options.decimal, options.thousands) {
            (Some(decimal), _) => decimal == ',',
            // what separates thousands does not separate fractions
            (None, Some(thousands @ ('.' | ','))) => thousands == '.',
            (None, _) => separator != SEPARATORS[0] && has_decimal_commas(&cut(separator)),
        };
        let numbers = NumberFormat { decimal_comma, thousands: options.thousands, unit: false };
        let cutter = Cutter { separator, quote, most };
        Dialect { cutter, numbers, comment: options.comment, preamble }
    }
}

/// Excel's first line `sep=;`: the separator, and how long the line is.
fn separator_line(text: &str) -> (Option<Separator>, usize) {
    let Some(rest) = text.get(..4).filter(|start| start.eq_ignore_ascii_case("sep=")) else {
        return (None, 0);
    };
    let line = &text[rest.len()..text.find('\n').unwrap_or(text.len())];
    match line.trim_end_matches('\r').as_bytes() {
        [separator] => (Some(Separator::Character(*separator)), rest.len() + line.len() + 1),
        _ => (None, 0),
    }
}

/// How long the comments at the beginning of `text` are: lines that begin with `#`, where fewer
/// separators stand in them than in the line below, so that they are no names.
fn comments(text: &str) -> usize {
    let marks = |line: &str| line.matches([',', ';', '\t', '|']).count();
    let (mut length, mut least) = (0, usize::MAX);
    let mut lines = text.split_inclusive('\n');
    for line in lines.by_ref() {
        if !line.starts_with('#') {
            return if marks(line) > least || least == 0 && length > 0 { length } else { 0 };
        }
        length += line.len();
        least = least.min(marks(line));
    }
    0
}

/// The first records of `text`, cell by cell.
fn records(text: &str, cutter: Cutter, comment: Option<u8>) -> Vec<Vec<String>> {
    let bytes = text.as_bytes();
    let (mut at, mut cells, mut records) = (0, Vec::<Cell>::new(), Vec::new());
    while at < bytes.len() && records.len() < RECORDS {
        let is_comment = comment == Some(bytes[at]);
        // what is wrong with a record is told when it is read
        let Ok(next) = cutter.cut(bytes, at, &mut cells) else { break };
        let blank =
            matches!(cells[..], []) || cells.len() == 1 && cells[0].of(text, None).is_empty();
        if !is_comment && !blank {
            let texts = cells.iter().map(|cell| cell.of(text, cutter.quote).into_owned());
            records.push(texts.collect());
        }
        at = next;
    }
    records
}

/// How well a separator fits, from 0 to 1: the share of records of the most common length, squared,
/// times the share of their cells that look like one. 0 if it separates nothing.
fn fitness(records: &[Vec<String>], separator: Separator) -> f64 {
    let mut lengths: Vec<usize> = records.iter().map(Vec::len).collect();
    lengths.sort_unstable();
    let common = lengths.chunk_by(|a, b| a == b).max_by_key(|run| (run.len(), run[0]));
    let Some(common) = common.filter(|run| run[0] > 1) else { return 0.0 };
    let share = common.len() as f64 / records.len() as f64;
    // the first record may hold names
    let records = if records.len() > 1 { &records[1..] } else { records };
    let missing = MissingWords::default();
    let is_number = |cell: &str| {
        let comma = NumberFormat { decimal_comma: true, ..Default::default() };
        NumberFormat::default().parse(cell).or(comma.parse(cell)).is_some()
    };
    let (mut cells, mut clean, mut numbers) = (0_u32, 0_u32, 0_u32);
    for cell in records.iter().filter(|record| record.len() == common[0]).flatten() {
        cells += 1;
        let number = is_number(cell) || missing.contains(cell);
        numbers += u32::from(number);
        clean += u32::from(number || is_clean(cell, separator));
    }
    // text has blanks within: only tables of numbers are separated by them
    if separator == Separator::Blanks && 2 * numbers < cells {
        return 0.0;
    }
    share * share * f64::from(clean) / f64::from(cells.max(1))
}

/// False for text that looks like several cells.
fn is_clean(cell: &str, separator: Separator) -> bool {
    let foreign: &[char] = match separator {
        Separator::Character(b',') => &[';', '\t', '|'],
        Separator::Character(b';') => &['\t', '|'],
        Separator::Character(b'\t') => &[],
        Separator::Blanks => &[',', ';', '|'],
        Separator::Character(_) => &['\t'],
    };
    !cell.contains(foreign) && !cell.contains("  ")
}

/// True if more cells are numbers with a decimal comma than with a decimal point.
fn has_decimal_commas(records: &[Vec<String>]) -> bool {
    let point = NumberFormat::default();
    let comma = NumberFormat { decimal_comma: true, ..point };
    let with = |format: NumberFormat, sign| {
        let cells = records.iter().flatten().filter(|cell| cell.contains(sign));
        cells.filter(|cell| format.parse(cell).is_some()).count()
    };
    with(comma, ',') > with(point, '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Dialect {
        Dialect::find(text, &ReadOptions::default())
    }

    fn separator(text: &str) -> String {
        find(text).cutter.separator.name()
    }

    #[test]
    fn separators_are_found() {
        assert_eq!(separator("a,b\n1,2\n"), "commas");
        assert_eq!(separator("a;b\n1,5;2,5\n3;4,1\n"), "semicolons");
        assert_eq!(separator("name\tn\nSmith, J\t1\nDoe, K\t2\n"), "tabs");
        assert_eq!(separator("a|b\n1|2\n"), "'|'");
        assert_eq!(separator("1 2 3\n4  5 6\n"), "blanks");
        assert_eq!(separator("1.0   2\t\"car 0\"\n1.5   3\t\"car 1\"\n"), "blanks");
        assert_eq!(separator("len,a; b,kind\n20,2,0\n"), "commas");
        assert_eq!(separator("film,genres\nx,a;b\ny,a;b;c\n"), "commas");
        assert_eq!(separator("name\nAnn Lee\nBob Ray\n"), "commas", "one column of text");
        assert_eq!(separator("\"height; cm\",\"a\tb\",c\n1,2,3\n"), "commas");
        assert_eq!(separator("SEP=|\na|b\n"), "'|'");
    }

    #[test]
    fn decimal_commas_are_found() {
        assert!(find("a;b\n1,5;2\n").numbers.decimal_comma);
        assert!(!find("a;b\n1.5;2\n").numbers.decimal_comma);
        assert!(!find("a,b\n1,5\n").numbers.decimal_comma);
    }

    #[test]
    fn what_stands_before_the_table_is_passed_over() {
        assert_eq!(find("sep=;\r\na;b\r\n1;2\r\n").preamble, 7);
        assert_eq!(find("# made by a logger\n#\na,b\n1,2\n").preamble, 21);
        assert_eq!(find("#a,b\n1,2\n").preamble, 0, "names");
        assert_eq!(find("a,b\n1,2\n").preamble, 0);
    }
}
