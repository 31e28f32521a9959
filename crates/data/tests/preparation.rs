//! From tables to data sets, and from one file's columns to another's.

mod common;

use common::{all, classes, fit, parse, parse_with, said, schema, target};
use consonance_core::{Precision, Targets, Values};
use consonance_data::{
    Error, InfinitePolicy, MissingPolicy, Preparation, ReadOptions, Role, Scaling, Schema,
    SchemaOptions, Table, TargetColumns, TargetEncoding, Task,
};

const TRAINING: &str = "a,b,kind\n1,10,x\n3,30,y\n5,50,x\n";

/// Prepared by all rows without scaling.
fn unscaled(table: &Table, options: &SchemaOptions) -> Preparation {
    let schema = Schema::find(table, options).unwrap();
    let builder = Preparation::builder(&schema).scaling(Scaling::None).scaled_target(false);
    builder.fit(table, &all(table)).unwrap()
}

fn plain(content: &str) -> Preparation {
    unscaled(&parse(content).unwrap(), &SchemaOptions::default())
}

/// The inputs of the rows in `content`, and their targets.
fn prepared(preparation: &Preparation, content: &str) -> Result<(Vec<f64>, Targets), Error> {
    let options = preparation.read_options(ReadOptions::default());
    let table = parse_with(content, &options)?;
    let data = preparation.prepare(&table, Precision::F64, true)?.data;
    Ok((data.features().iter().collect(), data.targets().clone()))
}

fn inputs(preparation: &Preparation, content: &str) -> Vec<f64> {
    prepared(preparation, content).unwrap().0
}

#[test]
fn classes_become_indices() {
    let table = parse(TRAINING).unwrap();
    let preparation = plain(TRAINING);
    let data = preparation.dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features(), &Values::from(vec![1.0_f32, 10.0, 3.0, 30.0, 5.0, 50.0]));
    assert_eq!(data.targets(), &Targets::Classes(vec![0, 1, 0]));
    assert_eq!(preparation.task(), Task::Classification);
    assert_eq!(preparation.target_names(), ["kind"]);
}

#[test]
fn numbers_become_values_and_are_scaled_by_the_training_rows() {
    let table = parse("a,y\n1,0.5\n2,1.5\n4,2.5\n").unwrap();
    let schema = schema(&table);
    let unscaled = Preparation::builder(&schema).scaled_target(false).scaling(Scaling::None);
    let data = unscaled.fit(&table, &[0, 1, 2]).unwrap().dataset(&table, Precision::F64).unwrap();
    let values = Values::from(vec![0.5, 1.5, 2.5]);
    assert_eq!(data.targets(), &Targets::Values { width: 1, values });
    let scaled = Preparation::builder(&schema).scaling(Scaling::Standard).fit(&table, &[0, 1]);
    let data = scaled.unwrap().dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features(), &Values::from(vec![-1.0_f32, 1.0, 5.0]));
    let values = Values::from(vec![-1.0_f32, 1.0, 3.0]);
    assert_eq!(data.targets(), &Targets::Values { width: 1, values });
    for rows in [&[][..], &[3]] {
        assert!(Preparation::builder(&schema).fit(&table, rows).is_err());
    }
}

#[test]
fn features_are_scaled_before_they_are_rounded() {
    // in f32 these five are one number
    let rows = "1600000001,x\n1600000002,y\n1600000003,x\n1600000002,y\n1600000002,x\n";
    let table = parse(rows).unwrap();
    let preparation = Preparation::builder(&schema(&table)).fit(&table, &[0, 2]).unwrap();
    let data = preparation.dataset(&table, Precision::F32).unwrap();
    assert_eq!(data.features(), &Values::from(vec![-1.0_f32, 0.0, 1.0, 0.0, 0.0]));
}

