//! What columns are found to be for, and what is learned.

mod common;

use common::{column, parse, said, target};
use consonance_data::{Role, Schema, SchemaOptions, Table, TargetColumns, Task};

fn roles(table: &Table) -> Vec<(&'static str, String)> {
    let schema =
        Schema::find(table, &SchemaOptions { target: TargetColumns::None, ..Default::default() });
    let schema = schema.unwrap();
    schema.columns().iter().map(|column| (column.role.name(), column.why.clone())).collect()
}

/// The role of a column with these cells, beside one of numbers.
fn role(name: &str, cells: &[&str]) -> &'static str {
    let rows: String =
        cells.iter().zip(0..).map(|(cell, i)| format!("\"{cell}\",{}.5\n", i * i)).collect();
    let table = parse(format!("\"{name}\",x\n{rows}")).unwrap();
    roles(&table)[0].0
}

fn task(content: &str) -> (Task, String) {
    let table = parse(content).unwrap();
    let schema = common::schema(&table);
    let (task, why) = schema.task().unwrap();
    (task, why.to_owned())
}

#[test]
fn roles_are_found_from_the_cells() {
    assert_eq!(role("a", &["1", "5", "2.5", "3"]), "number");
    assert_eq!(role("a", &["1", "", "NA", "3"]), "number");
    assert_eq!(role("a", &["1", "2", "3", "4"]), "id");
    assert_eq!(role("a", &["0", "1", "2", "3"]), "id");
    assert_eq!(role("a", &["2", "3", "4", "5"]), "number", "no running number of rows");
    assert_eq!(role("a", &["1", "2", "4", "5"]), "number");
    assert_eq!(role("customer_id", &["17", "2", "400", "5"]), "id");
    assert_eq!(role("a", &["7", "7", "7"]), "constant");
    assert_eq!(role("a", &["", "NA", ""]), "constant");
    assert_eq!(role("a", &["x", "x", "x"]), "constant");
    assert_eq!(role("a", &["True", "False", "True", ""]), "boolean");
    assert_eq!(role("a", &["yes", "NO", "no", "yes"]), "boolean");
    assert_eq!(role("a", &["2,060", "1,250", "999"]), "number");
    assert_eq!(role("a", &["45%", "5%", "46%"]), "number");
    assert_eq!(role("a", &["2024-01-31", "2024-02-01", "NA"]), "date");
    assert_eq!(role("a", &["red", "blue", "red", "blue"]), "category");
    assert_eq!(role("a", &["m", "f"]), "category", "two levels are one, however few rows");
    assert_eq!(role("a", &["Ann", "Bob", "Cid", "Dan"]), "id");
    let words =
        ["a text of some words", "another one of these", "and so on and on", "the last one is it"];
    assert_eq!(role("a", &words), "text");
    assert_eq!(role("a", &["007", "012", "7"]), "number", "codes are numbers as features");
}

#[test]
fn rounding_noise_is_constant() {
    let table = parse("a,b\n0.3,1\n0.30000000000000004,5\n0.3,2\n").unwrap();
    assert_eq!(roles(&table)[0].0, "constant");
}

#[test]
fn many_levels_are_a_category_if_they_come_again() {
    let rows = |levels: usize, rows: usize| -> String {
        let row = |i: usize| format!("level {},{}\n", i % levels, i * i);
        (0..rows).map(row).collect()
    };
    let found =
        |levels, count| roles(&parse(format!("a,b\n{}", rows(levels, count))).unwrap())[0].0;
    assert_eq!(found(200, 1000), "category");
    assert_eq!(found(200, 900), "id");
    assert_eq!(found(50, 100), "category");
    assert_eq!(found(50, 99), "id");
}

#[test]
fn a_few_texts_among_many_numbers_are_missing_values_and_said() {
    let mut rows: String = (0..100).map(|i| format!("{}.5,{i}.5\n", i * 7 % 90)).collect();
    rows += "unknown,1\n>90,2\n";
    let table = parse(format!("age,y\n{rows}")).unwrap();
    let schema = common::schema(&table);
    assert_eq!(schema.columns()[0].role, Role::Number);
    assert_eq!(
        schema.notes()[0].to_string(),
        "age: 2 cells are no numbers (\"unknown\", \">90\"): taken for missing values; --column \
         age=category takes all as they are written"
    );
}

