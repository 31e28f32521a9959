//! The three products of a dense layer, with every backend whose products can be called by
//! themselves.

use super::normal;
use crate::common::{self, assert_agreement, id, worst_error};
use consonance::host::kernels::{Inputs, Weights};
use consonance::host::{Beta, Kernels, MatMut, MatRef};
use consonance::workloads::Workload;
use consonance::{Activation, Arena, Precision};
use consonance_conformance::oracle::Rounding;
use consonance_conformance::oracle::product::{Matrix, product};
use criterion::{Criterion, Throughput};
use std::cell::LazyCell;

/// Rows, and columns, of a result that are held against the oracle.
const COMPARED: usize = 48;

/// The widths of a layer, and the rows of its mini-batch.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Shape {
    rows: usize,
    inputs: usize,
    outputs: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Product {
    /// X·Wᵀ + b
    Forward,
    /// Δ·W
    InputGradient,
    /// Δᵀ·X, and the column sums of Δ
    WeightGradient,
}

impl Product {
    /// What it is called: `ops/forward_flops/64x784x128`.
    pub(super) fn id(self, Shape { rows, inputs, outputs }: Shape) -> String {
        let name = match self {
            Product::Forward => "forward",
            Product::InputGradient => "input_gradient",
            Product::WeightGradient => "weight_gradient",
        };
        format!("ops/{name}_flops/{rows}x{inputs}x{outputs}")
    }
}

/// What they multiply: X [rows, inputs], W [outputs, inputs], b, Δ [rows, outputs].
pub(super) struct Operands {
    pub(super) shape: Shape,
    x: Arena<f32>,
    weight: Arena<f32>,
    bias: Arena<f32>,
    delta: Arena<f32>,
}

/// Every product of every workload once: 2·rows·inputs·outputs operations each.
pub(crate) fn products(criterion: &mut Criterion) {
    for (shape, products) in shapes() {
        let operands = LazyCell::new(|| Operands::new(shape));
        let Shape { rows, inputs, outputs } = shape;
        for which in products {
            let mut group = criterion.benchmark_group(which.id(shape));
            group.throughput(Throughput::Elements(2 * (rows * inputs * outputs) as u64));
            for kernels in consonance::products() {
                let mut call = None;
                group.bench_function(id(kernels.name, 1), |bencher| {
                    let call = call.get_or_insert_with(|| {
                        let mut call = Call::new(&operands, which, &*kernels.f32);
                        call.run();
                        call.assert_agreement(kernels.name);
                        call
                    });
                    bencher.iter(|| call.run());
                });
            }
            group.finish();
        }
    }
}

/// The shapes of all workloads' layers, each once, with the products that a step makes there: a
/// first layer has no use for its input gradient.
pub(super) fn shapes() -> Vec<(Shape, Vec<Product>)> {
    use Product::{Forward, InputGradient, WeightGradient};
    let mut shapes: Vec<(Shape, Vec<Product>)> = Vec::new();
    for workload in Workload::all() {
        let layers = workload.plan.dense_layers().expect("a network");
        for (number, layer) in layers.iter().enumerate() {
            let rows = workload.batch_size;
            let shape = Shape { rows, inputs: layer.inputs, outputs: layer.outputs };
            let mut products = vec![Forward, WeightGradient];
            products.extend((number > 0).then_some(InputGradient));
            match shapes.iter_mut().find(|(known, _)| *known == shape) {
                Some((_, known)) if known.len() < products.len() => *known = products,
                Some(_) => {}
                None => shapes.push((shape, products)),
            }
        }
    }
    shapes
}

impl Operands {
    pub(super) fn new(shape: Shape) -> Self {
        let Shape { rows, inputs, outputs } = shape;
        let rows = common::rows(rows);
        Operands {
            shape: Shape { rows, ..shape },
            x: normal(0, rows * inputs),
            weight: normal(1, outputs * inputs),
            bias: normal(2, outputs),
            delta: normal(3, rows * outputs),
        }
    }

