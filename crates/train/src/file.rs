//! Parameters in safetensors files, under PyTorch's names; files that appear whole or not at all.

use crate::{Error, Result};
use consonance_core::{Plan, Precision, Values};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

/// What the names of temporary files begin with: those that a killed process leaves may be removed.
pub const TEMPORARY_PREFIX: &str = ".consonance-";

/// Writes a file whole or not at all: into a temporary file beside it, which then takes its name.
/// A link is followed. What is no regular file, such as a pipe, is written to as it is.
///
/// # Errors
/// [`Error::Io`] naming the file, or [`Error::File`] if its folder does not exist; whatever had its
/// name before is still there then.
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
    if !folder.exists() {
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

/// The bytes of a safetensors file of `parameters`, each array under its name, with `metadata`.
pub(crate) fn to_bytes(
    plan: &Plan,
    parameters: &Values,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>> {
    let bytes: Vec<u8> = match parameters {
        Values::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Values::F64(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let (dtype, size) = match parameters.precision() {
        Precision::F32 => (Dtype::F32, 4),
        Precision::F64 => (Dtype::F64, 8),
    };
    let views = plan.parameters()?.into_iter().map(|array| {
        let bytes = &bytes[array.range.start * size..array.range.end * size];
        TensorView::new(dtype, array.shape.clone(), bytes).map(|view| (array.name(), view))
    });
    let views = views.collect::<std::result::Result<Vec<_>, _>>();
    views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(|e| Error::Setting(format!("the model cannot be written: {e}")))
}

/// Reads the parameters of `plan` from a safetensors file: a model of this crate, or a state dict
/// of PyTorch's `nn.Sequential` of the same layers, with or without metadata. `f32` and `f64` are
/// read and rounded to the plan's precision.
///
/// # Errors
/// [`Error::Io`], and [`Error::File`] for a file that is cut off, damaged, or holds other names or
/// shapes than the plan's.
pub fn read_parameters(file: &Path, plan: &Plan) -> Result<Values> {
    let bytes = std::fs::read(file).map_err(|e| Error::io(file, e))?;
    parameters(file, &open(file, &bytes)?, plan)
}

/// Opens the bytes of `file`.
pub(crate) fn open<'a>(file: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|e| {
        Error::file(file, format!("is not a whole safetensors file, as a model is: {e}"))
    })
}

/// The parameters of `plan` in an opened file.
pub(crate) fn parameters(file: &Path, tensors: &SafeTensors<'_>, plan: &Plan) -> Result<Values> {
    let arrays = plan.parameters()?;
    let names = || {
        let mut names: Vec<String> = tensors.names().into_iter().map(str::to_string).collect();
        names.sort();
        names.join(", ")
    };
    if let Some(unknown) =
        tensors.names().into_iter().find(|name| arrays.iter().all(|array| array.name() != **name))
    {
        let expected: Vec<_> = arrays.iter().map(|array| array.name()).collect();
        return Err(Error::file(
            file,
            format!("holds '{unknown}', expected only {}", expected.join(", ")),
        ));
    }
    // grows with what the file holds, not with what its description claims
    let mut all = Vec::new();
    for array in arrays {
        let name = array.name();
        let tensor = tensors
            .tensor(&name)
            .map_err(|_| Error::file(file, format!("holds no '{name}'; there are: {}", names())))?;
        if tensor.shape() != array.shape {
            let problem =
                format!("'{name}' has shape {:?}, expected {:?}", tensor.shape(), array.shape);
            return Err(Error::file(file, problem));
        }
        let before = all.len();
        match tensor.dtype() {
            Dtype::F32 => {
                all.extend(numbers(tensor.data()).map(|b| f64::from(f32::from_le_bytes(b))))
            }
            Dtype::F64 => all.extend(numbers(tensor.data()).map(f64::from_le_bytes)),
            other => {
                let problem = format!("'{name}' is {other:?}, expected F32 or F64");
                return Err(Error::file(file, problem));
            }
        }
        let finite = |value: &f64| match plan.precision {
            Precision::F32 => (*value as f32).is_finite(),
            Precision::F64 => value.is_finite(),
        };
        if let Some(position) = all[before..].iter().position(|value| !finite(value)) {
            let problem = format!("'{name}' holds {:e} at {position}", all[before + position]);
            let expected = format!("expected numbers that are finite in {}", plan.precision);
            return Err(Error::file(file, format!("{problem}, {expected}")));
        }
    }
    Ok(Values::rounded(plan.precision, &all))
}

fn numbers<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|chunk| chunk.try_into().expect("chunks of N bytes"))
}
