//! Every element of a product is one chain of multiply–adds along k, bit for bit: at shapes where
//! operands are packed, cut and taken up again in every way there is. In a layer of one output it is
//! sixteen chains.

use consonance_backend_fused::Fused;
use consonance_core::{Activation, Loss, Plan};
use consonance_host::kernels::{Inputs, Weights, add_columns};
use consonance_host::simd::Level;
use consonance_host::{Beta, Kernels, MatMut, MatRef, Math};

fn numbers<T: Math>(len: usize) -> Vec<T> {
    (0..len).map(|i| T::of((i * 7919 % 1009) as f64 / 1009.0 - 0.5)).collect()
}

/// a·b + c, rounded once where the level can.
fn mul_add<T: Math>(level: Level, a: T, b: T, c: T) -> T {
    if level == Level::Portable { a * b + c } else { a.mul_add(b, c) }
}

/// start + A·B, element by element.
fn chains<T: Math>(level: Level, start: &[T], a: &MatRef<'_, T>, b: &MatRef<'_, T>) -> Vec<T> {
    let mut c = Vec::new();
    for i in 0..a.rows() {
        for j in 0..b.cols() {
            let first = start.get(j).copied().unwrap_or(T::zero());
            c.push((0..a.cols()).fold(first, |c, p| mul_add(level, a.get(i, p), b.get(p, j), c)));
        }
    }
    c
}

/// Levels of this processor, vectors alone.
fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_available())
}

/// X [rows, inputs] with `gap` numbers between its rows, through a layer of `outputs` relus.
fn forward<T: Math>(rows: usize, inputs: usize, outputs: usize, gap: usize)
where
    Fused: Kernels<T>,
{
    let stride = inputs + gap;
    let (x, w) = (numbers::<T>(rows * stride), numbers::<T>(outputs * inputs));
    let bias = numbers::<T>(outputs);
    let x = MatRef::with_strides(&x, rows, inputs, stride, 1);
    let matrix = MatRef::new(&w, outputs, inputs);
    for level in levels() {
        let kernels = Fused::at(level);
        let panels = outputs.div_ceil(Kernels::<T>::panel_rows(&kernels));
        let mut packed =
            vec![T::nan(); panels * Kernels::<T>::panel_len(&kernels, inputs, outputs)];
        kernels.pack(matrix, &mut packed);
        let mut expected = chains(level, &bias, &x, &matrix.t());
        expected.iter_mut().for_each(|x| *x = x.max(T::zero()));
        // by the panels that are kept, and by those of large weights, which are not
        for packed in [&packed[..], &[]] {
            let mut y = vec![T::nan(); rows * outputs];
            let weights = Weights { matrix, packed, of_outputs: outputs };
            let to = MatMut::new(&mut y, rows, outputs);
            kernels.forward(x, weights, &bias, Activation::Relu, None, to);
            let place = format!("{level}: {rows} × {inputs} × {outputs}, {gap} apart");
            assert!(y == expected, "{place}, {} packed", packed.len());
        }
    }
}

/// X through a layer of one output: every 16th term in the same chain, chains added in pairs.
fn one_output<T: Math>(rows: usize, inputs: usize, gap: usize)
where
    Fused: Kernels<T>,
{
    let stride = inputs + gap;
    let (x, w, bias) = (numbers::<T>(rows * stride), numbers::<T>(inputs), [T::of(0.375)]);
    let x = MatRef::with_strides(&x, rows, inputs, stride, 1);
    let weights = Weights { matrix: MatRef::new(&w, 1, inputs), packed: &[], of_outputs: 1 };
    for level in levels() {
        let mut y = vec![T::nan(); rows * 3];
        let to = MatMut::with_strides(&mut y, rows, 1, 3, 1);
        Fused::at(level).forward(x, weights, &bias, Activation::Identity, None, to);
        for row in 0..rows {
            let mut chains = [T::zero(); 16];
            for (p, &w) in w.iter().enumerate() {
                chains[p % 16] = mul_add(level, x.get(row, p), w, chains[p % 16]);
            }
            for half in [8, 4, 2, 1] {
                (0..half).for_each(|i| chains[i] += chains[i + half]);
            }
            assert_eq!(y[3 * row], chains[0] + bias[0], "{level}: row {row} of {rows} × {inputs}");
        }
        assert!(y.iter().skip(1).step_by(3).all(|y| y.is_nan()), "{level}: between the rows");
    }
}

