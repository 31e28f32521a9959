//! The products of a dense layer, fused with the pointwise work around them.

use super::strided::bits;
use super::{packed, packed_inputs};
use crate::Report;
use crate::checks::material::{normal, stream};
use crate::oracle::product::{Matrix, product};
use crate::oracle::{Bounded, Rounding, activation};
use consonance_core::Activation;
use consonance_host::kernels::{Inputs, Weights};
use consonance_host::{Beta, Kernels, MatMut, MatRef, Math};

/// Layers [rows, inputs, outputs].
const LAYERS: [[usize; 3]; 12] = [
    [1, 1, 1],
    [1, 7, 5],
    [3, 2, 17],
    [7, 64, 10],
    [16, 33, 32],
    [63, 65, 13],
    [64, 64, 64],
    [65, 31, 129],
    [20, 300, 9],
    [20, 300, 97],
    [9, 33, 200],
    [37, 20, 1],
];

fn wide<T: Math>(rows: usize, cols: usize, values: &[T]) -> Matrix {
    Matrix::exact(rows, cols, values.iter().map(|x| x.widen()))
}

/// A row-major matrix with `gap` NaNs after each row.
fn padded<T: Math>(values: &[T], cols: usize, gap: usize) -> Vec<T> {
    let gap = vec![T::nan(); gap];
    values.chunks(cols).flat_map(|row| row.iter().chain(&gap)).copied().collect()
}

/// The rows of such a matrix.
fn without_gaps<T: Math>(padded: &[T], cols: usize, gap: usize) -> Vec<T> {
    padded.chunks(cols + gap).flat_map(|row| &row[..cols]).copied().collect()
}

/// True if nobody wrote between its rows.
fn gaps_are_nan<T: Math>(padded: &[T], cols: usize, gap: usize) -> bool {
    padded.chunks(cols + gap).flat_map(|row| &row[cols..]).all(|&x| bits(x) == bits(T::nan()))
}

/// Y ← f(X·Wᵀ + b) for every activation, and the sums where the derivative needs them. Y and the
/// sums are NaN before, and what lies between their rows stays so.
pub fn forward<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("forward");
    let rounding = Rounding::of(T::PRECISION);
    for (number, shape @ [rows, inputs, outputs]) in LAYERS.into_iter().enumerate() {
        let mut stream = stream(40_000 + number);
        let mut draw = |len| normal::<T>(&mut stream, len);
        let (x, weight, bias) = (draw(rows * inputs), draw(outputs * inputs), draw(outputs));
        let z = product(
            &wide(rows, inputs, &x),
            &wide(outputs, inputs, &weight),
            |_, j| bias[j].widen(),
            rounding,
        );
        for f in Activation::ALL {
            for gap in [0, 3] {
                let x = padded(&x, inputs, gap);
                let x = MatRef::with_strides(&x, rows, inputs, inputs + gap, 1);
                let kept = if f.derivative_needs_input() { rows * (outputs + gap) } else { 0 };
                let mut sums = vec![T::nan(); kept];
                let mut y = vec![T::nan(); rows * (outputs + gap)];
                let matrix = MatRef::new(&weight, outputs, inputs);
                let packed = packed(kernels, matrix, outputs);
                let weights = Weights { matrix, packed: &packed, of_outputs: outputs };
                let view = |data| MatMut::with_strides(data, rows, outputs, outputs + gap, 1);
                let kept = f.derivative_needs_input().then(|| view(&mut sums));
                kernels.forward(x, weights, &bias, f, kept, view(&mut y));
                let place = format!("{f} of [rows, inputs, outputs] {shape:?}, gap {gap}");
                report.require(gaps_are_nan(&y, outputs, gap), &place, "overrun");
                report.require(gaps_are_nan(&sums, outputs, gap), &place, "overrun of sums");
                let (y, sums) = (without_gaps(&y, outputs, gap), without_gaps(&sums, outputs, gap));
                let kept = sums.len();
                let expected = z.map(|z| activation::output(f, z, rounding));
                report.all_within(&place, &T::values(y), &expected.elements);
                report.all_within(
                    format_args!("sums of {place}"),
                    &T::values(sums),
                    &z.elements[..kept],
                );
            }
        }
    }
    report
}

