//! How the cells of one column become inputs of a network.

use super::scale::{Scale, Scaling, median};
use crate::missing::MissingWords;
use crate::numbers::NumberFormat;
use crate::roles::{Booleans, DateFormat, MOST_LEVELS};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// A number: scaled; a missing one is the median of the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Number {
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) format: NumberFormat,
    /// Texts that stood among the numbers in training and were taken for missing values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) odd: Vec<String>,
    pub(crate) fill: Fill,
    /// What −∞ and ∞ are taken for: the training rows' least and largest finite number; `None` if
    /// they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) infinite_as: Option<[f64; 2]>,
    pub(crate) scale: Scale,
}

/// What stands for a missing value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fill {
    /// The median of the training rows; `None` if missing values are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) missing_as: Option<f64>,
    /// True if a second input says whether the value is missing: training rows lacked some.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) indicator: bool,
}

/// Yes or no: 1 or 0; a missing one is the share of yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boolean {
    pub(crate) words: Booleans,
    pub(crate) fill: Fill,
}

/// One of some levels: an input for each, 1 for the row's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Category {
    /// The levels that have an input, sorted.
    pub(crate) levels: Vec<String>,
    /// Where the levels are too many: the rarer ones, sorted, which share an input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rare: Vec<String>,
    /// True if a missing value has an input: training rows lacked some.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) missing: bool,
    /// True if missing values are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) refuses_missing: bool,
}

/// A date: the days that have passed, and what comes again and again, as sine and cosine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Date {
    pub(crate) format: DateFormat,
    pub(crate) parts: Vec<Part>,
    pub(crate) fill: Fill,
    /// Of the days that have passed.
    pub(crate) scale: Scale,
}

/// A part of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// Days since 1970, or the time of the day alone, scaled.
    Elapsed,
    /// Of a year of 365.2425 days.
    Year,
    Week,
    Day,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Fill {
    /// Fits the training rows' `numbers`, NaN where one is missing. If none is, the median is that of
    /// a sample, since nothing is to be filled in.
    pub(super) fn fit(numbers: &[f64], refuse: bool) -> Self {
        const SAMPLE: usize = 10_000;
        let indicator = numbers.iter().any(|number| number.is_nan());
        let step = if indicator { 1 } else { numbers.len().div_ceil(SAMPLE).max(1) };
        let mut present: Vec<f64> =
            numbers.iter().copied().step_by(step).filter(|number| !number.is_nan()).collect();
        let median = if present.is_empty() { 0.0 } else { median(&mut present) };
        Fill { missing_as: (!refuse).then_some(median), indicator: indicator && !refuse }
    }

    fn width(self) -> usize {
        usize::from(self.indicator)
    }
}

impl Category {
    /// Fits levels with how often each occurs in the training rows.
    pub(super) fn fit(mut counts: Vec<(String, usize)>, missing: bool, refuse: bool) -> Self {
        counts.retain(|(_, count)| *count > 0);
        // the commonest first; of equals, by name
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut levels: Vec<String> = counts.into_iter().map(|(level, _)| level).collect();
        let mut rare = levels.split_off(levels.len().min(MOST_LEVELS));
        levels.sort_unstable();
        rare.sort_unstable();
        Category { levels, rare, missing: missing && !refuse, refuses_missing: refuse }
    }

    /// Which input is 1 for a missing value, if any is.
    pub(super) fn missing_input(&self) -> Option<u32> {
        self.missing.then(|| (self.levels.len() + usize::from(!self.rare.is_empty())) as u32)
    }

    /// Which input is 1 for a level that has none of its own.
    pub(super) fn other_input(&self) -> Option<u32> {
        (!self.rare.is_empty()).then_some(self.levels.len() as u32)
    }

    pub(super) fn width(&self) -> usize {
        self.levels.len() + usize::from(!self.rare.is_empty()) + usize::from(self.missing)
    }

    fn names(&self, column: &str) -> Vec<String> {
        let levels = self.levels.iter().map(|level| format!("{column}={level}"));
        let other = self.other_input().map(|_| format!("{column} is another"));
        let missing = self.missing.then(|| format!("{column} is missing"));
        levels.chain(other).chain(missing).collect()
    }
}

impl Number {
    pub(super) fn width(&self) -> usize {
        1 + self.fill.width()
    }
}

impl Boolean {
    pub(super) fn width(&self) -> usize {
        1 + self.fill.width()
    }
}

impl Part {
    fn period(self) -> Option<f64> {
        match self {
            Part::Elapsed => None,
            Part::Year => Some(365.2425),
            Part::Week => Some(7.0),
            Part::Day => Some(1.0),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Part::Elapsed => "elapsed",
            Part::Year => "of the year",
            Part::Week => "of the week",
            Part::Day => "of the day",
        }
    }
}

