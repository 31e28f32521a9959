//! C ← A·B + β·C against the oracle.

use super::strided::{Layout, Strided};
use super::{LARGE, SIZES};
use crate::Report;
use crate::checks::material::{normal, stream};
use crate::oracle::product::{Matrix, product};
use crate::oracle::{Bounded, Rounding};
use consonance_host::{Beta, Kernels, Math};

/// What lies between the elements of C: nothing may write there.
const CANARY: f64 = -1234.5;

/// One product: random operands, and what it should give.
struct Case<T> {
    shape: [usize; 3],
    /// A [m, k], B transposed [n, k], and what C [m, n] held before, row-major.
    operands: [Vec<T>; 3],
    /// A·B and A·B + C.
    expected: [Matrix; 2],
    /// The quality gate 6·√k·u·(|A|·|B|) as a fraction of the bound γ(k+2)·(|A|·|B|).
    gate: f64,
}

impl<T: Math> Case<T> {
    fn new(number: usize, shape: [usize; 3]) -> Self {
        let [m, n, k] = shape;
        let mut stream = stream(number);
        let operands = [m * k, n * k, m * n].map(|len| normal::<T>(&mut stream, len));
        let wide = |rows, cols, x: &[T]| Matrix::exact(rows, cols, x.iter().map(|x| x.widen()));
        let (a, b) = (wide(m, k, &operands[0]), wide(n, k, &operands[1]));
        let rounding = Rounding::of(T::PRECISION);
        let added = |i: usize, j: usize| operands[2][i * n + j].widen();
        let expected = [product(&a, &b, |_, _| 0.0, rounding), product(&a, &b, added, rounding)];
        let random_walk = 6.0 * (k as f64).sqrt().max(1.0) * T::PRECISION.unit_roundoff();
        Case { shape, operands, expected, gate: random_walk / rounding.gamma(k as f64 + 2.0) }
    }

    /// Runs the product in these layouts and holds it against the oracle.
    fn run(
        &self,
        kernels: &impl Kernels<T>,
        [of_a, of_b, of_c]: [Layout; 3],
        beta: Beta,
        report: &mut Report,
    ) {
        let ([m, n, k], [a, b, before]) = (self.shape, &self.operands);
        let a = Strided::new(of_a, m, k, T::nan(), |i, l| a[i * k + l]);
        let b = Strided::new(of_b, k, n, T::nan(), |l, j| b[j * k + l]);
        let mut c = Strided::new(of_c, m, n, T::of(CANARY), |i, j| match beta {
            Beta::Zero => T::nan(),
            Beta::One => before[i * n + j],
        });
        kernels.gemm(a.as_ref(), b.as_ref(), beta, c.as_mut());
        let place = format!("[{m}, {k}]·[{k}, {n}], β = {beta:?}, {of_a:?}·{of_b:?} → {of_c:?}");
        let expected = &self.expected[usize::from(beta == Beta::One)];
        for i in 0..m {
            for (j, expected) in expected.row(i).iter().enumerate() {
                let got = c.get(i, j).widen();
                report.within(format_args!("{place}, element ({i}, {j})"), got, *expected);
                let gate = Bounded { error: expected.error * self.gate, ..*expected };
                report.require(
                    self.gate >= 1.0 || gate.fraction(got) <= 1.0,
                    format_args!("{place}, element ({i}, {j})"),
                    "beyond the quality gate 6·√k·u·(|A|·|B|)",
                );
            }
        }
        report.require(c.gaps_are_untouched(), &place, "wrote outside the elements of C");
    }
}

