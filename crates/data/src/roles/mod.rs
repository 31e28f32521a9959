//! What a column is for, found from its cells.

mod boolean;
mod date;
mod name;
mod pixels;
mod summary;

pub(crate) use boolean::Booleans;
pub use date::{DateFormat, DateOrder};
pub(crate) use pixels::find_pixels;

use crate::missing::MissingWords;
use crate::numbers::{NumberFormat, label};
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use summary::NumberSummary;

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A quantity: scaled, and filled in where it is missing.
    Number,
    /// One of some levels, without an order: an input for each.
    Category,
    /// Yes or no.
    Boolean,
    /// A date, a time, or both.
    Date,
    /// Free text; not used as a feature.
    Text,
    /// A name, a key or a running number, which would be learned by heart; not used as a feature.
    Id,
    /// The same in every row, or empty: it tells nothing.
    Constant,
    /// Passed over because it was asked for.
    Ignore,
}

impl Role {
    const ALL: [(Role, &str); 8] = [
        (Role::Number, "number"),
        (Role::Category, "category"),
        (Role::Boolean, "boolean"),
        (Role::Date, "date"),
        (Role::Text, "text"),
        (Role::Id, "id"),
        (Role::Constant, "constant"),
        (Role::Ignore, "ignore"),
    ];

    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        Role::ALL.iter().find(|(role, _)| *role == self).map_or("", |(_, name)| name)
    }

    /// True if the network gets to see such a column.
    pub fn is_feature(self) -> bool {
        matches!(self, Role::Number | Role::Category | Role::Boolean | Role::Date)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Role::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(role, _)| *role).ok_or_else(|| {
            let names: Vec<&str> = Role::ALL.iter().map(|(_, name)| *name).collect();
            format!("no role '{name}'; there are: {}", names.join(", "))
        })
    }
}

/// How the cells of a column are understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reading {
    /// Numbers written so; these texts among them are missing values.
    Numbers(NumberFormat, Vec<String>),
    Booleans(Booleans),
    Dates(DateFormat),
    /// Texts, or numbers that stand for themselves.
    Levels,
    /// Nothing: the column is not used.
    Nothing,
}

/// What was found out about a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) role: Role,
    pub(crate) reading: Reading,
    /// Why it has this role.
    pub(crate) why: String,
    /// What a user should know, since it may be meant otherwise.
    pub(crate) doubt: Option<String>,
}

impl Finding {
    fn new(role: Role, reading: Reading, why: impl Into<String>) -> Self {
        Finding { role, reading, why: why.into(), doubt: None }
    }

    fn doubt(mut self, doubt: String) -> Self {
        self.doubt = Some(doubt);
        self
    }

    /// A column that is passed over.
    fn nothing(role: Role, why: impl Into<String>) -> Self {
        Finding::new(role, Reading::Nothing, why)
    }
}

/// The role of a column.
pub(crate) fn find(table: &Table, column: usize, order: Option<DateOrder>) -> Finding {
    match &table.columns[column].texts {
        None => find_numbers(table, column, NumberFormat::default(), Vec::new()),
        Some(texts) => find_text(table, column, texts, order),
    }
}

/// The role of a column of numbers.
fn find_numbers(table: &Table, column: usize, format: NumberFormat, odd: Vec<String>) -> Finding {
    let summary = match table.columns[column].texts {
        None => NumberSummary::of_column(table, column),
        Some(_) => NumberSummary::of(table.numbers_in(column, format).into_iter()),
    };
    let rows = table.rows;
    if summary.missing == rows {
        return Finding::nothing(Role::Constant, "is empty");
    }
    if summary.is_constant() && summary.missing == 0 {
        let value = label(summary.min);
        return Finding::nothing(Role::Constant, format!("is {value} in every row"));
    }
    let name = &table.columns[column].name;
    if summary.whole && summary.running && rows > 2 && matches!(summary.min, 0.0 | 1.0) {
        let why = format!("runs {}, {}, {} …", summary.min, summary.min + 1.0, summary.min + 2.0);
        return Finding::nothing(Role::Id, why);
    }
    let is_key = || name::is_key(name) && all_distinct(&table.numbers_in(column, format));
    if summary.whole && summary.missing == 0 && is_key() {
        return Finding::nothing(Role::Id, "by its name, and every number occurs once");
    }
    let reading = Reading::Numbers(format, odd);
    let kind = if summary.whole { "whole numbers" } else { "numbers" };
    let found = Finding::new(Role::Number, reading, kind);
    match table.columns[column].may_be_thousands {
        true => found.doubt(
            "points stand as between thousands (1.000), and are taken for decimal points: \
             --thousands . takes them the other way"
                .to_owned(),
        ),
        false => found,
    }
}

