//! A matrix product as plain loops, right or with one planted fault.

use consonance_core::{Activation, Element};
use consonance_host::kernels::{Inputs, Weights};
use consonance_host::{Beta, Kernels, MatMut, MatRef, Math};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What is wrong with a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// One element of large results is off by one part in a thousand.
    WrongElement,
    /// B is read as if it were square and transposed.
    SwappedTranspose,
    /// β = 0 leaves elements as they were where the product is 0.
    StaleBuffer,
    /// β = 0 multiplies by zero what was there.
    ReadsBeforeOverwriting,
    /// β = 1 is taken for 0.
    ForgetsBeta,
    /// The last term of long sums is left out.
    DropsLastTerm,
    /// k = 0 does nothing at all.
    IgnoresEmptySums,
    /// Sums are kept in fewer digits.
    LowPrecision,
    /// Factors lose their last two bits, as on hardware with shortened inputs.
    ShortenedInputs,
    /// Writes a whole register's width into the gap after a row.
    WritesIntoPadding,
    /// Terms with a zero factor are skipped.
    SkipsZeros,
    /// Sums run backwards on every second call.
    ChangesOrder,
    /// Sums run backwards on threads other than the first.
    DependsOnThread,
    /// Claims shape invariance, and sums backwards where C has an odd number of rows.
    FalseClaim,
    /// A dense layer's sums run backwards where its packed weights are at hand.
    PanelsOfOtherBits,
    /// A dense layer's sums run backwards without packed weights, for an odd part of its outputs.
    CutsOfOtherBits,
    /// A dense layer without its bias.
    DropsBias,
    /// A dense layer's activation reaches whole registers only.
    ForgetsActivation,
    /// A dense layer does not keep the sums its derivative needs.
    ForgetsSums,
    /// The input gradient without the derivative.
    ForgetsDerivative,
    /// A dense layer writes on after the end of a row of outputs.
    OverrunsOutputs,
    /// The input gradient takes the rows of the outputs below to lie without gaps.
    ReadsOutputsWithoutGaps,
    /// The weights' gradient is added to what was there, asked or not.
    AddsWeightGradient,
    /// The weights' gradient is not added to what was there, asked or not.
    OverwritesWeightGradient,
    /// The biases' gradient leaves out the last row.
    OneBiasRowShort,
}

impl Fault {
    /// Each fault, and the check that is there to find it.
    pub(crate) const ALL: [(Fault, &str); 25] = [
        (Fault::WrongElement, "products"),
        (Fault::SwappedTranspose, "products"),
        (Fault::StaleBuffer, "products"),
        (Fault::ReadsBeforeOverwriting, "products"),
        (Fault::ForgetsBeta, "products"),
        (Fault::DropsLastTerm, "products"),
        (Fault::IgnoresEmptySums, "products"),
        (Fault::LowPrecision, "products"),
        (Fault::ShortenedInputs, "products"),
        (Fault::WritesIntoPadding, "products"),
        (Fault::SkipsZeros, "non_finite"),
        (Fault::ChangesOrder, "repeats"),
        (Fault::DependsOnThread, "repeats"),
        (Fault::FalseClaim, "shape_invariance"),
        (Fault::PanelsOfOtherBits, "without_panels"),
        (Fault::CutsOfOtherBits, "without_panels"),
        (Fault::DropsBias, "forward"),
        (Fault::ForgetsActivation, "forward"),
        (Fault::ForgetsSums, "forward"),
        (Fault::ForgetsDerivative, "input_gradient"),
        (Fault::OverrunsOutputs, "forward"),
        (Fault::ReadsOutputsWithoutGaps, "input_gradient"),
        (Fault::AddsWeightGradient, "weight_gradient"),
        (Fault::OverwritesWeightGradient, "weight_gradient"),
        (Fault::OneBiasRowShort, "weight_gradient"),
    ];
}

/// Plain loops with a fault.
pub(crate) struct Loops {
    fault: Fault,
    calls: AtomicUsize,
    home: thread::ThreadId,
}

impl Loops {
    pub(crate) fn new(fault: Fault) -> Self {
        Loops { fault, calls: AtomicUsize::new(0), home: thread::current().id() }
    }
}

/// `x` with its significand rounded to `digits` binary digits fewer than it has.
pub(crate) fn shortened<T: Element>(x: T, digits: i32) -> T {
    let scaled = x * T::of(2.0_f64.powi(digits) + 1.0);
    scaled - (scaled - x)
}

/// The matrix with its columns in reverse order.
fn backwards<T: Math>(matrix: MatRef<'_, T>) -> Vec<T> {
    let columns = || (0..matrix.cols()).rev();
    (0..matrix.rows()).flat_map(|i| columns().map(move |j| matrix.get(i, j))).collect()
}

