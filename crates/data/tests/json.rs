//! JSON: what is read, held to CSV files with the same cells, and what is refused.

mod common;

use common::goldens::{files, hold_to_csv, read_bytes};
use common::{cells, column, gzip, parse, parse_with, said};
use consonance_data::{Limits, MissingWords, ReadOptions, Role, read_from};
use proptest::prelude::*;

#[test]
fn objects_are_the_tables_that_pandas_writes_as_csv() {
    assert_eq!(hold_to_csv(".jsonl"), 4);
    assert_eq!(hold_to_csv(".json"), 2);
}

#[test]
fn dates_and_truth_values_have_their_roles() {
    let rows: String = (10..30)
        .map(|day| {
            format!("{{\"on\": \"2024-01-{day}\", \"ok\": {}, \"y\": {day}}}\n", day % 3 == 0)
        })
        .collect();
    let schema = common::schema(&parse(rows).unwrap());
    let roles: Vec<Role> = schema.columns().iter().map(|column| column.role).collect();
    assert_eq!(roles[..2], [Role::Date, Role::Boolean]);
}

#[test]
fn numbers_and_text_are_read_as_in_a_csv_file() {
    // numbers keep their spelling where text stands beside them, early or late
    let late: String = (0..5000).map(|row| format!("{{\"a\": {row}.50}}\n")).collect();
    for rows in ["{\"a\": 1.50}\n{\"a\": \"x\"}\n", &format!("{late}{{\"a\": \"x\"}}\n")] {
        let table = parse(rows).unwrap();
        assert!(column(&table, 0)[0].ends_with(".50"), "{:?}", &column(&table, 0)[..2]);
        let mut pipe = rows.as_bytes();
        let piped = read_from(&mut pipe, "standard input", &ReadOptions::default()).unwrap();
        assert_eq!(cells(&piped), cells(&table));
        assert_eq!(cells(&parse(gzip(rows.as_bytes())).unwrap()), cells(&table));
    }
    let of = |text: &str| column(&parse(text).unwrap(), 0);
    // words for a missing value
    assert_eq!(of("{\"a\": \"NA\"}\n{\"a\": 2}"), ["NA", "2"]);
    assert_eq!(of("{\"a\": null}\n{\"a\": \" x \"}\n{\"a\": \"\"}"), ["NA", "x", "NA"]);
    let words = MissingWords::new(["-999".to_owned()]);
    let options = ReadOptions { missing: Some(words), ..Default::default() };
    let table = parse_with("{\"a\": -999}{\"a\": 1}", &options).unwrap();
    assert_eq!(column(&table, 0), ["NA", "1"]);
    let options = ReadOptions { text: vec!["a".to_owned(), "2".to_owned()], ..Default::default() };
    let table = parse_with("{\"a\": 7.0, \"b\": 1e2, \"c\": 3.0}", &options).unwrap();
    assert_eq!(cells(&table), ["7.0", "1e2", "3"]);
    // what no f64 holds
    assert_eq!(of("{\"a\": 1e999}\n{\"a\": 123456789012345678}"), ["inf", "123456789012345680"]);
    // a first chunk without any cell of a column
    let first = "{\"b\": 1}\n".repeat(4096);
    let table = parse(format!("{first}{{\"a\": \"x\"}}\n{{\"c\": 2}}")).unwrap();
    assert_eq!((table.rows(), table.width()), (4098, 3));
    assert_eq!(cells(&table)[4095 * 3..], ["1", "NA", "NA", "NA", "x", "NA", "NA", "NA", "2"]);
}