fn all_distinct(numbers: &[f64]) -> bool {
    let mut seen = HashSet::with_capacity(numbers.len());
    numbers.iter().all(|number| seen.insert(number.to_bits()))
}

/// Most levels that have an input each.
pub const MOST_LEVELS: usize = 64;

/// The role of a column of text.
fn find_text(table: &Table, column: usize, texts: &[String], order: Option<DateOrder>) -> Finding {
    let present = |words: &MissingWords| -> Vec<&str> {
        texts.iter().map(String::as_str).filter(|text| !words.contains(text)).collect()
    };
    let cells = present(&table.missing);
    if cells.is_empty() {
        return Finding::nothing(Role::Constant, "is empty");
    }
    if let Some((format, ambiguous)) =
        NumberFormat::find(cells.iter().copied(), table.numbers.decimal_comma)
    {
        let found = find_numbers(table, column, format, Vec::new());
        let written = written(format);
        let ambiguous = ambiguous && !table.commas;
        return match (found.role, written) {
            (Role::Number, Some(written)) if ambiguous => {
                let doubt =
                    format!("taken {written}, which may be meant otherwise: --decimal , says so");
                found.doubt(doubt)
            }
            (Role::Number, Some(written)) => Finding { why: format!("numbers {written}"), ..found },
            _ => found,
        };
    }
    if let Some(booleans) = Booleans::find(&cells) {
        let why = format!("{} or {}", booleans.yes.join(", "), booleans.no.join(", "));
        return Finding::new(Role::Boolean, Reading::Booleans(booleans), why);
    }
    if let Some((format, ambiguous)) = DateFormat::find(&cells, order) {
        let why = format!("written as {format}");
        let found = Finding::new(Role::Date, Reading::Dates(format), why);
        return match ambiguous {
            true => found.doubt(
                "days are taken to come before months, which may be meant otherwise: --dates mdy \
                 says so"
                    .to_owned(),
            ),
            false => found,
        };
    }
    let counts = table.text_counts(column);
    if let Some(found) = mostly_numbers(table, column, texts, &counts) {
        return found;
    }
    let unmistakable = table.missing.unmistakable();
    let rows: usize = texts
        .iter()
        .zip(&counts)
        .filter(|(text, _)| !unmistakable.contains(text))
        .map(|(_, count)| count)
        .sum();
    find_levels(&present(&unmistakable), rows, table.rows)
}

/// Numbers among which a few other texts stand: numbers, with a doubt.
fn mostly_numbers(
    table: &Table,
    column: usize,
    texts: &[String],
    counts: &[usize],
) -> Option<Finding> {
    const LEAST_NUMBERS: usize = 20;
    let format = table.numbers;
    let present = || texts.iter().zip(counts).filter(|(text, _)| !table.missing.contains(text));
    let (numbers, odd): (Vec<_>, Vec<_>) =
        present().partition(|(text, _)| format.parse(text).is_some());
    let cells = |part: &[(&String, &usize)]| part.iter().map(|(_, count)| **count).sum::<usize>();
    // codes with zeros before them are meant as they are written
    if numbers.len() < LEAST_NUMBERS || cells(&numbers) < 9 * cells(&odd) {
        return None;
    }
    let words: Vec<String> = odd.iter().map(|(text, _)| (*text).clone()).collect();
    let shown: Vec<String> = words.iter().take(3).map(|word| crate::error::quoted(word)).collect();
    let count = cells(&odd);
    let doubt = format!(
        "{count} cell{} no number{} ({}{}): taken for missing values; --column {}=category takes \
         all as they are written",
        if count == 1 { " is" } else { "s are" },
        if count == 1 { "" } else { "s" },
        shown.join(", "),
        if words.len() > shown.len() { ", …" } else { "" },
        table.columns[column].name,
    );
    Some(find_numbers(table, column, format, words).doubt(doubt))
}

