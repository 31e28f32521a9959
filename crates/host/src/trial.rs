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

/// Steps of a turn; the fastest counts, with the caches as this way leaves them.
const TURN: u32 = 4;

/// Steps after which the other way has a turn, since what else the machine does may have changed, or
/// may have disturbed the last trial: soon after a change, for the last trial may have been the
/// disturbed one, and each time later while the same way wins. In the end a hundredth of the time at
/// worst is lost.
const FIRST_PERIOD: u32 = 16;
const LAST_PERIOD: u32 = 256;

/// The trial of one network's steps.
#[derive(Debug)]
pub(crate) struct Trial {
    /// The way that is taken outside the other's turns.
    shared: bool,
    /// Steps between the last turn of the other way and the next.
    period: u32,
    /// Steps until the other way's turn begins; below zero during it.
    left: i32,
    /// The fastest step of the last turn's length, alone and shared, in seconds a multiplication:
    /// the last mini-batch of an epoch may have fewer rows.
    fastest: [f64; 2],
}

impl Default for Trial {
    /// Shared first, so that short tests of determinism see threads at work.
    fn default() -> Self {
        Trial {
            shared: true,
            period: FIRST_PERIOD / 2,
            left: TURN as i32,
            fastest: [f64::INFINITY; 2],
        }
    }
}

impl Trial {
    /// Whether to share out work of so many multiplications.
    pub(crate) fn shares(&self, work: usize) -> bool {
        match work {
            ..NEVER => false,
            ALWAYS.. => true,
            _ => self.shared != (self.left <= 0),
        }
    }

    /// Notes how long a step of so much work took.
    pub(crate) fn note(&mut self, work: usize, time: Duration) {
        if !(NEVER..ALWAYS).contains(&work) {
            return;
        }
        if self.left <= TURN as i32 {
            let fastest = &mut self.fastest[usize::from(self.shares(work))];
            *fastest = fastest.min(time.as_secs_f64() / work as f64);
        }
        self.left -= 1;
        if self.left == -(TURN as i32) {
            let [alone, shared] = self.fastest;
            let shared = shared < alone;
            let period = match shared == self.shared {
                true => (2 * self.period).min(LAST_PERIOD),
                false => FIRST_PERIOD,
            };
            *self = Trial { shared, period, left: period as i32, ..Trial::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: usize = 1_000_000;

    /// Goes on for some steps, which take these times alone and shared; answers how many of them
    /// were shared.
    fn steps(trial: &mut Trial, count: u32, alone: u64, shared: u64) -> u32 {
        let mut sum = 0;
        for _ in 0..count {
            let shares = trial.shares(WORK);
            trial.note(WORK, Duration::from_micros(if shares { shared } else { alone }));
            sum += u32::from(shares);
        }
        sum
    }

    #[test]
    fn the_faster_way_wins_and_is_tried_again() {
        for (alone, shared, wins) in [(50, 30, true), (50, 60, false)] {
            let mut trial = Trial::default();
            assert_eq!(steps(&mut trial, 2 * TURN, alone, shared), TURN);
            let period = trial.period;
            let expected = if wins { period } else { 0 };
            assert_eq!(steps(&mut trial, period, alone, shared), expected);
            // what took longer takes the least now
            let (alone, shared) = if wins { (10, 90) } else { (90, 10) };
            assert_eq!(steps(&mut trial, TURN, alone, shared), if wins { 0 } else { TURN });
            assert_eq!(trial.shares(WORK), !wins);
        }
    }

    #[test]
    fn a_disturbed_trial_is_soon_made_good() {
        let mut trial = Trial::default();
        steps(&mut trial, 100 * LAST_PERIOD, 50, 30);
        assert_eq!((trial.shared, trial.period), (true, LAST_PERIOD));
        // all is well again after one trial in which sharing was slow
        while trial.shared {
            steps(&mut trial, 1, 50, 90);
        }
        assert_eq!(trial.period, FIRST_PERIOD);
        steps(&mut trial, FIRST_PERIOD + TURN, 50, 30);
        assert!(trial.shared);
    }

    #[test]
    fn the_smallest_and_the_largest_are_not_tried() {
        let trial = Trial::default();
        assert!(!trial.shares(NEVER - 1) && trial.shares(ALWAYS));
    }
}
