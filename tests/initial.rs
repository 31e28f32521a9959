//! `train --init`: what a training begins with, what is told of it, and what is refused.

mod program;

use program::consonance;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::fs;
use std::path::Path;

/// Rows of two features, of the classes given.
fn write_rows(file: &Path, classes: &[&str]) {
    let row = |i: usize| format!("{}.5,{},{}\n", i % 7, i % 5, classes[i % classes.len()]);
    let rows: String = (0..40).map(row).collect();
    fs::write(file, format!("u,v,kind\n{rows}")).unwrap();
}

/// A training that leaves its first parameters as they are, for the note or refusal it ends with.
fn begin(folder: &Path, rows: &str, init: &[&str]) -> (bool, String) {
    let still = ["--learning-rate", "0", "--epochs", "1", "--out", "run", "--overwrite", "-q"];
    let precision = ["--precision", "f32"];
    let output = consonance(
        folder,
        &[&["train", rows, "--layers", "8"], &still[..], &precision, &["--init"], init].concat(),
    );
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!told.contains("panicked"), "{told}");
    (output.status.success(), told)
}

/// The array of that name in a model file, as `f32`.
fn array(file: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let chunks = tensors.tensor(name).unwrap().data().chunks_exact(4);
    chunks.map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap())).collect()
}

#[test]
fn a_state_dict_with_a_prefix_and_half_precision_is_read_and_told() {
    let folder = tempfile::tempdir().unwrap();
    write_rows(&folder.path().join("rows.csv"), &["cat", "dog"]);
    // 1.5 in bf16
    let bytes = [0xc0, 0x3f].repeat(16);
    let view = |shape: &[usize]| {
        let size = 2 * shape.iter().product::<usize>();
        TensorView::new(Dtype::BF16, shape.to_vec(), &bytes[..size]).unwrap()
    };
    let arrays =
        [("0.weight", &[8, 2][..]), ("0.bias", &[8]), ("2.weight", &[2, 8]), ("2.bias", &[2])];
    let named = arrays.map(|(name, shape)| (format!("_orig_mod.module.{name}"), view(shape)));
    let file = safetensors::serialize(named, None).unwrap();
    fs::write(folder.path().join("half.safetensors"), file).unwrap();
    let (read, told) = begin(folder.path(), "rows.csv", &["half.safetensors"]);
    assert!(read, "{told}");
    for words in ["'_orig_mod.module.' before every name", "BF16 was widened to f32"] {
        assert!(told.contains(&format!("--init: half.safetensors: {words}")), "{told}");
    }
    let model = folder.path().join("run/model.safetensors");
    for (name, shape) in arrays {
        assert_eq!(array(&model, name), vec![1.5; shape.iter().product()], "{name}");
    }
}

/// Whose last layer has another shape may be a model for other classes, whatever it says.
#[test]
fn a_last_layer_of_another_shape_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    write_rows(&folder.path().join("rows.csv"), &["cat", "dog"]);
    let bytes = [0; 96];
    let view = |shape: &[usize]| {
        let size = 4 * shape.iter().product::<usize>();
        TensorView::new(Dtype::F32, shape.to_vec(), &bytes[..size]).unwrap()
    };
    let write = |name: &str, hidden: usize| {
        let arrays = [
            ("0.weight", view(&[hidden, 2])),
            ("0.bias", view(&[hidden])),
            ("2.weight", view(&[3, hidden])),
            ("2.bias", view(&[3])),
        ];
        fs::write(folder.path().join(name), safetensors::serialize(arrays, None).unwrap()).unwrap();
    };
    write("three.safetensors", 8);
    write("narrow.safetensors", 4);
    let (read, told) = begin(folder.path(), "rows.csv", &["three.safetensors"]);
    assert!(!read && told.contains("2.weight") && told.contains("--new-head"), "{told}");
    let (read, told) = begin(folder.path(), "rows.csv", &["three.safetensors", "--new-head"]);
    assert!(read, "{told}");
    let (read, told) = begin(folder.path(), "rows.csv", &["narrow.safetensors"]);
    assert!(!read && told.contains("0.weight") && !told.contains("--new-head"), "{told}");
}
