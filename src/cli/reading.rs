//! How files are read: the flags that overrule what is found out.

use super::arguments::named;
use consonance::data::{
    Encoding, Limits, MissingWords, Pair, ReadOptions, Separator, Table, read, read_from,
};
use std::error::Error;
use std::path::Path;

/// What is found out of a file's text, unless it is told.
#[derive(clap::Args, Clone)]
#[command(next_help_heading = "Reading text files")]
pub(crate) struct Reading {
    /// Whether the first row holds names [default: told by its cells]
    #[arg(long, value_name = "BOOL")]
    header: Option<bool>,
    /// What separates cells: a character, tab or blanks [default: found out]
    #[arg(long, value_name = "SIGN", value_parser = separator)]
    delimiter: Option<Separator>,
    /// The sign before a fraction: . or , [default: found out]
    #[arg(long, value_name = "SIGN", value_parser = decimal)]
    decimal: Option<char>,
    /// The sign between groups of three digits [default: none, unless a whole column has it]
    #[arg(long, value_name = "SIGN", value_parser = character)]
    thousands: Option<char>,
    /// The quotes around cells: a character, or none [default: "]
    #[arg(long, value_name = "SIGN", value_parser = quote)]
    quote: Option<Quote>,
    /// What lines that are passed over begin with [default: # above the table]
    #[arg(long, value_name = "SIGN", value_parser = ascii)]
    comment: Option<u8>,
    /// utf-8, latin-1, utf-16le or utf-16be [default: found out]
    #[arg(long, value_name = "NAME", value_parser = named::<Encoding>)]
    encoding: Option<Encoding>,
    /// Words for a missing value, with commas between; an empty cell is one always [default: NA,
    /// N/A, NaN, null, None, ?, -, ., #N/A and their like]
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    missing_values: Option<String>,
    /// Whether to refuse what no sensible table has: rows of 64 MiB, a million columns, a packed file
    /// that unpacks to 200 times its size
    #[arg(long, value_name = "on|off", default_value = "on", value_parser = ["on", "off"])]
    limits: String,
}

/// A quote, or none.
#[derive(Debug, Clone, Copy)]
struct Quote(Option<u8>);

/// The name that stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

impl Reading {
    /// The library's options.
    pub(crate) fn options(&self) -> ReadOptions {
        let words = self.missing_values.as_ref();
        ReadOptions {
            header: self.header,
            delimiter: self.delimiter,
            decimal: self.decimal,
            thousands: self.thousands,
            quote: self.quote.map(|quote| quote.0),
            comment: self.comment,
            encoding: self.encoding,
            missing: words.map(|words| MissingWords::new(words.split(',').map(str::to_string))),
            limits: if self.limits == "off" { Limits::NONE } else { Limits::default() },
            ..ReadOptions::default()
        }
    }

    /// True if any of them is given.
    pub(crate) fn is_told(&self) -> bool {
        let Reading { header, delimiter, decimal, thousands, quote, comment, encoding, .. } = self;
        header.is_some()
            || delimiter.is_some()
            || decimal.is_some()
            || thousands.is_some()
            || quote.is_some()
            || comment.is_some()
            || encoding.is_some()
    }
}

/// The table at `path`, or on standard input.
pub(crate) fn table(
    path: &Path,
    options: &ReadOptions,
    pair: Pair,
) -> Result<Table, Box<dyn Error>> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(read_from(&mut std::io::stdin().lock(), "standard input", options)?);
    }
    Ok(read(path, &ReadOptions { pair, ..options.clone() })?)
}

/// A single ASCII character.
fn ascii(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("expected one character that is no letter or digit".to_string()),
    }
}

fn separator(text: &str) -> Result<Separator, String> {
    match text {
        "tab" | "\\t" => Ok(Separator::Character(b'\t')),
        "blanks" | " " => Ok(Separator::Blanks),
        _ => ascii(text)
            .map(Separator::Character)
            .map_err(|expected| format!("{expected}, or tab, or blanks")),
    }
}

fn quote(text: &str) -> Result<Quote, String> {
    match text {
        "none" => Ok(Quote(None)),
        _ => ascii(text).map(|byte| Quote(Some(byte))).map_err(|e| format!("{e}, or none")),
    }
}

fn decimal(text: &str) -> Result<char, String> {
    match text {
        "." => Ok('.'),
        "," => Ok(','),
        _ => Err("expected . or ,".to_string()),
    }
}

fn character(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if !character.is_alphanumeric() => Ok(character),
        _ => Err("expected one character that is no letter or digit".to_string()),
    }
}
