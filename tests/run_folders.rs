//! Run folders: a run is replaced by a whole one or not at all, by one training at a time, and what
//! cannot be written is told.

mod program;

use program::{consonance, precision};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FILES: [&str; 4] = ["held_out.csv", "metrics.jsonl", "model.safetensors", "settings.json"];

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What the files of a run hold.
fn contents(run: &Path) -> Vec<Vec<u8>> {
    FILES.iter().map(|name| fs::read(run.join(name)).unwrap()).collect()
}

/// A few rows, in `rows.csv`.
fn write_rows(folder: &Path) {
    let rows: String = (0..40).map(|i| format!("{i},{}\n", ["no", "yes"][i / 20])).collect();
    fs::write(folder.join("rows.csv"), format!("x,answer\n{rows}")).unwrap();
}

/// A training that lasts until it is killed, and is.
struct Endless(Child);

impl Endless {
    fn begin(folder: &Path) -> Self {
        let train = ["train", "rows.csv", "--layers", "3", "--epochs", "4000000000"];
        let rest = ["--out", "run", "--overwrite", "-q", "--precision", &precision()];
        let mut command = Command::new(env!("CARGO_BIN_EXE_consonance"));
        command.current_dir(folder).args(train).args(rest);
        Endless(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits for what another process does.
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn begin(folder: &Path) -> PathBuf {
    write_rows(folder);
    let train = ["train", "rows.csv", "--layers", "2", "--epochs", "2", "--out", "run", "-q"];
    let output = consonance(folder, &train);
    assert!(output.status.success(), "{output:?}");
    folder.join("run")
}

/// Another run in the same folder, of a network of another size.
fn again(folder: &Path) -> std::process::Output {
    let train = ["train", "rows.csv", "--layers", "4", "--epochs", "3", "--out", "run", "-q"];
    consonance(folder, &[&train[..], &["--overwrite"]].concat())
}

#[test]
fn a_run_is_not_lost_before_another_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let run = begin(folder.path());
    assert_eq!(names(&run), FILES);
    let old = contents(&run);
    let endless = Endless::begin(folder.path());
    wait_until("metrics", || run.join(".consonance-new-metrics.jsonl").exists());
    drop(endless);
    assert_eq!(contents(&run), old, "killed before its first model");
    assert!(names(&run).len() > FILES.len(), "and leaves what it began: {:?}", names(&run));
    // what was left does not stop another, nor stay
    fs::write(run.join(".consonance-abcdef"), "half a model").unwrap();
    assert!(again(folder.path()).status.success());
    assert_eq!(names(&run), FILES);
    let new = contents(&run);
    // the same rows are held out
    assert_eq!(new[0], old[0]);
    assert!(new[1..].iter().zip(&old[1..]).all(|(new, old)| new != old), "all others are replaced");

    let endless = Endless::begin(folder.path());
    wait_until("a model", || fs::read(run.join(FILES[2])).unwrap() != new[2]);
    wait_until("its settings", || run.join(FILES[3]).exists());
    drop(endless);
    let settings: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(run.join("settings.json")).unwrap()).unwrap();
    assert_eq!(settings["epochs"], 4_000_000_000_u32, "the settings are the model's");
    let model = consonance(folder.path(), &["inspect", "run"]).stdout;
    assert!(String::from_utf8(model).unwrap().contains("4000000000"));
}

#[test]
fn a_second_training_in_a_folder_is_refused_and_a_killed_one_is_not_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    write_rows(folder.path());
    let run = folder.path().join("run");
    let endless = Endless::begin(folder.path());
    wait_until("a run", || run.join("settings.json").exists());
    let second = again(folder.path());
    let told = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success(), "{told}");
    for word in ["--out", "run is in use by another training"] {
        assert!(told.contains(word), "'{word}' is not in: {told}");
    }
    let settings = fs::read_to_string(run.join("settings.json")).unwrap();
    assert!(settings.contains("4000000000"), "the first one's are untouched: {settings}");
    drop(endless);
    let third = again(folder.path());
    assert!(third.status.success(), "{third:?}");
    assert_eq!(names(&run), FILES);
}

