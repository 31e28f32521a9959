//! Which column of a CSV file is what, decided from its first rows.

use crate::csv_reader::ReadOptions;
use crate::names::{is_header, is_number, names, nearest, unknown};
use crate::schema::{OtherColumn, Schema};
use crate::table::listed;
use std::collections::HashMap;

/// Which columns to read as features and which as the target, of those that
/// [`ReadOptions::ignore`] leaves.
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
    /// position. The target column may be there, and is then read, or not; columns that were ignored
    /// are passed over. Without a header they have to be there, unless [`ReadOptions::ignore`]
    /// names all that are to be ignored now.
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
    let asked: Vec<Asked> = options.ignore.iter().map(|column| Asked::of(column, first)).collect();
    let target = match &options.columns {
        Columns::Target(column) => Some(Asked::of(column, first)),
        _ => None,
    };
    let told = asked.iter().chain(&target).any(Asked::tells_of_names);
    let told = options.header.or(told.then_some(true));
    // where it is not told, numbers are taken for numbers, until there turn out to be names
    let guessed = sorted(asked.iter().flat_map(|column| column.positions(told == Some(true))));
    if let Some(unknown_one) = asked.iter().find(|column| column.is_nowhere(told)) {
        return Err(unknown("column", unknown_one.text, first, has_names(told, first)));
    }
    let layout = layout_without(&guessed, first, second, told, &options.columns)?;
    if let Some(missing) = asked.iter().find(|column| column.positions(layout.header).is_empty()) {
        return Err(unknown("column", missing.text, first, layout.header));
    }
    let ignored = sorted(asked.iter().flat_map(|column| column.positions(layout.header)));
    match ignored == guessed {
        true => Ok(layout),
        false => layout_without(&ignored, first, second, Some(layout.header), &options.columns),
    }
}

fn sorted(positions: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut positions: Vec<usize> = positions.collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// Whether the first row holds names, as far as it can be told without knowing what is a feature.
fn has_names(told: Option<bool>, first: &[String]) -> bool {
    told.unwrap_or_else(|| !first.iter().any(|cell| is_number(cell)))
}

/// The layout of a file whose columns `ignored` are passed over; whether there is a header may have
/// been `told`.
fn layout_without(
    ignored: &[usize],
    first: &[String],
    second: Option<&[String]>,
    told: Option<bool>,
    columns: &Columns,
) -> Result<Layout, String> {
    let width = first.len();
    let header = |target, ignored: &[usize]| match told {
        Some(header) => Ok(header),
        None => is_header(first, second, target, ignored),
    };
    let last = (0..width).rev().find(|column| !ignored.contains(column));
    let (header, target) = match columns {
        Columns::LastIsTarget => (header(last, ignored)?, last),
        Columns::NoTarget => (header(None, ignored)?, None),
        Columns::Target(column) => {
            let asked = Asked::of(column, first);
            let header = match asked.is_nowhere(told) {
                true => has_names(told, first),
                false => header(asked.by_number, ignored)?,
            };
            let Some(&target) = asked.positions(header).first() else {
                return Err(unknown("target column", column, first, header));
            };
            if ignored.contains(&target) {
                return Err(format!("column {column:?} is the target and cannot be ignored"));
            }
            (header, Some(target))
        }
        Columns::Like(schema) => return layout_like(schema, first, ignored, told, header),
        Columns::FeaturesLike(schema) => {
            let layout = layout_like(schema, first, ignored, told, header)?;
            let schema = Schema { target: None, ..layout.schema };
            return Ok(Layout { schema, target: None, ..layout });
        }
    };
    let names = names(first, header, ignored)?;
    let is_feature = |column: &usize| Some(*column) != target && !ignored.contains(column);
    let features: Vec<usize> = (0..width).filter(is_feature).collect();
    if features.is_empty() {
        return Err(match target {
            Some(_) => "there is only the target column, expected at least one feature".to_owned(),
            None => "every column is ignored, expected at least one feature".to_owned(),
        });
    }
    let other = |position: usize| OtherColumn { name: names[position].clone(), position };
    let schema = Schema {
        features: features.iter().map(|&column| names[column].clone()).collect(),
        target: target.map(other),
        ignored: ignored.iter().copied().map(other).collect(),
        named: header,
    };
    Ok(Layout { header, schema, features, target })
}

/// Columns that were asked for by their name or, if none is called that, by a number from 1.
struct Asked<'a> {
    text: &'a str,
    by_name: Vec<usize>,
    by_number: Option<usize>,
}

impl<'a> Asked<'a> {
    fn of(text: &'a str, first: &[String]) -> Self {
        let by_name = (0..first.len()).filter(|&column| first[column] == text).collect();
        let by_number = text.parse().ok().filter(|n| (1..=first.len()).contains(n)).map(|n| n - 1);
        Asked { text, by_name, by_number }
    }

    /// Where they stand, if there are names or not.
    fn positions(&self, header: bool) -> Vec<usize> {
        match header && !self.by_name.is_empty() {
            true => self.by_name.clone(),
            false => self.by_number.into_iter().collect(),
        }
    }

    /// True if a name was found that cannot be a number among data.
    fn tells_of_names(&self) -> bool {
        !self.by_name.is_empty() && !is_number(self.text)
    }

    /// True if there is no such column, whatever the first row turns out to be.
    fn is_nowhere(&self, told: Option<bool>) -> bool {
        let names = told != Some(false) && !self.by_name.is_empty();
        !names && self.by_number.is_none()
    }
}

