//! A product over register tiles.

use crate::vector::{Terms, Vector};
use consonance_host::MatRef;
use std::ops::Range;

/// Sums are taken up and laid down again after this many terms, so that the part of B under a
/// tile stays in the first-level cache.
pub(crate) const DEPTH: usize = 128;

/// And with an A larger than `LARGE_A_BYTES`, all columns are done for so many terms before more
/// are begun, so that this part of A stays in the second-level cache.
pub(crate) const BLOCK: usize = 512;
const LARGE_A_BYTES: usize = 1024 * 1024;

/// A B larger than this falls out of the first-level cache between two tiles.
pub(crate) const LARGE_BYTES: usize = 64 * 1024;

/// What the sums of a tile begin with.
#[derive(Clone, Copy)]
pub(crate) enum Start<T> {
    /// Zero.
    Zero,
    /// What C holds.
    Before,
    /// One number for each column.
    Bias(*const T),
}

/// What happens to a tile on its way out of the registers.
#[derive(Clone, Copy)]
pub(crate) enum Finish<T> {
    /// Nothing.
    Plain,
    /// max(x, 0).
    Relu,
    /// Zero where the element of this matrix [m, n], laid out like C, is not above zero: the
    /// derivative of relu, told from its outputs.
    WherePositive(*const T),
}

/// A product as it is asked for: C ← finish(start + A·B), with pointers for as many columns as B
/// has, or for C's elements.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a, T> {
    pub(crate) a: MatRef<'a, T>,
    pub(crate) b: MatRef<'a, T>,
    /// B once more, packed in panels; or nothing.
    pub(crate) packed: &'a [T],
    pub(crate) start: Start<T>,
    pub(crate) finish: Finish<T>,
}

/// Part of a matrix that is read after a product. The product's tiles have it fetched into the
/// second-level cache, some rows each.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<T> {
    /// Its first row.
    pub(crate) from: *const T,
    /// Distance of its rows.
    pub(crate) row: usize,
    /// Distance of its panels, which are as wide as a vector.
    pub(crate) panel: usize,
    /// How many panels.
    pub(crate) panels: usize,
}

impl<T> Ahead<T> {
    /// Nothing.
    pub(crate) const NOTHING: Self = Ahead { from: std::ptr::null(), row: 0, panel: 0, panels: 0 };
}

/// C ← finish(start + A·B) with C row-major or in panels: all that a product is, as pointers.
#[derive(Clone, Copy)]
pub(crate) struct Product<T> {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    /// A's element (i, p): see [`Product::down`] and [`Product::right`].
    pub(crate) a: *const T,
    /// Distance of panels of rows, of one tile or `1 << a_tiles` each.
    pub(crate) a_panel: usize,
    pub(crate) a_tiles: u32,
    pub(crate) a_row: usize,
    pub(crate) a_col: usize,
    /// What lies between two panels of LANES terms; 0 where all terms lie alike.
    pub(crate) a_jump: usize,
    /// B's element (p, j) is at `p * b_row + j / LANES * b_panel + j % LANES`: row-major with a
    /// panel distance of LANES, or packed in panels of LANES columns.
    pub(crate) b: *const T,
    pub(crate) b_row: usize,
    pub(crate) b_panel: usize,
    /// C's element (i, j) is at `i * c_row + j / LANES * c_panel + j % LANES`.
    pub(crate) c: *mut T,
    pub(crate) c_row: usize,
    pub(crate) c_panel: usize,
    pub(crate) start: Start<T>,
    pub(crate) finish: Finish<T>,
    /// Whether what is read next is fetched: B's next vectors, at the end `after`.
    pub(crate) fetches: bool,
    /// What the caller reads after the product.
    pub(crate) after: Ahead<T>,
}

impl<T: Copy> Product<T> {
    /// How far row i of A lies from the first, for tiles of so many rows: any strides, with a panel
    /// distance of a tile's rows, or panels of one tile or two.
    #[inline(always)]
    pub(crate) fn down(&self, row: usize, rows_of_tile: usize) -> usize {
        let (tile, within) = (row / rows_of_tile, row % rows_of_tile);
        let of_panel = tile & ((1 << self.a_tiles) - 1);
        (tile >> self.a_tiles) * self.a_panel + (of_panel * rows_of_tile + within) * self.a_row
    }

    /// How far term p of A lies from the first, which is the first of a panel of terms if there are
    /// such.
    #[inline(always)]
    pub(crate) fn right(&self, term: usize, lanes: usize) -> usize {
        term * self.a_col + term / lanes * self.a_jump
    }

