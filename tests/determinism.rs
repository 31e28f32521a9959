//! The same bits whatever the number of threads, at the shapes of all eight workloads.

mod common;

use common::{backends, network, precisions};
use consonance::rng::{Purpose, Stream};
use consonance::workloads::Workload;
use consonance::{Backend, Init, Values};

/// Floating-point operations that a step may take on backends that are not made for speed: plain
/// loops and whole-tensor passes would spend minutes on the largest workloads.
const MOST_FLOPS: f64 = 1e8;

/// Losses and parameters after a few steps on mini-batches out of a larger set.
fn train(backend: &dyn Backend, workload: &Workload, threads: usize) -> (Vec<u64>, Values) {
    let Workload { plan, batch_size, optimizer, .. } = workload;
    let data = workload.data(2 * batch_size).unwrap();
    let initial = Init::GlorotUniform.draw(plan, 5).unwrap();
    let mut network = network(backend, plan, threads, &initial);
    let mut order: Vec<u32> = (0..data.rows() as u32).collect();
    // the second reads what the first has updated
    let steps = if workload.flops().unwrap() < MOST_FLOPS { 3 } else { 2 };
    let losses = (0..steps).map(|step| {
        Stream::new(0, Purpose::Shuffle, 1, step).shuffle(&mut order);
        let loss = network.step(&data.batch(&order[..*batch_size]), optimizer).unwrap();
        assert!(loss.is_finite());
        loss.to_bits()
    });
    let losses = losses.collect();
    (losses, network.parameters().unwrap())
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    for precision in precisions() {
        for backend in backends() {
            let name = backend.info().name;
            let slow = ["naive", "candle"].contains(&name.as_str());
            for workload in Workload::all() {
                if slow && workload.flops().unwrap() > MOST_FLOPS {
                    continue;
                }
                let workload = workload.precision(precision);
                let one = train(&*backend, &workload, 1);
                // more than two, and than the eight groups of rows of `seed`
                for threads in [2, 3, 9] {
                    let several = train(&*backend, &workload, threads);
                    let place = format!("{name} {precision} {}", workload.name);
                    assert!(one == several, "{place}: {threads} threads give other bits");
                }
            }
        }
    }
}
