//! Which tensor of a state dict is which array of a plan.

use crate::tensors::names;
use crate::{Error, Result};
use consonance_core::Parameter;
use safetensors::tensor::SafeTensors;
use std::collections::BTreeMap;
use std::path::Path;

/// The names that a plan's arrays have in a file.
pub(crate) struct Naming {
    /// For each array, its name in the file; whether there is such a tensor is not said.
    pub(crate) names: Vec<String>,
    /// What is to be told, if they are not the arrays' own.
    pub(crate) note: Option<String>,
}

impl Naming {
    /// Finds the names: the arrays' own; or those with the same words before all of them, as
    /// `module.` or `_orig_mod.`; or layers that are numbered among themselves, as `fc1` and `fc2`,
    /// where shapes allow one order only. Arrays that begin anew may be missing.
    ///
    /// # Errors
    /// [`Error::File`] if the file holds a name that is none of these.
    pub(crate) fn find(
        file: &Path,
        tensors: &SafeTensors<'_>,
        arrays: &[Parameter],
        begins_anew: impl Fn(&Parameter) -> bool,
    ) -> Result<Self> {
        let there = names(tensors);
        let own: Vec<String> = arrays.iter().map(Parameter::name).collect();
        let known = |name: &str| own.iter().any(|own| own == name);
        let all_there = |prefix: &str| {
            let found = |array| there.binary_search(&format!("{prefix}{}", Parameter::name(array)));
            arrays.iter().all(|array| begins_anew(array) || found(array).is_ok())
        };
        for prefix in common_prefixes(&there) {
            let all_known = there.iter().all(|name| known(&name[prefix.len()..]));
            if all_known && all_there(prefix) {
                let note = format!("'{prefix}' before every name was passed over");
                let names = own.iter().map(|name| format!("{prefix}{name}")).collect();
                return Ok(Naming { names, note: Some(note) });
            }
        }
        if let Some(layers) = numbered_layers(&there) {
            return Self::in_order(file, tensors, arrays, &layers);
        }
        match there.iter().find(|name| !known(name)) {
            None => Ok(Naming { names: own, note: None }),
            Some(unknown) => {
                let problem = format!("holds '{unknown}', expected only {}", own.join(", "));
                Err(Error::file(file, problem))
            }
        }
    }

    /// The layers of a file, by their numbers, for those of a plan.
    fn in_order(
        file: &Path,
        tensors: &SafeTensors<'_>,
        arrays: &[Parameter],
        layers: &[String],
    ) -> Result<Self> {
        let listed = layers.join(", ");
        let mut own: Vec<usize> = arrays.iter().map(|array| array.layer).collect();
        own.dedup();
        let own_listed = own.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        if layers.len() != own.len() {
            let problem = format!(
                "holds the layers {listed}, expected as many as {own_listed}, which are {}",
                own.len()
            );
            return Err(Error::file(file, problem));
        }
        let mut shapes: Vec<_> = layers
            .iter()
            .filter_map(|layer| tensors.tensor(&format!("{layer}.weight")).ok())
            .map(|weight| weight.shape().to_vec())
            .collect();
        shapes.sort_unstable();
        if shapes.windows(2).any(|pair| pair[0] == pair[1]) {
            let problem = format!(
                "the shapes of its layers {listed} fit in more than one order; expected the \
                 names of an nn.Sequential: {own_listed}"
            );
            return Err(Error::file(file, problem));
        }
        let name = |array: &Parameter| {
            let place = own.iter().position(|layer| *layer == array.layer).unwrap_or_default();
            format!("{}.{}", layers[place], array.role)
        };
        let note = format!("{listed} were taken for the layers {own_listed}");
        Ok(Naming { names: arrays.iter().map(name).collect(), note: Some(note) })
    }
}

/// What all names begin with, each up to a dot: `module.`, `module.net.`.
fn common_prefixes(names: &[String]) -> impl Iterator<Item = &str> {
    let first = names.first().map_or("", String::as_str);
    let prefixes = first.match_indices('.').map(|(dot, _)| &first[..=dot]);
    prefixes.take_while(|prefix| names.iter().all(|name| name.starts_with(prefix)))
}

/// The layers in their order, if every name is that of a weight or a bias of one, each has both,
/// and they are called alike but for a number at the end, and not by a number alone: those count
/// what lies between the layers too.
fn numbered_layers(names: &[String]) -> Option<Vec<String>> {
    let mut layers: BTreeMap<u64, (&str, usize)> = BTreeMap::new();
    let mut called = None;
    for name in names {
        let layer = name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias"))?;
        let word = layer.trim_end_matches(|c: char| c.is_ascii_digit());
        if word.is_empty() || word.ends_with('.') || *called.get_or_insert(word) != word {
            return None;
        }
        let (found, roles) = layers.entry(layer[word.len()..].parse().ok()?).or_insert((layer, 0));
        if *found != layer {
            return None;
        }
        *roles += 1;
    }
    let whole = !layers.is_empty() && layers.values().all(|(_, roles)| *roles == 2);
    whole.then(|| layers.into_values().map(|(layer, _)| layer.to_string()).collect())
}
