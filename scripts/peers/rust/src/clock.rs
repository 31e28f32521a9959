//! The clock and the answer, the same as `peer.py` has for the Python peers.

use serde::Serialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

const FEWEST_STEPS: usize = 2;
const MOST_STEPS: usize = 1600;

/// A network in training.
pub trait Training {
    /// Trains for one step on the mini-batch of that number, and keeps the loss.
    fn step(&mut self, number: usize) -> Result<(), Box<dyn Error>>;

    /// The loss of the last step.
    fn loss(&self) -> Result<f64, Box<dyn Error>>;
}

#[derive(Serialize)]
pub struct Answer {
    modes: BTreeMap<&'static str, Measurement>,
}

#[derive(Serialize)]
struct Measurement {
    losses: Vec<f64>,
    microseconds: Microseconds,
    steps: usize,
}

#[derive(Serialize)]
struct Microseconds {
    median: f64,
    p10: f64,
    p90: f64,
}

/// Trains at first for the losses of `checked` steps, then to warm up, then against the clock.
pub fn measure(
    mode: &'static str,
    training: &mut dyn Training,
    checked: usize,
    time: Duration,
) -> Result<Answer, Box<dyn Error>> {
    let mut number = 0;
    let mut losses = Vec::new();
    while number < checked {
        training.step(number)?;
        losses.push(training.loss()?);
        number += 1;
    }

    let warm = Instant::now();
    while warm.elapsed() < time / 5 && number < MOST_STEPS / 5 {
        training.step(number)?;
        number += 1;
    }

    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < FEWEST_STEPS || (begin.elapsed() < time && times.len() < MOST_STEPS) {
        let start = Instant::now();
        training.step(number)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
        number += 1;
    }
    times.sort_by(f64::total_cmp);
    let quantile = |q: f64| times[(q * (times.len() - 1) as f64).round() as usize];
    let microseconds =
        Microseconds { median: quantile(0.5), p10: quantile(0.1), p90: quantile(0.9) };
    let measurement = Measurement { losses, microseconds, steps: times.len() };
    Ok(Answer { modes: BTreeMap::from([(mode, measurement)]) })
}
