//! Checks of [`consonance_core::Backend`]. Each takes a [`Subject`] and answers a [`Report`].

mod activation;
mod batches;
mod determinism;
mod errors;
mod extremes;
mod network;
mod optimizer;
mod state;

pub use activation::{activation_derivatives, activation_values};
pub use batches::{batches, datasets};
pub use determinism::{runs, threads};
pub use errors::{refused_batches, refused_buffers, refused_optimizers, refused_plans};
pub use extremes::{extreme_logits, non_finite};
pub use network::{gradients, input_gradients, outputs};
pub(crate) use optimizer::hold_update;
pub use optimizer::{optimizers, steps};
pub use state::{resume, round_trips};

use crate::checks::material::Snapshot;
use crate::{Report, Subject};
use consonance_core::{Error, Loss, Optimizer, Plan};

/// Begins a check; answers `None`, with the report that is all there is to say, where the backend
/// does not claim to know this precision.
fn begin(check: &'static str, subject: &Subject<'_>) -> Result<Report, Report> {
    let mut report = Report::new(check);
    if subject.capabilities.precisions.contains(&subject.precision) {
        return Ok(report);
    }
    let plan = Plan::new(1, Loss::MeanSquaredError).dense(1);
    let unsupported = |error: &Error| matches!(error, Error::Unsupported { .. });
    report.refused(subject.precision, subject.network(&plan), unsupported);
    Err(report)
}

impl Report {
    /// Holds that two networks, or one at two moments, remember the same, as far as both remember.
    fn same_memory(&mut self, place: &str, one: &Snapshot, other: &Snapshot) {
        // a step may keep none
        if let (Some(one), Some(other)) = (&one.gradient, &other.gradient) {
            self.same_bits(format_args!("{place}, gradient"), one, other);
        }
        self.same_training(place, one, other);
    }

    /// The same but for the gradient.
    fn same_training(&mut self, place: &str, one: &Snapshot, other: &Snapshot) {
        self.same_bits(format_args!("{place}, parameters"), &one.parameters, &other.parameters);
        let (one, other) = (&one.state, &other.state);
        self.require(
            one.steps == other.steps && one.moments.len() == other.moments.len(),
            format_args!("{place}, optimiser state"),
            &format!(
                "{} steps and {} moments, were {} and {}",
                other.steps,
                other.moments.len(),
                one.steps,
                one.moments.len()
            ),
        );
        for (number, (one, other)) in one.moments.iter().zip(&other.moments).enumerate() {
            self.same_bits(format_args!("{place}, moment {number}"), one, other);
        }
    }
}

/// Every optimiser, with settings that make each of its terms matter.
fn every_optimizer() -> Vec<Optimizer> {
    let sgd = |momentum, nesterov, weight_decay| Optimizer::Sgd {
        learning_rate: 0.1,
        momentum,
        nesterov,
        weight_decay,
    };
    let (beta1, beta2) = (0.8, 0.95);
    let adam = |epsilon, weight_decay| Optimizer::Adam {
        learning_rate: 0.01,
        beta1,
        beta2,
        epsilon,
        weight_decay,
    };
    let adamw = |epsilon, weight_decay| Optimizer::AdamW {
        learning_rate: 0.01,
        beta1,
        beta2,
        epsilon,
        weight_decay,
    };
    vec![
        Optimizer::sgd(0.1),
        sgd(0.0, false, 0.1),
        sgd(0.9, false, 0.0),
        sgd(0.9, false, 0.1),
        sgd(0.9, true, 0.0),
        sgd(0.9, true, 0.1),
        Optimizer::adam(0.001),
        adam(1e-3, 0.0),
        adam(1e-3, 0.1),
        Optimizer::adamw(0.001),
        adamw(1e-3, 0.1),
    ]
}
