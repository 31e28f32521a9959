//! Arguments that name a network with its optimiser and mini-batches.

use super::arguments::{Layers, named, positive};
use consonance::workloads::Workload;
use consonance::{Activation, Loss, Optimizer, Plan};
use std::error::Error;

/// One of the eight workloads, or any network.
#[derive(clap::Args)]
pub(crate) struct WorkloadArguments {
    /// seed, tiny, tab, digits, keras, deep, mnist or wide
    #[arg(long, value_name = "NAME", conflicts_with = "layers")]
    workload: Option<String>,
    /// Widths of any network instead, inputs and outputs included
    #[arg(long, value_name = "WIDTHS")]
    layers: Option<Layers>,
    /// Rows of its mini-batches
    #[arg(long, value_name = "ROWS", default_value = "64", value_parser = positive, requires = "layers", conflicts_with = "workload")]
    batch_size: usize,
    /// Its activation
    #[arg(long, value_name = "NAME", default_value = "relu", value_parser = named::<Activation>, requires = "layers", conflicts_with = "workload")]
    activation: Activation,
    /// Its optimiser: sgd, adam or adamw
    #[arg(long, value_name = "NAME", default_value = "adam", value_parser = ["sgd", "adam", "adamw"], requires = "layers", conflicts_with = "workload")]
    optimizer: String,
    /// Its loss: cross_entropy, binary_cross_entropy or mse
    #[arg(long, value_name = "NAME", default_value = "cross_entropy", value_parser = named::<Loss>, requires = "layers", conflicts_with = "workload")]
    loss: Loss,
}

impl WorkloadArguments {
    /// What is named, if anything is.
    pub(crate) fn workload(&self) -> Result<Option<Workload>, Box<dyn Error>> {
        if let Some(name) = &self.workload {
            return Ok(Some(Workload::named(name).map_err(|e| format!("--workload: {e}"))?));
        }
        let Some(Layers(widths)) = &self.layers else { return Ok(None) };
        let [inputs, hidden @ .., outputs] = &widths[..] else {
            return Err("--layers: expected the inputs, any hidden widths, and the outputs".into());
        };
        let optimizer = match self.optimizer.as_str() {
            "adam" => Optimizer::adam(0.001),
            "adamw" => Optimizer::adamw(0.001),
            _ => Optimizer::sgd(0.01),
        };
        let plan = Plan::mlp(*inputs, hidden, *outputs, self.activation, self.loss);
        plan.check().map_err(|e| format!("--layers: {e}"))?;
        let name = widths.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        Ok(Some(Workload { name, plan, batch_size: self.batch_size, optimizer }))
    }
}
