//! From a batch's rows to the outputs of every layer.

use super::{Loops, Pass};
use crate::faults::Fault;
use consonance_core::{Activation, Batch, Element, Result, Rows};

impl<T: Element> Loops<T> {
    /// The rows the batch names.
    pub(super) fn rows(&self, batch: &Batch<'_>) -> Vec<usize> {
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
            (Fault::TakesPastEnd, _) => {
                rows.iter_mut().for_each(|row| *row = (*row).min(batch.data.rows() - 1));
            }
            _ => {}
        }
        rows
    }

    /// The features of the batch's rows.
    pub(super) fn gather(&mut self, batch: &Batch<'_>) -> Vec<T> {
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

    pub(super) fn check_inputs(&self, batch: &Batch<'_>) -> Result<()> {
        match self.plan.check_inputs(batch) {
            Err(_) if self.is(Fault::TakesPastEnd) && batch.check().is_err() => Ok(()),
            answer => answer,
        }
    }

    pub(super) fn forward_pass(&mut self, batch: &Batch<'_>) -> Result<Pass<T>> {
        self.check_inputs(batch)?;
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
                    let dropped = (last && self.is(Fault::DropsBias))
                        || self.is_first_of_many(Fault::DropsFirstBias, number);
                    let start = if dropped { T::zero() } else { *b };
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

    pub(super) fn activate(&self, f: Activation, z: T) -> T {
        let y = f.apply(z);
        let ulps = |n: f64| y * T::of(1.0 + n * 2.0 * T::PRECISION.unit_roundoff());
        match (self.fault, f) {
            (Fault::InexactTanh, Activation::Tanh) => ulps(5.0),
            (Fault::InexactSigmoid, Activation::Sigmoid) => ulps(9.0),
            (Fault::LeakyByMaximum, Activation::LeakyRelu { slope }) => z.max(T::of(slope) * z),
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

    pub(super) fn slope(&self, f: Activation, z: T, y: T) -> T {
        let one = T::one();
        match (self.fault, f) {
            (Fault::WrongDerivative, Activation::Tanh) => one - y,
            (Fault::KinkFromTheRight, Activation::Relu) if z == T::zero() => one,
            (Fault::LeakyForgotten, Activation::LeakyRelu { .. }) if z < T::zero() => T::zero(),
            _ => f.derivative(z, y),
        }
    }
}
