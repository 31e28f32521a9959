//! Tables as other programs write them: see `scripts/golden/formats.py`.

use super::Folder;
use consonance_data::{Cell, ReadOptions, Result, Table, read};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The files that `scripts/golden/formats.py` wrote.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/formats.zip");
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        files.insert(member.name().unwrap().into_owned(), bytes);
    }
    files
}

/// `bytes` read as a file called `data.csv`, whatever they are.
pub(crate) fn read_bytes(bytes: &[u8]) -> Result<Table> {
    super::parse_with(bytes, &ReadOptions::default())
}

/// Reads every golden that ends in `ending`, and the CSV file beside it, and holds the one to the
/// other; how many there are.
pub(crate) fn hold_to_csv(ending: &str) -> usize {
    let files = files();
    let folder = Folder::new();
    let mut count = 0;
    for (name, bytes) in &files {
        let Some(csv) =
            name.strip_suffix(ending).and_then(|stem| files.get(&format!("{stem}.csv")))
        else {
            continue;
        };
        count += 1;
        let found = read(folder.file(name, bytes), &ReadOptions::default()).unwrap();
        let options = ReadOptions { header: Some(found.is_named()), ..Default::default() };
        let expected = read(folder.file("expected.csv", csv), &options).unwrap();
        assert_same(&found, &expected, name);
    }
    count
}

/// Both tables have the same names, if any, and the same cells.
pub(crate) fn assert_same(found: &Table, expected: &Table, name: &str) {
    let shape = |table: &Table| (table.rows(), table.width(), table.is_named());
    assert_eq!(shape(found), shape(expected), "{name}");
    if found.is_named() {
        assert!(found.names().eq(expected.names()), "{name}");
    }
    for column in 0..found.width() {
        for row in 0..found.rows() {
            let (found, expected) = (found.cell(row, column), expected.cell(row, column));
            let same = match (found, expected) {
                (Cell::Number(a), Cell::Number(b)) => a.to_bits() == b.to_bits(),
                (found, expected) => found == expected,
            };
            assert!(same, "{name}: row {row}, column {column}: {found:?}, expected {expected:?}");
        }
    }
}
