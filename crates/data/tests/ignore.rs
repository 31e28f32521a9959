//! Columns that are passed over.

mod common;

use common::{Folder, parse_with, said};
use consonance_data::{Columns, ReadOptions, Table, read};

const PEOPLE: &str = "id,age,name,height,sex\n7,30,Ann,1.7,f\n8,40,Bob,1.8,m\n";

fn ignoring(columns: &[&str]) -> ReadOptions {
    ReadOptions { ignore: columns.iter().map(|c| c.to_string()).collect(), ..Default::default() }
}

fn like(table: &Table) -> ReadOptions {
    ReadOptions { columns: Columns::Like(table.schema().clone()), ..Default::default() }
}

fn features(table: &Table) -> Vec<f64> {
    let cells = |row| (0..table.inputs()).map(move |index| table.value(row, index));
    (0..table.rows()).flat_map(cells).collect()
}

fn ignored(table: &Table) -> Vec<(&str, usize)> {
    table.schema().ignored.iter().map(|column| (&*column.name, column.position)).collect()
}

#[test]
fn ignored_columns_may_hold_anything() {
    for columns in [&["id", "name"][..], &["3", "id"], &["1", "3", "id"]] {
        let table = parse_with(PEOPLE, &ignoring(columns)).unwrap();
        assert_eq!(table.schema().features, ["age", "height"], "{columns:?}");
        assert_eq!(features(&table), [30.0, 1.7, 40.0, 1.8]);
        assert_eq!(ignored(&table), [("id", 0), ("name", 2)]);
        assert_eq!(table.classes().unwrap(), ["f", "m"]);
    }
    // the last column that is left is the target
    let table = parse_with(PEOPLE, &ignoring(&["sex", "name"])).unwrap();
    assert_eq!(table.schema().target.as_ref().unwrap().name, "height");
    // names that are numbers do not make a row of text data, nor ignored text a header
    let table = parse_with("x,1,2\ny,3,4\n", &ignoring(&["1"])).unwrap();
    assert_eq!((table.rows(), features(&table)), (2, vec![1.0, 3.0]));
    // a number among the data is no name
    let numbers = "5,0,1,a\n6,2,3,b\n";
    assert_eq!(
        said(parse_with(numbers, &ignoring(&["0"]))),
        "data.csv: line 1: no column 0; columns are numbered 1 to 4"
    );
    assert!(said(parse_with(numbers, &common::target("0"))).contains("is this a header?"));
    // every column of a name
    let table = parse_with("a,b,a,kind\n1,2,3,x\n4,5,6,y\n", &ignoring(&["a"])).unwrap();
    assert_eq!(table.schema().features, ["b"]);
    // a name tells that there are names, and so what a number is
    let options = ReadOptions { columns: Columns::Target("x".into()), ..ignoring(&["1"]) };
    let table = parse_with("x,1,y\n5,6,7\n8,9,10\n", &options).unwrap();
    assert_eq!(table.schema().features, ["y"]);
    // bytes that are no text
    let bytes = b"id,a,kind\n\xff,1,x\n\xfe,3,y\n";
    assert_eq!(parse_with(bytes, &ignoring(&["id"])).unwrap().rows(), 2);
    assert!(said(parse_with(bytes, &ignoring(&["a"]))).contains("is not UTF-8"));
    assert!(
        said(parse_with(b"\xff,b,kind\n1,2,x\n", &ignoring(&["b"]))).contains("line 1, column 1")
    );
    // names of which only ignored ones are the same
    let table = parse_with("a,b,a,kind\n1,2,3,x\n4,5,6,y\n", &ignoring(&["3"])).unwrap();
    assert_eq!(table.schema().features, ["a", "b"]);
    // an ignored cell may be empty, but has to be there
    let hole = "id,a,kind\n,1,x\n2,3,y\n";
    assert_eq!(parse_with(hole, &ignoring(&["id"])).unwrap().rows(), 2);
    assert!(said(parse_with("id,a,kind\n1,x\n", &ignoring(&["id"]))).contains("2 cells"));
}

#[test]
fn text_in_the_first_row_says_what_can_be_done() {
    assert_eq!(
        said(parse_with(PEOPLE, &ignoring(&["id"]))),
        "data.csv: line 2, column 3 (name): expected a number, found \"Ann\"; a column that is no \
         feature can be ignored"
    );
}

