//! What the contract says of errors, of numbers that are not finite, and of threads.

use consonance_backend_candle::CandleBackend;
use consonance_core::rng::{Purpose, Stream};
use consonance_core::{
    Activation, Backend, Batch, Dataset, Error, Loss, Network, Optimizer, OptimizerState, Plan,
    Precision, Rows, Targets, Values,
};

fn network(plan: &Plan, threads: usize) -> Box<dyn Network> {
    let mut network = CandleBackend::cpu().network(plan, threads).unwrap();
    let mut stream = Stream::new(1, Purpose::Init, 0, 0);
    let count = plan.parameter_count().unwrap();
    let parameters: Vec<f64> = (0..count).map(|_| 0.05 * stream.normal()).collect();
    network.set_parameters(&Values::rounded(plan.precision, &parameters)).unwrap();
    network
}

fn data(plan: &Plan, rows: usize) -> Dataset {
    let mut stream = Stream::new(2, Purpose::Synthetic, 0, 0);
    let features: Vec<f64> = (0..rows * plan.inputs).map(|_| stream.normal()).collect();
    let classes = (0..rows).map(|_| stream.below(plan.outputs() as u32)).collect();
    let features = Values::rounded(plan.precision, &features);
    Dataset::new(plan.inputs, features, Targets::Classes(classes)).unwrap()
}

/// Products large enough that the library shares them out, and small ones of many shapes.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for precision in [Precision::F32, Precision::F64] {
        for (inputs, hidden) in [(300, &[257, 190][..]), (7, &[13]), (64, &[1])] {
            let plan = Plan::mlp(inputs, hidden, 10, Activation::Gelu, Loss::CrossEntropy)
                .precision(precision);
            let data = data(&plan, 211);
            let list: Vec<u32> = (0..131).map(|i| i * 37 % 211).collect();
            let trained = |threads| {
                let mut network = network(&plan, threads);
                let mut losses = Vec::new();
                for batch in [data.all(), data.batch(&list), data.batch(&list[..1]), data.all()] {
                    losses.push(network.step(&batch, &Optimizer::adam(0.01)).unwrap());
                }
                let outputs = network.forward(&data.all()).unwrap();
                (losses, network.parameters().unwrap(), network.gradient().unwrap(), outputs)
            };
            let alone = trained(1);
            assert!(alone.0.iter().all(|loss| loss.is_finite()));
            for threads in [1, 2, 3, 8] {
                assert_eq!(trained(threads), alone, "{threads} threads, {inputs} inputs");
            }
        }
    }
}

#[test]
fn training_lowers_the_loss_in_both_precisions() {
    for precision in [Precision::F32, Precision::F64] {
        let plan =
            Plan::mlp(8, &[16], 3, Activation::Relu, Loss::CrossEntropy).precision(precision);
        let (mut network, data) = (network(&plan, 1), data(&plan, 30));
        let first = network.step(&data.all(), &Optimizer::adam(0.02)).unwrap();
        let mut last = first;
        for _ in 0..200 {
            last = network.step(&data.all(), &Optimizer::adam(0.02)).unwrap();
        }
        assert!(last < 0.1 * first, "{first} to {last}");
    }
}

#[test]
fn batches_that_do_not_fit_are_refused_and_change_nothing() {
    let plan = Plan::new(2, Loss::CrossEntropy).dense(3);
    let mut network = network(&plan, 1);
    let make = |inputs, rows: usize, targets| {
        Dataset::new(inputs, Values::from(vec![0.5_f32; inputs * rows]), targets).unwrap()
    };
    let good = make(2, 2, Targets::Classes(vec![0, 2]));
    network.loss_and_gradient(&good.all()).unwrap();
    let before = (network.parameters().unwrap(), network.gradient().unwrap());
    let wide = make(3, 1, Targets::Classes(vec![0]));
    let double = Dataset::new(2, Values::from(vec![0.0_f64; 2]), Targets::None).unwrap();
    let beyond = [5];
    for batch in [
        wide.all(),
        double.all(),
        good.batch(&[]),
        good.batch(&beyond),
        Batch { data: &good, rows: Rows::Range(1..3) },
    ] {
        let coefficients = Values::zeros(Precision::F32, 3);
        let errors = [
            network.forward(&batch).unwrap_err(),
            network.loss_and_gradient(&batch).unwrap_err(),
            network.step(&batch, &Optimizer::sgd(0.1)).unwrap_err(),
            network.activations(&batch, 0).unwrap_err(),
            network.input_gradient(&batch, &coefficients).unwrap_err(),
        ];
        assert!(errors.iter().all(|error| matches!(error, Error::Data(_))), "{errors:?}");
    }
    let unlabelled = make(2, 1, Targets::None);
    assert!(network.forward(&unlabelled.all()).is_ok());
    let unknown = make(2, 1, Targets::Classes(vec![3]));
    for data in [unlabelled, unknown] {
        let error = network.loss_and_gradient(&data.all()).unwrap_err();
        assert!(matches!(error, Error::Data(_)), "{error}");
    }
    assert_eq!((network.parameters().unwrap(), network.gradient().unwrap()), before);
}

