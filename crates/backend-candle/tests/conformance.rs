//! The whole conformance kit, on the CPU.

use consonance_backend_candle::CandleBackend;

consonance_conformance::backend_tests!(CandleBackend::cpu());
