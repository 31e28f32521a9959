//! Proof that the `cblas_sgemm` of a program with this backend is OpenBLAS's.

#![cfg(target_os = "linux")]

extern crate consonance_backend_openblas as _;

use std::ffi::CStr;

#[test]
fn cblas_sgemm_lies_in_openblas() {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::uninit();
    let function = cblas_sys::cblas_sgemm as *const libc::c_void;
    // SAFETY: `dladdr` reads the address only and fills `info` where it returns nonzero.
    let info = unsafe {
        assert_ne!(libc::dladdr(function, info.as_mut_ptr()), 0);
        info.assume_init()
    };
    // SAFETY: `dladdr` succeeded, so the name is a C string that lives as long as the library.
    let library = unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy().into_owned();
    let library = std::fs::canonicalize(&library).unwrap_or_else(|_| library.into());
    assert!(library.to_string_lossy().contains("openblas"), "{library:?}");
}
