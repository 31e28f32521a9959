//! The description of a network: plain data that every backend reads.

use crate::{Activation, Batch, Error, Loss, Precision, Reduction, Result, Targets};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One entry of a network, applied in order. Numbering follows PyTorch's `nn.Sequential`:
/// activations count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Layer {
    /// y = x·Wᵀ + b with W [outputs, inputs] and b `[outputs]`.
    Dense {
        /// How many outputs; the inputs are the outputs of the layer before.
        outputs: usize,
    },
    /// A function of each element of a dense layer's outputs.
    Activation(Activation),
}

/// A network and its loss. Build one with [`Plan::new`] and the methods that add layers.
///
/// ```
/// use consonance_core::{Activation, Loss, Plan};
/// let plan = Plan::new(64, Loss::CrossEntropy).dense(128).activation(Activation::Relu).dense(10);
/// assert_eq!(plan.parameter_count()?, 64 * 128 + 128 + 128 * 10 + 10);
/// assert_eq!(plan.parameters()?[2].name(), "2.weight");
/// # Ok::<(), consonance_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Features a row has.
    pub inputs: usize,
    /// The layers, first to last.
    pub layers: Vec<Layer>,
    /// What training makes small.
    pub loss: Loss,
    /// How the losses of a batch become one number.
    pub reduction: Reduction,
    /// The type of every number in the network.
    pub precision: Precision,
}

/// One array of parameters and where it lies in the flat vector of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Index of its layer in [`Plan::layers`].
    pub layer: usize,
    /// What it is to the layer: `"weight"` or `"bias"`.
    pub role: &'static str,
    /// Its shape, row-major: [outputs, inputs] for a weight, `[outputs]` for a bias.
    pub shape: Vec<usize>,
    /// Its elements in the flat vector.
    pub range: Range<usize>,
}

impl Parameter {
    /// Its name in a state dict of the same `nn.Sequential`: `"0.weight"`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.layer, self.role)
    }
}

/// A dense layer with the activation that follows it: what an engine runs as one.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseLayer {
    /// Index of the dense layer in [`Plan::layers`].
    pub layer: usize,
    /// Features it reads.
    pub inputs: usize,
    /// Features it writes.
    pub outputs: usize,
    /// W [outputs, inputs], row-major, in the flat vector of parameters.
    pub weight: Range<usize>,
    /// b `[outputs]` in the flat vector of parameters.
    pub bias: Range<usize>,
    /// The activation on its outputs; [`Activation::Identity`] where none follows.
    pub activation: Activation,
    /// Index in [`Plan::layers`] of the last layer this one stands for: the activation's, or
    /// its own.
    pub last: usize,
}

impl Plan {
    /// A network of `inputs` features without layers yet; mean reduction, `f32`.
    pub fn new(inputs: usize, loss: Loss) -> Self {
        Plan {
            inputs,
            layers: Vec::new(),
            loss,
            reduction: Reduction::Mean,
            precision: Precision::F32,
        }
    }

    /// A network of dense layers of the given widths with `activation` between them, none after
    /// the last.
    pub fn mlp(
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        loss: Loss,
    ) -> Self {
        let plan = Plan::new(inputs, loss);
        hidden
            .iter()
            .fold(plan, |plan, &width| plan.dense(width).activation(activation))
            .dense(outputs)
    }

    /// Adds a dense layer.
    pub fn dense(mut self, outputs: usize) -> Self {
        self.layers.push(Layer::Dense { outputs });
        self
    }

    /// Adds an activation on the dense layer before it.
    pub fn activation(mut self, activation: Activation) -> Self {
        self.layers.push(Layer::Activation(activation));
        self
    }

    /// Sets how losses are reduced.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Sets the element type.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// The width of layer `layer`'s output, if there is such a layer and it is valid.
    pub fn width(&self, layer: usize) -> Option<usize> {
        self.layers.get(..=layer)?.iter().rev().find_map(|l| match l {
            Layer::Dense { outputs } => Some(*outputs),
            Layer::Activation(_) => None,
        })
    }

    /// How many numbers the network answers for a row; 0 without a dense layer.
    pub fn outputs(&self) -> usize {
        self.layers.len().checked_sub(1).and_then(|last| self.width(last)).unwrap_or(0)
    }

