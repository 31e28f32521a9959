//! Products of f32 by the matrix unit of recent server processors (AMX), which multiplies bf16
//! sixteen times as fast as the vector units multiply f32.
//!
//! An operand is split into three bf16 that add up to it, and six of the nine products of such
//! parts are summed in f32. The three that are left out are at most 2⁻²² of the product of the
//! numbers, four units roundoff, and change their sign; on the other hand a sum is rounded about
//! once in five terms, where a chain of multiply–adds is rounded at each. Sums of the length that
//! comes here stay within the bound of f32 throughout, γ(k+2), and the kit holds them to it.

mod pack;
mod tile;

use crate::Fused;
use crate::product::{Call, Finish, Start};
use crate::vector::Vector;
use consonance_host::{MatMut, MatRef};
use pack::{Side, pack, splits};
use std::arch::x86_64::{__m512, _mm512_add_ps};
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use tile::{Block, SIDE, TERMS, TRIPLE, Unit};

/// A block of the result.
const BLOCK: usize = 2 * SIDE;

/// The most rows of A packed at a time.
const MOST_ROWS: usize = 512;

/// Triples packed at a time: of A for all these rows, and of a panel of B.
const SMALL: [usize; 2] = [16, 4];
const LARGE: [usize; 2] = [128, 16];

/// Memory for triples, which begin with a cache line.
#[repr(align(64))]
struct Buffer<const TRIPLES: usize>([[MaybeUninit<f32>; TRIPLE]; TRIPLES]);

impl<const TRIPLES: usize> Buffer<TRIPLES> {
    const NEW: Self = Buffer([[MaybeUninit::uninit(); TRIPLE]; TRIPLES]);
}

/// True if this processor and its system have the unit.
pub(crate) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(tile::is_available)
}

/// Elements of the packed form of 16 lines of so many terms.
pub(crate) fn panel_len(terms: usize) -> usize {
    terms.div_ceil(TERMS) * TRIPLE
}

/// Packs B for products that read it whole: `b` [k, n] in panels of 16 columns.
///
/// # Safety
/// The unit is available.
pub(crate) unsafe fn pack_b(b: MatRef<'_, f32>, packed: &mut [MaybeUninit<f32>]) {
    // SAFETY: the caller's promise
    unsafe { pack(Side::B, b.t(), 0..b.rows(), packed) };
}

/// Part of C: its place, and the distance of its rows.
#[derive(Clone, Copy)]
struct Part {
    c: *mut f32,
    stride: usize,
    rows: usize,
    columns: usize,
}

/// C ← finish(start + A·B).
///
/// # Safety
/// The unit is available; the pointers of `start` and `finish` reach as many elements as C
/// has columns, or C's with its strides.
pub(crate) unsafe fn run(call: &Call<'_, f32>, c: MatMut<'_, f32>) {
    let [panels, blocks] = [c.rows().div_ceil(SIDE), call.a.cols().div_ceil(TERMS)];
    // the less of the stack is used the more of it is in the cache
    let small = panels * blocks <= SMALL[0] && blocks <= SMALL[1];
    // SAFETY: the caller's promise
    unsafe {
        match small {
            true => run_in::<{ SMALL[0] }, { 2 * SMALL[1] }>(call, c),
            false => run_in::<{ LARGE[0] }, { 2 * LARGE[1] }>(call, c),
        }
    }
}

