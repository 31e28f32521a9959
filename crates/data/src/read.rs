//! Reads whatever a path leads to.

use crate::columns::Columns;
use crate::csv_reader::{ReadOptions, read_source};
use crate::error::{Error, Result};
use crate::folder::{find_pair, label_names, labels_beside};
use crate::idx::{read_idx, read_pair};
use crate::preparation::expected_features;
use crate::source::{Format, Source};
use crate::table::Table;
use std::path::Path;

/// Reads a CSV file, an IDX file of images, or a folder with a pair of IDX files; each plain or
/// gzip. The format is told by the first bytes, never by the name.
///
/// The labels of an IDX file lie beside it under the name MNIST would give them
/// (`train-images-idx3-ubyte` and `train-labels-idx1-ubyte`); see [`read_idx`] for any other
/// name. They must be there with [`Columns::LastIsTarget`], may be with [`Columns::Like`], and
/// are not read with [`Columns::NoTarget`] and [`Columns::FeaturesLike`]. Of several pairs in a
/// folder the one whose name begins with `train` is read.
///
/// # Errors
/// Those of [`read_csv`](crate::read_csv) and [`read_idx`]; [`Error::File`] if there is no pair,
/// or no labels, saying what was looked for; if an IDX file is asked for a target column, which it
/// has not; or if it has not as many features as the earlier table.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Table> {
    let path = path.as_ref();
    if path.is_dir() {
        let (images, labels) = find_pair(path)?;
        check_columns(path, options)?;
        let labels = (!options.columns.features_only()).then_some(labels);
        return like(read_idx(images, labels.as_deref())?, options);
    }
    let source = Source::open(path)?;
    if source.format == Format::Text {
        return read_source(source, options);
    }
    check_columns(path, options)?;
    let labels = if options.columns.features_only() { None } else { labels_beside(path) };
    if labels.is_none() && options.columns == Columns::LastIsTarget {
        let problem = match label_names(path) {
            Some([first, second]) => {
                format!("no labels beside it: looked for {first} and {second}")
            }
            None => "its name has no 'images' in it to find its labels by; name both".to_owned(),
        };
        return Err(Error::file(path, problem));
    }
    like(read_pair(source, labels.as_deref())?, options)
}

fn check_columns(path: &Path, options: &ReadOptions) -> Result<()> {
    let asked = match (&options.columns, options.ignore.as_slice()) {
        (Columns::Target(column), _) => format!("for the target {column:?}"),
        (_, [column, ..]) => format!("to ignore {column:?}"),
        _ => return Ok(()),
    };
    Err(Error::file(path, format!("IDX files have no columns, asked {asked}")))
}

/// Checks an IDX file's features against the schema asked for.
fn like(table: Table, options: &ReadOptions) -> Result<Table> {
    match options.columns.earlier() {
        Some(schema) if schema.features.len() != table.inputs() => {
            let problem = expected_features(schema.features.len(), table.inputs());
            Err(Error::file(table.file(), problem))
        }
        _ => Ok(table),
    }
}
