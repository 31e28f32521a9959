//! The functions over slices: how exact they are in `f32`, and that an element's bits depend on
//! nothing but the element.
//!
//! The error is measured against the same formula in `f64`, whose own error is 2⁻²⁹ of an `f32`
//! unit in the last place and does not count.

use consonance_core::Activation;
use consonance_core::tolerance::ulps_f32;
use consonance_host::math::{Activate, Exp};
use consonance_host::simd::{Level, dispatch_at};
use std::ops::RangeInclusive;
use std::thread;

/// A function and the bound its documentation states, in units in the last place.
struct Function {
    name: &'static str,
    sweep: fn(Level, &mut [f32]),
    reference: fn(f64) -> f64,
    bound: f64,
}

macro_rules! activation {
    ($name:literal, $activation:expr, $bound:literal) => {
        Function {
            name: $name,
            sweep: |level, y| dispatch_at(level, Activate { activation: $activation, y }),
            reference: |x| $activation.apply(x),
            bound: $bound,
        }
    };
}

const FUNCTIONS: [Function; 7] = [
    Function {
        name: "exp",
        sweep: |level, x| dispatch_at(level, Exp { x }),
        reference: f64::exp,
        bound: 1.0,
    },
    activation!("sigmoid", Activation::Sigmoid, 2.5),
    activation!("tanh", Activation::Tanh, 2.5),
    activation!("softplus", Activation::Softplus, 2.5),
    activation!("silu", Activation::Silu, 3.0),
    activation!("gelu", Activation::Gelu, 4.5),
    activation!("elu", Activation::Elu { alpha: 1.0 }, 1.0),
];

/// The largest error over every `step`-th bit pattern, and where it is, for each level.
fn worst(function: &Function, patterns: RangeInclusive<u32>, step: usize) -> Vec<(f64, f32)> {
    let mut worst = vec![(0.0, 0.0); Level::available().count()];
    let mut patterns = patterns.step_by(step).map(f32::from_bits);
    loop {
        let x: Vec<f32> = patterns.by_ref().take(1 << 14).collect();
        if x.is_empty() {
            return worst;
        }
        let exact: Vec<f64> = x.iter().map(|&x| (function.reference)(f64::from(x))).collect();
        for (level, worst) in Level::available().zip(&mut worst) {
            let mut y = x.clone();
            (function.sweep)(level, &mut y);
            for ((&x, &y), &exact) in x.iter().zip(&y).zip(&exact) {
                // most results are the nearest number
                if y != exact as f32 && !(y.is_nan() && exact.is_nan()) {
                    let error = ulps_f32(y, exact);
                    if error > worst.0 {
                        *worst = (error, x);
                    }
                }
            }
        }
    }
}

fn check(step: usize) {
    let results: Vec<_> = thread::scope(|scope| {
        let halves = [0..=u32::MAX / 2, u32::MAX / 2 + 1..=u32::MAX];
        let jobs = FUNCTIONS.iter().flat_map(|function| {
            halves.clone().map(|half| (function, scope.spawn(move || worst(function, half, step))))
        });
        let jobs: Vec<_> = jobs.collect();
        jobs.into_iter().map(|(function, job)| (function, job.join().unwrap())).collect()
    });
    let mut failures = Vec::new();
    for (function, worst) in results {
        for (level, (error, x)) in Level::available().zip(worst) {
            let line = format!("{} at {level}: {error:.3} ULP at {x:e}", function.name);
            println!("{line}");
            if error > function.bound {
                failures.push(line);
            }
        }
    }
    assert!(failures.is_empty(), "beyond the stated bounds:\n{}", failures.join("\n"));
}

#[test]
fn errors_stay_within_the_stated_bounds() {
    check(997);
}

#[test]
#[ignore = "exhaustive: cargo test --release -p consonance-host --test math -- --ignored --nocapture"]
fn errors_stay_within_the_stated_bounds_for_every_f32() {
    check(1);
}
