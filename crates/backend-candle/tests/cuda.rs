//! The GPU against the CPU, where there is one; where there is none, the refusal.
//!
//! `cargo test -p consonance-backend-candle --features cuda --test cuda`
#![cfg(feature = "cuda")]

use consonance_backend_candle::CandleBackend;
use consonance_core::rng::{Purpose, Stream};
use consonance_core::{
    Activation, Backend, Dataset, Error, Loss, Network, Optimizer, Plan, Precision, Targets, Values,
};

fn normal(seed: u64, count: usize) -> Vec<f64> {
    let mut stream = Stream::new(seed, Purpose::Synthetic, 0, 0);
    (0..count).map(|_| stream.normal()).collect()
}

/// The backend, if this machine has a GPU; otherwise building a network must say so.
fn gpu() -> Option<CandleBackend> {
    let backend = CandleBackend::cuda(0);
    let plan = Plan::new(1, Loss::MeanSquaredError).dense(1);
    match backend.network(&plan, 1) {
        Ok(_) => Some(backend),
        Err(Error::Backend { backend, message }) => {
            assert_eq!(backend, "candle-cuda");
            assert!(message.contains("CUDA device 0 cannot be opened"), "{message}");
            eprintln!("only the refusal is tested here: {message}");
            None
        }
        Err(other) => panic!("not a failure of the backend: {other}"),
    }
}

#[test]
fn the_gpu_answers_what_the_cpu_does() {
    let Some(gpu) = gpu() else { return };
    let (rows, inputs, outputs) = (37, 19, 5);
    let classes = Targets::Classes((0..rows as u32).map(|row| row % outputs as u32).collect());
    let data = Dataset::new(inputs, Values::from(normal(1, rows * inputs)), classes).unwrap();
    let list: Vec<u32> = (0..rows as u32).rev().collect();
    for activation in Activation::ALL {
        let plan = Plan::mlp(inputs, &[23, 11], outputs, activation, Loss::CrossEntropy)
            .precision(Precision::F64);
        let parameters = Values::from(normal(2, plan.parameter_count().unwrap()));
        let coefficients = Values::from(normal(3, rows * outputs));
        let answers = |backend: &CandleBackend| {
            let mut network = backend.network(&plan, 1).unwrap();
            network.set_parameters(&parameters).unwrap();
            let batch = data.batch(&list);
            let loss = network.loss_and_gradient(&batch).unwrap();
            let gradient = network.gradient().unwrap();
            let inputs = network.input_gradient(&batch, &coefficients).unwrap();
            network.update(&Optimizer::adam(0.01)).unwrap();
            let outputs = network.forward(&data.all()).unwrap();
            [Values::from(vec![loss]), gradient, inputs, outputs]
        };
        let first = answers(&gpu);
        assert_eq!(first, answers(&gpu), "{activation}: another run, other bits");
        for (one, other) in first.iter().zip(answers(&CandleBackend::cpu())) {
            let scale = other.iter().map(f64::abs).fold(1.0, f64::max);
            for (a, b) in one.iter().zip(other.iter()) {
                // three layers of sums of at most 23 terms in f64 leave ten digits
                assert!((a - b).abs() <= 1e-10 * scale, "{activation}: {a} on the GPU, {b} not");
            }
        }
    }
}

#[test]
fn nan_reaches_the_loss_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    for activation in Activation::ALL {
        let plan = Plan::mlp(1, &[2], 1, activation, Loss::MeanSquaredError);
        let mut network: Box<dyn Network> = gpu.network(&plan, 1).unwrap();
        let targets = Targets::Values { width: 1, values: Values::from(vec![0.0_f32]) };
        let data = Dataset::new(1, Values::from(vec![f32::NAN]), targets).unwrap();
        assert!(network.loss_and_gradient(&data.all()).unwrap().is_nan(), "{activation}");
    }
}