/// Products of all small shapes and some large ones with β = 0 over a C of NaN and with β = 1,
/// the transposes and layouts of A, B and C changing from shape to shape, and some shapes in all
/// of them: each element within γ(k+2)·(|A|·|B| + |C|) and within the quality gate, and nothing
/// written between the elements of C.
pub fn products<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("products");
    let plain = |transposed: bool| if transposed { Layout::Columns } else { Layout::Rows };
    let small = SIZES
        .iter()
        .flat_map(|&m| SIZES.iter().flat_map(move |&n| SIZES.iter().map(move |&k| [m, n, k])));
    for (number, shape) in small.chain(LARGE).enumerate() {
        let case = Case::<T>::new(number, shape);
        let (of_a, of_b) = (plain(number % 2 == 0), plain(number / 2 % 2 == 0));
        case.run(kernels, [of_a, of_b, Layout::Rows], Beta::Zero, &mut report);
        case.run(kernels, [of_b, of_a, Layout::Rows], Beta::One, &mut report);
        // every layout meets every other within a few shapes
        let layout = |step: usize| Layout::ALL[(number / step + number) % Layout::ALL.len()];
        let layouts = [layout(1), layout(5), layout(25)];
        case.run(kernels, layouts, Beta::Zero, &mut report);
        case.run(kernels, [layouts[2], layouts[0], layouts[1]], Beta::One, &mut report);
    }
    for (number, shape) in [[7, 13, 31], [13, 13, 13], [65, 33, 17]].into_iter().enumerate() {
        let case = Case::<T>::new(10_000 + number, shape);
        for of_a in Layout::ALL {
            for of_b in Layout::ALL {
                for of_c in Layout::ALL {
                    for beta in [Beta::Zero, Beta::One] {
                        case.run(kernels, [of_a, of_b, of_c], beta, &mut report);
                    }
                }
            }
        }
    }
    report
}

/// NaN and infinity in A, B or C reach the elements of C that depend on them, through zeros too,
/// and no others.
pub fn non_finite<T: Math>(kernels: &impl Kernels<T>) -> Report {
    let mut report = Report::new("non_finite");
    for shape in [[1, 1, 1], [3, 5, 7], [17, 16, 33], [65, 64, 63], [1, 9, 300]] {
        for special in [T::nan(), T::infinity(), T::neg_infinity()] {
            for layout in [Layout::Rows, Layout::Columns] {
                for partner in [T::one(), -T::one(), T::zero()] {
                    for in_a in [true, false] {
                        special_factor(kernels, shape, layout, special, partner, in_a, &mut report);
                    }
                }
            }
            special_summand(kernels, shape, special, &mut report);
        }
    }
    report
}

/// All ones, but for one special element of A (or B), which meets a row of partners in B (or a
/// column of them in A).
fn special_factor<T: Math>(
    kernels: &impl Kernels<T>,
    [m, n, k]: [usize; 3],
    layout: Layout,
    special: T,
    partner: T,
    in_a: bool,
    report: &mut Report,
) {
    let (row, col, depth) = (m / 2, n / 3, k - 1 - k / 3);
    let a = Strided::new(layout, m, k, T::one(), |i, l| match in_a {
        _ if l != depth => T::one(),
        true if i == row => special,
        true => T::one(),
        false => partner,
    });
    let b = Strided::new(layout, k, n, T::one(), |l, j| match in_a {
        _ if l != depth => T::one(),
        true => partner,
        false if j == col => special,
        false => T::one(),
    });
    let mut c = Strided::new(Layout::Rows, m, n, T::nan(), |_, _| T::nan());
    kernels.gemm(a.as_ref(), b.as_ref(), Beta::Zero, c.as_mut());
    let rest = T::of((k - 1) as f64);
    for i in 0..m {
        for j in 0..n {
            let met = if in_a { i == row } else { j == col };
            let expected = rest + if met { special * partner } else { partner };
            let (side, got) = (if in_a { "A" } else { "B" }, c.get(i, j));
            report.same_number(
                format_args!(
                    "{special} in {side} against {partner}, [{m}, {k}]·[{k}, {n}], {layout:?}, \
                     element ({i}, {j})"
                ),
                got,
                expected,
            );
        }
    }
}

/// Ones added with β = 1 to zeros, but for one special element of C.
fn special_summand<T: Math>(
    kernels: &impl Kernels<T>,
    [m, n, k]: [usize; 3],
    special: T,
    report: &mut Report,
) {
    let ones = |rows, cols| Strided::new(Layout::Rows, rows, cols, T::one(), |_, _| T::one());
    let is_special = |i, j| (i, j) == (m / 2, n / 2);
    let before = |i, j| if is_special(i, j) { special } else { T::zero() };
    let mut c = Strided::new(Layout::Rows, m, n, T::nan(), before);
    kernels.gemm(ones(m, k).as_ref(), ones(k, n).as_ref(), Beta::One, c.as_mut());
    for i in 0..m {
        for j in 0..n {
            report.same_number(
                format_args!("{special} in C, [{m}, {k}]·[{k}, {n}], element ({i}, {j})"),
                c.get(i, j),
                before(i, j) + T::of(k as f64),
            );
        }
    }
}
