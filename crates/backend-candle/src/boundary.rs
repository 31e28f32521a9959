//! Numbers on their way into the device's memory and back, and candle's errors on their way out.

use candle_core::{DType, Device, Result, Shape, Tensor};
use consonance_core::{Precision, Values};

/// candle's name of a precision.
pub(crate) fn dtype(precision: Precision) -> DType {
    match precision {
        Precision::F32 => DType::F32,
        Precision::F64 => DType::F64,
    }
}

/// `values` as a tensor of `shape` on `device`.
pub(crate) fn upload(values: &Values, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
    match values {
        Values::F32(values) => Tensor::from_slice(values, shape.into(), device),
        Values::F64(values) => Tensor::from_slice(values, shape.into(), device),
    }
}

/// The elements of `tensor` (`f32` or `f64`), row-major.
pub(crate) fn download(tensor: &Tensor) -> Result<Values> {
    let flat = tensor.flatten_all()?;
    Ok(match flat.dtype() {
        DType::F32 => Values::F32(flat.to_vec1()?),
        _ => Values::F64(flat.to_vec1()?),
    })
}

/// What candle says went wrong, without the backtrace it may carry.
pub(crate) fn message(error: &candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => message(inner),
        other => other.to_string(),
    }
}
