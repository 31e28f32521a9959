//! Numbers brought to a size that networks learn from.

use crate::numbers::NOISE;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How columns of numbers are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scaling {
    /// Mean 0 and deviation 1, and what lies more than [`LIMIT`] deviations out is drawn in: z
    /// becomes ±(L + ln(1 + |z| − L)). Order is kept, and no rare value outweighs all others.
    #[default]
    Smooth,
    /// Mean 0 and deviation 1.
    Standard,
    /// Median 0 and the middle half of the values 1.349 wide, as that of a normal distribution of
    /// deviation 1; far out as [`Scaling::Smooth`].
    Robust,
    /// From 0 to 1.
    MinMax,
    /// ±ln(1 + |x|), then as [`Scaling::Smooth`]: for prices, incomes, populations.
    Log,
    /// As they are.
    None,
}

/// From how many deviations on [`Scaling::Smooth`] draws numbers in.
pub const LIMIT: f64 = 4.0;

impl Scaling {
    const ALL: [(Scaling, &str); 6] = [
        (Scaling::Smooth, "smooth"),
        (Scaling::Standard, "standard"),
        (Scaling::Robust, "robust"),
        (Scaling::MinMax, "min-max"),
        (Scaling::Log, "log"),
        (Scaling::None, "none"),
    ];

    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        Scaling::ALL.iter().find(|(scaling, _)| *scaling == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scaling {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Scaling::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(scaling, _)| *scaling).ok_or_else(|| {
            let names: Vec<&str> = Scaling::ALL.iter().map(|(_, name)| *name).collect();
            format!("no scaling '{name}'; there are: {}", names.join(", "))
        })
    }
}

/// A fitted scaling: x ↦ (x − center) / scale, of a logarithm or not, drawn in far out or not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scale {
    pub(crate) center: f64,
    /// Above 0.
    pub(crate) scale: f64,
    /// From where on numbers are drawn in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<f64>,
    /// True if the logarithm is scaled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) log: bool,
}

impl Scale {
    /// Leaves numbers as they are.
    pub(crate) const NONE: Scale = Scale { center: 0.0, scale: 1.0, limit: None, log: false };

    /// Fits `scaling` to `numbers`, the training rows' without NaN.
    ///
    /// # Errors
    /// A sentence, if the numbers span a range that `f64` cannot hold.
    pub(crate) fn fit(scaling: Scaling, numbers: &[f64]) -> Result<Self, String> {
        if numbers.is_empty() || scaling == Scaling::None {
            return Ok(Scale::NONE);
        }
        let log = scaling == Scaling::Log;
        let logarithms: Vec<f64>;
        let numbers = match log {
            true => {
                logarithms = numbers.iter().map(|&number| signed_log(number)).collect();
                &logarithms
            }
            false => numbers,
        };
        let range = range(numbers);
        let (center, scale) = match scaling {
            Scaling::MinMax => (range.0, range.1 - range.0),
            Scaling::Robust => quartiles(numbers),
            _ => moments(numbers, range),
        };
        // rounding noise is no deviation; of half the rows in one place the quartiles tell nothing
        let noise = NOISE * range.0.abs().max(range.1.abs());
        let whole = scale <= noise && numbers.iter().all(|number| number.fract() == 0.0);
        let noise = if whole { 0.0 } else { noise };
        let (center, scale) = match scale <= noise {
            true if scaling == Scaling::Robust => moments(numbers, range),
            true => (center, 0.0),
            false => (center, scale),
        };
        let scale = if scale <= noise { 1.0 } else { scale };
        if !center.is_finite() || !scale.is_finite() {
            return Err("its mean and deviation do not fit f64".to_owned());
        }
        let drawn_in = matches!(scaling, Scaling::Smooth | Scaling::Robust | Scaling::Log);
        Ok(Scale { center, scale, limit: drawn_in.then_some(LIMIT), log })
    }

    /// What a network sees of `number`.
    #[inline]
    pub(crate) fn apply(&self, number: f64) -> f64 {
        let number = if self.log { signed_log(number) } else { number };
        let scaled = (number - self.center) / self.scale;
        match self.limit {
            Some(limit) if scaled.abs() > limit => {
                (limit + (scaled.abs() - limit).ln_1p()).copysign(scaled)
            }
            _ => scaled,
        }
    }

    /// Checks that it can be applied: a model file may be damaged, or changed by hand.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.center.is_finite() {
            return Err(format!("a center of {}, expected a finite number", self.center));
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return Err(format!("a scale of {}, expected a number above 0", self.scale));
        }
        match self.limit {
            Some(limit) if !(limit.is_finite() && limit >= 0.0) => {
                Err(format!("a limit of {limit}, expected a number of at least 0"))
            }
            _ => Ok(()),
        }
    }
}

fn signed_log(number: f64) -> f64 {
    number.abs().ln_1p().copysign(number)
}

/// How many sums run side by side: an order of adding that vectors can keep.
const LANES: usize = 8;

/// The sum of `term` over the numbers.
fn sum(numbers: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    let (parts, rest) = numbers.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, &number)| *sum += term(number));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&number| term(number)).sum::<f64>()
}

