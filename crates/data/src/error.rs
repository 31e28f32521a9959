//! What can be wrong with data, said with the place to mend: file, line, column.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in words meant for the person who can mend the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not open or read the file.
    #[error("{}: cannot read it: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file begins as gzip does, and what follows is cut off or damaged.
    #[error("{}: the gzip data are cut off or damaged: {source}", file.display())]
    Gzip {
        /// The file.
        file: PathBuf,
        /// What the decompressor said.
        source: io::Error,
    },
    /// The file as a whole is not what was expected.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file or folder.
        file: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// One row is not what was expected.
    #[error("{}: {place}: {problem}", file.display())]
    Row {
        /// The file.
        file: PathBuf,
        /// Which row.
        place: Place,
        /// What was found and what was expected.
        problem: String,
    },
    /// One cell is not what was expected.
    #[error("{}: {place}, {column}: {problem}", file.display())]
    Cell {
        /// The file.
        file: PathBuf,
        /// Which row.
        place: Place,
        /// Which column.
        column: Column,
        /// What was found and what was expected.
        problem: String,
    },
    /// The rows cannot be divided as asked.
    #[error("cannot hold out a fraction of {fraction}: {problem}")]
    Split {
        /// The fraction asked for.
        fraction: f64,
        /// Why not.
        problem: String,
    },
    /// A column's values cannot be standardised, or not in the shape they were given.
    #[error("cannot standardise: {0}")]
    Standardize(String),
    /// The data set itself was refused.
    #[error(transparent)]
    Core(#[from] consonance_core::Error),
}

impl Error {
    pub(crate) fn file(file: &Path, problem: impl Into<String>) -> Self {
        Error::File { file: file.to_owned(), problem: problem.into() }
    }

    pub(crate) fn row(file: &Path, place: Place, problem: impl Into<String>) -> Self {
        Error::Row { file: file.to_owned(), place, problem: problem.into() }
    }

    pub(crate) fn cell(
        file: &Path,
        place: Place,
        column: Column,
        problem: impl Into<String>,
    ) -> Self {
        Error::Cell { file: file.to_owned(), place, column, problem: problem.into() }
    }
}

/// Where a row is found: both are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The line of a text file, as an editor counts; a quoted cell may span several.
    Line(u64),
    /// The row of a file without lines.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Counted from 1.
    pub number: usize,
    /// The name the header gives it, if there is one.
    pub name: Option<String>,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.number)?;
        match &self.name {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

/// `found` in quotes, shortened where it would fill the screen.
pub(crate) fn quoted(found: &str) -> String {
    const LONGEST: usize = 40;
    match found.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &found[..end]),
        None => format!("{found:?}"),
    }
}
