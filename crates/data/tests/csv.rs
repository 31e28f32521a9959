//! What a text file may look like, and what is read from it.

mod common;

use common::{Folder, cells, column, gzip, parse, parse_with, said};
use consonance_data::{
    Encoding, Limits, MissingWords, Place, ReadOptions, Separator, Table, read, read_from,
};

fn names(table: &Table) -> Vec<&str> {
    table.names().collect()
}

#[test]
fn a_plain_table_is_read() {
    let table = parse("a,b,kind\n1,2.5,x\n-3,4e2,y\n").unwrap();
    assert_eq!((table.rows(), table.width()), (2, 3));
    assert_eq!(cells(&table), ["1", "2.5", "x", "-3", "400", "y"]);
    assert_eq!(names(&table), ["a", "b", "kind"]);
    assert!(table.is_named());
}

#[test]
fn the_same_table_in_other_clothes_is_the_same() {
    let plain = parse("a,b,kind\n1,2.5,x\n-3,4,y\n").unwrap();
    let utf16: Vec<u8> =
        "a,b,kind\n1,2.5,x\n-3,4,y\n".encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect();
    let zstd = include_bytes!("files/plain.csv.zst").to_vec();
    let same: [(&str, Vec<u8>); 17] = [
        ("byte order mark", b"\xef\xbb\xbfa,b,kind\n1,2.5,x\n-3,4,y\n".to_vec()),
        ("two marks", b"\xef\xbb\xbf\xef\xbb\xbfa,b,kind\n1,2.5,x\n-3,4,y\n".to_vec()),
        ("CRLF", b"a,b,kind\r\n1,2.5,x\r\n-3,4,y\r\n".to_vec()),
        ("CR", b"a,b,kind\r1,2.5,x\r-3,4,y".to_vec()),
        ("no newline at the end", b"a,b,kind\n1,2.5,x\n-3,4,y".to_vec()),
        ("quotes", b"\"a\",\"b\",\"kind\"\n\"1\",2.5,\"x\"\n-3,4,y\n".to_vec()),
        ("blanks before quotes", b"\"a\", \"b\", \"kind\"\n1,2.5, \"x\" \n-3,4, \"y\"\n".to_vec()),
        ("white space", b"a , b, kind\n 1,\t2.5,x \n-3 ,4, y\n".to_vec()),
        ("semicolons", b"a;b;kind\n1;2.5;x\n-3;4;y\n".to_vec()),
        ("decimal commas", b"a;b;kind\n1,0;2,5;x\n-3;4;y\n".to_vec()),
        ("tabs", b"a\tb\tkind\n1\t2.5\tx\n-3\t4\ty\n".to_vec()),
        ("bars", b"a|b|kind\n1|2.5|x\n-3|4|y\n".to_vec()),
        ("blanks", b"  a   b kind\n 1  2.5 x\n-3\t4   y \n".to_vec()),
        ("a comment and a separator", b"# made by a logger\na,b,kind\n1,2.5,x\n-3,4,y\n".to_vec()),
        ("UTF-16", [b"\xff\xfe", utf16.as_slice()].concat()),
        ("gzip in two members", [gzip(b"a,b,kind\n1,2"), gzip(b".5,x\n-3,4,y\n")].concat()),
        ("zstd", zstd),
    ];
    for (clothes, content) in same {
        let table = parse(content).unwrap_or_else(|error| panic!("{clothes}: {error}"));
        assert_eq!(cells(&table), cells(&plain), "{clothes}");
        assert_eq!(names(&table), names(&plain), "{clothes}");
    }
}

#[test]
fn what_is_told_overrules_what_is_found() {
    let told =
        |content: &[u8], options: ReadOptions| cells(&parse_with(content, &options).unwrap());
    let pipes = ReadOptions { delimiter: Some(Separator::Character(b'|')), ..Default::default() };
    assert_eq!(told(b"1|2,2|3\n", pipes), ["1", "2.2", "3"]);
    let single = ReadOptions { quote: Some(Some(b'\'')), ..Default::default() };
    assert_eq!(told(b"'a,b',1\n'c',2\n", single), ["a,b", "1", "c", "2"]);
    let none = ReadOptions { quote: Some(None), ..Default::default() };
    assert_eq!(told(b"\"a,1\nb\",2\n", none), ["\"a", "1", "b\"", "2"]);
    let comma = ReadOptions { decimal: Some(','), ..Default::default() };
    assert_eq!(told(b"a;b\n1,234;2\n", comma), ["1.234", "2"]);
    let point = ReadOptions { thousands: Some('.'), ..Default::default() };
    assert_eq!(told(b"a;b\n1.234;2\n", point), ["1234", "2"]);
    let percent = ReadOptions { comment: Some(b'%'), ..Default::default() };
    assert_eq!(told(b"% x\na,b\n1,2\n%3,4\n5,6\n", percent), ["1", "2", "5", "6"]);
    let latin = ReadOptions { encoding: Some(Encoding::Latin1), ..Default::default() };
    assert_eq!(told("a,b\né,1\n".as_bytes(), latin), ["Ã©", "1"]);
    let minus = MissingWords::new(["-999".to_owned()]);
    let words = ReadOptions { missing: Some(minus), ..Default::default() };
    assert_eq!(told(b"a,b\n-999,NA\n1,2\n", words), ["NA", "NA", "1", "2"]);
    let text = ReadOptions { text: vec!["a".to_owned()], ..Default::default() };
    assert_eq!(told(b"a,b\n7.0,1.0\n", text), ["7.0", "1"]);
}

