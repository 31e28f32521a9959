//! Files to read, and what reading them says.
#![allow(dead_code, reason = "each test file uses some of these")]

use consonance_data::{Columns, ReadOptions, Result, Table, read};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that vanishes with the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// `content` read as a file called `data.csv`.
pub(crate) fn parse_with(content: impl AsRef<[u8]>, options: &ReadOptions) -> Result<Table> {
    read(Folder::new().file("data.csv", content), options)
}

/// `content` read with the default options.
pub(crate) fn parse(content: impl AsRef<[u8]>) -> Result<Table> {
    parse_with(content, &ReadOptions::default())
}

pub(crate) fn target(column: &str) -> ReadOptions {
    ReadOptions { columns: Columns::Target(column.to_owned()), ..Default::default() }
}

/// What an error says, behind the folder's name.
pub(crate) fn said<T>(result: Result<T>) -> String {
    let Err(error) = result else { panic!("an error was expected") };
    let message = error.to_string();
    match message.find("data.csv") {
        Some(at) => message[at..].to_owned(),
        None => message,
    }
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file of this element type and shape.
pub(crate) fn idx(element: u8, shape: &[u32], elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, element, shape.len() as u8];
    shape.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(elements);
    bytes
}

/// All features, row-major.
pub(crate) fn features(table: &Table) -> Vec<f64> {
    let cell = |row| (0..table.inputs()).map(move |index| table.value(row, index));
    (0..table.rows()).flat_map(cell).collect()
}
