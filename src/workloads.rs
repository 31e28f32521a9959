//! The eight trainings that speed is measured on: from one that fits a core's registers to one
//! that leaves its caches.

use consonance_core::rng::{Purpose, Stream};
use consonance_core::{
    Activation, Dataset, Error, Loss, Optimizer, Plan, Precision, Result, Targets, Values,
    try_filled,
};

/// A network, its optimiser and the size of its mini-batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// What it is called.
    pub name: String,
    /// The network.
    pub plan: Plan,
    /// Rows of a mini-batch.
    pub batch_size: usize,
    /// The optimiser.
    pub optimizer: Optimizer,
}

impl Workload {
    /// All eight, the smallest networks first.
    pub fn all() -> Vec<Workload> {
        use Activation::{Relu, Tanh};
        use Loss::{CrossEntropy, MeanSquaredError};
        let (sgd, adam) = (Optimizer::sgd(0.01), Optimizer::adam(0.001));
        let workload = |name: &str, widths: &[usize], activation, loss, batch_size, optimizer| {
            let (inputs, hidden, outputs) =
                (widths[0], &widths[1..widths.len() - 1], widths[widths.len() - 1]);
            let plan = Plan::mlp(inputs, hidden, outputs, activation, loss);
            Workload { name: name.to_string(), plan, batch_size, optimizer }
        };
        let deep = [[256].repeat(9), vec![10]].concat();
        vec![
            workload("seed", &[64, 32, 10], Tanh, CrossEntropy, 1797, sgd),
            workload("tiny", &[64, 32, 10], Tanh, CrossEntropy, 32, sgd),
            workload("tab", &[32, 64, 64, 1], Relu, MeanSquaredError, 256, adam),
            workload("digits", &[64, 128, 64, 10], Relu, CrossEntropy, 64, adam),
            workload("keras", &[784, 128, 10], Relu, CrossEntropy, 64, adam),
            workload("deep", &deep, Tanh, CrossEntropy, 128, adam),
            workload("mnist", &[784, 512, 512, 10], Relu, CrossEntropy, 128, adam),
            workload("wide", &[784, 2048, 2048, 10], Relu, CrossEntropy, 256, adam),
        ]
    }

    /// The workload of that name.
    ///
    /// # Errors
    /// [`Error::Plan`], listing the names there are.
    pub fn named(name: &str) -> Result<Workload> {
        let all = Workload::all();
        let names: Vec<String> = all.iter().map(|workload| workload.name.clone()).collect();
        all.into_iter().find(|workload| workload.name == name).ok_or_else(|| {
            Error::Plan(format!("no workload '{name}'; there are: {}", names.join(", ")))
        })
    }

    /// Floating-point operations of a step: 2·B·(3·ΣW − W₁), the products of forward, input
    /// gradient and weight gradient, without an input gradient for the first layer. Pointwise
    /// work and updates are not counted.
    ///
    /// # Errors
    /// If the plan is not a network.
    pub fn flops(&self) -> Result<f64> {
        let weights: Vec<usize> =
            self.plan.dense_layers()?.iter().map(|layer| layer.weight.len()).collect();
        let all: usize = weights.iter().sum();
        Ok(2.0 * self.batch_size as f64 * (3 * all - weights[0]) as f64)
    }

    /// Random rows of the right shape: standard-normal features, any classes or values.
    ///
    /// # Errors
    /// If the plan is not a network, or there is no memory for so many rows.
    pub fn data(&self, rows: usize) -> Result<Dataset> {
        let plan = &self.plan;
        let mut stream = Stream::new(0, Purpose::Synthetic, 0, 0);
        let mut normals = |width: usize| -> Result<Values> {
            let count = rows.saturating_mul(width);
            let mut draws = try_filled("random rows", count, 0.0)?;
            draws.iter_mut().for_each(|draw| *draw = stream.normal());
            Ok(Values::rounded(plan.precision, &draws))
        };
        let outputs = plan.outputs();
        let features = normals(plan.inputs)?;
        let targets = match plan.loss {
            Loss::MeanSquaredError => Targets::Values { width: outputs, values: normals(outputs)? },
            loss => {
                let classes = if loss == Loss::BinaryCrossEntropy { 2 } else { outputs };
                Targets::Classes((0..rows).map(|_| stream.below(classes as u32)).collect())
            }
        };
        Dataset::new(plan.inputs, features, targets)
    }

    /// The same workload in `precision`.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.plan.precision = precision;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flops_are_those_of_the_products() {
        let tiny = Workload::named("tiny").unwrap();
        assert_eq!(tiny.flops().unwrap(), 2.0 * 32.0 * (3 * (64 * 32 + 32 * 10) - 64 * 32) as f64);
        assert!(Workload::named("huge").unwrap_err().to_string().contains("wide"));
    }
}
