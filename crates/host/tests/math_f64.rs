//! How exact the functions are in `f64`, against values computed to 60 digits by
//! `scripts/coefficients/golden.py`.

use consonance_core::Activation;
use consonance_host::math::{Activate, Exp};
use consonance_host::simd::{Level, dispatch_at};

/// The bounds the documentation states, in units in the last place.
fn bound(function: &str) -> f64 {
    match function {
        "exp" | "elu" => 1.0,
        "sigmoid" | "tanh" | "softplus" => 2.5,
        "silu" => 3.0,
        "gelu" => 4.5,
        _ => panic!("the golden file has an unknown function '{function}'"),
    }
}

fn apply(function: &str, level: Level, x: &mut [f64]) {
    if function == "exp" {
        dispatch_at(level, Exp { x });
    } else {
        let activation = function.parse::<Activation>().unwrap();
        dispatch_at(level, Activate { activation, y: x });
    }
}

/// The distance from `y` to `nearest` + `rest` in units in the last place of `nearest`.
fn ulps(y: f64, nearest: f64, rest: f64) -> f64 {
    let magnitude = nearest.abs();
    let unit = f64::from_bits(magnitude.to_bits() + 1) - magnitude;
    ((y - nearest) / unit - rest).abs()
}

#[test]
fn errors_stay_within_the_stated_bounds() {
    let golden = include_str!("data/math_f64.txt");
    let lines: Vec<(&str, f64, f64, f64)> = golden
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let number = |field: &str| f64::from_bits(u64::from_str_radix(field, 16).unwrap());
            (fields[0], number(fields[1]), number(fields[2]), fields[3].parse().unwrap())
        })
        .collect();
    let mut failures = Vec::new();
    for group in lines.chunk_by(|a, b| a.0 == b.0) {
        let name = group[0].0;
        for level in Level::available() {
            let mut y: Vec<f64> = group.iter().map(|line| line.1).collect();
            apply(name, level, &mut y);
            let errors = group.iter().zip(&y).map(|(&(_, x, nearest, rest), &y)| {
                let error = ulps(y, nearest, rest);
                (if error.is_nan() { f64::INFINITY } else { error }, x)
            });
            let (error, x) = errors.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            let line = format!("{name} at {level}: {error:.3} ULP at {x:e}");
            println!("{line}");
            if error > bound(name) {
                failures.push(line);
            }
        }
    }
    assert!(failures.is_empty(), "beyond the stated bounds:\n{}", failures.join("\n"));
}
