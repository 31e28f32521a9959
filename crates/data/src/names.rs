//! What the columns of a file are called, as its first row tells.

use crate::table::listed;
use std::collections::HashMap;

/// Whether the first row holds names. Features are numbers, so it is told by the cells outside
/// the columns `target` and `ignored`:
///
/// - none of them is a number: a header;
/// - all of them are: data, unless the target's cell is text and the cell below it a number
///   (names such as `0,1,2,label`);
/// - some are: an error, since one row of data may not be lost for a missing value.
pub(crate) fn is_header(
    first: &[String],
    second: Option<&[String]>,
    target: Option<usize>,
    ignored: &[usize],
) -> Result<bool, String> {
    let is_feature = |column: &usize| Some(*column) != target && !ignored.contains(column);
    let features = || first.iter().enumerate().filter(|(column, _)| is_feature(column));
    let number = features().find(|(_, cell)| is_number(cell));
    let text = features().find(|(_, cell)| !is_number(cell));
    match (number, text) {
        (None, _) => Ok(true),
        (Some(_), None) => Ok(target.is_some_and(|column| {
            let below = second.and_then(|row| row.get(column));
            !is_number(&first[column]) && below.is_some_and(|cell| is_number(cell))
        })),
        (Some((n, number)), Some((t, text))) => Err(format!(
            "is this a header? column {} holds the number {number}, column {} holds {text:?}; \
             mend the cell, or say whether there is a header",
            n + 1,
            t + 1
        )),
    }
}

/// True for what stands for a number, NaN and ∞ among them.
pub(crate) fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

/// Every column's name: the header's or, without one or where its cell is empty, `column_N`. No two
/// have the same, but for those that are ignored.
pub(crate) fn names(
    first: &[String],
    header: bool,
    ignored: &[usize],
) -> Result<Vec<String>, String> {
    let name = |(index, cell): (usize, &String)| match header && !cell.is_empty() {
        true => cell.clone(),
        false => format!("column_{}", index + 1),
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    let mut seen = HashMap::new();
    let kept = names.iter().enumerate().filter(|(index, _)| !ignored.contains(index));
    for (number, name) in kept.map(|(index, name)| (index + 1, name)) {
        if let Some(earlier) = seen.insert(name, number) {
            return Err(format!("columns {earlier} and {number} are both called {name:?}"));
        }
    }
    Ok(names)
}

/// What is said of a column that is not there; `what` it was to be, if anything.
pub(crate) fn unknown(what: &str, column: &str, first: &[String], header: bool) -> String {
    let width = first.len();
    match (column.parse::<usize>(), header) {
        (Ok(_), _) => format!("no {what} {column}; columns are numbered 1 to {width}"),
        (Err(_), true) => format!("no {what} {column:?}; {}", nearest(column, first)),
        (Err(_), false) => format!(
            "no {what} {column:?}: there is no header, and columns are numbered 1 to {width}"
        ),
    }
}

/// All names if they are few, else those most like `wanted`.
pub(crate) fn nearest(wanted: &str, names: &[String]) -> String {
    const FEW: usize = 8;
    if names.len() <= FEW {
        return format!("the columns are {}", listed(names));
    }
    let wanted = wanted.to_lowercase();
    let mut names = names.to_vec();
    names.sort_by_cached_key(|name| edit_distance(&wanted, &name.to_lowercase()));
    names.truncate(FEW);
    format!("the columns most like it are {}", listed(&names))
}

/// How many characters must be put in, taken out or replaced to turn `a` into `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut distance: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        distance[0] = i + 1;
        for (j, &b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = distance[j + 1];
            distance[j + 1] = replaced.min(diagonal + 1).min(distance[j] + 1);
        }
    }
    distance[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances_are_levenshteins() {
        for (a, b, distance) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("spezies", "species", 1)]
        {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
            assert_eq!(edit_distance(b, a), distance, "{b} {a}");
        }
    }
}
