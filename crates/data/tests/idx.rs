//! IDX files: what is read, what is refused, and how the labels are found.

mod common;

use common::{Folder, cells, column, gzip, idx, said, schema};
use consonance_data::{Pair, ReadOptions, Schema, Task, read, read_idx};

fn images() -> Vec<u8> {
    idx(8, &[2, 2, 3], &[0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255])
}

fn labels() -> Vec<u8> {
    idx(8, &[2], &[7, 3])
}

/// What is said about a file of images, behind its name.
fn refusal(content: impl AsRef<[u8]>) -> String {
    let folder = Folder::new();
    let message = said(read_idx(folder.file("images", content), None));
    let at = message.find("images: ").expect("the file's name");
    message[at + "images: ".len()..].to_owned()
}

#[test]
fn images_and_labels_are_read() {
    let folder = Folder::new();
    for pack in [|bytes: Vec<u8>| bytes, |bytes: Vec<u8>| gzip(&bytes)] {
        let images = folder.file("a", pack(images()));
        let labels = folder.file("b", pack(labels()));
        let table = read_idx(images, Some(&labels)).unwrap();
        assert_eq!((table.rows(), table.width()), (2, 7));
        let expected = "0 1 2 3 4 5 7 250 251 252 253 254 255 3";
        assert_eq!(cells(&table), expected.split(' ').collect::<Vec<_>>());
        let names: Vec<&str> = table.names().collect();
        assert_eq!(names[5..], ["pixel_1_2", "label"]);
        assert_eq!(schema(&table).task().unwrap().0, Task::Classification);
    }
}

#[test]
fn every_element_type_is_read() {
    let folder = Folder::new();
    let cases: [(u8, Vec<u8>, [f64; 2]); 6] = [
        (0x08, vec![1, 200], [1.0, 200.0]),
        (0x09, vec![1, 200], [1.0, -56.0]),
        (0x0b, [-300_i16, 300].map(i16::to_be_bytes).concat(), [-300.0, 300.0]),
        (0x0c, [-70_000_i32, 7].map(i32::to_be_bytes).concat(), [-70_000.0, 7.0]),
        (0x0d, [0.5_f32, -1.25].map(f32::to_be_bytes).concat(), [0.5, -1.25]),
        (0x0e, [0.1_f64, -1e300].map(f64::to_be_bytes).concat(), [0.1, -1e300]),
    ];
    for (element, bytes, expected) in cases {
        let path = folder.file("images", idx(element, &[1, 2], &bytes));
        let table = read_idx(&path, None).unwrap();
        let texts = expected.map(|number| number.to_string());
        assert_eq!(cells(&table), texts, "0x{element:02x}");
        let numbers = folder.file("labels", idx(element, &[2], &bytes));
        let images = folder.file("images", idx(8, &[2, 1], &[0, 9]));
        let table = read_idx(images, Some(&numbers)).unwrap();
        assert_eq!(column(&table, 1), texts);
        // integers are labels, others numbers
        let found = Schema::find(&table, &Default::default());
        match element >= 0x0d {
            true => assert!(found.is_ok()),
            false => assert_eq!(found.unwrap().task().unwrap().0, Task::Classification),
        }
    }
    let nan = idx(0x0d, &[1, 2], &[0.0_f32, f32::NAN].map(f32::to_be_bytes).concat());
    assert_eq!(refusal(nan), "row 1 holds NaN, expected finite numbers");
}

#[test]
fn many_integer_labels_are_still_classes() {
    let folder = Folder::new();
    let all: Vec<u8> = (0..124).map(|row| row % 62).collect();
    let images = folder.file("a", idx(8, &[124, 1], &all));
    let labels = folder.file("b", idx(8, &[124], &all));
    let table = read_idx(images, Some(&labels)).unwrap();
    assert_eq!(schema(&table).task().unwrap().0, Task::Classification);
    let preparation = common::fit(&table);
    let consonance_data::TargetEncoding::Classes(classes) = preparation.target else { panic!() };
    assert_eq!((classes[2].as_str(), classes[61].as_str()), ("2", "61"), "in numerical order");
}