#[test]
fn latin_1_is_read_and_said() {
    let table = parse(b"name,n\ncaf\xe9,1\nna\xefve,2\n").unwrap();
    assert_eq!(column(&table, 0), ["café", "naïve"]);
    assert_eq!(table.notes()[0].to_string(), "read as latin-1; --encoding names another");
    // also where it shows only behind the first megabyte
    let rows = "plain,1\n".repeat(200_000).into_bytes();
    let late = [b"name,n\n", rows.as_slice(), b"caf\xe9,2\n"].concat();
    let table = parse(late).unwrap();
    assert_eq!(table.rows(), 200_001);
    assert_eq!(column(&table, 0)[200_000], "café");
    let both = [b"name,n\n", rows.as_slice(), b"caf\xe9,2\n", "café,3\n".as_bytes()].concat();
    let message = said(parse([both.as_slice(), b"caf\xe9,2\n"].concat()));
    let expected = "data.csv: line 200004: is not UTF-8, as other lines are; save the file in one \
                    encoding, or name it by --encoding";
    assert_eq!(message, expected);
}

#[test]
fn columns_that_turn_out_to_hold_text_are_read_again() {
    let rows: String = (0..200_000).map(|i| format!("{i},{}\n", i % 7)).collect();
    let table = parse(format!("a,b\n{rows}1,x\n")).unwrap();
    assert_eq!(column(&table, 1)[..3], ["0", "1", "2"]);
    assert_eq!(column(&table, 1)[200_000], "x");
    assert_eq!(column(&table, 0)[199_999], "199999", "the other column holds numbers still");
    // through a pipe, too
    let mut pipe = std::io::Cursor::new(format!("a,b\n{rows}1,x\n"));
    let piped = read_from(&mut pipe, "standard input", &ReadOptions::default()).unwrap();
    assert_eq!(cells(&piped), cells(&table));
}

#[test]
fn rows_know_their_line_whatever_the_line_ends() {
    let lines = ["a,b", "", "1,x", "", "  ", "\"2\",\"two", "lines\"", "3,z", "", ""];
    for end in ["\n", "\r\n", "\r"] {
        let table = parse(lines.join(end)).unwrap();
        let places: Vec<Place> = (0..table.rows()).map(|row| table.place(row)).collect();
        assert_eq!(places, [Place::Line(3), Place::Line(6), Place::Line(8)], "{end:?}");
        assert_eq!(column(&table, 1)[2], "z");
    }
    let many = "1,x\n".repeat(600_000);
    let table = parse(many).unwrap();
    assert_eq!(table.place(599_999), Place::Line(600_000));
}

#[test]
fn a_row_of_a_single_column_is_there_if_it_is_blank() {
    for content in ["t\n1\n\n3\n", "t\n1\n\"\"\n3\n", "t\n1\n \n3\n\n\n"] {
        assert_eq!(column(&parse(content).unwrap(), 0), ["1", "NA", "3"], "{content:?}");
    }
}

#[test]
fn quotes_are_strict() {
    for content in ["a,b\n\n1,\"2\n3,4\n\n", "a,b\r\n\r\n1,\"2", "\n\n\"a,b\n1,2\n"] {
        assert_eq!(said(parse(content)), "data.csv: line 3: a quote is opened and never closed");
    }
    let rows = "1,x\n".repeat(300_000);
    assert_eq!(
        said(parse(format!("{rows}\"1,x\n{rows}"))),
        "data.csv: line 300001: a quote is opened and never closed"
    );
    let message = said(parse("a,b\n1,\"x\" y\n2,z\n"));
    let expected = "data.csv: line 2: a quoted cell is closed and followed by \"y\"";
    assert!(message.starts_with(expected), "{message}");
    // not at the beginning of a cell they are text
    assert_eq!(column(&parse("a,b\n5\" disk,1\n3\",2\n").unwrap(), 0), ["5\" disk", "3\""]);
}