    /// The product for some rows of C; A is to be set to theirs.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Self {
        let down = rows.start * self.c_row;
        let finish = match self.finish {
            Finish::WherePositive(y) => Finish::WherePositive(y.wrapping_add(down)),
            finish => finish,
        };
        Product { m: rows.len(), c: self.c.wrapping_add(down), finish, ..*self }
    }

    /// The product for some terms of the sums, one call after the other; A and B are to be set to
    /// theirs.
    pub(crate) fn terms(&self, terms: Range<usize>) -> Self {
        let start = if terms.start == 0 { self.start } else { Start::Before };
        let finish = if terms.end == self.k { self.finish } else { Finish::Plain };
        Product { k: terms.len(), start, finish, ..*self }
    }

    /// The product for `count` columns of C, from `first` on, which begins a vector of `lanes`; B is
    /// to be set to theirs.
    pub(crate) fn columns(&self, first: usize, count: usize, lanes: usize) -> Self {
        let start = match self.start {
            Start::Bias(bias) => Start::Bias(bias.wrapping_add(first)),
            start => start,
        };
        let right = first / lanes * self.c_panel;
        let finish = match self.finish {
            Finish::WherePositive(y) => Finish::WherePositive(y.wrapping_add(right)),
            finish => finish,
        };
        Product { n: count, c: self.c.wrapping_add(right), start, finish, ..*self }
    }

    /// Runs the product.
    ///
    /// Every element of C is one chain of multiply–adds along k, whatever tile it falls into: its
    /// bits do not depend on m and n.
    ///
    /// One to three rows have wider tiles: alone, or behind whole tiles if B has room for these and
    /// is not too large to be read once more.
    ///
    /// # Safety
    /// The pointers reach all elements that the sizes and distances name, C's (which nobody else
    /// uses) among them, and the processor has V's instruction set.
    #[inline(always)]
    pub(crate) unsafe fn run<V: Vector<Element = T>>(&self) {
        let Product { m, n, k, .. } = *self;
        if k == 1 && matches!(self.start, Start::Zero) {
            // SAFETY: the caller's promise
            return unsafe { self.outer::<V>() };
        }
        let wide = n >= 4 * V::LANES && k * n * size_of::<T>() <= LARGE_BYTES;
        let whole = if wide || m < 4 { m - m % V::ROWS % 4 } else { m };
        // SAFETY: the caller's promise
        unsafe {
            if whole > 0 {
                Product { m: whole, ..*self }.blocks::<V>();
            }
            if whole < m {
                let mut few = self.rows(whole..m);
                few.a = self.a.wrapping_add(self.down(whole, V::ROWS));
                few.fetches = self.fetches && whole == 0;
                few.few_rows::<V>();
            }
        }
    }

    /// [`Product::run`] for any number of rows, a block of terms after the other.
    ///
    /// # Safety
    /// As [`Product::run`].
    #[inline(always)]
    unsafe fn blocks<V: Vector<Element = T>>(&self) {
        let each = match self.m * self.k * size_of::<T>() <= LARGE_A_BYTES {
            true => self.k.max(1),
            false => BLOCK,
        };
        for first in (0..self.k.max(1)).step_by(each) {
            let mut block = self.terms(first..(first + each).min(self.k));
            block.a = self.a.wrapping_add(self.right(first, V::LANES));
            block.b = self.b.wrapping_add(first * self.b_row);
            // SAFETY: the caller's promise
            unsafe { block.block::<V>() };
        }
    }

    /// Runs the product for one block of terms.
    ///
    /// # Safety
    /// As [`Product::run`].
    #[inline(always)]
    unsafe fn block<V: Vector<Element = T>>(&self) {
        let full = self.n / V::LANES;
        let mut vector = 0;
        // SAFETY: the caller's promise; the column counts are those of whole vectors, then the
        // rest
        unsafe {
            while vector < full {
                // 4 = 2 + 2 is better than 3 + 1
                let left = full - vector;
                let across = if left == 4 && V::ACROSS == 3 { 2 } else { left.min(V::ACROSS) };
                match across {
                    3 => self.stripe::<V, 3>(vector, V::LANES),
                    2 => self.stripe::<V, 2>(vector, V::LANES),
                    _ => self.stripe::<V, 1>(vector, V::LANES),
                }
                vector += across;
            }
            let rest = self.n % V::LANES;
            if rest > 0 {
                self.stripe::<V, 1>(vector, rest);
            }
        }
    }

    /// [`Product::run`] for one to three rows. Their tiles have few sums, each of which waits for
    /// itself, so these are wider.
    ///
    /// # Safety
    /// As [`Product::run`], and m is 1, 2 or 3: further rows would be left out.
    #[inline(always)]
    unsafe fn few_rows<V: Vector<Element = T>>(&self) {
        debug_assert!(self.m <= 3, "{} rows", self.m);
        let (full, rest) = (self.n / V::LANES, self.n % V::LANES);
        let mut vector = 0;
        // SAFETY: the caller's promise
        unsafe {
            while vector < full {
                let across = match full - vector {
                    // where tiles are three vectors wide, there are 32 registers
                    8.. if V::ACROSS == 3 => 8,
                    4.. => 4,
                    2.. => 2,
                    left => left,
                };
                match across {
                    8 => self.few::<V, 8>(vector, V::LANES),
                    4 => self.few::<V, 4>(vector, V::LANES),
                    2 => self.few::<V, 2>(vector, V::LANES),
                    _ => self.few::<V, 1>(vector, V::LANES),
                }
                vector += across;
            }
            if rest > 0 {
                self.few::<V, 1>(vector, rest);
            }
        }
    }

    /// [`Product::stripe`] for one to three rows.
    #[inline(always)]
    unsafe fn few<V: Vector<Element = T>, const N: usize>(&self, vector: usize, last: usize) {
        let this = forget_addresses(self);
        for depth in (0..this.k.max(1)).step_by(DEPTH) {
            let mut step = this.step::<V, N>(vector, last, depth);
            // SAFETY: the caller's promise; there are no more rows
            unsafe {
                if this.m >= 2 {
                    this.tile::<V, 2, N>(0, &step);
                    // which has had everything fetched
                    step.each = 0;
                }
                if this.m % 2 == 1 {
                    this.tile::<V, 1, N>(this.m - 1, &step);
                }
            }
        }
    }

    /// The columns of N vectors, from vector number `vector` on; of the last one, `last` columns.
    #[inline(always)]
    unsafe fn stripe<V: Vector<Element = T>, const N: usize>(&self, vector: usize, last: usize) {
        let this = forget_addresses(self);
        let mut depth = 0;
        loop {
            let step = this.step::<V, N>(vector, last, depth);
            let mut row = 0;
            // SAFETY: the caller's promise; rows stay below m
            unsafe {
                if V::ROWS == 8 {
                    while this.m - row >= 8 {
                        this.tile::<V, 8, N>(row, &step);
                        row += 8;
                    }
                } else {
                    while this.m - row >= 6 && V::ROWS == 6 {
                        this.tile::<V, 6, N>(row, &step);
                        row += 6;
                    }
                }
                while this.m - row >= 4 {
                    this.tile::<V, 4, N>(row, &step);
                    row += 4;
                }
                if this.m - row >= 2 {
                    this.tile::<V, 2, N>(row, &step);
                    row += 2;
                }
                if this.m - row >= 1 {
                    this.tile::<V, 1, N>(row, &step);
                }
            }
            depth += step.terms;
            if step.ends {
                return;
            }
        }
    }

    /// The terms from `depth` on of N vectors.
    #[inline(always)]
    fn step<V: Vector<Element = T>, const N: usize>(
        &self,
        vector: usize,
        last: usize,
        depth: usize,
    ) -> Step<T> {
        let terms = (self.k - depth).min(DEPTH);
        Step {
            vector,
            last,
            depth,
            terms,
            a: self.a.wrapping_add(self.right(depth, V::LANES)),
            b: self.b.wrapping_add(depth * self.b_row + vector * self.b_panel),
            ends: depth + terms == self.k,
            ahead: self.ahead::<V, N>(vector, depth + terms),
            each: match self.fetches {
                true => terms.div_ceil(self.m.div_ceil(V::ROWS)),
                false => 0,
            },
        }
    }

    /// What is read after the terms up to `depth` of N vectors: more terms, or the next vectors.
    #[inline(always)]
    fn ahead<V: Vector<Element = T>, const N: usize>(
        &self,
        vector: usize,
        depth: usize,
    ) -> Ahead<T> {
        let at = |depth: usize, vector: usize, panels: usize| Ahead {
            from: self.b.wrapping_add(depth * self.b_row + vector * self.b_panel),
            row: self.b_row,
            panel: self.b_panel,
            panels,
        };
        let left = (self.n / V::LANES).saturating_sub(vector + N);
        match (depth < self.k, left) {
            _ if !self.fetches => Ahead::NOTHING,
            (true, _) => at(depth, vector, N),
            (false, 0) => self.after,
            (false, left) => at(0, vector + N, left.min(N.max(V::ACROSS))),
        }
    }

    /// The tile of M rows from `row` on and N vectors.
    #[inline(always)]
    unsafe fn tile<V: Vector<Element = T>, const M: usize, const N: usize>(
        &self,
        row: usize,
        step: &Step<T>,
    ) {
        let column = step.vector * V::LANES;
        let whole = step.last == V::LANES;
        // SAFETY: the caller's promise for all pointers; the last vector of a stripe reads and
        // writes its `last` columns only, except in packed panels, which are whole
        unsafe {
            let first = row * self.c_row + step.vector * self.c_panel;
            let c = self.c.add(first);
            let load = |from: *const T, j: usize| match whole || j + 1 < N {
                true => V::load(from),
                false => V::load_first(from, step.last),
            };
            let mut sums = [[V::splat(zero::<V>()); N]; M];
            match (step.depth, self.start) {
                (0, Start::Zero) => {}
                (0, Start::Bias(bias)) => {
                    for j in 0..N {
                        let bias = load(bias.add(column + j * V::LANES), j);
                        for sums in &mut sums {
                            sums[j] = bias;
                        }
                    }
                }
                _ => {
                    let mut c = c;
                    for sums in &mut sums {
                        for (j, sum) in sums.iter_mut().enumerate() {
                            *sum = load(c.wrapping_add(j * self.c_panel), j);
                        }
                        c = c.wrapping_add(self.c_row);
                    }
                }
            }
            if step.each > 0 {
                step.fetch::<V>(row / V::ROWS);
            }
            let last = if self.b_panel == V::LANES { step.last } else { V::LANES };
            let terms = Terms {
                count: step.terms,
                a: step.a.add(self.down(row, V::ROWS)),
                a_row: self.a_row,
                a_col: self.a_col,
                a_jump: self.a_jump,
                b: step.b,
                b_row: self.b_row,
                b_panel: self.b_panel,
                last,
            };
            V::multiply(&terms, &mut sums);
            let (mut c, mut y) = match self.finish {
                Finish::WherePositive(y) => (c, y.wrapping_add(first)),
                _ => (c, c.cast_const()),
            };
            for sums in &sums {
                for (j, sum) in sums.iter().enumerate() {
                    let right = j * self.c_panel;
                    let out = match self.finish {
                        Finish::Relu if step.ends => sum.relu(),
                        Finish::WherePositive(_) if step.ends => {
                            sum.where_positive(load(y.wrapping_add(right), j))
                        }
                        _ => *sum,
                    };
                    match whole || j + 1 < N {
                        true => out.store(c.wrapping_add(right)),
                        false => out.store_first(c.wrapping_add(right), step.last),
                    }
                }
                (c, y) = (c.wrapping_add(self.c_row), y.wrapping_add(self.c_row));
            }
        }
    }
}

