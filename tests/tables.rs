//! Tables as people have them, through the program from end to end.

mod program;

use program::consonance;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Trains quickly; what the program says on standard error comes along.
fn train(folder: &Path, arguments: &[&str]) -> (Value, String) {
    let quick = ["--epochs", "2", "--layers", "4", "--json"];
    let output = consonance(folder, &[&["train"], arguments, &quick].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

/// What a refusal says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = consonance(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn stdout(output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// `before`, then a row for each of `rows` numbers, by its number.
fn rows(before: &str, count: usize, row: impl Fn(usize) -> String) -> String {
    let rows = (0..count).map(|i| row(i) + "\n");
    before.to_string() + &rows.collect::<String>()
}

/// Everything wrong that a table of people usually has.
fn write_people(folder: &Path) {
    let row = |i: usize| {
        let island = ["Biscoe", "Dream", "Torgersen"][i * 7 % 3];
        let mass = if i % 9 == 4 { "NA".to_string() } else { format!("{}", 3000 + i * 37 % 900) };
        let sex = ["male", "female", ""][if i % 20 == 3 { 2 } else { i % 2 }];
        let day = format!("2024-{:02}-{:02}", 1 + i % 12, 1 + i * 5 % 28);
        let species =
            if i % 30 == 7 { "NA" } else { ["Adelie", "Gentoo"][usize::from(island == "Biscoe")] };
        format!("{},person {i},{island},{mass},{sex},{day},{species}", i + 1)
    };
    let header = "id,name,island,body mass,sex,when,species\n";
    fs::write(folder.join("people.csv"), rows(header, 120, row)).unwrap();
}

#[test]
fn a_table_with_everything_trains_and_answers_for_raw_rows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_people(folder);
    let (report, said) = train(folder, &["people.csv", "--out", "run"]);
    assert_eq!(report["task"], "classification");
    assert_eq!(report["classes"], serde_json::json!(["Adelie", "Gentoo"]));
    assert_eq!(report["target"], serde_json::json!(["species"]));
    assert_eq!(report["rows_without_target"], 4);
    let names = |key: &str| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_string();
        let columns = report[key].as_array().unwrap();
        columns.iter().map(|column| (text(&column["name"]), text(&column["role"]))).collect()
    };
    let expected =
        [("island", "category"), ("body mass", "number"), ("sex", "category"), ("when", "date")];
    let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_string(), (*b).to_string())).collect()
    };
    assert_eq!(names("features"), pairs(&expected));
    assert_eq!(names("passed_over"), pairs(&[("id", "id"), ("name", "id")]));
    assert!(report["features"][1]["imputed"].as_u64().unwrap() > 5, "{report}");
    assert!(said.contains("4 rows without a target: left out"), "{said}");
    assert!(
        said.contains("passed over: id (id: runs 1, 2, 3 …), name (id: 120 different texts"),
        "{said}"
    );
    // as many rows as were held out
    let held_out = fs::read_to_string(folder.join("run/held_out.csv")).unwrap();
    assert_eq!((held_out.lines().next(), held_out.lines().count()), (Some("line"), 24));

    // columns in another order, one more, holes, and a level that is new
    let new = "when,sex,colour,island,body mass\n2024-02-03,male,red,Biscoe,\n,,blue,Dream2,4000\n";
    fs::write(folder.join("new.csv"), new).unwrap();
    let output = consonance(folder, &["predict", "run", "new.csv"]);
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let answers = stdout(output);
    assert_eq!(answers.lines().count(), 3, "{answers}");
    assert!(answers.starts_with("species,probability_Adelie,probability_Gentoo\n"), "{answers}");
    assert!(said.contains("passes over 1 column the model does not know: colour"), "{said}");
    assert!(said.contains("missing values filled in: body mass 1, sex 1, when 1"), "{said}");
    assert!(said.contains("cells of a kind that training did not see: island 1"), "{said}");
    let strict = refused(folder, &["predict", "run", "new.csv", "--strict"]);
    assert!(strict.contains("new.csv: line 3, column 4 (island): \"Dream2\""), "{strict}");
    fs::write(folder.join("few.csv"), "sex,island\nmale,Dream\n").unwrap();
    let missing = refused(folder, &["predict", "run", "few.csv"]);
    assert!(
        missing.contains("no columns \"body mass\", \"when\", which the model needs"),
        "{missing}"
    );
    let evaluated = stdout(consonance(folder, &["evaluate", "run", "people.csv", "--json"]));
    assert!(serde_json::from_str::<Value>(&evaluated).unwrap()["accuracy"].is_number());
    let inspected = stdout(consonance(folder, &["inspect", "run"]));
    assert!(inspected.contains("of 1 number, 2 categories, 1 date"), "{inspected}");
    assert!(inspected.contains("passes over: id, name"), "{inspected}");
}

