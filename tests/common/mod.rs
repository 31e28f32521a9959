//! What the tests of the whole share: which backends and precisions they run over, and the golden
//! files.
#![allow(dead_code, reason = "each test program uses some of it")]

use consonance::{Backend, Network, Plan, Precision, Values};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Every compiled-in backend that can run on this machine.
pub(crate) fn backends() -> Vec<Arc<dyn Backend>> {
    // a GPU is checked by its own command: see CONTRIBUTING.md
    consonance::backends().iter().filter(|b| b.info().device == "cpu").cloned().collect()
}

/// Both precisions, or the one that CONSONANCE_TEST_PRECISION names: `scripts/test.sh` runs them
/// one after the other.
pub(crate) fn precisions() -> Vec<Precision> {
    match std::env::var("CONSONANCE_TEST_PRECISION").as_deref() {
        Ok("f32") => vec![Precision::F32],
        Ok("f64") => vec![Precision::F64],
        Ok(other) => panic!("CONSONANCE_TEST_PRECISION is {other:?}, expected f32 or f64"),
        Err(_) => vec![Precision::F32, Precision::F64],
    }
}

/// A network of `plan` on `backend` with these parameters.
pub(crate) fn network(
    backend: &dyn Backend,
    plan: &Plan,
    threads: usize,
    parameters: &Values,
) -> Box<dyn Network> {
    let mut network = backend.network(plan, threads).unwrap();
    network.set_parameters(parameters).unwrap();
    network
}

/// The path of a golden file.
pub(crate) fn golden_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name)
}

/// A golden file: arrays of `f64` or integers, and a JSON description.
pub(crate) struct Golden {
    tensors: HashMap<String, (Vec<usize>, Vec<f64>)>,
    pub(crate) about: serde_json::Value,
}

impl Golden {
    pub(crate) fn read(name: &str) -> Golden {
        let bytes = std::fs::read(golden_path(name)).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let about = match header.metadata().as_ref().and_then(|m| m.get("golden")) {
            Some(text) => serde_json::from_str(text).unwrap(),
            None => serde_json::Value::Null,
        };
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().map(|(name, view)| {
            let numbers = match view.dtype() {
                Dtype::F32 => {
                    chunks(view.data()).map(|b| f64::from(f32::from_le_bytes(b))).collect()
                }
                Dtype::F64 => chunks(view.data()).map(f64::from_le_bytes).collect(),
                Dtype::I64 => chunks(view.data()).map(|b| i64::from_le_bytes(b) as f64).collect(),
                other => panic!("{name} is {other:?}"),
            };
            (name.to_string(), (view.shape().to_vec(), numbers))
        });
        Golden { tensors: tensors.collect(), about }
    }

    /// The numbers of an array.
    pub(crate) fn get(&self, name: &str) -> &[f64] {
        &self.tensors.get(name).unwrap_or_else(|| panic!("no golden '{name}'")).1
    }

    /// The shape of an array.
    pub(crate) fn shape(&self, name: &str) -> &[usize] {
        &self.tensors.get(name).unwrap_or_else(|| panic!("no golden '{name}'")).0
    }

    /// Classes or row numbers.
    pub(crate) fn indices(&self, name: &str) -> Vec<u32> {
        self.get(name).iter().map(|&v| v as u32).collect()
    }

    /// The arrays `PREFIX0.weight`, `PREFIX0.bias`, … of `plan` as one flat vector.
    pub(crate) fn parameters(&self, prefix: &str, plan: &Plan) -> Vec<f64> {
        let arrays = plan.parameters().unwrap();
        arrays
            .iter()
            .flat_map(|array| self.get(&format!("{prefix}{}", array.name())))
            .copied()
            .collect()
    }

    /// Row `index` of an array, its first axis taken away.
    pub(crate) fn row(&self, name: &str, index: usize) -> &[f64] {
        let width: usize = self.shape(name)[1..].iter().product();
        &self.get(name)[index * width..(index + 1) * width]
    }

    /// As [`Golden::parameters`], of arrays with a leading axis of steps.
    pub(crate) fn parameters_at(&self, prefix: &str, plan: &Plan, step: usize) -> Vec<f64> {
        let arrays = plan.parameters().unwrap();
        let rows = arrays.iter().flat_map(|a| self.row(&format!("{prefix}{}", a.name()), step));
        rows.copied().collect()
    }

    /// The network described by `sizes` and `activations`, without a loss of its own.
    pub(crate) fn plan(&self, loss: consonance::Loss) -> Plan {
        let sizes: Vec<usize> = serde_json::from_value(self.about["sizes"].clone()).unwrap();
        let names: Vec<String> = serde_json::from_value(self.about["activations"].clone()).unwrap();
        let hidden = sizes[1..].iter().zip(names.iter().map(|name| name.parse().unwrap()));
        let plan = Plan::new(sizes[0], loss);
        let plan = hidden.fold(plan, |plan, (&n, activation)| plan.dense(n).activation(activation));
        if names.len() + 1 < sizes.len() { plan.dense(sizes[sizes.len() - 1]) } else { plan }
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|chunk| chunk.try_into().unwrap())
}

/// ‖a − b‖ / ‖b‖, Euclidean.
pub(crate) fn relative_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    let size: f64 = b.iter().map(|b| square(*b)).sum();
    (difference / size).sqrt()
}
