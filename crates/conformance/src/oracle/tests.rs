//! The oracle against hand-computed numbers and against differences of its own loss.

use super::*;
use consonance_core::rng::{Purpose, Stream};
use consonance_core::{
    Activation, Dataset, Loss, Optimizer, Plan, Precision, Reduction, Targets, Values,
};

/// The oracle's value is right to a few roundings of its own.
fn assert_is(bounded: Bounded, expected: f64) {
    let error = (bounded.value - expected).abs();
    assert!(error <= 4.0 * f64::EPSILON * expected.abs(), "{bounded:?}, expected {expected}");
}

fn assert_are(bounded: &[Bounded], expected: &[f64]) {
    assert_eq!(bounded.len(), expected.len());
    for (b, e) in bounded.iter().zip(expected) {
        assert_is(*b, *e);
    }
}

fn wide(values: &[f64]) -> Values {
    Values::from(values.to_vec())
}

#[test]
fn a_network_small_enough_for_pencil_and_paper() {
    // z = (1·1 + 0·2 + ½, −1·1 + 1·2 − ½) = (1½, ½), both pass relu;
    // output 2·1½ − ½ + ¼ = 2¾; loss (2¾ − 1)², slope 3½
    let plan = Plan::new(2, Loss::MeanSquaredError)
        .dense(2)
        .activation(Activation::Relu)
        .dense(1)
        .precision(Precision::F64);
    let parameters = wide(&[1.0, 0.0, -1.0, 1.0, 0.5, -0.5, 2.0, -1.0, 0.25]);
    let targets = Targets::Values { width: 1, values: wide(&[1.0]) };
    let data = Dataset::new(2, wide(&[1.0, 2.0]), targets).unwrap();
    let oracle = Oracle::new(&plan, &parameters).unwrap();
    let layers = oracle.activations(&data.all()).unwrap();
    assert_eq!(layers.len(), 3);
    assert_are(&layers[0].elements, &[1.5, 0.5]);
    assert_are(&layers[1].elements, &[1.5, 0.5]);
    assert_are(&layers[2].elements, &[2.75]);
    assert_are(&oracle.forward(&data.all()).unwrap().elements, &[2.75]);
    let answer = oracle.loss_and_gradient(&data.all()).unwrap();
    assert_is(answer.loss, 3.0625);
    assert_are(&answer.gradient, &[7.0, 14.0, -3.5, -7.0, 7.0, -3.5, 5.25, 1.75, 3.5]);
    let inputs = oracle.input_gradient(&data.all(), &wide(&[1.0])).unwrap();
    assert_are(&inputs.elements, &[3.0, -1.0]);
}

#[test]
fn losses_by_hand() {
    let r = Rounding::of(Precision::F64);
    let logits = [Bounded::exact(0.0), Bounded::exact(3.0_f64.ln())];
    let (loss, gradient) = loss::row(Loss::CrossEntropy, &logits, &[1.0, 0.0], r);
    assert_is(loss, 4.0_f64.ln());
    assert_are(&gradient, &[-0.75, 0.75]);
    let (loss, gradient) = loss::row(Loss::CrossEntropy, &logits, &[0.5, 0.5], r);
    assert_is(loss, 4.0_f64.ln() - 0.5 * 3.0_f64.ln());
    assert_are(&gradient, &[-0.25, 0.25]);
    let (loss, gradient) = loss::row(Loss::BinaryCrossEntropy, &logits[1..], &[1.0], r);
    assert_is(loss, (4.0_f64 / 3.0).ln());
    assert_are(&gradient, &[-0.25]);
    let (loss, gradient) = loss::row(Loss::MeanSquaredError, &logits[..1], &[-3.0], r);
    assert_is(loss, 9.0);
    assert_are(&gradient, &[6.0]);
}

#[test]
fn adam_by_hand() {
    // first step: m = ½·3 and v = ¼·9, both corrected to 3 and 9; p − ½·3/(3 + 1)
    let r = Rounding::of(Precision::F64);
    let optimizer = Optimizer::Adam {
        learning_rate: 0.5,
        beta1: 0.5,
        beta2: 0.75,
        epsilon: 1.0,
        weight_decay: 0.0,
    };
    let (p, moments) = update(&optimizer, 1, 1.0, 3.0, &[0.0, 0.0], r);
    assert_is(p, 0.625);
    assert_are(&moments, &[1.5, 2.25]);
    // second step with g = −1: m = ½·1.5 − ½, v = ¾·2.25 + ¼; over ¾ and 7/16
    let (p, moments) = update(&optimizer, 2, 0.625, -1.0, &[1.5, 2.25], r);
    assert_are(&moments, &[0.25, 1.9375]);
    assert_is(p, 0.625 - 0.5 * (1.0 / 3.0) / ((31.0_f64 / 7.0).sqrt() + 1.0));
    assert!(p.error < 1e-14, "{p:?}");
}