#[test]
fn describe_shows_each_column_at_80_characters_too() {
    let folder = tempfile::tempdir().unwrap();
    write_people(folder.path());
    let describe = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consonance"));
        command.current_dir(folder.path()).env("COLUMNS", "80");
        stdout(command.args([&["describe", "people.csv"], more].concat()).output().unwrap())
    };
    let text = describe(&[]);
    assert!(
        text.lines().all(|line| !line.starts_with(' ') || line.chars().count() <= 80),
        "{text}"
    );
    for line in ["3  island     category                3  ", "to predict: species, classes (text)"]
    {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    let value: Value = serde_json::from_str(&describe(&["--json"])).unwrap();
    assert_eq!(value["columns"][3]["role"], "number");
    assert_eq!(value["columns"][3]["missing"], 13);
    assert_eq!(value["task"][0], "classification");
    // a target that cannot be learned is told, and the columns all the same
    let text = describe(&["--target", "when"]);
    assert!(
        text.contains("cannot be trained on as it is: people.csv: the target \"when\" holds dates"),
        "{text}"
    );
}

#[test]
fn columns_are_what_they_are_told_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |i: usize| format!("t,{},{},{}", i % 7 + 2, i + 1, i * i % 5);
    fs::write(folder.join("a.csv"), rows("\"height, cm\",b,n,y\n", 60, row)).unwrap();
    let told =
        ["a.csv", "--column", "b=category", "--column", "3=number", "--ignore", "height, cm"];
    let (report, _) = train(folder, &[&told[..], &["--task", "regression"]].concat());
    let features = report["features"].as_array().unwrap();
    assert_eq!(
        (features.len(), &features[0]["inputs"], &features[1]["role"]),
        (2, &7.into(), &"number".into())
    );
    assert_eq!(report["task"], "regression");
    let wrong = refused(folder, &["train", "a.csv", "--column", "b=category", "--column", "q=id"]);
    assert!(wrong.contains("no column \"q\"; the columns are height, cm, b, n, y"), "{wrong}");
    let output = consonance(folder, &["train", "a.csv", "--column", "b=colour"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no role 'colour'; there are: number, category"), "{said}");
}

#[test]
fn several_targets_train_as_numbers_or_as_labels() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |i: usize| {
        let x = i as f64 / 50.0;
        format!("{x},{},{},{},{}", 2.0 * x, 100.0 - x, i32::from(x > 0.5), i32::from(x > 1.0))
    };
    fs::write(folder.join("t.csv"), rows("x,a,b,c,d\n", 100, row)).unwrap();
    let long = ["--layers", "16", "--epochs", "150", "--learning-rate", "0.01", "-q", "--json"];
    let run = |arguments: &[&str]| -> Value {
        let output = consonance(folder, &[&["train", "t.csv"], arguments, &long].concat());
        serde_json::from_str(&stdout(output)).unwrap()
    };
    let numbers = run(&["--target", "a,b", "--ignore", "c,d", "--out", "numbers"]);
    assert!(numbers["test"]["r2"].as_f64().unwrap() > 0.99, "{numbers}");
    fs::write(folder.join("new.csv"), "x\n0.2\n1.5\n").unwrap();
    let answers = stdout(consonance(folder, &["predict", "numbers", "new.csv"]));
    let answer: Vec<f64> =
        answers.lines().nth(2).unwrap().split(',').map(|cell| cell.parse().unwrap()).collect();
    assert!(answers.starts_with("a,b\n") && (answer[0] - 3.0).abs() < 0.2, "{answers}");
    assert!((answer[1] - 98.5).abs() < 0.2, "{answers}");
    let labels = run(&["--target", "c,d", "--ignore", "a,b", "--out", "labels"]);
    assert_eq!(labels["task"], "multi_label");
    assert!(labels["test"]["exact_match"].as_f64().unwrap() > 0.8, "{labels}");
    let answers = stdout(consonance(folder, &["predict", "labels", "new.csv"]));
    assert!(answers.starts_with("c,d,probability_c,probability_d\n0,0,"), "{answers}");
    assert!(answers.lines().nth(2).unwrap().starts_with("1,1,"), "{answers}");
    let evaluated = stdout(consonance(folder, &["evaluate", "labels", "t.csv"]));
    assert!(evaluated.contains("exact match"), "{evaluated}");
}

#[test]
fn rows_to_test_on_may_have_a_file_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let row = |i: usize| format!("{},{}", i * i % 17, ["no", "yes"][i % 2]);
    fs::write(folder.join("train.csv"), rows("x,answer\n", 40, row)).unwrap();
    fs::write(folder.join("test.csv"), rows("answer,x\n", 10, |i| format!("yes,{i}"))).unwrap();
    let (report, said) = train(folder, &["train.csv", "--test", "test.csv", "--out", "run"]);
    assert!(
        said.contains("50 rows (10 held out)") && said.contains("tested on test.csv"),
        "{said}"
    );
    let evaluated = stdout(consonance(folder, &["evaluate", "run", "test.csv", "--json"]));
    let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
    assert_eq!(evaluated["accuracy"], report["test"]["accuracy"]);
    fs::write(folder.join("bare.csv"), "x\n1\n").unwrap();
    let bare = refused(folder, &["train", "train.csv", "--test", "bare.csv"]);
    assert!(bare.contains("--test: bare.csv: has no target (answer)"), "{bare}");
}

