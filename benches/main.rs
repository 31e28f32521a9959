//! Every benchmark, by criterion: the parts of a step, the steps of the eight workloads, an epoch of
//! the digits. What is measured ends up in one table.
//!
//! With `--turns NAMES [FILTER]`, names separated by commas, not criterion but
//! [these backends' products](ops::Turns), one after the other again and again.

mod common;
mod epoch;
mod ops;
mod train_step;

fn main() {
    match ops::Turns::asked() {
        Some(turns) => turns.run(),
        None => common::run(&[
            ops::products,
            ops::activations,
            ops::losses,
            ops::updates,
            train_step::train_step,
            epoch::epoch,
        ]),
    }
    common::advise();
}
