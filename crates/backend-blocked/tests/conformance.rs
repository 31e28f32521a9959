//! The whole conformance kit.

use consonance_backend_blocked::{Blocked, backend};

consonance_conformance::kernel_tests!(Blocked);
consonance_conformance::backend_tests!(backend());