#[test]
fn roles_can_be_told() {
    let table = parse("n,a,b,y\n1,3,x,1.5\n2,5,y,2.5\n3,4,x,0.5\n").unwrap();
    let told = |roles: &[(&str, Role)]| {
        let roles = roles.iter().map(|(name, role)| ((*name).to_owned(), *role)).collect();
        Schema::find(&table, &SchemaOptions { roles, ..Default::default() })
    };
    let schema = told(&[("n", Role::Number), ("2", Role::Category), ("b", Role::Ignore)]).unwrap();
    let found: Vec<Role> = schema.columns().iter().map(|column| column.role).collect();
    assert_eq!(found, [Role::Number, Role::Category, Role::Ignore, Role::Number]);
    let features: Vec<&str> = schema.features().map(|column| column.name.as_str()).collect();
    assert_eq!(features, ["n", "a"]);
    assert_eq!(
        said(told(&[("b", Role::Number)])),
        "data.csv: --column b=number: not all of its cells are numbers"
    );
    assert!(said(told(&[("a", Role::Date)])).contains("--column a=date: its cells are numbers"));
    assert!(said(told(&[("a", Role::Boolean)])).contains("0 or 1"));
    assert_eq!(
        said(told(&[("c", Role::Number)])),
        "data.csv: no column \"c\"; the columns are n, a, b, y"
    );
    assert_eq!(
        said(told(&[("9", Role::Number)])),
        "data.csv: no column 9; columns are numbered 1 to 4"
    );
    // the last column that is not passed over is the target
    let schema = told(&[("y", Role::Ignore)]).unwrap();
    assert_eq!(schema.targets().next().unwrap().name, "b");
}

#[test]
fn a_running_number_is_used_where_there_is_nothing_else() {
    let table = parse("t,y\n0,0.5\n1,2.5\n2,1.5\n").unwrap();
    let schema = common::schema(&table);
    assert_eq!(schema.columns()[0].role, Role::Number);
    assert_eq!(schema.columns()[0].why, "runs 0, 1, 2 …, and is the only feature");
    let message =
        said(Schema::find(&parse("name,y\nAnn,1\nBob,2\nCid,4\n").unwrap(), &Default::default()));
    assert_eq!(
        message,
        "data.csv: no column is left as a feature; passed over are name (id: 3 different texts in 3 \
         rows); --column NAME=ROLE takes one"
    );
    let message = said(Schema::find(&parse("y\n1\n5\n").unwrap(), &Default::default()));
    assert_eq!(message, "data.csv: there is only the target column, expected at least one feature");
}

#[test]
fn the_task_is_found_by_a_rule_and_said() {
    let rows = |values: &[&str]| {
        let row = |(i, value): (usize, &&str)| format!("{}.5,{value}\n", i * 7 % 5);
        format!("x,y\n{}", values.iter().enumerate().map(row).collect::<String>())
    };
    let repeated = |values: &[&str], times: usize| rows(&values.repeat(times));
    assert_eq!(task(&rows(&["a", "b", "a", "b"])), (Task::Classification, "text".to_owned()));
    assert_eq!(task(&rows(&["0", "1", "1", "0"])), (Task::Classification, "0 and 1".to_owned()));
    let three = (Task::Classification, "the whole numbers 1 to 3".to_owned());
    assert_eq!(task(&repeated(&["1", "2", "3"], 4)), three);
    // one bad cell turns nothing
    assert_eq!(task(&(repeated(&["1", "2", "3"], 4) + "1,NA\n")), three);
    let counts: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
    assert_eq!(task(&repeated(&counts, 3)).1, "26 different whole numbers");
    assert_eq!(task(&rows(&["1.5", "2.5", "1.5"])).0, Task::Regression);
    assert_eq!(task(&rows(&["\"2,060\"", "\"1,250\"", "\"1,003\""])).0, Task::Regression);
    assert_eq!(task(&rows(&["45%", "46%", "51%"])).0, Task::Regression);
    assert_eq!(task(&repeated(&["02116", "10001", "00501"], 2)).0, Task::Classification, "codes");
    let told = SchemaOptions { task: Some(Task::Regression), ..Default::default() };
    let table = parse(rows(&["0", "1", "1", "0"])).unwrap();
    assert_eq!(Schema::find(&table, &told).unwrap().task().unwrap(), (Task::Regression, "as told"));
}

