//! How a file may be told to be read.

use crate::csv::encoding::Encoding;
use crate::csv::records::Separator;
use crate::limits::Limits;
use crate::missing::MissingWords;

/// How a file is to be read. By default everything is found out from the file, and what was found
/// where a choice was to be made is said in [`Table::notes`](crate::Table::notes).
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
    /// Of several pairs of IDX files in a folder, or of arrays in an `.npz` file, the one to read.
    pub pair: Pair,
}

/// Which pair of files or arrays, where there are several, by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pair {
    /// `train`.
    #[default]
    Train,
    /// `t10k` or `test`.
    Test,
}
