//! The whole conformance kit; the kernels at every level this processor has.

use consonance_backend_fused::{Fused, backend};
use consonance_conformance::check_kernels;
use consonance_conformance::checks::kernels::without_panels;
use consonance_host::simd::Level;
use consonance_host::{Beta, Kernels, MatMut, MatRef};

consonance_conformance::kernel_tests!(Fused::default());
consonance_conformance::backend_tests!(backend());

#[test]
fn every_level_passes_the_checks_of_kernels() {
    for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
        let kernels = Fused::at(level);
        for report in
            [check_kernels::<f32, _>(&kernels), check_kernels::<f64, _>(&kernels)].concat()
        {
            assert!(report.passed(), "{level}: {report}");
        }
    }
}

/// The kit tries a layer whose panels are not kept: without, `without_panels` would hold nothing.
#[test]
fn the_kit_has_a_layer_without_panels() {
    if Level::Avx512.is_available() {
        let report = without_panels::<f32>(&Fused::at(Level::Avx512));
        assert!(report.compared() > 1, "{report}");
    }
}

/// Long sums, as a matrix unit takes them: its parts of an infinity, or of a number near the end of
/// the range, are no numbers.
#[test]
fn what_is_not_finite_or_hardly_reaches_long_sums_as_it_is() {
    let (m, n, k) = (3, 40, 200);
    for (special, expected) in [(f32::INFINITY, f32::INFINITY), (f32::MAX, f32::MAX)] {
        for beta in [Beta::Zero, Beta::One] {
            let mut a = vec![0.0_f32; m * k];
            (a[5], a[k + 5], a[2 * k + 5]) = (special, 1.0, -1.0);
            let b = vec![1.0_f32; k * n];
            let mut c = vec![0.0_f32; m * n];
            let (a, b) = (MatRef::new(&a, m, k), MatRef::new(&b, k, n));
            Fused::default().gemm(a, b, beta, MatMut::new(&mut c, m, n));
            let rows = [expected, 1.0, -1.0].map(|x| vec![x; n]).concat();
            assert_eq!(c, rows, "{special}, {beta:?}");
        }
    }
}

/// Terms near the end of the range that cancel, in a row by itself, below another, and below one that
/// is not finite.
#[test]
fn what_overflows_half_way_is_the_same_whatever_lies_beside_it() {
    let (k, n) = (200, 3);
    let mut a = vec![1.0_f32; 3 * k];
    a[0] = f32::INFINITY;
    // numbers like any other, and large ones that three bf16 still add up to
    for (large, factor) in [(1e30_f32, 1e8_f32), (2.0_f32.powi(120), 128.0)] {
        for (term, x) in a[2 * k..2 * k + 8].iter_mut().enumerate() {
            *x = if term % 2 == 0 { large } else { -large };
        }
        let b: Vec<f32> = (0..k).flat_map(|_| [1.0, factor, factor]).collect();
        let b = MatRef::new(&b, k, n);
        let product = |rows: std::ops::Range<usize>| {
            let mut c = vec![0.0_f32; rows.len() * n];
            let a = MatRef::new(&a[rows.start * k..], rows.len(), k);
            Fused::default().gemm(a, b, Beta::Zero, MatMut::new(&mut c, rows.len(), n));
            c.split_off(c.len() - n).into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(product(1..3), product(2..3));
        assert_eq!(product(0..3), product(2..3));
    }
}
