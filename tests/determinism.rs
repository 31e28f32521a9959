//! The same bits whatever the number of threads, at the shapes people train.

mod common;

use common::{backends, network, precisions};
use consonance::rng::{Purpose, Stream};
use consonance::{Activation, Dataset, Init, Loss, Optimizer, Plan, Precision, Targets, Values};

struct Workload {
    name: &'static str,
    widths: &'static [usize],
    activation: Activation,
    loss: Loss,
    batch: usize,
    optimizer: Optimizer,
    steps: usize,
}

fn workloads() -> Vec<Workload> {
    use Activation::{Relu, Tanh};
    use Loss::{CrossEntropy, MeanSquaredError};
    let (sgd, adam) = (Optimizer::sgd(0.05), Optimizer::adam(0.001));
    let workload = |name, widths, activation, loss, batch, optimizer, steps| Workload {
        name,
        widths,
        activation,
        loss,
        batch,
        optimizer,
        steps,
    };
    vec![
        workload("seed", &[64, 32, 10], Tanh, CrossEntropy, 1797, sgd, 3),
        workload("tiny", &[64, 32, 10], Tanh, CrossEntropy, 32, sgd, 5),
        workload("tab", &[32, 64, 64, 1], Relu, MeanSquaredError, 256, adam, 3),
        workload("digits", &[64, 128, 64, 10], Relu, CrossEntropy, 64, adam, 4),
        workload("keras", &[784, 128, 10], Relu, CrossEntropy, 64, adam, 2),
        workload("deep", &[256, 256, 256, 256, 10], Tanh, CrossEntropy, 128, adam, 2),
    ]
}

fn data(plan: &Plan, rows: usize) -> Dataset {
    let mut stream = Stream::new(11, Purpose::Synthetic, 0, 0);
    let features: Vec<f64> = (0..rows * plan.inputs).map(|_| stream.normal()).collect();
    let targets = match plan.loss {
        Loss::MeanSquaredError => {
            let values: Vec<f64> = (0..rows * plan.outputs()).map(|_| stream.normal()).collect();
            let values = Values::rounded(plan.precision, &values);
            Targets::Values { width: plan.outputs(), values }
        }
        _ => Targets::Classes((0..rows).map(|_| stream.below(plan.outputs() as u32)).collect()),
    };
    Dataset::new(plan.inputs, Values::rounded(plan.precision, &features), targets).unwrap()
}

/// Losses and parameters after a few steps on mini-batches out of a larger set.
fn train(
    backend: &dyn consonance::Backend,
    workload: &Workload,
    precision: Precision,
    threads: usize,
) -> (Vec<u64>, Values) {
    let [inputs, hidden @ .., outputs] = workload.widths else { unreachable!() };
    let plan = Plan::mlp(*inputs, hidden, *outputs, workload.activation, workload.loss)
        .precision(precision);
    let data = data(&plan, 2 * workload.batch);
    let initial = Init::GlorotUniform.draw(&plan, 5).unwrap();
    let mut network = network(backend, &plan, threads, &initial);
    let mut order: Vec<u32> = (0..data.rows() as u32).collect();
    let losses = (0..workload.steps).map(|step| {
        Stream::new(0, Purpose::Shuffle, 1, step as u32).shuffle(&mut order);
        let batch = data.batch(&order[..workload.batch]);
        network.step(&batch, &workload.optimizer).unwrap().to_bits()
    });
    let losses = losses.collect();
    (losses, network.parameters().unwrap())
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for precision in precisions() {
        for backend in backends() {
            for workload in workloads() {
                let one = train(&*backend, &workload, precision, 1);
                for threads in [2, 3, 8] {
                    let several = train(&*backend, &workload, precision, threads);
                    assert!(
                        one == several,
                        "{} {precision} {}: {threads} threads give other bits",
                        backend.info().name,
                        workload.name
                    );
                }
            }
        }
    }
}
