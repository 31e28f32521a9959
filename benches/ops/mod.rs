//! What a training step is made of, each part by itself, in single precision and on one thread:
//! the products of a dense layer at the shapes of the eight workloads, activations and their
//! derivatives, losses, the optimisers' updates. An element is a number worked on; of products,
//! which are named so, a floating-point operation.

mod pointwise;
mod products;
mod turns;
mod updates;

pub(crate) use pointwise::{activations, losses};
pub(crate) use products::products;
pub(crate) use turns::Turns;
pub(crate) use updates::updates;

use consonance::Arena;
use consonance::rng::{Purpose, Stream};

/// Standard-normal numbers, other ones for another `number`, the same in every run.
fn normal(number: u32, len: usize) -> Arena<f32> {
    let mut stream = Stream::new(0, Purpose::Synthetic, 0, number);
    let mut numbers = Arena::zeros(len);
    numbers.iter_mut().for_each(|x| *x = stream.normal() as f32);
    numbers
}