/// The gradient of the weights of a layer.
fn weight_gradient<T: Math>(rows: usize, inputs: usize, outputs: usize)
where
    Fused: Kernels<T>,
{
    let (x, delta) = (numbers::<T>(rows * inputs), numbers::<T>(rows * outputs));
    let (matrix, delta) = (MatRef::new(&x, rows, inputs), MatRef::new(&delta, rows, outputs));
    for level in levels() {
        let kernels = Fused::at(level);
        let (mut g, mut bias) = (vec![T::nan(); outputs * inputs], vec![T::nan(); outputs]);
        let x = Inputs { matrix, packed: &[], of_outputs: outputs };
        kernels.weight_gradient(delta, x, Beta::Zero, &mut g, &mut bias);
        let expected = chains(level, &[], &delta.t(), &matrix);
        assert!(g == expected, "{level}: gradient of {rows} × {inputs} × {outputs}");
    }
}

/// The gradient of its inputs.
fn input_gradient<T: Math>(rows: usize, inputs: usize, outputs: usize)
where
    Fused: Kernels<T>,
{
    let (delta, w) = (numbers::<T>(rows * outputs), numbers::<T>(outputs * inputs));
    let (delta, weight) = (MatRef::new(&delta, rows, outputs), MatRef::new(&w, outputs, inputs));
    let y = numbers::<T>(rows * inputs);
    for level in levels() {
        let kernels = Fused::at(level);
        let mut d = vec![T::nan(); rows * inputs];
        let (of, to) = (MatRef::new(&y, rows, inputs), MatMut::new(&mut d, rows, inputs));
        kernels.input_gradient(delta, weight, Activation::Relu, None, of, to);
        let mut expected = chains(level, &[], &delta, &weight);
        for (x, &y) in expected.iter_mut().zip(&y) {
            *x = if y > T::zero() { *x } else { T::zero() };
        }
        assert!(d == expected, "{level}: {rows} × {outputs} × {inputs} back");
    }
}

/// The widths of panels that the kernels want for activations, of networks as large as can be.
fn panel<T: Math>(kernels: &Fused) -> Option<usize>
where
    Fused: Kernels<T>,
{
    let plan = Plan::mlp(1024, &[1024], 1024, Activation::Relu, Loss::CrossEntropy);
    let panel = Kernels::<T>::activation_panel(kernels, &plan.dense_layers().unwrap());
    (panel > 0).then_some(panel)
}

/// Numbers in panels, NaN around them and what fills up the last panel.
struct InPanels<T> {
    elements: Vec<T>,
    rows: usize,
    cols: usize,
    width: usize,
}

impl<T: Math> InPanels<T> {
    fn new(rows: usize, cols: usize, width: usize, value: impl Fn(usize, usize) -> T) -> Self {
        let elements = vec![T::nan(); cols.div_ceil(width) * Self::stride(rows, width)];
        let mut all = InPanels { elements, rows, cols, width };
        let mut view = all.view_mut();
        for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
            view.set(i, j, value(i, j));
        }
        all
    }

    fn stride(rows: usize, width: usize) -> usize {
        (rows + 2) * width
    }

    fn view(&self) -> MatRef<'_, T> {
        let stride = Self::stride(self.rows, self.width);
        MatRef::in_panels(&self.elements, self.rows, self.cols, self.width, stride)
    }

    fn view_mut(&mut self) -> MatMut<'_, T> {
        let stride = Self::stride(self.rows, self.width);
        MatMut::in_panels(&mut self.elements, self.rows, self.cols, self.width, stride)
    }

    /// That these are its elements, and nothing else was written.
    fn assert_are(&self, expected: &[T], what: &str) {
        let view = self.view();
        let of_row = |i: usize| (0..self.cols).map(move |j| view.get(i, j));
        assert!((0..self.rows).flat_map(of_row).eq(expected.iter().copied()), "{what}");
        let others = self.elements.iter().filter(|x| x.is_nan()).count();
        assert_eq!(others, self.elements.len() - self.rows * self.cols, "beside, {what}");
    }
}

