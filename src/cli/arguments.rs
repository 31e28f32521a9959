//! Arguments that several subcommands share, and how their values are read.

use clap::Args;
use consonance::{Backend, DEFAULT_BACKEND, Precision};
use std::error::Error;
use std::str::FromStr;
use std::sync::Arc;

/// What computes.
#[derive(Args)]
#[command(next_help_heading = "Computing")]
pub(crate) struct Compute {
    /// What computes: see `consonance backends`
    #[arg(long, value_name = "NAME", default_value = DEFAULT_BACKEND)]
    pub(crate) backend: String,
    #[command(flatten)]
    pub(crate) threads: Threads,
}

/// How many threads compute.
#[derive(Args)]
#[command(next_help_heading = "Computing")]
pub(crate) struct Threads {
    /// How many threads compute [default: as many as there are cores]
    #[arg(long = "threads", value_name = "N", value_parser = threads)]
    count: Option<usize>,
}

impl Compute {
    /// The backend named.
    pub(crate) fn backend(&self) -> Result<Arc<dyn Backend>, Box<dyn Error>> {
        consonance::backend(&self.backend).map_err(|e| format!("--backend: {e}").into())
    }
}

impl Threads {
    /// The number asked for, or that of the cores.
    pub(crate) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.count.unwrap_or_else(cores)
    }
}

/// More threads than this are a slip of the hand.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=MOST_THREADS).contains(&count) => Ok(count),
        _ => Err(format!("expected a whole number from 1 to {MOST_THREADS}")),
    }
}

/// A whole number of at least 1.
pub(crate) fn positive(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "expected a whole number of at least 1".to_string())
}

/// `f32` or `f64`.
pub(crate) fn precision(text: &str) -> Result<Precision, String> {
    match text {
        "f32" => Ok(Precision::F32),
        "f64" => Ok(Precision::F64),
        _ => Err("expected f32 or f64".to_string()),
    }
}

/// A name that one of the library's types reads.
pub(crate) fn named<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: ToString,
{
    text.parse().map_err(|e: T::Err| e.to_string())
}

/// Widths of hidden layers: `128,64`, or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layers(pub(crate) Vec<usize>);

impl FromStr for Layers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Layers(Vec::new()));
        }
        let width = |part: &str| {
            positive(part.trim()).map_err(|_| {
                format!(
                    "'{part}' is no width: expected whole numbers of at least 1 with commas \
                     between, as in 128,64, or none"
                )
            })
        };
        text.split(',').map(width).collect::<Result<_, _>>().map(Layers)
    }
}

/// Rows of a mini-batch: a number, or `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSize(pub(crate) Option<usize>);

impl FromStr for BatchSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "full" {
            return Ok(BatchSize(None));
        }
        let number = positive(text);
        number.map(|n| BatchSize(Some(n))).map_err(|e| format!("{e}, or 'full' for all rows"))
    }
}
