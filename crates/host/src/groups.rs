//! Groups of rows that sum their own gradient: how a large batch goes through a small network.
//!
//! A task takes a group through the layers and sums the gradient of its rows, so that only these
//! sums travel between threads. The larger a group, the less there is to begin and to add up; the
//! more groups, the more threads have one. Where there are more threads than groups, the batch is
//! shared out as any other, and who sums the gradient of some parameters does so group by group:
//! the same bits.

use crate::schedule::{MOST_ROWS, TILE};
use consonance_core::DenseLayer;
use std::ops::Range;

/// Rows from which on a batch has two groups, and rows of each where there are more than two.
const GROUP_ROWS: usize = 128;

/// The most groups there are: their gradients are added up one after the other, where more rows of
/// a matrix would be summed side by side (`math::columns`).
const MOST_GROUPS: usize = 16;

/// Groups are worth their sums if these are no more than what so many rows have in all layers.
const WORTH_ROWS: usize = 64;

/// How the rows of a batch are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Groups {
    rows: usize,
    count: usize,
    /// True if a task takes a group; false if tasks take what they take of other batches.
    pub(crate) are_tasks: bool,
}

impl Groups {
    /// The groups of a batch of `rows` rows; nothing if its gradient is summed over the whole batch.
    /// `threads` share it, or `None` if the cut must not depend on their number.
    pub(crate) fn of(layers: &[DenseLayer], rows: usize, threads: Option<usize>) -> Option<Self> {
        // a power of two falls to two or four threads in equal shares
        let count = 1 << (rows / GROUP_ROWS).clamp(2, MOST_GROUPS).ilog2();
        let parameters: usize = layers.iter().map(|layer| layer.weight.len() + layer.outputs).sum();
        let widths: usize = layers.iter().map(|layer| layer.inputs + layer.outputs).sum();
        let worth = widths.saturating_mul(WORTH_ROWS.max(rows / MOST_GROUPS)) >= parameters;
        // more rows than a task takes at a time would be summed in other calls elsewhere
        let large = rows > count * MOST_ROWS;
        let are_tasks = large || threads.is_none_or(|threads| threads <= count);
        (rows >= GROUP_ROWS && worth).then_some(Groups { rows, count, are_tasks })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many blocks of rows they are taken through the layers in.
    pub(crate) fn blocks(&self) -> usize {
        (0..self.count).map(|number| self.rows(number).len().div_ceil(MOST_ROWS)).sum()
    }

    /// The rows of group `number`: whole tiles but for the last.
    pub(crate) fn rows(&self, number: usize) -> Range<usize> {
        let tiles = self.rows.div_ceil(TILE);
        let first = |number: usize| (number * tiles / self.count * TILE).min(self.rows);
        first(number)..first(number + 1)
    }

    /// How many elements the gradients of groups take: of all parameters for each group, or where
    /// threads sum them group by group, of so many for each thread.
    pub(crate) fn room(&self, parameters: usize, threads: usize, of_thread: usize) -> usize {
        match self.are_tasks {
            true => self.count.saturating_mul(parameters),
            false => threads.saturating_mul(of_thread),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::layers;

    #[test]
    fn a_group_has_its_rows_and_no_other() {
        let layers = layers(64, &[32], 10);
        for (rows, count) in [(128, 2), (200, 2), (511, 2), (512, 4), (1797, 8), (100_003, 16)] {
            let groups = Groups::of(&layers, rows, None).unwrap();
            assert_eq!(groups.count(), count, "{rows} rows");
            let mut next = 0;
            for rows_of in (0..count).map(|number| groups.rows(number)) {
                assert!(rows_of.start == next && rows_of.len() + TILE > rows / count);
                next = rows_of.end;
            }
            assert_eq!(next, rows);
        }
    }

    #[test]
    fn small_batches_and_large_networks_have_no_groups() {
        assert_eq!(Groups::of(&layers(64, &[32], 10), GROUP_ROWS - 1, None), None);
        // sums of a large network are no smaller than what they are sums of, but for many rows
        let large = layers(784, &[512, 512], 10);
        assert_eq!(Groups::of(&large, 128, None), None);
        let from = (128..8192).find(|&rows| Groups::of(&large, rows, None).is_some()).unwrap();
        assert!((from..8192).all(|rows| Groups::of(&large, rows, None).is_some()), "{from} rows");
    }

    #[test]
    fn groups_are_tasks_if_every_thread_has_one_or_they_are_large() {
        let layers = layers(64, &[32], 10);
        let are_tasks = |rows, threads| Groups::of(&layers, rows, threads).unwrap().are_tasks;
        let of_256 = [Some(1), Some(2), Some(3), None].map(|threads| are_tasks(256, threads));
        assert_eq!(of_256, [true, true, false, true]);
        assert_eq!([4096, 4097].map(|rows| are_tasks(rows, Some(17))), [false, true]);
        // elsewhere a group is summed in one call
        for rows in 128..=4096 {
            let groups = Groups::of(&layers, rows, Some(17)).unwrap();
            let one_call = |number| groups.rows(number).len() <= MOST_ROWS;
            assert!(groups.are_tasks || (0..groups.count()).all(one_call), "{rows} rows");
        }
    }
}
