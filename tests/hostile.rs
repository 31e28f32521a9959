//! Bad input gets an error that names the place and what was expected; nothing is left half
//! written and nothing panics.

mod program;

use program::consonance;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs a command that must fail, and checks that its message holds all of `words`.
fn refused(folder: &Path, arguments: &[&str], words: &[&str]) {
    let output = consonance(folder, arguments);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} succeeded: {message}");
    assert!(output.status.code().is_some(), "{arguments:?} was killed: {message}");
    assert!(!message.contains("panicked"), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: '{word}' is not in: {message}");
    }
    assert!(output.stdout.is_empty(), "{arguments:?} printed {:?}", output.stdout);
}

/// The names of all files below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(files(&path));
        } else {
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names
}

#[test]
fn broken_tables_are_refused_by_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &str, &[&str]); 9] = [
        ("ragged", "a,b,c\n1,2,x\n1,2\n1,2,y\n", &["ragged.csv", "line 3", "3"]),
        ("quote", "a,b,c\n1,2,x\n1,\"2,y\n", &["quote.csv", "line 3", "never closed"]),
        (
            "infinite",
            "a,b,c\n1,inf,x\n5,2,y\n2,7,x\n9,8,y\n",
            &["infinite.csv", "line 2", "b", "finite"],
        ),
        ("names", "a,b\nAnn,1\nBob,2\nCid,7\n", &["names.csv", "a (id", "--column"]),
        ("empty", "", &["empty.csv", "empty"]),
        ("header", "a,b,c\n", &["header.csv"]),
        ("lonely", "a\n1\n2\n", &["lonely.csv", "feature"]),
        (
            "one_class",
            "a,b,c\n1,2,x\n3,4,x\n5,6,x\n",
            &["one_class.csv", "two classes", "--target"],
        ),
        ("page", "<html><body>404</body></html>", &["page.csv", "web page"]),
    ];
    for (name, text, words) in cases {
        let file = format!("{name}.csv");
        fs::write(folder.path().join(&file), text).unwrap();
        refused(folder.path(), &["train", &file], words);
    }
    refused(folder.path(), &["train", "nowhere.csv"], &["nowhere.csv"]);
    fs::write(folder.path().join("good.csv"), "a,b,c\n1,2,x\n3,4,y\n").unwrap();
    let target = ["train", "good.csv", "--target", "d"];
    refused(folder.path(), &target, &["good.csv", "d", "a, b, c"]);
    let ignore = ["train", "good.csv", "--ignore", "a,id"];
    refused(folder.path(), &ignore, &["good.csv", "id", "a, b, c"]);
    let everything = ["train", "good.csv", "--ignore", "a,b,c"];
    refused(folder.path(), &everything, &["good.csv", "ignored"]);
    let hole = "a,b,c\n1,,x\n5,2,y\n7,9,x\n2,1,y\n";
    fs::write(folder.path().join("hole.csv"), hole).unwrap();
    let refuse = ["train", "hole.csv", "--missing", "refuse", "--test-fraction", "0"];
    refused(folder.path(), &refuse, &["hole.csv", "line 2, column 2 (b)", "missing", "impute"]);
    assert!(!folder.path().join("runs").exists(), "no run began");
}

#[test]
fn lying_images_are_refused_without_allocating() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    // 2³² − 1 images of 65535 × 65535
    let mut terabytes = vec![0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 255, 255, 0, 0, 255, 255];
    terabytes.extend([0; 100]);
    write("a-images-idx3-ubyte", &terabytes);
    write("a-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 1, 0]);
    refused(folder.path(), &["train", "a-images-idx3-ubyte"], &["a-images-idx3-ubyte"]);
    write("b-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0]);
    write("b-labels-idx1-ubyte", &[0, 0, 8, 1, 0, 0, 0, 1, 0]);
    refused(folder.path(), &["train", "b-images-idx3-ubyte"], &["b-images-idx3-ubyte"]);
    let empty = folder.path().join("nothing");
    fs::create_dir(&empty).unwrap();
    refused(folder.path(), &["train", "nothing"], &["nothing"]);
}

#[test]
fn flags_out_of_range_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 21] = [
        (&["--layers", "0"], &["--layers", "at least 1"]),
        (&["--layers", "12,,3"], &["--layers"]),
        (&["--layers", "99999999999999999"], &["memory"]),
        (&["--layers", "10000000,10000000"], &["memory"]),
        (&["--epochs", "5000000000"], &["--epochs"]),
        (&["--batch-size", "0"], &["--batch-size", "full"]),
        (&["--epochs", "0"], &["--epochs"]),
        (&["--threads", "0"], &["--threads"]),
        (&["--learning-rate", "nan"], &["--learning-rate", "finite"]),
        (&["--learning-rate", "inf"], &["--learning-rate", "finite"]),
        (&["--learning-rate", "-1"], &["--learning-rate", "at least 0"]),
        (&["--activation", "swoosh"], &["--activation", "relu"]),
        (&["--precision", "f16"], &["--precision", "f32 or f64"]),
        (&["--backend", "abacus"], &["--backend", "abacus"]),
        (&["--test-fraction", "1"], &["--test-fraction"]),
        (&["--test-fraction", "-0.1"], &["--test-fraction"]),
        (&["--loss", "mse"], &["--loss", "class"]),
        (&["--momentum", "0.9"], &["--momentum", "sgd"]),
        (&["--reduction", "median"], &["--reduction", "mean or sum"]),
        (&["--target", "p0_0"], &["DATA"]),
        (&["--ignore", "p0_0"], &["DATA"]),
    ];
    for (flags, words) in cases {
        refused(folder.path(), &[&["train"], flags].concat(), words);
    }
    assert!(files(folder.path()).is_empty(), "no run began: {:?}", files(folder.path()));
}