#[test]
fn each_role_has_its_inputs() {
    let table = parse(
        "when,size,colour,big,id,y\n\
         2024-01-01,1.5,red,yes,1,0.1\n\
         2024-01-08,,blue,no,2,0.2\n\
         2024-04-01,2.5,,yes,3,0.3\n\
         2024-07-02,3.5,red,,4,0.5\n",
    )
    .unwrap();
    let preparation = unscaled(&table, &SchemaOptions::default());
    let names = [
        "when: elapsed",
        "when: sin of the year",
        "when: cos of the year",
        "when: sin of the week",
        "when: cos of the week",
        "size",
        "size is missing",
        "colour=blue",
        "colour=red",
        "colour is missing",
        "big",
        "big is missing",
    ];
    assert_eq!(preparation.input_names(), names);
    assert_eq!(preparation.inputs(), 12);
    let roles: Vec<Role> = preparation.features().map(|feature| feature.role).collect();
    assert_eq!(roles, [Role::Date, Role::Number, Role::Category, Role::Boolean]);
    assert_eq!(preparation.passed_over().collect::<Vec<_>>(), [("id", Role::Id)]);
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    let row =
        |row: usize| -> Vec<f64> { (0..12).map(|i| data.features().get(row * 12 + i)).collect() };
    // the median of the size, the share of yes
    assert_eq!(row(1)[5..], [2.5, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(row(2)[5..], [2.5, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    assert_eq!(row(3)[5..], [3.5, 0.0, 0.0, 1.0, 0.0, 2.0 / 3.0, 1.0]);
    // 19,723 days from 1970 to a Monday; Thursday is 0
    assert_eq!(row(0)[0], 19723.0);
    let week = std::f64::consts::TAU * 4.0 / 7.0;
    assert!((row(0)[3] - week.sin()).abs() < 1e-12 && (row(0)[4] - week.cos()).abs() < 1e-12);
    assert_eq!(row(0)[3..5], row(1)[3..5], "a week later");
    let year = std::f64::consts::TAU * (19723.0 / 365.2425_f64).fract();
    assert!((row(0)[1] - year.sin()).abs() < 1e-9, "{} {}", row(0)[1], year.sin());
}

#[test]
fn missing_values_are_the_training_rows_median_or_refused() {
    let training = "a,kind\n1,x\n2,y\n30,x\n4,y\n";
    let preparation = plain(training);
    assert_eq!(preparation.inputs(), 1, "no row of training lacks any");
    assert_eq!(inputs(&preparation, "a\nNA\n7\n"), [3.0, 7.0]);
    let table = parse("a,kind\n1,x\n,y\n30,x\n4,y\n").unwrap();
    let schema = schema(&table);
    let refusing = Preparation::builder(&schema).missing(MissingPolicy::Refuse);
    let refused = refusing.fit(&table, &all(&table)).unwrap().dataset(&table, Precision::F32);
    assert_eq!(
        said(refused),
        "data.csv: line 3, column 1 (a): is missing; expected no missing values; --missing impute \
         fills them in"
    );
}

#[test]
fn levels_beyond_the_commonest_share_an_input_and_unknown_ones_are_counted() {
    let mut rows = String::from("code,y\n");
    for level in 0..70 {
        let often = if level < 64 { 8 } else { 5 };
        (0..often).for_each(|i| rows += &format!("c{level},{}.5\n", level * i % 13));
    }
    let preparation = plain(&rows);
    assert_eq!(preparation.inputs(), 65);
    let names = preparation.input_names();
    assert_eq!((names[0].as_str(), names[64].as_str()), ("code=c0", "code is another"));
    let table = parse("code\nc1\nc69\nnever\n").unwrap();
    let prepared = preparation.prepare(&table, Precision::F64, false).unwrap();
    let of = |row: usize| {
        (0..65).filter(|i| prepared.data.features().get(row * 65 + i) == 1.0).collect::<Vec<_>>()
    };
    assert_eq!(of(0), [names.iter().position(|name| name == "code=c1").unwrap()]);
    assert_eq!((of(1), of(2)), (vec![64], vec![64]));
    assert_eq!(prepared.cells[0].unknown, 1);
    let strict = said(preparation.check_seen(&table));
    assert_eq!(
        strict,
        "data.csv: line 4, column 1 (code): \"never\"; training saw nothing of the kind"
    );
    // without an input for others an unknown level is none of the known
    let few = plain("colour,y\nred,1.5\nblue,2.5\nred,0.5\nblue,3\n");
    assert_eq!(inputs(&few, "colour\ngreen\nred\n"), [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn codes_of_a_category_are_read_as_they_are_written() {
    let rows = "zip,y\n02116,1.5\nx,2.5\n10001,0.5\n02116,3\nx,1\n10001,2\n";
    let preparation = plain(rows);
    assert_eq!(preparation.input_names(), ["zip=02116", "zip=10001", "zip=x"]);
    assert_eq!(inputs(&preparation, "zip\n10001\n02116\n"), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    // numbers that are told to be a category
    let roles = vec![("n".to_owned(), Role::Category)];
    let options = SchemaOptions { roles, ..Default::default() };
    let table = parse("n,y\n3,1.5\n10,2.5\n3,0.5\n").unwrap();
    let preparation = unscaled(&table, &options);
    assert_eq!(preparation.input_names(), ["n=10", "n=3"]);
    assert_eq!(inputs(&preparation, "n\n10\n3\n"), [1.0, 0.0, 0.0, 1.0]);
    // as pandas writes whole numbers beside a hole
    assert_eq!(inputs(&preparation, "n\n10.0\n3.0\n"), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn pixels_are_divided_by_their_range() {
    let header: Vec<String> = (0..16).map(|i| format!("p{i}")).collect();
    let row = |fill: &str| vec![fill; 15].join(",");
    let content = format!(
        "{},kind\n0,{},a\n0,{},b\n0,{},a\n",
        header.join(","),
        row("255"),
        row("0"),
        row("51")
    );
    let table = parse(content).unwrap();
    let preparation = fit(&table);
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    assert_eq!(data.inputs(), 16, "a pixel that never changes is one still");
    assert_eq!((data.features().get(1), data.features().get(33)), (1.0, 0.2));
}

#[test]
fn numbers_too_large_for_the_precision_are_named() {
    let content = "a,b,kind\n1,2,x\n3,1e39,y\n";
    let (table, preparation) = (parse(content).unwrap(), plain(content));
    assert_eq!(
        said(preparation.dataset(&table, Precision::F32)),
        "data.csv: line 3, column 2 (b): \"1000000000000000000000000000000000000000\" is too large \
         for f32 once scaled"
    );
    assert!(preparation.dataset(&table, Precision::F64).is_ok());
    let table = parse("a,b,y\n1,2,1e39\n3,4,0.5\n7,1,1\n").unwrap();
    let preparation = unscaled(&table, &SchemaOptions::default());
    let message = said(preparation.dataset(&table, Precision::F32));
    assert!(message.starts_with("data.csv: line 2, column 3 (y): "), "{message}");
    let message = said(
        parse("a,kind\n1,x\ninf,y\n2,x\n")
            .and_then(|table| fit(&table).dataset(&table, Precision::F64)),
    );
    assert_eq!(
        message,
        "data.csv: line 3, column 1 (a): found \"inf\"; expected finite numbers; --infinite clip takes \
         the largest finite one for them"
    );
    let table = parse("a,kind\n1,x\ninf,y\n2,x\n-inf,y\n").unwrap();
    let schema = schema(&table);
    let clipping = Preparation::builder(&schema)
        .scaling(Scaling::None)
        .infinite(InfinitePolicy::Clip)
        .fit(&table, &all(&table))
        .unwrap();
    let prepared = clipping.prepare(&table, Precision::F64, true).unwrap();
    assert_eq!(prepared.data.features(), &Values::from(vec![1.0, 2.0, 2.0, 1.0]));
    assert_eq!(prepared.cells[0].infinite, 2);
}

#[test]
fn a_later_file_is_read_by_name_in_any_order() {
    let preparation = plain(TRAINING);
    for content in ["kind,b,a\ny,20,2\n", "b,kind,a\n20,y,2\n", "a,b,kind\n2,20,y\n"] {
        let (features, targets) = prepared(&preparation, content).unwrap();
        assert_eq!((features, classes(&targets)), (vec![2.0, 20.0], &[1][..]), "{content}");
    }
    assert_eq!(prepared(&preparation, "b,a\n20,2\n").unwrap(), (vec![2.0, 20.0], Targets::None));
    let table = parse("id,a,note,b\n7,2,hello,20\n").unwrap();
    let prepared = preparation.prepare(&table, Precision::F64, true).unwrap();
    assert_eq!(prepared.data.features(), &Values::from(vec![2.0, 20.0]));
    assert_eq!(
        prepared.notes[0].to_string(),
        "passes over 2 columns the model does not know: id, note"
    );
}

#[test]
fn a_target_that_is_to_be_predicted_may_hold_anything() {
    let preparation = plain("a,b,y\n1,10,0.5\n3,30,1.5\n");
    for content in ["y,b,a\n,20,2\n", "a,b,y\n2,20,?\n", "2,20,\n", "b,a\n20,2\n"] {
        let table = parse(content).unwrap();
        let prepared = preparation.prepare(&table, Precision::F64, false).unwrap();
        let expected = (&Values::from(vec![2.0, 20.0]), &Targets::None);
        assert_eq!((prepared.data.features(), prepared.data.targets()), expected, "{content}");
    }
}

#[test]
fn cells_that_fit_no_role_are_named_all_at_once() {
    let preparation = plain("a,when,yes,y\n1,2024-01-01,true,0.5\n5,2024-03-04,false,1.5\n");
    let message = |content| said(prepared(&preparation, content));
    assert_eq!(
        message("yes,when,a\ntrue,2024-01-01,1\ntrue,2024-01-01,red\ntrue,2024-01-01,blue\n"),
        "data.csv: line 3, column 3 (a): found \"red\"; line 4, column 3 (a): found \"blue\"; expected \
         finite numbers; --missing-values names words for missing ones"
    );
    // one in ten is taken for missing, and counted
    let rows = "1,2024-01-01,true\n".repeat(9);
    let table = parse(format!("a,when,yes\n{rows}red,2024-01-01,true\n")).unwrap();
    let prepared = preparation.prepare(&table, Precision::F64, false).unwrap();
    assert_eq!((prepared.cells[0].unknown, prepared.cells[0].missing), (1, 1));
    assert!(said(preparation.check_seen(&table)).contains("line 11, column 1 (a): found \"red\""));
    let dates = message("a,when,yes\n1,yesterday,true\n");
    assert!(dates.contains("column 2 (when): found \"yesterday\"; expected dates written as"));
    let flags = message("a,when,yes\n1,2024-01-01,maybe\n");
    assert!(flags.contains("column 3 (yes): found \"maybe\"; expected one of true, false"));
}

#[test]
fn labels_that_are_unknown_are_named_with_their_place() {
    let preparation = plain(TRAINING);
    assert_eq!(
        said(prepared(&preparation, "kind,b,a\nz,20,1\n")),
        "data.csv: line 2, column 1 (kind): label \"z\"; the known labels are x, y"
    );
    // labels are given back as they were written, and merge where they are equal numbers
    let numbers = plain("a,kind\n1,1.0\n5,2.0\n2,1.00\n7,2.0\n");
    assert_eq!(numbers.target, TargetEncoding::Classes(vec!["1.0".to_owned(), "2.0".to_owned()]));
    let (_, targets) = prepared(&numbers, "a,kind\n1,2\n2,1\n").unwrap();
    assert_eq!(classes(&targets), [1, 0]);
    let codes = plain("a,kind\n1,007\n5,07\n2,x\n7,7\n1,007\n1,07\n2,7\n");
    let expected = ["007", "07", "7", "x"].map(str::to_owned).to_vec();
    assert_eq!(codes.target, TargetEncoding::Classes(expected));
}

#[test]
fn a_later_file_without_names_is_read_by_position() {
    let preparation = plain(TRAINING);
    for (content, target) in [("2,20,y\n", Targets::Classes(vec![1])), ("2,20\n", Targets::None)] {
        assert_eq!(prepared(&preparation, content).unwrap(), (vec![2.0, 20.0], target));
    }
    // the model has no names, the file has
    let nameless = plain("1,10,x\n3,30,y\n5,50,x\n");
    let (_, targets) = prepared(&nameless, "u,v,w\n2,20,y\n4,40,x\n").unwrap();
    assert_eq!(classes(&targets), [1, 0]);
    // the target was the first column
    let table = parse("x,1,10\ny,3,30\nx,5,50\n").unwrap();
    let first = unscaled(&table, &target("1"));
    assert_eq!(prepared(&first, "y,2,20\n").unwrap(), (vec![2.0, 20.0], Targets::Classes(vec![1])));
    // a column that was passed over may be there or not
    let table = parse("1,10,x\n3,30,y\n5,50,x\n").unwrap();
    let ignoring =
        SchemaOptions { roles: vec![("1".to_owned(), Role::Ignore)], ..Default::default() };
    let ignoring = unscaled(&table, &ignoring);
    assert_eq!(inputs(&ignoring, "7,20,y\n"), [20.0]);
    assert_eq!(inputs(&ignoring, "20\n"), [20.0]);
    assert!(said(prepared(&ignoring, "7,20\n")).contains("cannot be told which"));
}

#[test]
fn a_later_file_with_other_columns_is_refused() {
    let preparation = plain(TRAINING);
    assert_eq!(
        said(prepared(&preparation, "a,c,kind\n1,2,x\n")),
        "data.csv: no column \"b\", which the model needs; the columns are a, c, kind"
    );
    for content in ["1,2,3,4\n", "1\n"] {
        let message = said(prepared(&preparation, content));
        assert!(message.contains("expected 2, one a feature, or 3 with the target"), "{message}");
    }
}

#[test]
fn several_targets_are_values_or_flags() {
    let table = parse("x,a,b\n1.5,10,3\n2,20,1\n4,30,2\n").unwrap();
    let preparation = unscaled(&table, &target("b,a"));
    assert_eq!(preparation.target_names(), ["b", "a"]);
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    let values = Values::from(vec![3.0, 10.0, 1.0, 20.0, 2.0, 30.0]);
    assert_eq!(data.targets(), &Targets::Values { width: 2, values });
    let table = parse("x,a,b\n1.5,0,yes\n2,1,no\n4,1,yes\n").unwrap();
    let preparation = unscaled(&table, &target("a,b"));
    let words = |no: &str, yes: &str| [no.to_owned(), yes.to_owned()];
    assert_eq!(
        preparation.target,
        TargetEncoding::Labels(vec![words("0", "1"), words("no", "yes")])
    );
    let data = preparation.dataset(&table, Precision::F64).unwrap();
    let values = Values::from(vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
    assert_eq!(data.targets(), &Targets::Values { width: 2, values });
    let wrong = said(prepared(&preparation, "x,a,b\n1,2,yes\n"));
    assert!(wrong.contains("column 2 (a): found \"2\"; expected 0 or 1"), "{wrong}");
}

#[test]
fn a_table_without_a_target_can_be_predicted_for_but_not_learned_from() {
    let table = parse("a,b\n1,2\n5,7\n").unwrap();
    let none = SchemaOptions { target: TargetColumns::None, ..Default::default() };
    let schema = Schema::find(&table, &none).unwrap();
    assert_eq!(schema.task(), None);
    assert_eq!(
        said(Preparation::builder(&schema).fit(&table, &[0])),
        "data.csv: has no target column, expected one to learn from"
    );
}

#[test]
fn a_preparation_survives_json() {
    let contents = [
        "when,size,colour,big,id,y\n2024-01-01,1.5,red,yes,1,0.1\n2024-05-08,,blue,no,2,0.2\n",
        TRAINING,
        "1,10,x\n3,30,y\n5,50,x\n",
        "rate;n\n45%;1,5\n5%;2,5\n",
    ];
    for content in contents {
        let preparation = fit(&parse(content).unwrap());
        let json = serde_json::to_string(&preparation).unwrap();
        assert_eq!(serde_json::from_str::<Preparation>(&json).unwrap(), preparation, "{json}");
        // a word that is not known is refused, wherever it stands
        let misspelt = json.replacen("\"named\"", "\"nmaed\"", 1);
        assert!(serde_json::from_str::<Preparation>(&misspelt).is_err(), "{misspelt}");
        let misspelt = json.replacen("\"scale\":{\"center\"", "\"scale\":{\"centre\"", 1);
        assert!(misspelt == json || serde_json::from_str::<Preparation>(&misspelt).is_err());
    }
    let later = serde_json::to_string(&fit(&parse(TRAINING).unwrap())).unwrap();
    let later = later.replacen("\"version\":2", "\"version\":3", 1);
    let message = serde_json::from_str::<Preparation>(&later).unwrap_err().to_string();
    assert!(message.contains("of version 3, this one reads 2"), "{message}");
}

#[test]
fn preparations_of_the_first_version_are_read() {
    let json = r#"{
        "schema": {"features": ["a", "b"], "target": {"name": "kind", "position": 0},
                   "ignored": [{"name": "id", "position": 2}], "named": true},
        "features": {"mean": [1.0, 10.0], "scale": [2.0, 5.0]},
        "target": {"classes": ["x", "y"]}
    }"#;
    let preparation: Preparation = serde_json::from_str(json).unwrap();
    assert_eq!(preparation.target_names(), ["kind"]);
    let (features, targets) = prepared(&preparation, "kind,a,id,b\ny,2,7,20\n").unwrap();
    assert_eq!((features, classes(&targets)), (vec![0.5, 2.0], &[1][..]));
    assert_eq!(inputs(&preparation, "b,a\n20,2\n"), [0.5, 2.0]);
    // by position: target, a, id, b
    assert_eq!(prepared(&preparation, "y,2,7,20\n").unwrap().0, [0.5, 2.0]);
    assert!(
        said(prepared(&preparation, "a,b\n1,\n2,3\n")).contains("line 2"),
        "it knows no median"
    );
    let misspelt = json.replace("\"features\": {\"mean\"", "\"faetures\": {\"mean\"");
    let message = serde_json::from_str::<Preparation>(&misspelt).unwrap_err().to_string();
    assert!(message.contains("faetures"), "{message}");
}
