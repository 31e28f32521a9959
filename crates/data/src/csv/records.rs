//! Where records and their cells begin and end.
//!
//! Records end with a line, cells at a separator. A cell may be quoted, and blanks may stand
//! around the quotes: within them separators and line ends are text, and a doubled quote is one.
//! What follows a closing quote must be a separator or a line end. A quote within a cell that did
//! not begin with one is text.

use memchr::{memchr, memchr2, memrchr};
use std::borrow::Cow;

/// How a text is cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cutter {
    /// Between two cells.
    pub(crate) separator: Separator,
    /// Around a cell; `None` where quotes are text.
    pub(crate) quote: Option<u8>,
    /// How many cells a record may at most have.
    pub(crate) most: usize,
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// This ASCII character.
    Character(u8),
    /// Any number of blanks and tabs; those at the ends of a line separate nothing.
    Blanks,
}

/// Where a cell lies, without quotes and blanks around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    start: usize,
    end: usize,
    /// True if it was in quotes.
    pub(crate) quoted: bool,
    /// True if a doubled quote stands in it.
    doubled: bool,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The quote at this position is never closed.
    Unclosed(usize),
    /// The quote that opened at the first position is closed, and text follows at the second.
    AfterQuote(usize, usize),
    /// The record that begins here has more cells than it may.
    TooMany(usize),
}

impl Cell {
    /// A cell without text.
    pub(crate) const EMPTY: Cell = Cell { start: 0, end: 0, quoted: false, doubled: false };

    /// The text of this cell of `text`.
    #[inline]
    pub(crate) fn of<'a>(&self, text: &'a str, quote: Option<u8>) -> Cow<'a, str> {
        let cell = text[self.start..self.end].trim();
        match (self.doubled, quote) {
            (true, Some(quote)) => {
                let quote = char::from(quote);
                Cow::Owned(cell.replace(&format!("{quote}{quote}"), &quote.to_string()))
            }
            _ => Cow::Borrowed(cell),
        }
    }
}

impl Cutter {
    /// Cuts the record of `bytes` that begins at `start` into `cells`; where the next begins. Every
    /// record must end in a line end.
    pub(crate) fn cut(
        &self,
        bytes: &[u8],
        start: usize,
        cells: &mut Vec<Cell>,
    ) -> Result<usize, Flaw> {
        cells.clear();
        match self.separator {
            Separator::Character(separator) => self.cut_at(separator, bytes, start, cells),
            Separator::Blanks => self.cut_at_blanks(bytes, start, cells),
        }
    }

    fn cut_at(
        &self,
        separator: u8,
        bytes: &[u8],
        start: usize,
        cells: &mut Vec<Cell>,
    ) -> Result<usize, Flaw> {
        let blank = |byte: u8| (byte == b' ' || byte == b'\t') && byte != separator;
        let mut at = start;
        loop {
            let mut first = at;
            while first < bytes.len() && blank(bytes[first]) {
                first += 1;
            }
            let (cell, end) = if first < bytes.len() && Some(bytes[first]) == self.quote {
                let (cell, mut end) = self.quoted(bytes, first)?;
                while end < bytes.len() && (blank(bytes[end]) || bytes[end] == b'\r') {
                    end += 1;
                }
                if end < bytes.len() && bytes[end] != separator && bytes[end] != b'\n' {
                    return Err(Flaw::AfterQuote(first, end));
                }
                (cell, end)
            } else {
                let end = find(bytes, first, separator);
                let trimmed = bytes[first..end].trim_ascii_end().len();
                (Cell { start: first, end: first + trimmed, quoted: false, doubled: false }, end)
            };
            cells.push(cell);
            if cells.len() > self.most {
                return Err(Flaw::TooMany(start));
            }
            match bytes.get(end) {
                Some(&byte) if byte == separator => at = end + 1,
                Some(_) => return Ok(end + 1),
                None => return Ok(end),
            }
        }
    }

    fn cut_at_blanks(
        &self,
        bytes: &[u8],
        start: usize,
        cells: &mut Vec<Cell>,
    ) -> Result<usize, Flaw> {
        let blank = |byte: u8| byte == b' ' || byte == b'\t' || byte == b'\r';
        let mut at = start;
        loop {
            if cells.len() > self.most {
                return Err(Flaw::TooMany(start));
            }
            while at < bytes.len() && blank(bytes[at]) {
                at += 1;
            }
            match bytes.get(at) {
                None => return Ok(at),
                Some(b'\n') => return Ok(at + 1),
                Some(&byte) if Some(byte) == self.quote => {
                    let (cell, end) = self.quoted(bytes, at)?;
                    if bytes.get(end).is_some_and(|&byte| !blank(byte) && byte != b'\n') {
                        return Err(Flaw::AfterQuote(at, end));
                    }
                    cells.push(cell);
                    at = end;
                }
                Some(_) => {
                    let length = bytes[at..].iter().position(|&byte| blank(byte) || byte == b'\n');
                    let end = length.map_or(bytes.len(), |length| at + length);
                    cells.push(Cell { start: at, end, quoted: false, doubled: false });
                    at = end;
                }
            }
        }
    }

