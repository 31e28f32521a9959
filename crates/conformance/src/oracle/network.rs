//! The network: forward, loss, and gradients by the chain rule, with their bounds.

use super::product::{Matrix, product, product_and_roundings};
use super::samples::{Samples, alike};
use super::{Bounded, Rounding, activation, loss};
use consonance_core::{Activation, Batch, DenseLayer, Loss, Plan, Result, Targets, Values};

/// A network at fixed parameters, in float64.
#[derive(Debug)]
pub struct Oracle {
    plan: Plan,
    layers: Vec<Dense>,
    parameters: usize,
}

/// A dense layer with its activation.
#[derive(Debug)]
struct Dense {
    place: DenseLayer,
    /// W [outputs, inputs]
    weight: Matrix,
    bias: Vec<f64>,
}

/// The rows of a batch, and for each the first that equals it.
struct Inputs {
    numbers: Matrix,
    alike: Vec<usize>,
}

/// What a batch makes of the layers: for each dense layer its sums, with draws of their errors,
/// and its outputs.
struct Pass<'a> {
    inputs: &'a Matrix,
    sums: Vec<Matrix>,
    sum_errors: Vec<Samples<'a>>,
    outputs: Vec<Matrix>,
    output_errors: Samples<'a>,
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
        Ok(Oracle { plan: plan.clone(), layers, parameters: count })
    }

    /// The output [rows, width] of every layer of [`Plan::layers`]: a dense layer's sums, an
    /// activation's values.
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn activations(&self, batch: &Batch<'_>) -> Result<Vec<Matrix>> {
        let inputs = self.inputs(batch)?;
        Ok(self.tightest(|rounding| {
            let Pass { sums, outputs, .. } = self.pass(&inputs, rounding);
            let mut layers = Vec::with_capacity(self.plan.layers.len());
            for ((Dense { place, .. }, sums), outputs) in self.layers.iter().zip(sums).zip(outputs)
            {
                layers.push(sums);
                if place.last > place.layer {
                    layers.push(outputs);
                }
            }
            layers
        }))
    }

    /// The outputs [rows, outputs].
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn forward(&self, batch: &Batch<'_>) -> Result<Matrix> {
        self.activations(batch).map(|mut layers| layers.pop().expect("a plan has layers"))
    }

    /// The loss and its gradient with respect to the parameters.
    ///
    /// # Errors
    /// A batch that does not fit, also in its targets.
    pub fn loss_and_gradient(&self, batch: &Batch<'_>) -> Result<Answer> {
        self.plan.check_batch(batch)?;
        let inputs = self.inputs(batch)?;
        Ok(self.tightest(|rounding| self.answer(batch, &inputs, rounding)))
    }

    /// The loss and its gradient, with errors of one kind.
    fn answer(&self, batch: &Batch<'_>, inputs: &Inputs, rounding: Rounding) -> Answer {
        let pass = self.pass(inputs, rounding);
        let outputs = pass.outputs.last().expect("a plan has layers");
        let (rows, width) = (outputs.rows, outputs.cols);
        let divisor = loss::divisor(self.plan.loss, self.plan.reduction, rows, width);
        // the backend may divide the gradient anywhere on its way back: two roundings, and one
        // in a reciprocal
        let roundings = if divisor == 1.0 { 0.0 } else { 3.0 };
        let mut sum = Bounded::exact(0.0);
        let mut delta = Matrix { rows, cols: width, elements: Vec::with_capacity(rows * width) };
        let mut own = Vec::with_capacity(rows * width);
        let divided =
            |g: Bounded| rounding.round(g.value / divisor, g.error / divisor, roundings).finite();
        let targets: Vec<_> =
            (0..rows).map(|row| targets(self.plan.loss, batch, row, width)).collect();
        for (row, targets) in targets.iter().enumerate() {
            let outputs = outputs.row(row);
            let (loss, gradient) = loss::row(self.plan.loss, outputs, targets, rounding);
            sum.value += loss.value;
            sum.error += loss.error;
            delta.elements.extend(gradient.into_iter().map(divided));
            let exact: Vec<_> = outputs.iter().map(|z| Bounded::exact(z.value)).collect();
            let (_, gradient) = loss::row(self.plan.loss, &exact, targets, rounding);
            own.extend(gradient.into_iter().map(|g| divided(g).error));
        }
        let mut errors = pass.output_errors.clone();
        errors.map_rows(width, |row, errors| {
            let (gradient, targets) = (delta.row(row), &targets[row]);
            loss::gradient_errors(self.plan.loss, gradient, divisor, targets, errors);
        });
        errors.round(&own, 4 * self.layers.len());
        // rows are added up in any order
        let roundings = rounding.chain(rows as f64) + roundings;
        let loss = rounding.round(sum.value / divisor, sum.error / divisor, roundings).finite();
        let mut gradient = vec![Bounded::exact(0.0); self.parameters];
        self.backward(&pass, (delta, errors), Some(&mut gradient), rounding);
        Answer { loss, gradient }
    }

    /// The gradient [rows, inputs] of Σ coefficients·outputs.
    ///
    /// # Errors
    /// A batch that does not fit.
    pub fn input_gradient(&self, batch: &Batch<'_>, coefficients: &Values) -> Result<Matrix> {
        let inputs = self.inputs(batch)?;
        let width = self.plan.outputs();
        Ok(self.tightest(|rounding| {
            let pass = self.pass(&inputs, rounding);
            let delta = Matrix::exact(batch.len(), width, coefficients.iter());
            let errors = Samples::exact(rounding.draws(), &inputs.alike, width);
            let below = self.backward(&pass, (delta, errors), None, rounding);
            below.expect("asked for the input's gradient")
        }))
    }

    /// The rows of a batch.
    fn inputs(&self, batch: &Batch<'_>) -> Result<Inputs> {
        self.plan.check_inputs(batch)?;
        let (inputs, features) = (self.plan.inputs, batch.data.features());
        let rows = (0..batch.len()).map(|position| batch.rows.at(position));
        let values = rows.flat_map(|row| (0..inputs).map(move |j| features.get(row * inputs + j)));
        let numbers = Matrix::exact(batch.len(), inputs, values);
        Ok(Inputs { alike: alike(&numbers), numbers })
    }

    /// What `f` answers, every number within the smaller of its two bounds: the one that always
    /// holds, and the likely one.
    fn tightest<T: Tighten>(&self, f: impl Fn(Rounding) -> T) -> T {
        let mut answer = f(Rounding::of(self.plan.precision));
        answer.tighten(&f(Rounding::likely(self.plan.precision)));
        answer
    }

    /// z = x·Wᵀ + b and y = f(z), layer after layer.
    fn pass<'a>(&self, inputs: &'a Inputs, rounding: Rounding) -> Pass<'a> {
        let Inputs { numbers, alike } = inputs;
        let mut errors = Samples::exact(rounding.draws(), alike, numbers.cols);
        let (mut sums, mut outputs, mut sum_errors) = (vec![], Vec::<Matrix>::new(), vec![]);
        for (number, Dense { place, weight, bias }) in self.layers.iter().enumerate() {
            let (f, input) = (place.activation, outputs.last().unwrap_or(numbers));
            let (mut z, roundings) = product_and_roundings(input, weight, |_, j| bias[j], rounding);
            let mut of_z = errors.times(&weight.transposed());
            of_z.round(&roundings, 4 * number);
            of_z.raise(&mut z);
            errors = of_z.clone();
            errors.scale(&each(&z, |z| activation::slopes(f, z.value).0));
            let alone = |z: Bounded| activation::output(f, Bounded::exact(z.value), rounding);
            errors.round(&each(&z, |z| alone(z).error), 4 * number + 1);
            outputs.push(z.map(|z| activation::output(f, z, rounding)));
            sums.push(z);
            sum_errors.push(of_z);
        }
        Pass { inputs: numbers, sums, sum_errors, outputs, output_errors: errors }
    }

    /// From δ, the gradient with respect to the outputs, and its `errors` back through the layers:
    /// δ ← δ∘f′(z), ∂W = δᵀ·x, ∂b = Σ δ over rows, δ ← δ·W. Writes the parameters' gradient
    /// where one is given; otherwise answers the input's.
    fn backward(
        &self,
        pass: &Pass<'_>,
        (mut delta, mut errors): (Matrix, Samples<'_>),
        mut gradient: Option<&mut [Bounded]>,
        rounding: Rounding,
    ) -> Option<Matrix> {
        // rows do not meet before the sums over them
        let over_rows = rounding.dependent(errors.most_alike());
        for (number, Dense { place, weight, .. }) in self.layers.iter().enumerate().rev() {
            let (f, z) = (place.activation, &pass.sums[number]);
            if f != Activation::Identity {
                let slopes = z.map(|z| activation::derivative(f, z, rounding));
                let second = each(z, |z| activation::slopes(f, z.value).1);
                errors.scale(&each(&slopes, |slope| slope.value));
                let deltas = || delta.elements.iter().map(|delta| delta.value);
                let factors: Vec<_> = deltas().zip(&second).map(|(d, s)| d * s).collect();
                errors.add(&pass.sum_errors[number], &factors);
                // what is not the slope's change with z, and the rounding of the product
                let own: Vec<_> = (deltas().zip(&slopes.elements))
                    .zip(z.elements.iter().zip(&second))
                    .map(|((delta, slope), (z, second))| {
                        let own = (slope.error - second.abs() * z.error).max(0.0);
                        rounding.round(delta * slope.value, delta.abs() * own, 1.0).error
                    })
                    .collect();
                errors.round(&own, 4 * number + 2);
                for (delta, slope) in delta.elements.iter_mut().zip(&slopes.elements) {
                    *delta = rounding.mul(*delta, *slope).finite();
                }
                errors.raise(&mut delta);
            }
            let by_output = delta.transposed();
            if let Some(gradient) = gradient.as_deref_mut() {
                let input = if number == 0 { pass.inputs } else { &pass.outputs[number - 1] };
                let weights = product(&by_output, &input.transposed(), |_, _| 0.0, over_rows);
                gradient[place.weight.clone()].copy_from_slice(&weights.elements);
                let ones = Matrix::exact(1, delta.rows, vec![1.0; delta.rows]);
                let biases = product(&by_output, &ones, |_, _| 0.0, over_rows);
                gradient[place.bias.clone()].copy_from_slice(&biases.elements);
                if number == 0 {
                    return None;
                }
            }
            let roundings;
            (delta, roundings) =
                product_and_roundings(&delta, &weight.transposed(), |_, _| 0.0, rounding);
            errors = errors.times(weight);
            errors.round(&roundings, 4 * number + 3);
            errors.raise(&mut delta);
        }
        Some(delta)
    }
}

/// One number for each element.
fn each(matrix: &Matrix, f: impl Fn(Bounded) -> f64) -> Vec<f64> {
    matrix.elements.iter().map(|x| f(*x)).collect()
}

/// Answers whose numbers may be given the smaller of two bounds.
trait Tighten {
    fn tighten(&mut self, other: &Self);
}

impl Tighten for [Bounded] {
    fn tighten(&mut self, other: &Self) {
        for (one, other) in self.iter_mut().zip(other) {
            *one = one.tighter(*other);
        }
    }
}

impl Tighten for Matrix {
    fn tighten(&mut self, other: &Self) {
        self.elements.tighten(&other.elements);
    }
}

impl Tighten for Vec<Matrix> {
    fn tighten(&mut self, other: &Self) {
        self.iter_mut().zip(other).for_each(|(own, other)| own.tighten(other));
    }
}

impl Tighten for Answer {
    fn tighten(&mut self, other: &Self) {
        self.loss = self.loss.tighter(other.loss);
        self.gradient.tighten(&other.gradient);
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
