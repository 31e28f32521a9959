//! The fused backend: products in register tiles of this crate's own.
//!
//! - The weights are kept packed for the forward product, and packed anew by the task that just
//!   updated them; nothing is packed for a product that reads rows as they lie. With AVX-512, f32
//!   weights that leave a core's cache meanwhile are packed by the product that reads them.
//! - Bias, relu and relu's derivative are applied while a tile is in the registers.
//! - Every element is one chain of fused multiply–adds along k, whatever tile it falls into, so
//!   bits depend neither on the number of threads nor on the shape of a product; in a layer of one
//!   output it is sixteen, whatever the rows beside it.
//! - Where the processor has a matrix unit (AMX), it takes the f32 products with long sums of layers
//!   that are wide enough, each number split into three bf16 just before; the weights of such layers
//!   are not kept packed.

#[cfg(target_arch = "x86_64")]
mod amx;
mod dots;
mod level;
mod outer;
mod pack;
mod product;
mod vector;

use consonance_core::{Activation, DenseLayer};
use consonance_host::kernels::{
    Inputs, Weights, activate, add_columns, check_shapes, scale_by_derivative,
};
use consonance_host::matrix::Panels;
use consonance_host::simd::{self, Level};
use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef};
use dots::dots;
use level::Compiled;
use pack::{overwrite, pack};
use product::{Ahead, BLOCK, Call, DEPTH, Finish, LARGE_BYTES, Product, Start};
use std::mem::MaybeUninit;

/// Products in register tiles.
#[derive(Debug, Clone, Copy)]
pub struct Fused {
    level: Level,
    /// Whether products go to the processor's matrix unit where that takes them.
    amx: bool,
}

/// The backend `fused`.
pub fn backend() -> HostBackend<Fused> {
    let library = "register tiles of its own";
    let kernels = Fused::default();
    let unit = if kernels.amx { "AMX, f32 as three bf16" } else { "none" };
    HostBackend::new("fused", env!("CARGO_PKG_VERSION"), library, kernels)
        .detail("matrix unit", unit)
}

impl Default for Fused {
    /// At the best level of this processor, with its matrix unit if it has one.
    fn default() -> Self {
        #[cfg(target_arch = "x86_64")]
        let amx = amx::is_available();
        #[cfg(not(target_arch = "x86_64"))]
        let amx = false;
        Fused { amx, ..Fused::vectors() }
    }
}

/// Distances from which the elements of a column of A, or the rows of B, lie so far apart that
/// packing pays: found by trying on the shapes of training.
const APART_A_BYTES: usize = 2048;
const APART_B_BYTES: usize = 1024;

/// A B larger than this is hardly in the second-level cache already: it is fetched into it ahead
/// of its use.
const FETCHED_BYTES: usize = 512 * 1024;

/// Rows of A that make up for packing B, fewer where its rows crowd a few sets of the cache, and
/// panels of B for packing A, more where A has rows.
const WORTH_ROWS: usize = 128;
const FEW_ROWS: usize = 64;
const WORTH_PANELS: usize = 4;
const MANY_PANELS: usize = 32;

/// Weights of a layer that is large enough for panels of activations: smaller products read rows as
/// they lie, and have nothing packed.
const WORTH_WEIGHTS: usize = 32 * 1024;

/// Weights of a layer that leaves a core's second-level cache between two products: to write its
/// panels and read them again costs more than to make them anew for each product of many rows.
const FAR_WEIGHTS: usize = 1024 * 1024;

/// Columns that make up for summing them by a product: fewer leave most of a vector empty.
const NARROW: usize = 16;

/// Terms that make up for splitting operands for the matrix unit, and rows of X in the gradient of
/// the weights, which splits X once for all outputs; a layer's outputs that do, and its inputs in
/// the gradient of the weights: found by trying on the eight workloads.
const WORTH_TERMS: usize = 192;
const WORTH_ROWS_OF_X: usize = 128;
const WORTH_OUTPUTS: usize = 96;
const WORTH_INPUTS: usize = 64;

