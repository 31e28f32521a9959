//! The loss, and gradients by the chain rule.

use super::{Loops, Pass};
use crate::faults::Fault;
use crate::kernels::shortened;
use consonance_core::{Activation, Batch, DenseLayer, Element, Error, Loss, Result, Targets};

impl<T: Element> Loops<T> {
    /// Losses of the rows, and δ for the outputs.
    pub(super) fn loss(&self, outputs: &[T], batch: &Batch<'_>) -> (f64, Vec<T>) {
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
            for d in &mut delta[start..] {
                *d /= T::of(divisor);
                if self.is(Fault::ShortensDelta) {
                    *d = shortened(*d, 5);
                }
            }
        }
        (total / divisor, delta)
    }

    /// δ back through the layers; what is done with each layer's δ is `visit`'s.
    pub(super) fn backward(
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
    pub(super) fn order(&self, rows: usize, in_step: bool) -> Vec<Vec<usize>> {
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

    pub(super) fn gradient_of(&mut self, batch: &Batch<'_>, in_step: bool) -> Result<f64> {
        match self.plan.check_batch(batch) {
            Err(_) if self.is(Fault::TakesAnyClass) && self.plan.check_inputs(batch).is_ok() => {
                return Ok(f64::NAN);
            }
            Err(_) if self.is(Fault::WrongKindOfError) => {
                return Err(Error::Backend { backend: "textbook".into(), message: "no".into() });
            }
            Err(_) if self.is(Fault::TakesPastEnd) && batch.check().is_err() => {}
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
            if self.is_first_of_many(Fault::ForgetsFirstLayer, layer.layer) {
                return;
            }
            let left_out = match self.is_first_of_many(Fault::LeavesOutRow, layer.layer) {
                true => Some(batch.len() - 1),
                false => None,
            };
            for o in 0..layer.outputs {
                let d = |row: usize| delta[row * layer.outputs + o];
                let sum = |f: &dyn Fn(usize) -> T| -> T {
                    order.iter().map(|part| part.iter().map(|row| f(*row)).sum::<T>()).sum()
                };
                for i in 0..layer.inputs {
                    let x = |row: usize| x[row * layer.inputs + i];
                    gradient[layer.weight.start + o * layer.inputs + i] +=
                        sum(&|row| if Some(row) == left_out { T::zero() } else { d(row) * x(row) });
                }
                gradient[layer.bias.start + o] += sum(&d);
            }
        });
        self.gradient = gradient;
        self.last = pass;
        Ok(loss)
    }
}
