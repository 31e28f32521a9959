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
    /// The file begins as a packed one does, and what follows is cut off or damaged.
    #[error("{}: the {packing} data are cut off or damaged: {source}", file.display())]
    Packed {
        /// The file.
        file: PathBuf,
        /// `gzip` or `zstd`.
        packing: &'static str,
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
    /// Several rows or cells are not what was expected, all in the same way.
    #[error("{}: {problems}", file.display())]
    Several {
        /// The file.
        file: PathBuf,
        /// What is wrong, and where.
        problems: Problems,
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

/// What is wrong in several places, of which at most five are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// What was expected, and what would help.
    pub expected: String,
    /// The first places, each with what was found there.
    pub first: Vec<String>,
    /// How many there are in all.
    pub count: usize,
}

impl Problems {
    /// How many places are told.
    pub const SHOWN: usize = 5;

    pub(crate) fn new(expected: impl Into<String>) -> Self {
        Problems { expected: expected.into(), first: Vec::new(), count: 0 }
    }

    /// Adds a place, which is told if it is one of the first.
    pub(crate) fn add(&mut self, place: impl FnOnce() -> String) {
        if self.first.len() < Self::SHOWN {
            self.first.push(place());
        }
        self.count += 1;
    }

    /// Adds those of a later part.
    pub(crate) fn merge(&mut self, later: &Problems) {
        let room = Self::SHOWN - self.first.len();
        self.first.extend(later.first.iter().take(room).cloned());
        self.count += later.count;
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.first.join("; "), self.expected)?;
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(f, " ({more} more of this kind)"),
        }
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

/// `found` in quotes with control characters escaped, shortened where it would fill the screen.
pub(crate) fn quoted(found: &str) -> String {
    const LONGEST: usize = 40;
    match found.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &found[..end]),
        None => format!("{found:?}"),
    }
}