/// The least and the largest of numbers that are not NaN.
pub(super) fn range(numbers: &[f64]) -> (f64, f64) {
    let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    let mut see = |lane: usize, number: f64| {
        low[lane] = if number < low[lane] { number } else { low[lane] };
        high[lane] = if number > high[lane] { number } else { high[lane] };
    };
    let (parts, rest) = numbers.as_chunks::<LANES>();
    parts.iter().for_each(|part| (0..LANES).for_each(|lane| see(lane, part[lane])));
    rest.iter().for_each(|&number| see(0, number));
    (
        low.into_iter().fold(f64::INFINITY, f64::min),
        high.into_iter().fold(f64::NEG_INFINITY, f64::max),
    )
}

/// Mean and population deviation. Sums are of differences from the first number, which loses no
/// digits to a large offset, and squares are of deviations divided by the largest, which neither
/// overflow nor vanish.
fn moments(numbers: &[f64], (low, high): (f64, f64)) -> (f64, f64) {
    let (count, first) = (numbers.len() as f64, numbers[0]);
    let mean = first + sum(numbers, |number| number - first) / count;
    let largest = (mean - low).max(high - mean);
    if largest == 0.0 {
        return (mean, 0.0);
    }
    let squares = sum(numbers, |number| {
        let share = (number - mean) / largest;
        share * share
    });
    (mean, largest * (squares / count).sqrt())
}

/// The median, and the distance of the quartiles in deviations of a normal distribution.
fn quartiles(numbers: &[f64]) -> (f64, f64) {
    const NORMAL: f64 = 1.348_979_500_392_163_5;
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| quantile(&sorted, share);
    (at(0.5), (at(0.75) - at(0.25)) / NORMAL)
}

/// The median; the numbers change their order.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    let (middle, even) = (numbers.len() / 2, numbers.len().is_multiple_of(2));
    let (below, &mut upper, _) = numbers.select_nth_unstable_by(middle, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if even => lower + 0.5 * (upper - lower),
        _ => upper,
    }
}

/// The quantile of sorted numbers, between two of them by linear interpolation, as numpy's default.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, part) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + part * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_out_is_drawn_in_smoothly() {
        let scale = Scale { limit: Some(LIMIT), ..Scale::NONE };
        assert_eq!(scale.apply(3.9), 3.9);
        assert_eq!(scale.apply(-4.0), -4.0);
        assert!((scale.apply(40.0) - (4.0 + 37_f64.ln())).abs() < 1e-12);
        assert_eq!(scale.apply(-40.0), -scale.apply(40.0));
        // continuous, with its slope, where it begins
        let slope = (scale.apply(LIMIT + 1e-6) - scale.apply(LIMIT)) / 1e-6;
        assert!((slope - 1.0).abs() < 1e-5, "{slope}");
    }

    #[test]
    fn each_scaling_does_what_it_says() {
        let numbers = [1.0, 2.0, 3.0, 4.0];
        let fit = |scaling| Scale::fit(scaling, &numbers).unwrap();
        let standard = fit(Scaling::Standard);
        assert_eq!((standard.center, standard.scale), (2.5, 1.25_f64.sqrt()));
        assert_eq!(fit(Scaling::Smooth), Scale { limit: Some(LIMIT), ..standard });
        assert_eq!(fit(Scaling::MinMax).apply(4.0), 1.0);
        assert_eq!(fit(Scaling::MinMax).apply(1.0), 0.0);
        assert_eq!(fit(Scaling::Robust).center, 2.5);
        assert!((fit(Scaling::Robust).scale - 1.5 / 1.3489795).abs() < 1e-6);
        assert_eq!(fit(Scaling::None).apply(3.0), 3.0);
        let log = fit(Scaling::Log);
        let expected = (2_f64.ln() + 3_f64.ln() + 4_f64.ln() + 5_f64.ln()) / 4.0;
        assert!((log.center - expected).abs() < 1e-12 && log.log);
    }

    #[test]
    fn rounding_noise_is_no_deviation() {
        let noise = [0.1 + 0.2, 0.3, 0.3];
        for scaling in [Scaling::Smooth, Scaling::Standard, Scaling::MinMax, Scaling::Robust] {
            assert_eq!(Scale::fit(scaling, &noise).unwrap().scale, 1.0, "{scaling}");
        }
        let far = [1e15, 1e15 + 1.0];
        assert_eq!(Scale::fit(Scaling::Standard, &far).unwrap().scale, 0.5);
        // half of the rows at one place
        let zeros = [0.0, 0.0, 0.0, 0.0, 5.0];
        assert_eq!(Scale::fit(Scaling::Robust, &zeros).unwrap().scale, 2.0);
    }

    #[test]
    fn medians_are_the_middle_quantiles() {
        let mut numbers = vec![3.0];
        for next in [1.0, 7.5, -2.0, 7.5, 0.0] {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            assert_eq!(median(&mut numbers.clone()), quantile(&sorted, 0.5), "{numbers:?}");
            numbers.push(next);
        }
    }

    #[test]
    fn huge_and_tiny_numbers_are_scaled() {
        for size in [1e300, 1e-300] {
            let scale = Scale::fit(Scaling::Standard, &[-size, size]).unwrap();
            assert_eq!(scale.apply(size), 1.0);
        }
        assert!(Scale::fit(Scaling::Standard, &[f64::MIN, f64::MAX]).is_err());
    }
}
