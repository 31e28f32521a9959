//! What a CSV file may look like, and what is read from it.

mod common;

use common::{Folder, features, gzip, parse, parse_with, said, target};
use consonance_data::{Columns, Place, ReadOptions, Target, read, read_csv};

/// Labels row by row.
fn labels(target: Option<&Target>) -> Vec<&str> {
    let Some(Target::Labels(labels)) = target else { panic!("labels expected, found {target:?}") };
    labels.rows.iter().map(|&row| labels.names[row as usize].as_str()).collect()
}

#[test]
fn a_plain_table_is_read() {
    let table = parse("a,b,kind\n1,2.5,x\n-3,4e2,y\n").unwrap();
    assert_eq!((table.rows(), table.inputs()), (2, 2));
    assert_eq!(features(&table), [1.0, 2.5, -3.0, 400.0]);
    assert_eq!(table.schema().features, ["a", "b"]);
    assert_eq!(labels(table.target()), ["x", "y"]);
    assert!(table.schema().named);
    let kind = table.schema().target.as_ref().unwrap();
    assert_eq!((kind.name.as_str(), kind.position), ("kind", 2));
}

#[test]
fn the_same_table_in_other_clothes_is_the_same() {
    let plain = parse("a,b,kind\n1,2.5,x\n-3,4,y\n").unwrap();
    let same: [(&str, Vec<u8>); 10] = [
        ("byte order mark", b"\xef\xbb\xbfa,b,kind\n1,2.5,x\n-3,4,y\n".to_vec()),
        ("CRLF", b"a,b,kind\r\n1,2.5,x\r\n-3,4,y\r\n".to_vec()),
        ("CR", b"a,b,kind\r1,2.5,x\r-3,4,y".to_vec()),
        ("no newline at the end", b"a,b,kind\n1,2.5,x\n-3,4,y".to_vec()),
        ("quotes", b"\"a\",\"b\",\"kind\"\n\"1\",2.5,\"x\"\n-3,4,y\n".to_vec()),
        ("white space", b"a , b, kind\n 1,\t2.5,x \n-3 ,4, y\n".to_vec()),
        ("semicolons", b"a;b;kind\n1;2.5;x\n-3;4;y\n".to_vec()),
        ("tabs", b"a\tb\tkind\n1\t2.5\tx\n-3\t4\ty\n".to_vec()),
        ("gzip", gzip(b"a,b,kind\n1,2.5,x\n-3,4,y\n")),
        ("gzip in two members", [gzip(b"a,b,kind\n1,2"), gzip(b".5,x\n-3,4,y\n")].concat()),
    ];
    for (clothes, content) in same {
        let table = parse(content).unwrap_or_else(|error| panic!("{clothes}: {error}"));
        assert_eq!(features(&table), features(&plain), "{clothes}");
        assert_eq!(table.schema(), plain.schema(), "{clothes}");
        assert_eq!(table.target(), plain.target(), "{clothes}");
    }
}

#[test]
fn a_delimiter_in_quotes_or_asked_for_is_respected() {
    let table = parse("\"height; cm\",\"a\tb\",c\n1,2,3\n").unwrap();
    assert_eq!(table.schema().features, ["height; cm", "a\tb"]);
    let pipes = ReadOptions { delimiter: Some(b'|'), ..Default::default() };
    assert_eq!(features(&parse_with("1|2|3\n", &pipes).unwrap()), [1.0, 2.0]);
}

#[test]
fn rows_know_their_line_whatever_the_line_ends() {
    let lines = ["a,b", "", "1,x", "", "  ", "\"2\",\"two", "lines\"", "3,z", "", ""];
    for end in ["\n", "\r\n", "\r"] {
        let table = parse(lines.join(end)).unwrap();
        let places: Vec<Place> = (0..table.rows()).map(|row| table.place(row)).collect();
        assert_eq!(places, [Place::Line(3), Place::Line(6), Place::Line(8)], "{end:?}");
        assert_eq!(labels(table.target()), ["x", "two\nlines", "z"]);
    }
}

