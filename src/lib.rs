//! Consonance trains neural networks with interchangeable backends that agree.
//!
//! This crate gathers the others under one name:
//!
//! - the contract at the top level: [`Plan`], [`Backend`], [`Network`], [`Optimizer`] and the rest
//!   of `consonance-core`;
//! - [`data`]: readers, splits, preparation;
//! - [`train`]: the trainer, metrics, model files;
//! - [`host`]: the engine a new backend in host memory builds on;
//! - [`backends`] and [`backend`]: what is compiled in;
//! - [`workloads`]: the trainings that speed is measured on.
//!
//! | feature | backend | needs |
//! |---|---|---|
//! | `naive` (default) | `naive`: readable loops | nothing |
//! | `blocked` (default) | `blocked`: cache-blocked products | nothing |
//! | `fused` (default) | `fused`: register tiles with epilogues | nothing |
//! | `openblas` | `openblas`: the system's OpenBLAS | `libopenblas-dev` |
//! | `candle` | `candle`: candle tensors on the CPU | nothing; compiles for minutes |
//! | `candle-cuda` | `candle-cuda`: candle tensors on a GPU | a CUDA toolkit |
//! | `xlsx` (default) | reads Excel's `.xlsx` | nothing |
//! | `parquet` | reads Parquet | a C compiler; compiles for minutes |
//! | `cli` (default) | the program `consonance`; a library does without | nothing |

mod registry;
pub mod workloads;

pub use consonance_core::*;
pub use consonance_data as data;
pub use consonance_host as host;
pub use consonance_train as train;
pub use registry::{ALL_BACKENDS, DEFAULT_BACKEND, Products, backend, backends, products};

/// The README, so that its examples are compiled and run with the tests.
#[cfg(all(doctest, feature = "fused"))]
#[doc = include_str!("../README.md")]
struct Readme;