#[test]
fn what_is_no_row_is_refused_with_its_line() {
    let cases = [
        (
            "{\"a\": 1}\n\n{\"a\": [1, 2]}",
            "line 3, column 1 (a): holds a list, \"[1, 2]\"; expected a number, a text, true, false or null",
        ),
        (
            "{\"a\": {\"b\": 1}}",
            "line 1, column 1 (a): holds an object, \"{\\\"b\\\": 1}\"; expected a number, a text, true, false or null",
        ),
        ("{\"a\": 1, \"b\": 2, \"a\": 3}", "line 1, column 1 (a): stands twice in one object"),
        ("{\"a\": 1}\n{\"a\": 2", "line 2: the object that begins here is not closed by a brace"),
        ("{\"a\": 1}\n[1]", "line 2: found \"[\", expected an object, {\"column\": value, …}"),
        ("[{\"a\": 1}\n", "line 2: ends within a list, expected ]"),
        (
            "[{\"a\": 1} {\"a\": 1}]",
            "line 1: found \"{\", expected a comma or ] behind an object of a list",
        ),
        ("[{\"a\": 1}]\n{}", "line 2: found \"{\", expected nothing behind the list"),
        ("[{\"a\": 1},]", "line 1: found \"]\", expected an object, {\"column\": value, …}"),
        ("{}\n{}", "holds objects without keys, expected rows of cells"),
        ("{\"a\": 1}\n{\"a\":\n 01}", "line 3: is no JSON object: "),
        ("{\"a\": 1,\n\"b\" 2}", "line 2: is no JSON object: "),
        ("{\"a\": NaN}", "line 1: is no JSON object: "),
    ];
    for (text, expected) in cases {
        let message = said(parse(text));
        assert!(message.starts_with(&format!("data.csv: {expected}")), "{text}: {message}");
    }
    let message = said(parse(b"{\"a\": \"\xff\"}"));
    assert_eq!(message, "data.csv: line 1: holds bytes that are no UTF-8");
    // deep nesting overflows no stack
    assert!(parse("{\"a\":".repeat(100_000)).is_err());
    assert!(parse(format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000))).is_err());
}

#[test]
fn limits_hold() {
    let limits = Limits { record_bytes: 50, columns: 2, ..Limits::default() };
    let options = ReadOptions { limits, ..Default::default() };
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(60));
    let message = said(parse_with(long, &options));
    assert!(message.contains("does not end within 50 bytes; --limits off"), "{message}");
    let message = said(parse_with("{\"a\": 1, \"b\": 2, \"c\": 3}", &options));
    assert!(message.contains("expected at most 2; --limits off"), "{message}");
    // each row a column of its own: 400 KB that would be 3.6 GB
    let rows: String = (0..30_000).map(|row| format!("{{\"k{row}\":1}}\n")).collect();
    let message = said(parse(rows));
    assert!(message.contains("nearly all of them empty, which no sensible"), "{message}");
}

#[test]
fn a_list_cut_off_anywhere_is_refused() {
    let whole = &files()["list.json"];
    read_bytes(whole).unwrap();
    for length in 0..whole.len() {
        assert!(read_bytes(&whole[..length]).is_err(), "{length}");
    }
    // of lines whole ones may be missing, as of a CSV file
    let whole = &files()["lines.jsonl"];
    for length in 0..whole.len() {
        let lines = whole[..length].iter().filter(|&&byte| byte == b'\n').count();
        if let Ok(table) = read_bytes(&whole[..length]) {
            assert!(table.rows() <= lines + 1, "{length}");
            assert!(matches!(whole[length - 1], b'}' | b'\n'), "{length}");
        }
    }
}

proptest! {
    #[test]
    fn no_characters_make_the_reader_panic(text in "[\\[{][ {}\\[\\],:\"\\\\a-c0-9.eE\n-]{0,60}") {
        if let Ok(table) = parse(&text) {
            prop_assert_eq!(cells(&table).len(), table.rows() * table.width());
        }
    }

    #[test]
    fn flipped_bits_never_make_it_panic(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = files()["lines_unicode.jsonl"].clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(table) = read_bytes(&bytes) {
            prop_assert_eq!(cells(&table).len(), table.rows() * table.width());
        }
    }

    #[test]
    fn what_is_written_reads_back_equal(
        rows in prop::collection::vec(
            (any::<f64>().prop_filter("finite", |x| x.is_finite()), "[^0-9\\s]{1,5}!"), 1..20),
    ) {
        let write = |(number, text): &(f64, String)| {
            format!("{}\n", serde_json::json!({"é": number, "b": text}))
        };
        let table = parse(rows.iter().map(write).collect::<String>()).unwrap();
        for (row, (number, text)) in rows.iter().enumerate() {
            let consonance_data::Cell::Number(found) = table.cell(row, table.names().position(|name| name == "é").unwrap()) else {
                return Err(TestCaseError::fail("a number was expected"));
            };
            prop_assert_eq!(found.to_bits(), number.to_bits());
            let at = table.names().position(|name| name == "b").unwrap();
            prop_assert_eq!(table.cell(row, at), consonance_data::Cell::Text(text));
        }
    }
}
