//! Made-up numbers, data sets and networks, the same in every run.

use crate::Subject;
use consonance_core::rng::{Purpose, Stream};
use consonance_core::{
    Dataset, Element, Error, Loss, Network, OptimizerState, Plan, Precision, Result, Targets,
    Values,
};

/// A stream of made-up numbers; different `number`s never overlap.
pub(crate) fn stream(number: usize) -> Stream {
    Stream::new(0, Purpose::Synthetic, 0, number as u32)
}

/// Standard normal numbers, rounded to `T`.
pub(crate) fn normal<T: Element>(stream: &mut Stream, len: usize) -> Vec<T> {
    (0..len).map(|_| T::of(stream.normal())).collect()
}

/// The same, of a precision known at run time, times `scale`.
pub(crate) fn normal_values(
    stream: &mut Stream,
    precision: Precision,
    len: usize,
    scale: f64,
) -> Values {
    let numbers: Vec<f64> = (0..len).map(|_| scale * stream.normal()).collect();
    Values::rounded(precision, &numbers)
}

/// What the targets of a data set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Class indices.
    Classes,
    /// Numbers: probabilities of a classification, multiples of 1/64 so that a row's sum to 1
    /// exactly, or any numbers of a regression.
    Numbers,
}

/// `rows` random rows and targets that fit `plan` (at its own precision).
pub(crate) fn dataset(plan: &Plan, kind: Kind, rows: usize, number: usize) -> Result<Dataset> {
    let mut stream = stream(number);
    let features = normal_values(&mut stream, plan.precision, rows * plan.inputs, 1.0);
    let width = plan.outputs();
    let targets = match kind {
        Kind::Classes => {
            let classes = if plan.loss == Loss::BinaryCrossEntropy { 2 } else { width as u32 };
            Targets::Classes((0..rows).map(|_| stream.below(classes)).collect())
        }
        Kind::Numbers => {
            let mut numbers = Vec::with_capacity(rows * width);
            for _ in 0..rows {
                let start = numbers.len();
                numbers.resize(start + width, 0.0);
                match plan.loss {
                    Loss::CrossEntropy => {
                        for _ in 0..64 {
                            numbers[start + stream.below(width as u32) as usize] += 1.0 / 64.0;
                        }
                    }
                    Loss::BinaryCrossEntropy => numbers[start..].fill_with(|| stream.uniform()),
                    Loss::MeanSquaredError => numbers[start..].fill_with(|| stream.normal()),
                }
            }
            Targets::Values { width, values: Values::rounded(plan.precision, &numbers) }
        }
    };
    Dataset::new(plan.inputs, features, targets)
}

/// The kind of targets that fits the plan's loss whatever its outputs.
pub(crate) fn natural_kind(plan: &Plan) -> Kind {
    if plan.loss == Loss::CrossEntropy { Kind::Classes } else { Kind::Numbers }
}

/// Random parameters: weights of deviation 1/√inputs, so that no layer saturates the next, and
/// biases of deviation ½.
pub(crate) fn parameters(plan: &Plan, number: usize) -> Result<Values> {
    let mut stream = stream(number);
    let mut numbers = Vec::new();
    for layer in plan.dense_layers()? {
        let scale = 1.0 / (layer.inputs as f64).sqrt();
        numbers.extend(layer.weight.map(|_| scale * stream.normal()));
        numbers.extend(layer.bias.map(|_| 0.5 * stream.normal()));
    }
    Ok(Values::rounded(plan.precision, &numbers))
}

/// A network of `plan` with random parameters.
pub(crate) fn network(
    subject: &Subject<'_>,
    plan: &Plan,
    number: usize,
) -> Result<Box<dyn Network>> {
    let mut network = subject.network(plan)?;
    let drawn = parameters(network.plan(), number)?;
    network.set_parameters(&drawn)?;
    Ok(network)
}

/// A batch of NaN. Running it first leaves NaN in whatever a network keeps from call to call: a
/// number that a later call should write and does not comes out as NaN.
pub(crate) struct Poison {
    data: Dataset,
    coefficients: Values,
}

impl Poison {
    /// Poison for batches of this many rows.
    pub(crate) fn new(plan: &Plan, rows: usize) -> Result<Self> {
        let clean = dataset(plan, natural_kind(plan), rows, 0)?;
        let nan = |len| Values::rounded(plan.precision, &vec![f64::NAN; len]);
        let data = Dataset::new(plan.inputs, nan(rows * plan.inputs), clean.targets().clone())?;
        Ok(Poison { data, coefficients: nan(rows * plan.outputs()) })
    }

    /// Poisons what predictions use.
    pub(crate) fn outputs(&self, network: &mut dyn Network) -> Result<()> {
        network.forward(&self.data.all()).map(drop)
    }

    /// Poisons everything.
    pub(crate) fn all(&self, network: &mut dyn Network) -> Result<()> {
        network.loss_and_gradient(&self.data.all())?;
        network.input_gradient(&self.data.all(), &self.coefficients)?;
        self.outputs(network)
    }
}

/// All a network remembers.
pub(crate) struct Snapshot {
    pub(crate) parameters: Values,
    /// Nothing after a step that kept none.
    pub(crate) gradient: Option<Values>,
    pub(crate) state: OptimizerState,
}

impl Snapshot {
    pub(crate) fn of(network: &dyn Network) -> Result<Self> {
        Ok(Snapshot {
            parameters: network.parameters()?,
            gradient: match network.gradient() {
                Err(Error::NoGradient) => None,
                gradient => Some(gradient?),
            },
            state: network.optimizer_state()?,
        })
    }
}