impl<T: Math> Kernels<T> for Loops {
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, mut c: MatMut<'_, T>) {
        let fault = self.fault;
        let (m, n, k) = (c.rows(), c.cols(), a.cols());
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if fault == Fault::IgnoresEmptySums && k == 0 {
            return;
        }
        let backwards = match fault {
            Fault::ChangesOrder => call % 2 == 1,
            Fault::DependsOnThread => thread::current().id() != self.home,
            Fault::FalseClaim => m % 2 == 1,
            _ => false,
        };
        for i in 0..m {
            for j in 0..n {
                let mut sum = T::zero();
                let terms = if fault == Fault::DropsLastTerm && k > 64 { k - 1 } else { k };
                for step in 0..terms {
                    let l = if backwards { k - 1 - step } else { step };
                    let right = if fault == Fault::SwappedTranspose && k == n {
                        b.get(j, l)
                    } else {
                        b.get(l, j)
                    };
                    let term = match (a.get(i, l), right) {
                        (left, right) if fault == Fault::ShortenedInputs => {
                            shortened(left, 2) * shortened(right, 2)
                        }
                        (left, right)
                            if fault == Fault::SkipsZeros
                                && (left == T::zero() || right == T::zero()) =>
                        {
                            T::zero()
                        }
                        (left, right) => left * right,
                    };
                    sum += term;
                    if fault == Fault::LowPrecision {
                        sum = shortened(sum, 4);
                    }
                }
                let before = c.as_ref().get(i, j);
                let result = match beta {
                    Beta::Zero if fault == Fault::ReadsBeforeOverwriting => {
                        T::zero() * before + sum
                    }
                    Beta::Zero if fault == Fault::StaleBuffer && sum == T::zero() => before,
                    Beta::One if fault != Fault::ForgetsBeta => before + sum,
                    _ => sum,
                };
                let wrong = fault == Fault::WrongElement && (i, j) == (64, 32);
                c.set(i, j, if wrong { result * T::of(1.001) } else { result });
            }
            if fault == Fault::WritesIntoPadding && c.row_stride() > n && c.col_stride() == 1 {
                let behind = i * c.row_stride() + n;
                // SAFETY: a fault on purpose; the kit has made the gap after each row
                unsafe { *c.as_mut_ptr().add(behind) = T::zero() };
            }
        }
    }

    fn is_shape_invariant(&self) -> bool {
        // true of plain loops, and what makes the false claim false
        true
    }

    fn panel_rows(&self) -> usize {
        8
    }

    fn keeps_packed(&self, _: usize, _: usize) -> bool {
        // nothing is packed, and nothing read: one fault asks whether panels are there
        false
    }

    fn forward(
        &self,
        x: MatRef<'_, T>,
        weights: Weights<'_, T>,
        bias: &[T],
        activation: Activation,
        sums: Option<MatMut<'_, T>>,
        mut y: MatMut<'_, T>,
    ) {
        let (rows, outputs) = (x.rows(), weights.matrix.rows());
        let mut z = vec![T::zero(); rows * outputs];
        if self.fault != Fault::DropsBias {
            z.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
        }
        let into = MatMut::new(&mut z, rows, outputs);
        let other_bits = match self.fault {
            Fault::PanelsOfOtherBits => !weights.packed.is_empty(),
            Fault::CutsOfOtherBits => {
                weights.packed.is_empty() && outputs % 2 == 1 && outputs < weights.of_outputs
            }
            _ => false,
        };
        if other_bits {
            let [x, w] = [x, weights.matrix].map(backwards);
            let k = weights.matrix.cols();
            let [x, w] = [MatRef::new(&x, rows, k), MatRef::new(&w, outputs, k)];
            self.gemm(x, w.t(), Beta::One, into);
        } else {
            self.gemm(x, weights.matrix.t(), Beta::One, into);
        }
        if let Some(mut sums) = sums.filter(|_| self.fault != Fault::ForgetsSums) {
            for (i, z) in z.chunks_exact(outputs).enumerate() {
                sums.row(i).copy_from_slice(z);
            }
        }
        let whole = match self.fault {
            Fault::ForgetsActivation => z.len() / 8 * 8,
            _ => z.len(),
        };
        z[..whole].iter_mut().for_each(|z| *z = activation.apply(*z));
        for (i, z) in z.chunks_exact(outputs).enumerate() {
            y.row(i).copy_from_slice(z);
            if self.fault == Fault::OverrunsOutputs && y.row_stride() > outputs {
                // SAFETY: a fault on purpose, into the gap after a row, which is there
                unsafe { *y.as_mut_ptr().add(i * y.row_stride() + outputs) = T::zero() };
            }
        }
    }

    fn input_gradient(
        &self,
        delta: MatRef<'_, T>,
        weight: MatRef<'_, T>,
        activation: Activation,
        sums: Option<MatRef<'_, T>>,
        y: MatRef<'_, T>,
        mut d: MatMut<'_, T>,
    ) {
        self.gemm(delta, weight, Beta::Zero, d.reborrow());
        if self.fault != Fault::ForgetsDerivative && activation != Activation::Identity {
            let (rows, cols) = (d.rows(), d.cols());
            for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
                let z = sums.map_or(T::nan(), |sums| sums.get(i, j));
                let y = match self.fault {
                    Fault::ReadsOutputsWithoutGaps => {
                        // SAFETY: no farther from the first than the element meant
                        unsafe { *y.as_ptr().add(i * y.cols() + j) }
                    }
                    _ => y.get(i, j),
                };
                let slope = activation.derivative(z, y);
                let before = d.as_ref().get(i, j);
                d.set(i, j, before * slope);
            }
        }
    }

    fn weight_gradient(
        &self,
        delta: MatRef<'_, T>,
        x: Inputs<'_, T>,
        beta: Beta,
        weight: &mut [T],
        bias: &mut [T],
    ) {
        let beta = match self.fault {
            Fault::AddsWeightGradient => Beta::One,
            Fault::OverwritesWeightGradient => Beta::Zero,
            _ => beta,
        };
        let x = x.matrix;
        self.gemm(delta.t(), x, beta, MatMut::new(weight, delta.cols(), x.cols()));
        let short = usize::from(self.fault == Fault::OneBiasRowShort && delta.rows() > 64);
        for (column, bias) in bias.iter_mut().enumerate() {
            let before = if beta == Beta::One { *bias } else { T::zero() };
            let rows = 0..delta.rows() - short;
            *bias = before + rows.map(|row| delta.get(row, column)).sum::<T>();
        }
    }
}
