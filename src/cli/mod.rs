//! Subcommands, one file each, and what they share.

mod arguments;
mod backends;
mod bench;
mod columns;
mod compare;
mod describe;
mod evaluate;
mod folder_lock;
mod initial;
mod inspect;
mod loading;
mod model_path;
mod network;
mod output;
mod predict;
mod prepare;
mod progress;
mod reading;
mod run_folder;
mod train;
mod training;
mod workload;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Trains neural networks with interchangeable backends that agree.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows what the columns of a table are and what training would do with them.
    Describe(describe::Arguments),
    /// Trains a network on a table or on images; without a path, on handwritten digits.
    Train(train::Arguments),
    /// Answers for the rows of a file, as CSV.
    Predict(predict::Arguments),
    /// Compares a model's answers with the targets in a file.
    Evaluate(evaluate::Arguments),
    /// Shows what a model file holds, or what a network will be, and the memory its training takes.
    Inspect(inspect::Arguments),
    /// Shows the compiled-in backends.
    Backends(backends::Arguments),
    /// Trains one network on every backend and compares speed and numbers.
    Compare(compare::Arguments),
    /// Times training steps, of all eight workloads unless one is named.
    Bench(bench::Arguments),
}

/// What a subcommand ends with: an exit status, or a message for the user.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// Parses the arguments and runs the subcommand.
pub(crate) fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Describe(arguments) => describe::run(&arguments),
        Command::Train(arguments) => train::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Backends(arguments) => backends::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        output::complain(&*error);
        ExitCode::FAILURE
    })
}