/// Which part of a product a tile belongs to.
struct Step<T> {
    vector: usize,
    last: usize,
    depth: usize,
    terms: usize,
    /// Where A's and B's elements of these terms begin.
    a: *const T,
    b: *const T,
    /// True if these are the last terms.
    ends: bool,
    ahead: Ahead<T>,
    /// How many rows of what is read next each tile has fetched.
    each: usize,
}

impl<T: Copy> Step<T> {
    /// Has the share of a tile fetched of what is read next.
    #[inline(always)]
    unsafe fn fetch<V: Vector<Element = T>>(&self, tile: usize) {
        for row in tile * self.each..((tile + 1) * self.each).min(self.terms) {
            for panel in 0..self.ahead.panels {
                let at = row * self.ahead.row + panel * self.ahead.panel;
                // SAFETY: any address may be fetched
                unsafe { V::prefetch(self.ahead.from.wrapping_add(at)) };
            }
        }
    }
}

/// The same product, of which a compiler knows nothing: otherwise it computes the addresses of all
/// tiles there might be before the first, which costs a small product more than its multiply–adds.
#[inline(always)]
fn forget_addresses<T>(product: &Product<T>) -> &Product<T> {
    std::hint::black_box(product)
}

pub(crate) fn zero<V: Vector>() -> V::Element {
    <V::Element as Default>::default()
}
