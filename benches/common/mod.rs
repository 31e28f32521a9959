//! What the benchmarks share: how long criterion measures, how many rows there are, what things are
//! called, and when they agree.

pub(crate) mod first_step;
mod table;

use consonance::{Backend, backends};
use consonance_conformance::oracle::Bounded;
use criterion::{BenchmarkId, Criterion};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Rows of a mini-batch that is only tried.
const ROWS_TRIED: usize = 8;

/// Runs these benchmarks as the command line says, then prints what they measured as one table.
pub(crate) fn run(benchmarks: &[fn(&mut Criterion)]) {
    let (began, results) = (SystemTime::now(), results());
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500))
        .nresamples(10_000)
        .output_directory(&results)
        .configure_from_args();
    for benchmark in benchmarks {
        benchmark(&mut criterion);
    }
    criterion.final_summary();
    table::print(&results, began);
}

/// Says what would make a backend faster here than it was.
pub(crate) fn advise() {
    for info in backends().iter().map(|backend| backend.info()) {
        if let Some(advice) = info.advice() {
            eprintln!("{}: {advice}", info.name);
        }
    }
}

/// Where criterion leaves its results, and the table finds them.
fn results() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder in the target's");
    std::env::var_os("CRITERION_HOME").map_or(target.join("criterion"), PathBuf::from)
}

/// As many rows as a mini-batch of `all` has here: a few will do where criterion does not measure
/// but only tries each benchmark once, as in `cargo test --benches`.
pub(crate) fn rows(all: usize) -> usize {
    let given = |flag| std::env::args().any(|argument| argument == flag);
    let measured = given("--bench") && !given("--test");
    if measured { all } else { all.min(ROWS_TRIED) }
}

/// The worst of these numbers' errors, as a fraction of its bound.
pub(crate) fn worst_error(
    expected: impl IntoIterator<Item = Bounded>,
    observed: impl IntoIterator<Item = f64>,
) -> f64 {
    let fractions = expected.into_iter().zip(observed).map(|(e, o)| e.fraction(o));
    fractions.fold(0.0, f64::max)
}

/// Ends the program if the worst error, as a fraction of its bound, is beyond that.
pub(crate) fn assert_agreement(what: &str, worst_error: f64) {
    assert!(worst_error <= 1.0, "{what} disagrees: its worst error is {worst_error} of the bound");
}

/// Who computes, and on how many threads: what stands behind `/` in the id of a benchmark.
pub(crate) fn id(backend: &str, threads: usize) -> BenchmarkId {
    BenchmarkId::new(backend, count(threads))
}

/// `1 thread`, `2 threads`.
pub(crate) fn count(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// Every compiled-in backend on one thread and on all there are.
pub(crate) fn backends_and_threads() -> Vec<(Arc<dyn Backend>, usize)> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = if all == 1 { vec![1] } else { vec![1, all] };
    let with_counts = |backend: &Arc<dyn Backend>| {
        let backend = Arc::clone(backend);
        counts.iter().map(move |&threads| (Arc::clone(&backend), threads)).collect::<Vec<_>>()
    };
    backends().iter().flat_map(with_counts).collect()
}
