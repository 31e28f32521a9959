//! Cells that hold nothing: empty ones, and words that say so.

use crate::numbers::NumberFormat;
use serde::{Deserialize, Serialize};

/// The words that stand for a missing value, beside an empty cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MissingWords(Vec<String>);

/// Words for a missing value in any column.
const WORDS: [&str; 15] = [
    "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "Null", "None", "none", "?", "-", ".",
    "#N/A", "<NA>",
];

/// Of these, those that are no label either. `nan`, `None` and `-` may be labels among text.
const UNMISTAKABLE: [&str; 8] = ["NA", "N/A", "NaN", "null", "NULL", "?", "#N/A", "<NA>"];

impl Default for MissingWords {
    fn default() -> Self {
        MissingWords(WORDS.map(str::to_owned).to_vec())
    }
}

impl MissingWords {
    /// These words, and an empty cell, stand for a missing value.
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        MissingWords(words.into_iter().filter(|word| !word.is_empty()).collect())
    }

    /// The words, without the empty one.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// True if `cell`, without white space around it, holds nothing.
    pub fn contains(&self, cell: &str) -> bool {
        cell.is_empty() || self.0.iter().any(|word| word == cell)
    }

    /// True if some of the words are numbers, such as `-999`.
    pub(crate) fn have_numbers(&self) -> bool {
        self.0.iter().any(|word| NumberFormat::default().parse(word).is_some())
    }

    /// Those that leave no doubt in a column of text: all of them, if they are not the usual ones.
    pub(crate) fn unmistakable(&self) -> MissingWords {
        match *self == MissingWords::default() {
            true => MissingWords(UNMISTAKABLE.map(str::to_owned).to_vec()),
            false => self.clone(),
        }
    }
}
