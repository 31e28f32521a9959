//! The network: forward, loss, and gradients by the chain rule, with their bounds.

use super::product::{Matrix, product};
use super::{Bounded, Rounding, activation, loss};
use consonance_core::{Batch, DenseLayer, Loss, Plan, Result, Targets, Values};

/// A network at fixed parameters, in float64.
#[derive(Debug)]
pub struct Oracle {
    plan: Plan,
    layers: Vec<Dense>,
    rounding: Rounding,
}

/// A dense layer with its activation.
#[derive(Debug)]
struct Dense {
    place: DenseLayer,
    /// W [outputs, inputs]
    weight: Matrix,
    bias: Vec<f64>,
}

/// What a batch makes of the layers: for each dense layer its sums, and its outputs.
struct Pass {
    inputs: Matrix,
    sums: Vec<Matrix>,
    outputs: Vec<Matrix>,
}

/// A batch's loss and its gradient with respect to the parameters, laid out as the plan says.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The reduced loss.
    pub loss: Bounded,
    /// One number for each parameter.
    pub gradient: Vec<Bounded>,
}

impl Oracle {
    /// The network of `plan` at these parameters.
    ///
    /// # Errors
    /// [`consonance_core::Error::Plan`] if the plan is no network,
    /// [`consonance_core::Error::Mismatch`] if the parameters are not as many as it has.
    pub fn new(plan: &Plan, parameters: &Values) -> Result<Self> {
        let count = plan.parameter_count()?;
        if parameters.len() != count {
            return Err(consonance_core::Error::mismatch("parameters", count, parameters.len()));
        }
        let values = |range: &std::ops::Range<usize>| range.clone().map(|i| parameters.get(i));
        let layer = |place: DenseLayer| Dense {
            weight: Matrix::exact(place.outputs, place.inputs, values(&place.weight)),
            bias: values(&place.bias).collect(),
            place,
        };
        let layers = plan.dense_layers()?.into_iter().map(layer).collect();
        Ok(Oracle { plan: plan.clone(), layers, rounding: Rounding::of(plan.precision) })
    }

    /// The output [rows, width] of every layer of [`Plan::layers`]: a dense layer's sums, an
    /// activation's values.
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn activations(&self, batch: &Batch<'_>) -> Result<Vec<Matrix>> {
        let Pass { sums, outputs, .. } = self.pass(batch)?;
        let mut layers = Vec::with_capacity(self.plan.layers.len());
        for ((Dense { place, .. }, sums), outputs) in self.layers.iter().zip(sums).zip(outputs) {
            layers.push(sums);
            if place.last > place.layer {
                layers.push(outputs);
            }
        }
        Ok(layers)
    }

    /// The outputs [rows, outputs].
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn forward(&self, batch: &Batch<'_>) -> Result<Matrix> {
        self.pass(batch).map(|mut pass| pass.outputs.pop().expect("a plan has layers"))
    }

    /// The loss and its gradient with respect to the parameters.
    ///
    /// # Errors
    /// A batch that does not fit, also in its targets.
    pub fn loss_and_gradient(&self, batch: &Batch<'_>) -> Result<Answer> {
        self.plan.check_batch(batch)?;
        let pass = self.pass(batch)?;
        let rounding = self.rounding;
        let outputs = pass.outputs.last().expect("a plan has layers");
        let (rows, width) = (outputs.rows, outputs.cols);
        let divisor = loss::divisor(self.plan.loss, self.plan.reduction, rows, width);
        // the backend may divide the gradient anywhere on its way back: two roundings, and one
        // in a reciprocal
        let roundings = if divisor == 1.0 { 0.0 } else { 3.0 };
        let mut sum = Bounded::exact(0.0);
        let mut delta = Matrix { rows, cols: width, elements: Vec::with_capacity(rows * width) };
        for position in 0..rows {
            let targets = targets(self.plan.loss, batch, position, width);
            let (loss, gradient) =
                loss::row(self.plan.loss, outputs.row(position), &targets, rounding);
            sum.value += loss.value;
            sum.error += loss.error;
            delta.elements.extend(
                gradient
                    .into_iter()
                    .map(|g| rounding.round(g.value / divisor, g.error / divisor, roundings)),
            );
        }
        // rows are added up in any order
        let roundings = rows as f64 + roundings;
        let loss = rounding.round(sum.value / divisor, sum.error / divisor, roundings);
        let mut gradient = vec![Bounded::exact(0.0); self.plan.parameter_count()?];
        self.backward(&pass, delta, Some(&mut gradient));
        Ok(Answer { loss, gradient })
    }

