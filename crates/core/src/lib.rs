//! The contract of Consonance: everything the author of a backend depends on.
//!
//! A [`Plan`] describes a network as plain data: its inputs, its layers, its loss, its element
//! type. A [`Backend`] turns a plan into a [`Network`], which lives in that backend's own memory
//! and answers a few coarse questions: outputs, loss and gradient, one optimiser step,
//! parameters in and out. What crosses that boundary is [`Values`], a flat buffer of `f32` or
//! `f64`, and [`Batch`], row numbers into a [`Dataset`].
//!
//! Nothing in this crate computes a network; it says what a network *is*, so that every backend
//! can be held to the same answer. The formulas of activations, losses and optimisers live here
//! as scalar functions and are the reference for all of them.

mod activation;
mod arena;
mod backend;
mod dataset;
mod element;
mod error;
mod init;
mod loss;
mod memory;
mod optimizer;
mod plan;
mod registry;
pub mod rng;
pub mod tolerance;
mod values;

pub use activation::Activation;
pub use arena::{Arena, try_filled};
pub use backend::{Backend, BackendInfo, Network};
pub use dataset::{Batch, Dataset, Rows, Targets};
pub use element::{Element, Precision};
pub use error::{Error, Result};
pub use init::Init;
pub use loss::{Loss, Reduction};
pub use memory::TrainingMemory;
pub use optimizer::{Optimizer, OptimizerState, Rule};
pub use plan::{DenseLayer, Layer, Parameter, Plan};
pub use registry::Registry;
pub use values::Values;
