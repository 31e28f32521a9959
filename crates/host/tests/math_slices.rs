//! What holds for the functions over slices at every level, whatever their accuracy: special
//! values, derivatives, the optimisers' arithmetic, and that the bits of an element depend on
//! that element alone.

use consonance_core::{Activation, Element, Optimizer, Precision, Rule};
use consonance_host::MatRef;
use consonance_host::math::{
    Activate, ActivateFrom, AddColumns, Exp, Math, ScaleByDerivative, Update,
};
use consonance_host::simd::{Level, dispatch_at};

const ACTIVATIONS: [Activation; 10] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.01 },
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Gelu,
    Activation::Silu,
    Activation::Softplus,
    Activation::Elu { alpha: 1.0 },
    Activation::Elu { alpha: 0.25 },
];

fn exp<T: Math>(level: Level, x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    dispatch_at(level, Exp { x: &mut y });
    y
}

fn activate<T: Math>(level: Level, activation: Activation, x: &[T]) -> Vec<T> {
    let mut y = x.to_vec();
    dispatch_at(level, Activate { activation, y: &mut y });
    y
}

fn activate_from<T: Math>(level: Level, activation: Activation, z: &[T]) -> Vec<T> {
    let mut y = vec![T::nan(); z.len()];
    dispatch_at(level, ActivateFrom { activation, z, y: &mut y });
    y
}

/// f′ at z, where y = f(z)
fn derivative<T: Math>(level: Level, activation: Activation, z: &[T], y: &[T]) -> Vec<T> {
    let mut delta = vec![T::one(); y.len()];
    let z = if activation.derivative_needs_input() { z } else { &[] };
    dispatch_at(level, ScaleByDerivative { activation, z, y, delta: &mut delta });
    delta
}

/// A number's digits, exponent and sign. All NaN are one.
fn bits<T: Element>(x: T) -> Option<(u64, i16, i8)> {
    (!x.is_nan()).then(|| x.integer_decode())
}

fn same_bits<T: Element>(a: &[T], b: &[T]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| bits(a) == bits(b))
}

/// Numbers of every size, and the special ones.
fn sample<T: Element>() -> Vec<T> {
    let special = [
        T::zero(),
        -T::zero(),
        T::infinity(),
        T::neg_infinity(),
        T::nan(),
        T::min_positive_value() / T::of(8.0),
        T::max_value(),
    ];
    let spread = (0..90).map(|i| T::of(1.37_f64.powi(i / 2 - 30) * f64::from(1 - i % 2 * 2)));
    spread.chain(special).collect()
}

fn an_elements_bits_depend_on_nothing_else<T: Math>() {
    let x = sample::<T>();
    for level in Level::available() {
        let check = |name: &str, f: &dyn Fn(&[T]) -> Vec<T>| {
            let single: Vec<T> = x.iter().flat_map(|&x| f(&[x])).collect();
            for start in 0..8 {
                for end in start..=x.len().min(start + 70) {
                    assert!(
                        same_bits(&f(&x[start..end]), &single[start..end]),
                        "{name} at {level} of elements {start}..{end}"
                    );
                }
            }
        };
        check("exp", &|x| exp(level, x));
        for activation in ACTIVATIONS {
            check(activation.name(), &|x| activate(level, activation, x));
            check(activation.name(), &|x| activate_from(level, activation, x));
            check(activation.name(), &|x| derivative(level, activation, x, x));
        }
        assert!(same_bits(&activate(level, Activation::Identity, &x), &x));
    }
}

#[test]
fn an_f32s_bits_depend_on_nothing_else() {
    an_elements_bits_depend_on_nothing_else::<f32>();
}

#[test]
fn an_f64s_bits_depend_on_nothing_else() {
    an_elements_bits_depend_on_nothing_else::<f64>();
}

