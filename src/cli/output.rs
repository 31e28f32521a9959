//! What goes to standard output and standard error.

use std::error::Error;
use std::io::{ErrorKind, Write};

/// Writes `text` to standard output. A reader that has gone away (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {e}").into())
        }
        _ => Ok(()),
    }
}

/// Writes `value` as one line of JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Box<dyn Error>> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Writes a line to standard error; if nobody listens there, there is nobody to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Tells the user how a backend that is to be timed would be faster.
pub(crate) fn advise(backend: &dyn consonance::Backend) {
    let info = backend.info();
    if let Some(advice) = info.advice() {
        note(&format!("{}: {advice}", info.name));
    }
}

/// Tells the user what went wrong.
pub(crate) fn complain(error: &dyn Error) {
    note(&format!("error: {error}"));
}

/// `1 row`, `2 rows`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// How many characters fit on a line: those of the terminal or of COLUMNS, else 100.
pub(crate) fn width() -> usize {
    let told = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.or_else(told).unwrap_or(100).clamp(40, 200)
}

/// The beginning of `text`, if it is longer than `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_string(),
    }
}

/// The first of some things with commas between, and how many more there are.
pub(crate) fn some_of(things: &[String], most: usize) -> String {
    let shown = things.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match things.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Text of a file as a terminal may see it: control characters as escapes.
pub(crate) fn plain(text: &str) -> String {
    let escaped = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// An empty table with these headings, plain enough for any terminal and any pipe.
pub(crate) fn table(headings: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(headings.iter().copied());
    table
}

/// The lines of a table without the blanks at their ends.
pub(crate) fn lines(table: &comfy_table::Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
