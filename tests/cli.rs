//! The program as a user runs it.

mod program;

use program::consonance;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The standard output of a run that must succeed.
fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let output = consonance(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let text = stdout(folder, arguments);
    assert_eq!(text.lines().count(), 1, "one object on standard output: {text}");
    serde_json::from_str(&text).unwrap()
}

/// Three classes on a plane, far apart.
fn write_classes(file: &Path) {
    let mut text = String::from("x,y,colour\n");
    for i in 0..60_u32 {
        let (class, wobble) = (i % 3, f64::from(i * 7919 % 101) / 400.0);
        let (x, y) = [(0.0, 0.0), (3.0, 0.0), (0.0, 3.0)][class as usize];
        let colour = ["red", "green", "blue"][class as usize];
        text += &format!("{},{},{colour}\n", x + wobble, y - wobble);
    }
    fs::write(file, text).unwrap();
}

#[test]
fn the_main_job_trains_digits_to_97_percent() {
    let folder = tempfile::tempdir().unwrap();
    let report = json(folder.path(), &["train", "--json"]);
    for key in [
        "backend",
        "threads",
        "precision",
        "seed",
        "epochs",
        "steps",
        "seconds",
        "samples_per_second",
    ] {
        assert!(!report[key].is_null(), "{key} is missing: {report}");
    }
    assert!(report["test"]["accuracy"].as_f64().unwrap() >= 0.97, "{report}");
    assert!(report["train"]["loss"].as_f64().unwrap() < 0.1, "{report}");
    let run = folder.path().join(report["run"].as_str().unwrap());
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let epochs: Vec<Value> = metrics.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(epochs.len() as u64, report["epochs"].as_u64().unwrap());
    assert_eq!(epochs.last().unwrap()["steps"], report["steps"]);
    let settings: Value =
        serde_json::from_str(&fs::read_to_string(run.join("settings.json")).unwrap()).unwrap();
    assert_eq!(settings["layers"], serde_json::json!([512]));
    assert!(folder.path().join(report["model"].as_str().unwrap()).is_file());
}

#[test]
fn progress_is_plain_lines_on_standard_error_without_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let output = consonance(folder.path(), &["train", "--epochs", "2", "--layers", "8"]);
    let progress = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = progress.lines().collect();
    assert_eq!(lines.len(), 3, "{progress}");
    assert_eq!(
        lines[0],
        "1797 rows (359 held out), 64 features; digit: one of 10 classes (the whole numbers 0 to 9; \
         --task regression for a number)"
    );
    assert!(lines[1].starts_with("epoch 1/2  loss "), "{progress}");
    assert!(!progress.contains('\u{1b}') && !progress.contains('\r'), "{progress:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("accuracy") && table.contains("test"), "{table}");
    assert!(folder.path().join("runs/digits-1/model.safetensors").is_file());
    stdout(folder.path(), &["train", "--epochs", "1", "--layers", "8", "-q"]);
    assert!(folder.path().join("runs/digits-2/model.safetensors").is_file());
}

#[test]
fn a_table_is_trained_predicted_evaluated_and_inspected() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_classes(&path("points.csv"));
    let train = ["train", "points.csv", "--layers", "8", "--epochs", "200", "--out", "run"];
    stdout(folder.path(), &train);
    let evaluated =
        json(folder.path(), &["evaluate", "run/model.safetensors", "points.csv", "--json"]);
    assert_eq!(evaluated["accuracy"], 1.0);
    // raw rows, in another order of columns, without a target
    fs::write(path("new.csv"), "y,x\n0,3\n3,0.1\n").unwrap();
    let answers = stdout(folder.path(), &["predict", "run/model.safetensors", "new.csv"]);
    // a column for the target, to be filled in
    fs::write(path("open.csv"), "y,colour,x\n0,,3\n3,?,0.1\n").unwrap();
    let same = stdout(folder.path(), &["predict", "run/model.safetensors", "open.csv"]);
    assert_eq!(same, answers);
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines[0], "colour,probability_blue,probability_green,probability_red");
    assert!(lines[1].starts_with("green,") && lines[2].starts_with("blue,"), "{answers}");
    for line in &lines[1..] {
        let sum: f64 = line.split(',').skip(1).map(|p| p.parse::<f64>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{line}");
    }
    let into_file = ["predict", "run/model.safetensors", "new.csv", "--output", "answers.csv"];
    assert_eq!(stdout(folder.path(), &into_file), "");
    assert_eq!(fs::read_to_string(path("answers.csv")).unwrap(), answers);
    let inspected = stdout(folder.path(), &["inspect", "run/model.safetensors"]);
    let precision = program::precision();
    assert!(inspected.contains(&format!("51 parameters of {precision}")), "{inspected}");
    assert!(inspected.contains("blue, green, red"), "{inspected}");
    assert!(inspected.contains("training by adam with mini-batches of 32 rows"), "{inspected}");
}

