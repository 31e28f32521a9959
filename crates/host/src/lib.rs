//! The host engine: one training step, shared by every backend that computes in host memory.
//!
//! A backend supplies [`Kernels`], in the simplest case a matrix product, and [`HostBackend`]
//! makes a whole backend of it.

pub mod kernels;
pub mod matrix;

pub use kernels::{Beta, Kernels};
pub use matrix::{MatMut, MatRef};
