//! Dates and times: in which way a column writes them, and what they are.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One way of writing dates, times, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DateFormat(String);

/// Whether days or months come first where numbers alone do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

impl FromStr for DateOrder {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "dmy" => Ok(DateOrder::Dmy),
            "mdy" => Ok(DateOrder::Mdy),
            _ => Err("expected dmy or mdy".to_owned()),
        }
    }
}

/// Dates, in chrono's notation; the two orders of days and months stand one after the other. The
/// last ones have no day, and are taken for the first of the month.
const DATES: [&str; 21] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%Y-%m",
    "%b %Y",
    "%b-%Y",
    "%b-%y",
];

/// Times behind a date.
const TIMES: [&str; 7] =
    ["", " %H:%M:%S%.f", " %H:%M", "T%H:%M:%S%.f", "T%H:%M", "T%H:%M:%S%.f%#z", " %H:%M:%S%.f%#z"];

/// Times alone.
const TIMES_ALONE: [&str; 4] = ["%H:%M:%S%.f", "%H:%M", "%H.%M.%S", "%I:%M %p"];

impl DateFormat {
    /// The format in which all of `cells` are dates, if there is one, and whether days and months
    /// might as well be the other way round; `order` says which way then.
    pub(crate) fn find(cells: &[&str], order: Option<DateOrder>) -> Option<(DateFormat, bool)> {
        let (first, rest) = cells.split_first()?;
        // nothing shorter than 1:00, nothing without a digit
        if first.len() < 4 || !first.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let dates =
            DATES.iter().flat_map(|date| TIMES.iter().map(move |time| format!("{date}{time}")));
        let all = dates.chain(TIMES_ALONE.map(str::to_owned)).map(DateFormat);
        let mut fitting = all.filter(|format| {
            format.days(first).is_some() && rest.iter().all(|cell| format.days(cell).is_some())
        });
        let found = fitting.next()?;
        let months_first = found.0.strip_prefix("%d/%m").map(|rest| format!("%m/%d{rest}"));
        let months_first = months_first
            .or_else(|| found.0.strip_prefix("%d-%m").map(|rest| format!("%m-%d{rest}")))
            .map(DateFormat);
        let other = months_first.filter(|other| fitting.any(|format| format == *other));
        Some(match (other, order) {
            (Some(other), Some(DateOrder::Mdy)) => (other, false),
            (Some(_), Some(DateOrder::Dmy)) | (None, _) => (found, false),
            (Some(_), None) => (found, true),
        })
    }

    /// True if it writes a date, false for a time alone.
    pub(crate) fn has_date(&self) -> bool {
        self.0.contains('m') && !TIMES_ALONE.contains(&self.0.as_str()) || self.0.contains("%b")
    }

    /// Days since 1970-01-01 00:00, with the time of the day as a fraction; a time alone is from 0
    /// to 1.
    pub(crate) fn days(&self, cell: &str) -> Option<f64> {
        let format = self.0.as_str();
        if TIMES_ALONE.contains(&format) {
            return NaiveTime::parse_from_str(cell, format).ok().map(fraction);
        }
        if format.contains("%#z") {
            let time = DateTime::parse_from_str(cell, format)
                .or_else(|_| DateTime::parse_from_rfc3339(&cell.replacen(' ', "T", 1)));
            return time
                .ok()
                .map(|time| whole(time.naive_utc().date()) + fraction(time.naive_utc().time()));
        }
        if !format.contains("%d") {
            let (cell, format) = (format!("1 {cell}"), format!("%d {format}"));
            return match format.contains("%H") {
                true => None,
                false => NaiveDate::parse_from_str(&cell, &format).ok().map(whole),
            };
        }
        match format.contains("%H") {
            true => {
                let time = NaiveDateTime::parse_from_str(cell, format).ok()?;
                Some(whole(time.date()) + fraction(time.time()))
            }
            false => NaiveDate::parse_from_str(cell, format).ok().filter(plausible).map(whole),
        }
    }
}

/// Years as tables have them: `%Y` would read any digits.
fn plausible(date: &NaiveDate) -> bool {
    use chrono::Datelike;
    (1000..3000).contains(&date.year())
}

fn whole(date: NaiveDate) -> f64 {
    (date - NaiveDate::default()).num_days() as f64
}

fn fraction(time: NaiveTime) -> f64 {
    const DAY: f64 = 86_400.0;
    (f64::from(time.num_seconds_from_midnight()) + f64::from(time.nanosecond()) * 1e-9) / DAY
}

impl fmt::Display for DateFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            ("%Y", "year"),
            ("%y", "year"),
            ("%m", "month"),
            ("%d", "day"),
            ("%b", "month"),
            ("%B", "month"),
            ("%H", "hour"),
            ("%I", "hour"),
            ("%M", "minute"),
            ("%S", "second"),
            ("%.f", ""),
            ("%#z", " zone"),
            ("%p", "am"),
        ];
        let text = words.iter().fold(self.0.clone(), |text, (code, word)| text.replace(code, word));
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(cells: &[&str]) -> Option<(String, bool)> {
        DateFormat::find(cells, None).map(|(format, ambiguous)| (format.to_string(), ambiguous))
    }

    #[test]
    fn formats_are_found_from_all_cells() {
        let found = |format: &str| Some((format.to_owned(), false));
        assert_eq!(find(&["2024-01-31", "1999-12-01"]), found("year-month-day"));
        assert_eq!(find(&["31/01/2024"]), found("day/month/year"));
        assert_eq!(find(&["01/02/2024", "01/31/2024"]), found("month/day/year"));
        assert_eq!(find(&["10/03/2004"]), Some(("day/month/year".to_owned(), true)));
        assert_eq!(find(&["2024-01-31 12:30"]), found("year-month-day hour:minute"));
        assert_eq!(
            find(&["2024-01-31T12:30:00Z"]),
            found("year-month-dayThour:minute:second zone")
        );
        assert_eq!(find(&["00.00.00", "18.00.00"]), found("hour.minute.second"));
        assert_eq!(find(&["4 Jul 1976"]), found("day month year"));
        assert_eq!(find(&["1998-01", "1998-02"]), found("year-month"));
        for cells in [&["2024-01-31", "x"][..], &["2024-13-31"], &["may"], &["12"], &[]] {
            assert_eq!(find(cells), None, "{cells:?}");
        }
        let (months, _) = DateFormat::find(&["10/03/2004"], Some(DateOrder::Mdy)).unwrap();
        assert_eq!(months.days("10/03/2004"), Some(12694.0));
    }

    /// Against Python's `(datetime(...) - datetime(1970, 1, 1)) / timedelta(days=1)`.
    #[test]
    fn days_are_counted_from_1970() {
        let days = |format: &str, cell| DateFormat(format.to_owned()).days(cell);
        assert_eq!(days("%Y-%m-%d", "1970-01-01"), Some(0.0));
        assert_eq!(days("%Y-%m-%d", "2000-03-01"), Some(11017.0));
        assert_eq!(days("%d/%m/%Y", "01/03/2000"), Some(11017.0));
        assert_eq!(days("%Y-%m-%d %H:%M", "1969-12-31 06:00"), Some(-0.75));
        assert_eq!(days("%H:%M", "18:00"), Some(0.75));
        assert_eq!(days("%Y-%m", "2000-03"), Some(11017.0));
        assert_eq!(days("%Y-%m-%dT%H:%M:%S%.f%#z", "1970-01-01T01:00:00+01:00"), Some(0.0));
        assert_eq!(days("%Y-%m-%dT%H:%M:%S%.f%#z", "1970-01-01T12:00:00Z"), Some(0.5));
    }
}
