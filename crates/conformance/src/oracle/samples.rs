//! Errors as random numbers, so that those with a common source stay together.
//!
//! A rounding error of one unit reaches every unit of the next layer, and where these meet again it
//! may cancel or add up. So errors are drawn: each of a layer's roundings as ± its bound, with a
//! sign of its own, carried through the layers to first order. What becomes of a number over all
//! draws says how far it deviates. Rows of the batch do not meet, and equal rows draw the same.

use super::product::Matrix;
use consonance_core::rng::{Purpose, Stream};

/// Draws of the errors of a layer's numbers: for each draw a matrix as large as theirs.
#[derive(Debug, Clone)]
pub(super) struct Samples<'a> {
    /// For each row of the batch the first row that equals it.
    alike: &'a [usize],
    draws: Vec<Vec<f64>>,
}

impl<'a> Samples<'a> {
    /// `count` draws of a matrix [rows, cols] that is known exactly.
    pub(super) fn exact(count: usize, alike: &'a [usize], cols: usize) -> Self {
        Samples { alike, draws: vec![vec![0.0; alike.len() * cols]; count] }
    }

    /// Adds roundings of these sizes; no two matrices of a network have the same `number`.
    pub(super) fn round(&mut self, sizes: &[f64], number: usize) {
        let cols = sizes.len() / self.alike.len();
        for (draw, numbers) in self.draws.iter_mut().enumerate() {
            let rows = numbers.chunks_mut(cols).zip(sizes.chunks(cols)).zip(self.alike);
            for ((numbers, sizes), &row) in rows {
                let seed = (draw as u64) << 32 | row as u64;
                let mut stream = Stream::new(seed, Purpose::Synthetic, 1, number as u32);
                for (numbers, sizes) in numbers.chunks_mut(32).zip(sizes.chunks(32)) {
                    let signs = stream.next_u32();
                    for (bit, (number, size)) in numbers.iter_mut().zip(sizes).enumerate() {
                        *number += if signs >> bit & 1 == 0 { *size } else { -size };
                    }
                }
            }
        }
    }

    /// The errors of X·B from those of X.
    pub(super) fn times(&self, b: &Matrix) -> Self {
        let b_rows: Vec<f64> = b.elements.iter().map(|b| b.value).collect();
        let product = |x: &Vec<f64>| {
            let mut product = vec![0.0; x.len() / b.rows * b.cols];
            for (x, sums) in x.chunks(b.rows).zip(product.chunks_mut(b.cols)) {
                for (x, b) in x.iter().zip(b_rows.chunks(b.cols)).filter(|(x, _)| **x != 0.0) {
                    sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += x * b);
                }
            }
            product
        };
        Samples { alike: self.alike, draws: self.draws.iter().map(product).collect() }
    }

    /// Multiplies each number's error by its factor.
    pub(super) fn scale(&mut self, factors: &[f64]) {
        for draw in &mut self.draws {
            draw.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
        }
    }

    /// Adds the errors of other numbers, each times its factor.
    pub(super) fn add(&mut self, others: &Self, factors: &[f64]) {
        for (draw, other) in self.draws.iter_mut().zip(&others.draws) {
            let terms = other.iter().zip(factors).map(|(x, factor)| x * factor);
            draw.iter_mut().zip(terms).for_each(|(x, term)| *x += term);
        }
    }

    /// How often the row occurs that occurs most often.
    pub(super) fn most_alike(&self) -> usize {
        let occurrences = |row| self.alike.iter().filter(|alike| **alike == row).count();
        (0..self.alike.len()).map(occurrences).max().unwrap_or(1)
    }

    /// Lets `change` make of each row's errors others.
    pub(super) fn map_rows(&mut self, cols: usize, change: impl Fn(usize, &mut [f64])) {
        for draw in &mut self.draws {
            draw.chunks_mut(cols).enumerate().for_each(|(row, errors)| change(row, errors));
        }
    }

    /// Makes no error smaller than its root mean square over the draws.
    pub(super) fn raise(&self, matrix: &mut Matrix) {
        for (at, number) in matrix.elements.iter_mut().enumerate() {
            let squares: f64 = self.draws.iter().map(|draw| draw[at] * draw[at]).sum();
            let deviation = (squares / self.draws.len().max(1) as f64).sqrt();
            number.error = number.error.max(deviation).min(f64::MAX);
        }
    }
}

/// For each row the first that equals it.
pub(super) fn alike(rows: &Matrix) -> Vec<usize> {
    let bits = |i: usize| rows.row(i).iter().map(|x| x.value.to_bits()).collect::<Vec<_>>();
    let mut first = std::collections::HashMap::new();
    (0..rows.rows).map(|i| *first.entry(bits(i)).or_insert(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ones(rows: usize, cols: usize) -> Matrix {
        Matrix::exact(rows, cols, vec![1.0; rows * cols])
    }

    /// What is known of a [rows, 1] matrix by draws of its errors.
    fn deviations(errors: &Samples<'_>) -> Vec<f64> {
        let mut matrix = ones(errors.alike.len(), 1);
        errors.raise(&mut matrix);
        matrix.elements.iter().map(|x| x.error).collect()
    }

    #[test]
    fn errors_of_one_source_add_up_and_others_by_their_squares() {
        // one number to 64 units, and all of these to one again
        let mut one = Samples::exact(16, &[0], 1);
        one.round(&[1.0], 0);
        assert_eq!(deviations(&one.times(&ones(1, 64)).times(&ones(64, 1))), [64.0]);
        let mut many = Samples::exact(16, &[0], 64);
        many.round(&[1.0; 64], 0);
        let [deviation] = deviations(&many.times(&ones(64, 1)))[..] else { panic!("one number") };
        // 8, give or take three standard errors of an estimate from 16 draws
        assert!((deviation / 8.0 - 1.0).abs() < 3.0 / 32.0_f64.sqrt(), "{deviation}");
    }

    #[test]
    fn equal_rows_draw_the_same() {
        let rows = Matrix::exact(3, 2, [1.0, 2.0, 1.0, 3.0, 1.0, 2.0]);
        let alike = alike(&rows);
        assert_eq!(alike, [0, 1, 0]);
        let mut errors = Samples::exact(16, &alike, 1);
        assert_eq!(errors.most_alike(), 2);
        errors.round(&[1.0; 3], 0);
        assert!(errors.draws.iter().all(|draw| draw[0] == draw[2]));
        assert!(errors.draws.iter().any(|draw| draw[0] != draw[1]));
    }
}
