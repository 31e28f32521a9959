//! `docs/tables.md` says what the program prints: every command in it is run, and what it prints compared.
//!
//! `UPDATE_STORIES=1 cargo test --test stories` writes what is printed into the document instead.
//!
//! What depends on the machine, the backend or the precision is `#` on both sides: see [`masked`].
#![cfg(unix)]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A command of the document, as it is typed.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// The heading above it; each story has a folder of its own.
    story: String,
    /// Where its first line stands in the document, from 1.
    line: usize,
    /// What a shell runs.
    command: String,
    /// The lines that the document says it prints.
    shown: Vec<String>,
    /// Which lines of the document those are, from 0.
    range: std::ops::Range<usize>,
}

/// A command with what it printed.
type Run = (Step, Vec<String>);

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md")
}

/// The commands of a document: in blocks of `console`, a line after `$ `, with those after `> ` below.
fn steps(text: &str) -> Vec<Step> {
    let lines: Vec<&str> = text.lines().collect();
    let mut steps: Vec<Step> = Vec::new();
    let (mut story, mut within, mut typing) = (String::new(), false, false);
    for (number, &line) in lines.iter().enumerate() {
        if within && line == "```" {
            within = false;
        } else if !within {
            within = line == "```console";
            if let Some(heading) = line.strip_prefix("## ") {
                heading.clone_into(&mut story);
            }
        } else if let Some(command) = line.strip_prefix("$ ") {
            typing = true;
            let (story, command) = (story.clone(), command.to_owned());
            let range = number + 1..number + 1;
            steps.push(Step { story, line: number + 1, command, shown: Vec::new(), range });
        } else {
            let step = steps.last_mut().expect("a block begins with a command");
            match line.strip_prefix("> ").filter(|_| typing) {
                Some(more) => {
                    step.command += &format!("\n{more}");
                    step.range.start = number + 1;
                }
                None => {
                    typing = false;
                    step.shown.push(line.to_owned());
                }
            }
            step.range.end = number + 1;
        }
    }
    steps
}

/// What a command prints in `folder`, standard error and output as they come.
fn printed(folder: &Path, command: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_consonance")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut script = String::from("exec 2>&1\n");
    if std::env::var_os("CONSONANCE_TEST_PRECISION").is_some() {
        script += &format!(
            "consonance() {{ case $1 in train) command consonance \"$@\" --precision {} ;; \
             *) command consonance \"$@\" ;; esac; }}\n",
            program::precision()
        );
    }
    let output = Command::new("sh")
        .args(["-c", &(script + command)])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", program.display()))
        .env("COLUMNS", "80")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The document, and what each command of it prints; run once.
fn everything_printed() -> &'static (String, Vec<Run>) {
    static PRINTED: OnceLock<(String, Vec<Run>)> = OnceLock::new();
    PRINTED.get_or_init(|| {
        let mut folders: BTreeMap<String, tempfile::TempDir> = BTreeMap::new();
        let text = fs::read_to_string(document()).unwrap();
        let run = |step: Step| {
            let folder = folders.entry(step.story.clone()).or_insert_with(with_the_tables);
            let lines = shortened(printed(folder.path(), &step.command));
            (step, lines)
        };
        let printed = steps(&text).into_iter().map(run).collect();
        (text, printed)
    })
}

/// A folder with the files of `docs/tables`.
fn with_the_tables() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(document().with_extension("")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    folder
}

/// Of lines about epochs, one after another, the first and the last.
fn shortened(lines: Vec<String>) -> Vec<String> {
    let epoch = |line: Option<&String>| line.is_some_and(|line| line.starts_with("epoch "));
    let mut short: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let before = index > 0 && epoch(lines.get(index - 1));
        match before && epoch(Some(line)) && epoch(lines.get(index + 1)) {
            false => short.push(line.clone()),
            true if short.last().is_some_and(|last| last == "…") => {}
            true => short.push("…".to_owned()),
        }
    }
    short
}

/// A line without what may differ from run to run. In lines about a training (an epoch, the table of
/// losses, the steps at the end) and in the answers of `predict` that is
/// - each number with a fraction, and in answers each number behind the first,
/// - speeds, and the backend with its threads,
/// - and how much blank there is between words.
fn masked(command: &str, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.parse::<f64>().is_ok();
    let fraction = |word: &str| number(word) && word.contains(['.', 'e']);
    if command.starts_with("consonance predict") && !line.contains(' ') {
        let mask = |(index, cell)| match fraction(cell) || (index > 0 && number(cell)) {
            true => "#",
            false => cell,
        };
        return line.split(',').enumerate().map(mask).collect::<Vec<_>>().join(",");
    }
    let losses = words.iter().all(|word| {
        number(word)
            || ["train", "test", "rows", "loss", "accuracy", "rmse", "r2", "%"].contains(word)
    });
    let ends = matches!(words.as_slice(), [_, "steps", "in", ..]);
    if !(losses || ends || line.starts_with("epoch ")) {
        return line.to_owned();
    }
    let mut found: Vec<&str> = Vec::new();
    for word in words {
        match word.trim_end_matches(',') {
            "on" if ends => {
                found.push("on # with # threads");
                break;
            }
            "samples/s" => {
                // `62.0 k samples/s`, `451 samples/s`
                if found.last().is_some_and(|last| ["k", "M"].contains(last)) {
                    found.pop();
                }
                found.pop();
                found.push("# samples/s");
            }
            "ms" | "s" => found.push("s"),
            _ if fraction(word) => found.push("#"),
            _ => found.push(word),
        }
    }
    found.join(" ")
}