#[test]
fn ignored_columns_are_passed_over_by_the_model_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_classes(&path("points.csv"));
    let points = fs::read_to_string(path("points.csv")).unwrap();
    let numbered = |(number, line): (usize, &str)| match number {
        0 => format!("id,{line},note\n"),
        _ => format!("p{number},{line},\n"),
    };
    let with_more: String = points.lines().enumerate().map(numbered).collect();
    fs::write(path("more.csv"), with_more).unwrap();
    let options = ["--layers", "8", "--epochs", "50", "--out"];
    let train = |arguments: &[&str], out| {
        stdout(folder.path(), &[&["train"], arguments, &options, &[out]].concat());
    };
    train(&["points.csv"], "a");
    train(&["more.csv", "--ignore", "id", "--ignore", "5"], "b");
    let model = |run: &str| fs::read(path(run).join("model.safetensors")).unwrap().len();
    assert!(model("a") < model("b"), "b remembers the columns it passes over");
    let predicted = |run: &str, file: &str| {
        stdout(folder.path(), &["predict", &format!("{run}/model.safetensors"), file])
    };
    assert_eq!(predicted("b", "more.csv"), predicted("a", "points.csv"));
    assert_eq!(predicted("b", "points.csv"), predicted("a", "points.csv"));
    // columns that the model does not know are passed over, and that is said
    assert_eq!(predicted("a", "more.csv"), predicted("a", "points.csv"));
    let output = consonance(folder.path(), &["predict", "a", "more.csv"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("passes over 2 columns the model does not know: id, note"), "{said}");
    let evaluated = json(folder.path(), &["evaluate", "b/model.safetensors", "more.csv", "--json"]);
    assert!(evaluated["accuracy"].is_number(), "{evaluated}");
    let inspected = stdout(folder.path(), &["inspect", "b/model.safetensors"]);
    assert!(inspected.contains("passes over: id, note"), "{inspected}");
    let settings = fs::read_to_string(path("b/settings.json")).unwrap();
    let settings: Value = serde_json::from_str(&settings).unwrap();
    assert_eq!(settings["ignore"], serde_json::json!(["id", "5"]));
}

#[test]
fn the_memory_of_a_training_is_told_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let of = |arguments: &[&str]| stdout(folder.path(), &[&["inspect"], arguments].concat());
    let network = ["--layers", "100,1000,10", "--batch-size", "50", "--threads", "2"];
    let inspected = of(&network);
    assert!(inspected.contains("111010 parameters of f32, 433.6 KiB"), "{inspected}");
    let backend = consonance::DEFAULT_BACKEND;
    let training = format!("adam with mini-batches of 50 rows on {backend} with 2 threads");
    assert!(inspected.contains(&training), "{inspected}");
    // candle does not tell
    let tells = !backend.starts_with("candle");
    assert_eq!(inspected.contains("moments"), tells, "{inspected}");
    assert_eq!(inspected.contains("867.3 KiB"), tells, "two moments: {inspected}");
    assert!(of(&["--workload", "tiny", "--precision", "f64"]).contains("2410 parameters of f64"));
    // a mini-batch of all rows
    write_classes(&folder.path().join("points.csv"));
    let train = ["train", "points.csv", "--batch-size", "full", "--epochs", "1", "--out", "run"];
    stdout(folder.path(), &train);
    let inspected = of(&["run/model.safetensors"]);
    assert!(inspected.contains("depends on the rows of the data"), "{inspected}");
}