/// [`run`] in buffers for so many triples of A, and of two panels of B.
///
/// # Safety
/// As [`run`].
#[inline(never)]
unsafe fn run_in<const OF_A: usize, const OF_B: usize>(
    call: &Call<'_, f32>,
    mut c: MatMut<'_, f32>,
) {
    let (m, n, k) = (c.rows(), c.cols(), call.a.cols());
    let blocks = k.div_ceil(TERMS);
    let rows = m.min(MOST_ROWS);
    let depth = (OF_A / rows.div_ceil(SIDE)).min(OF_B / 2);
    let depth = blocks.div_ceil(blocks.div_ceil(depth));
    let mut for_a = Buffer::<OF_A>::NEW;
    let mut for_b = Buffer::<OF_B>::NEW;
    let (stride, to) = (c.row_stride(), c.as_mut_ptr());
    // SAFETY: the caller's promise
    let _unit = unsafe { Unit::take() };
    for top in (0..m).step_by(rows) {
        let rows = rows.min(m - top);
        let a = call.a.rows_range(top..top + rows);
        for begin in (0..blocks).step_by(depth) {
            let depth = depth.min(blocks - begin);
            let terms = begin * TERMS..((begin + depth) * TERMS).min(k);
            let panels = for_a.0[..rows.div_ceil(SIDE) * depth].as_flattened_mut();
            // SAFETY: the caller's promise
            unsafe { pack(Side::A, a, terms.clone(), panels) };
            for left in (0..n).step_by(BLOCK) {
                let columns = left..(left + BLOCK).min(n);
                let (b, b_apart) = match call.packed {
                    [] => {
                        let lines = call.b.columns(columns.clone()).t();
                        let panels = columns.len().div_ceil(SIDE) * depth;
                        let panels = for_b.0[..panels].as_flattened_mut();
                        // SAFETY: the caller's promise
                        unsafe { pack(Side::B, lines, terms.clone(), panels) };
                        (for_b.0.as_ptr().cast(), depth * TRIPLE)
                    }
                    packed => {
                        let first = (left / SIDE * blocks + begin) * TRIPLE;
                        (packed[first..].as_ptr(), blocks * TRIPLE)
                    }
                };
                for row in (0..rows).step_by(BLOCK) {
                    let a = for_a.0[row / SIDE * depth..].as_ptr().cast::<f32>();
                    let part = Part {
                        c: to.wrapping_add((top + row) * stride + left),
                        stride,
                        rows: BLOCK.min(rows - row),
                        columns: columns.len(),
                    };
                    let block = Block {
                        a: [a, a.wrapping_add(depth * TRIPLE)],
                        b: [b, b.wrapping_add(b_apart)],
                        depth,
                        c: part.c,
                        stride,
                        adds: begin > 0 || matches!(call.start, Start::Before),
                    };
                    // SAFETY: the caller's promise; panels were packed for all tiles
                    unsafe {
                        part.multiply(block);
                        if begin + depth == blocks {
                            end(call, &part, top + row, left);
                        }
                    }
                }
            }
        }
    }
}

/// What is left to do for a part of C that holds its sums and begins at a row and a column.
///
/// # Safety
/// As [`run`].
unsafe fn end(call: &Call<'_, f32>, part: &Part, row: usize, column: usize) {
    let starts = matches!(call.start, Start::Bias(_));
    // SAFETY: the caller's promise
    unsafe {
        if part.has_nan() && !matches!(call.start, Start::Before) {
            repair(call, part, row, column);
        }
        if starts || !matches!(call.finish, Finish::Plain) {
            let at = row * part.stride + column;
            part.apply(
                match call.start {
                    Start::Bias(bias) => Some(bias.wrapping_add(column)),
                    _ => None,
                },
                match call.finish {
                    Finish::WherePositive(y) => Finish::WherePositive(y.wrapping_add(at)),
                    finish => finish,
                },
            );
        }
    }
}

