//! Every benchmark, by criterion: the parts of a step, the steps of the eight workloads, an epoch of
//! the digits. What is measured ends up in one table.
//!
//! With `--turns NAMES [FILTER]`, names separated by commas, not criterion but
//! [these backends' products](ops::turns), one after the other again and again.

mod common;
mod epoch;
mod ops;
mod train_step;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(turns) = arguments.iter().position(|argument| argument == "--turns") {
        let mut given = arguments[turns + 1..].iter().filter(|argument| !argument.starts_with('-'));
        let names = given.next().expect("--turns is followed by backends: fused,openblas");
        let names: Vec<&str> = names.split(',').collect();
        ops::turns(&names, given.next().map_or("", |filter| filter));
        return common::advise();
    }
    common::run(&[
        ops::products,
        ops::activations,
        ops::losses,
        ops::updates,
        train_step::train_step,
        epoch::epoch,
    ]);
    common::advise();
}
