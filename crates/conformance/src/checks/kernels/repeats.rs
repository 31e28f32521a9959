//! The same bits, however often, from however many threads, in however many pieces.

use super::strided::{Layout, Strided};
use super::{packed, packed_inputs};
use crate::Report;
use crate::checks::material::{normal, stream};
use consonance_core::Activation;
use consonance_host::kernels::{Inputs, Weights};
use consonance_host::{Beta, Kernels, MatMut, MatRef, Math};
use std::ops::Range;

/// Shapes [m, n, k] on both sides of every threshold a kernel is likely to have.
const SHAPES: [[usize; 3]; 8] = [
    [1, 1, 7],
    [1, 64, 65],
    [33, 1, 100],
    [13, 17, 31],
    [64, 64, 64],
    [70, 130, 300],
    [129, 98, 70],
    [9, 66, 1000],
];

/// Random A [m, k] and B [k, n] in these layouts.
fn operands<T: Math>(
    number: usize,
    [m, n, k]: [usize; 3],
    [of_a, of_b]: [Layout; 2],
) -> (Strided<T>, Strided<T>) {
    let mut stream = stream(20_000 + number);
    let (a, b) = (normal::<T>(&mut stream, m * k), normal::<T>(&mut stream, k * n));
    (
        Strided::new(of_a, m, k, T::nan(), |i, l| a[i * k + l]),
        Strided::new(of_b, k, n, T::nan(), |l, j| b[l * n + j]),
    )
}

fn row_major<T: Math>(kernels: &impl Kernels<T>, a: MatRef<'_, T>, b: MatRef<'_, T>) -> Vec<T> {
    let mut c = vec![T::nan(); a.rows() * b.cols()];
    kernels.gemm(a, b, Beta::Zero, MatMut::new(&mut c, a.rows(), b.cols()));
    c
}

/// The same product gives the same bits when it is asked for again, and when four threads ask for
/// it at once.
pub fn repeats<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("repeats");
    for (number, shape) in SHAPES.into_iter().enumerate() {
        let (a, b) = operands::<T>(number, shape, [Layout::Rows, Layout::Columns]);
        let run = || T::values(row_major(kernels, a.as_ref(), b.as_ref()));
        let first = run();
        for _ in 0..3 {
            report.same_bits(format_args!("{shape:?} again"), &first, &run());
        }
        let at_once: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| [run(), run(), run(), run()])).collect();
            threads.into_iter().flat_map(|t| t.join().expect("kernels do not panic")).collect()
        });
        for other in at_once {
            report.same_bits(format_args!("{shape:?} from four threads"), &first, &other);
        }
    }
    report
}

/// If [`Kernels::is_shape_invariant`] says so: each element of a product has the bits it has in
/// the product of fewer rows and columns, and a dense layer the bits it has when it is computed
/// for fewer rows or fewer outputs. Where it says no there is nothing to hold, and the report
/// says that alone.
pub fn shape_invariance<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("shape_invariance");
    if !kernels.is_shape_invariant() {
        report.require(true, "kernels that claim no shape invariance", "");
        return report;
    }
    let layouts = [
        [Layout::Rows, Layout::Rows],
        [Layout::Rows, Layout::Columns],
        [Layout::Columns, Layout::Rows],
        [Layout::PaddedRows, Layout::PaddedColumns],
    ];
    for (number, shape @ [m, n, k]) in SHAPES.into_iter().enumerate() {
        for layout in layouts {
            let (a, b) = operands::<T>(number, shape, layout);
            let whole = row_major(kernels, a.as_ref(), b.as_ref());
            for rows in ranges(m) {
                for cols in ranges(n) {
                    let part =
                        row_major(kernels, a.part(rows.clone(), 0..k), b.part(0..k, cols.clone()));
                    let cut = rows.clone().flat_map(|i| cols.clone().map(move |j| i * n + j));
                    let cut: Vec<T> = cut.map(|place| whole[place]).collect();
                    report.same_bits(
                        format_args!("{shape:?}, {layout:?}: rows {rows:?}, columns {cols:?}"),
                        &T::values(cut),
                        &T::values(part),
                    );
                }
            }
        }
        layers(kernels, number, shape, &mut report);
    }
    report
}

/// Where [`Kernels::keeps_packed`] says no: a dense layer has the same bits without panels as with,
/// and, with [`Kernels::is_shape_invariant`], for fewer rows or fewer outputs. The engine hands
/// panels over or not, by the number of threads and what it was asked before. Where it says yes of
/// all shapes that are tried there is nothing to hold, and the report says that alone.
pub fn without_panels<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("without_panels");
    let lacks = |&[_, n, k]: &[usize; 3]| {
        kernels.panel_rows() > 0 && kernels.panel_len(k, n) > 0 && !kernels.keeps_packed(k, n)
    };
    let shapes = SHAPES.into_iter().chain([[9, 1030, 1024]]).filter(lacks);
    for (number, shape @ [m, n, k]) in shapes.enumerate() {
        let mut stream = stream(40_000 + number);
        let mut draw = |len| normal::<T>(&mut stream, len);
        let (x, weight, bias) = (draw(m * k), draw(n * k), draw(n));
        let panels = packed(kernels, MatRef::new(&weight, n, k), n);
        let forward = |packed, rows: Range<usize>, outputs: Range<usize>| {
            let mut y = vec![T::nan(); rows.len() * outputs.len()];
            let matrix = MatRef::new(&weight[outputs.start * k..], outputs.len(), k);
            let weights = Weights { matrix, packed, of_outputs: n };
            let x = MatRef::new(&x[rows.start * k..], rows.len(), k);
            let into = MatMut::new(&mut y, rows.len(), outputs.len());
            kernels.forward(x, weights, &bias[outputs], Activation::Identity, None, into);
            y
        };
        let whole = forward(&panels, 0..m, 0..n);
        let cut = kernels.is_shape_invariant();
        let by_rows = ranges(if cut { m } else { 0 }).into_iter().map(|rows| (rows, 0..n));
        let by_outputs = ranges(if cut { n } else { 0 }).into_iter().map(|part| (0..m, part));
        for (rows, outputs) in [(0..m, 0..n)].into_iter().chain(by_rows).chain(by_outputs) {
            let place = format!("dense layer {shape:?}: rows {rows:?}, outputs {outputs:?}");
            let expected = T::values(block(&whole, n, &rows, &outputs));
            report.same_bits(place, &expected, &T::values(forward(&[], rows, outputs)));
        }
    }
    if report.compared() == 0 {
        report.require(true, "kernels whose panels are always there, or that have none", "");
    }
    report
}

