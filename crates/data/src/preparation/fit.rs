//! What is learned from the training rows.

use super::columns::{Preparation, PreparedColumn, TargetColumn, TargetEncoding, Use};
use super::encoder::{Boolean, Category, Date, Encoder, Fill, Number};
use super::scale::{Scale, Scaling, range};
use crate::error::{Error, Result};
use crate::missing::MissingWords;
use crate::numbers::NumberFormat;
use crate::numbers::label;
use crate::roles::Reading;
use crate::schema::{Schema, SchemaColumn, target_missing};
use crate::standardizer::Standardizer;
use crate::table::Table;
use crate::target::{distinct, labels, target_numbers};
use crate::task::Task;
use rayon::prelude::*;

/// What is done about missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingPolicy {
    /// A number becomes the training rows' median, with an input that says so if training rows lack
    /// some; a category's is a level of its own.
    #[default]
    Impute,
    /// An error.
    Refuse,
}

/// What is done about infinite numbers among the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InfinitePolicy {
    /// An error.
    #[default]
    Refuse,
    /// They become the training rows' largest finite number, or the least.
    Clip,
}

/// Settings of a [`Preparation`] that is to be fitted.
#[derive(Debug, Clone)]
#[must_use = "fit makes the preparation"]
pub struct PreparationBuilder<'a> {
    schema: &'a Schema,
    scaling: Scaling,
    scaled_target: bool,
    missing: MissingPolicy,
    infinite: InfinitePolicy,
}

impl Preparation {
    /// Prepares the columns of `schema`; what is not told to the builder is as it suits most tables.
    pub fn builder(schema: &Schema) -> PreparationBuilder<'_> {
        PreparationBuilder::new(schema)
    }
}

impl<'a> PreparationBuilder<'a> {
    fn new(schema: &'a Schema) -> Self {
        PreparationBuilder {
            schema,
            scaling: Scaling::default(),
            scaled_target: true,
            missing: MissingPolicy::default(),
            infinite: InfinitePolicy::default(),
        }
    }

    /// How numbers are scaled; the pixels of images are divided by their range, unless they are to
    /// stay as they are.
    pub fn scaling(mut self, scaling: Scaling) -> Self {
        self.scaling = scaling;
        self
    }

    /// Whether the target of a regression is brought to mean 0 and deviation 1; it is, unless told
    /// otherwise. Answers are in the target's own unit either way.
    pub fn scaled_target(mut self, scaled: bool) -> Self {
        self.scaled_target = scaled;
        self
    }

    /// What is done about missing values.
    pub fn missing(mut self, policy: MissingPolicy) -> Self {
        self.missing = policy;
        self
    }

    /// What is done about infinite numbers.
    pub fn infinite(mut self, policy: InfinitePolicy) -> Self {
        self.infinite = policy;
        self
    }

    /// Learns from the rows `rows` of `table`, those of which `schema` was found: the training rows,
    /// so that nothing is learned from the others. Classes are those of all rows.
    ///
    /// # Errors
    /// [`Error::Standardize`] if `rows` is empty, names a row past the end, or a column's numbers
    /// span a range that `f64` cannot hold; [`Error::Several`] for missing or infinite cells that
    /// are refused; [`Error::File`] without a target.
    pub fn fit(self, table: &Table, rows: &[u32]) -> Result<Preparation> {
        if rows.is_empty() {
            return Err(Error::Standardize("there are no rows to learn from".to_owned()));
        }
        if let Some(row) = rows.iter().find(|&&row| row as usize >= table.rows) {
            let problem = format!("row {row} asked for, the table has {} rows", table.rows);
            return Err(Error::Standardize(problem));
        }
        let Some((task, _)) = self.schema.task() else {
            return Err(Error::file(
                &table.file,
                "has no target column, expected one to learn from",
            ));
        };
        let pixels = self.schema.pixel_range.filter(|_| self.scaling == Scaling::Smooth);
        let uses = self
            .schema
            .columns
            .par_iter()
            .enumerate()
            .map(|(index, column)| {
                let order = self.schema.targets.iter().position(|&target| target == index);
                match (order, column.role.is_feature()) {
                    (Some(order), _) => Ok(Use::Target(target_column(order, column))),
                    (None, false) => Ok(Use::PassedOver(column.role)),
                    (None, true) => self.fit_column(table, index, rows, pixels).map(Use::Input),
                }
            })
            .collect::<Result<Vec<Use>>>()?;
        let columns = self.schema.columns.iter().zip(uses);
        Ok(Preparation {
            columns: columns
                .map(|(column, used)| PreparedColumn { name: column.name.clone(), used })
                .collect(),
            named: table.named,
            missing: (table.missing != MissingWords::default()).then(|| table.missing.clone()),
            target: self.fit_target(table, task, rows)?,
        })
    }