#[test]
fn a_header_is_found_by_itself_or_asked_for() {
    let has_header = |content: &str| parse(content).unwrap().is_named();
    assert!(has_header("a,b,kind\n1,2,x\n"));
    assert!(has_header("0,1,label\n5,6,1\n"));
    assert!(!has_header("1,2,x\n3,4,y\n"));
    assert!(!has_header("NA,no\n25,yes\n4,no\n"));
    assert_eq!(
        said(parse("a,17,b\n1,18,2\n3,12,4\n")),
        "data.csv: line 1: are these names or data: \"a\", \"17\", \"b\"? --header true or --header \
         false says which"
    );
    let yes = ReadOptions { header: Some(true), ..Default::default() };
    assert_eq!(names(&parse_with("a,17,b\n1,18,2\n", &yes).unwrap()), ["a", "17", "b"]);
    let no = ReadOptions { header: Some(false), ..Default::default() };
    let table = parse_with("0,1,label\n5,6,1\n", &no).unwrap();
    assert_eq!((table.rows(), column(&table, 2)), (2, vec!["label".to_owned(), "1".to_owned()]));
    assert_eq!(names(&table), ["column_1", "column_2", "column_3"]);
}

#[test]
fn headers_that_lack_a_name_are_mended() {
    // a separator at the end of each row, and R's row names
    let table = parse("a,b,kind\n1,2,x,\n3,4,y,\n").unwrap();
    assert_eq!(names(&table), ["a", "b", "kind", "column_4"]);
    let table = parse("a b\nAnn 1 2\nBob 3 4\n").unwrap();
    assert_eq!(names(&table), ["column_1", "a", "b"]);
    assert_eq!(column(&table, 0), ["Ann", "Bob"]);
    let table = parse("a,b,a\n1,2,3\n").unwrap();
    assert_eq!(names(&table), ["a", "b", "a_2"]);
    let note = "a_2: several columns are called \"a\": this one, number 3";
    assert_eq!(table.notes()[0].to_string(), note);
}

#[test]
fn rows_of_another_length_are_named_all_at_once() {
    assert_eq!(
        said(parse("a,b,c\n1,2,3\n1,2\n")),
        "data.csv: line 3: 2 cells; expected 3 as in line 1"
    );
    let bad = "1,2\n1,2,3,4\n".repeat(4);
    assert_eq!(
        said(parse(format!("a,b,c\n1,2,3\n{bad}"))),
        "data.csv: line 3: 2 cells; line 4: 4 cells; line 5: 2 cells; line 6: 4 cells; line 7: 2 \
         cells; expected 3 as in line 1 (3 more of this kind)"
    );
}

#[test]
fn a_file_without_rows_is_refused() {
    for empty in ["", "\n\n", "  \n", "\u{feff}"] {
        assert_eq!(said(parse(empty)), "data.csv: is empty, expected rows of cells", "{empty:?}");
    }
    assert_eq!(said(parse("a,b,kind\n")), "data.csv: holds a header only, expected rows below it");
}

#[test]
fn files_of_other_kinds_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (b"<!DOCTYPE html>\n<html></html>\n", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"PAR1\x15\x04", "Parquet file"),
        (b"PK\x03\x04\x14\0", "zip data are cut off"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"a,b\n1,\0\n", "NUL byte"),
    ];
    for (content, what) in cases {
        let message = said(parse(content));
        assert!(message.contains(what), "{message}");
        assert!(message.chars().all(|c| !c.is_control()), "{message:?}");
    }
}

#[cfg(not(feature = "xlsx"))]
#[test]
fn the_feature_that_reads_excel_is_named() {
    let message = said(parse(&common::goldens::files()["sheet.xlsx"]));
    let expected = "data.csv: is an Excel file (.xlsx), which a program built with the feature xlsx \
                    reads; or save the sheet as CSV";
    assert_eq!(message, expected);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = Folder::new();
    let missing = said(read(folder.path().join("data.csv"), &ReadOptions::default()));
    assert!(missing.starts_with("data.csv: cannot read it: "), "{missing}");
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

/// 65 KB that hold one line of 64 MB of commas took 8 GB once.
#[test]
fn bombs_cost_an_error() {
    let commas = gzip(&vec![b','; 8 << 20]);
    let message = said(parse(commas));
    assert!(
        message.contains("more than 1000000 cells") && message.contains("--limits"),
        "{message}"
    );
    let zeros = gzip("0,0,0,0\n".repeat(9 << 20).as_bytes());
    let sensible = Limits { unpacked_ratio: 5, ..Limits::default() };
    let options = ReadOptions { limits: sensible, ..Default::default() };
    let message = said(parse_with(zeros, &options));
    assert!(message.contains("unpacks to more than") && message.contains("--limits"), "{message}");
    let long = "x".repeat(100_000);
    let short = Limits { record_bytes: 50_000, ..Limits::default() };
    let options = ReadOptions { limits: short, ..Default::default() };
    let message = said(parse_with(format!("a,b\n1,\"{long}\"\n"), &options));
    assert!(message.contains("does not end within 50000 bytes"), "{message}");
    let all = ReadOptions { limits: Limits::NONE, ..Default::default() };
    assert_eq!(parse_with(format!("a,b\n1,\"{long}\"\n"), &all).unwrap().rows(), 1);
}
