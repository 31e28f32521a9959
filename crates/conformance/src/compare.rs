//! One network and one batch of a user's own, against the oracle.

use crate::Report;
use crate::checks::backend::hold_update;
use crate::oracle::Oracle;
use consonance_core::{Batch, Network, Optimizer, Result};

/// The worst error of the batch's gradient, over all parameters, as a fraction of the bound at
/// the network's present parameters: at most 1 for a backend that conforms, infinite where the
/// gradient is no number. The network keeps the gradient, as after any
/// [`Network::loss_and_gradient`].
///
/// # Errors
/// A batch that does not fit; a failing device.
pub fn gradient_error_over_bound(network: &mut dyn Network, batch: &Batch<'_>) -> Result<f64> {
    let expected = Oracle::new(network.plan(), &network.parameters()?)?.loss_and_gradient(batch)?;
    network.loss_and_gradient(batch)?;
    let gradient = network.gradient()?;
    let fractions = gradient.iter().zip(&expected.gradient).map(|(g, e)| e.fraction(g));
    Ok(fractions.fold(0.0, f64::max))
}

/// The worst error of one optimiser update, over all parameters and moments, as a fraction of the
/// bound: at most 1 for a backend that conforms, infinite where a number is missing or the step
/// was not counted. The update is made from the gradient and state the network holds.
///
/// # Errors
/// Those of [`Network::update`]; a failing device.
pub fn update_error_over_bound(network: &mut dyn Network, optimizer: &Optimizer) -> Result<f64> {
    let mut report = Report::new("update");
    let step = network.optimizer_state()?.steps + 1;
    hold_update(network, optimizer, step, &mut report)?;
    Ok(if report.passed() || report.worst() > 1.0 { report.worst() } else { f64::INFINITY })
}
