//! Every line end as one `\n`, so that lines can be counted.

use std::io::{self, BufRead, Read};

/// Turns `\r\n` and `\r` into `\n`, and puts one behind the last line if it is missing.
pub(crate) struct Newlines<R> {
    reader: R,
    last: Last,
    exhausted: bool,
}

/// The last byte seen.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Start,
    CarriageReturn,
    Newline,
    Other,
}

impl<R> Newlines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Newlines { reader, last: Last::Start, exhausted: false }
    }

    /// True once a read found nothing more.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

impl<R: BufRead> Read for Newlines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let from = self.reader.fill_buf()?;
            if from.is_empty() {
                if self.last != Last::Other {
                    self.exhausted = true;
                    return Ok(0);
                }
                self.last = Last::Newline;
                into[0] = b'\n';
                return Ok(1);
            }
            let (mut used, mut written) = (0, 0);
            while used < from.len() && written < into.len() {
                let byte = from[used];
                used += 1;
                if byte == b'\n' && self.last == Last::CarriageReturn {
                    self.last = Last::Newline;
                    continue;
                }
                (self.last, into[written]) = match byte {
                    b'\r' => (Last::CarriageReturn, b'\n'),
                    b'\n' => (Last::Newline, b'\n'),
                    _ => (Last::Other, byte),
                };
                written += 1;
            }
            self.reader.consume(used);
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn every_line_end_becomes_one_newline() {
        let cases = [
            ("", ""),
            ("a", "a\n"),
            ("a\n", "a\n"),
            ("a\r", "a\n"),
            ("a\r\nb\rc\n\r\n\n\rd", "a\nb\nc\n\n\n\nd\n"),
        ];
        for (before, after) in cases {
            for capacity in 1..4 {
                let reader = BufReader::with_capacity(capacity, before.as_bytes());
                let mut read = String::new();
                Newlines::new(reader).read_to_string(&mut read).unwrap();
                assert_eq!(read, after, "{before:?} in pieces of {capacity}");
            }
        }
    }
}
