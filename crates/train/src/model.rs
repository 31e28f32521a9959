//! A trained network as a file.

use crate::file::write_atomically;
use crate::tensors::{names, open, read_array, to_bytes};
use crate::{Error, Result};
use consonance_core::{Backend, Network, Plan, Values};
use consonance_data::Preparation;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Under this key a model file's metadata hold the [`Description`].
const KEY: &str = "consonance";

/// The format of the description; a later one may not be readable here.
const FORMAT: u32 = 1;

/// A network with its parameters, and how rows are prepared for it.
///
/// In a file, the parameters have the names and shapes of PyTorch's `nn.Sequential` of the same
/// layers; everything else is JSON in the metadata.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The network.
    pub plan: Plan,
    /// Its parameters, in the plan's layout and precision.
    pub parameters: Values,
    /// How rows become its inputs, and its outputs answers.
    pub preparation: Preparation,
    /// How it was trained, for people to read.
    pub settings: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    plan: Plan,
    preparation: Preparation,
    settings: serde_json::Value,
}

impl Model {
    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn save(&self, file: &Path) -> Result<()> {
        let description = Description {
            format: FORMAT,
            plan: self.plan.clone(),
            preparation: self.preparation.clone(),
            settings: self.settings.clone(),
        };
        let text = serde_json::to_string(&description)
            .map_err(|e| Error::file(file, format!("the description cannot be written: {e}")))?;
        // one entry only: several would be written in any order, and equal models as other bytes
        let metadata = HashMap::from([(KEY.to_string(), text)]);
        write_atomically(file, &to_bytes(&self.plan, &self.parameters, metadata)?)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::File`] for a file that is cut off, damaged, without this
    /// crate's metadata, whose parameters are not its plan's, or whose preparation does not fit.
    pub fn load(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|e| Error::io(file, e))?;
        let tensors = open(file, &bytes)?;
        let damaged = |e: &dyn std::fmt::Display| {
            Error::file(file, format!("its metadata cannot be read: {e}"))
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(&e))?;
        let Some(text) = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else {
            return Err(Error::file(
                file,
                "has no metadata of Consonance's: it is not a model that was trained here",
            ));
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| damaged(&e))?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => {
                let problem = format!("is of format {format}, this version reads {FORMAT}");
                return Err(Error::file(file, problem));
            }
            None => return Err(damaged(&"no format number")),
        }
        let Description { plan, preparation, settings, .. } =
            serde_json::from_value(value).map_err(|e| damaged(&e))?;
        plan.check().map_err(|e| damaged(&e))?;
        preparation.check(&plan).map_err(|problem| damaged(&problem))?;
        let parameters = parameters(file, &tensors, &plan)?;
        Ok(Model { plan, parameters, preparation, settings })
    }

    /// The model as a network of `backend`, with `threads` threads.
    ///
    /// # Errors
    /// Those of [`Backend::network`].
    pub fn network(&self, backend: &dyn Backend, threads: usize) -> Result<Box<dyn Network>> {
        let mut network = backend.network(&self.plan, threads)?;
        network.set_parameters(&self.parameters)?;
        Ok(network)
    }
}

/// The parameters of `plan`, under their own names and nothing else.
fn parameters(file: &Path, tensors: &SafeTensors<'_>, plan: &Plan) -> Result<Values> {
    let arrays = plan.parameters()?;
    let expected: Vec<String> = arrays.iter().map(|array| array.name()).collect();
    if let Some(unknown) = names(tensors).iter().find(|name| !expected.contains(name)) {
        let problem = format!("holds '{unknown}', expected only {}", expected.join(", "));
        return Err(Error::file(file, problem));
    }
    let mut all = Vec::new();
    for (array, name) in arrays.iter().zip(&expected) {
        let dtype = read_array(file, tensors, name, array, plan.precision, &mut all)?;
        if !matches!(dtype, Dtype::F32 | Dtype::F64) {
            let problem = format!("'{name}' is {dtype}, a model's are F32 or F64");
            return Err(Error::file(file, problem));
        }
    }
    Ok(Values::rounded(plan.precision, &all))
}
