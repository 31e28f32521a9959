//! How a text's characters are written as bytes.

use encoding_rs::{CoderResult, Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// How characters are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// Latin-1, as Windows extends it (windows-1252).
    Latin1,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
}

/// The byte order mark in UTF-8; some programs write it twice.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Encoding {
    const ALL: [(Encoding, &str); 4] = [
        (Encoding::Utf8, "utf-8"),
        (Encoding::Latin1, "latin-1"),
        (Encoding::Utf16Le, "utf-16le"),
        (Encoding::Utf16Be, "utf-16be"),
    ];

    /// The encoding of a text that begins with `head`. UTF-16 is told by its mark or, as its letters
    /// are mostly ASCII, by zeros in every other byte; Latin-1 by bytes that are no UTF-8.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => return Encoding::Utf16Le,
            [0xfe, 0xff, ..] => return Encoding::Utf16Be,
            _ => {}
        }
        let pairs = head.as_chunks::<2>().0;
        if pairs.len() >= 2 {
            let zeros = |place: usize| pairs.iter().filter(|pair| pair[place] == 0).count();
            let (first, second) = (zeros(0), zeros(1));
            if 2 * second > pairs.len() && first == 0 {
                return Encoding::Utf16Le;
            }
            if 2 * first > pairs.len() && second == 0 {
                return Encoding::Utf16Be;
            }
        }
        match std::str::from_utf8(head) {
            // a character cut in two by the end of the sample is none
            Err(error) if error.error_len().is_some() => Encoding::Latin1,
            _ => Encoding::Utf8,
        }
    }

    /// `reader`'s text as UTF-8. What is UTF-8 already is passed on unchecked.
    pub(crate) fn decode(self, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        let encoding = match self {
            Encoding::Utf8 => return reader,
            Encoding::Latin1 => WINDOWS_1252,
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
        };
        let decoder = encoding.new_decoder_with_bom_removal();
        Box::new(Decoded {
            reader,
            decoder,
            raw: Vec::new(),
            text: Vec::new(),
            at: 0,
            ended: false,
        })
    }

    /// How many bytes of a text in UTF-8 are byte order marks.
    pub(crate) fn marks(text: &[u8]) -> usize {
        let mut rest = text;
        while let Some(behind) = rest.strip_prefix(MARK) {
            rest = behind;
        }
        text.len() - rest.len()
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Encoding::ALL.iter().find(|(encoding, _)| encoding == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Encoding::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(encoding, _)| *encoding).ok_or_else(|| {
            format!("no encoding '{name}'; there are: utf-8, latin-1, utf-16le, utf-16be")
        })
    }
}

/// Another encoding read as UTF-8.
struct Decoded {
    reader: Box<dyn Read + Send>,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` was handed out.
    at: usize,
    ended: bool,
}

impl Read for Decoded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        const PIECE: usize = 1 << 16;
        while self.at == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.raw.resize(PIECE, 0);
            let read = self.reader.read(&mut self.raw)?;
            self.ended = read == 0;
            // a byte becomes at most three
            self.text.resize(3 * read + 16, 0);
            let (result, _, written, _) =
                self.decoder.decode_to_utf8(&self.raw[..read], &mut self.text, self.ended);
            debug_assert_eq!(result, CoderResult::InputEmpty);
            self.text.truncate(written);
            self.at = 0;
        }
        let count = into.len().min(self.text.len() - self.at);
        into[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn decoded(bytes: &[u8]) -> (Encoding, String) {
        let encoding = Encoding::of(bytes);
        let mut text = String::new();
        let reader = Box::new(Cursor::new(bytes.to_vec()));
        encoding.decode(reader).read_to_string(&mut text).unwrap();
        (encoding, text)
    }

    #[test]
    fn encodings_are_told_by_the_bytes() {
        assert_eq!(decoded("a,é\n".as_bytes()), (Encoding::Utf8, "a,é\n".to_owned()));
        assert_eq!(decoded(b"a,\xe9\n"), (Encoding::Latin1, "a,é\n".to_owned()));
        let utf16 = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        let long = "a,é\n".repeat(50_000);
        for text in ["a,é\n", &long] {
            let little: Vec<u8> = utf16(text).iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = utf16(text).iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(decoded(&little), (Encoding::Utf16Le, text.to_owned()));
            assert_eq!(decoded(&big), (Encoding::Utf16Be, text.to_owned()));
            let marked = [b"\xff\xfe", little.as_slice()].concat();
            assert_eq!(decoded(&marked), (Encoding::Utf16Le, text.to_owned()));
        }
        // a character cut off by the end of the sample
        assert_eq!(Encoding::of(b"a,\xc3"), Encoding::Utf8);
        assert_eq!(Encoding::marks(b"\xef\xbb\xbf\xef\xbb\xbfa"), 6);
    }
}