    /// The gradient [rows, inputs] of Σ coefficients·outputs.
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn input_gradient(&self, batch: &Batch<'_>, coefficients: &Values) -> Result<Matrix> {
        let pass = self.pass(batch)?;
        let delta = Matrix::exact(batch.len(), self.plan.outputs(), coefficients.iter());
        Ok(self.backward(&pass, delta, None).expect("asked for the input's gradient"))
    }

    /// z = x·Wᵀ + b and y = f(z), layer after layer.
    fn pass(&self, batch: &Batch<'_>) -> Result<Pass> {
        self.plan.check_inputs(batch)?;
        let (inputs, features) = (self.plan.inputs, batch.data.features());
        let rows = (0..batch.len()).map(|position| batch.rows.at(position));
        let values = rows.flat_map(|row| (0..inputs).map(move |j| features.get(row * inputs + j)));
        let inputs = Matrix::exact(batch.len(), inputs, values);
        let (mut sums, mut outputs) = (Vec::new(), Vec::<Matrix>::new());
        for Dense { place, weight, bias } in &self.layers {
            let input = outputs.last().unwrap_or(&inputs);
            let z = product(input, weight, |_, j| bias[j], self.rounding);
            outputs.push(z.map(|z| activation::output(place.activation, z, self.rounding)));
            sums.push(z);
        }
        Ok(Pass { inputs, sums, outputs })
    }

    /// From δ, the gradient with respect to the outputs, back through the layers:
    /// δ ← δ∘f′(z), ∂W = δᵀ·x, ∂b = Σ δ over rows, δ ← δ·W. Writes the parameters' gradient
    /// where one is given; otherwise answers the input's.
    fn backward(
        &self,
        pass: &Pass,
        mut delta: Matrix,
        mut gradient: Option<&mut [Bounded]>,
    ) -> Option<Matrix> {
        let rounding = self.rounding;
        for (number, Dense { place, weight, .. }) in self.layers.iter().enumerate().rev() {
            for (delta, z) in delta.elements.iter_mut().zip(&pass.sums[number].elements) {
                if place.activation != consonance_core::Activation::Identity {
                    let slope = activation::derivative(place.activation, *z, rounding);
                    *delta = rounding.mul(*delta, slope);
                }
            }
            let by_output = delta.transposed();
            if let Some(gradient) = gradient.as_deref_mut() {
                let input = if number == 0 { &pass.inputs } else { &pass.outputs[number - 1] };
                let weights = product(&by_output, &input.transposed(), |_, _| 0.0, rounding);
                gradient[place.weight.clone()].copy_from_slice(&weights.elements);
                let ones = Matrix::exact(1, delta.rows, vec![1.0; delta.rows]);
                let biases = product(&by_output, &ones, |_, _| 0.0, rounding);
                gradient[place.bias.clone()].copy_from_slice(&biases.elements);
                if number == 0 {
                    return None;
                }
            }
            delta = product(&delta, &weight.transposed(), |_, _| 0.0, rounding);
        }
        Some(delta)
    }
}

/// The targets of a batch's row as numbers, one for each output.
fn targets(loss: Loss, batch: &Batch<'_>, position: usize, outputs: usize) -> Vec<f64> {
    let row = batch.rows.at(position);
    match batch.data.targets() {
        Targets::None => unreachable!("the batch was checked"),
        Targets::Classes(classes) if loss == Loss::BinaryCrossEntropy => {
            vec![f64::from(classes[row])]
        }
        Targets::Classes(classes) => {
            (0..outputs).map(|j| f64::from(u8::from(j == classes[row] as usize))).collect()
        }
        Targets::Values { values, .. } => {
            (0..outputs).map(|j| values.get(row * outputs + j)).collect()
        }
    }
}
