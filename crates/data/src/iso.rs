//! Dates as ISO 8601 writes them: what files keep as a count becomes text, as in a CSV file.

use chrono::DateTime;

/// What a count of time is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Days,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// The unit NumPy writes as `[ns]`.
    pub(crate) fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "[D]" => Unit::Days,
            "[s]" => Unit::Seconds,
            "[ms]" => Unit::Milliseconds,
            "[us]" => Unit::Microseconds,
            "[ns]" => Unit::Nanoseconds,
            _ => return None,
        })
    }

    /// The date, with a time unless it is a count of days, `count` units after 1970-01-01 00:00.
    /// NumPy's missing date is no text; `None` for one beyond the calendar.
    pub(crate) fn text(self, count: i64) -> Option<String> {
        if count == i64::MIN {
            return Some(String::new());
        }
        let a_second = match self {
            Unit::Days => {
                let date = DateTime::from_timestamp(count.checked_mul(86_400)?, 0)?;
                return Some(date.format("%Y-%m-%d").to_string());
            }
            Unit::Seconds => 1,
            Unit::Milliseconds => 1_000,
            Unit::Microseconds => 1_000_000,
            Unit::Nanoseconds => 1_000_000_000,
        };
        let nanoseconds = count.rem_euclid(a_second) * (1_000_000_000 / a_second);
        let time = DateTime::from_timestamp(count.div_euclid(a_second), nanoseconds as u32)?;
        Some(time.format("%Y-%m-%d %H:%M:%S%.f").to_string())
    }
}

/// The time of a day that began at midnight, as [`Unit::text`] writes it.
const MIDNIGHT: &str = " 00:00:00";

/// Leaves the time out of a column's `texts` if all are dates at midnight.
pub(crate) fn without_midnight(texts: &mut [String]) {
    let dated = |text: &String| text.len() > MIDNIGHT.len() && text.ends_with(MIDNIGHT);
    if texts.iter().all(dated) {
        texts.iter_mut().for_each(|text| text.truncate(text.len() - MIDNIGHT.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_dates() {
        assert_eq!(Unit::Days.text(19_753).as_deref(), Some("2024-01-31"));
        assert_eq!(Unit::Days.text(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(Unit::Seconds.text(1_706_704_496).as_deref(), Some("2024-01-31 12:34:56"));
        assert_eq!(Unit::Milliseconds.text(-1).as_deref(), Some("1969-12-31 23:59:59.999"));
        assert_eq!(Unit::Nanoseconds.text(1).as_deref(), Some("1970-01-01 00:00:00.000000001"));
        assert_eq!(Unit::Nanoseconds.text(i64::MIN).as_deref(), Some(""));
        assert_eq!(Unit::Days.text(i64::MAX), None);
        assert_eq!(Unit::Seconds.text(i64::MAX), None);
        let mut texts = ["2024-01-31 00:00:00", "2024-02-01 00:00:00"].map(str::to_owned);
        without_midnight(&mut texts);
        assert_eq!(texts, ["2024-01-31", "2024-02-01"]);
        let mut texts = ["2024-01-31 00:00:00", "2024-02-01 00:00:01"].map(str::to_owned);
        without_midnight(&mut texts);
        assert_eq!(texts[0], "2024-01-31 00:00:00");
    }
}
