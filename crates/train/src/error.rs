//! What can go wrong in training, and with model files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in words meant for the person who can mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A plan, batch or backend was refused.
    #[error(transparent)]
    Core(#[from] consonance_core::Error),
    /// The data were refused.
    #[error(transparent)]
    Data(#[from] consonance_data::Error),
    /// A setting of the trainer lies outside its range.
    #[error("{0}")]
    Setting(String),
    /// The loss became NaN or infinite. The network holds the parameters of the last good epoch.
    #[error("training diverged in epoch {epoch}, step {step}: {culprit}")]
    Diverged {
        /// Which epoch, from 1.
        epoch: usize,
        /// Which step of the whole training, from 1.
        step: u64,
        /// Where the first number that is not finite was seen.
        culprit: Culprit,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A model file is not what was expected.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
}

/// The first place where a diverging network holds a number that is not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Culprit {
    /// A feature of the batch.
    Inputs,
    /// The outputs of this layer, counted as in `Plan::layers`.
    Layer {
        /// Its number.
        layer: usize,
        /// What it is: `"dense"` or the activation's name.
        kind: String,
    },
    /// The loss itself, or the sum of a batch's losses.
    Loss,
    /// The parameters after the last update, in the array of this name.
    Parameter(String),
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Culprit::Inputs => return f.write_str("the inputs are not finite"),
            Culprit::Layer { layer, kind } => {
                write!(f, "layer {layer} ({kind}) was the first to overflow")
            }
            Culprit::Loss => f.write_str("every layer is finite, the loss is not"),
            Culprit::Parameter(name) => write!(f, "parameter {name} is no longer finite"),
        }?;
        f.write_str("; try a smaller learning rate")
    }
}

impl Error {
    /// An [`Error::Io`] about `file`.
    pub fn io(file: &Path, source: io::Error) -> Self {
        Error::Io { file: file.to_owned(), source }
    }

    pub(crate) fn file(file: &Path, problem: impl Into<String>) -> Self {
        Error::File { file: file.to_owned(), problem: problem.into() }
    }
}