/// The most rows of X that are kept split: with more, splitting them for each block of the gradient
/// is little beside its product.
const MOST_ROWS_OF_X: usize = 1024;

/// Panels of B that are packed and multiplied at a time, and rows and terms of A.
const STRIPE: usize = 3;
const ROWS: usize = 192;
const TERMS: usize = 2 * DEPTH;

/// Elements of the buffers for packed operands, which lie on the stack.
const A_LEN: usize = ROWS * TERMS;
const B_LEN: usize = STRIPE * MOST_LANES * DEPTH;
const MOST_LANES: usize = 16;

/// Memory for a packed operand, which begins with a cache line: a vector that lies in two is read
/// at half the speed.
#[repr(align(64))]
struct Buffer<T, const N: usize>([MaybeUninit<T>; N]);

impl Fused {
    /// Products at a level of the caller's choice, without a matrix unit: for tests that compare
    /// levels.
    ///
    /// # Panics
    /// If the processor does not have the level.
    pub fn at(level: Level) -> Self {
        assert!(level.is_available(), "this processor does not have {level}");
        Fused { level, amx: false }
    }

    /// Products at the best level of this processor, without a matrix unit.
    pub fn vectors() -> Self {
        Fused { level: simd::level(), amx: false }
    }

    /// True if products go to a matrix unit where that takes them: those of f32 with long sums.
    pub fn has_matrix_unit(&self) -> bool {
        self.amx
    }

    /// True if there is a matrix unit, and it multiplies this type.
    fn has_unit_for<T: Compiled>(&self) -> bool {
        self.amx && T::amx_panel(1).is_some()
    }

    /// True if the matrix unit takes sums of so many terms. This and the next two depend on the length
    /// of the sums and on the shape of the whole layer alone, so that bits do not depend on how a
    /// product is cut.
    fn amx_takes<T: Compiled>(&self, terms: usize) -> bool {
        self.amx && terms >= WORTH_TERMS && T::amx_panel(terms).is_some()
    }

    /// True if the matrix unit takes a layer's forward product.
    fn amx_takes_forward<T: Compiled>(&self, inputs: usize, outputs: usize) -> bool {
        self.amx_takes::<T>(inputs) && outputs >= WORTH_OUTPUTS
    }

    /// True if the matrix unit takes the gradient of a layer's weights.
    fn amx_takes_gradient<T: Compiled>(&self, rows: usize, inputs: usize, outputs: usize) -> bool {
        let worth = rows >= WORTH_ROWS_OF_X && inputs >= WORTH_INPUTS && outputs >= WORTH_OUTPUTS;
        self.amx && worth && T::amx_panel(rows).is_some()
    }

    /// C ← finish(start + A·B), C row-major with no gaps inside its rows, or in panels; by the
    /// matrix unit or not.
    fn product<T: Compiled>(&self, call: &Call<'_, T>, amx: bool, mut c: MatMut<'_, T>) {
        let &Call { a, b, packed, start, finish } = call;
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        if m == 0 || n == 0 {
            return;
        }
        let panels = [a.in_which_panels(), b.in_which_panels(), c.in_which_panels()];
        if panels.iter().any(Option::is_some) {
            self.check_panels::<T>(panels, amx);
        }
        // where C is added to, sums that turn out NaN could not be repaired
        let repairs = || !matches!(start, Start::Before) || is_moderate(a) && is_moderate(b);
        if amx && repairs() {
            // SAFETY: the processor has the unit, and the pointers are the caller's
            return unsafe { T::amx_run(call, c) };
        }
        let (lanes, rows) = (T::lanes(self.level), T::rows(self.level));
        let plain = panels.iter().all(Option::is_none);
        if plain && n == 1 && m >= lanes && a.col_stride() == 1 && c.row_stride() == 1 {
            return self.column(call, c);
        }
        let mut whole = Product {
            m,
            n,
            k,
            a: a.as_ptr(),
            a_panel: rows * a.row_stride(),
            a_tiles: 0,
            a_row: a.row_stride(),
            a_col: a.col_stride(),
            a_jump: 0,
            b: packed.as_ptr(),
            b_row: lanes,
            b_panel: k * lanes,
            c_row: c.row_stride(),
            c_panel: panels[2].map_or(lanes, |panels| panels.stride),
            c: c.as_mut_ptr(),
            start,
            finish,
            fetches: k * n * size_of::<T>() > FETCHED_BYTES,
            after: Ahead::NOTHING,
        };
        if packed.is_empty() {
            whole.b = b.as_ptr();
            whole.b_row = b.row_stride();
            whole.b_panel = panels[1].map_or(lanes, |panels| panels.stride);
        }
        match panels[0] {
            None => {}
            // panels of a vector's width hold one tile or two
            Some(Panels { width, stride, of_rows: true }) => {
                (whole.a_panel, whole.a_tiles) = (stride, (width / rows).trailing_zeros());
            }
            Some(Panels { width, stride, of_rows: false }) => whole.a_jump = stride - width,
        }
        let has_panels = |count: usize| n > (count - 1) * lanes;
        let many = !packed.is_empty() && has_panels(MANY_PANELS);
        let packs_a =
            is_apart_a(&a) && has_panels(WORTH_PANELS) || many && is_crowded::<T>(a.row_stride());
        let packs_b = packed.is_empty() && needs_packing_b(m, packs_a, &b);
        match (packs_a, packs_b) {
            (true, _) => self.packed_a(a, b, packs_b, &whole),
            (false, true) => self.packed_product(a, b, (None, true), &whole),
            (false, false) => self.run(&whole),
        }
    }

