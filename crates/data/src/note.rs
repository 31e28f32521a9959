//! What was decided without being asked, said to the user.

use serde::Serialize;
use std::fmt;

/// Something that was found out or decided, which a user may want otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The column it is about; `None` if it is about the file.
    pub column: Option<String>,
    /// What was decided, and what would decide otherwise.
    pub text: String,
}

impl Note {
    pub(crate) fn file(text: impl Into<String>) -> Self {
        Note { column: None, text: text.into() }
    }

    pub(crate) fn column(name: &str, text: impl Into<String>) -> Self {
        Note { column: Some(name.to_owned()), text: text.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(name) => write!(f, "{name}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}
