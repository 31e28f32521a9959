//! Files to read, and what reading them says.
#![allow(dead_code, reason = "each test file uses some of these")]

pub(crate) mod goldens;

use consonance_core::Targets;
use consonance_data::{
    Cell, Preparation, ReadOptions, Result, Schema, SchemaOptions, Table, TargetColumns, read,
};
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

/// The columns as they are found, with the target `column`.
pub(crate) fn target(column: &str) -> SchemaOptions {
    let target = TargetColumns::Named(column.split(',').map(str::to_owned).collect());
    SchemaOptions { target, ..Default::default() }
}

/// The schema of `table` with default options.
pub(crate) fn schema(table: &Table) -> Schema {
    Schema::find(table, &SchemaOptions::default()).unwrap()
}

/// Prepared by all rows, with default options.
pub(crate) fn fit(table: &Table) -> Preparation {
    Preparation::builder(&schema(table)).fit(table, &all(table)).unwrap()
}

/// Every row of `table`.
pub(crate) fn all(table: &Table) -> Vec<u32> {
    (0..table.rows() as u32).collect()
}

/// A column's cells as text, an empty one as `NA`.
pub(crate) fn column(table: &Table, column: usize) -> Vec<String> {
    let cell = |row| match table.cell(row, column) {
        Cell::Missing => "NA".to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text.to_owned(),
    };
    (0..table.rows()).map(cell).collect()
}

/// All cells row by row.
pub(crate) fn cells(table: &Table) -> Vec<String> {
    let columns: Vec<Vec<String>> = (0..table.width()).map(|c| column(table, c)).collect();
    let row = |row: usize| columns.iter().map(move |column| column[row].clone());
    (0..table.rows()).flat_map(row).collect()
}

/// Classes, or nothing.
pub(crate) fn classes(targets: &Targets) -> &[u32] {
    match targets {
        Targets::Classes(classes) => classes,
        _ => &[],
    }
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

/// An NPY file of version 1 of this element type, order and shape.
pub(crate) fn npy(kind: &str, fortran: bool, shape: &[u64], elements: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({sizes})}}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), elements].concat()
}
