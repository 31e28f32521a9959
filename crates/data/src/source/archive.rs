//! Zip archives, and the files in them.

use super::Input;
use super::unpack::Bounded;
use crate::error::{Error, Result};
use crate::limits::Limits;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use zip::ZipArchive;
use zip::result::ZipError;

/// An opened zip archive.
pub(crate) struct Archive {
    pub(crate) file: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    /// How many bytes it has, packed.
    size: u64,
    limits: Limits,
}

impl Archive {
    /// Opens it, and reads which files are in it.
    pub(crate) fn open(input: &Input, limits: &Limits) -> Result<Self> {
        let io = |source| Error::Io { file: input.file.clone(), source };
        let file = input.seekable(limits)?;
        let size = file.metadata().map_err(io)?.len();
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|e| of_zip(&input.file, e))?;
        Ok(Archive { file: input.file.clone(), zip, size, limits: *limits })
    }

    /// The files in it, in order. One whose name is no text is left out.
    pub(crate) fn names(&self) -> Vec<String> {
        self.zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect()
    }

    /// Reads every file in it, so that damage and bombs are met before another reader meets them.
    #[cfg(feature = "xlsx")]
    pub(crate) fn check(&mut self) -> Result<()> {
        let most = self.size.saturating_mul(self.limits.unpacked_ratio).max(Limits::UNPACKED_FREE);
        let mut all = 0_u64;
        for index in 0..self.zip.len() {
            let file = &self.file;
            let member = self.zip.by_index(index).map_err(|e| of_zip(file, e))?;
            let mut bounded = Bounded::new(member, self.size, &self.limits);
            let read = io::copy(&mut bounded, &mut io::sink()).map_err(|e| of_io(file, e))?;
            all = all.saturating_add(read);
            if all > most {
                let problem = format!(
                    "unpacks to more than {most} bytes, which no table does; --limits off reads it \
                     all the same"
                );
                return Err(Error::file(file, problem));
            }
        }
        Ok(())
    }

    /// What `read` makes of the file called `name`; it is also told how a failed read is to be told.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut dyn Read, &dyn Fn(io::Error) -> Error) -> Result<T>,
    ) -> Result<T> {
        let file = &self.file;
        let member = self.zip.by_name(name).map_err(|e| of_zip(file, e))?;
        let size = member.compressed_size().min(self.size);
        let mut bounded = Bounded::new(member, size, &self.limits);
        read(&mut bounded, &|source| of_io(file, source))
    }
}

fn of_io(file: &std::path::Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::FileTooLarge => Error::file(file, source.to_string()),
        _ => Error::Packed { file: file.to_owned(), packing: "zip", source },
    }
}

fn of_zip(file: &std::path::Path, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => of_io(file, source),
        ZipError::UnsupportedArchive(what) => {
            Error::file(file, format!("is a zip archive that cannot be read: {what}"))
        }
        other => of_io(file, io::Error::other(other.to_string())),
    }
}
