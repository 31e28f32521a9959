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

/// Rows from which on a batch has groups, and rows a group of a larger batch has at least.
const FEW_ROWS: usize = 128;
const GROUP_ROWS: usize = 128;

/// The most groups there are.
const MOST_GROUPS: usize = 16;

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
        let count = (rows / GROUP_ROWS).max(2).ilog2().min(MOST_GROUPS.ilog2());
        let count = 1 << count;
        let parameters: usize = layers.iter().map(|layer| layer.weight.len() + layer.outputs).sum();
        let widths: usize = layers.iter().map(|layer| layer.inputs + layer.outputs).sum();
        let worth = rows.saturating_mul(widths) >= parameters.saturating_mul(count);
        let are_tasks = threads.is_none_or(|threads| threads <= count);
        (rows >= FEW_ROWS && worth).then_some(Groups { rows, count, are_tasks })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The rows of group `number`, at most `MOST_ROWS` at a time: whole tiles but for the last.
    pub(crate) fn rows(&self, number: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let Groups { rows, count, .. } = *self;
        let first = |number: usize| (number * rows.div_ceil(TILE) / count * TILE).min(rows);
        let (start, end) = (first(number), first(number + 1));
        (start..end).step_by(MOST_ROWS).map(move |start| start..(start + MOST_ROWS).min(end))
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
    use consonance_core::{Activation, Loss, Plan};

    fn layers(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<DenseLayer> {
        let plan = Plan::mlp(inputs, hidden, outputs, Activation::Relu, Loss::CrossEntropy);
        plan.dense_layers().unwrap()
    }

    #[test]
    fn a_group_has_its_rows_and_no_other() {
        let layers = layers(64, &[32], 10);
        for (rows, count) in [(128, 2), (200, 2), (511, 2), (512, 4), (1797, 8), (100_003, 16)] {
            let groups = Groups::of(&layers, rows, None).unwrap();
            assert_eq!(groups.count(), count, "{rows} rows");
            let mut next = 0;
            for number in 0..count {
                let begins = next;
                for part in groups.rows(number) {
                    assert!(part.start == next && part.len() <= MOST_ROWS);
                    next = part.end;
                }
                assert!(next - begins + TILE > rows / count, "group {number} of {rows} rows");
            }
            assert_eq!(next, rows);
        }
    }

    #[test]
    fn small_batches_and_large_networks_have_no_groups() {
        assert_eq!(Groups::of(&layers(64, &[32], 10), FEW_ROWS - 1, None), None);
        // sums of a large network are no smaller than what they are sums of
        assert_eq!(Groups::of(&layers(784, &[512, 512], 10), 128, None), None);
    }

    #[test]
    fn groups_are_tasks_if_every_thread_has_one() {
        let layers = layers(64, &[32], 10);
        let are_tasks = |threads| Groups::of(&layers, 256, threads).unwrap().are_tasks;
        assert_eq!([Some(1), Some(2), Some(3), None].map(are_tasks), [true, true, false, true]);
    }
}
