//! What a table holds, column by column, and what to beware of.

use crate::error::Result;
use crate::note::Note;
use crate::numbers::label;
use crate::preparation::{Preparation, quantile};
use crate::roles::{Reading, Role};
use crate::schema::Schema;
use crate::table::Table;
use crate::task::Task;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// How many rows there are.
    pub rows: usize,
    /// Each column, in the order of the file.
    pub columns: Vec<ColumnDescription>,
    /// What would be learned, and why; `None` without a target that can be learned.
    pub task: Option<(Task, String)>,
    /// How many inputs a network would have.
    pub inputs: Option<usize>,
    /// What was decided that may be meant otherwise.
    pub notes: Vec<Note>,
    /// What to look at before training.
    pub warnings: Vec<Note>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDescription {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Why.
    pub because: String,
    /// True if it is to be predicted.
    pub target: bool,
    /// How many of its cells are missing.
    pub missing: usize,
    /// How many different values it has.
    pub distinct: usize,
    /// The least, the median and the largest of its numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 3]>,
    /// The first and the last of its dates, as they are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<[String; 2]>,
    /// The commonest of its levels or texts with how often each occurs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<(String, usize)>,
    /// How many inputs it becomes; 0 if it is passed over or the target.
    pub inputs: usize,
}

/// How many levels are told.
const LEVELS: usize = 10;

impl Description {
    /// Describes `table`, whose columns are for what `schema` says.
    ///
    /// # Errors
    /// Those of [`PreparationBuilder::fit`](crate::PreparationBuilder::fit).
    pub fn of(table: &Table, schema: &Schema) -> Result<Self> {
        let present = schema.has_target(table);
        let rows: Vec<u32> = (0..table.rows as u32)
            .filter(|&row| present.as_ref().is_none_or(|present| present[row as usize]))
            .collect();
        let preparation = match schema.task() {
            Some(_) if !rows.is_empty() => Some(Preparation::builder(schema).fit(table, &rows)?),
            _ => None,
        };
        let mut inputs: HashMap<&str, usize> = HashMap::new();
        if let Some(preparation) = &preparation {
            inputs.extend(preparation.features().map(|feature| (feature.name, feature.inputs)));
        }
        let columns: Vec<ColumnDescription> = (0..table.width())
            .into_par_iter()
            .map(|index| {
                let name = schema.columns[index].name.as_str();
                describe(table, schema, index, inputs.get(name).copied().unwrap_or(0))
            })
            .collect();
        let warnings = warnings(table, schema, &columns, &rows);
        Ok(Description {
            rows: table.rows,
            columns,
            task: schema.task().map(|(task, why)| (task, why.to_owned())),
            inputs: preparation.map(|preparation| preparation.inputs()),
            notes: [table.notes(), schema.notes()].concat(),
            warnings,
        })
    }
}

fn describe(table: &Table, schema: &Schema, index: usize, inputs: usize) -> ColumnDescription {
    let column = &schema.columns[index];
    let counts = counts(table, index);
    let missing = table.rows - counts.iter().map(|(_, count)| count).sum::<usize>();
    let range = match (&column.reading, &table.columns[index].texts) {
        (Reading::Numbers(format, _), _) => range(table.numbers_in(index, *format)),
        (Reading::Nothing | Reading::Levels, None) => range(table.numbers(index)),
        _ => None,
    };
    let dates = match &column.reading {
        Reading::Dates(format) => {
            let mut days: Vec<(f64, &String)> = counts
                .iter()
                .filter_map(|(text, _)| format.days(text).map(|days| (days, text)))
                .collect();
            days.sort_by(|a, b| a.0.total_cmp(&b.0));
            days.first().zip(days.last()).map(|(first, last)| [first.1.clone(), last.1.clone()])
        }
        _ => None,
    };
    let distinct = counts.len();
    let mut levels = if range.is_none() || distinct <= LEVELS { counts } else { Vec::new() };
    levels.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    levels.truncate(LEVELS);
    ColumnDescription {
        number: index + 1,
        name: column.name.clone(),
        role: column.role,
        because: column.why.clone(),
        target: schema.targets.contains(&index),
        missing,
        distinct,
        range,
        dates,
        levels,
        inputs,
    }
}

/// The different values of a column with how often each occurs, without missing ones.
fn counts(table: &Table, index: usize) -> Vec<(String, usize)> {
    match &table.columns[index].texts {
        Some(texts) => {
            let counted = texts.iter().cloned().zip(table.text_counts(index));
            counted.filter(|(text, _)| !table.missing.contains(text)).collect()
        }
        None => {
            let distinct = crate::target::distinct(table.numbers(index).into_iter());
            distinct.into_iter().map(|(number, count)| (label(number), count)).collect()
        }
    }
}