#[test]
fn targets_that_cannot_be_meant_are_refused() {
    let find = |content: &str| said(Schema::find(&parse(content).unwrap(), &Default::default()));
    assert_eq!(
        find("label,p,q\n0,1,0\n1,7,0\n0,3,0\n"),
        "data.csv: the target \"q\" is 0 in every row, so there is nothing to learn; --target label \
         names another column"
    );
    let dates = find("a,day\n1,2024-01-01\n5,2024-01-02\n2,2024-01-05\n");
    assert!(dates.contains("\"day\" holds dates, written as year-month-day"), "{dates}");
    let once = find("a,name\n1,Ann\n5,Bob\n2,Cid\n");
    assert!(once.contains("\"name\" holds 3 labels in 3 rows, each once: is this the target?"));
    let table = parse("a,name\n1,Ann\n5,Bob\n2,Cid\n").unwrap();
    let told = SchemaOptions { task: Some(Task::Classification), ..Default::default() };
    assert!(Schema::find(&table, &told).is_ok());
    let numbers: String = (0..60).map(|i| format!("{i}.5,{}\n", i * i)).collect();
    assert_eq!(
        find(&format!("a,y\n{numbers}1.5,oops\n")),
        "data.csv: line 62, column 2 (y): expected a number, found \"oops\"; the target holds numbers \
         in most rows; --missing-values 'oops' leaves such rows out, and --task classification takes \
         all cells as classes"
    );
    let regression = SchemaOptions { task: Some(Task::Regression), ..Default::default() };
    let table = parse("a,kind\n1,x\n5,y\n2,x\n").unwrap();
    let message = said(Schema::find(&table, &regression));
    assert!(message.contains("\"kind\" holds text such as \"x\", a regression needs numbers"));
    let message = said(Schema::find(&table, &target("kinds")));
    assert_eq!(message, "data.csv: no column \"kinds\"; the columns are a, kind");
}

#[test]
fn rows_without_a_target_are_left_out() {
    let drop = |content: &str| {
        let mut table = parse(content).unwrap();
        let schema = common::schema(&table);
        let dropped = table.drop_missing_targets(&schema).unwrap();
        (dropped, column(&table, 1), table.place(table.rows() - 1))
    };
    for word in ["", "NA", "?", "null", "None", "-", "#N/A"] {
        let (dropped, left, last) = drop(&format!("x,y\n1,0\n2,1\n3,{word}\n4.5,1\n"));
        assert_eq!((dropped, left.len()), (1, 3), "{word}");
        assert_eq!(last, consonance_data::Place::Line(5));
    }
    // among text only the unmistakable words
    let (dropped, left, _) = drop("x,lang\n1,nan\n2.5,eng\n3,nan\n4,eng\n1,NA\n2,\n");
    assert_eq!((dropped, left), (2, ["nan", "eng", "nan", "eng"].map(str::to_owned).to_vec()));
}

#[test]
fn several_targets_are_numbers_or_labels() {
    let table = parse("x,a,b,c\n1.5,0,1,7\n2,1,1,2\n4,0,0,5\n").unwrap();
    let found = |columns| Schema::find(&table, &target(columns)).map(|s| s.task().unwrap().0);
    assert_eq!(found("a,b").unwrap(), Task::MultiLabel);
    assert_eq!(found("c,a").unwrap(), Task::Regression);
    assert!(said(found("a,a")).contains("named as a target twice"));
    let text = parse("x,a,b\n1.5,0,u\n2,1,v\n4,1,u\n").unwrap();
    assert!(said(Schema::find(&text, &target("a,b"))).contains("\"b\" is no column of numbers"));
}
