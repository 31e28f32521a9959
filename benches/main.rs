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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--turns") {
        // cargo's own flags are left out
        let given: Vec<&str> = arguments
            .iter()
            .map(String::as_str)
            .filter(|argument| *argument != "--bench")
            .collect();
        let (names, filter) = match given[..] {
            ["--turns", names] => (names, ""),
            ["--turns", names, filter] => (names, filter),
            _ => {
                panic!("expected --turns NAMES [FILTER], as in --turns fused,openblas ops/forward")
            }
        };
        ops::turns(&names.split(',').collect::<Vec<_>>(), filter);
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
