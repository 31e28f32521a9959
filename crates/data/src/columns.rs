//! Which column of a CSV file is what, decided from its first rows.

use crate::csv_reader::ReadOptions;
use crate::names::{is_header, is_number, names, nearest, unknown};
use crate::schema::{OtherColumn, Schema};
use crate::table::listed;
use std::collections::HashMap;

/// Which columns to read as features and which as the target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Columns {
    /// The last column that is not ignored is the target, all others are features.
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
    let asked: Vec<Asked> = options.ignore.iter().map(|column| Asked::of(column, first)).collect();
    // what is found by its name alone tells that there are names
    let told = asked.iter().any(|column| column.by_name.is_some() && column.by_number.is_none());
    let told = options.header.or(told.then_some(true));
    let ignored = |header: bool| {
        let position = |column: &Asked| {
            let nowhere = || unknown("column", column.text, first, has_names(told, first));
            column.position(header).ok_or_else(nowhere)
        };
        let mut ignored: Vec<usize> = asked.iter().map(position).collect::<Result<_, _>>()?;
        ignored.sort_unstable();
        ignored.dedup();
        Ok::<_, String>(ignored)
    };
    // where it is not told, numbers are taken for numbers, until there turn out to be names
    let by_number = ignored(told == Some(true))?;
    let layout = layout_without(&by_number, first, second, told, &options.columns)?;
    let by_name = ignored(layout.header)?;
    match by_name == by_number {
        true => Ok(layout),
        false => layout_without(&by_name, first, second, Some(true), &options.columns),
    }
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
            let header = match (asked.by_name, asked.by_number, told) {
                (Some(_), None, None) => true,
                (None, None, _) => has_names(told, first),
                (_, by_number, _) => header(by_number, ignored)?,
            };
            let Some(target) = asked.position(header) else {
                return Err(unknown("target column", column, first, header));
            };
            if ignored.contains(&target) {
                return Err(format!("column {column:?} is the target and cannot be ignored"));
            }
            (header, Some(target))
        }
        Columns::Like(schema) => return layout_like(schema, first, ignored, header),
        Columns::FeaturesLike(schema) => {
            let layout = layout_like(schema, first, ignored, header)?;
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

/// A column that was asked for by its name or, if none is called that, its number from 1.
struct Asked<'a> {
    text: &'a str,
    by_name: Option<usize>,
    by_number: Option<usize>,
}

impl<'a> Asked<'a> {
    fn of(text: &'a str, first: &[String]) -> Self {
        let by_name = first.iter().position(|name| name == text);
        let by_number = text.parse().ok().filter(|n| (1..=first.len()).contains(n)).map(|n| n - 1);
        Asked { text, by_name, by_number }
    }

    /// Where it stands, if there are names or not.
    fn position(&self, header: bool) -> Option<usize> {
        self.by_name.filter(|_| header).or(self.by_number)
    }
}

/// The layout of a file whose columns are those of `schema`, but for those `ignored` here; its target
/// may be missing.
fn layout_like(
    schema: &Schema,
    first: &[String],
    ignored: &[usize],
    header: impl Fn(Option<usize>, &[usize]) -> Result<bool, String>,
) -> Result<Layout, String> {
    let by_position = by_position(schema, first.len(), ignored);
    let kept = first.iter().zip(0..).filter(|(_, column)| !ignored.contains(column));
    let at: HashMap<&str, usize> = kept.map(|(name, column)| (&**name, column)).collect();
    let all_named = schema.named && schema.features.iter().all(|name| at.contains_key(&**name));
    let header = match (all_named, &by_position) {
        (true, _) => true,
        (false, Ok(found)) => {
            let is_other = |column: &usize| !found.features.contains(column);
            let others: Vec<usize> = (0..first.len()).filter(is_other).collect();
            header(found.target, &others)?
        }
        // told without the target, whose place is unknown
        (false, Err(_)) => !first.iter().any(|cell| is_number(cell)),
    };
    if header && schema.named {
        return by_name(schema, first, ignored, &at);
    }
    let found = by_position?;
    let target = schema.target.clone().filter(|_| found.target.is_some());
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
    // a name that is a feature's as well is not passed over: which one was meant is unknown
    let passed = |column: &usize| {
        let name = &first[*column];
        let before = schema.ignored.iter().any(|other| other.name == *name);
        ignored.contains(column) || before && !schema.features.contains(name)
    };
    let passed: Vec<usize> = (0..first.len()).filter(passed).collect();
    let names = names(first, true, &passed)?;
    if let Some(missing) = schema.features.iter().find(|name| !at.contains_key(name.as_str())) {
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
/// target. Where a caller names columns to be `ignored`, those that were ignored before are not there
/// besides.
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