    /// Checks that a product can read A and B, and write C, in the panels they lie in.
    ///
    /// # Panics
    /// If it cannot: [`Kernels::activation_panel`] says which panels there may be.
    fn check_panels<T: Compiled>(&self, [a, b, c]: [Option<Panels>; 3], amx: bool) {
        let (lanes, rows) = (T::lanes(self.level), T::rows(self.level));
        assert!(!amx, "the matrix unit takes rows in one piece");
        assert!(
            lanes.is_multiple_of(rows),
            "panels at {}, whose tiles they do not hold",
            self.level
        );
        for panels in [a, b, c].iter().flatten() {
            assert_eq!(panels.width, lanes, "the width of panels");
        }
        let transposed = [b, c].iter().flatten().any(|panels| panels.of_rows);
        assert!(!transposed, "B or C is the transpose of a matrix in panels");
    }

    /// A product of one column, as its transpose: one row, with many elements to a vector.
    fn column<T: Compiled>(&self, call: &Call<'_, T>, c: MatMut<'_, T>) {
        let &Call { a, b, start, finish, .. } = call;
        let mut row = c.t();
        let start = match start {
            Start::Bias(bias) => {
                // SAFETY: there is a bias for each column
                row.row(0).fill(unsafe { *bias });
                Start::Before
            }
            start => start,
        };
        // what `finish` points at fits the row as it is: the column's elements lie side by side too
        let call = Call { a: b.t(), b: a.t(), packed: &[], start, finish };
        self.product(&call, false, row);
    }

    /// [`Fused::packed_product`] with A packed: its buffer is the larger one, and only taken here.
    #[inline(never)]
    fn packed_a<T: Compiled>(
        &self,
        a: MatRef<'_, T>,
        b: MatRef<'_, T>,
        packs_b: bool,
        whole: &Product<T>,
    ) {
        let mut for_a = Buffer([const { MaybeUninit::<T>::uninit() }; A_LEN]);
        self.packed_product(a, b, (Some(&mut for_a), packs_b), whole);
    }

