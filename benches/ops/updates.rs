//! Optimisers' updates, on every compiled-in backend: with the packing of the weights where it
//! keeps them packed.

use crate::common::{assert_agreement, id};
use consonance::workloads::Workload;
use consonance::{Backend, Init, Network, Optimizer, Result, backends};
use consonance_conformance::update_error_over_bound;
use criterion::{Criterion, Throughput};

/// Workloads whose parameters, gradient and moments fit a second-level cache, and do not.
const WORKLOADS: [&str; 2] = ["digits", "mnist"];

/// Updates by SGD without and with momentum, Adam and AdamW.
pub(crate) fn updates(criterion: &mut Criterion) {
    let momentum =
        Optimizer::Sgd { learning_rate: 0.01, momentum: 0.9, nesterov: false, weight_decay: 0.0 };
    let optimizers = [
        ("sgd", Optimizer::sgd(0.01)),
        ("sgd_momentum", momentum),
        ("adam", Optimizer::adam(0.001)),
        ("adamw", Optimizer::adamw(0.001)),
    ];
    for workload in WORKLOADS.map(|name| Workload::named(name).expect("one of the eight")) {
        let parameters = workload.plan.parameter_count().expect("a network");
        for (name, optimizer) in optimizers {
            let mut group = criterion.benchmark_group(format!("ops/{name}/{parameters}"));
            group.throughput(Throughput::Elements(parameters as u64));
            for backend in backends().iter() {
                let who = backend.info().name;
                let mut network = None;
                group.bench_function(id(&who, 1), |bencher| {
                    let network = network.get_or_insert_with(|| {
                        let (network, error) = updated(&**backend, &workload, &optimizer)
                            .unwrap_or_else(|e| panic!("{who}: {e}"));
                        assert_agreement(&who, error);
                        network
                    });
                    bencher.iter(|| network.update(&optimizer).expect("an update"));
                });
            }
            group.finish();
        }
    }
}

/// A network after an update by the gradient of a mini-batch, which it keeps, and the update's
/// worst error as a fraction of its bound.
fn updated(
    backend: &dyn Backend,
    workload: &Workload,
    optimizer: &Optimizer,
) -> Result<(Box<dyn Network>, f64)> {
    let data = workload.data(workload.batch_size)?;
    let mut network = backend.network(&workload.plan, 1)?;
    network.set_parameters(&Init::GlorotUniform.draw(&workload.plan, 0)?)?;
    network.loss_and_gradient(&data.all())?;
    let error = update_error_over_bound(&mut *network, optimizer)?;
    Ok((network, error))
}