/// All three products of a layer whose activations lie in panels, at every level that wants them.
fn in_panels<T: Math>(rows: usize, inputs: usize, outputs: usize)
where
    Fused: Kernels<T>,
{
    let number = |i: usize, j: usize| T::of(((i * 31 + j) * 7919 % 1009) as f64 / 1009.0 - 0.5);
    let (w, bias) = (numbers::<T>(outputs * inputs), numbers::<T>(outputs));
    let matrix = MatRef::new(&w, outputs, inputs);
    for level in levels() {
        let kernels = Fused::at(level);
        let Some(width) = panel::<T>(&kernels) else { continue };
        let what = format!("{level}: {rows} × {inputs} × {outputs} in panels");
        let x = InPanels::new(rows, inputs, width, number);
        let delta = InPanels::new(rows, outputs, width, |i, j| number(j, i));
        let nan = |_: usize, _: usize| T::nan();

        let len = Kernels::<T>::panel_len(&kernels, inputs, outputs);
        let mut packed = vec![T::nan(); outputs.div_ceil(width) * len];
        kernels.pack(matrix, &mut packed);
        let weights = Weights { matrix, packed: &packed, of_outputs: outputs };
        let mut y = InPanels::new(rows, outputs, width, nan);
        kernels.forward(x.view(), weights, &bias, Activation::Identity, None, y.view_mut());
        if outputs > 1 {
            let expected = chains(level, &bias, &x.view(), &matrix.t());
            y.assert_are(&expected, &what);
            let unpacked = Weights { packed: &[], ..weights };
            let mut y = InPanels::new(rows, outputs, width, nan);
            kernels.forward(x.view(), unpacked, &bias, Activation::Identity, None, y.view_mut());
            y.assert_are(&expected, &format!("{what}, weights not packed"));
        } else {
            let apart: Vec<T> =
                (0..rows * inputs).map(|i| number(i / inputs, i % inputs)).collect();
            let mut expected = vec![T::nan(); rows];
            let (x, to) = (MatRef::new(&apart, rows, inputs), MatMut::new(&mut expected, rows, 1));
            kernels.forward(x, weights, &bias, Activation::Identity, None, to);
            y.assert_are(&expected, &what);
        }

        let mut d = InPanels::new(rows, inputs, width, nan);
        let of = InPanels::new(rows, inputs, width, number);
        let to = d.view_mut();
        kernels.input_gradient(delta.view(), matrix, Activation::Relu, None, of.view(), to);
        let mut expected = chains(level, &[], &delta.view(), &matrix);
        for (at, d) in expected.iter_mut().enumerate() {
            *d = if number(at / inputs, at % inputs) > T::zero() { *d } else { T::zero() };
        }
        d.assert_are(&expected, &what);

        let (mut g, mut sums) = (vec![T::nan(); outputs * inputs], vec![T::nan(); outputs]);
        let of = Inputs { matrix: x.view(), packed: &[], of_outputs: outputs };
        kernels.weight_gradient(delta.view(), of, Beta::Zero, &mut g, &mut sums);
        assert!(g == chains(level, &[], &delta.view().t(), &x.view()), "{what}, weights");
        let ones = vec![T::one(); rows];
        let mut expected = chains(level, &[], &MatRef::new(&ones, 1, rows), &delta.view());
        if outputs < 16 {
            // which are summed as everybody sums them
            add_columns(delta.view(), Beta::Zero, &mut expected);
        }
        assert!(sums == expected, "{what}, biases");
    }
}

