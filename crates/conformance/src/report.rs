//! What a check found.

use crate::oracle::Bounded;
use consonance_core::{Element, Error, Result, Values};
use std::fmt;

/// One thing a backend got wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where: plan, batch, element.
    pub place: String,
    /// What was expected, and what came.
    pub what: String,
}

/// The findings of one check: failures, and how close the rest came to its bounds.
#[derive(Debug, Clone)]
pub struct Report {
    check: &'static str,
    failures: Vec<Failure>,
    failed: usize,
    compared: usize,
    worst: f64,
    worst_place: String,
}

/// Failures written out in full; of more only the number is kept.
const WRITTEN_OUT: usize = 8;

impl Report {
    /// An empty report of the check of this name.
    pub fn new(check: &'static str) -> Self {
        Report {
            check,
            failures: Vec::new(),
            failed: 0,
            compared: 0,
            worst: 0.0,
            worst_place: String::new(),
        }
    }

    /// The name of the check.
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// True if the check compared something and nothing failed.
    pub fn passed(&self) -> bool {
        self.failed == 0 && self.compared > 0
    }

    /// The first failures.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// How many comparisons were made.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// The largest error met, as a fraction of its bound: at most 1 if nothing failed.
    pub fn worst(&self) -> f64 {
        self.worst
    }

    /// Panics with the whole report unless the check passed: what a test ends with.
    ///
    /// # Panics
    /// If a comparison failed, or none was made.
    pub fn assert_passed(&self) {
        assert!(self.passed(), "{self}");
    }

    /// Notes a failure.
    pub(crate) fn fail(&mut self, place: impl fmt::Display, what: impl fmt::Display) {
        self.failed += 1;
        if self.failures.len() < WRITTEN_OUT {
            self.failures.push(Failure { place: place.to_string(), what: what.to_string() });
        }
    }

    /// Holds that `fact` is so.
    pub(crate) fn require(&mut self, fact: bool, place: impl fmt::Display, what: &str) {
        self.compared += 1;
        if !fact {
            self.fail(place, what);
        }
    }

    /// Holds one number against its bound.
    pub(crate) fn within(&mut self, place: impl fmt::Display, observed: f64, expected: Bounded) {
        self.compared += 1;
        let fraction = expected.fraction(observed);
        if fraction > self.worst {
            self.worst = fraction;
            self.worst_place = place.to_string();
        }
        if fraction > 1.0 {
            let Bounded { value, error } = expected;
            self.fail(
                place,
                format_args!(
                    "{observed:e}, expected {value:e} ± {error:.2e} ({fraction:.3e} of the bound)"
                ),
            );
        }
    }

    /// Holds every element against its bound.
    pub(crate) fn all_within(
        &mut self,
        place: impl fmt::Display,
        observed: &Values,
        expected: &[Bounded],
    ) {
        if observed.len() != expected.len() {
            let (got, needed) = (observed.len(), expected.len());
            self.fail(place, format_args!("{got} values, expected {needed}"));
            return;
        }
        for (index, (value, bounded)) in observed.iter().zip(expected).enumerate() {
            self.within(format_args!("{place}, element {index}"), value, *bounded);
        }
    }

    /// Holds that a number is the one expected, where only one is right: any NaN for NaN, and
    /// either zero for 0.
    pub(crate) fn same_number<T: Element>(
        &mut self,
        place: impl fmt::Display,
        got: T,
        expected: T,
    ) {
        self.compared += 1;
        if got != expected && !(got.is_nan() && expected.is_nan()) {
            self.fail(place, format_args!("{got}, expected {expected}"));
        }
    }

    /// Holds that two buffers are the same bit for bit.
    pub(crate) fn same_bits(&mut self, place: impl fmt::Display, one: &Values, other: &Values) {
        self.compared += 1;
        let first = match (one, other) {
            (Values::F32(a), Values::F32(b)) if a.len() == b.len() => {
                a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits())
            }
            (Values::F64(a), Values::F64(b)) if a.len() == b.len() => {
                a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits())
            }
            _ => {
                self.fail(place, "buffers of another length or precision");
                return;
            }
        };
        if let Some(index) = first {
            let (a, b) = (one.get(index), other.get(index));
            self.fail(place, format_args!("element {index} is {b:e}, was {a:e} before"));
        }
    }

    /// Holds that a call succeeds, and hands on its answer.
    pub(crate) fn ok<T>(&mut self, place: impl fmt::Display, answer: Result<T>) -> Option<T> {
        answer.map_err(|error| self.fail(place, error)).ok()
    }

    /// Holds that a call is refused with an error of the kind `kind` accepts.
    pub(crate) fn refused<T>(
        &mut self,
        place: impl fmt::Display,
        answer: Result<T>,
        kind: impl Fn(&Error) -> bool,
    ) {
        self.compared += 1;
        match answer {
            Ok(_) => self.fail(place, "accepted, expected an error"),
            Err(error) if !kind(&error) => {
                self.fail(place, format_args!("another kind of error than documented: {error:?}"));
            }
            Err(_) => {}
        }
    }

    /// Runs a part of a check in which calls must succeed; an error ends that part and is a
    /// failure.
    pub(crate) fn attempt(
        &mut self,
        place: impl fmt::Display,
        part: impl FnOnce(&mut Self) -> Result<()>,
    ) {
        if let Err(error) = part(self) {
            self.fail(place, format_args!("unexpected error: {error}"));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { check, failures, failed, compared, worst, worst_place } = self;
        write!(f, "{check}: {compared} comparisons, {failed} failed")?;
        if *worst > 0.0 {
            write!(f, "; worst error {worst:.3e} of its bound ({worst_place})")?;
        }
        for Failure { place, what } in failures {
            write!(f, "\n  {place}: {what}")?;
        }
        if *failed > failures.len() {
            write!(f, "\n  and {} more", failed - failures.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_compared_nothing_has_not_passed() {
        let mut report = Report::new("empty");
        assert!(!report.passed());
        report.within("here", 1.5, Bounded { value: 1.0, error: 1.0 });
        assert!(report.passed());
        assert_eq!(report.worst(), 0.5);
    }

    #[test]
    fn bits_tell_zeros_and_nans_apart() {
        let same = |a: f32, b: f32| {
            let mut report = Report::new("bits");
            report.same_bits("here", &vec![a].into(), &vec![b].into());
            report.passed()
        };
        assert!(same(1.0, 1.0) && same(f32::NAN, f32::NAN));
        assert!(!same(0.0, -0.0) && !same(1.0, 1.0 + f32::EPSILON));
    }

    #[test]
    fn many_failures_are_counted_and_the_first_written_out() {
        let mut report = Report::new("many");
        for i in 0..100 {
            report.require(false, i, "wrong");
        }
        let text = report.to_string();
        assert!(text.contains("100 failed") && text.contains("7: wrong"), "{text}");
        assert!(text.contains("and 92 more") && !text.contains("8: wrong"), "{text}");
    }
}
