//! How numbers are written, and what they are.

use serde::{Deserialize, Serialize};

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NumberFormat {
    /// True if a comma separates the fraction, false if a point does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) decimal_comma: bool,
    /// What separates groups of three digits, if anything does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thousands: Option<char>,
    /// True if numbers may carry a percent sign or a currency's, which is taken off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unit: bool,
}

/// A number as a cell holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) spelling: Spelling,
}

/// What a number's digits tell beside its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spelling {
    /// A whole number in its only spelling, such as `42` or `-1`.
    Whole,
    /// Any other spelling, of which a number has several: `1.50`, `1e3`, `+1`.
    Other,
    /// A whole number with a zero before it, as codes have: `007`.
    LeadingZero,
}

impl NumberFormat {
    /// The number that `cell` is, if it is one, infinities among them; no spelling of NaN is.
    #[inline]
    pub(crate) fn parse(self, cell: &str) -> Option<Number> {
        if let Some(number) = whole(cell.as_bytes()) {
            return Some(number);
        }
        match self {
            NumberFormat { decimal_comma: false, thousands: None, unit: false } => plain(cell),
            _ => self.parse_formatted(cell),
        }
    }

    fn parse_formatted(self, cell: &str) -> Option<Number> {
        let cell = if self.unit { without_unit(cell) } else { cell };
        let decimal = if self.decimal_comma { ',' } else { '.' };
        let end = cell.find([decimal, 'e', 'E']).unwrap_or(cell.len());
        let (whole_part, fraction) = cell.split_at(end);
        let mut text = match self.thousands {
            Some(mark) if whole_part.contains(mark) => ungrouped(whole_part, mark)?,
            _ => whole_part.to_owned(),
        };
        match self.decimal_comma {
            // the other sign has no place in it
            true if cell.contains('.') && self.thousands != Some('.') => return None,
            true => text += &fraction.replacen(',', ".", 1),
            false => text += fraction,
        }
        plain(&text)
    }
}

/// A whole number of at most 15 digits, which an `f64` holds exactly, in its only spelling or with
/// zeros before it.
#[inline]
fn whole(cell: &[u8]) -> Option<Number> {
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mut value = 0_u64;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = 10 * value + u64::from(digit);
    }
    let spelling = match digits {
        [b'0', _, ..] => Spelling::LeadingZero,
        // -0 is 0 spelt otherwise
        [b'0'] if negative => Spelling::Other,
        _ => Spelling::Whole,
    };
    let value = value as f64;
    Some(Number { value: if negative { -value } else { value }, spelling })
}

/// What Rust reads as a number, but for NaN, and for numbers too large: those are written out as
/// finite and may not become ∞.
fn plain(text: &str) -> Option<Number> {
    let value: f64 = text.parse().ok()?;
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let finite = value.is_finite() || (value.is_infinite() && !digits);
    (finite || digits).then_some(Number { value, spelling: Spelling::Other })
}

/// `text` without the marks between its groups of three digits, if that is what they are.
fn ungrouped(text: &str, mark: char) -> Option<String> {
    let digits = text.trim_start_matches(['-', '+']);
    if text.len() - digits.len() > 1 {
        return None;
    }
    let mut groups = digits.split(mark);
    let first = groups.next()?;
    let of_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = (1..=3).contains(&first.len())
        && of_digits(first)
        && first.as_bytes()[0] != b'0'
        && groups.all(|group| group.len() == 3 && of_digits(group));
    grouped.then(|| text.replace(mark, ""))
}

/// Signs of units that a number may carry.
const UNITS: [char; 5] = ['%', '$', '€', '£', '¥'];

/// `cell` without a percent sign or a currency's, before or behind the number.
fn without_unit(cell: &str) -> &str {
    let cell = cell.trim_end_matches(UNITS).trim_end();
    // a minus may stand before the currency
    match cell.strip_prefix(UNITS) {
        Some(rest) => rest.trim_start(),
        None => cell,
    }
}

impl NumberFormat {
    /// Every way of writing numbers that is looked for, the most likely first, where `decimal_comma`
    /// says what the file's other numbers have.
    fn candidates(decimal_comma: bool) -> Vec<NumberFormat> {
        let marks = |decimal_comma: bool| -> &[Option<char>] {
            match decimal_comma {
                true => &[None, Some('.'), Some(' '), Some('\u{a0}'), Some('\u{202f}'), Some('\'')],
                false => {
                    &[None, Some(','), Some(' '), Some('\u{a0}'), Some('\u{202f}'), Some('\'')]
                }
            }
        };
        let mut all = Vec::new();
        for unit in [false, true] {
            for comma in [decimal_comma, !decimal_comma] {
                for &thousands in marks(comma) {
                    all.push(NumberFormat { decimal_comma: comma, thousands, unit });
                }
            }
        }
        all
    }

