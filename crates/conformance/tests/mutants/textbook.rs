//! A whole backend as plain loops over vectors of its own, right or with one planted fault.
//!
//! It uses the reference formulas of `consonance-core`, which the oracle does not.

use super::faults::Fault;
use consonance_core::{
    Activation, Backend, BackendInfo, Batch, DenseLayer, Element, Error, Layer, Loss, Network,
    Optimizer, OptimizerState, Plan, Precision, Result, Rows, Targets, Values,
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

    /// The rows the batch names.
    fn rows(&self, batch: &Batch<'_>) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..batch.len()).map(|i| batch.rows.at(i)).collect();
        match (self.fault, &batch.rows) {
            (Fault::SortsLists, Rows::List(_)) => rows.sort_unstable(),
            (Fault::IgnoresRangeStart, Rows::Range(range)) => {
                rows.iter_mut().for_each(|row| *row -= range.start);
            }
            (Fault::DropsPartialBlock, _) if rows.len() > 64 => {
                let kept = rows.len() / 64 * 64;
                let last = rows[kept - 1];
                rows[kept..].fill(last);
            }
            _ => {}
        }
        rows
    }

    /// The features of the batch's rows.
    fn gather(&mut self, batch: &Batch<'_>) -> Vec<T> {
        let inputs = self.plan.inputs;
        let all = T::slice(batch.data.features()).expect("checked").to_vec();
        let all = if self.is(Fault::CachesBySize) {
            match self.cache.iter().find(|known| known.len() == all.len()) {
                Some(known) => known.clone(),
                None => {
                    self.cache.push(all.clone());
                    all
                }
            }
        } else {
            all
        };
        let rows = self.rows(batch);
        rows.iter().flat_map(|row| all[row * inputs..(row + 1) * inputs].to_vec()).collect()
    }

    fn check_inputs(&self, batch: &Batch<'_>) -> Result<()> {
        match self.plan.check_inputs(batch) {
            Err(_) if self.is(Fault::WrongKindOfError) => {
                Err(Error::Backend { backend: "textbook".into(), message: "no".into() })
            }
            Err(error) if self.is(Fault::TakesPastEnd) && batch.len() == 2 => {
                // the row past the end is taken for the last
                error.to_string().contains("row 5").then_some(()).ok_or(error)
            }
            answer => answer,
        }
    }

    fn forward_pass(&mut self, batch: &Batch<'_>) -> Result<Pass<T>> {
        self.check_inputs(batch)?;
        if batch.check().is_err() {
            let last = batch.data.rows() as u32 - 1;
            return self.forward_pass(&batch.data.batch(&[last, last]));
        }
        let rows = batch.len();
        let mut pass = Pass { input: self.gather(batch), sums: Vec::new(), outputs: Vec::new() };
        for (number, layer) in self.layers.iter().enumerate() {
            let x = pass.outputs.last().unwrap_or(&pass.input);
            let (weight, bias) =
                (&self.parameters[layer.weight.clone()], &self.parameters[layer.bias.clone()]);
            let last = number + 1 == self.layers.len();
            let mut z = Vec::with_capacity(rows * layer.outputs);
            for x in x.chunks_exact(layer.inputs) {
                for (w, b) in weight.chunks_exact(layer.inputs).zip(bias) {
                    let start = if last && self.is(Fault::DropsBias) { T::zero() } else { *b };
                    z.push(x.iter().zip(w).fold(start, |sum, (x, w)| sum + *x * *w));
                }
            }
            if self.is(Fault::WrongInLargeBatches) && rows > 1024 {
                let at = 1024 * layer.outputs;
                z[at] += T::of(1e-3);
            }
            let y = z.iter().map(|z| self.activate(layer.activation, *z)).collect();
            pass.sums.push(z);
            pass.outputs.push(y);
        }
        Ok(pass)
    }

    fn activate(&self, f: Activation, z: T) -> T {
        let y = f.apply(z);
        let ulps = |n: f64| y * T::of(1.0 + n * 2.0 * T::PRECISION.unit_roundoff());
        match (self.fault, f) {
            (Fault::InexactTanh, Activation::Tanh) => ulps(5.0),
            (Fault::InexactSigmoid, Activation::Sigmoid) => ulps(9.0),
            (Fault::TanhSaturatesEarly, Activation::Tanh) if z.abs() > T::of(7.0) => z.signum(),
            (Fault::FlushesSubnormals, Activation::Sigmoid) if !y.is_normal() => T::zero() * y,
            (Fault::ReluEatsNan, Activation::Relu) if z.is_nan() => T::zero(),
            (Fault::GeluByTanh, Activation::Gelu) => {
                let z = z.widen();
                T::of(0.5 * z * (1.0 + (0.797_884_560_8 * (z + 0.044_715 * z * z * z)).tanh()))
            }
            _ => y,
        }
    }

    fn slope(&self, f: Activation, z: T, y: T) -> T {
        let one = T::one();
        match (self.fault, f) {
            (Fault::WrongDerivative, Activation::Tanh) => one - y,
            (Fault::KinkFromTheRight, Activation::Relu) if z == T::zero() => one,
            (Fault::LeakyForgotten, Activation::LeakyRelu { .. }) if z < T::zero() => T::zero(),
            _ => f.derivative(z, y),
        }
    }

    /// Losses of the rows, and δ for the outputs.
    fn loss(&self, outputs: &[T], batch: &Batch<'_>) -> (f64, Vec<T>) {
        let (plan, rows) = (&self.plan, self.rows(batch));
        let width = plan.outputs();
        let count = rows.len() as f64;
        let mut divisor = plan.loss.divisor(plan.reduction, rows.len(), width);
        match (self.fault, plan.reduction) {
            (Fault::MeanOverRowsAlone, _) if divisor != 1.0 => divisor = count,
            (Fault::SumIsMean, _) => divisor = count,
            _ => {}
        }
        let mut total = 0.0;
        let mut delta = Vec::with_capacity(outputs.len());
        for (z, &row) in outputs.chunks_exact(width).zip(&rows) {
            let targets: Vec<T> = match batch.data.targets() {
                Targets::None => unreachable!("checked"),
                Targets::Classes(classes) if plan.loss == Loss::BinaryCrossEntropy => {
                    vec![T::of(f64::from(classes[row]))]
                }
                Targets::Classes(classes) => (0..width)
                    .map(|j| if j == classes[row] as usize { T::one() } else { T::zero() })
                    .collect(),
                Targets::Values { values, .. } => {
                    T::slice(values).expect("checked")[row * width..(row + 1) * width].to_vec()
                }
            };
            let start = delta.len();
            match plan.loss {
                Loss::CrossEntropy => {
                    let shift = match self.fault {
                        Fault::SoftmaxOverflows => T::zero(),
                        _ => z.iter().copied().fold(T::neg_infinity(), T::max),
                    };
                    let e: Vec<T> = z.iter().map(|z| (*z - shift).exp()).collect();
                    let sum: T = e.iter().copied().sum();
                    for ((z, e), t) in z.iter().zip(e).zip(&targets) {
                        let p = e / sum;
                        if *t != T::zero() {
                            let log = match self.fault {
                                Fault::LogOfProbability => p.ln(),
                                Fault::ClipsProbability => p.max(T::of(1e-7)).ln(),
                                _ => (*z - shift) - sum.ln(),
                            };
                            total -= t.widen() * log.widen();
                        }
                        delta.push(p - *t);
                    }
                    if self.is(Fault::NanLossIgnored) && total.is_nan() {
                        total = 0.0;
                    }
                }
                Loss::BinaryCrossEntropy => {
                    for (&z, &t) in z.iter().zip(&targets) {
                        let positive = if z > T::zero() { z } else { T::zero() };
                        let rest = match self.fault {
                            Fault::BinaryOverflows => z.exp().ln_1p() - z * t,
                            _ => positive - z * t + (-z.abs()).exp().ln_1p(),
                        };
                        total += rest.widen();
                        delta.push(Activation::Sigmoid.apply(z) - t);
                    }
                }
                Loss::MeanSquaredError => {
                    for (&z, &t) in z.iter().zip(&targets) {
                        total += (z - t).widen().powi(2);
                        let half = self.is(Fault::HalvesSquaredError);
                        delta.push(if half { z - t } else { (z - t) * T::of(2.0) });
                    }
                }
            }
            delta[start..].iter_mut().for_each(|d| *d /= T::of(divisor));
        }
        (total / divisor, delta)
    }

    /// δ back through the layers; what is done with each layer's δ is `visit`'s.
    fn backward(
        &self,
        pass: &Pass<T>,
        mut delta: Vec<T>,
        mut visit: impl FnMut(&DenseLayer, &[T], &[T]),
    ) -> Vec<T> {
        for (number, layer) in self.layers.iter().enumerate().rev() {
            let last = number + 1 == self.layers.len();
            if !(last && self.is(Fault::ForgetsLastActivation)) {
                for (place, d) in delta.iter_mut().enumerate() {
                    let (z, y) = (pass.sums[number][place], pass.outputs[number][place]);
                    *d *= self.slope(layer.activation, z, y);
                }
            }
            let x = if number == 0 { &pass.input } else { &pass.outputs[number - 1] };
            visit(layer, &delta, x);
            let weight = &self.parameters[layer.weight.clone()];
            let mut below = Vec::with_capacity(x.len());
            for d in delta.chunks_exact(layer.outputs) {
                for i in 0..layer.inputs {
                    let terms = d.iter().enumerate();
                    below.push(terms.map(|(o, d)| *d * weight[o * layer.inputs + i]).sum());
                }
            }
            delta = below;
        }
        delta
    }

    /// The order in which the rows of a weight gradient are summed, in parts.
    fn order(&self, rows: usize, in_step: bool) -> Vec<Vec<usize>> {
        let all = || (0..rows).collect::<Vec<_>>();
        match self.fault {
            Fault::SumsByThread => {
                all().chunks(rows.div_ceil(self.threads)).map(<[usize]>::to_vec).collect()
            }
            Fault::SumsByRun if self.number % 2 == 1 => vec![all().into_iter().rev().collect()],
            Fault::StepSumsOtherwise if in_step => vec![all().into_iter().rev().collect()],
            _ => vec![all()],
        }
    }

    fn gradient_of(&mut self, batch: &Batch<'_>, in_step: bool) -> Result<f64> {
        match self.plan.check_batch(batch) {
            Err(_) if self.is(Fault::TakesAnyClass) && self.plan.check_inputs(batch).is_ok() => {
                return Ok(f64::NAN);
            }
            Err(_) if self.is(Fault::WrongKindOfError) => self.check_inputs(batch)?,
            answer => answer?,
        }
        let pass = self.forward_pass(batch)?;
        let (loss, delta) = self.loss(pass.outputs.last().expect("a layer"), batch);
        let mut gradient = match self.fault {
            Fault::AddsToOldGradient => self.gradient.clone(),
            _ => vec![T::zero(); self.gradient.len()],
        };
        let order = self.order(batch.len(), in_step);
        self.backward(&pass, delta, |layer, delta, x| {
            for o in 0..layer.outputs {
                let d = |row: usize| delta[row * layer.outputs + o];
                let sum = |f: &dyn Fn(usize) -> T| -> T {
                    order.iter().map(|part| part.iter().map(|row| f(*row)).sum::<T>()).sum()
                };
                for i in 0..layer.inputs {
                    let x = |row: usize| x[row * layer.inputs + i];
                    gradient[layer.weight.start + o * layer.inputs + i] +=
                        sum(&|row| d(row) * x(row));
                }
                gradient[layer.bias.start + o] += sum(&d);
            }
        });
        self.gradient = gradient;
        self.last = pass;
        Ok(loss)
    }

    fn prepare(&mut self, optimizer: &Optimizer) -> Result<()> {
        if !self.is(Fault::AcceptsBadOptimizer) {
            optimizer.check()?;
        }
        let wanted = optimizer.moments();
        let fresh = self.steps == 0 && self.moments.is_empty();
        if !fresh && self.moments.len() != wanted && !self.is(Fault::AcceptsOtherMoments) {
            return Err(Error::Optimizer("another number of moments".into()));
        }
        if self.moments.len() != wanted {
            self.moments = vec![vec![T::zero(); self.parameters.len()]; wanted];
        }
        Ok(())
    }

    /// The optimiser with the planted fault in its settings.
    fn faulty(&mut self, optimizer: &Optimizer) -> Optimizer {
        let mut optimizer = *optimizer;
        let first = *self.first_rate.get_or_insert(optimizer.learning_rate());
        match (self.fault, &mut optimizer) {
            (Fault::IgnoresNesterov, Optimizer::Sgd { nesterov, .. }) => *nesterov = false,
            (Fault::IgnoresDecay, Optimizer::Sgd { weight_decay, .. }) => *weight_decay = 0.0,
            (Fault::SwapsBetas, Optimizer::Adam { beta1, beta2, .. }) => {
                std::mem::swap(beta1, beta2);
            }
            (Fault::KeepsFirstRate, _) => optimizer = optimizer.with_learning_rate(first),
            (
                Fault::CouplesDecay,
                &mut Optimizer::AdamW { learning_rate, beta1, beta2, epsilon, weight_decay },
            ) => {
                optimizer = Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay };
            }
            _ => {}
        }
        optimizer
    }

    /// Adam with ε under the root.
    fn epsilon_inside(&mut self, optimizer: &Optimizer) -> bool {
        let Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } = *optimizer
        else {
            return false;
        };
        let [m, v] = &mut self.moments[..] else { return false };
        let t = self.steps as i32;
        for (i, p) in self.parameters.iter_mut().enumerate() {
            let g = self.gradient[i].widen() + weight_decay * p.widen();
            let m_new = beta1 * m[i].widen() + (1.0 - beta1) * g;
            let v_new = beta2 * v[i].widen() + (1.0 - beta2) * g * g;
            (m[i], v[i]) = (T::of(m_new), T::of(v_new));
            let (m, v) = (m_new / (1.0 - beta1.powi(t)), v_new / (1.0 - beta2.powi(t)));
            *p = T::of(p.widen() - learning_rate * m / (v + epsilon).sqrt());
        }
        true
    }

    fn apply(&mut self, optimizer: &Optimizer) {
        self.steps += 1;
        if self.is(Fault::EpsilonInsideRoot) && self.epsilon_inside(optimizer) {
            return;
        }
        let optimizer = self.faulty(optimizer);
        let step = self.steps + u64::from(self.is(Fault::CountsFromZero));
        let rule = optimizer.rule::<T>(step);
        for i in 0..self.parameters.len() {
            // those that the optimiser does not keep
            let (mut no_m, mut no_v) = (T::zero(), T::zero());
            let mut moments = self.moments.iter_mut().map(|moment| &mut moment[i]);
            let m = moments.next().unwrap_or(&mut no_m);
            let v = moments.next().unwrap_or(&mut no_v);
            rule.apply(&mut self.parameters[i], self.gradient[i], m, v);
        }
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
