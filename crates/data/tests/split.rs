//! Splits: every row in one part, every class in both.

mod common;

use common::{classes, fit, parse, schema};
use consonance_core::Precision;
use consonance_data::{Split, digits};
use proptest::prelude::*;

fn count(classes: &[u32], rows: &[u32], class: u32) -> usize {
    rows.iter().filter(|&&row| classes[row as usize] == class).count()
}

proptest! {
    #[test]
    fn every_row_is_in_one_part_and_every_class_keeps_its_share(
        classes in prop::collection::vec(0_u32..6, 2..200),
        fraction in 0.0..0.99_f64,
        seed: u64,
    ) {
        let Ok(split) = Split::stratified(&classes, fraction, seed) else {
            // refused only if no class has a row to give
            let size = |class| classes.iter().filter(|&&c| c == class).count();
            let total = (fraction * classes.len() as f64).round();
            prop_assert!(total == 0.0 || (0..6).all(|class| size(class) < 2));
            return Ok(());
        };
        let mut all = [split.train.as_slice(), &split.test].concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..classes.len() as u32).collect::<Vec<_>>());
        prop_assert!(split.train.is_sorted() && split.test.is_sorted());
        for class in classes.iter().copied() {
            let held_out = count(&classes, &split.test, class) as f64;
            let share = fraction * classes.iter().filter(|&&c| c == class).count() as f64;
            prop_assert!((held_out - share).abs() <= 1.0, "{} of {}", held_out, share);
            prop_assert!(count(&classes, &split.train, class) > 0);
        }
    }
}

#[test]
fn the_digits_are_split_by_class() {
    let table = digits();
    let split = table.split(&schema(&table), 0.2, 1).unwrap();
    // round(0.2 · 1797)
    assert_eq!((split.train.len(), split.test.len()), (1438, 359));
    let data = fit(&table).dataset(&table, Precision::F32).unwrap();
    let classes = classes(data.targets());
    // a fifth of 178, 182, 177, 183, 181, 182, 181, 179, 174 and 180 rows, by largest remainders
    let held_out: Vec<usize> = (0..10).map(|class| count(classes, &split.test, class)).collect();
    assert_eq!(held_out, [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]);
}

#[test]
fn classes_need_not_be_counted_from_0() {
    let split = Split::stratified(&[u32::MAX, 7, u32::MAX, 7], 0.5, 1).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (2, 2));
}

#[test]
fn the_seed_decides() {
    let split = |seed| Split::random(100, 0.3, seed).unwrap();
    assert_eq!(split(1), split(1));
    assert_ne!(split(1), split(2));
    assert_eq!(split(1).test.len(), 30);
}

#[test]
fn regression_rows_are_drawn_at_random() {
    let rows: String = (0..50).map(|i| format!("{i}.25,{i}.5\n")).collect();
    let table = parse(rows).unwrap();
    let split = table.split(&schema(&table), 0.5, 3).unwrap();
    assert_eq!((split.train.len(), split.test.len()), (25, 25));
}

#[test]
fn nothing_held_out_leaves_all_to_training() {
    let split = Split::stratified(&[0, 1, 1], 0.0, 7).unwrap();
    assert_eq!((split.train, split.test), (vec![0, 1, 2], vec![]));
}

#[test]
fn a_split_that_cannot_be_is_refused() {
    for fraction in [1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        let message = Split::random(10, fraction, 0).unwrap_err().to_string();
        assert_eq!(
            message,
            format!(
                "cannot hold out a fraction of {fraction}: expected a number from 0 up to, but not \
                 including, 1"
            )
        );
        assert!(Split::stratified(&[0, 1], fraction, 0).is_err());
    }
    let message =
        |split: Result<Split, _>| split.map_err(|e: consonance_data::Error| e.to_string());
    assert_eq!(
        message(Split::random(10, 0.01, 0)),
        Err("cannot hold out a fraction of 0.01: of 10 rows none is left to test on".to_owned())
    );
    assert_eq!(
        message(Split::random(10, 0.99, 0)),
        Err("cannot hold out a fraction of 0.99: of 10 rows none is left to train on".to_owned())
    );
    assert_eq!(
        message(Split::stratified(&[0, 1, 2], 0.5, 0)),
        Err("cannot hold out a fraction of 0.5: of 3 rows none is left to test on".to_owned())
    );
    assert!(Split::random(0, 0.0, 0).is_err());
    assert!(Split::stratified(&[], 0.5, 0).is_err());
}