#[test]
fn a_number_is_a_regression_and_its_unit_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..200).map(|i| f64::from(i) / 100.0);
    let text: String = rows.map(|x| format!("{x},{}\n", 1000.0 + 500.0 * x)).collect();
    fs::write(folder.path().join("line.csv"), format!("x,y\n{text}")).unwrap();
    let train = [
        "train",
        "line.csv",
        "--layers",
        "none",
        "--learning-rate",
        "0.05",
        "--json",
        "--epochs",
        "60",
    ];
    let report = json(folder.path(), &train);
    assert!(report["test"]["rmse"].as_f64().unwrap() < 5.0, "{report}");
    assert!(report["test"]["r2"].as_f64().unwrap() > 0.999, "{report}");
    fs::write(folder.path().join("new.csv"), "x\n1\n").unwrap();
    let model = report["model"].as_str().unwrap();
    let answer = stdout(folder.path(), &["predict", model, "new.csv"]);
    let value: f64 = answer.strip_prefix("y\n").unwrap().trim().parse().unwrap();
    assert!((value - 1500.0).abs() < 10.0, "{answer}");
}

#[test]
fn training_begins_with_a_state_dict_of_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    let golden: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
    let init = golden.join("state_dict.safetensors");
    let init = init.to_str().unwrap();
    // its numbers are f32, and to stay as they are
    let precision = ["--precision", "f32"];
    let common = [&["train", "--layers", "32", "--init", init, "--json", "-q"], &precision[..]];
    let common = common.concat();
    // a step size of 0 leaves every parameter as it was
    let still =
        [&common[..], &["--learning-rate", "0", "--epochs", "1", "--out", "still"]].concat();
    json(folder.path(), &still);
    let tensors = |file: &Path| {
        let bytes = fs::read(file).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut tensors: Vec<_> = file
            .iter()
            .map(|(name, view)| (name.to_string(), view.shape().to_vec(), view.data().to_vec()))
            .collect();
        tensors.sort();
        tensors
    };
    let kept = tensors(&folder.path().join("still/model.safetensors"));
    assert_eq!(kept, tensors(Path::new(init)));
}

#[test]
fn the_same_seed_gives_the_same_model_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let mut models: Vec<Vec<u8>> = Vec::new();
    for (run, threads) in ["1", "2", "3", "2"].iter().enumerate() {
        let out = run.to_string();
        let train = ["train", "--epochs", "3", "--threads", threads, "--out", &out, "-q"];
        stdout(folder.path(), &train);
        models.push(fs::read(folder.path().join(out).join("model.safetensors")).unwrap());
    }
    assert_eq!(models[1], models[3], "equal models are equal bytes");
    // the number of threads is told in the metadata, which the checksum is of as well
    for (model, threads) in models.iter_mut().zip(["1", "2", "3", "2"]) {
        for (entry, told) in [("checksum\\\":\\\"", None), ("threads\\\":", Some(threads))] {
            let found = model.windows(entry.len()).position(|bytes| bytes == entry.as_bytes());
            let at = found.expect(entry) + entry.len();
            let digits = &mut model[at..at + told.map_or(8, str::len)];
            assert!(told.is_none_or(|told| digits == told.as_bytes()), "{entry}");
            digits.fill(b'0');
        }
    }
    assert!(models.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn backends_and_compare_name_what_is_compiled_in() {
    let folder = tempfile::tempdir().unwrap();
    let listed = stdout(folder.path(), &["backends"]);
    let infos = json(folder.path(), &["backends", "--json"]);
    for info in infos.as_array().unwrap() {
        assert!(listed.contains(info["name"].as_str().unwrap()), "{listed}");
        for key in ["version", "library", "device", "simd", "threading"] {
            assert!(!info[key].as_str().unwrap().is_empty(), "{key}: {info}");
        }
    }
    // whoever times a backend learns what would make it faster
    for info in infos.as_array().unwrap() {
        let details = info["details"].as_array().unwrap();
        let advice = details.iter().find(|detail| detail[0] == "advice");
        let name = info["name"].as_str().unwrap();
        let bench =
            ["bench", "--layers", "2,2", "--backend", name, "--seconds", "0.01", "--steps-only"];
        let told = String::from_utf8(consonance(folder.path(), &bench).stderr).unwrap();
        match advice {
            Some(advice) => assert!(told.contains(advice[1].as_str().unwrap()), "{told}"),
            None => assert_eq!(told, "", "{name}"),
        }
    }
    let names: Vec<&str> = infos
        .as_array()
        .unwrap()
        .iter()
        .filter(|info| info["device"] == "cpu")
        .map(|info| info["name"].as_str().unwrap())
        .collect();
    let names = names.join(",");
    let compare = ["compare", "--backends", &names, "--epochs", "2", "--layers", "16", "--json"];
    let compared = json(folder.path(), &compare);
    assert_eq!(compared["agree"], true, "{compared}");
    for row in compared["backends"].as_array().unwrap() {
        assert!(row["microseconds_per_step"].as_f64().unwrap() > 0.0, "{row}");
        let error = row["gradient_error_over_bound"].as_f64().unwrap();
        assert!(error > 0.0 && error <= 1.0, "{row}");
        assert!(row["update_error_over_bound"].as_f64().unwrap() <= 1.0, "{row}");
        assert!(row["test_metric"].as_f64().unwrap() > 0.2, "{row}");
    }
}

#[test]
fn double_precision_trains_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    write_classes(&folder.path().join("points.csv"));
    let train = [
        "train",
        "points.csv",
        "--precision",
        "f64",
        "--layers",
        "8",
        "--epochs",
        "200",
        "--out",
        "run",
        "--json",
        "-q",
    ];
    let report = json(folder.path(), &train);
    assert_eq!(report["precision"], "f64");
    let evaluate = ["evaluate", "run/model.safetensors", "points.csv", "--json"];
    let evaluated = json(folder.path(), &evaluate);
    let inspected = stdout(folder.path(), &["inspect", "run/model.safetensors"]);
    assert!(inspected.contains("51 parameters of f64"), "{inspected}");
    assert!(evaluated["accuracy"].as_f64().unwrap() > 0.9, "{evaluated}");
}