/// What a way of writing numbers is called, if it is not the plain one.
fn written(format: NumberFormat) -> Option<String> {
    let mut parts = Vec::new();
    if format.decimal_comma {
        parts.push("with a decimal comma".to_owned());
    }
    match format.thousands {
        Some(' ' | '\u{a0}' | '\u{202f}') => parts.push("with blanks between thousands".to_owned()),
        Some(mark) => parts.push(format!("with {mark:?} between thousands")),
        None => {}
    }
    if format.unit {
        parts.push("with a unit".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The role of texts that are neither numbers nor dates: `cells` are the distinct ones, in `rows` of
/// the table's `all` rows.
fn find_levels(cells: &[&str], rows: usize, all: usize) -> Finding {
    let levels = cells.len();
    if levels == 1 && rows == all {
        return Finding::nothing(
            Role::Constant,
            format!("is {} in every row", crate::error::quoted(cells[0])),
        );
    }
    let often = rows / levels.max(1);
    let category = levels <= 2 || if levels <= MOST_LEVELS { often >= 2 } else { often >= 5 };
    if category {
        let why = match levels {
            1 => "1 level, or missing".to_owned(),
            _ => format!("{levels} levels"),
        };
        return Finding::new(Role::Category, Reading::Levels, why);
    }
    let words: usize = cells.iter().map(|cell| cell.split_whitespace().count()).sum();
    let why = format!("{levels} different texts in {rows} rows");
    match words >= 4 * levels {
        true => Finding::nothing(Role::Text, why),
        false => Finding::nothing(Role::Id, why),
    }
}

/// The column as a user wants it read, or what is wrong with that.
pub(crate) fn told(
    table: &Table,
    column: usize,
    role: Role,
    order: Option<DateOrder>,
) -> Result<Finding, String> {
    let why = "as told";
    let texts = table.columns[column].texts.as_deref();
    let cells = || -> Vec<&str> {
        let texts = texts.unwrap_or_default().iter().map(String::as_str);
        texts.filter(|text| !table.missing.contains(text)).collect()
    };
    Ok(match (role, texts) {
        (Role::Number, None) => {
            Finding::new(role, Reading::Numbers(NumberFormat::default(), Vec::new()), why)
        }
        (Role::Number, Some(_)) => {
            let found = NumberFormat::find(cells().into_iter(), table.numbers.decimal_comma);
            let (format, _) = found.ok_or("not all of its cells are numbers")?;
            Finding::new(role, Reading::Numbers(format, Vec::new()), why)
        }
        (Role::Boolean, None) => {
            let summary = NumberSummary::of_column(table, column);
            if !summary.whole || summary.min < 0.0 || summary.max > 1.0 {
                return Err("not all of its numbers are 0 or 1".to_owned());
            }
            Finding::new(role, Reading::Numbers(NumberFormat::default(), Vec::new()), why)
        }
        (Role::Boolean, Some(_)) => {
            let found =
                Booleans::find(&cells()).ok_or(
                "its cells are no words for yes and no that are known (true and false, yes and no, y \
                 and n, t and f, on and off, 1 and 0, ja and nein, oui and non, …); a category does \
                 as well",
            )?;
            Finding::new(role, Reading::Booleans(found), why)
        }
        (Role::Date, Some(_)) => {
            let found = DateFormat::find(&cells(), order);
            let (format, _) = found.ok_or("its cells are not all dates written in one way")?;
            Finding::new(role, Reading::Dates(format), why)
        }
        (Role::Date, None) => return Err("its cells are numbers, no dates".to_owned()),
        (Role::Category, _) => Finding::new(role, Reading::Levels, why),
        (Role::Text | Role::Id | Role::Constant | Role::Ignore, _) => Finding::nothing(role, why),
    })
}