/// What a panic of `run` says, or nothing.
fn refusal(run: impl FnOnce() + std::panic::UnwindSafe) -> Option<String> {
    let panic = std::panic::catch_unwind(run).err()?;
    let said = panic.downcast_ref::<&str>().map(|said| said.to_string());
    Some(said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
}

/// Panels of another width, at levels that want none, or turned; and one output of scattered rows.
#[test]
fn what_products_cannot_read_is_refused() {
    let numbers = numbers::<f32>(4096);
    for level in levels() {
        let kernels = Fused::at(level);
        let width = panel::<f32>(&kernels);
        let gradient = |x: MatRef<'_, f32>, outputs: usize| {
            let delta = MatRef::new(&numbers, x.rows(), outputs);
            let (mut g, mut bias) = (vec![0.0; outputs * x.cols()], vec![0.0; outputs]);
            let x = Inputs { matrix: x, packed: &[], of_outputs: outputs };
            kernels.weight_gradient(delta, x, Beta::Zero, &mut g, &mut bias);
        };
        let forward = |x: MatRef<'_, f32>| {
            let matrix = MatRef::new(&numbers, 1, x.cols());
            let weights = Weights { matrix, packed: &[], of_outputs: 1 };
            let mut y = vec![0.0; x.rows()];
            let to = MatMut::new(&mut y, x.rows(), 1);
            kernels.forward(x, weights, &[0.0], Activation::Identity, None, to);
        };
        for of in [4, 8, 16] {
            let x = MatRef::in_panels(&numbers, 20, 40, of, 20 * of);
            let refused = refusal(|| gradient(x, 5)).is_some();
            assert_eq!(refused, width != Some(of), "{level}: panels of {of}");
            assert!(refusal(|| gradient(x.t(), 5)).is_some(), "{level}: turned panels of {of}");
            assert!(refusal(|| forward(x.t())).is_some(), "{level}: turned panels, one output");
        }
        let scattered = MatRef::with_strides(&numbers, 20, 40, 1, 20);
        let said = refusal(|| forward(scattered)).expect("a refusal");
        assert!(said.contains("lie apart"), "{level}: {said}");
    }
}

macro_rules! tests {
    ($type:ident) => {
        mod $type {
            #[test]
            fn forward() {
                // by short and long sums, that are no multiple of what a round takes
                super::forward::<$type>(13, 5, 70, 0);
                super::forward::<$type>(21, 131, 40, 3);
                // an A beyond the second-level cache, whose terms are taken in blocks
                super::forward::<$type>(250, 1100, 40, 1);
                // rows that crowd the cache: packed
                super::forward::<$type>(101, 1024, 530, 0);
                // one to three rows have wider tiles, behind others where B is small
                super::forward::<$type>(1, 37, 150, 0);
                super::forward::<$type>(2, 150, 75, 2);
                super::forward::<$type>(3, 300, 530, 0);
                super::forward::<$type>(11, 20, 140, 0);
            }

            #[test]
            fn one_output() {
                super::one_output::<$type>(1, 5, 0);
                super::one_output::<$type>(3, 20, 0);
                super::one_output::<$type>(70, 16, 0);
                super::one_output::<$type>(16, 64, 0);
                super::one_output::<$type>(37, 150, 3);
            }

            #[test]
            fn in_panels() {
                super::in_panels::<$type>(13, 5, 70);
                super::in_panels::<$type>(37, 64, 1);
                super::in_panels::<$type>(24, 150, 40);
                super::in_panels::<$type>(3, 40, 33);
                // W packed for its input gradient, an A beyond the second-level cache
                super::in_panels::<$type>(131, 700, 310);
                super::in_panels::<$type>(250, 1100, 40);
                super::in_panels::<$type>(130, 40, 2100);
            }

            #[test]
            fn weight_gradient() {
                super::weight_gradient::<$type>(9, 40, 33);
                super::weight_gradient::<$type>(150, 70, 19);
                // A packed in several parts, B as it lies; then both packed
                super::weight_gradient::<$type>(140, 300, 515);
                super::weight_gradient::<$type>(300, 70, 515);
                super::weight_gradient::<$type>(300, 1024, 520);
                // one term
                super::weight_gradient::<$type>(1, 75, 13);
                super::weight_gradient::<$type>(1, 75, 520);
            }

            #[test]
            fn input_gradient() {
                super::input_gradient::<$type>(9, 40, 33);
                // B packed a part of a block at a time
                super::input_gradient::<$type>(131, 310, 700);
                // one term
                super::input_gradient::<$type>(13, 75, 1);
                super::input_gradient::<$type>(8, 128, 1);
            }
        }
    };
}

tests!(f32);
tests!(f64);