#[test]
fn columns_that_cannot_be_ignored_are_refused() {
    assert_eq!(
        said(parse_with(PEOPLE, &ignoring(&["nam"]))),
        "data.csv: line 1: no column \"nam\"; the columns are id, age, name, height, sex"
    );
    assert_eq!(
        said(parse_with(PEOPLE, &ignoring(&["6"]))),
        "data.csv: line 1: no column 6; columns are numbered 1 to 5"
    );
    assert_eq!(
        said(parse_with("1,2,x\n", &ignoring(&["id"]))),
        "data.csv: line 1: no column \"id\": there is no header, and columns are numbered 1 to 3"
    );
    let target = ReadOptions { columns: Columns::Target("sex".into()), ..ignoring(&["sex"]) };
    assert_eq!(
        said(parse_with(PEOPLE, &target)),
        "data.csv: line 1: column \"sex\" is the target and cannot be ignored"
    );
    let message = said(parse_with("a,b\n1,2\n", &ignoring(&["a"])));
    assert_eq!(
        message,
        "data.csv: line 1: there is only the target column, expected at least one feature"
    );
    let message = said(parse_with("a,b\n1,2\n", &ignoring(&["a", "b"])));
    assert_eq!(message, "data.csv: line 1: every column is ignored, expected at least one feature");
    let folder = Folder::new();
    let images = folder.file("data.csv", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5]);
    assert_eq!(
        said(read(images, &ignoring(&["1"]))),
        "data.csv: IDX files have no columns, asked to ignore \"1\""
    );
}

#[test]
fn a_file_read_like_another_may_have_what_was_ignored() {
    let first = parse_with(PEOPLE, &ignoring(&["id", "name"])).unwrap();
    let same = parse_with(PEOPLE, &like(&first)).unwrap();
    assert_eq!(same.schema().features, first.schema().features);
    assert_eq!(features(&same), features(&first));
    for other in [
        "sex,height,age,name\nf,1.7,30,Ann\nm,1.8,40,Bob\n",
        "height,age\n1.7,30\n1.8,40\n",
        "height,id,age,id\n1.7,,30,2\n1.8,?,40,3\n",
    ] {
        assert_eq!(
            features(&parse_with(other, &like(&first)).unwrap()),
            features(&first),
            "{other}"
        );
    }
    // a feature whose name an ignored column has too is not guessed
    let twice = "a,b,a,kind\n1,2,3,x\n4,5,6,y\n";
    let table = parse_with(twice, &ignoring(&["3"])).unwrap();
    assert_eq!(
        said(parse_with(twice, &like(&table))),
        "data.csv: line 1: columns 1 and 3 are both called \"a\""
    );
    let third = ReadOptions { ignore: vec!["3".into()], ..like(&table) };
    assert_eq!(features(&parse_with(twice, &third).unwrap()), features(&table));
    // without a header, as the first file was or without its target
    for other in ["7,30,Ann,1.7,f\n8,40,Bob,1.8,m\n", "7,30,Ann,1.7\n8,40,Bob,1.8\n"] {
        let options = ReadOptions { header: Some(false), ..like(&first) };
        assert_eq!(features(&parse_with(other, &options).unwrap()), features(&first), "{other}");
    }
    assert_eq!(
        said(parse_with("30,1.7\n", &like(&first))),
        "data.csv: line 1: expected 4 columns, one a feature and 2 ignored, or 5 with the target; \
         found 2"
    );
    // one column less may be either
    let one = parse_with("7,30,1.7,f\n8,40,1.8,m\n", &ignoring(&["1"])).unwrap();
    assert_eq!(
        said(parse_with("30,1.7,f\n", &like(&one))),
        "data.csv: line 1: either the target or the column that was ignored is not there, and \
         without names it cannot be told which; name the columns to ignore"
    );
    let named = ReadOptions { ignore: vec!["1".into()], ..like(&one) };
    assert_eq!(features(&parse_with("7,30,1.7\n8,40,1.8\n", &named).unwrap()), features(&one));
    let unknown = ReadOptions { ignore: vec!["1".into()], ..like(&one) };
    let table = parse_with("9,30,1.7,f\n9,40,1.8,x\n", &unknown).unwrap();
    let message = said(table.class_indices(&["f".into(), "m".into()]));
    assert!(message.contains("line 2, column 4"), "{message}");
    // names that are numbers, and rows without names
    let numbered = parse_with("0,1,label\n5,6,1\n7,8,0\n", &ReadOptions::default()).unwrap();
    let rows = ReadOptions { header: Some(false), ..like(&numbered) };
    assert_eq!(features(&parse_with("1,0\n2,3\n", &rows).unwrap()), [1.0, 0.0, 2.0, 3.0]);
    let age = ReadOptions { ignore: vec!["age".into()], ..like(&first) };
    assert_eq!(
        said(parse_with(PEOPLE, &age)),
        "data.csv: line 1: column \"age\" is a feature and cannot be ignored"
    );
    // what was ignored is gone, other columns are there
    let more = ReadOptions { ignore: vec!["1".into()], ..like(&first) };
    assert_eq!(features(&parse_with("9,30,1.7\n9,40,1.8\n", &more).unwrap()), features(&first));
    let unknown = "height,age,shoe\n1.7,30,44\n1.8,40,45\n";
    assert_eq!(
        said(parse_with(unknown, &like(&first))),
        "data.csv: line 1: column \"shoe\" is none of the model's, which are age, height"
    );
    let shoe = ReadOptions { ignore: vec!["shoe".into()], ..like(&first) };
    assert_eq!(features(&parse_with(unknown, &shoe).unwrap()), features(&first));
}
