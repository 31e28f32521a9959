//! Reads whatever a path leads to.

use crate::csv;
use crate::error::{Error, Result, quoted};
use crate::folder::{find_pair, labels_beside};
use crate::idx::{read_idx, read_pair};
use crate::json;
use crate::npy;
use crate::options::ReadOptions;
use crate::source::{Archive, Format, Input};
use crate::table::Table;
use std::io::Read;
use std::path::Path;

/// Reads a text file (CSV and its relatives), JSON objects (one a line, or in a list), NumPy's arrays
/// (`.npy`, `.npz`), a workbook (`.xlsx`, with the feature `xlsx`), an IDX file of images, or a folder
/// with a pair of IDX files; each plain, gzip or zstd. The format is told by the first bytes, never by
/// the name.
///
/// The labels of an IDX file lie beside it under the name MNIST would give them
/// (`train-images-idx3-ubyte` and `train-labels-idx1-ubyte`); see [`read_idx`] for any other
/// name. If they are there they become the last column, `label`.
///
/// An `.npz` file holds one array, or features and their target under names that say so (`X` and
/// `y`, `data` and `target`, `images` and `labels`, or with `train` and `test` before or behind).
///
/// # Errors
/// [`Error`] with file, line and column of what is wrong; all cells of a kind at once. A file that
/// is something else is named as what it is.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table> {
    let path = path.as_ref();
    if path.is_dir() {
        let (images, labels) = find_pair(path, options.pair)?;
        return read_idx(images, Some(&labels));
    }
    read_input(&Input::file(path), options)
}

/// Reads all that `reader` has, as [`read`] reads a file; messages call it `name`.
///
/// # Errors
/// Those of [`read`].
pub fn read_from(reader: &mut dyn Read, name: &str, options: &ReadOptions) -> Result<Table> {
    read_input(&Input::spool(name, reader)?, options)
}

pub(crate) fn read_input(input: &Input, options: &ReadOptions) -> Result<Table> {
    let source = input.open(&options.limits)?;
    match source.format {
        Format::Text => csv::read(input, options),
        Format::Idx => {
            let labels = labels_beside(&input.file);
            read_pair(source, labels.as_deref())
        }
        Format::Json => json::read(input, options),
        Format::Npy => Ok(npy::read(source, &options.limits)?.told_by(options)),
        #[cfg(feature = "parquet")]
        Format::Parquet => Ok(crate::parquet::read(input, options)?.told_by(options)),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(Error::file(
            &input.file,
            "is a Parquet file, which a program built with the feature parquet reads; or save it as CSV",
        )),
        Format::Zip => read_zip(input, options),
        Format::Other(what) => Err(Error::file(&input.file, format!("is {what}"))),
    }
}

/// Reads a zip archive, known by the files in it.
fn read_zip(input: &Input, options: &ReadOptions) -> Result<Table> {
    let mut archive = Archive::open(input, &options.limits)?;
    let names = archive.names();
    if names.iter().any(|name| name.ends_with(npy::ENDING)) {
        let table = npy::read_archive(&mut archive, options.pair, &options.limits)?;
        return Ok(table.told_by(options));
    }
    let excel = names.iter().any(|name| name.starts_with("xl/"));
    #[cfg(feature = "xlsx")]
    if excel && !names.iter().any(|name| name == "xl/workbook.bin") {
        return crate::xlsx::read(input, &mut archive, options);
    }
    let what = match excel {
        true if cfg!(feature = "xlsx") => {
            "is a binary Excel file (.xlsb); save it as .xlsx".to_owned()
        }
        true => "is an Excel file (.xlsx), which a program built with the feature xlsx reads; or \
                 save the sheet as CSV"
            .to_owned(),
        false if names.is_empty() => "is a zip archive without files".to_owned(),
        false => {
            let first: Vec<String> = names.iter().take(5).map(|name| quoted(name)).collect();
            format!("is a zip archive with {}; unpack it", first.join(", "))
        }
    };
    Err(Error::file(&input.file, what))
}
