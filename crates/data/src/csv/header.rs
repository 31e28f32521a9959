//! Whether the first row holds names, and which.

use crate::missing::MissingWords;
use crate::numbers::NumberFormat;
use std::collections::HashSet;

/// What the first row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstRow {
    Names,
    Data,
    /// It may be either.
    Unclear,
}

/// A cell, as far as telling names from data is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Missing,
    Number(f64),
    Text,
}

/// What the first row is, told column by column from how its cells differ from those `below`:
///
/// - a cell that stands below too, or a missing one over numbers, is data, unless there are as many
///   names;
/// - text over numbers is a name;
/// - a number over numbers is data, unless all numbers of the row are distinct whole ones and are
///   unlike those below: years, or the running numbers that pandas gives to columns.
pub(crate) fn first_row(
    first: &[String],
    below: &[Vec<String>],
    numbers: NumberFormat,
    missing: &MissingWords,
) -> FirstRow {
    let kind = |cell: &str| match numbers.parse(cell) {
        Some(number) => Kind::Number(number.value),
        None if missing.contains(cell) => Kind::Missing,
        None => Kind::Text,
    };
    let columns: Vec<Column> = (0..first.len())
        .map(|index| {
            let cells = below.iter().filter_map(|row| row.get(index)).map(String::as_str);
            Column::new(kind(&first[index]), &first[index], cells, kind)
        })
        .collect();
    let any = |vote: fn(&Column) -> bool| columns.iter().any(vote);
    let numeric: Vec<&Column> =
        columns.iter().filter(|column| matches!(column.first, Kind::Number(_))).collect();
    let count = |vote: fn(&Column) -> bool| columns.iter().filter(|column| vote(column)).count();
    let (names, repeated) = (count(Column::is_name), count(|column| column.repeated));
    if repeated > names {
        return FirstRow::Data;
    }
    if numeric.is_empty() {
        // nothing but text and holes; a hole over numbers is a missing value
        let hole =
            |c: &Column| c.first == Kind::Missing && !c.empty && c.numbers && !c.below.is_empty();
        return match any(hole) && !any(Column::is_name) {
            true => FirstRow::Data,
            false => FirstRow::Names,
        };
    }
    let run = run_on(&numeric);
    match any(Column::is_name) {
        true if run || numeric.iter().all(|column| !column.numbers) => FirstRow::Names,
        true => FirstRow::Unclear,
        false if run => unlike_below(&numeric),
        false => FirstRow::Data,
    }
}

/// A column, split into its first cell and those below.
struct Column {
    first: Kind,
    /// True if the first cell's text stands below too.
    repeated: bool,
    /// True if no cell below holds anything but numbers and missing values.
    numbers: bool,
    /// True if the first cell is empty, as that over row names is.
    empty: bool,
    /// The numbers below.
    below: Vec<f64>,
}

impl Column {
    fn new<'a>(
        first: Kind,
        text: &str,
        cells: impl Iterator<Item = &'a str>,
        kind: impl Fn(&str) -> Kind,
    ) -> Self {
        let empty = text.is_empty();
        let mut column = Column { first, repeated: false, numbers: true, empty, below: Vec::new() };
        for cell in cells {
            match kind(cell) {
                Kind::Missing => {}
                Kind::Number(number) => column.below.push(number),
                Kind::Text => {
                    column.numbers = false;
                    column.repeated |= first == Kind::Text && cell == text;
                }
            }
        }
        column
    }

    /// True for text over numbers.
    fn is_name(&self) -> bool {
        self.first == Kind::Text && self.numbers && !self.below.is_empty()
    }
}

/// True if the numbers of the first row are whole, run on by ones, and begin as names do: with 0, 1
/// or a year; of years some may be left out.
fn run_on(columns: &[&Column]) -> bool {
    let number = |column: &&Column| match column.first {
        Kind::Number(number) => number,
        _ => f64::NAN,
    };
    let first: Vec<f64> = columns.iter().map(number).collect();
    let begins = matches!(first[0], 0.0 | 1.0) || (1800.0..2200.0).contains(&first[0]);
    // a single number is a name only if it cannot be a measurement
    let years = first.iter().all(|year| year.fract() == 0.0 && (1800.0..2200.0).contains(year));
    let rising = first.windows(2).all(|pair| pair[0] < pair[1]);
    begins && first[0].fract() == 0.0 && (follow(&first) || years && rising)
        || first == [f64::INFINITY]
}

