//! Excel's files: what is read, held to CSV files with the same cells, and what is refused.
#![cfg(feature = "xlsx")]

mod common;

use common::goldens::{files, hold_to_csv, read_bytes};
use common::{cells, parse_with, said, schema};
use consonance_data::{ReadOptions, Role, read_from};

#[test]
fn sheets_are_the_tables_that_excel_would_write_as_csv() {
    assert_eq!(hold_to_csv(".xlsx"), 6);
}

#[test]
fn dates_and_truth_values_have_their_roles() {
    let table = read_bytes(&files()["sheet.xlsx"]).unwrap();
    let options = common::target("count");
    let schema = consonance_data::Schema::find(&table, &options).unwrap();
    let roles: Vec<Role> = schema.columns().iter().map(|column| column.role).collect();
    assert_eq!(roles[2..4], [Role::Boolean, Role::Date]);
    let table = read_bytes(&files()["sheet_times.xlsx"]).unwrap();
    assert_eq!(schema_roles(&table)[0], Role::Date);
}

fn schema_roles(table: &consonance_data::Table) -> Vec<Role> {
    schema(table).columns().iter().map(|column| column.role).collect()
}

#[test]
fn what_is_found_out_can_be_told() {
    let files = files();
    let bytes = &files["sheet_offset.xlsx"];
    let table = read_bytes(bytes).unwrap();
    assert_eq!(table.notes()[0].text, "read the sheet \"Data\"; not read: \"Notes\"");
    assert_eq!(table.place(0), consonance_data::Place::Line(5));
    let piped =
        read_from(&mut bytes.as_slice(), "standard input", &ReadOptions::default()).unwrap();
    assert_eq!(cells(&piped), cells(&table));
    let options = ReadOptions { header: Some(false), ..Default::default() };
    let table = parse_with(bytes, &options).unwrap();
    assert_eq!((table.rows(), cells(&table)[1].as_str()), (5, "name"));
    let options = ReadOptions { text: vec!["weight".to_owned()], ..Default::default() };
    assert!(parse_with(bytes, &options).is_ok());
}

#[test]
fn what_is_no_table_is_refused() {
    let files = files();
    let of = |bytes: &[u8]| said(read_bytes(bytes));
    assert_eq!(of(&files["empty.xlsx"]), "data.csv: is empty, expected rows of cells");
    let far = of(&files["far.xlsx"]);
    assert!(far.contains("nearly all of them empty, which no sensible"), "{far}");
    let whole = &files["sheet.xlsx"];
    for length in (0..whole.len()).step_by(7).chain(whole.len() - 30..whole.len()) {
        assert!(read_bytes(&whole[..length]).is_err(), "{length}");
    }
}

/// The zip's checksums find a flipped bit in what is packed; one in the name of the file with the
/// styles may turn dates into numbers.
#[test]
fn flipped_bits_never_change_the_shape_in_silence() {
    let whole = &files()["sheet.xlsx"];
    let expected = read_bytes(whole).unwrap();
    for at in (4..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        if let Ok(found) = read_bytes(&bytes) {
            let shape = |table: &consonance_data::Table| (table.rows(), table.width());
            assert_eq!(shape(&found), shape(&expected), "byte {at}");
        }
    }
}
