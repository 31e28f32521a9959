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
