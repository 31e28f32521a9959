//! `consonance backends`

use super::{Outcome, output};
use consonance::{ALL_BACKENDS, BackendInfo, DEFAULT_BACKEND};
use std::fmt::Write;
use std::process::ExitCode;

/// How to show the backends.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// Runs `consonance backends`.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let infos: Vec<BackendInfo> = consonance::backends().iter().map(|b| b.info()).collect();
    if arguments.json {
        output::print_json(&infos)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for info in &infos {
        let default = if info.name == DEFAULT_BACKEND { " (default)" } else { "" };
        writeln!(text, "{}{default}", info.name)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let own = [
            ("version", info.version.clone()),
            ("library", info.library.clone()),
            ("runs on", info.device.clone()),
            ("instructions", info.simd.clone()),
            ("threads", format!("{cores} unless told otherwise; {}", info.threading)),
        ];
        let own = own.iter().map(|(name, value)| (*name, value));
        let more = info.details.iter().map(|(name, value)| (name.as_str(), value));
        for (name, value) in own.chain(more) {
            writeln!(text, "  {name}: {value}")?;
        }
    }
    let missing: Vec<_> = ALL_BACKENDS
        .into_iter()
        .filter(|(name, _)| infos.iter().all(|info| info.name != *name))
        .map(|(name, feature)| format!("{name} (--features {feature})"))
        .collect();
    if !missing.is_empty() {
        writeln!(text, "not compiled in: {}", missing.join(", "))?;
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
