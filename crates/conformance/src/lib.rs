//! The conformance kit: holds any backend against a float64 oracle.
//!
//! Consonance's backends promise one answer. This crate is how a backend proves it: every number
//! it computes is compared with an [`oracle`] in float64, and may differ by no more than a bound
//! that is derived, not chosen. Products stay within γ(k+2)·(|A|·|B| + |bias|), a theorem, and on
//! random data within 6·√k·u·(|A|·|B|); what that means for losses and gradients is carried
//! through the layers operation by operation, in the worst case and in the likely one, and the
//! smaller bound holds; whatever need not be rounded must be exact, and
//! whatever is computed twice must have the same bits.
//!
//! # Checking a backend
//! Depend on this crate for tests and write
//!
//! ```
//! # use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};
//! # struct Mine;
//! # impl<T: Math> Kernels<T> for Mine {
//! #     fn gemm(&self, a: MatRef<T>, b: MatRef<T>, beta: Beta, mut c: MatMut<T>) {
//! #         for i in 0..c.rows() {
//! #             for j in 0..c.cols() {
//! #                 let start = if beta == Beta::One { c.as_ref().get(i, j) } else { T::zero() };
//! #                 let terms = (0..a.cols()).map(|k| a.get(i, k) * b.get(k, j));
//! #                 c.set(i, j, terms.fold(start, |sum, term| sum + term));
//! #             }
//! #         }
//! #     }
//! # }
//! # fn my_backend() -> HostBackend<Mine> {
//! #     HostBackend::new("mine", "0.1.0", "plain loops", Mine)
//! # }
//! // one #[test] for each check and precision
//! consonance_conformance::backend_tests!(my_backend());
//! // and, for a backend that is made of kernels, one for each check of those
//! consonance_conformance::kernel_tests!(Mine);
//! # // what these tests would do, in part
//! # use consonance_conformance::{Subject, checks};
//! # use consonance_core::Precision;
//! # let backend = my_backend();
//! # checks::backend::extreme_logits(&Subject::new(&backend, Precision::F32)).assert_passed();
//! # checks::kernels::repeats::<f32>(&Mine).assert_passed();
//! ```
//!
//! A backend that supports less says so with [`Capabilities`], as the second argument of
//! [`backend_tests!`]. Outside of tests [`check_backend`] and [`check_kernels`] run everything and
//! answer [`Report`]s, and every single check is a public function of [`checks`].
//!
//! # Comparing
//! [`gradient_error_over_bound`] says for one network and one batch of real data how much of the
//! bound the gradient uses up, [`update_error_over_bound`] the same of an update.

pub mod checks;
mod compare;
pub mod oracle;
mod report;
mod subject;
mod suite;

pub use compare::{gradient_error_over_bound, update_error_over_bound};
pub use report::{Failure, Report};
pub use subject::{Capabilities, Subject};
pub use suite::{
    BackendCheck, KernelCheck, backend_checks, check_backend, check_kernels, kernel_checks,
};

// for the macros, so that a backend's tests need to depend on this crate alone
#[doc(hidden)]
pub use {consonance_core as __core, consonance_host as __host};