/// What `program` says of `input` on its standard input.
fn piped(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consonance"));
    command.current_dir(folder).args(arguments).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn tables_come_through_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let table = rows("x,answer\n", 40, |i| format!("{},{}", i * i % 17, ["no", "yes"][i % 2]));
    let quick = ["train", "-", "--epochs", "2", "--layers", "4", "-q", "--out", "run"];
    stdout(piped(folder, &quick, &table));
    let answers = stdout(piped(folder, &["predict", "run", "-"], "x\n1\n2\n"));
    assert_eq!(answers.lines().count(), 3);
    stdout(piped(folder, &["evaluate", "run", "-"], &table));
    let described = stdout(piped(folder, &["describe", "-"], &table));
    assert!(described.starts_with("standard input: 40 rows, 2 columns\n"), "{described}");
    let refusal = piped(folder, &["describe", "-"], "<html></html>").stderr;
    assert!(String::from_utf8(refusal).unwrap().contains("standard input: is a web page"));
}

#[test]
fn a_single_column_gets_an_answer_for_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("train.csv"), rows("t,v\n", 60, |i| format!("{}.5,{}", i, 2 * i)))
        .unwrap();
    train(folder, &["train.csv", "--out", "run"]);
    for new in ["t\n1\n\n3\n", "t\n1\n\"\"\n3\n", "t\n1\nNA\n3\n"] {
        fs::write(folder.join("new.csv"), new).unwrap();
        let answers = stdout(consonance(folder, &["predict", "run", "new.csv"]));
        assert_eq!(answers.lines().count(), 4, "{new:?}: {answers}");
    }
}

/// An IDX file of bytes.
fn idx(shape: &[u32], bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut file = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

#[test]
fn a_folder_with_two_pairs_is_trained_on_one_and_tested_on_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("mnist")).unwrap();
    for (name, count) in [("train", 40_u32), ("t10k", 10)] {
        let write = |part: &str, file: Vec<u8>| {
            fs::write(folder.join("mnist").join(format!("{name}-{part}-ubyte")), file).unwrap();
        };
        write("images-idx3", idx(&[count, 2, 2], (0..4 * count).map(|i| (i / 4 % 3 * 100) as u8)));
        write("labels-idx1", idx(&[count], (0..count).map(|i| (i % 3) as u8)));
    }
    let (report, said) = train(folder, &["mnist", "--out", "run"]);
    assert!(said.contains("50 rows (10 held out), 4 features; label: one of 3 classes"), "{said}");
    assert!(said.contains("tested on mnist/t10k-images-idx3-ubyte"), "{said}");
    let evaluated = stdout(consonance(folder, &["evaluate", "run", "mnist"]));
    assert!(evaluated.contains("mnist/t10k-images-idx3-ubyte"), "{evaluated}");
    assert!(evaluated.contains("\n 10 "), "{evaluated}");
    // the same rows as a table, labelled or not
    let csv = rows("label,a,b,c,d\n", 10, |i| {
        format!("{},{}", i % 3, vec![(i % 3 * 100).to_string(); 4].join(","))
    });
    fs::write(folder.join("rows.csv"), csv).unwrap();
    let evaluated = stdout(consonance(folder, &["evaluate", "run", "rows.csv", "--json"]));
    let evaluated: Value = serde_json::from_str(&evaluated).unwrap();
    assert_eq!(evaluated["accuracy"], report["test"]["accuracy"]);
}

#[test]
fn what_a_file_is_and_what_would_help_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("page", b"<!DOCTYPE html><html></html>".to_vec(), &["web page"]),
        ("pointer", b"version https://git-lfs.github.com/spec/v1\n".to_vec(), &["Git LFS pointer"]),
        ("nul", b"a,b\n1,\0\n".to_vec(), &["line 2", "NUL byte"]),
        ("quote", b"a,b\n1,\"x\"y\n".to_vec(), &["line 2", "--quote none"]),
        ("unclear", b"a,17,b\n1,18,2\n3,12,4\n".to_vec(), &["line 1", "--header true"]),
        (
            "target",
            rows("a,y\n", 60, |i| format!("{},{}", i * 7 % 5, i * i))
                .into_bytes()
                .into_iter()
                .chain(*b"1,oops\n")
                .collect(),
            &["line 62, column 2 (y)", "oops", "--missing-values", "--task classification"],
        ),
    ];
    for (name, content, words) in cases {
        let file = format!("{name}.csv");
        fs::write(folder.join(&file), content).unwrap();
        let said = refused(folder, &["train", &file]);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert!(said.contains(&file) && said.lines().count() == 1, "{said}");
    }
    let missing = ["train", "target.csv", "--missing-values", "oops", "-q", "--epochs", "1"];
    stdout(consonance(folder, &missing));
}
