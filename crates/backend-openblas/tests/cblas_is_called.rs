//! Proof that products go through CBLAS: this program defines `cblas_sgemm` itself, which takes
//! precedence over the library's, and counts the calls.

use consonance_backend_openblas::OpenBlas;
use consonance_host::{Beta, Kernels, MatMut, MatRef};
use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Counts, and fills C with 42 where a product would be.
///
/// # Safety
/// As CBLAS: C has m rows of n elements, `ldc` apart.
#[unsafe(no_mangle)]
unsafe extern "C" fn cblas_sgemm(
    _layout: c_int,
    _transa: c_int,
    _transb: c_int,
    m: c_int,
    n: c_int,
    _k: c_int,
    _alpha: f32,
    _a: *const f32,
    _lda: c_int,
    _b: *const f32,
    _ldb: c_int,
    _beta: f32,
    c: *mut f32,
    ldc: c_int,
) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    for i in 0..m as usize {
        // SAFETY: the caller's promise
        unsafe { std::slice::from_raw_parts_mut(c.add(i * ldc as usize), n as usize) }.fill(42.0);
    }
}

#[test]
fn an_f32_product_is_one_call_of_cblas_sgemm() {
    let (a, b, mut c) = ([1.0; 6], [1.0; 12], [0.0_f32; 8]);
    let product = MatMut::new(&mut c, 2, 4);
    OpenBlas::default().gemm(MatRef::new(&a, 2, 3), MatRef::new(&b, 3, 4), Beta::Zero, product);
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    assert_eq!(c, [42.0; 8]);
}