/// Where a matrix of `len` rows or columns is cut: all pairs of neighbouring cuts, and from the
/// beginning.
fn ranges(len: usize) -> Vec<Range<usize>> {
    let mut cuts: Vec<usize> = [0, 1, 8, 31, 64, len.saturating_sub(1), len]
        .into_iter()
        .filter(|cut| *cut <= len)
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let neighbours = cuts.windows(2).map(|pair| pair[0]..pair[1]);
    let heads = cuts[1..].iter().map(|cut| 0..*cut);
    neighbours.chain(heads).collect()
}

/// The products of a dense layer with m rows, n outputs and k inputs, cut as the engine cuts them:
/// by rows and by columns on the way forward and back, by outputs for the gradient of the weights.
fn layers<T: Math>(
    kernels: &impl Kernels<T>,
    number: usize,
    shape @ [m, n, k]: [usize; 3],
    report: &mut Report,
) {
    let mut stream = stream(30_000 + number);
    let mut draw = |rows, cols| normal::<T>(&mut stream, rows * cols);
    let (x, weight, bias, delta) = (draw(m, k), draw(n, k), draw(1, n), draw(m, n));
    let slopes = vec![T::of(0.5); m * k];
    let forward = |rows: Range<usize>, outputs: Range<usize>| {
        let mut y = vec![T::nan(); rows.len() * outputs.len()];
        let x = MatRef::new(&x[rows.start * k..], rows.len(), k);
        let matrix = MatRef::new(&weight[outputs.start * k..], outputs.len(), k);
        let packed = packed(kernels, matrix, n);
        let weights = Weights { matrix, packed: &packed, of_outputs: n };
        let into = MatMut::new(&mut y, rows.len(), outputs.len());
        kernels.forward(x, weights, &bias[outputs], Activation::Tanh, None, into);
        y
    };
    let back = |rows: Range<usize>, inputs: Range<usize>| {
        let mut d = vec![T::nan(); rows.len() * inputs.len()];
        let y = MatRef::new(&slopes, rows.len(), inputs.len());
        let delta = MatRef::new(&delta[rows.start * n..], rows.len(), n);
        let weight = MatRef::new(&weight, n, k).columns(inputs.clone());
        let into = MatMut::new(&mut d, rows.len(), inputs.len());
        kernels.input_gradient(delta, weight, Activation::Tanh, None, y, into);
        d
    };
    let (outputs, inputs) = (forward(0..m, 0..n), back(0..m, 0..k));
    let place = |rows: &Range<usize>, columns: &Range<usize>| {
        format!("dense layer {shape:?}: rows {rows:?}, columns {columns:?}")
    };
    let all = |len: usize| move |part| (part, 0..len);
    let by_outputs = ranges(n).into_iter().map(|outputs| (0..m, outputs));
    for (rows, columns) in ranges(m).into_iter().map(all(n)).chain(by_outputs) {
        let cut = T::values(block(&outputs, n, &rows, &columns));
        let place = place(&rows, &columns);
        report.same_bits(place, &cut, &T::values(forward(rows, columns)));
    }
    let by_inputs = ranges(k).into_iter().map(|inputs| (0..m, inputs));
    for (rows, columns) in ranges(m).into_iter().map(all(k)).chain(by_inputs) {
        let cut = T::values(block(&inputs, k, &rows, &columns));
        let place = place(&rows, &columns);
        report.same_bits(place, &cut, &T::values(back(rows, columns)));
    }
    let weights = |outputs: Range<usize>| {
        let (mut g, mut b) = (vec![T::nan(); outputs.len() * k], vec![T::nan(); outputs.len()]);
        let columns = MatRef::new(&delta, m, n).columns(outputs);
        let matrix = MatRef::new(&x, m, k);
        let packed = packed_inputs(kernels, matrix, n);
        let x = Inputs { matrix, packed: &packed, of_outputs: n };
        kernels.weight_gradient(columns, x, Beta::Zero, &mut g, &mut b);
        (g, b)
    };
    let (all_weights, all_biases) = weights(0..n);
    for outputs in ranges(n) {
        let place = format!("gradient of dense layer {shape:?}: outputs {outputs:?}");
        let (g, b) = weights(outputs.clone());
        let cut = all_weights[outputs.start * k..outputs.end * k].to_vec();
        report.same_bits(&place, &T::values(cut), &T::values(g));
        report.same_bits(&place, &T::values(all_biases[outputs].to_vec()), &T::values(b));
    }
}

/// Some rows and columns of a row-major matrix.
fn block<T: Copy>(
    matrix: &[T],
    width: usize,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> Vec<T> {
    rows.clone().flat_map(|row| &matrix[row * width..][columns.clone()]).copied().collect()
}
