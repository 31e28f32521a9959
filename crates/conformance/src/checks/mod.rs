//! The checks themselves. Each is a plain function that answers a [`crate::Report`].

pub mod backend;
pub mod kernels;
mod material;
