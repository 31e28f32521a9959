//! NumPy's files: what is read, held to CSV files with the same cells, and what is refused.

mod common;

use common::goldens::{files, hold_to_csv, read_bytes};
use common::{Folder, cells, column, gzip, said, schema};
use consonance_data::{Pair, ReadOptions, Task, read, read_from};

/// An `.npy` file of version 1 with this header.
fn npy(header: &str, elements: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(elements);
    bytes
}

fn header(kind: &str, fortran: bool, shape: &str) -> String {
    let order = if fortran { "True" } else { "False" };
    format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
}

fn refusal(content: impl AsRef<[u8]>) -> String {
    let message = said(read_bytes(content.as_ref()));
    message.strip_prefix("data.csv: ").unwrap_or(&message).to_owned()
}

#[test]
fn arrays_are_the_tables_that_numpy_would_write_as_csv() {
    assert_eq!(hold_to_csv(".npy"), 66);
    assert_eq!(hold_to_csv(".npz"), 5);
}

#[test]
fn images_have_pixels_and_labels_classes() {
    let table = read_bytes(&files()["images_and_labels.npz"]).unwrap();
    let names: Vec<&str> = table.names().collect();
    assert_eq!(names[4..], ["pixel_1_1", "pixel_1_2", "labels"]);
    assert_eq!(table.notes()[0].text, "read images and labels");
    let preparation = common::fit(&table);
    let data = preparation.dataset(&table, consonance_core::Precision::F64).unwrap();
    let first: f64 = data.features().iter().next().unwrap();
    let consonance_data::Cell::Number(pixel) = table.cell(0, 0) else { panic!() };
    assert_eq!(first, pixel / 255.0, "pixels are divided by 255");
    let table = read_bytes(&files()["kinds.npz"]).unwrap();
    assert_eq!(schema(&table).task().unwrap().0, Task::Classification);
    let folder = Folder::new();
    let alone = folder.file("a.npy", &files()["images_C.npy"]);
    let table = read(alone, &ReadOptions::default()).unwrap();
    let message = said(consonance_data::Schema::find(&table, &Default::default()));
    assert!(message.contains("save them with the images in one .npz"), "{message}");
}

#[test]
fn the_part_asked_for_is_read() {
    let folder = Folder::new();
    let path = folder.file("parts.npz", &files()["parts.npz"]);
    let of = |pair| read(&path, &ReadOptions { pair, ..Default::default() }).unwrap();
    assert_eq!(column(&of(Pair::Train), 6), ["3", "1", "2"]);
    assert_eq!(column(&of(Pair::Test), 6), ["0"]);
    let expected = "read x_train and y_train; not read: x_test, y_test";
    assert_eq!(of(Pair::Train).notes()[0].text, expected);
}

#[test]
fn a_pipe_and_packing_change_nothing() {
    for name in ["f4_big_F.npy", "packed.npz"] {
        let bytes = &files()[name];
        let plain = read_bytes(bytes).unwrap();
        let packed = read_bytes(&gzip(bytes)).unwrap();
        let options = ReadOptions::default();
        let piped = read_from(&mut bytes.as_slice(), "standard input", &options).unwrap();
        assert_eq!(cells(&plain), cells(&packed), "{name}");
        assert_eq!(cells(&plain), cells(&piped), "{name}");
    }
}

