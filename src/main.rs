//! The command line of Consonance.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
