//! What stands for a model on the command line: its file, or the folder of the run that made it.

use super::run_folder::MODEL;
use std::path::{Path, PathBuf};

/// The model file that `path` names: itself, or the one in a run folder.
///
/// # Errors
/// A sentence that names `path` and both, if it is neither.
pub(crate) fn model_file(path: &Path) -> Result<PathBuf, String> {
    let (shown, inside) = (path.display(), path.join(MODEL));
    match (path.is_dir(), inside.exists(), path.exists()) {
        (true, true, _) => Ok(inside),
        (true, false, _) => Err(format!(
            "{shown}: holds no {MODEL}; expected a run folder with one, or a model file"
        )),
        (false, _, false) => Err(format!(
            "{shown}: there is no such file; expected a model file, or a run folder with {MODEL}"
        )),
        (false, _, true) => Ok(path.to_path_buf()),
    }
}
