//! What is checked: a backend, and what it says it can do.

use consonance_core::{Activation, Backend, Loss, Network, Plan, Precision, Result};

/// What a backend supports. The default is everything; a backend that supports less must answer
/// [`consonance_core::Error::Unsupported`] for the rest, which is checked too.
#[derive(Debug, Clone, PartialEq)]
pub struct Capabilities {
    /// The precisions it computes in.
    pub precisions: Vec<Precision>,
    /// The activations it knows.
    pub activations: Vec<Activation>,
    /// The losses it knows.
    pub losses: Vec<Loss>,
    /// The numbers of threads it is asked for; the first is what most checks use.
    pub threads: Vec<usize>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Capabilities {
            precisions: vec![Precision::F32, Precision::F64],
            activations: Activation::ALL.to_vec(),
            losses: Loss::ALL.to_vec(),
            threads: vec![1, 2, 3, 8],
        }
    }
}

/// A backend at one precision: what every check takes.
pub struct Subject<'a> {
    /// The backend.
    pub backend: &'a dyn Backend,
    /// The element type of the networks that are made.
    pub precision: Precision,
    /// What the backend supports.
    pub capabilities: Capabilities,
}

impl<'a> Subject<'a> {
    /// A backend that supports everything.
    pub fn new(backend: &'a dyn Backend, precision: Precision) -> Self {
        Subject { backend, precision, capabilities: Capabilities::default() }
    }

    /// The activations, those with a setting at other settings too: a slope above 1 tells a
    /// condition from a maximum.
    pub(crate) fn activations(&self) -> Vec<Activation> {
        let others = |f: &Activation| match f {
            Activation::LeakyRelu { .. } => {
                vec![*f, Activation::LeakyRelu { slope: 0.3 }, Activation::LeakyRelu { slope: 1.5 }]
            }
            Activation::Elu { .. } => {
                vec![*f, Activation::Elu { alpha: 0.3 }, Activation::Elu { alpha: 1.7 }]
            }
            _ => vec![*f],
        };
        self.capabilities.activations.iter().flat_map(others).collect()
    }

    /// A plan as [`Plan::mlp`] makes it, with the first supported activation or loss in place of
    /// one that is not.
    pub(crate) fn mlp(
        &self,
        inputs: usize,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        loss: Loss,
    ) -> Plan {
        let Capabilities { activations, losses, .. } = &self.capabilities;
        let known = |f: &&Activation| f.name() == activation.name();
        let replaced = || activations.first().copied().unwrap_or(Activation::Identity);
        let activation = activations.iter().find(known).map_or_else(replaced, |_| activation);
        let first = || losses.first().copied().unwrap_or(loss);
        let loss = losses.iter().find(|known| **known == loss).copied().unwrap_or_else(first);
        Plan::mlp(inputs, hidden, outputs, activation, loss)
    }

    /// A network of `plan` at this precision.
    pub(crate) fn network(&self, plan: &Plan) -> Result<Box<dyn Network>> {
        self.network_with(plan, self.capabilities.threads.first().copied().unwrap_or(1))
    }

    /// The same, with this many threads.
    pub(crate) fn network_with(&self, plan: &Plan, threads: usize) -> Result<Box<dyn Network>> {
        self.backend.network(&plan.clone().precision(self.precision), threads)
    }
}
