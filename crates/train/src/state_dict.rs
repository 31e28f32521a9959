//! Parameters to begin a training with: of a model, or of a state dict as people have them.

use crate::description::Description;
use crate::naming::Naming;
use crate::tensors::{open, read_array};
use crate::{Error, Result};
use consonance_core::{Parameter, Plan, Precision, Values};
use consonance_data::TargetEncoding;
use safetensors::tensor::Dtype;
use std::path::{Path, PathBuf};

/// A safetensors file of parameters: a model of this crate, or a state dict of PyTorch's.
pub struct StateDict {
    file: PathBuf,
    bytes: Vec<u8>,
    target: Option<TargetEncoding>,
}

/// Parameters that were read, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct InitialParameters {
    /// The parameters, in the plan's layout and precision.
    pub parameters: Values,
    /// A sentence for each thing that was not taken as it is in the file.
    pub notes: Vec<String>,
}

impl StateDict {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::File`] for a file that is cut off or damaged. A model is
    /// checked as by [`ModelFile::read`](crate::ModelFile::read).
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|e| Error::io(file, e))?;
        let description = Description::read(file, &bytes, &open(file, &bytes)?)?;
        let target = description.map(|(description, _)| description.preparation.target);
        Ok(StateDict { file: file.to_owned(), bytes, target })
    }

    /// What the outputs stand for, if the file is a model and says so.
    pub fn target(&self) -> Option<&TargetEncoding> {
        self.target.as_ref()
    }

    /// The parameters of `plan`.
    ///
    /// They are found under the plan's names ([`Parameter::name`]), also with something before all
    /// of them, as in `module.0.weight`, or under names such as `fc1.weight` and `fc2.weight` where
    /// the shapes fit in one order only. `f16` and `bf16` are widened, which is exact; `f64` is
    /// rounded for a plan in `f32`.
    ///
    /// # Errors
    /// [`Error::File`] for a file that holds other names or shapes than the plan's, other than
    /// floating-point numbers, or numbers that are not finite.
    pub fn parameters(&self, plan: &Plan) -> Result<InitialParameters> {
        self.take(plan, None)
    }

    /// The parameters of `plan`, but for the last dense layer, its head, whose are those in `drawn`,
    /// all parameters of the plan; what the file holds for it may have any shape.
    ///
    /// # Errors
    /// Those of [`StateDict::parameters`], and [`Error::Setting`] for another number of `drawn`
    /// parameters than the plan's.
    pub fn body(&self, plan: &Plan, drawn: &Values) -> Result<InitialParameters> {
        let (expected, found) = (plan.parameter_count()?, drawn.len());
        if found != expected {
            let problem = format!("{found} parameters were drawn, the plan has {expected}");
            return Err(Error::Setting(problem));
        }
        self.take(plan, Some(drawn))
    }

    fn take(&self, plan: &Plan, drawn: Option<&Values>) -> Result<InitialParameters> {
        let (file, tensors) = (&*self.file, open(&self.file, &self.bytes)?);
        let arrays = plan.parameters()?;
        let last = arrays.last().map_or(0, |array| array.layer);
        let begins_anew = |array: &Parameter| drawn.is_some() && array.layer == last;
        let naming = Naming::find(file, &tensors, &arrays, begins_anew)?;
        let mut notes: Vec<String> = naming.note.into_iter().collect();
        let (mut all, mut widened, mut rounded) = (Vec::new(), None, false);
        for (array, name) in arrays.iter().zip(&naming.names) {
            if let (Some(drawn), true) = (drawn, begins_anew(array)) {
                all.extend(array.range.clone().map(|index| drawn.get(index)));
                continue;
            }
            match read_array(file, &tensors, name, array, plan.precision, &mut all)? {
                Dtype::F64 => rounded |= plan.precision == Precision::F32,
                Dtype::F32 => {}
                half => widened = Some(half),
            }
        }
        if let Some(half) = widened {
            notes.push(format!("{half} was widened to {}, which is exact", plan.precision));
        }
        if rounded {
            notes.push(format!("F64 was rounded to {}", plan.precision));
        }
        Ok(InitialParameters { parameters: Values::rounded(plan.precision, &all), notes })
    }
}
