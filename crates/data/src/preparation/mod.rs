//! From a table to the data set a network learns from, and the same again for the next table.
//!
//! `fit` learns from the training rows how each column's cells become inputs, an `encoder` each;
//! `columns` is what is kept of that, in a model file too (`stored`); `apply` finds the columns in
//! another table (`bind`) and writes its rows (`encode`).

mod apply;
mod bind;
mod columns;
mod encode;
mod encoder;
mod fit;
mod scale;
mod stored;

pub use apply::{FeatureCells, Prepared};
pub use columns::{Feature, Preparation, TargetEncoding};
pub use fit::{InfinitePolicy, MissingPolicy, PreparationBuilder};
pub(crate) use scale::quantile;
pub use scale::{LIMIT, Scaling};