#[test]
fn a_quote_that_is_never_closed_is_named() {
    for content in ["a,b\n\n1,\"2\n3,4\n\n", "a,b\r\n\r\n1,\"2", "\n\n\"a,b\n1,2\n"] {
        assert_eq!(said(parse(content)), "data.csv: line 3: a quote is opened and never closed");
    }
    let rows = "1,x\n".repeat(100_000);
    assert_eq!(
        said(parse(format!("{rows}\"1,x\n{rows}"))),
        "data.csv: line 100001: a quote is opened and never closed"
    );
    assert_eq!(parse(rows).unwrap().rows(), 100_000);
}

#[test]
fn a_header_is_found_by_itself() {
    let has_header = |content: &str| parse(content).unwrap().schema().named;
    assert!(has_header("a,b,kind\n1,2,x\n"));
    assert!(has_header("a,b,y\n1,2,3\n"));
    // an index column without a name
    assert!(has_header(",a,y\n1,2,3\n"));
    // names that are numbers
    assert!(has_header("0,1,label\n5,6,1\n"));
    assert!(!has_header("1,2,x\n3,4,y\n"));
    assert!(!has_header("1,2,3\n4,5,6\n"));
    assert!(!has_header("1,2,x\n"));
    assert_eq!(
        said(parse("1,?,3,0\n4,5,6,1\n")),
        "data.csv: line 1: is this a header? column 1 holds the number 1, column 2 holds \"?\"; \
         mend the cell, or say whether there is a header"
    );
    let yes = ReadOptions { header: Some(true), ..Default::default() };
    let table = parse_with("2019,area,y\n4,5,6\n", &yes).unwrap();
    assert_eq!(table.schema().features, ["2019", "area"]);
    let no = ReadOptions { header: Some(false), ..Default::default() };
    let table = parse_with("0,1,label\n5,6,1\n", &no).unwrap();
    assert_eq!((table.rows(), labels(table.target())), (2, vec!["label", "1"]));
    assert_eq!(table.schema().features, ["column_1", "column_2"]);
}

#[test]
fn the_target_is_found_by_name_or_number() {
    let content = "kind,a,b\nx,1,2\ny,3,4\n";
    for column in ["kind", "1"] {
        let table = parse_with(content, &target(column)).unwrap();
        assert_eq!(features(&table), [1.0, 2.0, 3.0, 4.0], "{column}");
        assert_eq!(labels(table.target()), ["x", "y"]);
        assert_eq!(table.schema().features, ["a", "b"]);
    }
    let headerless = parse_with("x,1,2\ny,3,4\n", &target("1")).unwrap();
    assert_eq!(labels(headerless.target()), ["x", "y"]);
    assert_eq!(headerless.schema().features, ["column_2", "column_3"]);
    // a name comes before a number
    let table = parse_with("3,2,1\nx,1,2\n", &ReadOptions { header: Some(true), ..target("3") });
    assert_eq!(labels(table.unwrap().target()), ["x"]);
    let none = ReadOptions { columns: Columns::NoTarget, ..Default::default() };
    let table = parse_with("a,b\n1,2\n", &none).unwrap();
    assert_eq!((table.inputs(), table.target()), (2, None));
}

#[test]
fn a_target_that_is_not_there_is_refused_with_what_is() {
    assert_eq!(
        said(parse_with("a,b,kind\n1,2,x\n", &target("kinds"))),
        "data.csv: line 1: no target column \"kinds\"; the columns are a, b, kind"
    );
    let names: Vec<String> = (0..30).map(|i| format!("feature{i}")).collect();
    let wide = format!("{},Species\n{}0,setosa\n", names.join(","), "1,".repeat(29));
    let message = said(parse_with(wide, &target("spezies")));
    assert!(message.contains("the columns most like it are Species, "), "{message}");
    assert_eq!(
        said(parse_with("a,b,kind\n1,2,x\n", &target("4"))),
        "data.csv: line 1: no target column 4; columns are numbered 1 to 3"
    );
    assert_eq!(
        said(parse_with("1,2,x\n", &target("kind"))),
        "data.csv: line 1: no target column \"kind\": there is no header, and columns are \
         numbered 1 to 3"
    );
}