    /// A product by parts of its operands that are packed before: A if there is room for it, B if it
    /// is said to be.
    #[inline(never)]
    fn packed_product<T: Compiled>(
        &self,
        a: MatRef<'_, T>,
        b: MatRef<'_, T>,
        (mut for_a, packs_b): (Option<&mut Buffer<T, A_LEN>>, bool),
        whole: &Product<T>,
    ) {
        let (lanes, rows) = (T::lanes(self.level), T::rows(self.level));
        let mut for_b = Buffer([const { MaybeUninit::<T>::uninit() }; B_LEN]);
        let packs_a = for_a.is_some();
        let each = if packs_a { ROWS / rows * rows } else { whole.m };
        // packed rows of A serve all columns
        let block = if packs_a { TERMS } else { BLOCK };
        let columns = if packs_b { STRIPE * lanes } else { whole.n };
        for first in (0..whole.m).step_by(each) {
            let part = first..(first + each).min(whole.m);
            for start in (0..whole.k.max(1)).step_by(block) {
                let terms = start..(start + block).min(whole.k);
                let a = a.rows_range(part.clone()).columns(terms.clone());
                let mut product = whole.rows(part.clone()).terms(terms.clone());
                product.a = a.as_ptr();
                product.b = product.b.wrapping_add(start * product.b_row);
                if let Some(for_a) = &mut for_a {
                    let panels = part.len().div_ceil(rows) * rows * terms.len();
                    pack(self.level, rows, &a.t(), &mut for_a.0[..panels]);
                    (product.a, product.a_panel) = (for_a.0.as_ptr().cast(), rows * terms.len());
                    (product.a_row, product.a_col) = (1, rows);
                    (product.a_tiles, product.a_jump) = (0, 0);
                }
                for first in (0..whole.n).step_by(columns) {
                    let count = columns.min(whole.n - first);
                    let stripe = product.columns(first, count, lanes);
                    if !packs_b {
                        self.run(&stripe);
                        continue;
                    }
                    let of_block = b.rows_range(terms.clone()).columns(first..first + count);
                    for depth in (0..terms.len().max(1)).step_by(DEPTH) {
                        let part = depth..(depth + DEPTH).min(terms.len());
                        let panels = count.div_ceil(lanes) * lanes * part.len();
                        let of_part = of_block.rows_range(part.clone());
                        pack(self.level, lanes, &of_part, &mut for_b.0[..panels]);
                        let mut stripe = stripe.terms(part.clone());
                        stripe.a = stripe.a.wrapping_add(product.right(depth, lanes));
                        stripe.b = for_b.0.as_ptr().cast();
                        (stripe.b_row, stripe.b_panel) = (lanes, part.len() * lanes);
                        stripe.after = match (part.end < terms.len(), first + count < whole.n) {
                            (true, _) => packed_next(&b, terms.start + part.end, first, lanes),
                            (false, true) => packed_next(&b, terms.start, first + count, lanes),
                            (false, false) => packed_next(&b, terms.end, 0, lanes),
                        };
                        self.run(&stripe);
                    }
                }
            }
        }
    }

    /// Runs a product of this crate's making.
    fn run<T: Compiled>(&self, product: &Product<T>) {
        // SAFETY: the views hold all elements that their shapes and strides reach, panels are
        // whole, C is borrowed for writing, and the level is this processor's.
        unsafe { T::run(self.level, product) };
    }
}

/// True if all elements are numbers that three bf16 add up to.
fn is_moderate<T: Compiled>(matrix: MatRef<'_, T>) -> bool {
    let matrix = if matrix.col_stride() == 1 { matrix } else { matrix.t() };
    let most = T::of(1e35);
    (0..matrix.rows()).all(|i| match matrix.col_stride() {
        1 => matrix.row(i).iter().fold(true, |all, x| all & (x.abs() < most)),
        _ => (0..matrix.cols()).all(|j| matrix.get(i, j).abs() < most),
    })
}

/// What is packed next: terms from `row` on of the columns from `column` on.
fn packed_next<T>(b: &MatRef<'_, T>, row: usize, column: usize, lanes: usize) -> Ahead<T> {
    if row == b.rows() || b.col_stride() != 1 {
        return Ahead::NOTHING;
    }
    let from = b.as_ptr().wrapping_add(row * b.row_stride() + column);
    let panels = (b.cols() - column).div_ceil(lanes).min(STRIPE);
    Ahead { from, row: b.row_stride(), panel: lanes, panels }
}

/// True if the elements of a row of A lie so far apart that every one is in another cache line.
fn is_apart_a<T>(a: &MatRef<'_, T>) -> bool {
    a.row_stride() == 1 && a.rows() > 1 && a.col_stride() * size_of::<T>() >= APART_A_BYTES
}

