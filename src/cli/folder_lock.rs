//! One training at a time in a folder.

use super::output::note;
use consonance::train::Error;
use std::fs::{File, TryLockError};
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;

/// The file that is locked; it is there while a training is, or after one that was killed.
pub(crate) const LOCK: &str = ".consonance-lock";

/// Holds a folder until it is dropped, or the process ends in whatever way: the system's own lock
/// of a file, which does not outlast its holder.
pub(crate) struct FolderLock {
    /// Where the file is.
    #[cfg(unix)]
    file: PathBuf,
    /// The file while it is locked.
    _held: File,
}

impl FolderLock {
    /// Takes `folder`, which is there. Where the file system has no locks this is said, and the
    /// training goes on.
    ///
    /// # Errors
    /// [`Error::Setting`] if another training holds the folder, [`Error::Io`] if the file cannot
    /// be made.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let file = folder.join(LOCK);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        loop {
            let held = options.open(&file).map_err(|e| Error::io(&file, e))?;
            match held.try_lock() {
                Ok(()) if !is_named(&held, &file) => continue,
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Setting(format!(
                        "--out: {} is in use by another training; name another folder, or wait \
                         until it has ended",
                        folder.display()
                    )));
                }
                Err(TryLockError::Error(e)) => {
                    let shown = folder.display();
                    note(&format!(
                        "{shown}: cannot be locked ({e}): see that no other training writes there"
                    ));
                }
            }
            return Ok(FolderLock {
                #[cfg(unix)]
                file,
                _held: held,
            });
        }
    }
}

/// Whether `file` still is what was opened: the training before may have removed it meanwhile.
#[cfg(unix)]
fn is_named(opened: &File, file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (opened.metadata(), file.metadata()) {
        (Ok(opened), Ok(named)) => identity(opened) == identity(named),
        _ => false,
    }
}

/// The file is never removed here.
#[cfg(not(unix))]
fn is_named(_: &File, _: &Path) -> bool {
    true
}

#[cfg(unix)]
impl Drop for FolderLock {
    /// Removes the file while it is locked, so that whoever has opened it sees that it is gone.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}
