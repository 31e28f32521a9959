//! All checks in one list, and the macros that make tests of them.

use crate::{Capabilities, Report, Subject, checks};
use consonance_core::{Backend, Precision};
use consonance_host::{Kernels, Math};

/// Hands the names of all checks of backends to the macro named first, behind its arguments.
#[doc(hidden)]
#[macro_export]
macro_rules! __backend_checks {
    ($($with:ident)::+ ! ($($arguments:tt)*)) => {
        $($with)::+! {
            ($($arguments)*)
            activation_values activation_derivatives
            outputs gradients input_gradients
            extreme_logits non_finite
            batches datasets
            optimizers steps
            round_trips resume
            runs threads
            refused_batches refused_buffers refused_optimizers refused_plans
        }
    };
}

/// The same for kernels.
#[doc(hidden)]
#[macro_export]
macro_rules! __kernel_checks {
    ($($with:ident)::+ ! ($($arguments:tt)*)) => {
        $($with)::+! {
            ($($arguments)*)
            products non_finite repeats shape_invariance without_panels
            forward input_gradient weight_gradient
        }
    };
}

macro_rules! table {
    (($module:ident, $type:ty) $($check:ident)*) => {
        vec![$((stringify!($check), checks::$module::$check as $type)),*]
    };
}

/// A check of a backend.
pub type BackendCheck = fn(&Subject<'_>) -> Report;

/// A check of kernels.
pub type KernelCheck<K> = fn(&K) -> Report;

/// Every check of backends, by name.
pub fn backend_checks() -> Vec<(&'static str, BackendCheck)> {
    __backend_checks!(table!(backend, BackendCheck))
}

/// Every check of kernels of one element type, by name.
pub fn kernel_checks<T: Math, K: Kernels<T>>() -> Vec<(&'static str, KernelCheck<K>)> {
    __kernel_checks!(table!(kernels, KernelCheck<K>))
}

/// Runs every check of a backend, at every precision there is.
pub fn check_backend(backend: &dyn Backend, capabilities: &Capabilities) -> Vec<Report> {
    let subject = |precision| Subject { backend, precision, capabilities: capabilities.clone() };
    let subjects = [Precision::F32, Precision::F64].map(subject);
    let all = backend_checks();
    subjects.iter().flat_map(|subject| all.iter().map(|(_, check)| check(subject))).collect()
}

/// Runs every check of kernels of one element type.
pub fn check_kernels<T: Math, K: Kernels<T>>(kernels: &K) -> Vec<Report> {
    kernel_checks::<T, K>().into_iter().map(|(_, check)| check(kernels)).collect()
}

#[doc(hidden)]
#[macro_export]
macro_rules! __backend_test {
    (($precision:ident) $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                let (backend, capabilities) = super::conformance_subject();
                let subject = $crate::Subject {
                    backend: &*backend,
                    precision: $crate::__core::Precision::$precision,
                    capabilities,
                };
                $crate::checks::backend::$check(&subject).assert_passed();
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __kernel_test {
    (($type:ty) $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::checks::kernels::$check::<$type>(&super::conformance_kernels())
                    .assert_passed();
            }
        )*
    };
}

/// Makes one `#[test]` of each check of a [`consonance_core::Backend`] and precision, in the
/// modules `backend_f32` and `backend_f64`.
///
/// The first argument is an expression for the backend, evaluated for each test; the second, which
/// may be left out, one for its [`Capabilities`].
#[macro_export]
macro_rules! backend_tests {
    ($backend:expr) => {
        $crate::backend_tests!($backend, $crate::Capabilities::default());
    };
    ($backend:expr, $capabilities:expr) => {
        #[cfg(test)]
        fn conformance_subject()
        -> (::std::boxed::Box<dyn $crate::__core::Backend>, $crate::Capabilities) {
            (::std::boxed::Box::new($backend), $capabilities)
        }

        #[cfg(test)]
        mod backend_f32 {
            $crate::__backend_checks!($crate::__backend_test!(F32));
        }

        #[cfg(test)]
        mod backend_f64 {
            $crate::__backend_checks!($crate::__backend_test!(F64));
        }
    };
}

/// Makes one `#[test]` of each check of [`consonance_host::Kernels`] and element type, in the
/// modules `kernels_f32` and `kernels_f64`. The argument is an expression for the kernels,
/// evaluated for each test.
#[macro_export]
macro_rules! kernel_tests {
    ($kernels:expr) => {
        #[cfg(test)]
        fn conformance_kernels() -> impl $crate::__host::Kernels<f32> + $crate::__host::Kernels<f64>
        {
            $kernels
        }

        #[cfg(test)]
        mod kernels_f32 {
            $crate::__kernel_checks!($crate::__kernel_test!(f32));
        }

        #[cfg(test)]
        mod kernels_f64 {
            $crate::__kernel_checks!($crate::__kernel_test!(f64));
        }
    };
}