/// True if B is not row-major, or its rows lie so far apart that the part of it under a tile falls
/// out of the first-level cache, and there are enough rows of A to make up for packing. Packed rows
/// of A are multiplied a part at a time, and each part packs B anew.
fn needs_packing_b<T>(m: usize, packs_a: bool, b: &MatRef<'_, T>) -> bool {
    let apart = b.row_stride() * size_of::<T>() >= APART_B_BYTES;
    let large = b.rows() * b.row_stride() * size_of::<T>() > LARGE_BYTES;
    let worth = match is_crowded::<T>(b.row_stride()) {
        true => m >= FEW_ROWS,
        false => m >= WORTH_ROWS && !packs_a,
    };
    b.col_stride() != 1 && b.cols() > 1 || apart && large && worth
}

/// True if rows at such a distance fall into the same few sets of the first-level cache.
fn is_crowded<T>(stride: usize) -> bool {
    stride > 0 && (stride * size_of::<T>()).is_multiple_of(4096)
}

macro_rules! kernels {
    ($type:ident) => {
        impl Kernels<$type> for Fused {
            fn gemm(
                &self,
                a: MatRef<'_, $type>,
                b: MatRef<'_, $type>,
                beta: Beta,
                mut c: MatMut<'_, $type>,
            ) {
                check_shapes(&a, &b, &c);
                let (m, n) = (c.rows(), c.cols());
                if c.col_stride() == 1 || n <= 1 {
                    let start = if beta == Beta::One { Start::Before } else { Start::Zero };
                    let call = Call { a, b, packed: &[], start, finish: Finish::Plain };
                    return self.product(&call, self.amx_takes::<$type>(a.cols()), c);
                }
                if c.row_stride() == 1 {
                    // a column-major C is the transpose of Bᵀ·Aᵀ
                    return self.gemm(b.t(), a.t(), beta, c.t());
                }
                let mut gathered = vec![0.0; m * n];
                let cells = |i: usize| (0..n).map(move |j| (i, j));
                for (i, j) in (0..m).flat_map(cells) {
                    gathered[i * n + j] = c.as_ref().get(i, j);
                }
                self.gemm(a, b, beta, MatMut::new(&mut gathered, m, n));
                for (i, j) in (0..m).flat_map(cells) {
                    c.set(i, j, gathered[i * n + j]);
                }
            }

            fn is_shape_invariant(&self) -> bool {
                true
            }

            fn divides_well(&self) -> bool {
                // the matrix unit has A split for each product
                !self.has_unit_for::<$type>()
            }

            fn panel_rows(&self) -> usize {
                <$type>::lanes(self.level)
            }

            fn activation_panel(&self, layers: &[DenseLayer]) -> usize {
                let (lanes, rows) = (<$type>::lanes(self.level), <$type>::rows(self.level));
                let worth = layers.iter().any(|layer| layer.weight.len() >= WORTH_WEIGHTS);
                // panels hold whole tiles; the matrix unit takes rows in one piece
                let unit = self.has_unit_for::<$type>();
                if worth && lanes.is_multiple_of(rows) && !unit { lanes } else { 0 }
            }

            fn panel_len(&self, inputs: usize, outputs: usize) -> usize {
                // the matrix unit's form is half as large again: to write and read it costs more
                // than to make it anew; one output's weights are read as they are
                match self.amx_takes_forward::<$type>(inputs, outputs) || outputs == 1 {
                    true => 0,
                    false => <$type>::lanes(self.level) * inputs,
                }
            }

            fn keeps_packed(&self, inputs: usize, outputs: usize) -> bool {
                // elsewhere, turning panels costs more
                let turns = self.level == Level::Avx512 && size_of::<$type>() == 4;
                !turns || inputs.saturating_mul(outputs) < FAR_WEIGHTS
            }

            fn pack(&self, weight: MatRef<'_, $type>, packed: &mut [$type]) {
                let lanes = <$type>::lanes(self.level);
                pack(self.level, lanes, &weight.t(), overwrite(packed));
            }

            fn inputs_len(&self, rows: usize, inputs: usize, outputs: usize) -> usize {
                let takes = self.amx_takes_gradient::<$type>(rows, inputs, outputs);
                match <$type>::amx_panel(rows).filter(|_| takes && rows <= MOST_ROWS_OF_X) {
                    Some(panel) => inputs.div_ceil(<$type>::lanes(self.level)) * panel,
                    None => 0,
                }
            }

            fn pack_inputs(&self, x: MatRef<'_, $type>, packed: &mut [$type]) {
                // SAFETY: the processor has the unit, or there would be no such form
                unsafe { <$type>::amx_pack(x, overwrite(packed)) };
            }

            fn forward(
                &self,
                x: MatRef<'_, $type>,
                weights: Weights<'_, $type>,
                bias: &[$type],
                activation: Activation,
                mut sums: Option<MatMut<'_, $type>>,
                mut y: MatMut<'_, $type>,
            ) {
                let z = match &mut sums {
                    Some(sums) => sums.reborrow(),
                    None => y.reborrow(),
                };
                if weights.of_outputs == 1 && weights.matrix.rows() == 1 {
                    let (weight, bias) = (weights.matrix.row(0), bias[0]);
                    dots(self.level, x, weight, bias, z);
                    return activate(activation, sums, y);
                }
                let finish = match activation {
                    Activation::Relu => Finish::Relu,
                    _ => Finish::Plain,
                };
                let Weights { matrix, packed, of_outputs } = weights;
                let amx = self.amx_takes_forward::<$type>(x.cols(), of_outputs);
                let start = Start::Bias(bias.as_ptr());
                let call = Call { a: x, b: matrix.t(), packed, start, finish };
                self.product(&call, amx, z);
                if !matches!(activation, Activation::Relu | Activation::Identity) {
                    activate(activation, sums, y);
                }
            }

            fn input_gradient(
                &self,
                delta: MatRef<'_, $type>,
                weight: MatRef<'_, $type>,
                activation: Activation,
                sums: Option<MatRef<'_, $type>>,
                y: MatRef<'_, $type>,
                mut d: MatMut<'_, $type>,
            ) {
                let finish = match activation {
                    Activation::Relu => {
                        let of_y = (y.rows(), y.cols(), y.row_stride(), y.in_which_panels());
                        let of_d = (d.rows(), d.cols(), d.row_stride(), d.in_which_panels());
                        assert_eq!(of_y, of_d, "outputs and D");
                        Finish::WherePositive(y.as_ptr())
                    }
                    _ => Finish::Plain,
                };
                let call = Call { a: delta, b: weight, packed: &[], start: Start::Zero, finish };
                self.product(&call, self.amx_takes::<$type>(delta.cols()), d.reborrow());
                if activation != Activation::Relu {
                    scale_by_derivative(activation, sums, y, d);
                }
            }

            fn weight_gradient(
                &self,
                delta: MatRef<'_, $type>,
                x: Inputs<'_, $type>,
                beta: Beta,
                weight: &mut [$type],
                bias: &mut [$type],
            ) {
                let Inputs { matrix, packed, of_outputs } = x;
                let (rows, inputs) = (matrix.rows(), matrix.cols());
                let amx = self.amx_takes_gradient::<$type>(rows, inputs, of_outputs);
                let start = if beta == Beta::One { Start::Before } else { Start::Zero };
                let call = Call { a: delta.t(), b: matrix, packed, start, finish: Finish::Plain };
                let g = MatMut::new(weight, delta.cols(), matrix.cols());
                self.product(&call, amx, g);
                if of_outputs < NARROW {
                    return add_columns(delta, beta, bias);
                }
                // the sums of Δ's columns, as a product with a row of ones
                let ones = MatRef::with_strides(&[1.0], 1, rows, 0, 0);
                let call = Call { a: ones, b: delta, packed: &[], start, finish: Finish::Plain };
                self.product(&call, false, MatMut::new(bias, 1, delta.cols()));
            }
        }
    };
}

kernels!(f32);
kernels!(f64);
