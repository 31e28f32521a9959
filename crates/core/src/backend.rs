//! The two traits a backend implements.

use crate::{Batch, Optimizer, OptimizerState, Plan, Result, TrainingMemory, Values};
use serde::Serialize;

/// Something that can run networks: a library on a device.
pub trait Backend: Send + Sync {
    /// What this backend is, as found at run time.
    fn info(&self) -> BackendInfo;

    /// A network of `plan` with all parameters 0, using at most `threads` threads (at least 1).
    /// A backend whose library shares out its own work may use it as it sees fit.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] if the plan is not a network, [`crate::Error::Backend`] if the
    /// device or library is not there, [`crate::Error::Unsupported`] if it cannot run this plan.
    fn network(&self, plan: &Plan, threads: usize) -> Result<Box<dyn Network>>;

    /// What such a network holds while it is trained by `optimizer` on mini-batches of `rows` rows,
    /// and evaluated in between; `None` if this backend cannot tell.
    ///
    /// # Errors
    /// [`crate::Error::Plan`] if the plan is not a network.
    fn training_memory(
        &self,
        plan: &Plan,
        threads: usize,
        optimizer: &Optimizer,
        rows: usize,
    ) -> Result<Option<TrainingMemory>> {
        let _ = (plan, threads, optimizer, rows);
        Ok(None)
    }
}

/// What a [`Backend`] is: for people to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackendInfo {
    /// The name it is chosen by.
    pub name: String,
    /// The version of the crate that implements it.
    pub version: String,
    /// The library that computes, with its version.
    pub library: String,
    /// What it runs on: `"cpu"`, `"cuda:0"`.
    pub device: String,
    /// The vector instructions found at run time.
    pub simd: String,
    /// How its work is shared out over threads.
    pub threading: String,
    /// Whatever else its library says of itself, as (name, value).
    pub details: Vec<(String, String)>,
}

impl BackendInfo {
    /// What a user should change to get this backend's best speed: the detail called `advice`, which
    /// is shown where backends are timed, too.
    pub fn advice(&self) -> Option<&str> {
        self.details.iter().find(|(name, _)| name == "advice").map(|(_, text)| text.as_str())
    }
}

/// A network on its backend's device: parameters, gradient, optimiser state, workspace.
///
/// Matrices cross this boundary row-major. Parameters and gradients cross it as one flat vector
/// laid out as [`Plan::parameters`] says. Everything is of the plan's precision. Calls with a
/// batch fail with [`crate::Error::Data`] where the batch does not fit the plan; nothing is
/// changed then. Of the same bits in, every call gives the same bits out, whatever the number of
/// threads, and whether rows are named as a range or as a list. Only the calls that say so change
/// the gradient that is kept, the parameters or the optimiser's state.
pub trait Network: Send {
    /// The plan it was built from.
    fn plan(&self) -> &Plan;

    /// The outputs [rows, outputs] for each row of the batch: those of the last layer, so
    /// logits where the loss takes logits.
    ///
    /// # Errors
    /// A batch that does not fit; a failing device.
    fn forward(&mut self, batch: &Batch<'_>) -> Result<Values>;

    /// The batch's loss, reduced as the plan says; keeps its gradient with respect to the
    /// parameters for [`Network::gradient`] and [`Network::update`].
    ///
    /// # Errors
    /// A batch that does not fit, also in its targets; a failing device.
    fn loss_and_gradient(&mut self, batch: &Batch<'_>) -> Result<f64>;

    /// One optimiser update from the gradient kept last. The first update allocates the
    /// optimiser's moments, as zeros, unless they were set.
    ///
    /// # Errors
    /// [`crate::Error::NoGradient`] after a step that kept none.
    /// [`crate::Error::Optimizer`] for settings out of range, or if the optimiser keeps another
    /// number of moments than the network holds from earlier updates.
    fn update(&mut self, optimizer: &Optimizer) -> Result<()>;

    /// [`Network::loss_and_gradient`], then [`Network::update`]: one training step. If the loss
    /// is not finite, it is returned and parameters and optimiser state stay as they were.
    ///
    /// A step may use up its gradient piece by piece instead of keeping it, unless the loss is not
    /// finite. Backends on the host engine take subnormal numbers (below 10⁻³⁸ in `f32`) for zeros in
    /// losses, gradients and updates on x86-64, where they cost many times as much as others; what
    /// [`Network::forward`] and the other answers compute is not touched.
    ///
    /// # Errors
    /// As the two.
    fn step(&mut self, batch: &Batch<'_>, optimizer: &Optimizer) -> Result<f64> {
        let loss = self.loss_and_gradient(batch)?;
        if loss.is_finite() {
            self.update(optimizer)?;
        }
        Ok(loss)
    }

    /// The gradient [rows, inputs], with respect to the inputs, of the linear combination
    /// Σ coefficients[row, output] · outputs[row, output].
    ///
    /// # Errors
    /// A batch that does not fit; coefficients that are not [rows, outputs].
    fn input_gradient(&mut self, batch: &Batch<'_>, coefficients: &Values) -> Result<Values>;

    /// The output [rows, width] of layer `layer` of [`Plan::layers`] for each row: for a dense
    /// layer its sums before any activation, for an activation layer its values.
    ///
    /// # Errors
    /// A batch that does not fit; a layer that does not exist.
    fn activations(&mut self, batch: &Batch<'_>, layer: usize) -> Result<Values>;

    /// The parameters.
    ///
    /// # Errors
    /// A failing device.
    fn parameters(&self) -> Result<Values>;

    /// Replaces the parameters; gradient and optimiser state stay as they are.
    ///
    /// # Errors
    /// [`crate::Error::Mismatch`] for another length or precision.
    fn set_parameters(&mut self, parameters: &Values) -> Result<()>;

    /// The gradient kept last; zeros before the first.
    ///
    /// # Errors
    /// [`crate::Error::NoGradient`] after a step that kept none; a failing device.
    fn gradient(&self) -> Result<Values>;

    /// Replaces the gradient that is kept for [`Network::update`], after a step that kept none as well:
    /// by one that was clipped, or summed with those of other machines. Parameters and optimiser
    /// state stay as they are.
    ///
    /// # Errors
    /// [`crate::Error::Mismatch`] for another length or precision.
    fn set_gradient(&mut self, gradient: &Values) -> Result<()>;

    /// The optimiser's state.
    ///
    /// # Errors
    /// A failing device.
    fn optimizer_state(&self) -> Result<OptimizerState>;

    /// Replaces the optimiser's state; [`OptimizerState::default`] begins anew.
    ///
    /// # Errors
    /// [`crate::Error::Mismatch`] for moments of another length or precision.
    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()>;
}