    fn x(&self) -> MatRef<'_, f32> {
        MatRef::new(&self.x, self.shape.rows, self.shape.inputs)
    }

    fn weight(&self) -> MatRef<'_, f32> {
        MatRef::new(&self.weight, self.shape.outputs, self.shape.inputs)
    }

    fn delta(&self) -> MatRef<'_, f32> {
        MatRef::new(&self.delta, self.shape.rows, self.shape.outputs)
    }
}

/// A product, its kernels, and what it writes to.
pub(super) struct Call<'a> {
    operands: &'a Operands,
    which: Product,
    kernels: &'a dyn Kernels<f32>,
    packed: Arena<f32>,
    result: Arena<f32>,
    bias_gradient: Arena<f32>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        operands: &'a Operands,
        which: Product,
        kernels: &'a dyn Kernels<f32>,
    ) -> Self {
        let Shape { inputs, outputs, .. } = operands.shape;
        let panels = match kernels.panel_rows() {
            0 => 0,
            rows => outputs.div_ceil(rows),
        };
        let mut packed = Arena::zeros(panels * kernels.panel_len(inputs, outputs));
        if !packed.is_empty() {
            kernels.pack(operands.weight(), &mut packed);
        }
        let mut call = Call {
            operands,
            which,
            kernels,
            packed,
            result: Arena::zeros(0),
            bias_gradient: Arena::zeros(outputs),
        };
        let (a, b) = call.factors();
        call.result = Arena::zeros(a.rows() * b.rows());
        call
    }

    pub(super) fn run(&mut self) {
        let Call { operands, kernels, packed, result, bias_gradient, .. } = self;
        let (x, matrix, delta) = (operands.x(), operands.weight(), operands.delta());
        let identity = Activation::Identity;
        match self.which {
            Product::Forward => {
                let weights = Weights { matrix, packed, of_outputs: matrix.rows() };
                let y = MatMut::new(result, x.rows(), matrix.rows());
                kernels.forward(x, weights, &operands.bias, identity, None, y);
            }
            Product::InputGradient => {
                let d = MatMut::new(result, delta.rows(), matrix.cols());
                let nothing = MatRef::new(&[], 0, 0);
                kernels.input_gradient(delta, matrix, identity, None, nothing, d);
            }
            Product::WeightGradient => {
                let x = Inputs { matrix: x, packed: &[], of_outputs: delta.cols() };
                kernels.weight_gradient(delta, x, Beta::Zero, result, bias_gradient);
            }
        }
    }

    /// A and B, where the product is A·Bᵀ.
    fn factors(&self) -> (MatRef<'a, f32>, MatRef<'a, f32>) {
        let (x, weight, delta) = (self.operands.x(), self.operands.weight(), self.operands.delta());
        match self.which {
            Product::Forward => (x, weight),
            Product::InputGradient => (delta, weight.t()),
            Product::WeightGradient => (delta.t(), x.t()),
        }
    }

    /// Holds rows and columns from all over the result against the kit's bound.
    pub(super) fn assert_agreement(&self, name: &str) {
        let (a, b) = self.factors();
        let (rows, cols) = (spread(a.rows()), spread(b.rows()));
        let bias = |col: usize| match self.which {
            Product::Forward => f64::from(self.operands.bias[cols[col]]),
            _ => 0.0,
        };
        let (left, right) = (some_rows(a, &rows), some_rows(b, &cols));
        let expected = product(&left, &right, |_, j| bias(j), Rounding::of(Precision::F32));
        let stride = b.rows();
        let place = |i: &usize| {
            let first = i * stride;
            cols.iter().map(move |j| first + j)
        };
        let observed = rows.iter().flat_map(place).map(|place| f64::from(self.result[place]));
        assert_agreement(name, worst_error(expected.elements, observed));
    }
}

/// At most [`COMPARED`] of `len` places, the first and the last among them.
fn spread(len: usize) -> Vec<usize> {
    match len {
        0..=COMPARED => (0..len).collect(),
        _ => (0..COMPARED).map(|place| place * (len - 1) / (COMPARED - 1)).collect(),
    }
}

fn some_rows(matrix: MatRef<'_, f32>, rows: &[usize]) -> Matrix {
    let cols = matrix.cols();
    let row = |&i: &usize| (0..cols).map(move |j| f64::from(matrix.get(i, j)));
    Matrix::exact(rows.len(), cols, rows.iter().flat_map(row))
}
