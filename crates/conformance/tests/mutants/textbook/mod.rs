//! A whole backend as plain loops over vectors of its own, right or with one planted fault.
//!
//! It uses the reference formulas of `consonance-core`, which the oracle does not.

mod backward;
mod forward;
mod update;

use crate::faults::Fault;
use consonance_core::{
    Activation, Backend, BackendInfo, Batch, DenseLayer, Element, Error, Layer, Loss, Network,
    Optimizer, OptimizerState, Plan, Precision, Result, Values,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The backend.
pub(crate) struct Textbook {
    pub(crate) fault: Fault,
    networks: Arc<AtomicUsize>,
}

impl Textbook {
    pub(crate) fn new(fault: Fault) -> Self {
        Textbook { fault, networks: Arc::default() }
    }
}

impl Backend for Textbook {
    fn info(&self) -> BackendInfo {
        let text = || "textbook".to_string();
        BackendInfo {
            name: text(),
            version: text(),
            library: text(),
            device: text(),
            simd: text(),
            threading: text(),
            details: Vec::new(),
        }
    }

    fn network(&self, plan: &Plan, threads: usize) -> Result<Box<dyn Network>> {
        if self.fault == Fault::Limited {
            plan.check()?;
            let known = |layer: &Layer| {
                !matches!(layer, Layer::Activation(Activation::Gelu | Activation::Tanh))
            };
            let supported = plan.layers.iter().all(known)
                && plan.precision == Precision::F32
                && plan.loss == Loss::CrossEntropy;
            if !supported {
                let what = "this plan".to_string();
                return Err(Error::Unsupported { backend: "textbook".into(), what });
            }
        }
        let plan = &match self.fault {
            // a slope below 0 is taken for 0
            Fault::AcceptsBadPlan => {
                let mut plan = plan.clone();
                for layer in &mut plan.layers {
                    if let Layer::Activation(Activation::LeakyRelu { slope }) = layer {
                        *slope = slope.max(0.0);
                    }
                }
                plan
            }
            _ => plan.clone(),
        };
        let count = self.networks.fetch_add(1, Ordering::Relaxed);
        Ok(match plan.precision {
            Precision::F32 => Box::new(Loops::<f32>::new(self.fault, plan, threads, count)?),
            Precision::F64 => Box::new(Loops::<f64>::new(self.fault, plan, threads, count)?),
        })
    }
}

/// A network.
struct Loops<T> {
    fault: Fault,
    plan: Plan,
    layers: Vec<DenseLayer>,
    threads: usize,
    /// How many networks were made before this one.
    number: usize,
    parameters: Vec<T>,
    gradient: Vec<T>,
    steps: u64,
    moments: Vec<Vec<T>>,
    first_rate: Option<f64>,
    /// Features kept from the first data set of each size.
    cache: Vec<Vec<T>>,
    /// The sums and outputs of the last pass.
    last: Pass<T>,
}

/// The sums and outputs of each dense layer, and the input.
#[derive(Clone, Default)]
struct Pass<T> {
    input: Vec<T>,
    sums: Vec<Vec<T>>,
    outputs: Vec<Vec<T>>,
}

impl<T: Element> Loops<T> {
    /// True of the first of many layers, if that is where the fault is.
    fn is_first_of_many(&self, fault: Fault, layer: usize) -> bool {
        self.is(fault) && layer == 0 && self.layers.len() > 5
    }

    fn new(fault: Fault, plan: &Plan, threads: usize, number: usize) -> Result<Self> {
        let count = plan.parameter_count()?;
        let start = if fault == Fault::FreshNotZero { T::of(0.1) } else { T::zero() };
        Ok(Loops {
            fault,
            plan: plan.clone(),
            layers: plan.dense_layers()?,
            threads,
            number,
            parameters: vec![start; count],
            gradient: vec![T::zero(); count],
            steps: 0,
            moments: Vec::new(),
            first_rate: None,
            cache: Vec::new(),
            last: Pass::default(),
        })
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

impl<T: Element> Network for Loops<T> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn forward(&mut self, batch: &Batch<'_>) -> Result<Values> {
        let mut pass = self.forward_pass(batch)?;
        if self.is(Fault::OutputsLoseGradient) {
            self.gradient.fill(T::zero());
        }
        Ok(T::values(pass.outputs.pop().expect("a layer")))
    }

    fn loss_and_gradient(&mut self, batch: &Batch<'_>) -> Result<f64> {
        self.gradient_of(batch, false)
    }

    fn update(&mut self, optimizer: &Optimizer) -> Result<()> {
        self.prepare(optimizer)?;
        self.apply(optimizer);
        Ok(())
    }

    fn step(&mut self, batch: &Batch<'_>, optimizer: &Optimizer) -> Result<f64> {
        if self.is(Fault::AllocatesBeforeChecking) {
            self.prepare(optimizer)?;
        }
        let loss = self.gradient_of(batch, true)?;
        if loss.is_finite() || self.is(Fault::StepsOnNan) {
            self.update(optimizer)?;
        }
        Ok(loss)
    }

    fn input_gradient(&mut self, batch: &Batch<'_>, coefficients: &Values) -> Result<Values> {
        self.check_inputs(batch)?;
        let (rows, outputs) = (batch.len(), self.plan.outputs());
        let coefficients = if self.is(Fault::TakesAnyCoefficients) {
            let mut numbers = coefficients.to_f64();
            numbers.resize(rows * outputs, 0.0);
            numbers.into_iter().map(T::of).collect()
        } else {
            coefficients.expect::<T>("coefficients", rows * outputs)?.to_vec()
        };
        let mut pass = self.forward_pass(batch)?;
        if self.is(Fault::StaleInputGradient) && self.last.input.len() == pass.input.len() {
            pass = self.last.clone();
        }
        let gradient = self.backward(&pass, coefficients, |_, _, _| {});
        let inputs = self.plan.inputs;
        if self.is(Fault::TransposesInputGradient) {
            let all = (0..inputs).flat_map(|i| (0..rows).map(move |row| row * inputs + i));
            return Ok(T::values(all.map(|place| gradient[place]).collect()));
        }
        Ok(T::values(gradient))
    }

    fn activations(&mut self, batch: &Batch<'_>, layer: usize) -> Result<Values> {
        let mut pass = self.forward_pass(batch)?;
        let layer = match self.fault {
            Fault::TakesAnyLayer => layer.min(self.plan.layers.len() - 1),
            _ => layer,
        };
        let found = self.layers.iter().position(|l| l.layer <= layer && layer <= l.last);
        let dense = found.ok_or_else(|| Error::mismatch("layer", "an existing one", layer))?;
        let sums = layer == self.layers[dense].layer && !self.is(Fault::ActivatesSums);
        Ok(T::values(if sums { &mut pass.sums } else { &mut pass.outputs }.swap_remove(dense)))
    }

    fn parameters(&self) -> Result<Values> {
        Ok(T::values(self.parameters.clone()))
    }

    fn set_parameters(&mut self, parameters: &Values) -> Result<()> {
        if self.is(Fault::ConvertsParameters) && parameters.len() == self.parameters.len() {
            self.parameters = parameters.iter().map(T::of).collect();
            return Ok(());
        }
        let given = parameters.expect::<T>("parameters", self.parameters.len())?;
        self.parameters = given.to_vec();
        if self.is(Fault::LosesNegativeZero) {
            self.parameters.iter_mut().for_each(|p| *p += T::zero());
        }
        Ok(())
    }

    fn gradient(&self) -> Result<Values> {
        Ok(T::values(self.gradient.clone()))
    }

    fn set_gradient(&mut self, gradient: &Values) -> Result<()> {
        if self.is(Fault::TakesAnyGradient) {
            let mut numbers = gradient.to_f64();
            numbers.resize(self.gradient.len(), 0.0);
            self.gradient = numbers.into_iter().map(T::of).collect();
            return Ok(());
        }
        let given = gradient.expect::<T>("gradient", self.gradient.len())?;
        if !self.is(Fault::KeepsOldGradient) {
            self.gradient = given.to_vec();
        }
        Ok(())
    }

    fn optimizer_state(&self) -> Result<OptimizerState> {
        let moments = self.moments.iter().map(|m| T::values(m.clone())).collect();
        Ok(OptimizerState { steps: self.steps, moments })
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<()> {
        let count = self.parameters.len();
        let given: Vec<Vec<T>> = state
            .moments
            .iter()
            .map(|m| m.expect::<T>("moments", count).map(<[T]>::to_vec))
            .collect::<Result<_>>()?;
        self.moments = given;
        self.steps = match self.fault {
            Fault::StateDropsSteps => 0,
            Fault::StateShortensSteps => u64::from(state.steps as u32),
            _ => state.steps,
        };
        if self.is(Fault::StateDropsMoments) {
            self.moments.iter_mut().for_each(|m| m.fill(T::zero()));
        }
        Ok(())
    }
}
