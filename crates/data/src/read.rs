//! Reads whatever a path leads to, and how it may be told to.

use crate::csv::{self, Encoding, Separator};
use crate::error::{Error, Result};
use crate::folder::{find_pair, label_names, labels_beside};
use crate::idx::{read_idx, read_pair};
use crate::limits::Limits;
use crate::missing::MissingWords;
use crate::source::{Format, Input};
use crate::table::Table;
use std::io::Read;
use std::path::Path;

/// How a file is to be read. By default everything is found out from the file, and what was found
/// where a choice was to be made is said in [`Table::notes`].
///
/// All but the last two fields are about text files (CSV and its relatives).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// Whether the first row holds names; `None` to find out.
    ///
    /// It does if a text in it stands over numbers, or if all its cells are texts that do not occur
    /// below; numbers in it are names if they are distinct whole ones that run on by ones (years,
    /// or the numbers that pandas gives to columns) unlike those below. Where it may be either, the
    /// file is refused.
    pub header: Option<bool>,
    /// What separates the cells; `None` to find out: commas, semicolons, tabs, vertical bars, or
    /// blanks between numbers.
    pub delimiter: Option<Separator>,
    /// The sign before a fraction, `.` or `,`; `None` to find out.
    pub decimal: Option<char>,
    /// The mark between groups of three digits. `None` for none, unless all cells of a column have
    /// it.
    pub thousands: Option<char>,
    /// The quotes around cells, `Some(None)` if quotes are text; `None` for `"`.
    pub quote: Option<Option<u8>>,
    /// What a line that is passed over begins with. `None` for none, but for lines with `#` above
    /// the table.
    pub comment: Option<u8>,
    /// How characters are written as bytes; `None` to find out.
    pub encoding: Option<Encoding>,
    /// The words that stand for a missing value; `None` for the usual ones.
    pub missing: Option<MissingWords>,
    /// Names that columns are asked for by: if one stands in the first row, that holds names.
    pub names: Vec<String>,
    /// Columns to read as text even if all their cells are numbers, so that codes such as `007` stay
    /// as they are written: names, or numbers from 1.
    pub text: Vec<String>,
    /// What a file may at most be.
    pub limits: Limits,
    /// Of several pairs of IDX files in a folder, the one to read.
    pub pair: Pair,
}

/// Which pair of IDX files in a folder that holds several, by the beginning of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pair {
    /// `train`.
    #[default]
    Train,
    /// `t10k` or `test`.
    Test,
}

/// Reads a text file (CSV and its relatives), an IDX file of images, or a folder with a pair of IDX
/// files; each plain, gzip or zstd. The format is told by the first bytes, never by the name.
///
/// The labels of an IDX file lie beside it under the name MNIST would give them
/// (`train-images-idx3-ubyte` and `train-labels-idx1-ubyte`); see [`read_idx`] for any other
/// name. If they are there they become the last column, `label`.
///
/// # Errors
/// [`Error`] with file, line and column of what is wrong; all cells of a kind at once. A file that
/// is something else is named as what it is.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table> {
    let path = path.as_ref();
    if path.is_dir() {
        let (images, labels) = find_pair(path, options.pair)?;
        return read_idx(images, Some(&labels));
    }
    read_input(&Input::file(path), options)
}

/// Reads all that `reader` has, as [`read`] reads a file; messages call it `name`.
///
/// # Errors
/// Those of [`read`].
pub fn read_from(reader: &mut dyn Read, name: &str, options: &ReadOptions) -> Result<Table> {
    read_input(&Input::spool(name, reader)?, options)
}

pub(crate) fn read_input(input: &Input, options: &ReadOptions) -> Result<Table> {
    let source = input.open(&options.limits)?;
    match source.format {
        Format::Text => csv::read(input, options),
        Format::Idx => {
            let labels = labels_beside(&input.file);
            read_pair(source, labels.as_deref())
        }
        Format::Other(what) => Err(Error::file(&input.file, format!("is {what}"))),
    }
}

/// What is said where an IDX file has no labels beside it, and they are needed.
pub(crate) fn missing_labels(file: &Path) -> String {
    match label_names(file) {
        Some([first, second]) => format!("no labels beside it: looked for {first} and {second}"),
        None => "its name has no 'images' in it to find its labels by; name both".to_owned(),
    }
}
