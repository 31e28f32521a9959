//! Yes and no, in the usual spellings.

use serde::{Deserialize, Serialize};

/// Words for yes and no, in some languages; a column uses one pair.
const PAIRS: [(&str, &str); 14] = [
    ("true", "false"),
    ("yes", "no"),
    ("t", "f"),
    ("y", "n"),
    ("on", "off"),
    ("1", "0"),
    ("ja", "nein"),
    ("wahr", "falsch"),
    ("oui", "non"),
    ("vrai", "faux"),
    ("sí", "no"),
    ("si", "no"),
    ("sim", "não"),
    ("ja", "nee"),
];

/// The words a column uses, as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Booleans {
    pub(crate) yes: Vec<String>,
    pub(crate) no: Vec<String>,
}

impl Booleans {
    /// The words of a column with these distinct `cells`, if both sides of one pair occur and nothing
    /// else does.
    pub(crate) fn find(cells: &[&str]) -> Option<Self> {
        let of = |word: &str| -> Vec<String> {
            let same = cells.iter().filter(|cell| cell.eq_ignore_ascii_case(word));
            same.map(|cell| (*cell).to_owned()).collect()
        };
        PAIRS.iter().map(|(yes, no)| Booleans { yes: of(yes), no: of(no) }).find(|found| {
            !found.yes.is_empty()
                && !found.no.is_empty()
                && found.yes.len() + found.no.len() == cells.len()
        })
    }

    /// What `cell` says: one of the words, or another spelling of it.
    pub(crate) fn value(&self, cell: &str) -> Option<bool> {
        let among = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(cell));
        match (among(&self.yes), among(&self.no)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            // a model that learned from True and False reads 1 and 0
            _ if cell == "1" => Some(true),
            _ if cell == "0" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_of_words_in_any_spelling() {
        let found = Booleans::find(&["True", "false", "TRUE"]).unwrap();
        assert_eq!((found.yes.len(), found.no.len()), (2, 1));
        assert_eq!(found.value("true"), Some(true));
        assert_eq!(found.value("FALSE"), Some(false));
        assert_eq!(found.value("0"), Some(false));
        assert_eq!(found.value("no"), None);
        assert!(Booleans::find(&["Ja", "Nein"]).is_some());
        for cells in [&["yes"][..], &["yes", "false"], &["yes", "no", "maybe"], &["m", "f"]] {
            assert_eq!(Booleans::find(cells), None, "{cells:?}");
        }
    }
}
