//! The mathematics of a training step over slices: activations, their derivatives, exponentials,
//! optimiser updates, sums.
//!
//! The functions are polynomials without branches, tables or calls, so that a loop over them is
//! vector code at every [`Level`](crate::simd::Level). An element's result depends on that element
//! alone: not on its place in a slice, nor on the slice's length. It does depend on the level,
//! through the fused multiply–add; AVX2 and AVX-512 give the same bits.
//!
//! # How exact
//! In units in the last place of the exact result, subnormal results included:
//!
//! | function | bound, `f32` and `f64` | worst of all 2³² `f32` | worst of 20000 `f64` |
//! |---|---|---|---|
//! | exp | 1 | 0.87 | 0.78 |
//! | sigmoid | 2.5 | 2.41 | 1.88 |
//! | tanh | 2.5 | 2.50 | 2.11 |
//! | softplus | 2.5 | 2.06 | 1.69 |
//! | silu | 3 | 2.73 | 2.11 |
//! | gelu | 4.5 | 4.23 | 3.12 |
//! | elu, α = 1 | 1 | 0.83 | 0.87 |
//!
//! ELU with another α has that product's rounding on top. Identity, ReLU and leaky ReLU have the
//! bits of [`Activation::apply`]. NaN gives NaN, infinities their limits, and −0 is −0 where
//! f(0) = 0.
//!
//! Derivatives, against [`Activation::derivative`] in `f64` at the same input or output and in
//! units of the roundoff u (2⁻²⁴ or 2⁻⁵³): sigmoid, tanh and softplus 2, leaky ReLU and ELU 1, all
//! relative to the derivative; SiLU and GELU, whose derivatives cross zero, 5 relative to
//! σ(z) + |z|·σ(z)·σ(−z) and Φ(z) + |z|·φ(z). The product with `delta` is rounded once more.
//!
//! The tests `math`, `math_f64` and `math_slices` hold the functions to this;
//! `scripts/coefficients/minimax.py` derives the polynomials.

mod activation;
mod columns;
mod exp;
mod gelu;
mod log;
mod logistic;
mod real;
mod tanh;
mod update;

pub use activation::{Activate, ActivateFrom, ScaleByDerivative};
pub use columns::AddColumns;
pub(crate) use exp::exp;
pub(crate) use log::{log_from_one, log_one_plus};
pub(crate) use logistic::sigmoid;
pub use update::Update;

use crate::matrix::{MatMut, MatRef};
use crate::simd::{Fma, Sweep, dispatch};
use crate::transpose;
use consonance_core::{Activation, Rule};
use gelu::Normal;
use log::Log;

/// Functions over slices of `f32` or `f64`; see the [module](self) for their accuracy.
///
/// # Panics
/// Every method panics if its slices differ in length, save where it says that one may be empty.
pub trait Math: Normal + Log {
    /// y ← f(y)
    fn activate(activation: Activation, y: &mut [Self]) {
        dispatch(Activate { activation, y });
    }

    /// y ← f(z), for activations whose input must be kept.
    fn activate_from(activation: Activation, z: &[Self], y: &mut [Self]) {
        dispatch(ActivateFrom { activation, z, y });
    }

    /// delta ← delta · f′, where y = f(z). `z` is read only where
    /// [`Activation::derivative_needs_input`]; elsewhere it may be empty.
    fn scale_by_derivative(activation: Activation, z: &[Self], y: &[Self], delta: &mut [Self]) {
        dispatch(ScaleByDerivative { activation, z, y, delta });
    }

    /// x ← eˣ. (`T::exp` is the exponential of one number.)
    fn exp_each(x: &mut [Self]) {
        dispatch(Exp { x });
    }

    /// One optimiser update: [`Rule::apply`] for each element, with its bits. `m` and `v` are
    /// empty where the optimiser keeps none.
    fn update(rule: &Rule<Self>, p: &mut [Self], g: &[Self], m: &mut [Self], v: &mut [Self]) {
        dispatch(Update { rule: *rule, p, g, m, v });
    }

    /// sums ← sums + the sum of each column; rows lie side by side or apart.
    fn add_columns(matrix: MatRef<'_, Self>, sums: &mut [Self]) {
        dispatch(AddColumns { matrix, sums });
    }

    /// b ← aᵀ. The shapes fit, and rows of both lie in one piece.
    fn transpose(a: MatRef<'_, Self>, b: MatMut<'_, Self>) {
        transpose::by_rows(a, b);
    }
}

impl Math for f32 {
    fn transpose(a: MatRef<'_, f32>, b: MatMut<'_, f32>) {
        transpose::in_blocks(a, b);
    }
}
impl Math for f64 {}

/// x ← eˣ
#[derive(Debug)]
pub struct Exp<'a, T> {
    /// The arguments, then the results.
    pub x: &'a mut [T],
}

impl<T: exp::Exp> Sweep for Exp<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<F: Fma>(self) {
        for x in self.x {
            *x = exp::exp::<F, T>(*x);
        }
    }
}
