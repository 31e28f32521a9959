//! Matrix products in twice the working precision, with the bound on anybody else's.

use super::{Bounded, ORACLE, Rounding};

/// A row-major matrix of bounded numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Numbers a row.
    pub cols: usize,
    /// Row-major [rows, cols].
    pub elements: Vec<Bounded>,
}

impl Matrix {
    /// A matrix of exactly known numbers.
    ///
    /// # Panics
    /// If they are not `rows`·`cols`.
    pub fn exact(rows: usize, cols: usize, values: impl IntoIterator<Item = f64>) -> Self {
        let elements: Vec<_> = values.into_iter().map(Bounded::exact).collect();
        assert_eq!(elements.len(), rows * cols, "a {rows} × {cols} matrix");
        Matrix { rows, cols, elements }
    }

    /// The matrix with `f` applied to every element.
    pub fn map(&self, f: impl Fn(Bounded) -> Bounded) -> Self {
        Matrix { elements: self.elements.iter().map(|e| f(*e)).collect(), ..*self }
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[Bounded] {
        &self.elements[i * self.cols..(i + 1) * self.cols]
    }

    /// The transpose, copied.
    pub fn transposed(&self) -> Self {
        let column = |j| (0..self.rows).map(move |i| self.elements[i * self.cols + j]);
        Matrix {
            rows: self.cols,
            cols: self.rows,
            elements: (0..self.cols).flat_map(column).collect(),
        }
    }
}

/// a + b = sum + error exactly (Knuth's TwoSum).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// The upper and lower half of a number's digits (Dekker's split, by 2²⁷ + 1).
fn split(a: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * a;
    let high = scaled - (scaled - a);
    (high, a - high)
}

/// a·b = product + error exactly (Dekker's TwoProduct), barring over- and underflow. A fused
/// multiply-add would be shorter, and a slow call wherever the target does not promise one.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    let rest = ((a_high * b_high - product) + a_high * b_low) + a_low * b_high;
    (product, rest + a_low * b_low)
}

/// start + Σ aᵢ·bᵢ as if in twice the precision, rounded once (Dot2 of Ogita, Rump & Oishi,
/// *Accurate sum and dot product*, SIAM J. Sci. Comput. 26, 2005): the error is at most
/// u·|result| + γ(k+1)²·(|start| + Σ|aᵢ|·|bᵢ|), u = 2⁻⁵³.
pub fn dot(start: f64, terms: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut sum, mut correction) = (start, 0.0);
    for (a, b) in terms {
        let (product, product_error) = two_product(a, b);
        let (next, sum_error) = two_sum(sum, product);
        sum = next;
        correction += product_error + sum_error;
    }
    sum + correction
}

/// A·Bᵀ + bias from A [m, k] and B [n, k], where `bias` tells what element (i, j) begins with.
///
/// With |â − a| ≤ e_a and |b̂ − b| ≤ e_b element by element, the backend's result lies within
///
/// Σ (e_a·(|b| + e_b) + |a|·e_b) + γ(k+2)·(Σ (|a| + e_a)·(|b| + e_b) + |bias|)
///
/// of the exact one of the oracle's A and B: the first sum is what the operands' errors make, the
/// second is the theorem on products, whose magnitudes are those of the backend's operands.
pub fn product(
    a: &Matrix,
    b: &Matrix,
    bias: impl Fn(usize, usize) -> f64,
    rounding: Rounding,
) -> Matrix {
    product_and_roundings(a, b, bias, rounding).0
}

/// The same, and how much of each element's error the product's own roundings are.
pub(super) fn product_and_roundings(
    a: &Matrix,
    b: &Matrix,
    bias: impl Fn(usize, usize) -> f64,
    rounding: Rounding,
) -> (Matrix, Vec<f64>) {
    assert_eq!(a.cols, b.cols, "operands of a product must agree in k");
    let k = a.cols;
    let gamma = rounding.gamma(rounding.chain(k as f64 + 2.0));
    let oracle_squared = ((k + 1) as f64 * ORACLE).powi(2) * 2.0;
    let tiny = (k + 1) as f64 * rounding.tiny;
    let mut elements = Vec::with_capacity(a.rows * b.rows);
    let mut roundings = Vec::with_capacity(a.rows * b.rows);
    for i in 0..a.rows {
        for j in 0..b.rows {
            let start = bias(i, j);
            let (left, right) = (a.row(i), b.row(j));
            let value = dot(start, left.iter().zip(right).map(|(a, b)| (a.value, b.value)));
            let (mut sum, mut squares, mut magnitude) = (0.0, 0.0, start.abs());
            for (a, b) in left.iter().zip(right) {
                let b_magnitude = b.magnitude();
                let error = a.error * b_magnitude + a.value.abs() * b.error;
                sum += error;
                squares += error * error;
                magnitude += a.magnitude() * b_magnitude;
            }
            let propagated = rounding.of_sum(sum, squares);
            let own = ORACLE * value.abs() + oracle_squared * magnitude;
            let rounded = (gamma * magnitude + own + tiny).min(f64::MAX);
            elements.push(Bounded { value, error: propagated + rounded }.finite());
            roundings.push(rounded);
        }
    }
    (Matrix { rows: a.rows, cols: b.rows, elements }, roundings)
}
