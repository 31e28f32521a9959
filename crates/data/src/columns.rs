//! Which column of a CSV file is what, decided from its first rows.

use crate::csv_reader::ReadOptions;
use crate::schema::{Schema, TargetColumn};
use crate::table::listed;
use std::collections::HashMap;

/// Which columns to read as features and which as the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Columns {
    /// The last column is the target, all others are features.
    #[default]
    LastIsTarget,
    /// This column is the target, all others are features. It is the name in the header or, if
    /// no column has that name, the column's number, counted from 1.
    Target(String),
    /// All columns are features.
    NoTarget,
    /// The columns of an earlier table.
    ///
    /// Where both files have a header, features are found by name, in any order; otherwise by
    /// position. The target column may be there, and is then read, or not.
    Like(Schema),
    /// The features of an earlier table, found as by [`Columns::Like`], to predict for new rows: a
    /// target column is passed over, whatever it holds.
    FeaturesLike(Schema),
}

impl Columns {
    /// The earlier table's columns, if there is one.
    pub(crate) fn earlier(&self) -> Option<&Schema> {
        match self {
            Columns::Like(schema) | Columns::FeaturesLike(schema) => Some(schema),
            _ => None,
        }
    }

    /// True if no target is to be read.
    pub(crate) fn features_only(&self) -> bool {
        matches!(self, Columns::NoTarget | Columns::FeaturesLike(_))
    }
}

/// What each column of a file is for.
pub(crate) struct Layout {
    /// True if the first row holds names.
    pub(crate) header: bool,
    pub(crate) schema: Schema,
    /// For each feature, its column, counted from 0.
    pub(crate) features: Vec<usize>,
    /// The target's column, counted from 0.
    pub(crate) target: Option<usize>,
}

/// The layout of a file of which `first` is the first row and `second` the one below, or what is
/// wrong with the first.
pub(crate) fn layout(
    first: &[String],
    second: Option<&[String]>,
    options: &ReadOptions,
) -> Result<Layout, String> {
    let header = |target| match options.header {
        Some(header) => Ok(header),
        None => is_header(first, second, target),
    };
    let width = first.len();
    let (header, target) = match &options.columns {
        Columns::LastIsTarget => (header(Some(width - 1))?, Some(width - 1)),
        Columns::NoTarget => (header(None)?, None),
        Columns::Target(column) => {
            let by_name = first.iter().position(|name| name == column);
            let by_number = column.parse().ok().filter(|n| (1..=width).contains(n)).map(|n| n - 1);
            let header = match (by_name, by_number, options.header) {
                (Some(_), None, None) => true,
                (None, None, None) => !first.iter().any(|cell| is_number(cell)),
                _ => header(by_number)?,
            };
            let target = by_name.filter(|_| header).or(by_number);
            (header, Some(target.ok_or_else(|| unknown_target(column, first, header))?))
        }
        Columns::Like(schema) => return layout_like(schema, first, header),
        Columns::FeaturesLike(schema) => {
            let layout = layout_like(schema, first, header)?;
            let schema = Schema { target: None, ..layout.schema };
            return Ok(Layout { schema, target: None, ..layout });
        }
    };
    let names = names(first, header)?;
    let features: Vec<usize> = (0..width).filter(|&column| Some(column) != target).collect();
    if features.is_empty() {
        return Err("there is only the target column, expected at least one feature".to_owned());
    }
    let schema = Schema {
        features: features.iter().map(|&column| names[column].clone()).collect(),
        target: target.map(|position| TargetColumn { name: names[position].clone(), position }),
        named: header,
    };
    Ok(Layout { header, schema, features, target })
}

/// The layout of a file whose columns are those of `schema`, its target optional.
fn layout_like(
    schema: &Schema,
    first: &[String],
    header: impl Fn(Option<usize>) -> Result<bool, String>,
) -> Result<Layout, String> {
    let (width, inputs) = (first.len(), schema.features.len());
    let with_target = width == inputs + 1;
    let by_position = schema.target.as_ref().map(|t| t.position).filter(|_| with_target);
    let fits = width == inputs || by_position.is_some();
    let at: HashMap<&str, usize> = first.iter().map(String::as_str).zip(0..).collect();
    let all_named = schema.named && schema.features.iter().all(|name| at.contains_key(&**name));
    let header = match (all_named, fits) {
        (true, _) => true,
        (false, true) => header(by_position)?,
        // told without the target, whose place is unknown
        (false, false) => !first.iter().any(|cell| is_number(cell)),
    };
    if header && schema.named {
        let names = names(first, true)?;
        if let Some(missing) = schema.features.iter().find(|name| !at.contains_key(name.as_str())) {
            return Err(format!("no column {missing:?}; {}", nearest(missing, &names)));
        }
        let target = schema.target.as_ref().and_then(|target| at.get(&*target.name).copied());
        let known = |name: &&String| {
            schema.features.contains(name)
                || schema.target.as_ref().is_some_and(|t| t.name == **name)
        };
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            let features = listed(&schema.features);
            return Err(format!("column {unknown:?} is none of the model's, which are {features}"));
        }
        let features: Vec<usize> = schema.features.iter().map(|name| at[name.as_str()]).collect();
        let schema = Schema {
            target: target.map(|position| TargetColumn { name: names[position].clone(), position }),
            ..schema.clone()
        };
        return Ok(Layout { header, schema, features, target });
    }
    if !fits {
        let or_more = match schema.target {
            Some(_) => format!(", or {} with the target", inputs + 1),
            None => String::new(),
        };
        return Err(format!("expected {inputs} columns, one a feature{or_more}; found {width}"));
    }
    let features = (0..width).filter(|&column| Some(column) != by_position).collect();
    let target = schema.target.clone().filter(|_| by_position.is_some());
    let schema = Schema { target, ..schema.clone() };
    Ok(Layout { header, schema, features, target: by_position })
}

/// Whether the first row holds names. Features are numbers, so it is told by the cells outside
/// the column `target`:
///
/// - none of them is a number: a header;
/// - all of them are: data, unless the target's cell is text and the cell below it a number
///   (names such as `0,1,2,label`);
/// - some are: an error, since one row of data may not be lost for a missing value.
fn is_header(
    first: &[String],
    second: Option<&[String]>,
    target: Option<usize>,
) -> Result<bool, String> {
    let features = || first.iter().enumerate().filter(|(column, _)| Some(*column) != target);
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
fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

/// Every column's name: the header's or, without one or where its cell is empty, `column_N`.
fn names(first: &[String], header: bool) -> Result<Vec<String>, String> {
    let name = |(index, cell): (usize, &String)| match header && !cell.is_empty() {
        true => cell.clone(),
        false => format!("column_{}", index + 1),
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    let mut seen = HashMap::new();
    for (number, name) in names.iter().enumerate().map(|(index, name)| (index + 1, name)) {
        if let Some(earlier) = seen.insert(name, number) {
            return Err(format!("columns {earlier} and {number} are both called {name:?}"));
        }
    }
    Ok(names)
}

fn unknown_target(column: &str, first: &[String], header: bool) -> String {
    let width = first.len();
    match (column.parse::<usize>(), header) {
        (Ok(_), _) => format!("no target column {column}; columns are numbered 1 to {width}"),
        (Err(_), true) => format!("no target column {column:?}; {}", nearest(column, first)),
        (Err(_), false) => format!(
            "no target column {column:?}: there is no header, and columns are numbered 1 to {width}"
        ),
    }
}

/// All names if they are few, else those most like `wanted`.
fn nearest(wanted: &str, names: &[String]) -> String {
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
