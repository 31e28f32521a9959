//! A matrix product as plain loops, right or with one planted fault.

use consonance_core::{Activation, Element};
use consonance_host::kernels::Weights;
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
    /// A dense layer without its bias.
    DropsBias,
    /// A dense layer's activation reaches whole registers only.
    ForgetsActivation,
    /// A dense layer does not keep the sums its derivative needs.
    ForgetsSums,
    /// The input gradient without the derivative.
    ForgetsDerivative,
    /// The weights' gradient is added to what was there.
    AddsWeightGradient,
    /// The biases' gradient leaves out the last row.
    OneBiasRowShort,
}

impl Fault {
    /// Each fault, and the check that is there to find it.
    pub(crate) const ALL: [(Fault, &str); 20] = [
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
        (Fault::DropsBias, "forward"),
        (Fault::ForgetsActivation, "forward"),
        (Fault::ForgetsSums, "forward"),
        (Fault::ForgetsDerivative, "input_gradient"),
        (Fault::AddsWeightGradient, "weight_gradient"),
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
                c.data()[behind] = T::zero();
            }
        }
    }

    fn is_shape_invariant(&self) -> bool {
        // true of plain loops, and what makes the false claim false
        true
    }

    fn forward(
        &self,
        x: MatRef<'_, T>,
        weights: Weights<'_, T>,
        bias: &[T],
        activation: Activation,
        sums: &mut [T],
        y: &mut [T],
    ) {
        let (rows, outputs) = (x.rows(), weights.matrix.rows());
        let mut z = vec![T::zero(); rows * outputs];
        if self.fault != Fault::DropsBias {
            z.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
        }
        self.gemm(x, weights.matrix.t(), Beta::One, MatMut::new(&mut z, rows, outputs));
        if self.fault != Fault::ForgetsSums && !sums.is_empty() {
            sums.copy_from_slice(&z);
        }
        y.copy_from_slice(&z);
        let whole = match self.fault {
            Fault::ForgetsActivation => y.len() / 8 * 8,
            _ => y.len(),
        };
        y[..whole].iter_mut().for_each(|y| *y = activation.apply(*y));
    }

    fn input_gradient(
        &self,
        delta: MatRef<'_, T>,
        weight: MatRef<'_, T>,
        activation: Activation,
        sums: &[T],
        y: &[T],
        d: &mut [T],
    ) {
        self.gemm(delta, weight, Beta::Zero, MatMut::new(d, delta.rows(), weight.cols()));
        if self.fault != Fault::ForgetsDerivative {
            for (place, d) in d.iter_mut().enumerate() {
                let z = sums.get(place).copied().unwrap_or(T::nan());
                *d *= activation.derivative(z, y[place]);
            }
        }
    }

    fn weight_gradient(
        &self,
        delta: MatRef<'_, T>,
        x: MatRef<'_, T>,
        weight: &mut [T],
        bias: &mut [T],
    ) {
        let beta = if self.fault == Fault::AddsWeightGradient { Beta::One } else { Beta::Zero };
        self.gemm(delta.t(), x, beta, MatMut::new(weight, delta.cols(), x.cols()));
        let short = usize::from(self.fault == Fault::OneBiasRowShort && delta.rows() > 64);
        for (column, bias) in bias.iter_mut().enumerate() {
            *bias = (0..delta.rows() - short).map(|row| delta.get(row, column)).sum();
        }
    }
}
