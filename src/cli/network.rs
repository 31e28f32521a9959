//! The network that a training builds.

use super::arguments::{Layers, named, precision};
use consonance::data::TargetEncoding;
use consonance::{Activation, Init, Loss, Plan, Precision, Reduction};
use std::error::Error;

/// The network to build.
#[derive(clap::Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArguments {
    /// Widths of the hidden layers, or none
    #[arg(long, value_name = "WIDTHS", default_value = "512")]
    pub(crate) layers: Layers,
    /// identity, relu, leaky_relu, sigmoid, tanh, gelu, silu, softplus or elu
    #[arg(long, value_name = "NAME", default_value = "relu", value_parser = named::<Activation>)]
    pub(crate) activation: Activation,
    /// cross_entropy, binary_cross_entropy or mse [default: what suits the task]
    #[arg(long, value_name = "NAME", value_parser = named::<Loss>)]
    pub(crate) loss: Option<Loss>,
    /// How the losses of a batch become one number: mean or sum
    #[arg(long, value_name = "NAME", default_value = "mean", value_parser = reduction)]
    pub(crate) reduction: Reduction,
    /// Distribution of the initial weights: glorot_, he_ or lecun_, uniform or normal; or
    /// standard_normal
    #[arg(long, value_name = "NAME", default_value = "glorot_uniform", value_parser = named::<Init>)]
    pub(crate) initializer: Init,
    /// Type of every number in the network: f32 or f64
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = precision)]
    pub(crate) precision: Precision,
}

fn reduction(text: &str) -> std::result::Result<Reduction, String> {
    match text {
        "mean" => Ok(Reduction::Mean),
        "sum" => Ok(Reduction::Sum),
        _ => Err("expected mean or sum".to_string()),
    }
}

impl NetworkArguments {
    /// The network for rows of `inputs` and this target.
    pub(crate) fn plan(
        &self,
        inputs: usize,
        target: &TargetEncoding,
    ) -> Result<Plan, Box<dyn Error>> {
        let (suitable, outputs) = match target {
            TargetEncoding::Classes(classes) => (Loss::CrossEntropy, classes.len()),
            TargetEncoding::Labels(labels) => (Loss::BinaryCrossEntropy, labels.len()),
            TargetEncoding::Values { standardizer } => {
                (Loss::MeanSquaredError, standardizer.as_ref().map_or(1, |scale| scale.width()))
            }
        };
        let loss = self.loss.unwrap_or(suitable);
        let outputs = match (loss, target) {
            (Loss::BinaryCrossEntropy, TargetEncoding::Classes(classes)) if classes.len() == 2 => 1,
            (Loss::BinaryCrossEntropy, TargetEncoding::Classes(classes)) => {
                let count = classes.len();
                return Err(format!(
                    "--loss binary_cross_entropy tells 2 classes apart, there are {count}: use \
                     cross_entropy"
                )
                .into());
            }
            (loss, _) if loss == suitable => outputs,
            (loss, TargetEncoding::Classes(_)) => {
                return Err(format!(
                    "--loss {loss} is for numbers, the target is a class: use cross_entropy, or \
                     --task regression"
                )
                .into());
            }
            (loss, TargetEncoding::Labels(_)) => {
                return Err(format!(
                    "--loss {loss} does not fit labels of which each holds or not: use \
                     binary_cross_entropy, or --task regression"
                )
                .into());
            }
            (loss, TargetEncoding::Values { .. }) => {
                return Err(format!(
                    "--loss {loss} is for classes, the target is a number: use mse, or --task \
                     classification"
                )
                .into());
            }
        };
        let plan = Plan::mlp(inputs, &self.layers.0, outputs, self.activation, loss);
        let plan = plan.reduction(self.reduction).precision(self.precision);
        plan.check().map_err(|e| format!("--layers: {e}"))?;
        Ok(plan)
    }
}
