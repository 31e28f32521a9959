//! The program, run as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `consonance` in `folder`: what trains in the precision that CONSONANCE_TEST_PRECISION
/// names, unless the arguments say which.
#[allow(dead_code, reason = "one test program has the commands run by a shell")]
pub(crate) fn consonance(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consonance"));
    command.current_dir(folder).args(arguments);
    let trains = matches!(arguments.first(), Some(&("train" | "compare" | "bench")));
    if trains && !arguments.contains(&"--precision") {
        command.args(["--precision", &precision()]);
    }
    command.output().unwrap()
}

/// The precision that CONSONANCE_TEST_PRECISION names, or the program's own choice.
#[allow(dead_code, reason = "each test program uses some of it")]
pub(crate) fn precision() -> String {
    std::env::var("CONSONANCE_TEST_PRECISION").unwrap_or("f32".to_string())
}