#[test]
fn a_cell_that_is_no_number_is_named() {
    let cases = [
        ("red", "expected a number, found \"red\""),
        ("", "empty cell, expected a number"),
        ("NaN", "expected a finite number, found \"NaN\""),
        ("-inf", "expected a finite number, found \"-inf\""),
        ("1e999", "expected a finite number, found \"1e999\""),
        ("\"1,5\"", "expected a number with a decimal point, found \"1,5\""),
    ];
    for (cell, problem) in cases {
        let content = format!("a,b,kind\n1,2,x\n3,{cell},y\n");
        assert_eq!(said(parse(content)), format!("data.csv: line 3, column 2 (b): {problem}"));
        let headerless = format!("1,2,x\n3,{cell},y\n");
        assert_eq!(said(parse(headerless)), format!("data.csv: line 2, column 2: {problem}"));
    }
    let long = format!("a,b\n{},1\n", "é".repeat(1000));
    assert!(said(parse(long)).len() < 200);
}

#[test]
fn a_target_cell_that_is_missing_is_named() {
    assert_eq!(
        said(parse("a,kind\n1,x\n2,\n")),
        "data.csv: line 3, column 2 (kind): empty cell, expected a label or a number"
    );
    assert_eq!(
        said(parse("a,y\n1,1.5\n2,nan\n")),
        "data.csv: line 3, column 2 (y): expected a finite number, found \"nan\""
    );
}

#[test]
fn a_row_of_another_length_is_named() {
    assert_eq!(
        said(parse("a,b,c\n1,2,3\n1,2\n")),
        "data.csv: line 3: 2 cells, expected 3 as in line 1"
    );
    assert_eq!(
        said(parse("\na,b,c\n1,2,3,4\n")),
        "data.csv: line 3: 4 cells, expected 3 as in line 2"
    );
}

#[test]
fn a_file_without_rows_or_features_is_refused() {
    for empty in ["", "\n\n", "  \n", "\u{feff}"] {
        assert_eq!(said(parse(empty)), "data.csv: is empty, expected rows of numbers");
    }
    assert_eq!(said(parse("a,b,kind\n")), "data.csv: holds a header only, expected rows below it");
    assert_eq!(
        said(parse("kind\nx\ny\n")),
        "data.csv: line 1: there is only the target column, expected at least one feature"
    );
    assert_eq!(
        said(parse("a,b,a\n1,2,3\n")),
        "data.csv: line 1: columns 1 and 3 are both called \"a\""
    );
}

#[test]
fn text_in_another_encoding_is_refused() {
    assert_eq!(
        said(parse(b"a,kind\n1,caf\xe9\n2,x\n3,y\n")),
        "data.csv: line 2, column 2 (kind): \"caf\u{fffd}\" is not UTF-8; save the file as UTF-8"
    );
    assert_eq!(
        said(parse(b"a,kind\n1,x\n2,y\n\xff,y\n")),
        "data.csv: line 4, column 1 (a): \"\u{fffd}\" is not UTF-8; save the file as UTF-8"
    );
    assert_eq!(said(parse(b"\xff\xfea\0")), "data.csv: is UTF-16 text; save it as UTF-8");
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = Folder::new();
    let missing = said(read(folder.path().join("data.csv"), &ReadOptions::default()));
    assert!(missing.starts_with("data.csv: cannot read it: "), "{missing}");
    let options = ReadOptions::default();
    let message = said(read_csv(folder.path(), &options));
    assert!(message.ends_with(": is a folder, expected a file"), "{message}");
    let images = folder.file("data.csv", common::idx(8, &[1, 1], &[0]));
    let message = said(read_csv(images, &options));
    assert_eq!(message, "data.csv: begins with zero bytes, expected the text of a CSV");
}

#[test]
fn damaged_gzip_is_told_from_a_damaged_table() {
    let rows: String = (0..2000).map(|i| format!("{i},{},x\n", i * i)).collect();
    let packed = gzip(rows.as_bytes());
    for length in [3, 12, packed.len() / 2, packed.len() - 1] {
        let message = said(parse(&packed[..length]));
        let start = "data.csv: the gzip data are cut off or damaged: ";
        assert!(message.starts_with(start), "{length} bytes: {message}");
    }
    let mut damaged = packed.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(said(parse(damaged)).contains("cut off or damaged"));
}
