//! Optimiser updates against core's `Rule::apply`: on the CPU, number for number.

use consonance_backend_candle::CandleBackend;
use consonance_core::{
    Backend, Dataset, Element, Error, Loss, Network, Optimizer, OptimizerState, Plan, Precision,
    Targets, Values,
};

fn optimizers() -> Vec<Optimizer> {
    let sgd = |momentum, nesterov, weight_decay| Optimizer::Sgd {
        learning_rate: 0.1,
        momentum,
        nesterov,
        weight_decay,
    };
    let adam = Optimizer::Adam {
        learning_rate: 0.01,
        beta1: 0.8,
        beta2: 0.95,
        epsilon: 1e-6,
        weight_decay: 0.1,
    };
    vec![
        Optimizer::sgd(0.1),
        sgd(0.0, false, 0.05),
        sgd(0.9, false, 0.0),
        sgd(0.9, true, 0.05),
        Optimizer::adam(0.01),
        adam,
        Optimizer::adamw(0.01),
    ]
}

fn data(precision: Precision) -> Dataset {
    let features: Vec<f64> = (0..12).map(|i| f64::from(i * 7 % 5) - 1.9).collect();
    let features = Values::rounded(precision, &features);
    Dataset::new(3, features, Targets::Classes(vec![0, 1, 1, 0])).unwrap()
}

fn network(precision: Precision) -> Box<dyn Network> {
    let plan = Plan::new(3, Loss::CrossEntropy).dense(2).precision(precision);
    let mut network = CandleBackend::cpu().network(&plan, 1).unwrap();
    let parameters: Vec<f64> = (0..8).map(|i| f64::from(i) / 3.0 - 1.0).collect();
    network.set_parameters(&Values::rounded(precision, &parameters)).unwrap();
    network
}

fn follow<T: Element>() {
    let elements = |values: Values| T::slice(&values).unwrap().to_vec();
    let data = data(T::PRECISION);
    for optimizer in optimizers() {
        let mut network = network(T::PRECISION);
        let mut expected = elements(network.parameters().unwrap());
        let mut m = vec![T::zero(); expected.len()];
        let mut v = m.clone();
        for step in 1..=5 {
            network.step(&data.all(), &optimizer).unwrap();
            let rule = optimizer.rule::<T>(step);
            let gradient = elements(network.gradient().unwrap());
            for (i, g) in gradient.into_iter().enumerate() {
                rule.apply(&mut expected[i], g, &mut m[i], &mut v[i]);
            }
            assert_eq!(elements(network.parameters().unwrap()), expected, "{optimizer:?}");
        }
        let state = network.optimizer_state().unwrap();
        assert_eq!((state.steps, state.moments.len()), (5, optimizer.moments()));
        for (held, expected) in state.moments.into_iter().zip([m, v]) {
            assert_eq!(elements(held), expected, "{optimizer:?}");
        }
    }
}

#[test]
fn updates_are_those_of_the_rule_in_f32() {
    follow::<f32>();
}

#[test]
fn updates_are_those_of_the_rule_in_f64() {
    follow::<f64>();
}

#[test]
fn a_state_handed_over_continues_exactly() {
    let data = data(Precision::F32);
    for optimizer in optimizers() {
        let mut whole = network(Precision::F32);
        let mut first = network(Precision::F32);
        for _ in 0..3 {
            whole.step(&data.all(), &optimizer).unwrap();
            first.step(&data.all(), &optimizer).unwrap();
        }
        let mut second = network(Precision::F32);
        second.set_parameters(&first.parameters().unwrap()).unwrap();
        second.set_optimizer_state(&first.optimizer_state().unwrap()).unwrap();
        for _ in 0..3 {
            whole.step(&data.all(), &optimizer).unwrap();
            second.step(&data.all(), &optimizer).unwrap();
        }
        assert_eq!(whole.parameters().unwrap(), second.parameters().unwrap(), "{optimizer:?}");
        assert_eq!(whole.optimizer_state().unwrap(), second.optimizer_state().unwrap());
    }
}

#[test]
fn another_number_of_moments_is_refused_until_begun_anew() {
    let data = data(Precision::F32);
    let mut network = network(Precision::F32);
    for (held, wanted) in
        [(Optimizer::sgd(0.1), Optimizer::adam(0.1)), (Optimizer::adam(0.1), Optimizer::sgd(0.1))]
    {
        network.set_optimizer_state(&OptimizerState::default()).unwrap();
        network.step(&data.all(), &held).unwrap();
        let before = network.parameters().unwrap();
        let error = network.update(&wanted).unwrap_err();
        assert!(matches!(error, Error::Optimizer(_)), "{error}");
        assert_eq!(network.parameters().unwrap(), before);
        assert_eq!(network.optimizer_state().unwrap().steps, 1);
    }
    network.set_optimizer_state(&OptimizerState::default()).unwrap();
    assert!(network.update(&Optimizer::sgd(0.1)).is_ok());
    assert!(network.update(&Optimizer::sgd(f64::NAN)).is_err());
}
