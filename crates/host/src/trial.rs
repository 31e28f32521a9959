//! Whether a step is faster on one thread or shared out among all: found by trying.
//!
//! Where it pays depends on the kernels, and on what it costs to move weights and activations from
//! one core's cache to another's, which differs tenfold between machines. The bits of a step do
//! not depend on the number of threads, so both ways can be tried in the middle of a training.

use std::time::Duration;

/// Steps of fewer multiplications forward than this (rows times parameters) stay on one thread:
/// they take less time than handing anything over.
const NEVER: usize = 20_000;

/// Steps of more are shared out without trying.
const ALWAYS: usize = 20_000_000;

/// Steps one way before the other is tried, so that the caches are those of this way.
const TURN: u32 = 4;

/// Steps that are spent on trying.
const TRYING: u32 = 4 * TURN;

/// Steps after which it is tried again: what else the machine does may have changed.
const PERIOD: u32 = 4096;

/// The trial of one network's steps.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// Steps since the trial began.
    steps: u32,
    /// The fastest step alone, and shared.
    best: [Option<Duration>; 2],
}

impl Trial {
    /// Whether to share out work of so many multiplications.
    pub(crate) fn shares(&self, work: usize) -> bool {
        match work {
            ..NEVER => false,
            ALWAYS.. => true,
            // shared first, so that short tests of determinism see threads at work
            _ if self.steps < TRYING => (self.steps / TURN).is_multiple_of(2),
            _ => self.best[1] < self.best[0],
        }
    }

    /// Notes how long a step took, that was shared or not.
    pub(crate) fn note(&mut self, work: usize, shared: bool, time: Duration) {
        if !(NEVER..ALWAYS).contains(&work) {
            return;
        }
        if self.steps < TRYING {
            let best = &mut self.best[usize::from(shared)];
            *best = Some(best.map_or(time, |best| best.min(time)));
        }
        self.steps += 1;
        if self.steps == PERIOD {
            *self = Trial::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a trial ends with where a step takes these times alone and shared.
    fn verdict(alone: u64, shared: u64) -> bool {
        let mut trial = Trial::default();
        for _ in 0..TRYING {
            let shares = trial.shares(1_000_000);
            let time = if shares { shared } else { alone };
            trial.note(1_000_000, shares, Duration::from_micros(time));
        }
        trial.shares(1_000_000)
    }

    #[test]
    fn the_faster_way_wins_and_is_tried_again() {
        assert!(verdict(50, 30));
        assert!(!verdict(50, 60));
        let mut trial = Trial::default();
        for _ in 0..PERIOD {
            trial.note(1_000_000, trial.shares(1_000_000), Duration::from_micros(9));
        }
        assert_eq!((trial.steps, trial.best), (0, [None, None]));
    }

    #[test]
    fn the_smallest_and_the_largest_are_not_tried() {
        let trial = Trial::default();
        assert!(!trial.shares(NEVER - 1) && trial.shares(ALWAYS));
    }
}
