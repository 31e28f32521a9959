//! Standardisation: the definition, and the columns that are hard on it.

use consonance_data::Standardizer;
use proptest::prelude::*;

#[test]
fn mean_and_population_deviation_are_the_definitions() {
    // mean 5, squares of deviations 9 1 1 1 0 0 4 16, so variance 4
    let column = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
    let fitted = Standardizer::fit_values(1, &column).unwrap();
    assert_eq!(fitted, Standardizer { mean: vec![5.0], scale: vec![2.0] });
    let mut values = column;
    fitted.apply(&mut values).unwrap();
    assert_eq!(values, [-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0]);
    fitted.invert(&mut values).unwrap();
    assert_eq!(values, column);
}

#[test]
fn a_constant_column_becomes_zeros() {
    // 0.1 is no binary fraction: the plain mean of ten is not 0.1
    let fitted = Standardizer::fit_values(1, &[0.1; 10]).unwrap();
    assert_eq!(fitted, Standardizer { mean: vec![0.1], scale: vec![1.0] });
}

#[test]
fn a_large_offset_costs_no_digits() {
    let column: Vec<f64> = (0..1000).map(|i| 1e15 + f64::from(i % 2)).collect();
    let fitted = Standardizer::fit_values(1, &column).unwrap();
    assert_eq!(fitted, Standardizer { mean: vec![1e15 + 0.5], scale: vec![0.5] });
}

#[test]
fn huge_and_tiny_columns_neither_overflow_nor_vanish() {
    let powers = [2_f64.powi(1000), 2_f64.powi(-1000)];
    let values = [powers[0], powers[1], -powers[0], -powers[1]];
    let fitted = Standardizer::fit_values(2, &values).unwrap();
    assert_eq!(fitted, Standardizer { mean: vec![0.0, 0.0], scale: powers.to_vec() });
    let message = Standardizer::fit_values(1, &[f64::MAX, -f64::MAX]).unwrap_err().to_string();
    assert_eq!(message, "cannot standardise: column 1: its mean and deviation do not fit f64");
    assert!(Standardizer::fit_values(1, &[1.0, f64::NAN]).is_err());
    assert!(Standardizer::fit_values(1, &[1.0, f64::INFINITY]).is_err());
}

#[test]
fn a_wrong_shape_is_refused() {
    assert_eq!(
        Standardizer::fit_values(2, &[1.0, 2.0, 3.0]).unwrap_err().to_string(),
        "cannot standardise: 3 values are no whole number of rows of 2"
    );
    assert!(Standardizer::fit_values(0, &[]).is_err());
    assert!(Standardizer::fit_values(1, &[]).is_err());
    let fitted = Standardizer::fit_values(2, &[1.0, 2.0]).unwrap();
    assert!(fitted.apply(&mut [1.0]).is_err() && fitted.invert(&mut [1.0]).is_err());
}

proptest! {
    /// The mean of n standardised numbers is 0 and their mean square 1, up to rounding.
    ///
    /// With u = 2⁻⁵³ and numbers from −1 to 1, whose differences are at most 2, the fitted mean is
    /// within 2·(n+3)·u, which standardising divides by the scale. Standardised numbers have a
    /// mean square of 1, so none is above √n, and each is rounded twice; summing n of them and
    /// dividing adds n+1 roundings of a mean size of at most 1. In the mean square the fitted mean
    /// cancels, and what is left is n+6 roundings here and n+11 in the fitted scale.
    #[test]
    fn standardised_columns_have_mean_0_and_deviation_1(
        column in prop::collection::vec(-1.0..1.0_f64, 2..100)
    ) {
        prop_assume!(column.iter().any(|&x| x != column[0]));
        let fitted = Standardizer::fit_values(1, &column).unwrap();
        let mut values = column.clone();
        fitted.apply(&mut values).unwrap();
        let (n, u) = (values.len() as f64, f64::EPSILON / 2.0);
        let mean = values.iter().sum::<f64>() / n;
        let square = values.iter().map(|x| x * x).sum::<f64>() / n;
        let bound = (2.0 * (n + 3.0) / fitted.scale[0] + 2.0 * n.sqrt() + n + 1.0) * u;
        prop_assert!(mean.abs() <= bound, "mean {}, bound {}", mean, bound);
        prop_assert!((square - 1.0).abs() <= (2.0 * n + 17.0) * u, "mean square {}", square);
    }
}
