//! The host engine: one training step, shared by every backend that computes in host memory.
//!
//! A backend supplies [`Kernels`], in the simplest case a matrix product, and [`HostBackend`]
//! makes a whole backend of it.
//!
//! A step has two halves. In the first, each task takes some rows of the mini-batch through all
//! layers, forward and back, without meeting the others. In the second, each task takes some
//! output rows of a layer's weights, sums their gradient over the whole batch, and updates them.
//! Only output dimensions are ever divided among threads, so the bits do not depend on how many
//! there are. After the first step the engine allocates nothing; kernels may.

mod backend;
pub mod crew;
mod disjoint;
pub mod kernels;
pub mod loss;
pub mod math;
pub mod matrix;
mod network;
mod outputwise;
mod packed;
mod pass;
mod schedule;
pub mod simd;
mod trial;
mod workspace;

pub use backend::HostBackend;
pub use kernels::{Beta, Kernels};
pub use math::Math;
pub use matrix::{MatMut, MatRef};