/// The least, the median and the largest.
fn range(mut numbers: Vec<f64>) -> Option<[f64; 3]> {
    numbers.retain(|number| !number.is_nan());
    numbers.sort_unstable_by(f64::total_cmp);
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    Some([first, quantile(&numbers, 0.5), last])
}

/// A number for each cell of a column, the same for the same cell.
fn codes(table: &Table, index: usize) -> Vec<u64> {
    match table.columns[index].texts {
        Some(_) => table.positions(index).map(u64::from).collect(),
        None => table.numbers(index).into_iter().map(|number| (number + 0.0).to_bits()).collect(),
    }
}

fn warnings(
    table: &Table,
    schema: &Schema,
    columns: &[ColumnDescription],
    rows: &[u32],
) -> Vec<Note> {
    let mut warnings = Vec::new();
    let state = RandomState::new();
    let mut row_hashes = vec![0_u64; table.rows];
    let mut seen: HashMap<u64, usize> = HashMap::new();
    let target = match (schema.task(), schema.targets.as_slice()) {
        (Some((task, _)), &[target]) => Some((task, codes(table, target), target)),
        _ => None,
    };
    for (index, column) in columns.iter().enumerate() {
        let cells = codes(table, index);
        row_hashes.iter_mut().zip(&cells).for_each(|(hash, cell)| {
            *hash = state.hash_one((*hash, cell));
        });
        if column.role == Role::Constant {
            continue;
        }
        let mut hasher = state.build_hasher();
        cells.hash(&mut hasher);
        table.columns[index].texts.hash(&mut hasher);
        if let Some(earlier) = seen.insert(hasher.finish(), index) {
            let other = &columns[earlier].name;
            warnings.push(Note::column(&column.name, format!("holds the same as {other}")));
        }
        if let Some(value) = stand_in(&column_counts(table, index)) {
            let text = format!(
                "{value} lies far from all other numbers and comes again and again: does it stand for \
                 a missing value? --missing-values {value}"
            );
            warnings.push(Note::column(&column.name, text));
        }
        if 2 * column.missing > table.rows {
            let share = percent(column.missing, table.rows);
            warnings.push(Note::column(&column.name, format!("is missing in {share} of the rows")));
        }
        if let Some((task, answers, at)) = &target
            && *at != index
            && column.role.is_feature()
            && gives_away(*task, &cells, answers, rows)
        {
            let name = &columns[*at].name;
            let text = format!(
                "tells {name} exactly: is it known when {name} is to be predicted? --ignore {}",
                column.name
            );
            warnings.push(Note::column(&column.name, text));
        }
    }
    let distinct: HashSet<u64> = row_hashes.iter().copied().collect();
    let repeated = table.rows - distinct.len();
    if repeated > 0 {
        let text = format!(
            "{repeated} row{} the same as another: if such rows are both learned from and held out, \
             the test is too good",
            if repeated == 1 { " is" } else { "s are" }
        );
        warnings.push(Note::file(text));
    }
    if let Some((Task::Classification, _, at)) = target {
        warnings.extend(imbalance(&columns[at], rows.len()));
    }
    warnings
}

/// The different numbers of a column of numbers, in ascending order, with how often each occurs.
fn column_counts(table: &Table, index: usize) -> Vec<(f64, usize)> {
    match table.columns[index].texts {
        Some(_) => Vec::new(),
        None => crate::target::distinct(table.numbers(index).into_iter()),
    }
}

/// A whole number that seems to stand for a missing value, as -999 does: the first or the last of
/// the `sorted` ones, in at least every hundredth row, and further from the next than all others lie
/// apart.
fn stand_in(sorted: &[(f64, usize)]) -> Option<f64> {
    let [(first, at_first), (second, _), .., (before, _), (last, at_last)] = *sorted else {
        return None;
    };
    let rows: usize = sorted.iter().map(|(_, count)| count).sum();
    let often = |count: usize| count > 1 && 100 * count >= rows;
    let far = |value: f64, gap: f64, rest: f64| {
        value.fract() == 0.0 && value.abs() >= 9.0 && rest > 0.0 && gap > 2.0 * rest
    };
    if often(at_first) && far(first, second - first, last - second) {
        return Some(first);
    }
    (often(at_last) && far(last, last - before, before - first)).then_some(last)
}

/// A class that is rare.
fn imbalance(target: &ColumnDescription, rows: usize) -> Option<Note> {
    let (rarest, count) = target.levels.iter().min_by_key(|(_, count)| *count)?;
    let rare = target.distinct <= LEVELS && 20 * count < rows;
    rare.then(|| {
        let share = percent(*count, rows);
        Note::column(
            &target.name,
            format!("{rarest} is rare, {share} of the rows: look at more than the accuracy"),
        )
    })
}

fn percent(part: usize, all: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / all as f64)
}

