//! Model files of earlier versions are read, and answer as they did.

mod program;

use program::consonance;
use std::fs;
use std::path::{Path, PathBuf};

/// Sums of a few terms in `f64`, in another order or by another backend: γ of some 20 terms,
/// through two layers, is 40·2⁻⁵³ = 5·10⁻¹⁵ of their magnitudes, which are within 100 times the
/// answers.
const RELATIVE: f64 = 1e-12;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens").join(name)
}

/// The numbers in a line of answers; a class stays text.
fn cells(line: &str) -> Vec<Result<f64, String>> {
    line.split(',').map(|cell| cell.parse().map_err(|_| cell.to_string())).collect()
}

/// `format1_*.safetensors` were written by the first version's `train`, their answers by its
/// `predict`.
#[test]
fn models_of_format_1_answer_as_they_did() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["format1_classes", "format1_numbers"] {
        let path = |end: &str| golden(&format!("{name}{end}")).to_str().unwrap().to_string();
        let (model, rows) = (path(".safetensors"), path("_rows.csv"));
        let output = consonance(folder.path(), &["predict", &model, &rows]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        let answers = String::from_utf8(output.stdout).unwrap();
        let expected = fs::read_to_string(path("_answers.csv")).unwrap();
        assert_eq!(answers.lines().count(), expected.lines().count(), "{name}");
        for (answer, expected) in answers.lines().zip(expected.lines()) {
            let alike =
                |(own, theirs): (&Result<f64, String>, &Result<f64, String>)| match (own, theirs) {
                    (Ok(own), Ok(theirs)) => (own / theirs - 1.0).abs() < RELATIVE,
                    (own, theirs) => own == theirs,
                };
            let (own, theirs) = (cells(answer), cells(expected));
            assert_eq!(own.len(), theirs.len(), "{name}: {answer}");
            assert!(own.iter().zip(&theirs).all(alike), "{name}: {answer}, expected {expected}");
        }
    }
}

/// Whether damage would have been found is said.
#[test]
fn inspect_says_whether_there_is_a_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let inspect = |model: &str| {
        let output = consonance(folder.path(), &["inspect", model]);
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let old = golden("format1_classes.safetensors");
    let told = inspect(old.to_str().unwrap());
    assert!(told.contains("no checksum: written by an earlier version or another"), "{told}");
    let train = ["train", "--layers", "2", "--epochs", "1", "--out", "run", "-q"];
    assert!(consonance(folder.path(), &train).status.success());
    let told = inspect("run");
    let line = told.lines().find(|line| line.starts_with("checksum: ")).expect(&told);
    let bytes = fs::read(folder.path().join("run/model.safetensors")).unwrap();
    let checksum = line["checksum: ".len()..].split(',').next().unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains(checksum), "{told}");
}

/// A run folder stands for its model, and what is neither is told of both.
#[test]
fn a_run_folder_stands_for_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let train = ["train", "--layers", "2", "--epochs", "1", "--out", "run", "-q"];
    assert!(consonance(folder.path(), &train).status.success());
    fs::write(folder.path().join("rows.csv"), "0,".repeat(64) + "1\n").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for command in [&["predict"][..], &["evaluate", "--json"], &["inspect"]] {
        let rows = ["rows.csv"];
        let rows = if command[0] == "inspect" { &[][..] } else { &rows[..] };
        let of = |model: &str| consonance(folder.path(), &[command, &[model], rows].concat());
        let (by_folder, by_file) = (of("run"), of("run/model.safetensors"));
        assert!(by_folder.status.success(), "{command:?}: {by_folder:?}");
        assert_eq!(by_folder.stdout, by_file.stdout, "{command:?}");
        for neither in ["empty", "nowhere"] {
            let told = String::from_utf8(of(neither).stderr).unwrap();
            for word in [neither, "model file", "run folder", "model.safetensors"] {
                assert!(told.contains(word), "{command:?}: '{word}' is not in: {told}");
            }
        }
    }
}
