//! Parameters in safetensors files, under PyTorch's names.

use crate::{Error, Result};
use consonance_core::{Parameter, Plan, Precision, Values};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// The bytes of a safetensors file of `parameters`, each array under its name, with the metadata
/// that `describe` makes of them.
pub(crate) fn to_bytes(
    plan: &Plan,
    parameters: &Values,
    describe: impl FnOnce(&[(String, TensorView<'_>)]) -> Result<HashMap<String, String>>,
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
    let failed = |e| Error::Setting(format!("the model cannot be written: {e}"));
    let views = views.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
    let metadata = describe(&views)?;
    safetensors::serialize(views, Some(metadata)).map_err(failed)
}

/// Opens the bytes of `file`.
pub(crate) fn open<'a>(file: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|e| {
        Error::file(file, format!("is not a whole safetensors file, as a model is: {e}"))
    })
}

/// The names of all tensors, sorted.
pub(crate) fn names(tensors: &SafeTensors<'_>) -> Vec<String> {
    let mut names: Vec<String> = tensors.names().into_iter().map(str::to_string).collect();
    names.sort_unstable();
    names
}

/// Adds the numbers of `array` to `all`; they are those of the tensor `name`. Returns their type.
///
/// # Errors
/// [`Error::File`] if there is no such tensor, or it has another shape or no floating-point
/// numbers, or one that is not finite in `precision`.
pub(crate) fn read_array(
    file: &Path,
    tensors: &SafeTensors<'_>,
    name: &str,
    array: &Parameter,
    precision: Precision,
    all: &mut Vec<f64>,
) -> Result<Dtype> {
    let tensor = tensors.tensor(name).map_err(|_| {
        let there = names(tensors).join(", ");
        Error::file(file, format!("holds no '{name}'; there are: {there}"))
    })?;
    if tensor.shape() != array.shape {
        let problem =
            format!("'{name}' has shape {:?}, expected {:?}", tensor.shape(), array.shape);
        return Err(Error::file(file, problem));
    }
    let (before, bytes) = (all.len(), tensor.data());
    // grows with what the file holds, not with what its description claims
    match tensor.dtype() {
        Dtype::BF16 => all.extend(numbers(bytes).map(|b| bf16::from_le_bytes(b).to_f64())),
        Dtype::F16 => all.extend(numbers(bytes).map(|b| f16::from_le_bytes(b).to_f64())),
        Dtype::F32 => all.extend(numbers(bytes).map(|b| f64::from(f32::from_le_bytes(b)))),
        Dtype::F64 => all.extend(numbers(bytes).map(f64::from_le_bytes)),
        other => {
            let problem = format!("'{name}' is {other}, expected F32, F64, F16 or BF16");
            return Err(Error::file(file, problem));
        }
    }
    let finite = |value: &f64| match precision {
        Precision::F32 => (*value as f32).is_finite(),
        Precision::F64 => value.is_finite(),
    };
    if let Some(position) = all[before..].iter().position(|value| !finite(value)) {
        let problem = format!("'{name}' holds {:e} at {position}", all[before + position]);
        let expected = format!("expected numbers that are finite in {precision}");
        return Err(Error::file(file, format!("{problem}, {expected}")));
    }
    Ok(tensor.dtype())
}

fn numbers<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|chunk| chunk.try_into().expect("chunks of N bytes"))
}