/// Had memory been taken for what these headers promise, the test would have been killed.
#[test]
fn a_header_that_lies_is_refused_before_memory_is_taken() {
    let four_gigabytes = refusal(idx(8, &[u32::MAX, 1], &[1, 2, 3]));
    assert_eq!(
        four_gigabytes,
        "holds 3 bytes after its header, expected 4294967295 for 4294967295 × 1 elements of 1"
    );
    let exabytes = refusal(gzip(&idx(8, &[u32::MAX, 1 << 30], &[1, 2, 3])));
    assert!(
        exabytes.starts_with("holds 3 bytes after its header, expected 46116860"),
        "{exabytes}"
    );
    let beyond = refusal(idx(0x0e, &[u32::MAX; 3], &[1]));
    assert_eq!(
        beyond,
        "cannot be as large as its header says: 4294967295 × 4294967295 × 4294967295"
    );
    let nothing_of_much = refusal(idx(8, &[0, u32::MAX, u32::MAX, u32::MAX], &[]));
    assert_eq!(
        nothing_of_much,
        "is empty: its dimensions are 0 × 4294967295 × 4294967295 × 4294967295"
    );
}

#[test]
fn lengths_must_be_exact() {
    let whole = images();
    let truncated = &whole[..whole.len() - 1];
    let message = "holds 11 bytes after its header, expected 12 for 2 × 2 × 3 elements of 1";
    assert_eq!(refusal(truncated), message);
    assert_eq!(refusal(gzip(truncated)), message);
    let trailing = [whole.as_slice(), &[0]].concat();
    let message = "holds more bytes after its header, expected 12 for 2 × 2 × 3 elements of 1";
    assert_eq!(refusal(&trailing), message);
    assert_eq!(refusal(gzip(&trailing)), message);
    let packed = gzip(&whole);
    assert!(refusal(&packed[..packed.len() - 9]).starts_with("the gzip data are cut off"));
}

#[test]
fn headers_must_be_whole_and_sensible() {
    for length in 2..4 {
        assert_eq!(refusal(&images()[..length]), "ends within its IDX header");
    }
    for length in 4..16 {
        let message = refusal(&images()[..length]);
        assert_eq!(message, "ends within its IDX header, or has no dimensions");
    }
    let unknown = refusal(idx(0x0a, &[1, 1], &[0]));
    assert_eq!(unknown, "has the IDX element type 0x0a, which does not exist");
    assert_eq!(refusal("a,b\n1,2\n"), "is no IDX file, which begins with two zero bytes");
    assert_eq!(refusal(""), "is no IDX file, which begins with two zero bytes");
    assert_eq!(refusal(labels()), "has one dimension, as labels have; expected rows of features");
    assert_eq!(refusal(idx(8, &[0, 28, 28], &[])), "is empty: its dimensions are 0 × 28 × 28");
    assert_eq!(refusal(idx(8, &[3, 0, 28], &[])), "is empty: its dimensions are 3 × 0 × 28");
}

#[test]
fn labels_must_fit_the_images() {
    let folder = Folder::new();
    let images = folder.file("images", images());
    let three = folder.file("labels", idx(8, &[3], &[1, 2, 3]));
    let message = said(read_idx(&images, Some(&three)));
    let expected = format!("labels: holds 3 labels, {} holds 2 rows", images.display());
    assert!(message.ends_with(&expected), "{message}");
    let message = said(read_idx(&images, Some(&images)));
    let expected = "images: has the dimensions 2 × 2 × 3, expected one: a label a row";
    assert!(message.ends_with(expected), "{message}");
    // QMNIST's hold eight numbers a row, of which the first is the label
    let eight = folder.file("labels", idx(8, &[2, 2], &[7, 100, 3, 101]));
    let table = read_idx(&images, Some(&eight)).unwrap();
    assert_eq!(column(&table, 6), ["7", "3"]);
    assert!(table.notes().iter().any(|note| note.to_string().contains("the first is the label")));
}