#[test]
fn a_backend_that_fails_makes_compare_fail() {
    let folder = tempfile::tempdir().unwrap();
    let diverging = [
        "compare",
        "--optimizer",
        "sgd",
        "--learning-rate",
        "1e30",
        "--activation",
        "identity",
        "--epochs",
        "1",
        "--json",
    ];
    let output = consonance(folder.path(), &diverging);
    assert_eq!(output.status.code(), Some(1));
    let compared: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(compared["agree"], false);
    assert!(compared["backends"][0]["error"].as_str().unwrap().contains("diverged"));
}

#[test]
fn bench_times_steps_of_any_network() {
    let folder = tempfile::tempdir().unwrap();
    let bench = ["bench", "--layers", "8,16,3", "--batch-size", "8", "--seconds", "0.05", "--json"];
    let report = json(folder.path(), &bench);
    assert_eq!(report["layers"], serde_json::json!([8, 16, 3]));
    let time = &report["microseconds_per_step"];
    let at = |key: &str| time[key].as_f64().unwrap();
    assert!(0.0 < at("p10") && at("p10") <= at("median") && at("median") <= at("p90"), "{report}");
    for key in ["gflops", "allocations_per_step"] {
        assert!(report[key].is_number(), "{key}: {report}");
    }
    // candle has no products that could be measured by themselves
    for key in ["ceiling_gflops", "efficiency"] {
        assert_eq!(report[key].is_number(), !consonance::products().is_empty(), "{key}: {report}");
    }
    // a matrix unit takes single precision alone
    let has_unit = consonance::products().iter().any(|products| products.matrix_unit);
    let has_unit = has_unit && report["precision"] == "f32";
    assert_eq!(report["matrix_unit_gflops"].is_number(), has_unit, "{report}");
    assert!(report["split"]["update"].is_number(), "{report}");
    let alone = json(folder.path(), &[&bench[..], &["--steps-only", "--in-order"]].concat());
    assert!(alone["microseconds_per_step"]["median"].as_f64().unwrap() > 0.0, "{alone}");
    for key in ["ceiling_gflops", "matrix_unit_gflops", "efficiency", "split"] {
        assert!(alone[key].is_null(), "{key}: {alone}");
    }
}

/// A link is followed, and a pipe written to: neither is replaced by a file.
#[cfg(unix)]
#[test]
fn predictions_go_through_links_and_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_classes(&path("points.csv"));
    let train = ["train", "points.csv", "--layers", "4", "--epochs", "2", "--out", "run", "-q"];
    stdout(folder.path(), &train);
    let predict = |to: &str| {
        stdout(folder.path(), &["predict", "run/model.safetensors", "points.csv", "-o", to]);
    };
    fs::write(path("real.csv"), "").unwrap();
    std::os::unix::fs::symlink("real.csv", path("link.csv")).unwrap();
    predict("link.csv");
    assert!(path("link.csv").is_symlink());
    let answers = fs::read_to_string(path("real.csv")).unwrap();
    assert_eq!(answers.lines().count(), 61);
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let reader = {
        let pipe = path("pipe");
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    predict("pipe");
    assert_eq!(reader.join().unwrap(), answers);
}