#[test]
fn momentum_by_hand() {
    let r = Rounding::of(Precision::F64);
    let sgd = |nesterov, weight_decay| Optimizer::Sgd {
        learning_rate: 0.25,
        momentum: 0.5,
        nesterov,
        weight_decay,
    };
    // g = 1 + 0.5·2 = 2, m = 0.5·4 + 2 = 4
    let (p, moments) = update(&sgd(false, 0.5), 7, 2.0, 1.0, &[4.0], r);
    assert_is(p, 1.0);
    assert_are(&moments, &[4.0]);
    // the step is along 2 + 0.5·4
    let (p, _) = update(&sgd(true, 0.5), 7, 2.0, 1.0, &[4.0], r);
    assert_is(p, 1.0);
    let (p, _) = update(&sgd(true, 0.0), 7, 2.0, 1.0, &[4.0], r);
    assert_is(p, 2.0 - 0.25 * 2.5);
}

#[test]
fn a_dot_product_survives_cancellation_that_float64_does_not() {
    let terms = [(1e16, 1.0), (1.0, 1.0), (-1e16, 1.0), (0.1, 3.0)];
    assert_eq!(terms.iter().map(|(a, b)| a * b).sum::<f64>(), 0.1 * 3.0);
    // 0.1 is a little above a tenth
    assert_eq!(product::dot(0.0, terms), 1.3);
    assert_eq!(product::dot(-0.3, [(0.1, 3.0)]), 2.0_f64.powi(-55));
}

#[test]
fn bounded_arithmetic_contains_the_corners_of_its_operands() {
    let r = Rounding::of(Precision::F32);
    let (a, b) = (Bounded { value: 3.0, error: 0.5 }, Bounded { value: -2.0, error: 0.25 });
    for x in [2.5, 3.5] {
        for y in [-2.25, -1.75] {
            assert!(r.add(a, b).fraction(x + y) <= 1.0);
            assert!(r.sub(a, b).fraction(x - y) <= 1.0);
            assert!(r.mul(a, b).fraction(x * y) <= 1.0);
            assert!(r.div(a, b).fraction(x / y) <= 1.0);
        }
        assert!(r.sqrt(a).fraction(x.sqrt()) <= 1.0);
    }
    assert!(r.div(a, Bounded { value: 1.0, error: 1.0 }).error.is_infinite());
    assert!(r.sqrt(Bounded { value: 0.0, error: 0.25 }).fraction(0.5) <= 1.0);
}

#[test]
fn fractions_know_what_is_not_a_number() {
    let b = Bounded { value: 1.0, error: 0.5 };
    assert_eq!((b.fraction(1.25), b.fraction(1.0), b.fraction(3.0)), (0.5, 0.0, 4.0));
    assert_eq!(b.fraction(f64::NAN), f64::INFINITY);
    assert_eq!(Bounded::exact(1.0).fraction(1.0 + f64::EPSILON), f64::INFINITY);
    assert_eq!(Bounded { value: 1.0, error: f64::NAN }.fraction(2.0), f64::INFINITY);
}