#[test]
fn a_backend_that_is_not_compiled_in_names_its_feature() {
    let folder = tempfile::tempdir().unwrap();
    for (name, feature) in consonance::ALL_BACKENDS {
        if consonance::backends().get(name).is_err() {
            let words = ["--backend", name, "--features", feature];
            refused(folder.path(), &["train", "--backend", name], &words);
        }
    }
}

#[test]
fn damaged_models_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let train = ["train", "--layers", "4", "--epochs", "1", "--out", "run", "-q"];
    assert!(consonance(folder.path(), &train).status.success());
    let good = fs::read(folder.path().join("run/model.safetensors")).unwrap();
    let cut: &[u8] = &good[..good.len() - 7];
    let mut corrupt = good.clone();
    corrupt[20] ^= 0xff;
    let mut lying = good.clone();
    lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for (name, bytes) in [
        ("cut", cut),
        ("corrupt", &corrupt),
        ("lying", &lying),
        ("flipped", &flipped),
        ("empty", &[]),
        ("text", b"hello"),
    ] {
        let file = format!("{name}.safetensors");
        fs::write(folder.path().join(&file), bytes).unwrap();
        refused(folder.path(), &["inspect", &file], &[&file]);
        refused(folder.path(), &["train", "--layers", "4", "--init", &file], &[&file]);
    }
    refused(folder.path(), &["inspect", "flipped.safetensors"], &["is damaged", "checksum"]);
    edited_descriptions_are_refused(folder.path(), &good);
    let shapes = ["train", "--layers", "5", "--init", "run/model.safetensors"];
    refused(folder.path(), &shapes, &["model.safetensors", "0.weight", "[4, 64]", "[5, 64]"]);
    let names = ["train", "--layers", "none", "--init", "run/model.safetensors"];
    refused(folder.path(), &names, &["model.safetensors", "holds '2.", "0.weight, 0.bias"]);
    fs::write(folder.path().join("other.csv"), "a,b\n1,2\n").unwrap();
    let unlike = ["predict", "run/model.safetensors", "other.csv"];
    refused(folder.path(), &unlike, &["other.csv", "p0_0"]);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/state_dict.safetensors");
    refused(folder.path(), &["inspect", golden.to_str().unwrap()], &["metadata"]);
    refused(folder.path(), &["inspect"], &["model file", "--workload", "--layers"]);
}

/// How a column of numbers is prepared.
fn number(description: &mut serde_json::Value, column: usize) -> &mut serde_json::Value {
    &mut description["preparation"]["columns"][column]["use"]["input"]["number"]
}

/// What the metadata say may be changed by hand into something that does not fit.
fn edited_descriptions_are_refused(folder: &Path, good: &[u8]) {
    let end = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&good[8..end]).unwrap();
    let text = header["__metadata__"]["consonance"].as_str().unwrap();
    let mut description: serde_json::Value = serde_json::from_str(text).unwrap();
    // as of format 1: the checksum would refuse any edit
    description.as_object_mut().unwrap().remove("checksum");
    description["format"] = 1.into();
    type Edit = fn(&mut serde_json::Value);
    let edits: [(&str, Edit); 9] = [
        ("classes", |d| d["preparation"]["target"]["classes"] = serde_json::json!(["0", "1"])),
        ("scale of 0", |d| number(d, 3)["scale"]["scale"] = 0.0.into()),
        ("features are named", |d| d["preparation"]["columns"].as_array_mut().unwrap().truncate(9)),
        ("fil", |d| number(d, 3)["fil"] = 1.0.into()),
        ("mse", |d| d["plan"]["loss"] = "mse".into()),
        ("memory", |d| d["plan"]["layers"][0]["dense"]["outputs"] = 1_u64.rotate_right(4).into()),
        ("format", |d| d["format"] = 99.into()),
        ("checksum", |d| d["format"] = 2.into()),
        ("dropout", |d| d["plan"]["dropout"] = 0.5.into()),
    ];
    for (word, edit) in edits {
        let mut description = description.clone();
        edit(&mut description);
        let mut header = header.clone();
        header["__metadata__"]["consonance"] = description.to_string().into();
        let header = header.to_string();
        let length = (header.len() as u64).to_le_bytes();
        let bytes = [&length[..], header.as_bytes(), &good[end..]].concat();
        fs::write(folder.join("edited.safetensors"), bytes).unwrap();
        refused(folder, &["inspect", "edited.safetensors"], &["edited.safetensors", word]);
    }
}

