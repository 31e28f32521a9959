//! The kit, and the trainer with a backend it has never heard of.

use consonance::data::{Preparation, Schema, digits};
use consonance::train::{Trainer, evaluate};
use consonance::{Activation, Init, Loss, Optimizer, Plan, Precision};
use consonance_host::HostBackend;
use third_party::{OuterProducts, register};

consonance_conformance::kernel_tests!(OuterProducts);
consonance_conformance::backend_tests!(HostBackend::new("outer", "0.1.0", "test", OuterProducts));

#[test]
fn it_registers_by_name_and_trains_digits() {
    let mut backends = consonance::backends();
    register(&mut backends);
    let backend = backends.get("outer").unwrap();

    let table = digits();
    let schema = Schema::find(&table, &Default::default()).unwrap();
    let split = table.split(&schema, 0.2, 0).unwrap();
    let preparation = Preparation::builder(&schema).fit(&table, &split.train).unwrap();
    let data = preparation.dataset(&table, Precision::F32).unwrap();
    let plan = Plan::mlp(64, &[64], 10, Activation::Relu, Loss::CrossEntropy);
    let mut network = backend.network(&plan, 2).unwrap();
    network.set_parameters(&Init::GlorotUniform.draw(&plan, 0).unwrap()).unwrap();
    let trainer = Trainer { epochs: 10, ..Trainer::new(Optimizer::adam(0.002)) };
    trainer.fit(&mut *network, &data, &split, &mut ()).unwrap();
    let metrics = evaluate(&mut *network, &data.batch(&split.test), &preparation.target).unwrap();
    assert!(metrics.score.main() > 0.95, "{metrics:?}");
}