/// Sums that are NaN anew, by the vector units, where a factor does not split: all of its row or
/// column is NaN then, though the products of the numbers are not. Others stay, so that an element's bits do not depend on those beside it: NaN is what becomes of
/// sums that are too large half-way, in either direction.
///
/// # Safety
/// As [`run`].
#[cold]
unsafe fn repair(call: &Call<'_, f32>, part: &Part, row: usize, column: usize) {
    let a = call.a.rows_range(row..row + part.rows);
    let b = call.b.columns(column..column + part.columns);
    let mut sums = [0.0; BLOCK * BLOCK];
    let to = MatMut::new(&mut sums, part.rows, part.columns);
    let again = Call { a, b, packed: &[], start: Start::Zero, finish: Finish::Plain };
    Fused::vectors().product(&again, false, to);
    let terms = || 0..a.cols();
    let rows: [bool; BLOCK] =
        std::array::from_fn(|i| i < part.rows && !terms().all(|term| splits(a.get(i, term))));
    let columns: [bool; BLOCK] =
        std::array::from_fn(|j| j < part.columns && !terms().all(|term| splits(b.get(term, j))));
    for (i, sums) in sums.chunks_exact(part.columns).take(part.rows).enumerate() {
        for (j, &sum) in sums.iter().enumerate() {
            // SAFETY: the caller's promise
            unsafe {
                let c = part.c.add(i * part.stride + j);
                if (*c).is_nan() && (rows[i] || columns[j]) {
                    *c = sum;
                }
            }
        }
    }
}

impl Part {
    /// Runs a product of tiles, by way of a block of whole ones where this is not.
    ///
    /// # Safety
    /// As [`Block::run`], but for C, of which only this part is read or written.
    unsafe fn multiply(&self, block: Block) {
        let (down, across) = (self.rows.div_ceil(SIDE), self.columns.div_ceil(SIDE));
        // SAFETY: the caller's promise; both copies keep to the part
        unsafe {
            if self.rows.is_multiple_of(SIDE) && self.columns.is_multiple_of(SIDE) {
                return block.run(down, across);
            }
            let mut whole = [0.0_f32; BLOCK * BLOCK];
            let rows = |whole: *mut f32| {
                (0..self.rows).map(move |i| (whole.add(i * BLOCK), self.c.add(i * self.stride)))
            };
            if block.adds {
                for (whole, c) in rows(whole.as_mut_ptr()) {
                    whole.copy_from_nonoverlapping(c, self.columns);
                }
            }
            Block { c: whole.as_mut_ptr(), stride: BLOCK, ..block }.run(down, across);
            for (whole, c) in rows(whole.as_mut_ptr()) {
                c.copy_from_nonoverlapping(whole, self.columns);
            }
        }
    }

    /// Calls `each` with the place of up to 16 neighbouring columns, and how many there are.
    #[inline(always)]
    fn for_each(&self, mut each: impl FnMut(usize, usize, usize)) {
        for row in 0..self.rows {
            for column in (0..self.columns).step_by(SIDE) {
                each(row * self.stride + column, column, SIDE.min(self.columns - column));
            }
        }
    }

    /// True if a whole row or column is NaN, as where a factor was not finite.
    ///
    /// # Safety
    /// The part can be read.
    unsafe fn has_nan(&self) -> bool {
        // SAFETY: the caller's promise
        let is_nan = |at: usize| unsafe { (*self.c.add(at)).is_nan() };
        let row = (0..self.columns).fold(false, |found, j| found | is_nan(j));
        (0..self.rows).fold(row, |found, i| found | is_nan(i * self.stride))
    }

    /// C ← finish(C + bias).
    ///
    /// # Safety
    /// The processor has AVX-512, the part can be written, a bias read for each of its columns,
    /// and the other matrix of `finish` where C is.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn apply(&self, bias: Option<*const f32>, finish: Finish<f32>) {
        self.for_each(|at, column, count| {
            // SAFETY: the caller's promise
            unsafe {
                let mut x = __m512::load_first(self.c.add(at), count);
                if let Some(bias) = bias {
                    x = _mm512_add_ps(x, __m512::load_first(bias.add(column), count));
                }
                x = match finish {
                    Finish::Plain => x,
                    Finish::Relu => x.relu(),
                    Finish::WherePositive(y) => {
                        x.where_positive(__m512::load_first(y.add(at), count))
                    }
                };
                x.store_first(self.c.add(at), count);
            }
        });
    }
}
