//! What a file is, told by its first bytes.

/// The kinds of file that can be read, and those that are often mistaken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text in UTF-8, Latin-1 or UTF-16.
    Text,
    /// JSON objects, one after the other or in a list.
    Json,
    /// An array as MNIST's: two zero bytes, an element type, a number of dimensions.
    Idx,
    /// An array of NumPy's.
    Npy,
    /// Columns as Parquet keeps them.
    Parquet,
    /// An archive: what is in it tells what it is.
    Zip,
    /// Something else; what it is, and what to do.
    Other(&'static str),
}

/// First bytes that say what a file is.
const SIGNATURES: [(&[u8], &str); 16] = [
    (b"ARROW1", "an Arrow (Feather) file; save it as CSV or Parquet"),
    (b"FEA1", "a Feather file; save it as CSV or Parquet"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Office file, as Excel's .xls is, or one with a password; save the sheet as .xlsx or CSV",
    ),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "an HDF5 file; save the table as CSV"),
    (b"SQLite format 3", "an SQLite database; save the table as CSV"),
    (b"BZh", "packed with bzip2; unpack it, or pack it with gzip or zstd"),
    (b"\xfd7zXZ", "packed with xz; unpack it, or pack it with gzip or zstd"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file itself; fetch that by git lfs pull",
    ),
    (b"\x7fELF", "a program"),
    (b"RDX3\n", "an R workspace (.RData); save the table by write.csv"),
    (b"{\\rtf", "an RTF document; save it as plain text"),
];

impl Format {
    /// The format of a file that begins with `head`.
    pub(crate) fn of(head: &[u8]) -> Self {
        // as every IDX file begins, and no text does
        if let [0, 0, ..] = head {
            return Format::Idx;
        }
        if head.starts_with(b"\x93NUMPY") {
            return Format::Npy;
        }
        if head.starts_with(b"PAR1") {
            return Format::Parquet;
        }
        // the second is how an archive without files begins
        if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            return Format::Zip;
        }
        let signature = SIGNATURES.iter().find(|(bytes, _)| head.starts_with(bytes));
        if let Some((_, what)) = signature {
            return Format::Other(what);
        }
        if is_json(head) {
            return Format::Json;
        }
        if is_html(head) {
            return Format::Other("a web page (HTML); was a file to be downloaded?");
        }
        Format::Text
    }
}

/// True for an object, or a list that begins with one.
fn is_json(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let text = match text.strip_prefix(b"[") {
        Some(list) => list.trim_ascii_start(),
        None => text,
    };
    let inner = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inner.is_some_and(|inner| matches!(inner.first(), None | Some(b'"' | b'}')))
}

fn is_html(head: &[u8]) -> bool {
    let text = head.trim_ascii_start().to_ascii_lowercase();
    let begins = |tag: &str| text.starts_with(tag.as_bytes());
    begins("<!doctype html") || begins("<html") || begins("<?xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_what_they_are() {
        let other = |head: &[u8]| match Format::of(head) {
            Format::Other(what) => what.to_owned(),
            format => format!("{format:?}"),
        };
        assert_eq!(other(b"\x93NUMPY\x01\x00"), "Npy");
        assert_eq!(other(b"PK\x03\x04...."), "Zip");
        assert_eq!(other(b"PAR1...."), "Parquet");
        assert!(other(b"ARROW1..").contains("Feather"));
        assert!(other(b"\n <!DOCTYPE html>\n").contains("HTML"));
        assert!(other(b"version https://git-lfs.github.com/spec/v1\n").contains("LFS"));
        assert_eq!(other(b"a,b\n1,2\n"), "Text");
        assert_eq!(other(b"version,b\n1,2\n"), "Text");
        assert_eq!(other(b"\0\0\x08\x03\0\0"), "Idx");
        assert_eq!(other(b""), "Text");
        assert_eq!(other(b" \n{\"a\": 1}\n"), "Json");
        assert_eq!(other(b"\xef\xbb\xbf[ {\n"), "Json");
        assert_eq!(other(b"{a},{b}\n1,2\n"), "Text");
        assert_eq!(other(b"[1,2]\n"), "Text");
    }
}