    /// The dense layers, each with the activation that follows it.
    ///
    /// # Errors
    /// [`Error::Plan`], naming the layer, if the plan is not a network: no inputs, no layers, a
    /// layer of width 0, an activation that follows no dense layer, settings out of range, or
    /// more parameters than memory can address.
    pub fn dense_layers(&self) -> Result<Vec<DenseLayer>> {
        if self.inputs == 0 {
            return Err(Error::Plan("it has no inputs".into()));
        }
        let mut dense: Vec<DenseLayer> = Vec::new();
        let mut width = self.inputs;
        let mut offset = 0_usize;
        for (index, layer) in self.layers.iter().enumerate() {
            match *layer {
                Layer::Dense { outputs: 0 } => {
                    return Err(Error::Plan(format!("layer {index} has width 0")));
                }
                Layer::Dense { outputs } => {
                    let end = (outputs.checked_mul(width))
                        .and_then(|weights| weights.checked_add(outputs))
                        .and_then(|parameters| parameters.checked_add(offset))
                        .filter(|end| *end <= isize::MAX as usize / 64);
                    let Some(end) = end else {
                        return Err(Error::Plan(format!(
                            "layer {index} ({width} × {outputs}) has more parameters than memory \
                             can hold"
                        )));
                    };
                    dense.push(DenseLayer {
                        layer: index,
                        inputs: width,
                        outputs,
                        weight: offset..end - outputs,
                        bias: end - outputs..end,
                        activation: Activation::Identity,
                        last: index,
                    });
                    (width, offset) = (outputs, end);
                }
                Layer::Activation(activation) => {
                    activation.check().map_err(|e| Error::Plan(format!("layer {index}: {e}")))?;
                    match dense.last_mut() {
                        Some(last) if last.last + 1 == index && last.last == last.layer => {
                            last.activation = activation;
                            last.last = index;
                        }
                        _ => {
                            return Err(Error::Plan(format!(
                                "layer {index} ({activation}) must follow a dense layer"
                            )));
                        }
                    }
                }
            }
        }
        if dense.is_empty() {
            return Err(Error::Plan("it has no dense layer".into()));
        }
        Ok(dense)
    }

    /// Checks that the plan is a network.
    ///
    /// # Errors
    /// As [`Plan::dense_layers`].
    pub fn check(&self) -> Result<()> {
        self.dense_layers().map(drop)
    }

    /// Every array of parameters, in the order of the flat vector: the layout in which
    /// parameters and gradients cross the backend's boundary.
    ///
    /// # Errors
    /// As [`Plan::dense_layers`].
    pub fn parameters(&self) -> Result<Vec<Parameter>> {
        let both = |dense: DenseLayer| {
            let DenseLayer { layer, inputs, outputs, weight, bias, .. } = dense;
            [
                Parameter { layer, role: "weight", shape: vec![outputs, inputs], range: weight },
                Parameter { layer, role: "bias", shape: vec![outputs], range: bias },
            ]
        };
        Ok(self.dense_layers()?.into_iter().flat_map(both).collect())
    }

    /// How many parameters the network has.
    ///
    /// # Errors
    /// As [`Plan::dense_layers`].
    pub fn parameter_count(&self) -> Result<usize> {
        Ok(self.dense_layers()?.last().map_or(0, |last| last.bias.end))
    }

    /// Checks that `batch` fits the network's inputs.
    ///
    /// # Errors
    /// [`Error::Data`]: no rows, a row that does not exist, another number of features, another
    /// precision.
    pub fn check_inputs(&self, batch: &Batch<'_>) -> Result<()> {
        let data = batch.data;
        if data.inputs() != self.inputs {
            return Err(Error::Data(format!(
                "rows have {} features, the network has {} inputs",
                data.inputs(),
                self.inputs
            )));
        }
        if data.precision() != self.precision {
            return Err(Error::Data(format!(
                "the data are {}, the network is {}",
                data.precision(),
                self.precision
            )));
        }
        if batch.is_empty() {
            return Err(Error::Data("the batch has no rows".into()));
        }
        batch.check()
    }

