//! Tables in other formats than CSV: the program trains on them, and answers, as on the same rows as
//! CSV.

mod program;

use program::consonance;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Three classes on a plane, far apart: two coordinates and a colour.
fn rows() -> Vec<([f64; 2], &'static str)> {
    let row = |i: u32| {
        let (class, wobble) = (i as usize % 3, f64::from(i * 7919 % 101) / 400.0);
        let (x, y) = [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0)][class];
        ([x + wobble, y - wobble], ["red", "green", "blue"][class])
    };
    (0..60).map(row).collect()
}

/// An `.npy` file of version 1.
fn npy(kind: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), elements].concat()
}

fn write_npz(path: &Path, rows: &[([f64; 2], &str)]) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let count = rows.len();
    let features: Vec<u8> =
        rows.iter().flat_map(|(x, _)| x.map(f64::to_le_bytes)).flatten().collect();
    let character = |text: &str, at: usize| text.chars().nth(at).map_or(0, u32::from).to_le_bytes();
    let labels: Vec<u8> =
        rows.iter().flat_map(|(_, text)| (0..5).flat_map(move |at| character(text, at))).collect();
    for (name, array) in [
        ("X.npy", npy("<f8", &format!("({count}, 2)"), &features)),
        ("y.npy", npy("<U5", &format!("({count},)"), &labels)),
    ] {
        archive.start_file(name, stored).unwrap();
        archive.write_all(&array).unwrap();
    }
    archive.finish().unwrap();
}

fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let output = consonance(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_same_rows_give_the_same_model_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let rows = rows();
    let csv = rows.iter().map(|([x, y], colour)| format!("{x},{y},{colour}\n"));
    fs::write(path("table.csv"), format!("x,y,colour\n{}", csv.collect::<String>())).unwrap();
    let lines = rows.iter().map(|([x, y], colour)| {
        format!("{}\n", serde_json::json!({"x": x, "y": y, "colour": colour}))
    });
    // serde_json sorts keys, so the target is named
    fs::write(path("table.jsonl"), lines.collect::<String>()).unwrap();
    write_npz(&path("table.npz"), &rows);
    let new = rows.iter().map(|([x, y], _)| format!("{x},{y}\n")).collect::<String>();
    fs::write(path("new.csv"), format!("x,y\n{new}")).unwrap();

    let options = ["--layers", "8", "--epochs", "60", "--learning-rate", "0.02"];
    for (file, target) in [("csv", "colour"), ("jsonl", "colour"), ("npz", "y")] {
        let train = ["train", &format!("table.{file}"), "--target", target, "--out", file];
        stdout(folder.path(), &[&train, &options[..]].concat());
    }
    let answers = |run: &str, file: &str| {
        let answer = stdout(folder.path(), &["predict", run, file]);
        let lines: Vec<String> = answer.lines().skip(1).map(str::to_owned).collect();
        assert_eq!(lines.len(), rows.len());
        lines
    };
    let expected = answers("csv", "new.csv");
    let right = expected.iter().zip(&rows).filter(|(line, (_, colour))| line.starts_with(colour));
    assert!(right.count() > 55, "{expected:?}");
    // in the order x, y; the keys of JSON are columns of their own order
    assert_eq!(answers("npz", "new.csv"), expected);
    assert_eq!(answers("npz", "table.npz"), expected);
    assert_eq!(answers("csv", "table.jsonl"), expected);
    assert_eq!(answers("jsonl", "new.csv"), answers("jsonl", "table.jsonl"));
    for file in ["table.npz", "table.jsonl"] {
        let evaluated = stdout(folder.path(), &["evaluate", &file[6..], file, "--json"]);
        assert!(evaluated.contains("\"accuracy\""), "{evaluated}");
        stdout(folder.path(), &["describe", file]);
    }
}