#[test]
fn a_label_the_model_does_not_know_is_named_with_its_row() {
    let folder = Folder::new();
    let images = folder.file("images", images());
    let table = read_idx(&images, Some(&folder.file("labels", labels()))).unwrap();
    let preparation = common::fit(&table);
    let other = folder.file("labels", idx(8, &[2], &[7, 4]));
    let table = read_idx(&images, Some(&other)).unwrap();
    let message = said(preparation.dataset(&table, consonance_core::Precision::F32));
    let expected = "labels: row 2, column 7: label \"4\"; the known labels are 3, 7";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn labels_are_found_beside_the_images() {
    let names = [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ("images.gz", "labels"),
        ("images", "labels.gz"),
        ("my-images", "my-labels"),
    ];
    for (images_name, labels_name) in names {
        let folder = Folder::new();
        let path = folder.file(images_name, images());
        folder.file(labels_name, labels());
        for path in [path.as_path(), folder.path()] {
            let table = read(path, &ReadOptions::default()).unwrap();
            assert_eq!(column(&table, 6), ["7", "3"], "{}", path.display());
        }
    }
}

#[test]
fn the_pair_asked_for_of_a_folder_is_read() {
    let folder = Folder::new();
    folder.file("t10k-images-idx3-ubyte", idx(8, &[1, 1, 1], &[9]));
    folder.file("t10k-labels-idx1-ubyte", idx(8, &[1], &[9]));
    folder.file("train-images-idx3-ubyte", images());
    folder.file("train-images-idx3-ubyte.gz", gzip(&images()));
    folder.file("train-labels-idx1-ubyte.gz", gzip(&labels()));
    folder.file("notes.txt", "hello");
    let table = read(folder.path(), &ReadOptions::default()).unwrap();
    assert_eq!(table.rows(), 2);
    let test = ReadOptions { pair: Pair::Test, ..Default::default() };
    let table = read(folder.path(), &test).unwrap();
    assert_eq!((table.rows(), table.file().ends_with("t10k-images-idx3-ubyte")), (1, true));

    let folder = Folder::new();
    for name in ["a-images", "a-labels", "b-images", "b-labels"] {
        folder.file(name, images());
    }
    let message = said(read(folder.path(), &ReadOptions::default()));
    assert!(message.contains("holds several pairs of IDX files, name one: "), "{message}");
    assert!(message.contains("a-images") && message.contains("b-images"), "{message}");
}

#[test]
fn a_missing_pair_or_missing_labels_say_what_was_looked_for() {
    let folder = Folder::new();
    folder.file("train-labels-idx1-ubyte", labels());
    let message = said(read(folder.path(), &ReadOptions::default()));
    assert!(message.contains("looked for an images file such as train-images-idx3-ubyte"));
    let folder = Folder::new();
    let alone = folder.file("train-images-idx3-ubyte", images());
    let find = |path: &std::path::Path| {
        said(Schema::find(&read(path, &ReadOptions::default()).unwrap(), &Default::default()))
    };
    let message = find(&alone);
    let expected = "looked for train-labels-idx1-ubyte and train-labels-idx1-ubyte.gz";
    assert!(message.ends_with(expected), "{message}");
    let message = find(&folder.file("x", images()));
    assert!(message.ends_with("no 'images' in it to find its labels by; name both"), "{message}");
}

#[test]
fn labels_are_not_needed_for_prediction_and_a_table_may_hold_the_rows() {
    let folder = Folder::new();
    let images = folder.file("images", images());
    let labelled = read_idx(&images, Some(&folder.file("b", labels()))).unwrap();
    let preparation = common::fit(&labelled);
    let of = |table: &consonance_data::Table| {
        let data = preparation.dataset(table, consonance_core::Precision::F64).unwrap();
        (data.features().iter().collect::<Vec<f64>>(), common::classes(data.targets()).to_vec())
    };
    let (features, classes) = of(&labelled);
    assert_eq!((features[1], &*classes), (1.0 / 255.0, &[1, 0][..]), "pixels are divided by 255");
    let bare = read_idx(&images, None).unwrap();
    assert_eq!(of(&bare), (features.clone(), vec![]));
    // the same images as CSV, the label first as it is usual, or none
    let rows = ["0,1,2,3,4,5", "250,251,252,253,254,255"];
    let csv = format!("label,a,b,c,d,e,f\n7,{}\n3,{}\n", rows[0], rows[1]);
    assert_eq!(of(&common::parse(csv).unwrap()), (features.clone(), classes.clone()));
    let csv = format!("{},7\n{},3\n", rows[0], rows[1]);
    assert_eq!(of(&common::parse(csv).unwrap()), (features.clone(), classes));
    assert_eq!(of(&common::parse(rows.join("\n")).unwrap()), (features, vec![]));
}