#[test]
fn what_is_no_table_is_refused_by_name() {
    let files = files();
    let of = |name: &str| refusal(&files[name]);
    let message = of("objects.npy");
    assert!(message.starts_with("holds Python objects (a pickle), which may run"), "{message}");
    assert!(of("complex.npy").starts_with("holds complex numbers (element type \"<c16\")"));
    assert_eq!(of("single.npy"), "holds a single value, expected an array of rows");
    let message = of("nested.npy");
    assert!(message.starts_with("has the field \"a\" with several numbers or fields in it"));
    let message = of("unclear.npz");
    assert!(message.starts_with("holds the arrays a, b; expected one, or two of"), "{message}");
    assert_eq!(of("unequal.npz"), "array \"y\": holds 2 rows, \"X\" 4");
    assert_eq!(
        refusal(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        "is a zip archive without files"
    );
    let version = refusal(b"\x93NUMPY\x04\x00\x00\x00");
    assert_eq!(version, "is NPY of version 4.0, expected 1.0, 2.0 or 3.0");
    let object = refusal(npy(&header("<f8", false, "(2)"), &[0; 16]));
    assert!(object.starts_with("has an NPY header that is none: "), "{object}");
    for kind in ["f8", "<f3", "<x4", "|i4", "<M8", "<f8[s]", "<U", "", "<", "<e8", "<i8x", "|S0"] {
        let message = refusal(npy(&header(kind, false, "(1,)"), &[0; 8]));
        assert!(message.contains(&format!("(element type {kind:?})")), "{message}");
    }
}

#[test]
fn elements_that_are_none_are_named() {
    let of = |kind: &str, elements: &[u8]| refusal(npy(&header(kind, false, "(2, 1)"), elements));
    assert_eq!(
        of("|b1", &[1, 2]),
        "row 2, column 1: holds the byte 2, expected 0 or 1 for a truth value"
    );
    assert_eq!(of("|S1", &[b'a', 0xff]), "row 2, column 1: holds bytes that are no UTF-8");
    let message = of("<U1", &[97, 0, 0, 0, 0, 0, 0x11, 0]);
    assert_eq!(message, "row 2, column 1: holds 0x110000, which is no character");
    let far = [[0; 8], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    assert_eq!(of("<M8[s]", &far), "row 2, column 1: holds a date that no calendar has");
}

/// Had memory been taken for what these headers promise, the test would have been killed.
#[test]
fn a_header_that_lies_is_refused_before_memory_is_taken() {
    let none = ReadOptions { limits: consonance_data::Limits::NONE, ..Default::default() };
    let huge = [
        "(1099511627776, 3)",
        "(3, 1099511627776)",
        "(1048576, 1048576, 1024)",
        "(1, 1125899906842624)",
    ];
    for shape in huge {
        for fortran in [false, true] {
            for kind in ["|u1", "<f8", "<U9"] {
                let bytes = npy(&header(kind, fortran, shape), &[0; 40]);
                for options in [&none, &ReadOptions::default()] {
                    let message = said(common::parse_with(&bytes, options));
                    let expected = message.contains("holds 40 bytes after its header, expected ");
                    assert!(expected || message.contains("columns, expected at most"), "{message}");
                }
            }
        }
    }
    let beyond = refusal(npy(&header("<f8", false, "(4294967295, 4294967295, 9)"), &[]));
    assert!(beyond.starts_with("cannot be as large as its header says: "), "{beyond}");
    let nothing = refusal(npy(&header("<f8", false, "(0, 18446744073709551615)"), &[]));
    assert!(nothing.starts_with("is empty: its dimensions are 0 × "), "{nothing}");
    let long = [b"\x93NUMPY\x02\x00\xff\xff\xff\xff".as_slice(), b"{}"].concat();
    assert!(refusal(&long).starts_with("has an NPY header of 4294967295 bytes"));
    let wide = refusal(npy(&header("|U99999999999999999999", false, "(1,)"), &[]));
    assert!(wide.contains("no element type"), "{wide}");
    let zeros = gzip(&npy(&header("|u1", false, "(100000000, 1)"), &vec![0; 100_000_000]));
    let limits = consonance_data::Limits { unpacked_ratio: 10, ..Default::default() };
    let options = ReadOptions { limits, ..Default::default() };
    let bomb = said(common::parse_with(zeros, &options));
    assert!(bomb.contains("which no table does"), "{bomb}");
}

#[test]
fn lengths_must_be_exact() {
    let whole = npy(&header("<f4", false, "(2, 3)"), &[0; 24]);
    read_bytes(&whole).unwrap();
    for length in 0..whole.len() {
        assert!(read_bytes(&whole[..length]).is_err(), "{length}");
    }
    let short = refusal(&whole[..whole.len() - 1]);
    assert_eq!(short, "holds 23 bytes after its header, expected 24 for 2 × 3 elements");
    let long = refusal([whole.as_slice(), &[0]].concat());
    assert_eq!(long, "holds more bytes after its header, expected 24 for 2 × 3 elements");
    for name in ["alone.npz", "images_and_labels.npz", "packed.npz"] {
        let whole = &files()[name];
        for length in 0..whole.len() {
            assert!(read_bytes(&whole[..length]).is_err(), "{name} {length}");
        }
    }
}

/// A flipped bit may change a cell, a name or the type of the cells, but never how many there are.
#[test]
fn flipped_bits_never_change_the_shape_in_silence() {
    for name in ["i4_little_C.npy", "images_F.npy", "record.npy", "unicode_big.npy", "packed.npz"] {
        let whole = &files()[name];
        let shape = |bytes: &[u8]| read_bytes(bytes).map(|table| (table.rows(), table.width()));
        let expected = shape(whole).unwrap();
        // with other first bytes it is another kind of file
        for at in 6..whole.len() {
            for bit in [at % 8, (at * 5 + 3) % 8] {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                if let Ok(found) = shape(&bytes) {
                    assert_eq!(found, expected, "{name}: byte {at}, bit {bit}");
                }
            }
        }
    }
}

#[test]
fn missing_values_and_text_can_be_told() {
    let bytes = npy(&header("<i2", false, "(2, 2)"), &[1, 0, 0x19, 0xfc, 7, 0, 2, 0]);
    let options = ReadOptions {
        missing: Some(consonance_data::MissingWords::new(["-999".to_owned()])),
        text: vec!["1".to_owned()],
        ..Default::default()
    };
    let table = common::parse_with(&bytes, &options).unwrap();
    assert_eq!(cells(&table), ["1", "NA", "7", "2"]);
    assert_eq!(table.cell(0, 0), consonance_data::Cell::Text("1"));
    assert_eq!(cells(&read_bytes(&bytes).unwrap()), ["1", "-999", "7", "2"]);
}
