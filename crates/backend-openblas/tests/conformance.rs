//! The whole conformance kit.

use consonance_backend_openblas::{OpenBlas, backend};

consonance_conformance::kernel_tests!(OpenBlas::default());
consonance_conformance::backend_tests!(backend());
