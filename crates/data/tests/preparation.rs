//! From tables to data sets, and from one file's columns to another's.

mod common;

use common::{parse, parse_with, said};
use consonance_core::{Precision, Targets, Values};
use consonance_data::{Columns, Preparation, ReadOptions, Table, TargetEncoding, Task};

const TRAINING: &str = "a,b,kind\n1,10,x\n3,30,y\n5,50,x\n";

fn prepared(task: Task, content: &str) -> (Table, Preparation) {
    let table = parse(content).unwrap();
    let preparation = Preparation::new(&table, task).unwrap();
    (table, preparation)
}

fn like(preparation: &Preparation) -> ReadOptions {
    let columns = Columns::Like(preparation.schema.clone());
    ReadOptions { columns, ..Default::default() }
}

#[test]
fn classes_become_indices() {
    let (table, preparation) = prepared(Task::Classification, TRAINING);
    let data = preparation.dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features(), &Values::from(vec![1.0_f32, 10.0, 3.0, 30.0, 5.0, 50.0]));
    assert_eq!(data.targets(), &Targets::Classes(vec![0, 1, 0]));
    assert_eq!(preparation.task(), Task::Classification);
}

#[test]
fn numbers_become_values_of_width_1() {
    let (table, preparation) = prepared(Task::Regression, "a,y\n1,0.5\n2,1.5\n4,2.5\n");
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    let values = Values::from(vec![0.5, 1.5, 2.5]);
    assert_eq!(data.targets(), &Targets::Values { width: 1, values });
    assert_eq!(preparation.task(), Task::Regression);

    let scaled = preparation
        .standardize_features(&table, &[0, 1])
        .and_then(|preparation| preparation.standardize_target(&table, &[0, 1]))
        .unwrap();
    let data = scaled.dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features(), &Values::from(vec![-1.0_f32, 1.0, 5.0]));
    let values = Values::from(vec![-1.0_f32, 1.0, 3.0]);
    assert_eq!(data.targets(), &Targets::Values { width: 1, values });
}

#[test]
fn features_are_scaled_before_they_are_rounded() {
    // in f32 these five are one number
    let rows = "1600000001,x\n1600000002,y\n1600000003,x\n1600000002,y\n1600000002,x\n";
    let (table, preparation) = prepared(Task::Classification, rows);
    let preparation = preparation.standardize_features(&table, &[0, 2]).unwrap();
    let data = preparation.dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features(), &Values::from(vec![-1.0_f32, 0.0, 1.0, 0.0, 0.0]));
}

#[test]
fn numbers_too_large_for_the_precision_are_named() {
    let (table, preparation) = prepared(Task::Classification, "a,b,kind\n1,2,x\n3,1e39,y\n");
    assert_eq!(
        said(preparation.dataset(&table, Precision::F32)),
        "data.csv: line 3, column 2 (b): 1e39 is too large for f32"
    );
    assert!(preparation.dataset(&table, Precision::F64).is_ok());
    let (table, preparation) = prepared(Task::Regression, "a,b,y\n1,2,1e39\n3,4,0.5\n");
    assert_eq!(
        said(preparation.dataset(&table, Precision::F32)),
        "data.csv: line 2, column 3 (y): 1e39 is too large for f32"
    );
}

#[test]
fn a_later_file_is_read_by_name_in_any_order() {
    let (_, preparation) = prepared(Task::Classification, TRAINING);
    let same = ["kind,b,a\ny,20,2\n", "b,kind,a\n20,y,2\n", "a,b,kind\n2,20,y\n"];
    for content in same {
        let table = parse_with(content, &like(&preparation)).unwrap();
        let data = preparation.dataset(&table, Precision::F64).unwrap();
        assert_eq!(data.features(), &Values::from(vec![2.0, 20.0]), "{content}");
        assert_eq!(data.targets(), &Targets::Classes(vec![1]), "{content}");
    }
    let table = parse_with("b,a\n20,2\n", &like(&preparation)).unwrap();
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    assert_eq!((data.features(), data.targets()), (&Values::from(vec![2.0, 20.0]), &Targets::None));
}

#[test]
fn a_target_that_is_to_be_predicted_may_hold_anything() {
    let (_, preparation) = prepared(Task::Regression, "a,b,y\n1,10,0.5\n3,30,1.5\n");
    let columns = Columns::FeaturesLike(preparation.schema.clone());
    let options = ReadOptions { columns, ..Default::default() };
    for content in ["y,b,a\n,20,2\n", "a,b,y\n2,20,?\n", "2,20,\n", "b,a\n20,2\n"] {
        let table = parse_with(content, &options).unwrap();
        assert!(table.target().is_none(), "{content}");
        let data = preparation.dataset(&table, Precision::F64).unwrap();
        let expected = (&Values::from(vec![2.0, 20.0]), &Targets::None);
        assert_eq!((data.features(), data.targets()), expected, "{content}");
    }
    assert!(parse_with("2,,1\n", &options).is_err(), "a feature is missing");
}