#[test]
fn what_has_another_length_or_type_is_refused() {
    let plan = Plan::new(2, Loss::CrossEntropy).dense(3);
    let mut network = network(&plan, 1);
    let data = data(&plan, 2);
    let before = network.parameters().unwrap();
    for values in [Values::zeros(Precision::F32, 8), Values::zeros(Precision::F64, 9)] {
        let state = OptimizerState { steps: 1, moments: vec![values.clone()] };
        for error in [
            network.set_parameters(&values).unwrap_err(),
            network.set_optimizer_state(&state).unwrap_err(),
            network.input_gradient(&data.all(), &values).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        }
    }
    assert!(network.activations(&data.all(), 1).unwrap_err().to_string().contains("layer 1"));
    assert_eq!(network.parameters().unwrap(), before);
    assert_eq!(network.optimizer_state().unwrap(), OptimizerState::default());
    assert_eq!(network.gradient().unwrap(), Values::zeros(Precision::F32, 9));
    assert!(CandleBackend::cpu().network(&Plan::new(2, Loss::CrossEntropy), 1).is_err());
}

#[test]
fn a_loss_that_is_not_finite_is_told_and_leaves_the_network_as_it_was() {
    for activation in Activation::ALL {
        for loss in Loss::ALL {
            let plan = Plan::mlp(2, &[3], 2, activation, loss);
            let mut network = network(&plan, 1);
            let values = Values::from(vec![0.0_f32, 1.0]);
            let targets = || Targets::Values { width: 2, values: values.clone() };
            let good = Dataset::new(2, Values::from(vec![0.1_f32, 0.2]), targets()).unwrap();
            network.step(&good.all(), &Optimizer::adam(0.1)).unwrap();
            let before = (network.parameters().unwrap(), network.optimizer_state().unwrap());
            let features = Values::from(vec![f32::NAN, 1.0]);
            let bad = Dataset::new(2, features, targets()).unwrap();
            assert!(network.forward(&bad.all()).unwrap().iter().all(f64::is_nan), "{activation}");
            let loss = network.step(&bad.all(), &Optimizer::adam(0.1)).unwrap();
            assert!(loss.is_nan(), "{activation}: {loss}");
            let after = (network.parameters().unwrap(), network.optimizer_state().unwrap());
            assert_eq!(after, before, "{activation}");
        }
    }
}

#[test]
fn large_outputs_overflow_no_loss() {
    for (loss, outputs) in [(Loss::CrossEntropy, 2), (Loss::BinaryCrossEntropy, 1)] {
        let plan = Plan::new(1, loss).dense(outputs);
        let mut network = CandleBackend::cpu().network(&plan, 1).unwrap();
        let weights = if outputs == 2 { vec![0.0_f32, 1.0, 0.0, 0.0] } else { vec![1.0, 0.0] };
        network.set_parameters(&Values::from(weights)).unwrap();
        // logits of ±1000: right on the first two rows, wrong by 1000 on the others
        let features = Values::from(vec![1000.0_f32, -1000.0, 1000.0, -1000.0]);
        let data = Dataset::new(1, features, Targets::Classes(vec![1, 0, 0, 1])).unwrap();
        assert_eq!(network.loss_and_gradient(&data.all()).unwrap(), 500.0, "{loss}");
        assert!(network.gradient().unwrap().is_finite());
    }
}
