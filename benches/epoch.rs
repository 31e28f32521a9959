//! An epoch of the embedded digits by the trainer, on every compiled-in backend, on one thread and
//! on all there are. Elements are rows.

use crate::common::first_step::FirstStep;
use crate::common::{backends_and_threads, id};
use consonance::data::{Preparation, Schema, digits};
use consonance::train::Trainer;
use consonance::{Activation, Loss, Optimizer, Plan, Precision};
use criterion::{Criterion, Throughput};

/// The program's default training: 64-512-10, relu, mini-batches of 32, Adam.
pub(crate) fn epoch(criterion: &mut Criterion) {
    let table = digits();
    let schema = Schema::find(&table, &Default::default()).expect("classes");
    let split = table.split(&schema, 0.2, 0).expect("enough rows");
    let preparation = Preparation::builder(&schema).fit(&table, &split.train).expect("numbers");
    let data = preparation.dataset(&table, Precision::F32).expect("memory");
    let plan = Plan::mlp(64, &[512], 10, Activation::Relu, Loss::CrossEntropy);
    let trainer = Trainer::new(Optimizer::adam(0.001));
    let order = trainer.order(&split.train, 1);
    let first = data.batch(&order[..trainer.batch_rows(order.len())]);
    let first_step = FirstStep::new(&plan, first, trainer.optimizer);
    let mut group = criterion.benchmark_group("epoch/digits");
    group.throughput(Throughput::Elements(order.len() as u64));
    for (backend, threads) in backends_and_threads() {
        let mut network = None;
        let mut epoch = 0;
        group.bench_function(id(&backend.info().name, threads), |bencher| {
            let network = network.get_or_insert_with(|| first_step.network(&*backend, threads));
            bencher.iter(|| {
                epoch += 1;
                trainer
                    .epoch(&mut **network, &data, &split.train, epoch, &mut ())
                    .expect("an epoch")
            });
        });
    }
    group.finish();
}
