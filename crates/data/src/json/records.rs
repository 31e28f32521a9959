//! Where the objects of a JSON file begin and end.

use crate::error::{Error, Place, Result};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The objects of a file: one after the other, as JSON lines are, or in a list.
pub(super) struct Records<'a, F> {
    file: &'a Path,
    bytes: Bytes<F>,
    /// Bytes an object may at most have.
    most: usize,
    place: At,
}

/// Where the last object was found.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Begin,
    /// Behind the bracket that opens a list.
    Open,
    /// Behind an object of a list.
    Listed,
    /// Behind the bracket that closes it.
    Closed,
    /// Among objects without a list.
    Lines,
}

/// An object's text, and the line it begins in.
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) text: Vec<u8>,
}

impl<'a, F: Fn(io::Error) -> Error> Records<'a, F> {
    pub(super) fn new(file: &'a Path, reader: Box<dyn Read + Send>, error: F, most: usize) -> Self {
        let reader = BufReader::with_capacity(1 << 16, reader);
        let bytes = Bytes { reader, error, line: 1, count: 0 };
        Records { file, bytes, most, place: At::Begin }
    }

    /// How many bytes were read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.count
    }

    fn problem<T>(&self, line: u64, problem: impl Into<String>) -> Result<T> {
        Err(Error::row(self.file, Place::Line(line), problem))
    }

    /// The next object.
    pub(super) fn next(&mut self) -> Result<Option<Record>> {
        loop {
            let Some(byte) = self.bytes.next()? else {
                return match self.place {
                    At::Open | At::Listed => {
                        self.problem(self.bytes.line, "ends within a list, expected ]")
                    }
                    _ => Ok(None),
                };
            };
            match (byte, self.place) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => {}
                // a byte order mark
                (0xef | 0xbb | 0xbf, At::Begin) if self.bytes.count <= 3 => {}
                (b'[', At::Begin) => self.place = At::Open,
                (b'{', At::Begin | At::Lines) => {
                    self.place = At::Lines;
                    return self.object().map(Some);
                }
                (b'{', At::Open) => {
                    self.place = At::Listed;
                    return self.object().map(Some);
                }
                (b']', At::Listed) => self.place = At::Closed,
                (b',', At::Listed) => {
                    // an object must follow, and no bracket
                    self.place = At::Open;
                }
                _ => {
                    let expected = match self.place {
                        At::Listed => "a comma or ] behind an object of a list",
                        At::Closed => "nothing behind the list",
                        _ => "an object, {\"column\": value, …}",
                    };
                    let found = crate::error::quoted(&String::from_utf8_lossy(&[byte]));
                    return self
                        .problem(self.bytes.line, format!("found {found}, expected {expected}"));
                }
            }
        }
    }

    /// The object whose opening brace was read.
    fn object(&mut self) -> Result<Record> {
        let line = self.bytes.line;
        let mut text = vec![b'{'];
        let (mut depth, mut quoted, mut escaped) = (1_usize, false, false);
        while depth > 0 {
            let Some(byte) = self.bytes.next()? else {
                return self.problem(line, "the object that begins here is not closed by a brace");
            };
            text.push(byte);
            if text.len() > self.most {
                let most = self.most;
                return self.problem(
                    line,
                    format!(
                        "the object that begins here does not end within {most} bytes; --limits off \
                         reads it all the same"
                    ),
                );
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' if !quoted => depth += 1,
                b'}' if !quoted => depth -= 1,
                _ => {}
            }
        }
        Ok(Record { line, text })
    }
}

/// Bytes one by one, lines counted.
struct Bytes<F> {
    reader: BufReader<Box<dyn Read + Send>>,
    error: F,
    line: u64,
    count: u64,
}

impl<F: Fn(io::Error) -> Error> Bytes<F> {
    #[inline]
    fn next(&mut self) -> Result<Option<u8>> {
        let buffer = self.reader.fill_buf().map_err(&self.error)?;
        let Some(&byte) = buffer.first() else { return Ok(None) };
        self.reader.consume(1);
        self.line += u64::from(byte == b'\n');
        self.count += 1;
        Ok(Some(byte))
    }
}
