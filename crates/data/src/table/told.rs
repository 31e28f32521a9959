//! What users say of a text file, done to a table whose cells have types of their own.

use super::{Cells, NO_TEXT, Table};
use crate::numbers::label;
use crate::options::ReadOptions;
use crate::select::position;
use indexmap::IndexSet;

impl Table {
    /// The table with the words for a missing value that `options` name, numbers among them, and with
    /// the columns as text that are to be.
    pub(crate) fn told_by(mut self, options: &ReadOptions) -> Self {
        if let Some(missing) = &options.missing {
            self.missing = missing.clone();
        }
        if options.missing.is_some() && self.missing.have_numbers() {
            let missing = &self.missing;
            for cells in self.chunks.iter_mut().flat_map(|chunk| &mut chunk.cells) {
                let absent = |number: f64| missing.contains(&label(number));
                let mut numbers = Vec::new();
                cells.each_number(0, |number| numbers.push(number));
                if numbers.iter().any(|&number| absent(number)) {
                    let present = |number| if absent(number) { f64::NAN } else { number };
                    *cells = Cells::of_numbers(numbers.into_iter().map(present).collect());
                }
            }
        }
        let names: Vec<String> = self.names().map(str::to_owned).collect();
        for column in options.text.iter().filter_map(|asked| position(&names, asked)) {
            self.make_text(column);
        }
        self
    }

    /// Makes a column of numbers one of text.
    fn make_text(&mut self, column: usize) {
        if self.columns[column].texts.is_some() {
            return;
        }
        let mut texts = IndexSet::new();
        for chunk in &mut self.chunks {
            let mut positions = Vec::with_capacity(chunk.rows);
            chunk.cells[column].each_number(chunk.rows, |number| {
                positions.push(match number.is_nan() {
                    true => NO_TEXT,
                    false => texts.insert_full(label(number)).0 as u32,
                });
            });
            chunk.cells[column] = Cells::Text(positions);
        }
        self.columns[column].texts = Some(texts.into_iter().collect());
        // it is no longer all pixels
        self.pixels = None;
    }
}
