//! Every check is shown to fail: for each there are backends with one planted fault that it must
//! reject, and the same backend without a fault that it must accept.

mod faults;
mod kernels;
mod textbook;

use consonance_conformance::{
    Capabilities, Report, Subject, backend_checks, check_backend, kernel_checks,
};
use consonance_core::{Activation, Loss, Precision};
use consonance_host::{Kernels, Math};
use faults::Fault;
use kernels::Loops;
use std::collections::BTreeSet;
use textbook::Textbook;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F64];

#[test]
fn a_backend_without_fault_is_accepted() {
    for precision in PRECISIONS {
        let backend = Textbook::new(Fault::None);
        let subject = Subject::new(&backend, precision);
        for (_, check) in backend_checks() {
            let report = check(&subject);
            println!("{precision} {report}");
            report.assert_passed();
        }
    }
}

#[test]
fn every_faulty_backend_is_rejected() {
    for (fault, name) in Fault::ALL {
        let (_, check) = *backend_checks().iter().find(|(n, _)| *n == name).expect(name);
        for precision in PRECISIONS {
            let backend = Textbook::new(fault);
            let report = check(&Subject::new(&backend, precision));
            println!("{fault:?}, {precision}: {report}\n");
            assert!(!report.passed(), "{name} accepted {fault:?} in {precision}");
        }
    }
}

#[test]
fn every_check_of_backends_rejects_some_fault() {
    let proved: BTreeSet<&str> = Fault::ALL.iter().map(|(_, name)| *name).collect();
    let all: BTreeSet<&str> = backend_checks().iter().map(|(name, _)| *name).collect();
    assert_eq!(proved, all);
}

#[test]
fn a_backend_must_support_what_it_claims_and_refuse_the_rest() {
    let limited = Capabilities {
        precisions: vec![Precision::F32],
        activations: vec![Activation::Relu, Activation::LeakyRelu { slope: 0.01 }],
        losses: vec![Loss::CrossEntropy],
        threads: vec![2],
    };
    let most = Activation::ALL.into_iter().filter(|f| !matches!(f.name(), "gelu" | "tanh"));
    let honest = Capabilities { activations: most.collect(), ..limited.clone() };
    let failed = |fault, capabilities: &Capabilities| -> Vec<&str> {
        let reports = check_backend(&Textbook::new(fault), capabilities);
        reports.iter().filter(|report| !report.passed()).map(Report::check).collect()
    };
    assert_eq!(failed(Fault::Limited, &honest), [""; 0]);
    // sigmoid, say, is supported but not claimed
    assert_eq!(failed(Fault::Limited, &limited), ["refused_plans"]);
    assert!(failed(Fault::Limited, &Capabilities::default()).contains(&"gradients"));
}

fn right_kernels_pass<T: Math>()
where
    Loops: Kernels<T>,
{
    for (_, check) in kernel_checks::<T, Loops>() {
        let report = check(&Loops::new(kernels::Fault::None));
        println!("{} {report}", T::PRECISION);
        report.assert_passed();
    }
}

#[test]
fn kernels_without_fault_are_accepted() {
    right_kernels_pass::<f32>();
    right_kernels_pass::<f64>();
}

fn faulty_kernels_fail<T: Math>()
where
    Loops: Kernels<T>,
{
    for (fault, name) in kernels::Fault::ALL {
        let (_, check) = *kernel_checks::<T, Loops>().iter().find(|(n, _)| *n == name).expect(name);
        let report = check(&Loops::new(fault));
        println!("{fault:?}, {}: {report}\n", T::PRECISION);
        assert!(!report.passed(), "{name} accepted {fault:?} in {}", T::PRECISION);
    }
}

#[test]
fn faulty_kernels_are_rejected() {
    faulty_kernels_fail::<f32>();
    faulty_kernels_fail::<f64>();
}

#[test]
fn every_check_of_kernels_rejects_some_fault() {
    let proved: BTreeSet<&str> = kernels::Fault::ALL.iter().map(|(_, name)| *name).collect();
    let all: BTreeSet<&str> = kernel_checks::<f32, Loops>().iter().map(|(n, _)| *n).collect();
    assert_eq!(proved, all);
}