    /// The cell whose opening quote is at `open`, and where what follows its closing quote begins.
    fn quoted(&self, bytes: &[u8], open: usize) -> Result<(Cell, usize), Flaw> {
        let quote = bytes[open];
        let (mut at, mut doubled) = (open + 1, false);
        loop {
            let Some(found) = memchr(quote, &bytes[at..]) else {
                return Err(Flaw::Unclosed(open));
            };
            let close = at + found;
            if bytes.get(close + 1) != Some(&quote) {
                let cell = Cell { start: open + 1, end: close, quoted: true, doubled };
                return Ok((cell, close + 1));
            }
            (at, doubled) = (close + 2, true);
        }
    }

    /// Where the last record of `bytes` that is whole ends, the first of which begins at 0; `None`
    /// if none is.
    pub(crate) fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        let quote = self.quote.filter(|&quote| memchr(quote, bytes).is_some());
        let Some(quote) = quote else {
            return memrchr(b'\n', bytes).map(|at| at + 1);
        };
        let (mut at, mut end) = (0, None);
        while let Some(found) = memchr2(quote, b'\n', &bytes[at..]) {
            let found = at + found;
            at = found + 1;
            if bytes[found] == b'\n' {
                end = Some(at);
            } else if self.opens(bytes, found) {
                match self.quoted(bytes, found) {
                    Ok((_, behind)) => at = behind,
                    Err(_) => return end,
                }
            }
        }
        end
    }

    /// True if the quote at `at`, which is not within quotes, is the first of a cell.
    fn opens(&self, bytes: &[u8], at: usize) -> bool {
        match self.separator {
            Separator::Blanks => at == 0 || bytes[at - 1].is_ascii_whitespace(),
            Separator::Character(separator) => {
                let blank = |byte: u8| (byte == b' ' || byte == b'\t') && byte != separator;
                let before = bytes[..at].iter().rev().find(|&&byte| !blank(byte));
                before.is_none_or(|&byte| byte == separator || byte == b'\n')
            }
        }
    }
}

/// Where the next separator or line end at or behind `from` is, or the end.
#[inline]
pub(crate) fn find(bytes: &[u8], from: usize, separator: u8) -> usize {
    memchr2(separator, b'\n', &bytes[from..]).map_or(bytes.len(), |found| from + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAS: Cutter =
        Cutter { separator: Separator::Character(b','), quote: Some(b'"'), most: 9 };
    const BLANKS: Cutter = Cutter { separator: Separator::Blanks, quote: Some(b'"'), most: 9 };

    fn records(cutter: Cutter, text: &str) -> Vec<Vec<String>> {
        let (mut at, mut cells, mut records) = (0, Vec::new(), Vec::new());
        while at < text.len() {
            at = cutter.cut(text.as_bytes(), at, &mut cells).unwrap();
            let texts = cells.iter().map(|cell| cell.of(text, cutter.quote).into_owned());
            records.push(texts.collect::<Vec<_>>());
        }
        records
    }

    #[test]
    fn cells_lose_quotes_and_the_blanks_around() {
        let text = "a, b ,c\r\n\"1,\n2\", \"x \"\"y\"\"\" ,\t3\n5\",6\n,\n\n";
        let expected =
            [&["a", "b", "c"][..], &["1,\n2", "x \"y\"", "3"], &["5\"", "6"], &["", ""], &[""]];
        assert_eq!(records(COMMAS, text), expected);
        let none = Cutter { quote: None, ..COMMAS };
        assert_eq!(records(none, "\"a,b\"\n"), [["\"a", "b\""]]);
    }

    #[test]
    fn blanks_separate_however_many_there_are() {
        let text = " 1  2.5\t\"a b\" \r\n\n3 4 5\n";
        assert_eq!(records(BLANKS, text), [&["1", "2.5", "a b"][..], &[], &["3", "4", "5"]]);
    }

    #[test]
    fn quotes_that_do_not_end_a_cell_are_flaws() {
        let cut = |text: &str| COMMAS.cut(text.as_bytes(), 0, &mut Vec::new());
        assert_eq!(cut("a,\"b\"c\n"), Err(Flaw::AfterQuote(2, 5)));
        assert_eq!(cut("a, \"b\n"), Err(Flaw::Unclosed(3)));
        assert_eq!(cut("a,\"b\"\"\n"), Err(Flaw::Unclosed(2)));
        assert_eq!(cut(",,,,,,,,,\n"), Err(Flaw::TooMany(0)));
    }

    #[test]
    fn the_last_whole_record_is_found_among_quotes() {
        let end = |text: &str| COMMAS.last_end(text.as_bytes());
        assert_eq!(end("a,b\nc"), Some(4));
        assert_eq!(end("a"), None);
        assert_eq!(end("a,\"b\n"), None);
        assert_eq!(end("x\na, \"b\n\nc"), Some(2));
        assert_eq!(end("x\na,\"b\n\"\nc"), Some(9));
        assert_eq!(end("5\"\n6\"\n7"), Some(6), "quotes within a cell are text");
        assert_eq!(end("a,\"b\"\"\n\"\n"), Some(9));
    }
}
