//! The training step of the eight workloads on every compiled-in backend, on one thread and on all
//! there are. Elements are rows.

use crate::common::first_step::FirstStep;
use crate::common::{backends_and_threads, id, rows};
use consonance::rng::{Purpose, Stream};
use consonance::workloads::Workload;
use criterion::{Criterion, Throughput};
use std::cell::LazyCell;

/// Multiplications that the oracle may take for one product of all layers.
const ORACLE_WORK: usize = 100_000_000;

/// Steps on mini-batches out of a set of four, as `consonance bench` takes them. The step that must
/// agree is the first mini-batch's; of `wide`, that of its first rows.
pub(crate) fn train_step(criterion: &mut Criterion) {
    for workload in Workload::all() {
        let Workload { name, plan, batch_size, optimizer } = &workload;
        let batch_size = rows(*batch_size);
        let data = LazyCell::new(|| workload.data(4 * batch_size).expect("random rows"));
        let mut order: Vec<u32> = (0..4 * batch_size as u32).collect();
        Stream::new(0, Purpose::Shuffle, 0, 0).shuffle(&mut order);
        let first_step = LazyCell::new(|| {
            let weights = plan.parameter_count().expect("a network");
            let rows = batch_size.min(ORACLE_WORK / weights);
            FirstStep::new(plan, data.batch(&order[..rows]), *optimizer)
        });
        let mut group = criterion.benchmark_group(format!("train_step/{name}"));
        group.throughput(Throughput::Elements(batch_size as u64));
        for (backend, threads) in backends_and_threads() {
            let mut network = None;
            let mut batches = order.chunks(batch_size).cycle();
            group.bench_function(id(&backend.info().name, threads), |bencher| {
                let network = network.get_or_insert_with(|| first_step.network(&*backend, threads));
                bencher.iter(|| {
                    let batch = data.batch(batches.next().expect("a cycle"));
                    let loss = network.step(&batch, optimizer).expect("a step");
                    assert!(loss.is_finite(), "the training has diverged");
                });
            });
        }
        group.finish();
    }
}