#[test]
fn a_diverging_training_stops_and_keeps_the_last_good_model() {
    let folder = tempfile::tempdir().unwrap();
    let train = [
        "train",
        "--optimizer",
        "sgd",
        "--learning-rate",
        "1e30",
        "--activation",
        "identity",
        "--epochs",
        "5",
        "--out",
        "run",
    ];
    refused(folder.path(), &train, &["epoch 1", "step", "layer", "learning rate", "last good"]);
    let inspect = ["inspect", "run/model.safetensors"];
    assert!(consonance(folder.path(), &inspect).status.success());
    let left = files(folder.path());
    assert_eq!(left, ["held_out.csv", "metrics.jsonl", "model.safetensors", "settings.json"]);
    let model = fs::read(folder.path().join("run/model.safetensors")).unwrap();
    let again = ["train", "--layers", "4", "--epochs", "1", "--out", "run", "-q"];
    refused(folder.path(), &again, &["--out", "run", "--overwrite"]);
    assert_eq!(fs::read(folder.path().join("run/model.safetensors")).unwrap(), model);
    let overwrite = [&again[..], &["--overwrite"]].concat();
    assert!(consonance(folder.path(), &overwrite).status.success());
    assert_ne!(fs::read(folder.path().join("run/model.safetensors")).unwrap(), model);
}

#[test]
fn unknown_labels_are_refused_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..20).map(|i| format!("{i},{}\n", ["no", "yes"][i / 10])).collect();
    fs::write(folder.path().join("train.csv"), format!("x,answer\n{rows}")).unwrap();
    let train = ["train", "train.csv", "--layers", "4", "--epochs", "1", "--out", "run", "-q"];
    assert!(consonance(folder.path(), &train).status.success());
    fs::write(folder.path().join("new.csv"), "x,answer\n3,no\n15,maybe\n").unwrap();
    let words = ["new.csv", "line 3", "answer", "maybe", "no, yes"];
    refused(folder.path(), &["evaluate", "run/model.safetensors", "new.csv"], &words);
    // prediction does not look at the target
    let predict = ["predict", "run/model.safetensors", "new.csv"];
    assert!(consonance(folder.path(), &predict).status.success());
    fs::write(folder.path().join("bare.csv"), "x\n3\n").unwrap();
    refused(
        folder.path(),
        &["evaluate", "run/model.safetensors", "bare.csv"],
        &["bare.csv", "target"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn an_unwritable_folder_and_a_full_disk_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &str| {
        consonance(folder.path(), &["train", "--layers", "4", "--epochs", "1", "--out", out, "-q"])
    };
    // a file where a folder should be: refused also to those whom permissions do not stop
    fs::write(folder.path().join("file"), "").unwrap();
    refused(folder.path(), &["train", "--out", "file/run"], &["file/run"]);
    refused(folder.path(), &["train", "--out", "/proc/consonance"], &["/proc/consonance"]);
    assert!(train("run").status.success());
    // /dev/full is a disk without room
    let full = ["sh", "-c", "\"$0\" predict run/model.safetensors data.csv > /dev/full"];
    fs::write(folder.path().join("data.csv"), "0,".repeat(63) + "0\n").unwrap();
    let output = Command::new(full[0])
        .args(&full[1..])
        .arg(env!("CARGO_BIN_EXE_consonance"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("standard output"), "{message}");
}

/// A limit on the size of files stands for a disk that fills up while the model is written.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_leaves_no_half_written_model() {
    let folder = tempfile::tempdir().unwrap();
    let train = "trap '' XFSZ; ulimit -f 8; \"$0\" train --epochs 2 --out run -q";
    let output = Command::new("bash")
        .args(["-c", train, env!("CARGO_BIN_EXE_consonance")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("model.safetensors"), "{message}");
    assert_eq!(files(folder.path()), ["held_out.csv", "metrics.jsonl", "settings.json"]);
}
