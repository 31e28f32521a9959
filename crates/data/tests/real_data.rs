//! Data sets that people know. Counts, sums, means and deviations were computed from the files
//! with Python's standard library.

mod common;

use common::{cells, classes, column, fit, schema};
use consonance_core::Precision;
use consonance_data::{
    Preparation, ReadOptions, Scaling, Standardizer, Table, TargetEncoding, Task, digits, read,
};
use std::path::{Path, PathBuf};

fn class_counts(table: &Table) -> Vec<(String, usize)> {
    let preparation = fit(table);
    let data = preparation.dataset(table, Precision::F32).unwrap();
    let rows = classes(data.targets());
    let TargetEncoding::Classes(names) = preparation.target else { panic!("classes expected") };
    let count = |class| rows.iter().filter(|&&row| row == class).count();
    let counts: Vec<usize> = (0..names.len() as u32).map(count).collect();
    names.into_iter().zip(counts).collect()
}

/// The numbers of a column.
fn numbers(table: &Table, index: usize) -> Vec<f64> {
    column(table, index).iter().map(|cell| cell.parse().unwrap()).collect()
}

fn fitted(table: &Table, index: usize) -> (f64, f64) {
    let fitted = Standardizer::fit_values(1, &numbers(table, index)).unwrap();
    (fitted.mean[0], fitted.scale[0])
}

fn counts_are(table: &Table, expected: &[(&str, usize)]) {
    let found = class_counts(table);
    let found: Vec<(&str, usize)> = found.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    assert_eq!(found, expected);
}

/// A file of the folder that CONSONANCE_DATA names: CONTRIBUTING.md says what is looked for there.
/// Without it the test is skipped; a file that is missing in it is an error.
fn beside(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CONSONANCE_DATA") else {
        println!("skipped: CONSONANCE_DATA names no folder of data sets");
        return None;
    };
    let path = Path::new(&folder).join(name);
    assert!(path.exists(), "there is no {}", path.display());
    Some(path)
}

/// A mean or deviation of n numbers is a sum of n terms, right to n roundings of u = 2⁻⁵³; in the
/// columns compared here the terms are no larger than the result, on average.
fn close(found: f64, expected: f64, rows: usize) {
    let bound = rows as f64 * f64::EPSILON / 2.0 * expected.abs();
    assert!((found - expected).abs() <= bound, "{found} is not {expected}");
}

#[test]
fn the_embedded_digits_are_whole() {
    let table = digits();
    assert_eq!((table.rows(), table.width()), (1797, 65));
    let pixels = (0..64).map(|pixel| numbers(&table, pixel).iter().sum::<f64>());
    assert_eq!(pixels.sum::<f64>(), 561_718.0);
    assert_eq!(cells(&table)[..8], ["0", "0", "5", "13", "9", "1", "0", "0"]);
    assert_eq!(table.names().nth(8), Some("p1_0"));
    assert_eq!(schema(&table).task().unwrap().0, Task::Classification);
    // pixels of four bits, of which some never change
    let data = fit(&table).dataset(&table, Precision::F64).unwrap();
    assert_eq!((data.inputs(), data.features().get(2)), (64, 5.0 / 16.0));
    counts_are(
        &table,
        &[
            ("0", 178),
            ("1", 182),
            ("2", 177),
            ("3", 183),
            ("4", 181),
            ("5", 182),
            ("6", 181),
            ("7", 179),
            ("8", 174),
            ("9", 180),
        ],
    );
}

#[test]
fn iris_is_read() {
    let Some(path) = beside("iris.csv") else { return };
    let table = read(path, &ReadOptions::default()).unwrap();
    assert_eq!((table.rows(), table.width()), (150, 5));
    assert_eq!(table.names().nth(2), Some("petal_length"));
    assert_eq!(schema(&table).task().unwrap().0, Task::Classification);
    counts_are(&table, &[("setosa", 50), ("versicolor", 50), ("virginica", 50)]);
    let expected = [
        (5.843333333333334, 0.8253012917851409),
        (3.0573333333333337, 0.43441096773549454),
        (3.7580000000000005, 1.759404065775303),
        (1.1993333333333334, 0.7596926279021594),
    ];
    for (j, (mean, deviation)) in expected.into_iter().enumerate() {
        let fitted = fitted(&table, j);
        close(fitted.0, mean, 150);
        close(fitted.1, deviation, 150);
    }
}

#[test]
fn breast_cancer_is_read() {
    let Some(path) = beside("breast_cancer.csv") else { return };
    let table = read(path, &ReadOptions::default()).unwrap();
    assert_eq!((table.rows(), table.width()), (569, 31));
    assert_eq!(schema(&table).task().unwrap().0, Task::Classification);
    counts_are(&table, &[("benign", 357), ("malignant", 212)]);
    let fitted = fitted(&table, 3);
    close(fitted.0, 654.8891036906855, 569);
    close(fitted.1, 351.60475406323, 569);
}

#[test]
fn diabetes_is_a_regression() {
    let Some(path) = beside("diabetes.csv") else { return };
    let table = read(path, &ReadOptions::default()).unwrap();
    assert_eq!((table.rows(), table.width()), (442, 11));
    assert_eq!(schema(&table).task().unwrap().0, Task::Regression);
    let numbers = numbers(&table, 10);
    assert_eq!((numbers[0], numbers[441]), (151.0, 57.0));
    let fitted = fitted(&table, 10);
    close(fitted.0, 152.13348416289594, 442);
    close(fitted.1, 77.00574586945044, 442);
}

#[test]
fn mnist_is_read() {
    let Some(folder) = beside("mnist") else { return };
    let table = read(&folder, &ReadOptions::default()).unwrap();
    let images = folder.join("t10k-images-idx3-ubyte.gz");
    assert_eq!(read(images, &ReadOptions::default()).unwrap(), table);
    assert_eq!((table.rows(), table.width()), (10_000, 785));
    let schema = schema(&table);
    let builder = Preparation::builder(&schema).scaling(Scaling::None);
    let preparation = builder.fit(&table, &common::all(&table)).unwrap();
    let data = preparation.dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features().iter().sum::<f64>(), 264_923_200.0);
    assert_eq!(data.features().get(7 * 28 + 6), 84.0);
    assert_eq!(table.names().nth(7 * 28 + 6), Some("pixel_7_6"));
    counts_are(
        &table,
        &[
            ("0", 980),
            ("1", 1135),
            ("2", 1032),
            ("3", 1010),
            ("4", 982),
            ("5", 892),
            ("6", 958),
            ("7", 1028),
            ("8", 974),
            ("9", 1009),
        ],
    );
}
