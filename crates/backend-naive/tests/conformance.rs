//! The whole conformance kit.

use consonance_backend_naive::{Naive, backend};

consonance_conformance::kernel_tests!(Naive);
consonance_conformance::backend_tests!(backend());
