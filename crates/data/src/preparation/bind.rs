//! Which columns of another table a preparation's columns are.

use super::columns::{Preparation, Use};
use crate::error::{Error, Result};
use crate::note::Note;
use crate::select::nearest;
use crate::table::Table;
use std::collections::HashMap;

/// Where a preparation's columns stand in a table.
pub(super) struct Bound {
    /// For each input column, in the order of the preparation.
    pub(super) inputs: Vec<usize>,
    /// For each target column, in the order of the targets; `None` if any is not there.
    pub(super) targets: Option<Vec<usize>>,
    pub(super) notes: Vec<Note>,
}

/// Finds the columns of `preparation` in `table`: by name where both have names, by position
/// otherwise.
pub(super) fn bind(preparation: &Preparation, table: &Table) -> Result<Bound> {
    match preparation.named && table.named {
        true => by_name(preparation, table),
        false => by_position(preparation, table),
    }
}

fn by_name(preparation: &Preparation, table: &Table) -> Result<Bound> {
    let at: HashMap<&str, usize> = table.names().zip(0..).collect();
    let inputs: Vec<(&str, Option<usize>)> = preparation
        .columns
        .iter()
        .filter(|column| matches!(column.used, Use::Input(_)))
        .map(|column| (column.name.as_str(), at.get(column.name.as_str()).copied()))
        .collect();
    let missing: Vec<&str> =
        inputs.iter().filter(|(_, at)| at.is_none()).map(|(name, _)| *name).collect();
    if let Some(first) = missing.first() {
        let names: Vec<String> = table.names().map(str::to_owned).collect();
        let shown: Vec<String> = missing.iter().take(5).map(|name| format!("{name:?}")).collect();
        let more = match missing.len() - shown.len() {
            0 => String::new(),
            more => format!(" ({more} more)"),
        };
        let columns = if missing.len() == 1 { "column" } else { "columns" };
        let problem = format!(
            "no {columns} {}{more}, which the model needs; {}",
            shown.join(", "),
            nearest(first, &names)
        );
        return Err(Error::file(&table.file, problem));
    }
    let targets: Option<Vec<usize>> =
        preparation.target_names().iter().map(|name| at.get(name.as_str()).copied()).collect();
    let known: std::collections::HashSet<&str> =
        preparation.columns.iter().map(|column| column.name.as_str()).collect();
    let extra: Vec<&str> = table.names().filter(|name| !known.contains(name)).collect();
    let mut notes = Vec::new();
    if !extra.is_empty() {
        notes.push(passed_over(&extra));
    }
    Ok(Bound { inputs: inputs.into_iter().filter_map(|(_, at)| at).collect(), targets, notes })
}

fn passed_over(extra: &[&str]) -> Note {
    let shown = extra.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let more = match extra.len().saturating_sub(5) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let columns = if extra.len() == 1 { "column" } else { "columns" };
    Note::file(format!(
        "passes over {} {columns} the model does not know: {shown}{more}",
        extra.len()
    ))
}

/// Without names the columns stand as in training: all of them, all but the target, or the
/// features alone.
fn by_position(preparation: &Preparation, table: &Table) -> Result<Bound> {
    let columns = &preparation.columns;
    let width = table.width();
    let is_input = |used: &Use| matches!(used, Use::Input(_));
    let is_target = |used: &Use| matches!(used, Use::Target(_));
    let count = |wanted: &dyn Fn(&Use) -> bool| columns.iter().filter(|c| wanted(&c.used)).count();
    let (all, targets) = (columns.len(), count(&is_target));
    let features = count(&is_input);
    // a labelled file for a model of images, whose labels have a file of their own
    if width == all
        && targets == 1
        && table.named
        && let Some(label) = table.names().position(|name| preparation.target_names() == [name])
    {
        let inputs = (0..width).filter(|&column| column != label).collect();
        return Ok(Bound { inputs, targets: Some(vec![label]), notes: Vec::new() });
    }
    let is_no_target = |used: &Use| !is_target(used);
    let there: [&dyn Fn(&Use) -> bool; 3] = [&|_| true, &is_no_target, &is_input];
    if targets > 0 && all == features + 2 * targets && width == features + targets {
        let problem = "lacks either the target or what was passed over in training, and without \
                       names it cannot be told which; give the file a header";
        return Err(Error::file(&table.file, problem));
    }
    let fits: Vec<_> = there.into_iter().filter(|kept| count(*kept) == width).collect();
    let Some(kept) = fits.first() else {
        let mut expected = vec![format!("{features}, one a feature")];
        if all - targets != features {
            expected.push(format!("{} with those passed over", all - targets));
        }
        if targets > 0 {
            expected.push(format!("{all} with the target"));
        }
        let problem = format!(
            "has {width} column{}, expected {}; where there are no names, columns stand as in \
             training",
            if width == 1 { "" } else { "s" },
            expected.join(", or ")
        );
        return Err(Error::file(&table.file, problem));
    };
    let kept: Vec<&Use> = columns.iter().map(|c| &c.used).filter(|used| kept(used)).collect();
    let at = |wanted: &dyn Fn(&Use) -> bool| -> Vec<usize> {
        kept.iter().enumerate().filter(|(_, used)| wanted(used)).map(|(at, _)| at).collect()
    };
    let found = at(&is_target);
    // targets are numbered in the order in which they were named
    let mut order: Vec<(usize, usize)> = kept
        .iter()
        .enumerate()
        .filter_map(|(at, used)| match used {
            Use::Target(target) => Some((target.order, at)),
            _ => None,
        })
        .collect();
    order.sort_unstable();
    let targets = (found.len() == targets && targets > 0)
        .then(|| order.into_iter().map(|(_, at)| at).collect());
    Ok(Bound { inputs: at(&is_input), targets, notes: Vec::new() })
}