#[test]
fn errors_in_a_reordered_file_name_its_own_columns() {
    let (_, preparation) = prepared(Task::Classification, TRAINING);
    let read = |content| parse_with(content, &like(&preparation));
    assert_eq!(
        said(read("kind,b,a\ny,20,?\n")),
        "data.csv: line 2, column 3 (a): expected a number, found \"?\""
    );
    let table = read("kind,b,a\ny,20,1e39\n").unwrap();
    assert_eq!(
        said(preparation.dataset(&table, Precision::F32)),
        "data.csv: line 2, column 3 (a): 1e39 is too large for f32"
    );
    let table = read("kind,b,a\nz,20,1\n").unwrap();
    assert_eq!(
        said(preparation.dataset(&table, Precision::F32)),
        "data.csv: line 2, column 1 (kind): label \"z\" is unknown; the known labels are x, y"
    );
}

#[test]
fn a_later_file_without_names_is_read_by_position() {
    let (_, preparation) = prepared(Task::Classification, TRAINING);
    for (content, target) in [("2,20,y\n", Targets::Classes(vec![1])), ("2,20\n", Targets::None)] {
        let table = parse_with(content, &like(&preparation)).unwrap();
        let data = preparation.dataset(&table, Precision::F64).unwrap();
        assert_eq!((data.features(), data.targets()), (&Values::from(vec![2.0, 20.0]), &target));
    }
    // the model has no names, the file has
    let (_, preparation) = prepared(Task::Classification, "1,10,x\n3,30,y\n");
    let table = parse_with("u,v,w\n2,20,y\n", &like(&preparation)).unwrap();
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    assert_eq!(data.targets(), &Targets::Classes(vec![1]));
    // the target was the first column
    let table = parse_with("x,1,10\ny,3,30\n", &common::target("1")).unwrap();
    let preparation = Preparation::new(&table, Task::Classification).unwrap();
    let table = parse_with("y,2,20\n", &like(&preparation)).unwrap();
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    assert_eq!(data.features(), &Values::from(vec![2.0, 20.0]));
    assert_eq!(data.targets(), &Targets::Classes(vec![1]));
}

#[test]
fn a_later_file_with_other_columns_is_refused() {
    let (_, preparation) = prepared(Task::Classification, TRAINING);
    let refusal = |content| said(parse_with(content, &like(&preparation)));
    assert_eq!(
        refusal("a,c,kind\n1,2,x\n"),
        "data.csv: line 1: no column \"b\"; the columns are a, c, kind"
    );
    assert_eq!(
        refusal("id,a,b,kind\n1,1,2,x\n"),
        "data.csv: line 1: column \"id\" is none of the model's, which are a, b"
    );
    for content in ["1,2,3,4\n", "1\n", "1,2,3,x\n"] {
        let message = refusal(content);
        let expected = "data.csv: line 1: expected 2 columns, one a feature, or 3 with the target";
        assert!(message.starts_with(expected), "{message}");
    }
    let (wide, _) = prepared(Task::Classification, "a,b,c,kind\n1,2,3,x\n4,5,6,y\n");
    assert_eq!(
        said(preparation.dataset(&wide, Precision::F32)),
        "data.csv: has 3 features, expected 2"
    );
}

#[test]
fn a_table_without_a_target_can_be_predicted_for_but_not_learned_from() {
    let none = ReadOptions { columns: Columns::NoTarget, ..Default::default() };
    let table = parse_with("a,b\n1,2\n", &none).unwrap();
    let expected =
        "data.csv: has no target column, expected labels or numbers to learn or compare with";
    assert_eq!(said(table.task()), expected);
    for task in [Task::Classification, Task::Regression] {
        assert_eq!(said(Preparation::new(&table, task)), expected);
    }
}

#[test]
fn targets_are_standardised_only_where_they_are_numbers() {
    let (table, preparation) = prepared(Task::Classification, TRAINING);
    let same = preparation.clone().standardize_target(&table, &[0, 1]).unwrap();
    assert_eq!(same, preparation);
    let (table, preparation) = prepared(Task::Regression, "a,y\n1,0.5\n2,1.5\n");
    let scaled = preparation.clone().standardize_target(&table, &[0, 1]).unwrap();
    let TargetEncoding::Values { standardizer: Some(standardizer) } = scaled.target else {
        panic!("a standardiser expected")
    };
    assert_eq!((standardizer.mean, standardizer.scale), (vec![1.0], vec![0.5]));
    assert!(preparation.standardize_target(&table, &[2]).is_err());
}

#[test]
fn a_preparation_survives_json() {
    let (table, preparation) = prepared(Task::Regression, "a,y\n1,0.5\n2,1.5\n");
    let scaled = preparation
        .standardize_features(&table, &[0, 1])
        .and_then(|preparation| preparation.standardize_target(&table, &[0, 1]))
        .unwrap();
    let (_, classes) = prepared(Task::Classification, TRAINING);
    for preparation in [scaled, classes] {
        let json = serde_json::to_string(&preparation).unwrap();
        assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), preparation);
    }
}
