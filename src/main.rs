//! The command line of Consonance.

mod allocations;
mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
