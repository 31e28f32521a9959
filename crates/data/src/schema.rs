//! What the columns of a table are called: kept with a model, so that the next file is read alike.

use serde::{Deserialize, Serialize};

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The features' names, in the order of a network's inputs.
    pub features: Vec<String>,
    /// The target, if the table has one.
    pub target: Option<OtherColumn>,
    /// Columns that were passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<OtherColumn>,
    /// True if the names come from a header, false if they were made up.
    pub named: bool,
}

/// A column that is no feature, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherColumn {
    /// Its name.
    pub name: String,
    /// Its position among the file's columns, counted from 0.
    pub position: usize,
}
