//! Arrays in a zip archive (`.npz`): which of them are features, and which is the target.

use super::{Array, Stream, read_array};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::note::Note;
use crate::options::Pair;
use crate::source::Archive;
use crate::table::Table;

/// What features and the target may be called together, whatever the case.
const PAIRS: [(&str, &str); 7] = [
    ("x", "y"),
    ("data", "target"),
    ("images", "labels"),
    ("features", "target"),
    ("features", "labels"),
    ("data", "labels"),
    ("inputs", "targets"),
];

/// How NumPy's files end.
pub(crate) const ENDING: &str = ".npy";

/// Reads the array of an `.npz` file that holds one; or those that are called as features and target
/// are, the target as the last column. `pair` says which of `x_train` and `x_test` is read.
pub(crate) fn read_archive(archive: &mut Archive, pair: Pair, limits: &Limits) -> Result<Table> {
    let names = archive.names();
    let arrays: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(ENDING)).collect();
    let chosen = choose(&arrays, pair);
    let Some(Chosen { features, target }) = chosen else {
        return Err(Error::file(
            &archive.file,
            format!(
                "holds the arrays {}; expected one, or two of which it is clear what they are: X and \
                 y, data and target, images and labels, or x_train and y_train",
                arrays.join(", ")
            ),
        ));
    };
    let mut notes = Vec::new();
    let others: Vec<&str> =
        arrays.iter().copied().filter(|&name| name != features && Some(name) != target).collect();
    if arrays.len() > 1 {
        let read = target.map_or(features.to_owned(), |target| format!("{features} and {target}"));
        let rest = match others.is_empty() {
            true => String::new(),
            false => format!("; not read: {}", others.join(", ")),
        };
        notes.push(Note::file(format!("read {read}{rest}")));
    }
    let mut table = read_member(archive, features, limits)?;
    let pixels = table.pixels.then_some(table.width());
    if let Some(target) = target {
        let mut column = read_member(archive, target, limits)?;
        let problem = match (column.width(), column.rows == table.rows) {
            (1, true) => None,
            (1, false) => Some(format!("holds {} rows, {features:?} {}", column.rows, table.rows)),
            (width, _) => Some(format!("holds {width} columns, expected one: a label a row")),
        };
        if let Some(problem) = problem {
            return Err(Error::file(&archive.file, format!("array {target:?}: {problem}")));
        }
        target.clone_into(&mut column.names[0]);
        table.join(column);
    }
    Ok(table.into_table_with(&archive.file, pixels, notes))
}

fn read_member(archive: &mut Archive, name: &str, limits: &Limits) -> Result<Array> {
    let file = archive.file.clone();
    archive.read(&format!("{name}{ENDING}"), |reader, error| {
        read_array(Stream { reader, file: &file, array: Some(name), error }, limits)
    })
}

/// The arrays to read.
#[derive(Debug, PartialEq)]
struct Chosen<'a> {
    features: &'a str,
    target: Option<&'a str>,
}

/// Chooses among arrays of these names; `None` if it is not clear which.
fn choose<'a>(arrays: &[&'a str], pair: Pair) -> Option<Chosen<'a>> {
    if let [features] = *arrays {
        return Some(Chosen { features, target: None });
    }
    let wanted = match pair {
        Pair::Train => [Part::Train, Part::None, Part::Test],
        Pair::Test => [Part::Test, Part::None, Part::Train],
    };
    wanted.into_iter().find_map(|part| choose_part(arrays, part))
}

fn choose_part<'a>(arrays: &[&'a str], part: Part) -> Option<Chosen<'a>> {
    // only one is called so, or it is not clear which is meant
    let only = |wanted: &str| {
        let mut found = arrays.iter().filter(|name| part_of(name) == (part, wanted.to_owned()));
        found.next().filter(|_| found.next().is_none()).copied()
    };
    let both = |(x, y): &(&str, &str)| Some(Chosen { features: only(x)?, target: Some(only(y)?) });
    let mut found = PAIRS.iter().filter_map(both);
    let Some(chosen) = found.next() else {
        // rows to predict have no target
        let named = |(x, _): &(&str, &str)| only(x);
        let features = PAIRS.iter().find_map(named).filter(|_| part == Part::Test)?;
        return Some(Chosen { features, target: None });
    };
    // another pair, with neither array in common, is as good
    let apart =
        |other: Chosen<'_>| other.features != chosen.features && other.target != chosen.target;
    match found.any(apart) {
        true => None,
        false => Some(chosen),
    }
}

/// Which rows an array holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Train,
    Test,
    /// The name does not say.
    None,
}

/// The part that a name says, before or behind the rest, which is told in lower case.
fn part_of(name: &str) -> (Part, String) {
    let name = name.to_ascii_lowercase();
    for (part, word) in [(Part::Train, "train"), (Part::Test, "test")] {
        let before = name.strip_prefix(word).map(|rest| rest.strip_prefix('_').unwrap_or(rest));
        let behind = name.strip_suffix(word).map(|rest| rest.strip_suffix('_').unwrap_or(rest));
        if let Some(rest) = before.or(behind) {
            return (part, rest.to_owned());
        }
    }
    (Part::None, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_known_by_their_names() {
        let chosen = |arrays: &str, pair| {
            let arrays: Vec<&str> = arrays.split(' ').collect();
            let chosen = choose(&arrays, pair)?;
            Some(format!("{} {}", chosen.features, chosen.target.unwrap_or("-")))
        };
        let cases = [
            ("arr_0", "arr_0 -", "arr_0 -"),
            ("y X", "X y", "X y"),
            ("x_train y_train x_test y_test", "x_train y_train", "x_test y_test"),
            ("Xtrain ytrain Xtest", "Xtrain ytrain", "Xtest -"),
            (
                "train_images train_labels val_images val_labels test_images test_labels",
                "train_images train_labels",
                "test_images test_labels",
            ),
            ("data target images feature_names target_names", "data target", "data target"),
            ("X y x_test y_test", "X y", "x_test y_test"),
        ];
        for (arrays, train, test) in cases {
            assert_eq!(chosen(arrays, Pair::Train).as_deref(), Some(train), "{arrays}");
            assert_eq!(chosen(arrays, Pair::Test).as_deref(), Some(test), "{arrays}");
        }
        for arrays in ["a b", "arr_0 arr_1", "X x y", "X y images labels", "X Y z x"] {
            assert_eq!(chosen(arrays, Pair::Train), None, "{arrays}");
        }
    }
}
