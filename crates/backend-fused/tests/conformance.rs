//! The whole conformance kit; the kernels at every level this processor has.

use consonance_backend_fused::{Fused, backend};
use consonance_conformance::check_kernels;
use consonance_host::simd::Level;

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
