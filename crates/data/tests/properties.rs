//! What holds for any table, and for any bytes at all.

mod common;

use common::{Folder, features, gzip, idx, parse};
use consonance_data::{ReadOptions, Target, read, read_csv, read_idx};
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
        let table = parse(write(&sample)).unwrap();
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(features(&table)), bits(sample.features.concat()));
        let schema = table.schema();
        let target = schema.target.as_ref().unwrap();
        let names = [schema.features.as_slice(), std::slice::from_ref(&target.name)].concat();
        prop_assert_eq!(names, sample.names);
        match (table.target().unwrap(), &sample.labels) {
            (Target::Labels(read), Some(written)) => {
                let text = |&row: &u32| read.names[row as usize].clone();
                prop_assert_eq!(&read.rows.iter().map(text).collect::<Vec<_>>(), written);
                prop_assert!(read.names.is_sorted());
            }
            (Target::Numbers(read), None) => {
                prop_assert_eq!(bits(read.clone()), bits(sample.numbers));
            }
            (read, written) => prop_assert!(false, "wrote {:?}, read {:?}", written, read),
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in bytes()) {
        let folder = Folder::new();
        let labels = folder.file("labels", &bytes);
        for content in [bytes.clone(), gzip(&bytes)] {
            let images = folder.file("images", content);
            let _ = read_csv(&images, &ReadOptions::default());
            let _ = read_idx(&images, Some(&labels));
            let _ = read_idx(&images, None);
            if let Ok(table) = read(&images, &ReadOptions::default()) {
                prop_assert!(features(&table).iter().all(|x| x.is_finite()));
                let _ = (table.task(), table.classes(), table.numbers());
            }
        }
    }
}

/// Anything, things made of the characters of a CSV, and IDX headers with a few bytes behind.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[0-9a,;\"\r\n.\t -]{0,100}".prop_map(String::into_bytes),
        (
            0_u8..16,
            prop::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 0..4),
            prop::collection::vec(any::<u8>(), 0..32)
        )
            .prop_map(|(element, shape, elements)| idx(element, &shape, &elements)),
    ]
}
