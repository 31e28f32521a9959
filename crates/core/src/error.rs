//! The errors a plan, a data set or a backend can answer with.

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in words meant for the person who can mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The plan does not describe a network.
    #[error("invalid network: {0}")]
    Plan(String),
    /// An optimiser's setting lies outside its range.
    #[error("invalid optimiser: {0}")]
    Optimizer(String),
    /// A data set does not fit the plan, or its own description.
    #[error("the data do not fit: {0}")]
    Data(String),
    /// A buffer has another length or element type than the call needs.
    #[error("{what}: expected {expected}, got {got}")]
    Mismatch {
        /// What was handed over.
        what: &'static str,
        /// What the call needs.
        expected: String,
        /// What it got.
        got: String,
    },
    /// There is no gradient: the network has made a whole step of it, or has not been asked for
    /// one since.
    #[error(
        "a training step keeps no gradient: where it is needed, call loss_and_gradient, then update"
    )]
    NoGradient,
    /// Memory that the system does not have.
    #[error("{what} of {bytes} bytes: there is not so much memory")]
    Memory {
        /// What it was for.
        what: &'static str,
        /// How much it was; `usize::MAX` for more than can be counted.
        bytes: usize,
    },
    /// No backend of that name is registered.
    #[error("no backend named '{name}'; there are: {}", known.join(", "))]
    UnknownBackend {
        /// The name asked for.
        name: String,
        /// The names that are registered.
        known: Vec<String>,
    },
    /// The backend is there but cannot run here, or failed in its library.
    #[error("backend '{backend}': {message}")]
    Backend {
        /// The backend's name.
        backend: String,
        /// What it needs, or what its library said.
        message: String,
    },
    /// The backend cannot do this (yet).
    #[error("backend '{backend}' does not support {what}")]
    Unsupported {
        /// The backend's name.
        backend: String,
        /// The thing asked for.
        what: String,
    },
}

impl Error {
    /// A [`Error::Mismatch`] of two displayable things.
    pub fn mismatch(
        what: &'static str,
        expected: impl std::fmt::Display,
        got: impl std::fmt::Display,
    ) -> Self {
        Error::Mismatch { what, expected: expected.to_string(), got: got.to_string() }
    }
}