/// A limit on the size of files stands for a disk that is full for metrics, not for a small model.
#[cfg(target_os = "linux")]
#[test]
fn metrics_that_cannot_be_written_do_not_cost_the_model() {
    let folder = tempfile::tempdir().unwrap();
    write_rows(folder.path());
    let train =
        "trap '' XFSZ; ulimit -f 8; \"$0\" train rows.csv --layers 2 --epochs 500 --out run -q";
    let output = Command::new("bash")
        .args(["-c", train, env!("CARGO_BIN_EXE_consonance")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("metrics.jsonl").count(), 1, "once: {told}");
    assert!(told.contains("warning") && told.contains("training goes on"), "{told}");
    assert_eq!(names(&folder.path().join("run")), FILES);
    assert!(consonance(folder.path(), &["predict", "run", "rows.csv"]).status.success());
    let metrics = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    let epochs = metrics.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("whole lines");
        line["epoch"].as_u64().unwrap()
    });
    assert!(epochs.eq(1..=metrics.lines().count() as u64), "and none is missing in between");
}

/// As above: a model that is too large for the disk does not cost the one that it was to replace.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_fails_leaves_the_one_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = begin(folder.path());
    let old = contents(&run);
    let train = "trap '' XFSZ; ulimit -f 8; \"$0\" train rows.csv --layers 4000 --epochs 1 --out run \
                 --overwrite -q";
    let output = Command::new("bash")
        .args(["-c", train, env!("CARGO_BIN_EXE_consonance")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("model.safetensors"), "{told}");
    assert_eq!(contents(&run), old);
    assert_eq!(names(&run), FILES);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    begin(folder.path());
    let output = consonance(folder.path(), &["predict", "run", "rows.csv", "-o", "nodir/x.csv"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(told.contains("nodir/x.csv: the folder nodir does not exist"), "{told}");
}

/// Names of files are bytes on Unix, and need not be UTF-8.
#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_not_utf_8_are_taken() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    begin(folder.path());
    let path = |bytes: &'static [u8]| folder.path().join(OsStr::from_bytes(bytes));
    let (rows, run) = (path(b"r\xffws.csv"), path(b"r\xffn"));
    let (init, answers) = (path(b"\xff.safetensors"), path(b"\xff.csv"));
    let (images, labels) = (path(b"i\xff"), path(b"l\xff"));
    fs::copy(folder.path().join("rows.csv"), &rows).unwrap();
    fs::copy(folder.path().join("run/model.safetensors"), &init).unwrap();
    // 20 images of one pixel
    fs::write(&images, [&[0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1][..], &[7; 20]].concat())
        .unwrap();
    let classes: Vec<u8> = (0..20).map(|i| i % 2).collect();
    fs::write(&labels, [&[0, 0, 8, 1, 0, 0, 0, 20][..], &classes].concat()).unwrap();
    let of = |arguments: &[&OsStr]| {
        let program = Command::new(env!("CARGO_BIN_EXE_consonance"))
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&program.stderr).into_owned();
        assert!(program.status.success() && !told.contains("panicked"), "{arguments:?}: {told}");
        String::from_utf8(program.stdout).unwrap()
    };
    let word = |text: &'static str| OsStr::new(text);
    let train = [word("train"), rows.as_os_str(), word("--init"), init.as_os_str()];
    let rest = [word("--layers"), word("2"), word("--json"), word("-q"), word("--out")];
    let report = of(&[&train[..], &rest, &[run.as_os_str()]].concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert!(report["model"].as_str().unwrap().contains("model.safetensors"), "{report}");
    let pair = [word("train"), images.as_os_str(), labels.as_os_str(), word("-q")];
    of(&pair);
    let predict = [word("predict"), run.as_os_str(), rows.as_os_str(), word("-o")];
    of(&[&predict[..], &[answers.as_os_str()]].concat());
    assert_eq!(fs::read_to_string(&answers).unwrap().lines().count(), 41);
    of(&[word("evaluate"), run.as_os_str(), rows.as_os_str()]);
    of(&[word("inspect"), init.as_os_str()]);
    // and are refused as any other
    let nowhere = path(b"n\xff");
    let refused = Command::new(env!("CARGO_BIN_EXE_consonance"))
        .args([word("inspect"), nowhere.as_os_str()])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
}
