//! Consonance's data: everything between a file and a [`Dataset`](consonance_core::Dataset).
//!
//! 1. [`read`] turns a file into a [`Table`] of raw numbers: a CSV file, or the IDX files of
//!    MNIST and its like, plain or gzip. [`digits`] is a table that needs no file.
//! 2. [`Table::task`] tells classification from regression, and [`Table::split`] holds rows out
//!    for a test.
//! 3. A [`Preparation`] learns from the training rows how to scale, and makes the data set. It is
//!    kept with the model, and prepares the next table in the same way.
//!
//! ```
//! use consonance_core::Precision;
//! use consonance_data::{Preparation, digits};
//!
//! let table = digits();
//! let task = table.task()?;
//! let split = table.split(task, 0.2, 42)?;
//! let preparation =
//!     Preparation::new(&table, task)?.standardize_features(&table, &split.train)?;
//! let data = preparation.dataset(&table, Precision::F32)?;
//! assert_eq!((data.rows(), data.inputs()), (1797, 64));
//! assert_eq!(data.batch(&split.test).len(), 359);
//! # Ok::<(), consonance_data::Error>(())
//! ```
//!
//! Data that are in memory already need none of this: see
//! [`Dataset::new`](consonance_core::Dataset::new), and [`Standardizer`] and [`Split`], which work
//! on plain slices too.

mod columns;
mod csv_reader;
mod digits;
mod error;
mod folder;
mod idx;
mod names;
mod newlines;
mod preparation;
mod read;
mod schema;
mod source;
mod split;
mod standardizer;
mod table;
mod target;
mod task;

pub use columns::Columns;
pub use csv_reader::{ReadOptions, read_csv};
pub use digits::digits;
pub use error::{Column, Error, Place, Result};
pub use idx::read_idx;
pub use preparation::{Preparation, TargetEncoding};
pub use read::read;
pub use schema::{OtherColumn, Schema};
pub use split::Split;
pub use standardizer::Standardizer;
pub use table::Table;
pub use target::{Labels, Target};
pub use task::Task;
