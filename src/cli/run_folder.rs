//! The folder a training leaves its files in.

use super::folder_lock::{FolderLock, LOCK};
use consonance::train::{
    EpochReport, Error, Model, TEMPORARY_PREFIX, sync_folder, write_atomically,
};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The model in a run folder.
pub(crate) const MODEL: &str = "model.safetensors";
const METRICS: &str = "metrics.jsonl";
const SETTINGS: &str = "settings.json";
const HELD_OUT: &str = "held_out.csv";

/// What a run leaves.
const FILES: [&str; 4] = [MODEL, METRICS, SETTINGS, HELD_OUT];

type Result<T> = std::result::Result<T, Error>;

/// A folder with `model.safetensors`, `metrics.jsonl`, `settings.json` and `held_out.csv`, held
/// against other trainings.
///
/// A run that replaces another writes under other names until its first model is whole. Then the
/// old settings, metrics and list of rows go, the new model takes the old one's place, and the new settings and
/// metrics get their names. Killed at any point, it leaves a whole model, and no settings or
/// metrics but that model's own.
pub(crate) struct RunFolder {
    folder: PathBuf,
    /// Whether another run is still in the folder, and this one under other names.
    replaces: bool,
    /// Nothing once a line could not be written.
    metrics: Option<File>,
    /// Length of the whole lines in the metrics.
    written: u64,
    /// The last to go.
    _lock: FolderLock,
}

impl RunFolder {
    /// The folder asked for, made if it is not there. One that holds a run already is refused, or
    /// that run replaced.
    pub(crate) fn at(folder: &Path, overwrite: bool) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        let lock = FolderLock::take(folder)?;
        let found = FILES.into_iter().find(|name| folder.join(name).exists());
        if let (Some(name), false) = (found, overwrite) {
            return Err(Error::Setting(format!(
                "--out: {} holds a run already ({name}); name another folder, or --overwrite",
                folder.display()
            )));
        }
        clear(folder)?;
        Self::begin(folder.to_path_buf(), found.is_some(), lock)
    }

    /// A new folder `runs/<name>-<number>`, the first number that is free.
    pub(crate) fn numbered(name: &str) -> Result<Self> {
        let runs = Path::new("runs");
        fs::create_dir_all(runs).map_err(|e| Error::io(runs, e))?;
        let mut number = 1_u32;
        loop {
            let folder = runs.join(format!("{name}-{number}"));
            match fs::create_dir(&folder) {
                Ok(()) => {
                    let lock = FolderLock::take(&folder)?;
                    return Self::begin(folder, false, lock);
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(e) => return Err(Error::io(&folder, e)),
            }
        }
    }

    fn begin(folder: PathBuf, replaces: bool, lock: FolderLock) -> Result<Self> {
        let mut run = RunFolder { folder, replaces, metrics: None, written: 0, _lock: lock };
        let file = run.place(METRICS);
        run.metrics = Some(File::create_new(&file).map_err(|e| Error::io(&file, e))?);
        Ok(run)
    }

    /// Where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the model is, once there is one.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    /// Where this run's file of that name is now.
    fn place(&self, name: &str) -> PathBuf {
        match self.replaces {
            true => self.folder.join(format!("{TEMPORARY_PREFIX}new-{name}")),
            false => self.folder.join(name),
        }
    }

    /// Writes the settings of the run.
    pub(crate) fn write_settings(&self, settings: &serde_json::Value) -> Result<()> {
        let text = format!("{settings:#}\n");
        write_atomically(&self.place(SETTINGS), text.as_bytes())
    }

    /// Writes which rows were held out.
    pub(crate) fn write_held_out(&self, lines: &str) -> Result<()> {
        write_atomically(&self.place(HELD_OUT), lines.as_bytes())
    }

    /// Writes the model, whole or not at all; the first replaces the run that was there.
    pub(crate) fn save(&mut self, model: &Model) -> Result<()> {
        model.save(&self.place(MODEL))?;
        if self.replaces {
            self.replace()?;
            self.replaces = false;
        }
        Ok(())
    }

    /// Puts this run's files, with a whole model among them, in the place of another run's.
    fn replace(&self) -> Result<()> {
        for name in [SETTINGS, METRICS, HELD_OUT] {
            remove(&self.folder.join(name))?;
        }
        // what comes after may not be seen before, by whoever finds the disk after a power failure
        sync_folder(&self.folder)?;
        for name in FILES {
            let to = self.folder.join(name);
            fs::rename(self.place(name), &to).map_err(|e| Error::io(&to, e))?;
            sync_folder(&self.folder)?;
        }
        Ok(())
    }

    /// Adds an epoch's line to the metrics. A line that cannot be written whole is taken back, and
    /// is the last: metrics end early rather than miss an epoch.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file, once.
    pub(crate) fn write_metrics(&mut self, report: &EpochReport) -> Result<()> {
        let Some(metrics) = &mut self.metrics else { return Ok(()) };
        let write = |metrics: &mut File| {
            let mut line = serde_json::to_vec(report)?;
            line.push(b'\n');
            metrics.write_all(&line)?;
            Ok(line.len() as u64)
        };
        match write(metrics) {
            Ok(length) => self.written += length,
            Err(e) => {
                // the first error is the one to tell
                let _ = metrics.set_len(self.written);
                self.metrics = None;
                return Err(Error::io(&self.folder.join(METRICS), e));
            }
        }
        Ok(())
    }
}

impl Drop for RunFolder {
    /// Leaves nothing under other names.
    fn drop(&mut self) {
        if self.replaces {
            for name in FILES {
                let _ = fs::remove_file(self.place(name));
            }
        }
    }
}

/// Removes what a training that was killed left half done; the folder is held.
fn clear(folder: &Path) -> Result<()> {
    let failed = |e| Error::io(folder, e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let left = name.as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes());
        if left && name != LOCK && entry.file_type().map_err(failed)?.is_file() {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file, if it is there.
fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(file, e)),
        _ => Ok(()),
    }
}
