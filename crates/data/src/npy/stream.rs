//! The bytes of one array, and messages that name it.

use crate::error::{Error, Result};
use std::io::{self, Read};
use std::path::Path;

/// An array's bytes, and where they come from.
pub(super) struct Stream<'a> {
    pub(super) reader: &'a mut dyn Read,
    pub(super) file: &'a Path,
    /// What the array is called, if it is one of several.
    pub(super) array: Option<&'a str>,
    /// How a failed read is told.
    pub(super) error: &'a dyn Fn(io::Error) -> Error,
}

impl Stream<'_> {
    /// The next `count` bytes, fewer at the end. Memory is taken for what is there.
    pub(super) fn next(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(count).read_to_end(&mut bytes);
        read.map_err(self.error)?;
        Ok(bytes)
    }

    /// What is wrong with the array.
    pub(super) fn problem(&self, problem: impl Into<String>) -> Error {
        let problem = problem.into();
        Error::file(
            self.file,
            match self.array {
                Some(name) => format!("array {name:?}: {problem}"),
                None => problem,
            },
        )
    }
}