/// The gradient against central differences D(h) = (L(θ + h) − L(θ − h)) / 2h. Their error has
/// two parts: the rounding of the losses, which the oracle bounds itself, and the truncation
/// h²·L‴/6, which is a third of D(2h) − D(h) to leading order; all of it is allowed.
#[test]
fn gradients_are_central_differences() {
    let h = 1e-4;
    for (number, activation) in Activation::ALL.into_iter().enumerate() {
        for (loss, reduction) in [
            (Loss::CrossEntropy, Reduction::Mean),
            (Loss::BinaryCrossEntropy, Reduction::Sum),
            (Loss::MeanSquaredError, Reduction::Mean),
        ] {
            let plan = Plan::mlp(3, &[4, 3], 2, activation, loss)
                .activation(activation)
                .reduction(reduction)
                .precision(Precision::F64);
            let mut stream = Stream::new(number as u64, Purpose::Synthetic, 0, 0);
            let mut draw = |n: usize| (0..n).map(|_| stream.normal()).collect::<Vec<f64>>();
            let parameters = draw(plan.parameter_count().unwrap());
            let features = draw(3 * 5);
            let probability = |t: f64| [1.0 / (1.0 + t * t), t * t / (1.0 + t * t)];
            let targets: Vec<f64> = draw(5).into_iter().flat_map(probability).collect();
            let targets = Targets::Values { width: 2, values: wide(&targets) };
            let data = Dataset::new(3, wide(&features), targets).unwrap();

            let at = |i: usize, step: f64, features: &[f64], parameters: &[f64]| {
                let (mut f, mut p) = (features.to_vec(), parameters.to_vec());
                if i < p.len() {
                    p[i] += step;
                } else {
                    f[i - p.len()] += step;
                }
                let data = Dataset::new(3, wide(&f), data.targets().clone()).unwrap();
                let oracle = Oracle::new(&plan, &wide(&p)).unwrap();
                (oracle.loss_and_gradient(&data.all()).unwrap().loss, oracle.forward(&data.all()))
            };
            let difference = |i: usize, h: f64| {
                let (up, down) =
                    (at(i, h, &features, &parameters).0, at(i, -h, &features, &parameters).0);
                ((up.value - down.value) / (2.0 * h), (up.error + down.error) / (2.0 * h))
            };
            let oracle = Oracle::new(&plan, &wide(&parameters)).unwrap();
            let answer = oracle.loss_and_gradient(&data.all()).unwrap();
            for (i, gradient) in answer.gradient.iter().enumerate() {
                let (near, rounding) = difference(i, h);
                let (far, _) = difference(i, 2.0 * h);
                let error = (near - gradient.value).abs();
                assert!(
                    error <= (far - near).abs() + rounding + gradient.error,
                    "{activation}, {loss}: parameter {i} has {gradient:?}, difference {near}"
                );
                assert!(rounding < 1e-7, "a difference as rough as {rounding} tells nothing");
            }

            // Σ c·outputs against the inputs
            let coefficients = draw(5 * 2);
            let inputs = oracle.input_gradient(&data.all(), &wide(&coefficients)).unwrap();
            let combined = |i: usize, h: f64| -> (f64, f64) {
                let outputs = at(parameters.len() + i, h, &features, &parameters).1.unwrap();
                outputs.elements.iter().zip(&coefficients).fold((0.0, 0.0), |(v, e), (y, c)| {
                    (v + y.value * c, e + (y.error + f64::EPSILON * y.value.abs()) * c.abs())
                })
            };
            let difference = |i: usize, h: f64| {
                let (up, down) = (combined(i, h), combined(i, -h));
                ((up.0 - down.0) / (2.0 * h), (up.1 + down.1) / (2.0 * h))
            };
            for (i, gradient) in inputs.elements.iter().enumerate() {
                let (near, rounding) = difference(i, h);
                let (far, _) = difference(i, 2.0 * h);
                let error = (near - gradient.value).abs();
                assert!(
                    error <= (far - near).abs() + rounding + gradient.error,
                    "{activation}: input {i} has {gradient:?}, difference {near}"
                );
            }
        }
    }
}

/// Wherever the numbers themselves are finite, so is what may be said of them.
#[test]
fn bounds_of_any_network_are_numbers() {
    for precision in [Precision::F32, Precision::F64] {
        for activation in Activation::ALL {
            for loss in Loss::ALL {
                for (depth, scale) in [(400, 0.5), (12, 1e9), (3, 1e-30)] {
                    let plan = Plan::mlp(4, &vec![4; depth], 3, activation, loss);
                    let plan = plan.precision(precision);
                    let mut stream = Stream::new(1, Purpose::Synthetic, 0, 0);
                    let mut draw = |n: usize, scale: f64| {
                        let numbers: Vec<_> = (0..n).map(|_| scale * stream.normal()).collect();
                        Values::rounded(precision, &numbers)
                    };
                    let parameters = draw(plan.parameter_count().unwrap(), scale);
                    let features = draw(4 * 5, 1.0);
                    let targets = wide(&[0.25, 0.25, 0.5].repeat(5));
                    let targets = Values::rounded(precision, &targets.to_f64());
                    let targets = Targets::Values { width: 3, values: targets };
                    let data = Dataset::new(4, features, targets).unwrap();
                    let oracle = Oracle::new(&plan, &parameters).unwrap();
                    let answer = oracle.loss_and_gradient(&data.all()).unwrap();
                    for bounded in answer.gradient.iter().chain([&answer.loss]) {
                        assert!(
                            bounded.error.is_finite() || !bounded.value.is_finite(),
                            "{bounded:?}: {depth} layers of {activation}, {loss}, {precision}"
                        );
                    }
                }
            }
        }
    }
}
