//! The folder a training leaves its files in.

use consonance::train::{EpochReport, Error, write_atomically};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The model in a run folder.
pub(crate) const MODEL: &str = "model.safetensors";

/// What a run leaves.
const FILES: [&str; 3] = [MODEL, "metrics.jsonl", "settings.json"];

type Result<T> = std::result::Result<T, Error>;

/// A folder with `model.safetensors`, `metrics.jsonl` and `settings.json`.
pub(crate) struct RunFolder {
    folder: PathBuf,
    metrics: File,
    /// Length of the whole lines in the metrics.
    written: u64,
}

impl RunFolder {
    /// The folder asked for, made if it is not there. One that holds a run already is refused, or
    /// emptied of it.
    pub(crate) fn at(folder: &Path, overwrite: bool) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        for name in FILES {
            let file = folder.join(name);
            if overwrite {
                match fs::remove_file(&file) {
                    Err(e) if e.kind() != ErrorKind::NotFound => return Err(Error::io(&file, e)),
                    _ => {}
                }
            } else if file.exists() {
                return Err(Error::Setting(format!(
                    "--out: {} holds a run already ({name}); name another folder, or --overwrite",
                    folder.display()
                )));
            }
        }
        Self::open(folder.to_path_buf())
    }

    /// A new folder `runs/<name>-<number>`, the first number that is free.
    pub(crate) fn numbered(name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        fs::create_dir_all(runs).map_err(|e| Error::io(runs, e))?;
        let mut number = 1_u32;
        loop {
            let folder = runs.join(format!("{name}-{number}"));
            match fs::create_dir(&folder) {
                Ok(()) => return Self::open(folder),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io(&folder, e)),
            }
        }
    }

    fn open(folder: PathBuf) -> Result<Self> {
        // of two runs that begin in the same folder, one makes this file
        let file = folder.join("metrics.jsonl");
        let metrics = File::create_new(&file).map_err(|e| Error::io(&file, e))?;
        Ok(RunFolder { folder, metrics, written: 0 })
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the model goes.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    /// Writes the settings of the run.
    pub(crate) fn write_settings(&self, settings: &serde_json::Value) -> Result<()> {
        let text = format!("{settings:#}\n");
        write_atomically(&self.folder.join("settings.json"), text.as_bytes())
    }

    /// Adds an epoch's line to the metrics. A line that cannot be written whole is taken back.
    pub(crate) fn write_metrics(&mut self, report: &EpochReport) -> Result<()> {
        let failed = |e| Error::io(&self.folder.join("metrics.jsonl"), e);
        let mut line = serde_json::to_vec(report).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        if let Err(e) = self.metrics.write_all(&line) {
            // the first error is the one to tell
            let _ = self.metrics.set_len(self.written);
            return Err(failed(e));
        }
        self.written += line.len() as u64;
        Ok(())
    }
}