/// D ← (Δ·W) ∘ f′ for every activation, for all columns and for some. D is NaN before.
pub fn input_gradient<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("input_gradient");
    let rounding = Rounding::of(T::PRECISION);
    for (number, shape @ [rows, inputs, outputs]) in LAYERS.into_iter().enumerate() {
        let mut stream = stream(50_000 + number);
        let mut draw = |len| normal::<T>(&mut stream, len);
        let (delta, weight) = (draw(rows * outputs), draw(outputs * inputs));
        let sums = draw(rows * inputs);
        let by_input = wide(outputs, inputs, &weight).transposed();
        let product = product(&wide(rows, outputs, &delta), &by_input, |_, _| 0.0, rounding);
        for f in Activation::ALL {
            // the outputs a correct layer below would have handed on
            let y: Vec<T> =
                sums.iter().map(|z| T::of(activation::function(f, z.widen()))).collect();
            let (delta, weight) =
                (MatRef::new(&delta, rows, outputs), MatRef::new(&weight, outputs, inputs));
            let slope = |z: &T| activation::derivative(f, Bounded::exact(z.widen()), rounding);
            let expected: Vec<_> = (product.elements.iter().zip(&sums))
                .map(
                    |(p, z)| {
                        if f == Activation::Identity { *p } else { rounding.mul(*p, slope(z)) }
                    },
                )
                .collect();
            for columns in [0..inputs, inputs / 3..inputs, 0..inputs.div_ceil(2)] {
                // all else of D is someone else's
                let mut d = vec![T::nan(); rows * inputs];
                let part = |data| MatRef::new(data, rows, inputs).columns(columns.clone());
                let into = &mut d[columns.start.min(rows * inputs)..];
                let into = MatMut::with_strides(into, rows, columns.len(), inputs, 1);
                let kept = f.derivative_needs_input().then(|| part(&sums));
                let weight = weight.columns(columns.clone());
                kernels.input_gradient(delta, weight, f, kept, part(&y), into);
                let place = format!("{f} of [rows, inputs, outputs] {shape:?}, inputs {columns:?}");
                let inside = |at: &usize| columns.contains(&(at % inputs));
                let (own, others): (Vec<usize>, Vec<usize>) = (0..d.len()).partition(inside);
                let untouched = others.iter().all(|&at| bits(d[at]) == bits(T::nan()));
                report.require(untouched, &place, "overrun");
                let written = own.iter().map(|&at| d[at]).collect();
                let expected: Vec<_> = own.iter().map(|&at| expected[at]).collect();
                report.all_within(place, &T::values(written), &expected);
            }
        }
    }
    report
}

/// G ← Δᵀ·X and g ← the column sums of Δ, for all columns of Δ and for some, and the same added to
/// them; with X packed before, where kernels do that, and without. G and g are NaN before.
pub fn weight_gradient<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("weight_gradient");
    let rounding = Rounding::of(T::PRECISION);
    let long = [[1000, 3, 5], [300, 65, 64], [300, 65, 100]];
    for (number, shape @ [rows, inputs, outputs]) in LAYERS.into_iter().chain(long).enumerate() {
        let mut stream = stream(60_000 + number);
        let mut draw = |len| normal::<T>(&mut stream, len);
        let (delta, x) = (draw(rows * outputs), draw(rows * inputs));
        let by_output = wide(rows, outputs, &delta).transposed();
        let by_input = wide(rows, inputs, &x).transposed();
        let ones = Matrix::exact(1, rows, vec![1.0; rows]);
        let weights = product(&by_output, &by_input, |_, _| 0.0, rounding);
        let biases = product(&by_output, &ones, |_, _| 0.0, rounding);
        for columns in [0..outputs, outputs / 3..outputs, 0..outputs.div_ceil(2)] {
            for gap in [0, 2] {
                let x = padded(&x, inputs, gap);
                let matrix = MatRef::with_strides(&x, rows, inputs, inputs + gap, 1);
                // one of the two packed
                let packed =
                    if gap == 0 { packed_inputs(kernels, matrix, outputs) } else { Vec::new() };
                let x = Inputs { matrix, packed: &packed, of_outputs: outputs };
                let part =
                    MatRef::with_strides(&delta[columns.start..], rows, columns.len(), outputs, 1);
                // one more element behind each, for kernels that write through pointers
                let mut g = vec![T::nan(); columns.len() * inputs + 1];
                let mut b = vec![T::nan(); columns.len() + 1];
                let (last_g, last_b) = (g.len() - 1, b.len() - 1);
                let (to, of_bias) = (&mut g[..last_g], &mut b[..last_b]);
                kernels.weight_gradient(part, x, Beta::Zero, to, of_bias);
                let place = format!("[rows, inputs, outputs] {shape:?}, outputs {columns:?}");
                let untouched = |x: T| bits(x) == bits(T::nan());
                report.require(untouched(g[last_g]) && untouched(b[last_b]), &place, "overrun");
                g.truncate(last_g);
                b.truncate(last_b);
                let weights = &weights.elements[columns.start * inputs..columns.end * inputs];
                let biases = &biases.elements[columns.clone()];
                report.all_within(&place, &T::values(g.clone()), weights);
                report.all_within(format_args!("bias of {place}"), &T::values(b.clone()), biases);
                // once more, to what is there
                kernels.weight_gradient(part, x, Beta::One, &mut g, &mut b);
                let twice = |expected: &[Bounded]| -> Vec<Bounded> {
                    expected.iter().map(|one| rounding.add(*one, *one)).collect()
                };
                report.all_within(format_args!("twice {place}"), &T::values(g), &twice(weights));
                let place = format_args!("bias of twice {place}");
                report.all_within(place, &T::values(b), &twice(biases));
            }
        }
    }
    report
}