/// True if the cells of a column tell the target of each row, and come again often enough for that
/// to be no accident; or if they are the target's numbers on another scale.
fn gives_away(task: Task, cells: &[u64], answers: &[u64], rows: &[u32]) -> bool {
    let pairs = || rows.iter().map(|&row| (cells[row as usize], answers[row as usize]));
    let mut told: HashMap<u64, u64> = HashMap::new();
    let tells = pairs().all(|(cell, answer)| *told.entry(cell).or_insert(answer) == answer);
    match task {
        Task::Classification => tells && told.len() >= 2 && 5 * told.len() <= rows.len(),
        _ if rows.len() < 10 => false,
        _ => is_line(pairs().map(|(cell, answer)| (f64::from_bits(cell), f64::from_bits(answer)))),
    }
}

/// True if the second numbers are a line of the first.
fn is_line(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> bool {
    let (mut count, mut x, mut y) = (0.0, 0.0, 0.0);
    for (a, b) in pairs.clone() {
        (count, x, y) = (count + 1.0, x + a, y + b);
    }
    let (mean_x, mean_y) = (x / count, y / count);
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_x, b - mean_y);
        (xx, yy, xy) = (xx + a * a, yy + b * b, xy + a * b);
    }
    // NaN where text or a missing value is among them
    xy * xy / (xx * yy) > 1.0 - 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::ReadOptions;
    use crate::read::read_from;

    fn described(csv: &str) -> Description {
        let table = read_from(&mut csv.as_bytes(), "data.csv", &ReadOptions::default()).unwrap();
        let schema = Schema::find(&table, &Default::default()).unwrap();
        Description::of(&table, &schema).unwrap()
    }

    fn warnings(csv: &str) -> Vec<String> {
        described(csv).warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_are_told_by_what_they_hold() {
        let found = described(
            "id,size,colour,when,y\n1,1.5,red,2024-01-05,0.5\n2,,blue,2024-01-03,1\n\
             3,4,red,2024-02-01,2\n4,2.5,red,NA,7\n",
        );
        let [id, size, colour, when, y] = found.columns.as_slice() else { panic!() };
        assert_eq!((id.role, id.inputs, id.distinct), (Role::Id, 0, 4));
        assert_eq!((size.missing, size.range, size.inputs), (1, Some([1.5, 2.5, 4.0]), 2));
        assert_eq!(colour.levels, [("red".to_owned(), 3), ("blue".to_owned(), 1)]);
        assert_eq!(when.dates, Some(["2024-01-03".to_owned(), "2024-02-01".to_owned()]));
        assert!(y.target && !size.target);
        assert_eq!(found.inputs, Some(size.inputs + colour.inputs + when.inputs));
    }

    #[test]
    fn a_target_may_lack_numbers() {
        let found = described("a,y\n1,0.5\n5,\n2,1\n7,1.5\n");
        assert_eq!((found.rows, found.columns[1].missing, found.inputs), (4, 1, Some(1)));
        assert_eq!(found.columns[1].range, Some([0.5, 1.0, 1.5]));
    }

    #[test]
    fn what_to_beware_of_is_told() {
        let rows: String = (0..40)
            .map(|i| format!("{},{},{},k{}\n", i * i % 97, i % 2, i * i % 97, i % 2))
            .collect();
        let found = warnings(&format!("a,b,c,kind\n{rows}"));
        assert_eq!(
            found[..2],
            [
                "b: tells kind exactly: is it known when kind is to be predicted? --ignore b",
                "c: holds the same as a"
            ]
        );
        let rows: String = (0..100)
            .map(|i| format!("{},{}\n", i * i % 97, if i == 5 { "rare" } else { "usual" }))
            .collect();
        let found = warnings(&format!("a,kind\n{rows}1,usual\n1,usual\n"));
        assert!(found[0].contains("rows are the same as another"), "{found:?}");
        assert!(found[1].starts_with("kind: rare is rare, 1.0 % of the rows"), "{found:?}");
        let rows: String = (0..30)
            .map(|i| {
                format!(
                    "{}.5,{},{}\n",
                    i * i % 29,
                    if i % 3 == 0 { "1.5" } else { "" },
                    3 * (i * i % 29) + 7
                )
            })
            .collect();
        let found = warnings(&format!("a,b,y\n{rows}"));
        assert!(found[0].starts_with("a: tells y exactly"), "{found:?}");
        assert!(found[1].starts_with("b: is missing in 66.7 %"), "{found:?}");
        let rows: String =
            (0..50).map(|i| format!("{},{}\n", if i % 9 == 0 { -200 } else { i }, i * i)).collect();
        let found = warnings(&format!("a,y\n{rows}"));
        assert!(found[0].starts_with("a: -200 lies far from all other numbers"), "{found:?}");
        assert_eq!(warnings("a,y\n1,0.5\n5,2\n2,1\n7,1.5\n"), [""; 0]);
    }
}
