//! A file opened for reading: unpacked if it is gzip, and its format known by its first bytes.

use crate::error::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

/// What a file's first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Two zero bytes, as every IDX file begins and no text does.
    Idx,
    /// Anything else.
    Text,
}

/// An opened file. Reads yield the unpacked bytes.
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) format: Format,
    gzip: bool,
    reader: Box<dyn BufRead>,
}

impl Source {
    /// Opens `path`, plain or gzip whatever its name.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { file: path.to_owned(), source };
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            return Err(Error::file(path, "is a folder, expected a file"));
        }
        Self::new(path, BufReader::new(File::open(path).map_err(io)?))
    }

    /// The source of `packed` bytes, called `file` in messages.
    pub(crate) fn new(file: &Path, mut packed: impl BufRead + 'static) -> Result<Self> {
        let io = |source| Error::Io { file: file.to_owned(), source };
        let head = peek::<2>(&mut packed).map_err(io)?;
        let gzip = head == [0x1f, 0x8b];
        let packed = Cursor::new(head).chain(packed);
        let reader: Box<dyn BufRead> = match gzip {
            true => Box::new(BufReader::new(MultiGzDecoder::new(packed))),
            false => Box::new(packed),
        };
        let mut source = Source { file: file.to_owned(), format: Format::Text, gzip, reader };
        let head = peek::<2>(&mut source.reader).map_err(|e| source.error(e))?;
        if head == [0, 0] {
            source.format = Format::Idx;
        }
        if head == [0xff, 0xfe] || head == [0xfe, 0xff] {
            return Err(Error::file(file, "is UTF-16 text; save it as UTF-8"));
        }
        source.reader = Box::new(Cursor::new(head).chain(source.reader));
        Ok(source)
    }

    /// A failed read of this source, told apart by whose fault it is.
    pub(crate) fn error(&self, source: io::Error) -> Error {
        read_error(&self.file, self.gzip, source)
    }

    /// True if the file is packed.
    pub(crate) fn is_gzip(&self) -> bool {
        self.gzip
    }

    /// The reader alone.
    pub(crate) fn into_reader(self) -> Box<dyn BufRead> {
        self.reader
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// The error of a failed read of `file`.
pub(crate) fn read_error(file: &Path, gzip: bool, source: io::Error) -> Error {
    let file = file.to_owned();
    match gzip {
        true => Error::Gzip { file, source },
        false => Error::Io { file, source },
    }
}

/// The first `N` bytes, fewer if there are no more.
fn peek<const N: usize>(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(N);
    reader.take(N as u64).read_to_end(&mut head)?;
    Ok(head)
}
