//! Layers of one output: a sum for each row, with nothing to lay side by side in a register but terms.

use consonance_host::simd::{Fma, Sweep};
use consonance_host::{MatMut, MatRef, Math};

/// Terms that are summed side by side, whatever the vectors of the processor hold.
const CHAINS: usize = 16;

/// Rows whose chains are made before they are added up: compilers make whole vectors of both then.
const ROWS: usize = 16;

/// y ← X·w + b.
///
/// Every 16th term is in the same chain of multiply–adds; the chains are then added in pairs, and
/// their sum to the bias: the same bits for any rows beside it, and at every level that has fused
/// multiply–adds.
pub(crate) struct Dots<'a, T> {
    /// X [rows, inputs], the elements of a row side by side.
    pub(crate) x: MatRef<'a, T>,
    /// w `[inputs]`
    pub(crate) weight: &'a [T],
    /// b
    pub(crate) bias: T,
    /// y [rows, 1]
    pub(crate) y: MatMut<'a, T>,
}

impl<T: Math> Sweep for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        let Dots { x, weight, bias, mut y } = self;
        assert_eq!((x.rows(), x.cols()), (y.rows(), weight.len()), "rows and terms");
        let (weights, last) = weight.as_chunks::<CHAINS>();
        let last = filled(last);
        let mut sums = [[T::zero(); CHAINS]; ROWS];
        for first in (0..x.rows()).step_by(ROWS) {
            let rows = first..(first + ROWS).min(x.rows());
            for (row, sums) in rows.clone().zip(&mut sums) {
                let (terms, rest) = x.row(row).as_chunks::<CHAINS>();
                let mut chains = [T::zero(); CHAINS];
                for (x, w) in terms.iter().zip(weights) {
                    add::<_, F>(&mut chains, x, w);
                }
                if !rest.is_empty() {
                    add::<_, F>(&mut chains, &filled(rest), &last);
                }
                *sums = chains;
            }
            for (row, chains) in rows.zip(&sums) {
                let eight: [T; 8] = std::array::from_fn(|i| chains[i] + chains[i + 8]);
                let four: [T; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
                y.set(row, 0, (four[0] + four[2]) + (four[1] + four[3]) + bias);
            }
        }
    }
}

/// A term more for each chain.
#[inline(always)]
fn add<T: Math, F: Fma>(chains: &mut [T; CHAINS], x: &[T; CHAINS], w: &[T; CHAINS]) {
    for i in 0..CHAINS {
        chains[i] = F::mul_add(x[i], w[i], chains[i]);
    }
}

/// The last terms, with zeros after them.
#[inline(always)]
fn filled<T: Math>(terms: &[T]) -> [T; CHAINS] {
    let mut all = [T::zero(); CHAINS];
    all[..terms.len()].copy_from_slice(terms);
    all
}