/// True if each number is one more than the one before.
fn follow(row: &[f64]) -> bool {
    row.windows(2).all(|pair| pair[1] == pair[0] + 1.0)
}

/// What a row of nothing but running numbers is: names, if at least half of them lie apart from the
/// numbers below.
fn unlike_below(columns: &[&Column]) -> FirstRow {
    let second: Vec<f64> =
        columns.iter().filter_map(|column| column.below.first().copied()).collect();
    if columns.len() < 2 || second.is_empty() || second.len() > 1 && follow(&second) {
        return FirstRow::Data;
    }
    let unlike = |column: &&&Column| {
        let Kind::Number(first) = column.first else { return false };
        let range = (f64::INFINITY, f64::NEG_INFINITY);
        let (low, high) = column.below.iter().fold(range, |(l, h), &n| (l.min(n), h.max(n)));
        let whole = column.below.iter().all(|number| number.fract() == 0.0);
        !whole || first < low || first > high
    };
    match columns.iter().filter(unlike).count() {
        0 => FirstRow::Data,
        some if 2 * some >= columns.len() => FirstRow::Names,
        _ => FirstRow::Unclear,
    }
}

/// A name for each of `width` columns: that in the header, or `column_N` where there is none. Where
/// several are called the same, the later ones have a number added; which these are.
pub(crate) fn names(header: Option<&[String]>, width: usize) -> (Vec<String>, Vec<usize>) {
    let mut taken = HashSet::new();
    let (mut names, mut renamed) = (Vec::with_capacity(width), Vec::new());
    let header = header.unwrap_or_default();
    let all: HashSet<&str> = header.iter().map(String::as_str).collect();
    for index in 0..width {
        let given = header.get(index).filter(|name| !name.is_empty());
        let plain = given.cloned().unwrap_or_else(|| format!("column_{}", index + 1));
        let mut name = plain.clone();
        let mut number = 2;
        while taken.contains(&name) || (name != plain && all.contains(name.as_str())) {
            name = format!("{plain}_{number}");
            number += 1;
        }
        if name != plain {
            renamed.push(index);
        }
        taken.insert(name.clone());
        names.push(name);
    }
    (names, renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> FirstRow {
        let rows = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        let rows: Vec<Vec<String>> = rows.collect();
        first_row(&rows[0], &rows[1..], NumberFormat::default(), &MissingWords::default())
    }

    #[test]
    fn names_are_told_from_data() {
        use FirstRow::{Data, Names, Unclear};
        let cases = [
            ("a,b,kind\n1,2,x\n", Names),
            ("a,b\nAnn,Paris\nBob,Rome\n", Names),
            (",a,y\n1,2,3\n", Names),
            ("1,2,x\n3,4,y\n", Data),
            ("1,2,3\n4,5,6\n", Data),
            ("5.1,3.5,setosa\n4.9,3.0,setosa\n", Data),
            ("1,?,3,0\n4,5,6,1\n", Data),
            ("NA,no\n25,yes\n4,no\n", Data),
            ("x,1\nx,2\ny,3\n", Data),
            // names that are numbers
            ("0,1,label\n5.5,6.5,1\n2.5,0,0\n", Names),
            ("2019,2020,2021\n5.0,0.5,4.5\n6.25,0,6\n", Names),
            ("region,2019,2020,kind\n0,20,2,0\n1,25,0,1\n", Names),
            ("country,1970,1971,1974\nAA,3,7,0\nBB,1,0,9\n", Names),
            // a level that is called as its column
            ("airbag,n,m\nnone,3,1\nairbag,4,2\n", Names),
            ("airbag,x,1\nnone,x,1\nairbag,x,2\n", Data),
            ("x,inf,kind\n20,2,0\n25,0,1\n", Names),
            // a row of pixels
            ("0,0,0,5\n0,3,1,2\n", Data),
            ("a,17,b\n1,18,2\n3,12,4\n", Unclear),
        ];
        for (text, expected) in cases {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn equal_names_are_numbered() {
        let header = ["a", "", "a", "a_2", "a"].map(str::to_owned);
        let (given, renamed) = names(Some(&header), 6);
        assert_eq!(given, ["a", "column_2", "a_3", "a_2", "a_4", "column_6"]);
        assert_eq!(renamed, [2, 4]);
        assert_eq!(names(None, 2).0, ["column_1", "column_2"]);
    }
}
