//! The step in which every backend must agree before its steps are timed.

use super::{assert_agreement, count, worst_error};
use consonance::{Backend, Batch, Init, Network, Optimizer, OptimizerState, Plan, Result, Values};
use consonance_conformance::oracle::{Answer, Oracle};

/// A first step, and what the conformance kit's oracle expects of it.
pub(crate) struct FirstStep<'a> {
    plan: &'a Plan,
    batch: Batch<'a>,
    optimizer: Optimizer,
    parameters: Values,
    expected: Answer,
}

impl<'a> FirstStep<'a> {
    /// Asks the oracle.
    pub(crate) fn new(plan: &'a Plan, batch: Batch<'a>, optimizer: Optimizer) -> Self {
        let parameters = Init::GlorotUniform.draw(plan, 0).expect("a network");
        let oracle = Oracle::new(plan, &parameters).expect("its own parameters");
        let expected = oracle.loss_and_gradient(&batch).expect("a batch that fits");
        FirstStep { plan, batch, optimizer, parameters, expected }
    }

    /// A network of `backend` that has taken the step, and begins anew.
    ///
    /// # Panics
    /// If its loss or its gradient was beyond the kit's bound, or the backend fails.
    pub(crate) fn network(&self, backend: &dyn Backend, threads: usize) -> Box<dyn Network> {
        let name = format!("{} on {}", backend.info().name, count(threads));
        let take = || -> Result<_> {
            let mut network = backend.network(self.plan, threads)?;
            network.set_parameters(&self.parameters)?;
            let loss = network.loss_and_gradient(&self.batch)?;
            let gradient = network.gradient()?;
            network.update(&self.optimizer)?;
            network.set_parameters(&self.parameters)?;
            network.set_optimizer_state(&OptimizerState::default())?;
            Ok((network, loss, gradient))
        };
        let (network, loss, gradient) = take().unwrap_or_else(|e| panic!("{name}: {e}"));
        let Answer { loss: expected_loss, gradient: expected_gradient } = &self.expected;
        assert_agreement(&format!("the loss of {name}"), expected_loss.fraction(loss));
        let error = worst_error(expected_gradient.iter().copied(), gradient.iter());
        assert_agreement(&format!("the gradient of {name}"), error);
        network
    }
}
