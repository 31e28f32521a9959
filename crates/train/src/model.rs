//! A trained network as a file.

use crate::description::Description;
use crate::file::write_atomically;
use crate::tensors::{names, open, read_array, to_bytes};
use crate::{Error, Result};
use consonance_core::{Backend, Network, Plan, Values};
use consonance_data::Preparation;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::path::Path;

/// A network with its parameters, and how rows are prepared for it.
///
/// In a file, the parameters have the names and shapes of PyTorch's `nn.Sequential` of the same
/// layers; everything else is JSON in the metadata, with a checksum over all of it.
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

/// A model as it was found in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The model.
    pub model: Model,
    /// The checksum that the file carries and that what it holds has, in hexadecimal. Files of the
    /// first format have none, and nobody can tell whether they are damaged.
    pub checksum: Option<String>,
}

impl Model {
    /// Writes the model, whole or not at all. Equal models are written as equal bytes.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn save(&self, file: &Path) -> Result<()> {
        let Model { plan, parameters, preparation, settings } = self;
        let description = Description::new(plan.clone(), preparation.clone(), settings.clone());
        let describe = |tensors: &[(String, TensorView<'_>)]| {
            let failed = |e| Error::file(file, format!("its description cannot be written: {e}"));
            description.metadata(tensors).map_err(failed)
        };
        write_atomically(file, &to_bytes(plan, parameters, describe)?)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// Those of [`ModelFile::read`].
    pub fn load(file: &Path) -> Result<Self> {
        ModelFile::read(file).map(|read| read.model)
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

impl ModelFile {
    /// Reads a model, of this format or the one before it.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::File`] for a file that is cut off, damaged, without this
    /// crate's metadata or of a later format, whose description has an entry that is unknown here,
    /// whose parameters are not its plan's, or whose preparation does not fit.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|e| Error::io(file, e))?;
        let tensors = open(file, &bytes)?;
        let Some((description, checksum)) = Description::read(file, &bytes, &tensors)? else {
            return Err(Error::file(
                file,
                "has no metadata of Consonance's: it is not a model that was trained here",
            ));
        };
        let Description { plan, preparation, settings, .. } = description;
        let parameters = parameters(file, &tensors, &plan)?;
        Ok(ModelFile { model: Model { plan, parameters, preparation, settings }, checksum })
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
