//! The host engine: one training step, shared by every backend that computes in host memory.
//!
//! A backend supplies [`Kernels`], in the simplest case a matrix product, and [`HostBackend`]
//! makes a whole backend of it.
//!
//! A step has two halves. In the first, tasks take rows of the mini-batch, or outputs of a layer,
//! forward and back, whichever lets less travel between the cores' caches. In the second, each
//! task takes some output rows of a layer's weights, sums their gradient over the whole batch, and
//! updates them. How sums are grouped follows from the shapes alone, so the bits do not depend on
//! the number of threads. After the first step the engine allocates nothing; kernels may.
//!
//! While a step lasts, on x86-64, its threads take subnormal numbers for zeros; outputs and other
//! answers are computed with them.

mod backend;
mod claim;
pub mod crew;
mod cut;
mod disjoint;
mod flush;
mod groups;
pub mod kernels;
mod layout;
pub mod loss;
pub mod math;
pub mod matrix;
mod network;
mod outputwise;
mod packed;
mod pass;
mod schedule;
pub mod simd;
pub mod transpose;
mod trial;
mod workspace;

pub use backend::HostBackend;
pub use kernels::{Beta, Kernels};
pub use math::Math;
pub use matrix::{MatMut, MatRef};
