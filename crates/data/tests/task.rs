//! Which task a target suggests, and what its classes are.

mod common;

use common::{parse, said};
use consonance_data::{Preparation, Table, Task};

/// A table with this target column.
fn with_target<T: ToString>(cells: &[T]) -> Table {
    let rows = cells.iter().zip(1..).map(|(cell, row)| format!("{row},{}\n", cell.to_string()));
    parse(format!("a,y\n{}", rows.collect::<String>())).unwrap()
}

#[test]
fn the_target_suggests_the_task() {
    let task = |cells: &[&str]| with_target(cells).task().unwrap();
    assert_eq!(task(&["x", "y", "z"]), Task::Classification);
    assert_eq!(task(&["0", "1", "1", "0"]), Task::Classification);
    assert_eq!(task(&["-1", "1", "-1.0", "1.0"]), Task::Classification);
    assert_eq!(task(&["0.5", "1.5", "0.5", "1.5"]), Task::Regression);
    assert_eq!(task(&["10", "20", "30", "30"]), Task::Regression, "three of four are distinct");
    assert_eq!(task(&["x", "1", "2"]), Task::Classification, "text among integers");
    let cycle = |distinct: u32| (0..100).map(|i| i % distinct).collect::<Vec<u32>>();
    assert_eq!(with_target(&cycle(20)).task().unwrap(), Task::Classification);
    assert_eq!(with_target(&cycle(21)).task().unwrap(), Task::Regression);
}

#[test]
fn text_among_fractions_is_refused_unless_classes_are_asked_for() {
    let table = with_target(&["1.5", "oops", "2.5", "1.5"]);
    assert_eq!(
        said(table.task()),
        "data.csv: line 3, column 2 (y): expected a number, as in other rows (1.5), found \
         \"oops\"; mend the cell, or name the task if the column holds classes"
    );
    assert_eq!(
        said(Preparation::new(&table, Task::Regression)),
        "data.csv: line 3, column 2 (y): regression needs a number, found \"oops\""
    );
    assert_eq!(table.classes().unwrap(), ["1.5", "2.5", "oops"]);
}

#[test]
fn classes_are_sorted_as_numbers_or_as_text() {
    assert_eq!(with_target(&["10", "9", "-1", "9.0"]).classes().unwrap(), ["-1", "9", "10"]);
    assert_eq!(
        with_target(&["b", "B", "a", "10", "9"]).classes().unwrap(),
        ["10", "9", "B", "a", "b"]
    );
}

#[test]
fn a_number_is_one_label_however_it_is_written() {
    let same = with_target(&["0", "-0", "0.0", "x", "-0.0", "0"]);
    assert_eq!(same.classes().unwrap(), ["0", "x"]);
    assert_eq!(with_target(&["0", "-0.0", "1"]).classes().unwrap(), ["0", "1"]);
}

#[test]
fn one_class_is_not_enough() {
    for label in ["x", "1"] {
        assert_eq!(
            said(with_target(&[label, label]).classes()),
            format!(
                "data.csv: every row is of the class {label:?}; classification needs at least \
                 two classes"
            )
        );
    }
}

#[test]
fn an_unknown_label_is_named_with_its_row() {
    let known = ["x".to_owned(), "y".to_owned()];
    assert_eq!(with_target(&["y", "x"]).class_indices(&known).unwrap(), [1, 0]);
    assert_eq!(
        said(with_target(&["y", "z", "x"]).class_indices(&known)),
        "data.csv: line 3, column 2 (y): label \"z\" is unknown; the known labels are x, y"
    );
    // a file with some of the classes only, and these written otherwise
    let digits: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
    assert_eq!(with_target(&["07", "3.0"]).class_indices(&digits).unwrap(), [7, 3]);
    let message = said(with_target(&[11, 3]).class_indices(&digits));
    assert!(
        message.starts_with("data.csv: line 2, column 2 (y): label \"11\" is unknown"),
        "{message}"
    );
}

#[test]
fn whole_numbers_that_cannot_be_told_apart_are_no_labels() {
    let table = with_target(&["1", "9007199254740992", "9007199254740994"]);
    assert_eq!(
        said(table.classes()),
        "data.csv: line 4, column 2 (y): label 9007199254740994 is too large, expected at most \
         2^53 = 9007199254740992"
    );
    assert_eq!(table.numbers().unwrap()[2], 9_007_199_254_740_994.0);
    assert_eq!(with_target(&["1", "-9007199254740992"]).classes().unwrap().len(), 2);
}

#[test]
fn a_task_is_known_by_its_name() {
    for task in [Task::Classification, Task::Regression] {
        assert_eq!(task.to_string().parse(), Ok(task));
    }
    assert!("cluster".parse::<Task>().unwrap_err().contains("classification, regression"));
}
