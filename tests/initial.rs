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

#[test]
fn a_model_of_other_classes_is_refused_unless_its_last_layer_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    for (name, classes) in [
        ("first.csv", &["cat", "dog"][..]),
        ("renamed.csv", &["zebra", "dog"]),
        ("more.csv", &["dog", "eel", "cat"]),
        ("numbers.csv", &["1.5", "2.25", "7.125"]),
    ] {
        write_rows(&folder.path().join(name), classes);
    }
    let train = ["train", "first.csv", "--layers", "8", "--epochs", "2", "--precision", "f32"];
    let out = |name| [&train[..], &["--out", name, "-q"]].concat();
    assert!(consonance(folder.path(), &out("pets")).status.success());
    let (read, told) = begin(folder.path(), "first.csv", &["pets"]);
    assert!(read && told.is_empty(), "nothing to tell of the same classes: {told}");

    let cases: [(&str, &[&str]); 3] = [
        ("renamed.csv", &["only the model has cat", "only these rows have zebra"]),
        ("more.csv", &["only these rows have eel"]),
        ("numbers.csv", &["answers a class (cat, dog)", "a number"]),
    ];
    let pets = folder.path().join("pets/model.safetensors");
    for (rows, words) in cases {
        let before = fs::read(folder.path().join("run/model.safetensors")).unwrap();
        let (read, told) = begin(folder.path(), rows, &["pets/model.safetensors"]);
        assert!(!read, "{rows}: {told}");
        for word in words.iter().chain(&["--init", "pets/model.safetensors", "--new-head"]) {
            assert!(told.contains(word), "{rows}: '{word}' is not in: {told}");
        }
        let model = folder.path().join("run/model.safetensors");
        assert_eq!(fs::read(&model).unwrap(), before, "{rows}: a refusal leaves no model");

        let (read, told) = begin(folder.path(), rows, &["pets", "--new-head"]);
        assert!(read, "{rows}: {told}");
        assert!(told.contains("the last layer is not taken: it begins anew, by glorot"), "{told}");
        assert_eq!(array(&model, "0.weight"), array(&pets, "0.weight"), "{rows}");
        assert_ne!(array(&model, "2.weight"), array(&pets, "2.weight"), "{rows}");
        let settings = fs::read_to_string(folder.path().join("run/settings.json")).unwrap();
        let settings: serde_json::Value = serde_json::from_str(&settings).unwrap();
        assert_eq!(settings["new_head"], true);
        assert_eq!(settings["initializer"], "glorot_uniform");
    }
    // the other way round
    let numbers = ["train", "numbers.csv", "--layers", "8", "--epochs", "1", "--out", "n", "-q"];
    assert!(consonance(folder.path(), &numbers).status.success());
    let (read, told) = begin(folder.path(), "first.csv", &["n"]);
    assert!(!read && told.contains("answers a number") && told.contains("2 classes"), "{told}");
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
