//! A text in blocks of whole records, which can be read side by side.

use super::dialect::Dialect;
use crate::error::{Error, Place, Result};
use crate::limits::Limits;
use memchr::memchr_iter;
use std::io::{self, Read};
use std::path::PathBuf;

/// Some whole records.
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    /// The line of the first, counted from 1.
    pub(crate) line: u64,
}

/// How many bytes a block has, but for what is left of a record. It is fixed, so that what is read
/// does not depend on the number of threads.
const SIZE: usize = 1 << 20;

/// Reads blocks one after the other.
pub(crate) struct Blocks<F> {
    pub(crate) file: PathBuf,
    reader: Box<dyn Read + Send>,
    error: F,
    dialect: Dialect,
    limits: Limits,
    /// Bytes that were read and are in no block yet.
    rest: Vec<u8>,
    line: u64,
    ended: bool,
    /// True if lines end in a carriage return alone.
    returns: bool,
}

/// The beginning of a text, enough to tell how it is to be read: about a block.
pub(crate) fn sample(reader: &mut impl Read, limits: &Limits) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let most = SIZE.min(limits.record_bytes) as u64;
    reader.take(most).read_to_end(&mut bytes)?;
    let ended = (bytes.len() as u64) < most;
    Ok((bytes, ended))
}

/// True if lines end in a carriage return alone, as they did on old Macs.
pub(crate) fn ends_in_returns(sample: &[u8]) -> bool {
    !sample.contains(&b'\n') && sample.contains(&b'\r')
}

impl<F: Fn(io::Error) -> Error> Blocks<F> {
    /// Blocks of the text that begins with `sample`, and goes on with what `reader` has.
    pub(crate) fn new(
        file: PathBuf,
        sample: Vec<u8>,
        (reader, error): (Box<dyn Read + Send>, F),
        dialect: Dialect,
        limits: Limits,
    ) -> Self {
        let returns = ends_in_returns(&sample);
        let mut rest = sample;
        if returns {
            into_newlines(&mut rest);
        }
        let preamble: Vec<u8> = rest.drain(..dialect.preamble.min(rest.len())).collect();
        let line = 1 + memchr_iter(b'\n', &preamble).count() as u64;
        Blocks { file, reader, error, dialect, limits, rest, line, ended: false, returns }
    }

    /// The next block; it ends in a line end.
    pub(crate) fn next(&mut self) -> Result<Option<Block>> {
        let mut wanted = SIZE.min(self.limits.record_bytes);
        loop {
            self.fill(wanted)?;
            if self.ended {
                let mut bytes = std::mem::take(&mut self.rest);
                if bytes.is_empty() {
                    return Ok(None);
                }
                if bytes.last() != Some(&b'\n') {
                    bytes.push(b'\n');
                }
                return Ok(Some(self.block(bytes)));
            }
            if let Some(end) = self.dialect.cutter.last_end(&self.rest) {
                let rest = self.rest.split_off(end);
                let bytes = std::mem::replace(&mut self.rest, rest);
                return Ok(Some(self.block(bytes)));
            }
            if self.rest.len() >= self.limits.record_bytes {
                let problem = format!(
                    "the row does not end within {} bytes, as any sensible row does; is a quote \
                     never closed? --limits off reads it all the same",
                    self.limits.record_bytes
                );
                return Err(Error::row(&self.file, Place::Line(self.line), problem));
            }
            wanted = (2 * self.rest.len()).min(self.limits.record_bytes);
        }
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let line = self.line;
        self.line += memchr_iter(b'\n', &bytes).count() as u64;
        Block { bytes, line }
    }

    /// Reads on until there are `wanted` bytes, or no more.
    fn fill(&mut self, wanted: usize) -> Result<()> {
        let have = self.rest.len();
        if self.ended || have >= wanted {
            return Ok(());
        }
        let missing = wanted - have;
        self.rest.try_reserve_exact(missing).map_err(|_| {
            let problem = format!("there is no memory for {missing} bytes of a row");
            Error::row(&self.file, Place::Line(self.line), problem)
        })?;
        let read = (&mut self.reader).take(missing as u64).read_to_end(&mut self.rest);
        self.ended = read.map_err(&self.error)? < missing;
        if self.returns {
            into_newlines(&mut self.rest[have..]);
        }
        Ok(())
    }
}

fn into_newlines(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
}
