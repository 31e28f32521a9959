//! What the contract asks of a network: [`Network`].

use super::HostNetwork;
use crate::flush::Flush;
use crate::kernels::Kernels;
use crate::math::Math;
use crate::packed::Which;
use crate::schedule;
use consonance_core::{
    Activation, Arena, Batch, Error, Network, Optimizer, OptimizerState, Plan, Result, Values,
};
use std::sync::Arc;
use std::time::Instant;

impl<T: Math, K: Kernels<T>> Network for HostNetwork<T, K> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Values> {
        let layers = Arc::clone(&self.layers);
        let width = self.plan.outputs();
        self.collect(&layers, batch, false, width, |pass, shard, _, out| {
            // SAFETY: `collect` gives each task rows of its own
            unsafe { pass.copy_outputs(shard, out) };
        })
    }

    fn loss_and_gradient(&mut self, batch: &Batch<'_>) -> Result<f64> {
        self.reserve_gradient()?;
        let loss = self.first_half(batch)?;
        self.second_half(batch, None);
        Ok(loss)
    }

    fn update(&mut self, optimizer: &Optimizer) -> Result<()> {
        self.check(optimizer)?;
        if !self.has_gradient {
            return Err(Error::NoGradient);
        }
        self.reserve_gradient()?;
        let rule = self.begin_update(optimizer);
        let mut moments = self.moments.iter_mut().map(|arena| &mut arena[..]);
        let (m, v) = (moments.next().unwrap_or_default(), moments.next().unwrap_or_default());
        let _flush = Flush::begin();
        T::update(&rule, &mut self.parameters, &self.gradient, m, v);
        self.pack(Which::All);
        Ok(())
    }

    fn step(&mut self, batch: &Batch<'_>, optimizer: &Optimizer) -> Result<f64> {
        self.check(optimizer)?;
        // one thread has nothing to try
        let begun = (self.crew.threads() > 1).then(Instant::now);
        let loss = self.first_half(batch)?;
        let rule = loss.is_finite().then(|| self.begin_update(optimizer));
        if rule.is_none() {
            self.reserve_gradient()?;
        }
        self.second_half(batch, rule.as_ref());
        if let Some(begun) = begun {
            self.trial.note(self.work(batch.len()), begun.elapsed());
        }
        Ok(loss)
    }

    fn input_gradient(&mut self, batch: &Batch<'_>, coefficients: &Values) -> Result<Values> {
        self.plan.check_inputs(batch)?;
        let outputs = self.plan.outputs();
        let coefficients = coefficients.expect::<T>("coefficients", batch.len() * outputs)?;
        let (plan, layers) = (&*Arc::clone(&self.plan), Arc::clone(&self.layers));
        let width = self.plan.inputs;
        self.collect(&layers, batch, true, width, |pass, shard, of_batch, out| {
            let given = &coefficients[of_batch.start * outputs..of_batch.end * outputs];
            // SAFETY: `collect` gives each task rows of its own
            unsafe {
                pass.output_gradient(given, shard);
                for operation in schedule::backward(layers.len()) {
                    pass.run(operation, plan, shard);
                }
                pass.input_gradient(shard, out);
            }
        })
    }

    fn activations(&mut self, batch: &Batch<'_>, layer: usize) -> Result<Values> {
        let found = self.layers.iter().position(|l| l.layer <= layer && layer <= l.last);
        let Some(dense) = found else {
            let last = self.plan.layers.len() - 1;
            return Err(Error::mismatch("layer", format_args!("0 to {last}"), layer));
        };
        let mut layers = self.layers[..=dense].to_vec();
        let width = layers[dense].outputs;
        if layer == layers[dense].layer {
            layers[dense].activation = Activation::Identity;
        }
        self.collect(&layers, batch, false, width, |pass, shard, _, out| {
            // SAFETY: `collect` gives each task rows of its own
            unsafe { pass.copy_outputs(shard, out) };
        })
    }

    fn parameters(&self) -> Result<Values> {
        Ok(T::values(self.parameters.to_vec()))
    }

    fn set_parameters(&mut self, parameters: &Values) -> Result<()> {
        let given = parameters.expect::<T>("parameters", self.parameters.len())?;
        self.parameters.copy_from_slice(given);
        self.pack(Which::All);
        Ok(())
    }

    fn gradient(&self) -> Result<Values> {
        match (self.has_gradient, self.gradient.is_empty()) {
            (false, _) => Err(Error::NoGradient),
            (true, true) => Ok(T::values(vec![T::zero(); self.parameters.len()])),
            (true, false) => Ok(T::values(self.gradient.to_vec())),
        }
    }

    fn set_gradient(&mut self, gradient: &Values) -> Result<()> {
        let given = gradient.expect::<T>("gradient", self.parameters.len())?;
        self.reserve_gradient()?;
        self.gradient.copy_from_slice(given);
        self.has_gradient = true;
        Ok(())
    }

    fn optimizer_state(&self) -> Result<OptimizerState> {
        let moments = self.moments.iter().map(|arena| T::values(arena.to_vec())).collect();
        Ok(OptimizerState { steps: self.steps, moments })
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()> {
        let count = self.parameters.len();
        let given: Vec<&[T]> =
            state.moments.iter().map(|m| m.expect("moments", count)).collect::<Result<_>>()?;
        self.moments = given
            .into_iter()
            .map(|given| {
                let mut arena = Arena::zeros(count);
                arena.copy_from_slice(given);
                arena
            })
            .collect();
        self.steps = state.steps;
        Ok(())
    }
}
