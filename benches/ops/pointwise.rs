//! Activations, their derivatives and losses: the host engine's, which all its backends share.

use super::normal;
use crate::common::{assert_agreement, id, worst_error};
use consonance::host::Math;
use consonance::host::loss::loss_and_gradient;
use consonance::rng::{Purpose, Stream};
use consonance::{Activation, Loss, Precision, Rows, Targets, Values};
use consonance_conformance::oracle::{Bounded, Rounding, activation, loss};
use criterion::{BatchSize, Criterion, Throughput};
use std::cell::LazyCell;

/// The outputs of a hidden layer of `mnist`: [128, 512].
const HIDDEN: usize = 128 * 512;

/// Rows and outputs of `tiny`, and of `seed`.
const OUTPUTS: [[usize; 2]; 2] = [[32, 10], [1797, 10]];

/// y ← f(y) and delta ← delta · f′, each of numbers just written, as in a step.
pub(crate) fn activations(criterion: &mut Criterion) {
    let z = normal(0, HIDDEN);
    let rounding = Rounding::of(Precision::F32);
    for f in Activation::ALL.into_iter().filter(|f| *f != Activation::Identity) {
        let name = f.name();
        let activate = |y: &mut Vec<f32>| f32::activate(f, y);
        let mut y = z.to_vec();
        activate(&mut y);
        let scale = |delta: &mut Vec<f32>| f32::scale_by_derivative(f, &z, &y, delta);
        let ones = || vec![1.0; HIDDEN];

        let agreed = LazyCell::new(|| {
            let expected = exact(&z).map(|z| activation::output(f, z, rounding));
            assert_agreement(name, worst_error(expected, wide(&y)));
        });
        let mut group = criterion.benchmark_group(format!("ops/{name}/{HIDDEN}"));
        group.throughput(Throughput::Elements(HIDDEN as u64));
        group.bench_function(id("host", 1), |bencher| {
            LazyCell::force(&agreed);
            bencher.iter_batched_ref(|| z.to_vec(), activate, BatchSize::PerIteration);
        });
        group.finish();

        let agreed = LazyCell::new(|| {
            let mut slopes = ones();
            scale(&mut slopes);
            let slope = |z| activation::derivative(f, z, rounding);
            let expected = exact(&z).map(|z| rounding.mul(Bounded::exact(1.0), slope(z)));
            assert_agreement(name, worst_error(expected, wide(&slopes)));
        });
        let mut group = criterion.benchmark_group(format!("ops/{name}_derivative/{HIDDEN}"));
        group.throughput(Throughput::Elements(HIDDEN as u64));
        group.bench_function(id("host", 1), |bencher| {
            LazyCell::force(&agreed);
            bencher.iter_batched_ref(ones, scale, BatchSize::PerIteration);
        });
        group.finish();
    }
}

/// A loss and its gradient. Cross-entropy compares with classes, the others with numbers.
pub(crate) fn losses(criterion: &mut Criterion) {
    for which in Loss::ALL {
        for [rows, width] in OUTPUTS {
            let z = normal(0, rows * width);
            let mut stream = Stream::new(0, Purpose::Synthetic, 0, 1);
            let (targets, numbers) = match which {
                Loss::CrossEntropy => {
                    let classes: Vec<u32> = (0..rows).map(|_| stream.below(width as u32)).collect();
                    let one_hot = |&class: &u32| {
                        (0..width as u32).map(move |j| f64::from(u8::from(j == class)))
                    };
                    let numbers = classes.iter().flat_map(one_hot).collect();
                    (Targets::Classes(classes), numbers)
                }
                _ => {
                    let numbers: Vec<f64> = (0..z.len()).map(|_| stream.uniform()).collect();
                    let values = Values::rounded(Precision::F32, &numbers);
                    let numbers = values.to_f64();
                    (Targets::Values { width, values }, numbers)
                }
            };
            let call = |delta: &mut [f32], losses: &mut [f64]| {
                let all = Rows::Range(0..rows);
                loss_and_gradient(which, &targets, &all, 1.0, &z, delta, losses);
            };
            let agreed = LazyCell::new(|| {
                let (mut delta, mut losses) = (vec![0.0; z.len()], vec![0.0; rows]);
                call(&mut delta, &mut losses);
                let outputs: Vec<Bounded> = exact(&z).collect();
                let rounding = Rounding::of(Precision::F32);
                let expected: Vec<_> = (outputs.chunks(width).zip(numbers.chunks(width)))
                    .map(|(z, t)| loss::row(which, z, t, rounding))
                    .collect();
                let expected_losses = expected.iter().map(|(loss, _)| *loss);
                assert_agreement(which.name(), worst_error(expected_losses, losses));
                let gradient = expected.into_iter().flat_map(|(_, gradient)| gradient);
                assert_agreement(which.name(), worst_error(gradient, wide(&delta)));
            });
            let (mut delta, mut losses) = (vec![0.0; z.len()], vec![0.0; rows]);
            let mut group = criterion.benchmark_group(format!("ops/{which}/{rows}x{width}"));
            group.throughput(Throughput::Elements(z.len() as u64));
            group.bench_function(id("host", 1), |bencher| {
                LazyCell::force(&agreed);
                bencher.iter(|| call(&mut delta, &mut losses));
            });
            group.finish();
        }
    }
}

fn wide(numbers: &[f32]) -> impl Iterator<Item = f64> {
    numbers.iter().map(|x| f64::from(*x))
}

fn exact(numbers: &[f32]) -> impl Iterator<Item = Bounded> {
    wide(numbers).map(Bounded::exact)
}