    /// Checks that `batch` fits the network's inputs and that its targets fit the loss.
    ///
    /// # Errors
    /// [`Error::Data`], also for a class index the network has no output for.
    pub fn check_batch(&self, batch: &Batch<'_>) -> Result<()> {
        self.check_inputs(batch)?;
        let outputs = self.outputs();
        self.loss.check_targets(batch.data.targets(), outputs)?;
        if let Targets::Classes(classes) = batch.data.targets() {
            // one logit tells two classes apart
            let known = if self.loss == Loss::BinaryCrossEntropy { 2 } else { outputs };
            // a step looks through its rows only if a row of the data set may be wrong
            if batch.data.classes() > known {
                for row in (0..batch.len()).map(|position| batch.rows.at(position)) {
                    let class = classes[row] as usize;
                    if class >= known {
                        return Err(Error::Data(format!(
                            "row {row} is of class {class}, the network knows classes 0 to {}",
                            known - 1
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, Values};

    #[test]
    fn parameters_are_named_as_in_a_sequential() {
        let plan = Plan::mlp(3, &[4], 2, Activation::Tanh, Loss::CrossEntropy);
        let parameters = plan.parameters().unwrap();
        let named: Vec<_> =
            parameters.iter().map(|p| (p.name(), p.shape.clone(), p.range.clone())).collect();
        assert_eq!(
            named,
            [
                ("0.weight".into(), vec![4, 3], 0..12),
                ("0.bias".into(), vec![4], 12..16),
                ("2.weight".into(), vec![2, 4], 16..24),
                ("2.bias".into(), vec![2], 24..26),
            ]
        );
        assert_eq!((plan.outputs(), plan.width(1), plan.width(9)), (2, Some(4), None));
    }

    #[test]
    fn what_is_no_network_is_refused_by_layer() {
        let refused = |plan: Plan| plan.check().unwrap_err().to_string();
        let new = |inputs| Plan::new(inputs, Loss::CrossEntropy);
        assert!(refused(new(0).dense(1)).contains("no inputs"));
        assert!(refused(new(1)).contains("no dense layer"));
        assert!(refused(new(1).dense(2).dense(0)).contains("layer 1 has width 0"));
        assert!(refused(new(1).activation(Activation::Relu).dense(1)).contains("layer 0"));
        let twice = new(1).dense(1).activation(Activation::Relu).activation(Activation::Tanh);
        assert!(refused(twice).contains("layer 2"));
        assert!(refused(new(usize::MAX).dense(usize::MAX)).contains("memory"));
        assert!(
            refused(new(1).dense(1).activation(Activation::Elu { alpha: -1.0 })).contains("alpha")
        );
    }

    #[test]
    fn batches_that_do_not_fit_are_refused() {
        let plan = Plan::new(2, Loss::CrossEntropy).dense(3);
        let data = |inputs, classes: Vec<u32>| {
            let features = Values::from(vec![0.0_f32; inputs * classes.len()]);
            Dataset::new(inputs, features, Targets::Classes(classes)).unwrap()
        };
        assert!(plan.check_batch(&data(2, vec![0, 2]).all()).is_ok());
        assert!(plan.check_batch(&data(3, vec![0]).all()).is_err());
        let error = plan.check_batch(&data(2, vec![0, 3]).all()).unwrap_err();
        assert!(error.to_string().contains("row 1 is of class 3"), "{error}");
        assert!(plan.check_batch(&data(2, vec![0]).batch(&[])).is_err());
        assert!(plan.precision(Precision::F64).check_batch(&data(2, vec![0]).all()).is_err());
    }

    #[test]
    fn a_plan_round_trips_through_json() {
        let plan = Plan::mlp(3, &[4], 2, Activation::LeakyRelu { slope: 0.2 }, Loss::CrossEntropy);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    /// What is not known might be what the network needs.
    #[test]
    fn a_plan_with_an_unknown_entry_is_refused_by_name() {
        let plan = Plan::mlp(3, &[4], 2, Activation::LeakyRelu { slope: 0.2 }, Loss::CrossEntropy);
        let text = serde_json::to_string(&plan).unwrap();
        for place in ["\"inputs\"", "\"outputs\"", "\"slope\""] {
            let edited = text.replacen(place, &format!("\"dropout\":1,{place}"), 1);
            let refusal = serde_json::from_str::<Plan>(&edited).unwrap_err().to_string();
            assert!(refusal.contains("dropout"), "{place}: {refusal}");
        }
    }
}
