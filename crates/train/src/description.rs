//! What a model file says of its parameters: JSON in the metadata.

use crate::checksum::{checksum, split_checksum, with_checksum};
use crate::{Error, Result};
use consonance_core::Plan;
use consonance_data::Preparation;
use safetensors::tensor::{SafeTensors, TensorView};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// Under this key a model file's metadata hold the description.
const KEY: &str = "consonance";

/// The format that is written. The first had no checksum.
const FORMAT: u64 = 2;

/// What a model is besides its parameters. An entry that is not known is not passed over: a model
/// without it would answer something else.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    format: u64,
    pub(crate) plan: Plan,
    pub(crate) preparation: Preparation,
    pub(crate) settings: serde_json::Value,
}

/// What is read first: whether the rest can be.
#[derive(Deserialize)]
struct Head {
    format: Option<u64>,
    checksum: Option<IgnoredAny>,
}

impl Description {
    /// Of the format that is written.
    pub(crate) fn new(plan: Plan, preparation: Preparation, settings: serde_json::Value) -> Self {
        Description { format: FORMAT, plan, preparation, settings }
    }

    /// The metadata of a file of these tensors.
    pub(crate) fn metadata(
        &self,
        tensors: &[(String, TensorView<'_>)],
    ) -> serde_json::Result<HashMap<String, String>> {
        let text = serde_json::to_string(self)?;
        // one entry only: several would be written in any order, and equal models as other bytes
        let text = with_checksum(&text, &checksum(&text, tensors));
        Ok(HashMap::from([(KEY.to_string(), text)]))
    }

    /// The description in a file, and its checksum if it has one; nothing if it is not a model of
    /// this crate's.
    ///
    /// # Errors
    /// [`Error::File`] for one that cannot be read, does not fit together, or whose checksum is
    /// not that of the file.
    pub(crate) fn read(
        file: &Path,
        bytes: &[u8],
        tensors: &SafeTensors<'_>,
    ) -> Result<Option<(Self, Option<String>)>> {
        let unreadable = |e: &dyn std::fmt::Display| {
            Error::file(file, format!("its metadata cannot be read: {e}"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| unreadable(&e))?;
        let Some(text) = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)) else {
            return Ok(None);
        };
        let head: Head = serde_json::from_str(text).map_err(|e| unreadable(&e))?;
        let format = head.format.ok_or_else(|| unreadable(&"no format number"))?;
        if !(1..=FORMAT).contains(&format) {
            let problem = format!("is of format {format}, this version reads 1 to {FORMAT}");
            return Err(Error::file(file, problem));
        }
        let damaged = |problem: String| Error::file(file, format!("is damaged: {problem}"));
        let (text, carried) = match split_checksum(text) {
            Some((carried, text)) => {
                let found = checksum(&text, &tensors.tensors());
                if found != carried {
                    let problem = format!("its checksum is {carried}, what it holds has {found}");
                    return Err(damaged(problem));
                }
                (text, Some(carried.to_string()))
            }
            None if format == 1 && head.checksum.is_none() => (text.clone(), None),
            None => return Err(damaged("its description does not begin with a checksum".into())),
        };
        let description: Self = serde_json::from_str(&text).map_err(|e| unreadable(&e))?;
        let Description { plan, preparation, .. } = &description;
        plan.check().map_err(|e| unreadable(&e))?;
        preparation.check(plan).map_err(|problem| unreadable(&problem))?;
        Ok(Some((description, carried)))
    }
}