impl Date {
    /// Fits the training rows' `days`, NaN where one is missing.
    pub(super) fn fit(
        format: DateFormat,
        days: &[f64],
        scaling: Scaling,
        refuse: bool,
    ) -> Result<Self, String> {
        let present: Vec<f64> = days.iter().copied().filter(|day| !day.is_nan()).collect();
        let span = |value: &dyn Fn(f64) -> f64| {
            let (low, high) =
                present.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &day| {
                    (l.min(value(day)), h.max(value(day)))
                });
            high - low
        };
        let mut parts = vec![Part::Elapsed];
        // a part that hardly changes, or not more than once, does not come again
        if format.has_date() {
            let elapsed = span(&|day| day.floor());
            if elapsed > 60.0 {
                parts.push(Part::Year);
            }
            if elapsed >= 1.0 && span(&|day| day.floor().rem_euclid(7.0)) > 0.0 {
                parts.push(Part::Week);
            }
        }
        if span(&|day| day.rem_euclid(1.0)) > 0.0 {
            parts.push(Part::Day);
        }
        let scale = Scale::fit(scaling, &present)?;
        Ok(Date { format, parts, fill: Fill::fit(days, refuse), scale })
    }

    pub(super) fn width(&self) -> usize {
        let part = |part: &Part| if part.period().is_some() { 2 } else { 1 };
        self.parts.iter().map(part).sum::<usize>() + self.fill.width()
    }

    /// Writes the parts of `days`, which is not NaN.
    pub(super) fn write(&self, days: f64, mut to: impl FnMut(usize, f64)) {
        let mut at = 0;
        for part in &self.parts {
            match part.period() {
                None => {
                    to(at, self.scale.apply(days));
                    at += 1;
                }
                Some(period) => {
                    // weeks and years turn at midnight
                    let days = if period == 1.0 { days } else { days.floor() };
                    let angle = TAU * (days / period).rem_euclid(1.0);
                    to(at, angle.sin());
                    to(at + 1, angle.cos());
                    at += 2;
                }
            }
        }
    }

    fn names(&self, column: &str) -> Vec<String> {
        let names = |part: &Part| match part.period() {
            None => vec![format!("{column}: {}", part.name())],
            Some(_) => ["sin", "cos"].map(|f| format!("{column}: {f} {}", part.name())).to_vec(),
        };
        self.parts.iter().flat_map(names).collect()
    }
}

/// How the cells of a column become inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoder {
    Number(Number),
    Boolean(Boolean),
    Category(Category),
    Date(Date),
}

impl Encoder {
    /// True if a missing value is an error.
    pub(super) fn refuses_missing(&self) -> bool {
        match self {
            Encoder::Number(Number { fill, .. })
            | Encoder::Boolean(Boolean { fill, .. })
            | Encoder::Date(Date { fill, .. }) => fill.missing_as.is_none(),
            Encoder::Category(category) => category.refuses_missing,
        }
    }

    /// True if training rows lacked some values.
    pub(super) fn knows_missing(&self) -> bool {
        match self {
            Encoder::Number(Number { fill, .. })
            | Encoder::Boolean(Boolean { fill, .. })
            | Encoder::Date(Date { fill, .. }) => fill.indicator,
            Encoder::Category(category) => category.missing,
        }
    }

    /// How many inputs it makes.
    pub(crate) fn width(&self) -> usize {
        match self {
            Encoder::Number(number) => number.width(),
            Encoder::Boolean(boolean) => boolean.width(),
            Encoder::Category(category) => category.width(),
            Encoder::Date(date) => date.width(),
        }
    }

    /// A name for each of them.
    pub(crate) fn names(&self, column: &str) -> Vec<String> {
        let with_indicator = |mut names: Vec<String>, fill: Fill| {
            if fill.indicator {
                names.push(format!("{column} is missing"));
            }
            names
        };
        match self {
            Encoder::Number(number) => with_indicator(vec![column.to_owned()], number.fill),
            Encoder::Boolean(boolean) => with_indicator(vec![column.to_owned()], boolean.fill),
            Encoder::Category(category) => category.names(column),
            Encoder::Date(date) => with_indicator(date.names(column), date.fill),
        }
    }

    /// Checks what a damaged model file might hold.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Encoder::Number(Number { infinite_as: Some(ends), .. })
                if !ends.iter().all(|end| end.is_finite()) =>
            {
                Err("an infinite number for infinite ones".to_owned())
            }
            Encoder::Number(number) => number.scale.check(),
            Encoder::Date(date) => date.scale.check(),
            Encoder::Category(category) => match category.width() {
                0 => Err("a category without levels".to_owned()),
                _ => Ok(()),
            },
            Encoder::Boolean(_) => Ok(()),
        }
    }

    /// True if `text` says that the value is missing, where `words` are those that do.
    pub(super) fn is_missing(&self, text: &str, words: &MissingWords) -> bool {
        match self {
            Encoder::Number(number) => {
                words.contains(text) || number.odd.iter().any(|odd| odd == text)
            }
            Encoder::Category(category) => {
                words.unmistakable().contains(text)
                    && category.levels.binary_search_by(|l| l.as_str().cmp(text)).is_err()
            }
            _ => words.contains(text),
        }
    }
}