/// Where the document differs from what is printed.
fn differences(text: &str, printed: &[Run]) -> Vec<String> {
    let steps = steps(text);
    assert_eq!(steps.len(), printed.len(), "as many commands");
    let mut found = Vec::new();
    for (step, (run, lines)) in steps.iter().zip(printed) {
        assert_eq!(step.command, run.command);
        for index in 0..step.shown.len().max(lines.len()) {
            let [shown, is] = [&step.shown, lines]
                .map(|lines| lines.get(index).map(|line| masked(&step.command, line)));
            if shown != is {
                let none = || "(nothing)".to_owned();
                found.push(format!(
                    "docs/tables.md:{}: {}\n  shown:   {}\n  printed: {}",
                    step.range.start + index + 1,
                    step.command.lines().next().unwrap_or_default(),
                    shown.unwrap_or_else(none),
                    is.unwrap_or_else(none)
                ));
                // the lines below would differ with it
                break;
            }
        }
    }
    found
}

/// The document with what is printed.
fn rewritten(text: &str, printed: &[Run]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (step, is) in printed.iter().rev() {
        lines.splice(step.range.clone(), is.clone());
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_command_prints_what_the_document_shows() {
    let (text, printed) = everything_printed();
    assert!(printed.len() > 20, "{} commands", printed.len());
    if std::env::var_os("UPDATE_STORIES").is_some() {
        fs::write(document(), rewritten(text, printed)).unwrap();
        return;
    }
    let found = differences(text, printed);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The loss of the rows held out, after the first command that holds `words`.
fn tested(words: &str) -> f64 {
    let (_, lines) = everything_printed()
        .1
        .iter()
        .find(|(step, _)| step.command.contains(words))
        .unwrap_or_else(|| panic!("no command holds {words}"));
    let line = lines.iter().find_map(|line| line.strip_prefix(" test")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn what_the_document_concludes_from_its_losses_holds() {
    assert!(tested("train titanic.csv") < tested("--ignore Sex,Pclass"));
    assert!(tested("train diamonds.csv.gz") < tested("--scale standard"));
}

#[test]
fn a_document_that_is_wrong_is_found_out() {
    let (text, printed) = everything_printed();
    let text = rewritten(text, printed);
    assert_eq!(differences(&text, printed), [""; 0]);
    let caught = |right: &str, wrong: &str| {
        assert!(text.contains(right), "{right:?} is not in the document");
        let found = differences(&text.replacen(right, wrong, 1), printed);
        assert_eq!(found.len(), 1, "{wrong:?}: {found:?}");
    };
    caught("344 rows (69 held out)", "344 rows (70 held out)"); // a count
    caught("male ×168, female ×165", "male 168, female 166"); // a number of describe
    caught("passed over: rownames (id: runs 1, 2, 3 …)\n", ""); // a note
    caught("\nGentoo,", "\nAdelie,"); // an answer
    caught(
        "model: runs/penguins-1/model.safetensors\n",
        "model: runs/penguins-1/model.safetensors\nDone.\n",
    );
}

#[test]
fn only_what_a_machine_decides_is_masked() {
    let same = |command: &str, a: &str, b: &str| {
        assert_eq!(masked(command, a), masked(command, b), "{a} and {b}");
    };
    let differ = |command: &str, a: &str, b: &str| {
        assert_ne!(masked(command, a), masked(command, b), "{a} and {b}");
    };
    let train = "consonance train a.csv";
    same(
        train,
        "epoch   6/134  loss 0.0956  test accuracy 97.10 %  1.12 M samples/s",
        "epoch   6/134  loss 0.1956  test accuracy 100.00 %  962 samples/s",
    );
    differ(train, "epoch 6/134  loss 0.0956", "epoch 6/133  loss 0.0956");
    differ(train, "epoch 6/134  loss 0.0956", "epoch 6/134  loss NaN");
    same(
        train,
        "1206 steps in 51.3 ms, 719 k samples/s on fused with 2 threads",
        "1206 steps in 1.25 s, 9.30 k samples/s on naive with 1 thread",
    );
    differ(train, "1206 steps in 51.3 ms", "1207 steps in 51.3 ms");
    same(train, " train  0.0012  100.00 %", " train  10.0012  99.00 %");
    differ(train, " rows  loss  rmse", " rows  loss  accuracy");
    same("consonance evaluate a b", " 344   0.0276  99.71 %", " 344   0.0311  98.71 %");
    differ("consonance evaluate a b", " 344   0.0276  99.71 %", " 343   0.0276  99.71 %");
    differ(train, "missing values filled in: age 7", "missing values filled in: age 8");
    differ("consonance describe a", " 2  size  number  1.5 … 2", " 2  size  number  1.5 … 3");
    let predict = "consonance predict a b";
    same(predict, "Adelie,1.25e-5,0.99", "Adelie,0,1");
    differ(predict, "Adelie,1.25e-5,0.99", "Gentoo,1.25e-5,0.99");
    differ(predict, "007,0.25", "7,0.25");
    same(predict, "17.125", "18.5");
}
