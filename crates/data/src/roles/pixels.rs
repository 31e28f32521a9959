//! Tables of pixels: images that are written row by row.

use super::summary::NumberSummary;
use crate::table::Table;
use std::collections::HashSet;

/// Columns that are the pixels of an image.
pub(crate) struct Pixels {
    pub(crate) columns: Vec<usize>,
    /// The largest value a pixel may have.
    pub(crate) range: f64,
}

/// Fewer columns are no image.
const LEAST: usize = 16;

/// The pixels among the columns `candidates`, if all of them are: an IDX file's, or columns that are
/// numbered through (`pixel0`, `p0_1`, `28x28`, or no names at all), of whole numbers from 0 to at
/// most 255, as many as fill a rectangle.
pub(crate) fn find_pixels(table: &Table, candidates: &[usize]) -> Option<Pixels> {
    let columns = candidates.to_vec();
    if let Some(width) = table.pixels {
        let all = columns.len() == width;
        return all.then_some(Pixels { columns, range: 255.0 });
    }
    if columns.len() < LEAST || !is_rectangle(columns.len()) || !are_numbered(table, &columns) {
        return None;
    }
    let mut largest: f64 = 0.0;
    for &column in &columns {
        table.columns[column].texts.is_none().then_some(())?;
        let summary = NumberSummary::of_column(table, column);
        if summary.missing > 0 || !summary.whole || summary.min < 0.0 {
            return None;
        }
        largest = largest.max(summary.max);
    }
    // yes and no, grey levels of four bits, of eight
    let range = [1.0, 16.0, 255.0].into_iter().find(|range| largest <= *range)?;
    Some(Pixels { columns, range })
}

/// True for squares, and for squares of three colours.
fn is_rectangle(count: usize) -> bool {
    let square = |count: usize| count.isqrt().pow(2) == count;
    square(count) || count.is_multiple_of(3) && square(count / 3)
}

/// True if the names are one stem with different numbers, or are made up.
fn are_numbered(table: &Table, columns: &[usize]) -> bool {
    let stem = |name: &str| -> String { name.chars().filter(|c| !c.is_ascii_digit()).collect() };
    let stems: HashSet<String> =
        columns.iter().map(|&column| stem(&table.columns[column].name)).collect();
    let digits =
        |&column: &usize| table.columns[column].name.contains(|c: char| c.is_ascii_digit());
    stems.len() == 1 && columns.iter().all(digits)
}