/// The layout of a file whose columns are those of `schema`, but for those `ignored` here; its target
/// may be missing.
fn layout_like(
    schema: &Schema,
    first: &[String],
    ignored: &[usize],
    told: Option<bool>,
    header: impl Fn(Option<usize>, &[usize]) -> Result<bool, String>,
) -> Result<Layout, String> {
    let by_position = by_position(schema, first.len(), ignored);
    let kept = first.iter().zip(0..).filter(|(_, column)| !ignored.contains(column));
    let at: HashMap<&str, usize> = kept.map(|(name, column)| (&**name, column)).collect();
    let all_named = schema.named && schema.features.iter().all(|name| at.contains_key(&**name));
    let header = match (all_named, &by_position) {
        (true, _) if told != Some(false) => true,
        (_, Ok(found)) => {
            let is_other = |column: &usize| !found.features.contains(column);
            let others: Vec<usize> = (0..first.len()).filter(is_other).collect();
            header(found.target, &others)?
        }
        // told without the target, whose place is unknown
        (_, Err(_)) => has_names(told, first),
    };
    if header && schema.named {
        return by_name(schema, first, ignored, &at);
    }
    let found = by_position?;
    let target = schema.target.as_ref().zip(found.target);
    let target = target.map(|(target, position)| OtherColumn { position, ..target.clone() });
    let schema = Schema { target, ..schema.clone() };
    Ok(Layout { header, schema, features: found.features, target: found.target })
}

/// Features found by their names in the header `first`, where each stands `at` its column.
fn by_name(
    schema: &Schema,
    first: &[String],
    ignored: &[usize],
    at: &HashMap<&str, usize>,
) -> Result<Layout, String> {
    let others = || schema.target.iter().chain(&schema.ignored);
    // a name that is a feature's or the target's as well is not passed over: which one was meant is
    // unknown
    let passed = |column: &usize| {
        let name = &first[*column];
        let before = schema.ignored.iter().any(|other| other.name == *name);
        let read = schema.features.iter().chain(schema.target.iter().map(|target| &target.name));
        ignored.contains(column) || before && !read.into_iter().any(|read| read == name)
    };
    let passed: Vec<usize> = (0..first.len()).filter(passed).collect();
    let names = names(first, true, &passed)?;
    if let Some(missing) = schema.features.iter().find(|name| !at.contains_key(name.as_str())) {
        if first.contains(missing) {
            return Err(format!("column {missing:?} is a feature and cannot be ignored"));
        }
        return Err(format!("no column {missing:?}; {}", nearest(missing, &names)));
    }
    let known =
        |name: &String| schema.features.contains(name) || others().any(|other| other.name == *name);
    let unknown = |(column, name): &(usize, &String)| !ignored.contains(column) && !known(name);
    if let Some((_, unknown)) = names.iter().enumerate().find(unknown) {
        let features = listed(&schema.features);
        return Err(format!("column {unknown:?} is none of the model's, which are {features}"));
    }
    let target = schema.target.as_ref().and_then(|target| at.get(&*target.name).copied());
    let features = schema.features.iter().map(|name| at[name.as_str()]).collect();
    let schema = Schema {
        target: target.map(|position| OtherColumn { name: names[position].clone(), position }),
        ..schema.clone()
    };
    Ok(Layout { header: true, schema, features, target })
}

/// Where the columns of a schema stand in a file.
struct Positions {
    features: Vec<usize>,
    target: Option<usize>,
}

/// The columns of a file of `width` in the order of `schema`'s: all of them, with or without the
/// target. Where a caller names columns to be `ignored`, these are all, and those that were ignored
/// before are not there besides.
fn by_position(schema: &Schema, width: usize, ignored: &[usize]) -> Result<Positions, String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Role {
        Feature,
        Target,
        Ignored,
    }
    let inputs = schema.features.len();
    let mut roles = vec![Role::Feature; inputs];
    let target = schema.target.iter().map(|other| (other.position, Role::Target));
    let passed = schema.ignored.iter().map(|other| (other.position, Role::Ignored));
    let mut others: Vec<_> = target.chain(passed).collect();
    others.sort_by_key(|(position, _)| *position);
    for (position, role) in others {
        roles.insert(position.min(roles.len()), role);
    }
    let kept: Vec<usize> = (0..width).filter(|column| !ignored.contains(column)).collect();
    if !ignored.is_empty() {
        roles.retain(|role| *role != Role::Ignored);
    }
    let all = roles.len();
    let (passed, has_target) = (roles.contains(&Role::Ignored), schema.target.is_some());
    if passed && has_target && kept.len() + 1 == all && kept.len() == inputs + 1 {
        return Err("either the target or the column that was ignored is not there, and without \
                    names it cannot be told which; name the columns to ignore"
            .to_owned());
    }
    if kept.len() + 1 == all {
        roles.retain(|role| *role != Role::Target);
    }
    if kept.len() != roles.len() {
        let least = roles.iter().filter(|role| **role != Role::Target).count();
        let or_more = match schema.target {
            Some(_) => format!(", or {all} with the target"),
            None => String::new(),
        };
        let passed = match least - inputs {
            0 => String::new(),
            more => format!(" and {more} ignored"),
        };
        let found = kept.len();
        return Err(format!(
            "expected {least} columns, one a feature{passed}{or_more}; found {found}"
        ));
    }
    let of = |role| kept.iter().zip(&roles).filter(move |(_, r)| **r == role).map(|(at, _)| *at);
    Ok(Positions { features: of(Role::Feature).collect(), target: of(Role::Target).next() })
}