    /// The format in which all of `cells` are numbers, if there is one, and whether another reading
    /// would give other numbers.
    pub(crate) fn find<'a>(
        cells: impl Iterator<Item = &'a str> + Clone,
        decimal_comma: bool,
    ) -> Option<(NumberFormat, bool)> {
        cells.clone().next()?;
        let reads = |format: NumberFormat| cells.clone().all(|cell| format.parse(cell).is_some());
        let found = Self::candidates(decimal_comma).into_iter().find(|&format| reads(format))?;
        // `1,234` is a thousand or a bit more than one
        let other =
            NumberFormat { decimal_comma: !found.decimal_comma, thousands: None, unit: found.unit };
        let grouped = matches!(found.thousands, Some(',' | '.'));
        Some((found, grouped && reads(other)))
    }
}

/// The label that a number stands for: its shortest decimal.
pub(crate) fn label(number: f64) -> String {
    // adding zero turns -0 into 0
    format!("{}", number + 0.0)
}

/// The finite number that a label is.
pub(crate) fn label_number(label: &str) -> Option<f64> {
    label.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Numbers that differ by less than this share of the largest differ by rounding alone, unless they
/// are whole.
pub(crate) const NOISE: f64 = 64.0 * f64::EPSILON;

#[cfg(test)]
mod tests {
    use super::*;

    fn value(format: NumberFormat, cell: &str) -> Option<f64> {
        format.parse(cell).map(|number| number.value)
    }

    #[test]
    fn plain_numbers_are_rusts_but_nan() {
        let plain = NumberFormat::default();
        for cell in ["0", "-1", "42", "1.5", ".5", "5.", "1e3", "+2", "999999999999999", "1e-400"] {
            assert_eq!(value(plain, cell), cell.parse().ok(), "{cell}");
        }
        assert_eq!(value(plain, "inf"), Some(f64::INFINITY));
        assert_eq!(value(plain, "1e999"), Some(f64::INFINITY));
        for cell in ["", "-", "nan", "NaN", "1,5", "1 000", "0x10", "45%", "1_000"] {
            assert_eq!(value(plain, cell), None, "{cell}");
        }
    }

    #[test]
    fn spellings_are_told_apart() {
        let spelling = |cell| NumberFormat::default().parse(cell).unwrap().spelling;
        assert_eq!(spelling("70"), Spelling::Whole);
        assert_eq!(spelling("0"), Spelling::Whole);
        assert_eq!(spelling("007"), Spelling::LeadingZero);
        for cell in ["7.0", "-0", "1e1", "+7", "0.5", "1234567890123456"] {
            assert_eq!(spelling(cell), Spelling::Other, "{cell}");
        }
    }

    #[test]
    fn a_columns_format_is_found_from_all_its_cells() {
        let find = |cells: &[&str], comma| NumberFormat::find(cells.iter().copied(), comma);
        let format =
            |decimal_comma, thousands, unit| NumberFormat { decimal_comma, thousands, unit };
        assert_eq!(find(&["1,5", "2"], false), Some((format(true, None, false), false)));
        assert_eq!(find(&["2,060", "999"], false), Some((format(false, Some(','), false), true)));
        assert_eq!(find(&["2,060", "1.5"], false), Some((format(false, Some(','), false), false)));
        assert_eq!(find(&["2,060", "1,5"], false), Some((format(true, None, false), false)));
        assert_eq!(find(&["2,060"], true), Some((format(true, None, false), false)));
        assert_eq!(find(&["1.234,5", "7"], true), Some((format(true, Some('.'), false), false)));
        assert_eq!(find(&["45%", "5 %"], false), Some((format(false, None, true), false)));
        assert_eq!(
            find(&["$1,250.50", "$7"], false),
            Some((format(false, Some(','), true), false))
        );
        for cells in [&["1,5", "x"][..], &["1,23,456"], &["0,123", "1,234,567"], &["--1,000"], &[]]
        {
            assert_eq!(find(cells, false), None, "{cells:?}");
        }
    }

    #[test]
    fn groups_and_commas_are_read() {
        let german = NumberFormat { decimal_comma: true, thousands: Some('.'), unit: true };
        assert_eq!(value(german, "-1.234.567,5"), Some(-1_234_567.5));
        assert_eq!(value(german, "12,5 €"), Some(12.5));
        assert_eq!(value(german, "1.23"), None);
    }
}