fn limits_are_exact<T: Math>() {
    let (zero, one, inf, max) = (T::zero(), T::one(), T::infinity(), T::max_value());
    // the results at −∞, −max, max, ∞
    let x = [-inf, -max, max, inf];
    let alpha = T::of(0.25);
    let two = T::of(2.0);
    let cases: [(Activation, [T; 4]); 8] = [
        (Activation::Relu, [zero, zero, max, inf]),
        (Activation::LeakyRelu { slope: 0.5 }, [-inf, -max / two, max, inf]),
        (Activation::Sigmoid, [zero, zero, one, one]),
        (Activation::Tanh, [-one, -one, one, one]),
        (Activation::Gelu, [-zero, -zero, max, inf]),
        (Activation::Silu, [-zero, -zero, max, inf]),
        (Activation::Softplus, [zero, zero, max, inf]),
        (Activation::Elu { alpha: 0.25 }, [-alpha, -alpha, max, inf]),
    ];
    for level in Level::available() {
        assert!(same_bits(&exp(level, &x), &[zero, zero, inf, inf]), "exp at {level}");
        let zeros = [zero, -zero];
        assert!(same_bits(&exp(level, &zeros), &[one, one]), "exp at {level}");
        assert!(exp(level, &[T::nan()])[0].is_nan(), "exp at {level}");
        for (activation, expected) in cases {
            let y = activate(level, activation, &x);
            assert!(same_bits(&y, &expected), "{activation} at {level}: {y:?}");
            assert!(
                activate(level, activation, &[T::nan()])[0].is_nan(),
                "{activation} at {level}"
            );
            if activation.apply(zero).is_zero() {
                let y = activate(level, activation, &zeros);
                assert!(same_bits(&y, &zeros), "{activation} at {level}: {y:?}");
            }
            let slopes = derivative(level, activation, &x, &y);
            for (slope, &x) in slopes.into_iter().zip(&x) {
                let expected = activation.derivative(x, activation.apply(x));
                let close = (slope - expected).abs() <= T::epsilon();
                assert!(close, "{activation}' at {level} of {x}: {slope}, not {expected}");
            }
        }
    }
}

#[test]
fn limits_are_exact_in_f32() {
    limits_are_exact::<f32>();
}

#[test]
fn limits_are_exact_in_f64() {
    limits_are_exact::<f64>();
}

/// The largest error of f′ against core's formula in `f64` at the same z or y, in units of the
/// roundoff of its terms' magnitude, and beyond what core's formula itself may lose.
fn worst_derivative<T: Math>(level: Level, activation: Activation) -> f64 {
    let patterns = (0..=u32::MAX).step_by(9973).map(f32::from_bits);
    let z: Vec<T> = patterns.filter(|z| z.is_finite()).map(|z| T::of(f64::from(z))).collect();
    let y = activate(level, activation, &z);
    let errors = derivative(level, activation, &z, &y).into_iter().zip(z).zip(y);
    let errors = errors.map(|((slope, z), y)| {
        let (z, y) = (z.widen(), y.widen());
        let exact = activation.derivative(z, y);
        let magnitude = match activation {
            // Φ(z) + z·φ(z) and σ(z) + z·σ(z)·σ(−z), whose terms may cancel
            Activation::Gelu | Activation::Silu => {
                let first = if z == 0.0 { 0.5 } else { activation.apply(z) / z };
                first + (exact - first).abs()
            }
            _ => exact.abs(),
        };
        // σ(z) may lie below the normal range where z·σ(z) does not
        let smallest = if T::PRECISION == Precision::F32 { 2.0_f64.powi(-149) } else { 5e-324 };
        let subnormal = smallest * (1.0 + z.abs().min(760.0));
        let unit = magnitude * T::PRECISION.unit_roundoff();
        let error = (slope.widen() - exact).abs() / (unit + subnormal);
        // core rounds z²/2 and z/√2 before it takes the exponential and erfc of them, and each of
        // these magnifies a relative error z² times; of 1 − σ(z) it loses what the rounding of
        // σ(z) loses, and multiplies by z
        let reference = match (T::PRECISION, activation) {
            (Precision::F64, Activation::Gelu) => 4.0 + 2.0 * z * z,
            (Precision::F64, Activation::Silu) => 4.0 + z.abs(),
            (Precision::F64, _) => 4.0,
            (Precision::F32, _) => 0.0,
        };
        error - if error > 0.0 { reference } else { 0.0 }
    });
    errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
}

fn derivatives_stay_within_the_stated_bounds<T: Math>() {
    for level in Level::available() {
        for activation in ACTIVATIONS {
            let bound = match activation {
                Activation::Identity | Activation::Relu => 0.0,
                Activation::LeakyRelu { .. } | Activation::Elu { .. } => 1.0,
                Activation::Sigmoid | Activation::Tanh | Activation::Softplus => 2.0,
                Activation::Silu | Activation::Gelu => 5.0,
            };
            let worst = worst_derivative::<T>(level, activation);
            println!("{activation}' at {level}: {worst:.3} roundoffs");
            assert!(worst <= bound, "{activation}' at {level}: {worst} roundoffs");
        }
    }
}

#[test]
fn f32_derivatives_stay_within_the_stated_bounds() {
    derivatives_stay_within_the_stated_bounds::<f32>();
}

