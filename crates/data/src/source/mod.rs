//! What rows are read from: a file, standard input, or bytes in memory; unpacked where it is
//! packed, and known by its first bytes, never by its name.

mod archive;
mod format;
mod unpack;

pub(crate) use archive::Archive;
pub(crate) use format::Format;

use crate::error::{Error, Result};
use crate::limits::Limits;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use unpack::Packing;

/// Something that can be read, more than once: what its first rows seem to be may turn out to be
/// otherwise.
#[derive(Debug)]
pub(crate) struct Input {
    /// What it is called in messages.
    pub(crate) file: PathBuf,
    origin: Origin,
}

#[derive(Debug)]
enum Origin {
    Path,
    Static(&'static [u8]),
    /// What came through a pipe, kept in a temporary file without a name.
    Spooled(File),
}

impl Input {
    /// The file at `path`.
    pub(crate) fn file(path: &Path) -> Self {
        Input { file: path.to_owned(), origin: Origin::Path }
    }

    /// Bytes that are in memory, called `name`.
    pub(crate) fn bytes(name: &str, bytes: &'static [u8]) -> Self {
        Input { file: name.into(), origin: Origin::Static(bytes) }
    }

    /// All that `reader` has, called `name`.
    pub(crate) fn spool(name: &str, reader: &mut dyn Read) -> Result<Self> {
        let io = |source| Error::Io { file: name.into(), source };
        let mut file = tempfile::tempfile().map_err(io)?;
        io::copy(reader, &mut file).map_err(io)?;
        Ok(Input { file: name.into(), origin: Origin::Spooled(file) })
    }

    /// A file with its bytes, unpacked, in which a reader may go back and forth: itself, or a
    /// temporary one.
    pub(crate) fn seekable(&self, limits: &Limits) -> Result<File> {
        let io = |source| Error::Io { file: self.file.clone(), source };
        let mut source = self.open(limits)?;
        if source.packing == Packing::None {
            match &self.origin {
                Origin::Path => return File::open(&self.file).map_err(io),
                Origin::Spooled(file) => {
                    let mut file = file.try_clone().map_err(io)?;
                    file.seek(SeekFrom::Start(0)).map_err(io)?;
                    return Ok(file);
                }
                Origin::Static(_) => {}
            }
        }
        let mut file = tempfile::tempfile().map_err(io)?;
        io::copy(&mut source, &mut file).map_err(|e| source.error(e))?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        Ok(file)
    }

    /// Opens it from its beginning.
    pub(crate) fn open(&self, limits: &Limits) -> Result<Source> {
        let io = |source| Error::Io { file: self.file.clone(), source };
        let (reader, size): (Box<dyn Read + Send>, u64) = match &self.origin {
            Origin::Path => {
                let meta = std::fs::metadata(&self.file).map_err(io)?;
                if meta.is_dir() {
                    return Err(Error::file(&self.file, "is a folder, expected a file"));
                }
                (Box::new(File::open(&self.file).map_err(io)?), meta.len())
            }
            Origin::Static(bytes) => (Box::new(Cursor::new(*bytes)), bytes.len() as u64),
            Origin::Spooled(file) => {
                let mut file = file.try_clone().map_err(io)?;
                file.seek(SeekFrom::Start(0)).map_err(io)?;
                let size = file.metadata().map_err(io)?.len();
                (Box::new(file), size)
            }
        };
        Source::new(&self.file, reader, size, limits)
    }
}

/// An opened file. Reads yield the unpacked bytes.
pub(crate) struct Source {
    pub(crate) file: PathBuf,
    pub(crate) format: Format,
    packing: Packing,
    reader: Box<dyn Read + Send>,
}

/// How many of the first bytes tell the format.
const HEAD: usize = 512;

impl Source {
    fn new(
        file: &Path,
        mut packed: Box<dyn Read + Send>,
        size: u64,
        limits: &Limits,
    ) -> Result<Self> {
        let io = |source| Error::Io { file: file.to_owned(), source };
        let head = peek(&mut packed, 4).map_err(io)?;
        let packing = Packing::of(&head);
        let reader = packing.unpack(file, Cursor::new(head).chain(packed), size, limits)?;
        let mut source = Source { file: file.to_owned(), format: Format::Text, packing, reader };
        let head = peek(&mut source.reader, HEAD).map_err(|e| source.error(e))?;
        source.format = Format::of(&head);
        source.reader = Box::new(Cursor::new(head).chain(source.reader));
        Ok(source)
    }

    /// A failed read of this source, told apart by whose fault it is.
    pub(crate) fn error(&self, source: io::Error) -> Error {
        self.packing.error(&self.file, source)
    }

    /// The reader alone, and how its errors are to be told.
    pub(crate) fn into_reader(
        self,
    ) -> (Box<dyn Read + Send>, impl Fn(io::Error) -> Error + Send + use<>) {
        let (file, packing) = (self.file, self.packing);
        (self.reader, move |error| packing.error(&file, error))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// The first `count` bytes, fewer if there are no more.
fn peek(reader: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(count);
    reader.take(count as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A buffered reader of what is packed.
fn buffered(reader: impl Read + Send + 'static) -> BufReader<impl Read + Send> {
    BufReader::with_capacity(1 << 16, reader)
}
