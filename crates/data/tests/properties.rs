//! What holds for any table, and for any bytes at all.

mod common;

use common::{Folder, cells, gzip, idx, npy, parse_with};
use consonance_core::Precision;
use consonance_data::{
    Cell, Preparation, ReadOptions, Scaling, Schema, SchemaOptions, read, read_idx,
};
use proptest::prelude::*;

/// Features, and labels or numbers as the target.
#[derive(Debug, Clone)]
struct Sample {
    names: Vec<String>,
    features: Vec<Vec<f64>>,
    labels: Option<Vec<String>>,
    numbers: Vec<f64>,
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |x| x.is_finite()),
        (0_u8..=255).prop_map(f64::from)
    ]
}

/// Text that is no number, white space, quotes and delimiters within.
fn label() -> impl Strategy<Value = String> {
    "[a-zµ\"][a-z ,;\t\"\n]{0,6}!".prop_filter("no number", |text| text.parse::<f64>().is_err())
}

fn sample() -> impl Strategy<Value = Sample> {
    (1_usize..5, 1_usize..20).prop_flat_map(|(width, rows)| {
        (
            prop::collection::hash_set(label(), width + 1),
            prop::collection::vec(prop::collection::vec(finite(), width), rows),
            prop::option::of(prop::collection::vec(label(), rows)),
            prop::collection::vec(finite(), rows),
        )
            .prop_map(|(names, features, labels, numbers)| Sample {
                names: names.into_iter().collect(),
                features,
                labels,
                numbers,
            })
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn write(sample: &Sample) -> String {
    let header: Vec<String> = sample.names.iter().map(|name| quoted(name)).collect();
    let mut csv = format!("{}\n", header.join(","));
    for (row, features) in sample.features.iter().enumerate() {
        let mut cells: Vec<String> = features.iter().map(f64::to_string).collect();
        cells.push(match &sample.labels {
            Some(labels) => quoted(&labels[row]),
            None => sample.numbers[row].to_string(),
        });
        csv += &format!("{}\n", cells.join(","));
    }
    csv
}

proptest! {
    #[test]
    fn a_table_written_as_csv_reads_back_equal(sample in sample()) {
        // a header of text over text could as well be data
        let options = ReadOptions { header: Some(true), ..Default::default() };
        let table = parse_with(write(&sample), &options).unwrap();
        let width = sample.names.len() - 1;
        for (row, features) in sample.features.iter().enumerate() {
            for (column, expected) in features.iter().enumerate() {
                let Cell::Number(found) = table.cell(row, column) else {
                    return Err(TestCaseError::fail("a number was expected"));
                };
                prop_assert_eq!(found.to_bits(), expected.to_bits());
            }
            match (table.cell(row, width), &sample.labels) {
                (Cell::Text(found), Some(labels)) => prop_assert_eq!(found, &labels[row]),
                (Cell::Number(found), None) => {
                    prop_assert_eq!(found.to_bits(), sample.numbers[row].to_bits());
                }
                (found, _) => prop_assert!(false, "found {:?}", found),
            }
        }
        prop_assert_eq!(table.names().collect::<Vec<_>>(), sample.names);
    }

    /// A plain row is scanned in one go, one with a quoted cell is cut into cells first.
    #[test]
    fn a_cell_is_the_same_quoted_or_not(
        rows in prop::collection::vec(("-?[0-9]{0,18}[.]?[0-9]{0,18}([eE]-?[0-9]{0,3})?|[-+.0-9eExinfa]{0,6}|NA|x", finite()), 1..30)
    ) {
        let plain: String = rows.iter().map(|(cell, n)| format!("{cell},{n}\n")).collect();
        let quoted: String = rows.iter().map(|(cell, n)| format!("\"{cell}\",\"{n}\"\n")).collect();
        let options = ReadOptions { header: Some(true), ..Default::default() };
        let read = |rows: String| parse_with(format!("a,b\n{rows}"), &options);
        match (read(plain), read(quoted)) {
            (Ok(plain), Ok(quoted)) => {
                for row in 0..rows.len() {
                    for column in 0..2 {
                        let bits = |cell| match cell {
                            Cell::Number(number) => format!("{:x}", f64::to_bits(number)),
                            cell => format!("{cell:?}"),
                        };
                        prop_assert_eq!(bits(plain.cell(row, column)), bits(quoted.cell(row, column)));
                    }
                }
                prop_assert_eq!(plain.rows(), quoted.rows());
            }
            (plain, quoted) => prop_assert!(false, "{:?} {:?}", plain.err(), quoted.err()),
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in bytes()) {
        let folder = Folder::new();
        let labels = folder.file("labels", &bytes);
        for content in [bytes.clone(), gzip(&bytes)] {
            let images = folder.file("images", content);
            let _ = read_idx(&images, Some(&labels));
            let _ = read_idx(&images, None);
            if let Ok(mut table) = read(&images, &ReadOptions::default()) {
                prop_assert_eq!(cells(&table).len(), table.rows() * table.width());
                let _ = prepare(&mut table);
            }
        }
    }
}

/// All that is done with a table before training.
fn prepare(table: &mut consonance_data::Table) -> consonance_data::Result<()> {
    let schema = Schema::find(table, &SchemaOptions::default())?;
    table.drop_missing_targets(&schema)?;
    let split = table.split(&schema, 0.2, 1)?;
    for scaling in [Scaling::Smooth, Scaling::Robust, Scaling::Log] {
        let preparation =
            Preparation::builder(&schema).scaling(scaling).fit(table, &split.train)?;
        let data = preparation.dataset(table, Precision::F64)?;
        assert!(data.features().is_finite());
    }
    Ok(())
}

/// Anything, things made of the characters of a CSV or of JSON, and headers of IDX and NPY with a few
/// bytes behind.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[0-9a,;\"\r\n.\t -]{0,100}".prop_map(String::into_bytes),
        "([0-9]{1,3}[.,]?[0-9]?|NA|x|y|2024-01-0[1-9]|true|false|[,;|\n]){0,60}"
            .prop_map(String::into_bytes),
        "(\\{(\"[ab]\": ?(1|-2.5|\"x\"|\"\"|null|true|\\[\\]|NaN),?){0,3}\\}?[\n,]?){0,8}"
            .prop_map(String::into_bytes),
        (
            "[<>|][biufSUMOc][0-8]",
            any::<bool>(),
            prop::collection::vec(prop_oneof![0_u64..4, any::<u64>()], 0..4),
            prop::collection::vec(any::<u8>(), 0..64)
        )
            .prop_map(|(kind, fortran, shape, elements)| npy(&kind, fortran, &shape, &elements)),
        (
            0_u8..16,
            prop::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 0..4),
            prop::collection::vec(any::<u8>(), 0..32)
        )
            .prop_map(|(element, shape, elements)| idx(element, &shape, &elements)),
    ]
}