#[test]
fn f64_derivatives_stay_within_the_stated_bounds() {
    derivatives_stay_within_the_stated_bounds::<f64>();
}

/// Three steps over a slice, and the same three with [`Rule::apply`] on its elements.
fn updates_are_rule_apply<T: Math>(optimizer: Optimizer) {
    let sample: Vec<T> = sample().into_iter().filter(|x: &T| x.is_finite()).collect();
    for level in Level::available() {
        for n in [0, 1, 7, 64, 65, sample.len()] {
            let kept = |array: usize| if optimizer.moments() > array { n } else { 0 };
            let mut p: Vec<T> = sample[..n].iter().rev().copied().collect();
            let (mut m, mut v) = (vec![T::zero(); kept(0)], vec![T::zero(); kept(1)]);
            let mut expected: Vec<[T; 3]> = p.iter().map(|&p| [p, T::zero(), T::zero()]).collect();
            for step in 1..=3 {
                let rule: Rule<T> = optimizer.rule(step);
                let g = &sample[..n];
                dispatch_at(level, Update { rule, p: &mut p, g, m: &mut m, v: &mut v });
                for ([p, m, v], &g) in expected.iter_mut().zip(g) {
                    if optimizer.moments() == 0 {
                        *m = T::zero();
                    }
                    rule.apply(p, g, m, v);
                }
                let column = |i: usize| expected.iter().map(|e| e[i]).collect::<Vec<T>>();
                let name = format!("{optimizer:?} at {level}, {n} parameters, step {step}");
                assert!(same_bits(&p, &column(0)), "{name}");
                assert!(m.is_empty() || same_bits(&m, &column(1)), "{name}");
                assert!(v.is_empty() || same_bits(&v, &column(2)), "{name}");
            }
        }
    }
}

#[test]
fn updates_have_the_bits_of_rule_apply() {
    let sgd = |momentum, nesterov, weight_decay| Optimizer::Sgd {
        learning_rate: 0.1,
        momentum,
        nesterov,
        weight_decay,
    };
    let optimizers = [
        sgd(0.0, false, 0.0),
        sgd(0.0, false, 0.01),
        sgd(0.9, false, 0.01),
        sgd(0.9, true, 0.0),
        Optimizer::adam(0.001),
        Optimizer::adamw(0.01),
    ];
    for optimizer in optimizers {
        updates_are_rule_apply::<f32>(optimizer);
        updates_are_rule_apply::<f64>(optimizer);
    }
}

#[test]
fn a_columns_sum_is_one_chain_of_few_rows_and_sixteen_of_many() {
    let x = sample::<f32>();
    for level in Level::available() {
        for (width, stride) in [(1, 1), (3, 3), (3, 7), (16, 16), (17, 20), (40, 48)] {
            for rows in 0..=(x.len() - width) / stride + 1 {
                let mut sums = vec![0.5; width];
                let matrix = MatRef::with_strides(&x, rows, width, stride, 1);
                dispatch_at(level, AddColumns { matrix, sums: &mut sums });
                let add = |sum: f32, row: usize, j: usize| sum + x[row * stride + j];
                let column = |j: usize| {
                    if rows < 32 {
                        return (0..rows).fold(0.5, |sum, row| add(sum, row, j));
                    }
                    let mut sums: Vec<f32> = (0..16)
                        .map(|chain| {
                            (chain..rows).step_by(16).fold(0.0, |sum, row| add(sum, row, j))
                        })
                        .collect();
                    while sums.len() > 1 {
                        let second = sums.split_off(sums.len() / 2);
                        sums.iter_mut().zip(second).for_each(|(sum, x)| *sum += x);
                    }
                    0.5 + sums[0]
                };
                let expected: Vec<f32> = (0..width).map(column).collect();
                assert!(same_bits(&sums, &expected), "{rows} rows of {width} at {level}");
            }
        }
    }
}

#[test]
fn methods_run_at_the_processors_level() {
    let x = sample::<f32>();
    let level = consonance_host::simd::level();
    let mut y = x.clone();
    f32::activate(Activation::Gelu, &mut y);
    assert!(same_bits(&y, &activate(level, Activation::Gelu, &x)));
    f32::activate_from(Activation::Tanh, &x, &mut y);
    assert!(same_bits(&y, &activate(level, Activation::Tanh, &x)));
    f32::exp_each(&mut y);
    assert!(same_bits(&y, &exp(level, &activate(level, Activation::Tanh, &x))));
}
