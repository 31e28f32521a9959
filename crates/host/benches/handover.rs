//! What it costs to hand two tasks to two threads and meet again: the crew against rayon, in turn,
//! with the pause of a small training step in between. Prints medians and tenth percentiles in
//! microseconds, and the allocations of a thousand calls.

use consonance_host::crew::Crew;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CALLS: usize = 1000;
const ROUNDS: usize = 7;

/// Work of about this many microseconds.
fn work(microseconds: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(microseconds) {
        black_box(0);
    }
}

/// The time of each call beyond the work of its longer task, and the allocations of all.
fn measure(call: &mut dyn FnMut()) -> (Vec<f64>, usize) {
    call();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let mut times = Vec::with_capacity(CALLS);
    let own = ALLOCATIONS.load(Ordering::Relaxed) - before;
    for _ in 0..CALLS {
        work(3);
        let begun = Instant::now();
        call();
        times.push(begun.elapsed().as_secs_f64() * 1e6 - 10.0);
    }
    (times, ALLOCATIONS.load(Ordering::Relaxed) - before - own)
}

fn main() {
    let mut crew = Crew::new(2).expect("two threads");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
    let mut with_crew = || crew.for_each(2, &|_, _| work(10));
    let mut with_rayon = || {
        pool.install(|| rayon::join(|| work(10), || work(10)));
    };
    let mut contestants: [(&str, &mut dyn FnMut()); 2] =
        [("crew", &mut with_crew), ("rayon install + join", &mut with_rayon)];
    let mut results = vec![(Vec::new(), 0); contestants.len()];
    for _ in 0..ROUNDS {
        for ((_, call), result) in contestants.iter_mut().zip(&mut results) {
            let (mut times, allocations) = measure(*call);
            result.0.append(&mut times);
            result.1 += allocations;
        }
    }
    println!("{:24}{:>12}{:>12}{:>24}", "", "median µs", "p10 µs", "allocations/1000 calls");
    for ((name, _), (times, allocations)) in contestants.iter().zip(&mut results) {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        let each = *allocations as f64 / ROUNDS as f64;
        println!("{name:24}{:>12.2}{:>12.2}{each:>24.1}", at(0.5), at(0.1));
    }
}
