//! Every compiled-in backend passes the whole conformance kit, and on real data they all end at
//! the same quality.

mod common;

use common::{backends, network, precisions};
use consonance::data::{Preparation, Schema, digits};
use consonance::train::{Trainer, evaluate};
use consonance::{Activation, Init, Loss, Optimizer, Plan};
use consonance_conformance::{Subject, backend_checks};

#[test]
fn every_backend_passes_the_kit() {
    for backend in backends() {
        for precision in precisions() {
            let subject = Subject::new(&*backend, precision);
            for (_, check) in backend_checks() {
                let report = check(&subject);
                assert!(report.passed(), "{} {precision}: {report}", backend.info().name);
            }
        }
    }
}

/// Long trainings part ways by chaos, so no bound compares them; but over several seeds all
/// backends must be equally good. Each seed's accuracies are proportions of the same 359 rows:
/// the mean over five seeds may differ by three standard errors of such a mean.
#[test]
fn every_backend_learns_digits_equally_well() {
    let table = digits();
    let schema = Schema::find(&table, &Default::default()).unwrap();
    let backends = backends();
    for precision in precisions() {
        let mut sums = vec![0.0; backends.len()];
        let mut rows = 0;
        for seed in 0..5 {
            let split = table.split(&schema, 0.2, seed).unwrap();
            let preparation = Preparation::builder(&schema).fit(&table, &split.train).unwrap();
            let data = preparation.dataset(&table, precision).unwrap();
            let plan =
                Plan::mlp(64, &[64], 10, Activation::Relu, Loss::CrossEntropy).precision(precision);
            let initial = Init::GlorotUniform.draw(&plan, seed).unwrap();
            rows = split.test.len();
            for (backend, sum) in backends.iter().zip(&mut sums) {
                let mut network = network(&**backend, &plan, 2, &initial);
                let trainer = Trainer { epochs: 8, seed, ..Trainer::new(Optimizer::adam(0.002)) };
                trainer.fit(&mut *network, &data, &split, &mut ()).unwrap();
                let test = data.batch(&split.test);
                let metrics = evaluate(&mut *network, &test, &preparation.target).unwrap();
                *sum += metrics.score.main() / 5.0;
            }
        }
        let best = sums.iter().copied().fold(0.0, f64::max);
        assert!(best > 0.95, "{precision}: {sums:?}");
        let error = (best * (1.0 - best) / (5.0 * rows as f64)).sqrt();
        for (backend, accuracy) in backends.iter().zip(&sums) {
            let name = backend.info().name;
            assert!(best - accuracy <= 3.0 * error, "{name} {precision}: {accuracy} of {best}");
        }
    }
}
