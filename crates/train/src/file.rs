//! Files that appear whole or not at all.

use crate::{Error, Result};
use std::io::Write;
use std::path::Path;

/// What the names of temporary files begin with: those that a killed process leaves may be removed.
pub const TEMPORARY_PREFIX: &str = ".consonance-";

/// Writes a file whole or not at all: into a temporary file beside it, which then takes its name.
/// A link is followed. What is no regular file, such as a pipe, is written to as it is.
///
/// # Errors
/// [`Error::Io`] naming the file, or [`Error::File`] if its folder does not exist; whatever had its
/// name before is still there then. Those of [`sync_folder`], with the file in its place.
pub fn write_atomically(file: &Path, bytes: &[u8]) -> Result<()> {
    let resolved = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    if resolved.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return std::fs::write(&resolved, bytes).map_err(|e| Error::io(file, e));
    }
    let shown = file;
    let file = &resolved;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if matches!(folder.try_exists(), Ok(false)) {
        let problem = format!("the folder {} does not exist", folder.display());
        return Err(Error::file(shown, problem));
    }
    // without the temporary file's name, which tells nobody anything
    let failed = |source: std::io::Error| {
        let plain = source.raw_os_error().map(std::io::Error::from_raw_os_error);
        Error::io(shown, plain.unwrap_or_else(|| source.kind().into()))
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    // those of any new file: a temporary one is for its owner alone otherwise
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder).map_err(failed)?;
    temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()).map_err(failed)?;
    temporary.persist(file).map_err(|e| failed(e.error))?;
    sync_folder(folder)
}

/// Waits until the names in a folder are on the disk as they are now, so that a power failure does
/// not bring back others. Where folders cannot be asked for that, as on Windows, on some file
/// systems over a network, or without the right to read the folder, nothing is waited for.
///
/// # Errors
/// [`Error::Io`] naming the folder.
pub fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Err(e) = std::fs::File::open(folder).and_then(|folder| folder.sync_all()) {
        use std::io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
        if !matches!(e.kind(), InvalidInput | PermissionDenied | Unsupported) {
            return Err(Error::io(folder, e));
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
