//! Every benchmark, by criterion: the parts of a step, the steps of the eight workloads, an epoch of
//! the digits. What is measured ends up in one table.

mod common;
mod epoch;
mod ops;
mod train_step;

fn main() {
    common::run(&[
        ops::products,
        ops::activations,
        ops::losses,
        ops::updates,
        train_step::train_step,
        epoch::epoch,
    ]);
}