    fn fit_column(
        &self,
        table: &Table,
        index: usize,
        rows: &[u32],
        pixels: Option<f64>,
    ) -> Result<Encoder> {
        let column = &self.schema.columns[index];
        let refuse = self.missing == MissingPolicy::Refuse;
        let chosen =
            |all: Vec<f64>| -> Vec<f64> { rows.iter().map(|&row| all[row as usize]).collect() };
        let failed = |problem| Error::Standardize(format!("{}: {problem}", column.name));
        let encoder = match &column.reading {
            Reading::Numbers(format, odd) => {
                let mut values = chosen(table.numbers_in(index, *format));
                let fill = Fill::fit(&values, refuse);
                values.retain(|value| value.is_finite());
                let scale = match pixels {
                    Some(range) => Scale { scale: range, ..Scale::NONE },
                    None => Scale::fit(self.scaling, &values).map_err(failed)?,
                };
                let ends = || range(&values).into();
                let clips = self.infinite == InfinitePolicy::Clip && !values.is_empty();
                let infinite_as = clips.then(ends);
                Encoder::Number(Number {
                    format: *format,
                    odd: odd.clone(),
                    fill,
                    infinite_as,
                    scale,
                })
            }
            Reading::Booleans(words) => {
                let texts = table.columns[index].texts.as_deref().unwrap_or_default();
                let value = |text: &String| words.value(text).map_or(f64::NAN, f64::from);
                let values: Vec<f64> = texts.iter().map(value).collect();
                let value = |position| values.get(position as usize).copied().unwrap_or(f64::NAN);
                let all: Vec<f64> = table.positions(index).map(value).collect();
                let values = chosen(all);
                let present: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
                let share = present.iter().sum::<f64>() / present.len().max(1) as f64;
                let fill = Fill::fit(&values, refuse);
                let fill = Fill { missing_as: fill.missing_as.map(|_| share), ..fill };
                Encoder::Boolean(Boolean { words: words.clone(), fill })
            }
            Reading::Dates(format) => {
                let texts = table.columns[index].texts.as_deref().unwrap_or_default();
                let values: Vec<f64> =
                    texts.iter().map(|text| format.days(text).unwrap_or(f64::NAN)).collect();
                let value = |position| values.get(position as usize).copied().unwrap_or(f64::NAN);
                let all: Vec<f64> = table.positions(index).map(value).collect();
                let date = Date::fit(format.clone(), &chosen(all), self.scaling, refuse);
                Encoder::Date(date.map_err(failed)?)
            }
            Reading::Levels | Reading::Nothing => {
                Encoder::Category(fit_category(table, index, rows, refuse))
            }
        };
        Ok(encoder)
    }

    fn fit_target(&self, table: &Table, task: Task, rows: &[u32]) -> Result<TargetEncoding> {
        let targets = &self.schema.targets;
        let column = |&target: &usize| &self.schema.columns[target];
        Ok(match task {
            Task::Classification => {
                let target = targets[0];
                let words = target_missing(table, target, &column(&target).reading);
                let found = labels(table, target, &words);
                TargetEncoding::Classes(found.into_iter().map(|(label, _)| label).collect())
            }
            Task::MultiLabel => {
                let words = |target: &usize| match &column(target).reading {
                    Reading::Booleans(words) => [words.no[0].clone(), words.yes[0].clone()],
                    _ => ["0".to_owned(), "1".to_owned()],
                };
                TargetEncoding::Labels(targets.iter().map(words).collect())
            }
            Task::Regression => {
                let columns = targets
                    .iter()
                    .map(|target| {
                        let rows = rows.iter().map(|&row| row as usize);
                        target_numbers(table, *target, format_of(column(target)), rows)
                    })
                    .collect::<Result<Vec<Vec<f64>>>>()?;
                let of_row = |&row: &u32| columns.iter().map(move |column| column[row as usize]);
                let chosen: Vec<f64> = rows.iter().flat_map(of_row).collect();
                let standardizer = match self.scaled_target {
                    true => Some(Standardizer::fit_values(targets.len(), &chosen)?),
                    false => None,
                };
                TargetEncoding::Values { standardizer }
            }
        })
    }
}

fn format_of(column: &SchemaColumn) -> NumberFormat {
    match &column.reading {
        Reading::Numbers(format, _) => *format,
        _ => NumberFormat::default(),
    }
}

fn target_column(order: usize, column: &SchemaColumn) -> TargetColumn {
    let words = match &column.reading {
        Reading::Booleans(words) => Some(words.clone()),
        _ => None,
    };
    TargetColumn { order, format: format_of(column), words }
}

fn fit_category(table: &Table, index: usize, rows: &[u32], refuse: bool) -> Category {
    let Some(texts) = &table.columns[index].texts else {
        let all = table.numbers(index);
        let chosen: Vec<f64> = rows.iter().map(|&row| all[row as usize]).collect();
        let missing = chosen.iter().any(|number| number.is_nan());
        let counts = distinct(chosen.into_iter());
        let counts = counts.into_iter().map(|(number, count)| (label(number), count)).collect();
        return Category::fit(counts, missing, refuse);
    };
    let words = table.missing.unmistakable();
    let positions: Vec<u32> = table.positions(index).collect();
    let mut counts = vec![0; texts.len()];
    let mut missing = false;
    for &row in rows {
        match counts.get_mut(positions[row as usize] as usize) {
            Some(count) => *count += 1,
            None => missing = true,
        }
    }
    let levels = texts.iter().zip(counts).filter(|(text, count)| {
        let gap = words.contains(text);
        missing |= gap && *count > 0;
        !gap
    });
    let levels = levels.map(|(text, count)| (text.clone(), count)).collect();
    Category::fit(levels, missing, refuse)
}
