//! Products of one term, as back through a layer of one output: a number for each row times a row
//! of numbers. There is hardly anything to sum, so that a tile would take longer to begin and to
//! end than to compute.

use crate::product::{Finish, Product, zero};
use crate::vector::Vector;

/// Vectors of B that stay in registers while C's rows pass by.
const ACROSS: usize = 4;

impl<T: Copy> Product<T> {
    /// [`Product::run`] for sums of one term that begin with zero, with the same bits.
    ///
    /// # Safety
    /// As [`Product::run`].
    #[inline(always)]
    pub(crate) unsafe fn outer<V: Vector<Element = T>>(&self) {
        let full = self.n / V::LANES;
        let mut vector = 0;
        // SAFETY: the caller's promise
        unsafe {
            while vector + ACROSS <= full {
                self.rows_of::<V, ACROSS>(vector, V::LANES);
                vector += ACROSS;
            }
            while vector < full {
                self.rows_of::<V, 1>(vector, V::LANES);
                vector += 1;
            }
            if vector * V::LANES < self.n {
                self.rows_of::<V, 1>(vector, self.n % V::LANES);
            }
        }
    }

    /// The columns of N vectors, from vector number `vector` on; of the last one, `last` columns.
    #[inline(always)]
    unsafe fn rows_of<V: Vector<Element = T>, const N: usize>(&self, vector: usize, last: usize) {
        let whole = last == V::LANES;
        let first = vector * self.c_panel;
        // SAFETY: the caller's promise; the last vector reads and writes its `last` columns only
        unsafe {
            let load = |from: *const T, j: usize| match whole || j + 1 < N {
                true => V::load(from),
                false => V::load_first(from, last),
            };
            let zero = V::splat(zero::<V>());
            let mut factors = [zero; N];
            for (j, factor) in factors.iter_mut().enumerate() {
                *factor = load(self.b.add((vector + j) * self.b_panel), j);
            }
            for row in (0..self.m).step_by(V::ROWS) {
                let mut a = self.a.add(self.down(row, V::ROWS));
                let mut right = row * self.c_row + first;
                for _ in row..(row + V::ROWS).min(self.m) {
                    let of_row = V::splat(*a);
                    for (j, factor) in factors.iter().enumerate() {
                        let at = right + j * self.c_panel;
                        let product = of_row.mul_add(*factor, zero);
                        let out = match self.finish {
                            Finish::Plain => product,
                            Finish::Relu => product.relu(),
                            Finish::WherePositive(y) => product.where_positive(load(y.add(at), j)),
                        };
                        match whole || j + 1 < N {
                            true => out.store(self.c.add(at)),
                            false => out.store_first(self.c.add(at), last),
                        }
                    }
                    a = a.wrapping_add(self.a_row);
                    right += self.c_row;
                }
            }
        }
    }
}
