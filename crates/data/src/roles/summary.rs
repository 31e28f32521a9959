//! What a column of numbers holds.

use crate::numbers::NOISE;
use crate::table::Table;

/// What a column of numbers holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NumberSummary {
    pub(super) missing: usize,
    pub(super) min: f64,
    pub(super) max: f64,
    /// True if all are whole.
    pub(super) whole: bool,
    /// True if each is one more than the one before.
    pub(super) running: bool,
    /// The one before.
    before: f64,
}

impl NumberSummary {
    pub(super) fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut summary = NumberSummary::NONE;
        numbers.for_each(|number| summary.add(number));
        summary
    }

    /// Of a column of numbers.
    pub(super) fn of_column(table: &Table, column: usize) -> Self {
        let mut summary = NumberSummary::NONE;
        for (rows, cells) in table.column(column) {
            cells.each_number(rows, |number| summary.add(number));
        }
        summary
    }

    const NONE: NumberSummary = NumberSummary {
        missing: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        whole: true,
        running: true,
        before: f64::NAN,
    };

    #[inline]
    fn add(&mut self, number: f64) {
        if number.is_nan() {
            self.missing += 1;
            self.running = false;
            return;
        }
        self.min = if number < self.min { number } else { self.min };
        self.max = if number > self.max { number } else { self.max };
        self.whole = self.whole && number.fract() == 0.0;
        self.running = self.running && (self.before.is_nan() || number == self.before + 1.0);
        self.before = number;
    }

    /// True if the numbers differ by no more than rounding does.
    pub(super) fn is_constant(&self) -> bool {
        let (size, range) = (self.min.abs().max(self.max.abs()), self.max - self.min);
        // also for a single one that is infinite
        self.min == self.max || !self.whole && range.is_finite() && range <= NOISE * size
    }
}
