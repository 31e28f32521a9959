//! Gzip and zstd.

use super::buffered;
use crate::error::{Error, Result};
use crate::limits::Limits;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, Read};
use std::path::Path;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// What the first bytes tell.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
            _ => Packing::None,
        }
    }

    /// The bytes of `packed`, which has `size` of them, unpacked.
    pub(super) fn unpack(
        self,
        file: &Path,
        packed: impl Read + Send + 'static,
        size: u64,
        limits: &Limits,
    ) -> Result<Box<dyn Read + Send>> {
        let bounded = |reader: Box<dyn Read + Send>| Box::new(Bounded::new(reader, size, limits));
        Ok(match self {
            Packing::None => Box::new(packed),
            Packing::Gzip => bounded(Box::new(MultiGzDecoder::new(buffered(packed)))),
            Packing::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(buffered(packed))
                    .map_err(|e| self.error(file, io::Error::other(e.to_string())))?;
                bounded(Box::new(decoder))
            }
        })
    }

    /// A failed read of `file`.
    pub(super) fn error(self, file: &Path, source: io::Error) -> Error {
        let file = file.to_owned();
        if source.kind() == io::ErrorKind::FileTooLarge {
            return Error::File { file, problem: source.to_string() };
        }
        match self {
            Packing::None => Error::Io { file, source },
            Packing::Gzip => Error::Packed { file, packing: "gzip", source },
            Packing::Zstd => Error::Packed { file, packing: "zstd", source },
        }
    }
}

/// Unpacked bytes, no more than are sensible.
pub(super) struct Bounded<R> {
    reader: R,
    left: u64,
    most: u64,
}

impl<R: Read> Bounded<R> {
    /// What `reader` unpacks from `size` bytes.
    pub(super) fn new(reader: R, size: u64, limits: &Limits) -> Self {
        let most = size.saturating_mul(limits.unpacked_ratio).max(Limits::UNPACKED_FREE);
        Bounded { reader, left: most, most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let problem = format!(
                    "unpacks to more than {} bytes, which no table does; --limits off reads it all \
                     the same",
                    self.most
                );
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
            }
        }
        Ok(read)
    }
}
