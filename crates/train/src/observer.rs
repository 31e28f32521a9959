//! What is told of a training while it runs.

use crate::Result;
use crate::metrics::Metrics;
use consonance_core::Network;
use serde::Serialize;
use std::ops::ControlFlow;
use std::time::Duration;

/// One epoch, as it ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochReport {
    /// Which epoch, from 1.
    pub epoch: usize,
    /// Steps taken since training began.
    pub steps: u64,
    /// Mean loss of the epoch's mini-batches, each before its update, weighted by rows. For a sum
    /// reduction, the sum over the epoch.
    pub loss: f64,
    /// What the held-out rows say, if there are any.
    pub test: Option<Metrics>,
    /// Time in training steps since training began, in seconds; evaluation is not counted.
    pub seconds: f64,
    /// Rows trained a second in this epoch.
    pub samples_per_second: f64,
}

/// Watches a training. Every method may be left out; `()` watches nothing.
pub trait Observer {
    /// A step ended: `rows` of the epoch's rows are done. `loss` is the mini-batch's, before its
    /// update; `time` is what the step took.
    fn step(&mut self, epoch: usize, rows: usize, loss: f64, time: Duration) {
        let _ = (epoch, rows, loss, time);
    }

    /// An epoch ended. Breaking ends the training here.
    ///
    /// # Errors
    /// An error ends the training and is returned from it.
    fn epoch(
        &mut self,
        report: &EpochReport,
        network: &mut dyn Network,
    ) -> Result<ControlFlow<()>> {
        let _ = (report, network);
        Ok(ControlFlow::Continue(()))
    }
}

impl Observer for () {}
