//! Activations one number at a time.
//!
//! A layer of one input with weights 1 and biases 0 hands its input to the activation bit for bit,
//! and the gradient of one of its outputs is the derivative there.

use super::begin;
use crate::oracle::{Bounded, Rounding, activation};
use crate::{Report, Subject};
use consonance_core::{Activation, Dataset, Loss, Network, Precision, Result, Targets, Values};
use std::f64::consts::LN_2;

/// Outputs of the layer: one, and enough for a vector register and a remainder.
const WIDTHS: [usize; 2] = [1, 19];

/// Every activation's values over the whole range of inputs, thresholds, subnormals, infinities
/// and NaN, as the last layer and as a hidden one.
pub fn activation_values(subject: &Subject<'_>) -> Report {
    let mut report = match begin("activation_values", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let mut inputs = sample(subject.precision);
    inputs.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    for f in subject.activations() {
        for width in WIDTHS {
            report.attempt(format_args!("{f:?}, {width} outputs"), |report| {
                values(subject, f, width, &inputs, report)
            });
        }
    }
    report
}

/// Every activation's derivatives over the same inputs, as far as they are finite.
pub fn activation_derivatives(subject: &Subject<'_>) -> Report {
    let mut report = match begin("activation_derivatives", subject) {
        Ok(report) => report,
        Err(done) => return done,
    };
    let inputs = sample(subject.precision);
    for f in subject.activations() {
        for width in WIDTHS {
            report.attempt(format_args!("{f:?}, {width} outputs"), |report| {
                derivatives(subject, f, width, &inputs, report)
            });
        }
    }
    report
}

/// A network whose first layer hands its input on to `f`.
fn transparent(
    subject: &Subject<'_>,
    f: Activation,
    width: usize,
    hidden: bool,
) -> Result<Box<dyn Network>> {
    let plan = subject.mlp(1, &[], width, f, Loss::MeanSquaredError).activation(f);
    let plan = if hidden { plan.dense(1) } else { plan };
    let mut network = subject.network(&plan)?;
    let mut parameters = vec![0.0; plan.parameter_count()?];
    parameters[..width].fill(1.0);
    network.set_parameters(&Values::rounded(subject.precision, &parameters))?;
    Ok(network)
}

/// Fewer of the inputs for wider layers; the special ones at the end always.
fn thinned(inputs: &[f64], width: usize) -> Vec<f64> {
    let (special, rest) = (&inputs[inputs.len() - 3..], &inputs[..inputs.len() - 3]);
    rest.iter().step_by(width).chain(special).copied().collect()
}

fn table(precision: Precision, inputs: &[f64]) -> Result<Dataset> {
    Dataset::new(1, Values::rounded(precision, inputs), Targets::None)
}

fn values(
    subject: &Subject<'_>,
    f: Activation,
    width: usize,
    inputs: &[f64],
    report: &mut Report,
) -> Result<()> {
    let inputs = thinned(inputs, width);
    let data = table(subject.precision, &inputs)?;
    let rounding = Rounding::of(subject.precision);
    let last = transparent(subject, f, width, false)?.forward(&data.all())?;
    let mut network = transparent(subject, f, width, true)?;
    let hidden = network.activations(&data.all(), 1)?;
    let sums = network.activations(&data.all(), 0)?;
    for (row, &x) in inputs.iter().enumerate() {
        let expected = activation::output(f, Bounded::exact(x), rounding);
        for j in 0..width {
            let at = row * width + j;
            let place = format_args!("{x:e}, output {j} of {width}");
            report.same_number(format_args!("input of {f} at {place}"), sums.get(at), x);
            for (layer, got) in [("last", last.get(at)), ("hidden", hidden.get(at))] {
                let place = format_args!("{f:?} ({layer} layer) of {place}");
                // a slope above 1 may carry a number past the largest there is
                if expected.magnitude() > rounding.largest() && got.is_infinite() {
                    report.same_number(place, got, x.signum() * f64::INFINITY);
                } else if x.is_finite() {
                    report.within(place, got, expected);
                } else {
                    report.same_number(place, got, rounding.nearest(expected.value));
                }
            }
        }
    }
    Ok(())
}

fn derivatives(
    subject: &Subject<'_>,
    f: Activation,
    width: usize,
    inputs: &[f64],
    report: &mut Report,
) -> Result<()> {
    let inputs = thinned(inputs, width);
    let data = table(subject.precision, &inputs)?;
    let rounding = Rounding::of(subject.precision);
    let mut network = transparent(subject, f, width, false)?;
    let mut coefficients = vec![0.0; inputs.len() * width];
    for (row, coefficients) in coefficients.chunks_exact_mut(width).enumerate() {
        coefficients[row % width] = 1.0;
    }
    let coefficients = Values::rounded(subject.precision, &coefficients);
    let got = network.input_gradient(&data.all(), &coefficients)?;
    for (row, &x) in inputs.iter().enumerate() {
        let expected = activation::derivative(f, Bounded::exact(x), rounding);
        let j = row % width;
        let place = format_args!("{f:?}′ at {x:e}, output {j} of {width}");
        report.within(place, got.get(row), expected);
    }
    Ok(())
}

/// Finite inputs of a precision: its whole range in even steps of its bits, the range in which
/// the functions bend in even steps of its value, and the neighbourhood of the thresholds of
/// common implementations.
fn sample(precision: Precision) -> Vec<f64> {
    let mut inputs = Vec::new();
    // prime steps, so that low bits vary; 0x7f80… is infinity
    let magnitudes: Vec<f64> = match precision {
        Precision::F32 => {
            (0..0x7f80_0000).step_by(350_003).map(f32::from_bits).map(f64::from).collect()
        }
        Precision::F64 => {
            (0..0x7ff0_0000_0000_0000).step_by(1_500_000_000_000_007).map(f64::from_bits).collect()
        }
    };
    inputs.extend(magnitudes.iter().chain(&[0.0]).flat_map(|x| [*x, -x]));
    inputs.extend((-12_000..=12_000).map(|i| f64::from(i) * 0.002_5 + 1e-4));
    let thresholds = [
        0.347, 0.55, 0.625, LN_2, 1.0, 4.0, 5.0, 8.66, 9.01, 10.0, 13.0, 16.6, 17.3, 18.0, 19.06,
        20.0, 22.0, 37.0, 38.0, 87.336, 88.376, 88.722_8, 103.97, 104.0, 708.396, 709.78, 745.13,
    ];
    for threshold in thresholds {
        inputs.extend((-20..=20).map(|i| threshold * (1.0 + f64::from(i) * 1e-3)));
        inputs.extend((-20..=20).map(|i| -threshold * (1.0 + f64::from(i) * 1e-3)));
    }
    // the least and the largest of each kind
    for x in [f64::from_bits(1), f64::MIN_POSITIVE, f64::from(f32::from_bits(1))] {
        inputs.extend([x, -x]);
    }
    inputs.extend([f64::from(f32::MAX), -f64::from(f32::MAX)]);
    Values::rounded(precision, &inputs).to_f64()
}
