//! Consonance's data: everything between a file and a [`Dataset`](consonance_core::Dataset).
//!
//! 1. [`read`] turns a file into a [`Table`]: CSV and its relatives, JSON lines, NumPy's arrays, or the
//!    IDX files of MNIST and its like, plain, gzip or zstd; with the feature `xlsx` Excel's `.xlsx`, with
//!    `parquet` Parquet. [`digits`] is a table that needs no file.
//! 2. A [`Schema`] says what each column is for, found out from its cells: number, category, date,
//!    a name to be passed over, the target; and whether classes or numbers are learned.
//! 3. [`Table::split`] holds rows out for a test.
//! 4. A [`Preparation`] learns from the training rows how cells become inputs, and makes the data
//!    set. It is kept with the model, and prepares the next table in the same way.
//!
//! ```
//! use consonance_core::Precision;
//! use consonance_data::{Preparation, Schema, digits};
//!
//! let table = digits();
//! let schema = Schema::find(&table, &Default::default())?;
//! let split = table.split(&schema, 0.2, 42)?;
//! let preparation = Preparation::builder(&schema).fit(&table, &split.train)?;
//! let data = preparation.dataset(&table, Precision::F32)?;
//! assert_eq!(data.rows(), 1797);
//! assert_eq!(data.batch(&split.test).len(), 359);
//! # Ok::<(), consonance_data::Error>(())
//! ```
//!
//! Data that are in memory already need none of this: see
//! [`Dataset::new`](consonance_core::Dataset::new), and [`Standardizer`] and [`Split`], which work
//! on plain slices too.

mod csv;
mod describe;
mod digits;
mod error;
mod folder;
mod idx;
mod iso;
mod json;
mod limits;
mod missing;
mod note;
mod npy;
mod numbers;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod preparation;
mod read;
mod roles;
mod schema;
mod select;
mod source;
mod split;
mod standardizer;
mod table;
mod target;
mod task;
#[cfg(feature = "xlsx")]
mod xlsx;

pub use csv::{Encoding, Separator};
pub use describe::{ColumnDescription, Description};
pub use digits::digits;
pub use error::{Column, Error, Place, Problems, Result};
pub use idx::read_idx;
pub use limits::Limits;
pub use missing::MissingWords;
pub use note::Note;
pub use options::{Pair, ReadOptions};
pub use preparation::{
    Feature, FeatureCells, InfinitePolicy, LIMIT, MissingPolicy, Preparation, PreparationBuilder,
    Prepared, Scaling, TargetEncoding,
};
pub use read::{read, read_from};
pub use roles::{DateFormat, DateOrder, MOST_LEVELS, Role};
pub use schema::{Schema, SchemaColumn, SchemaOptions, TargetColumns};
pub use split::Split;
pub use standardizer::Standardizer;
pub use table::{Cell, Table};
pub use task::Task;
