//! What a backend says of the memory of a training, before it, is what the training takes.

mod common;

use common::{backends, precisions};
use consonance::rng::{Purpose, Stream};
use consonance::workloads::Workload;
use consonance::{Activation, Init, Loss, Optimizer, Plan};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which knows how much is in use, and how much was at most.
struct Measuring;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Ordering::SeqCst) + layout.size();
        PEAK.fetch_max(now, Ordering::SeqCst);
        // SAFETY: the caller's promise
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller's promise
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Measuring = Measuring;

/// Bytes that a network and its crew need besides its arrays.
const BESIDES: usize = 64 * 1024;

/// Elements that `matrixmultiply` allocates inside a product, at most: its block of each operand.
const PRODUCT: usize = 256 * (64 + 1024);

/// Networks with all that their memory depends on: both optimisers, groups of rows, kept sums, an
/// evaluation of more rows than a mini-batch has.
fn workloads() -> Vec<Workload> {
    let workload = |name: &str, plan: Plan, batch_size, optimizer| Workload {
        name: name.to_string(),
        plan,
        batch_size,
        optimizer,
    };
    let (relu, loss) = (Activation::Relu, Loss::CrossEntropy);
    vec![
        workload("adam", Plan::mlp(300, &[400, 300], 10, relu, loss), 64, Optimizer::adam(0.001)),
        workload(
            "sums",
            Plan::mlp(300, &[500], 9, Activation::Gelu, loss),
            300,
            Optimizer::sgd(0.1),
        ),
        workload("groups", Plan::mlp(20, &[90], 3, relu, loss), 3000, Optimizer::adam(0.001)),
    ]
}

// One test in this program: the counter counts every thread's memory.
#[test]
fn a_training_takes_the_memory_that_was_said() {
    let mut workloads = workloads();
    // 93 MB of arrays; textbook loops would take minutes for a step
    let wide = Workload::named("wide").unwrap();
    workloads.push(wide);
    for workload in workloads {
        for precision in precisions() {
            let workload = workload.clone().precision(precision);
            let Workload { name, plan, batch_size, optimizer } = &workload;
            let rows = 2 * batch_size + 600;
            let data = workload.data(rows).unwrap();
            let mut order: Vec<u32> = (0..rows as u32).collect();
            Stream::new(0, Purpose::Shuffle, 0, 0).shuffle(&mut order);
            for backend in backends() {
                let of = backend.info().name;
                if of == "naive" && name == "wide" {
                    continue;
                }
                for threads in [1, 3] {
                    let said = backend.training_memory(plan, threads, optimizer, *batch_size);
                    let Some(said) = said.unwrap() else { continue };
                    let initial = Init::GlorotUniform.draw(plan, 0).unwrap();
                    let before = IN_USE.load(Ordering::SeqCst);
                    PEAK.store(before, Ordering::SeqCst);
                    let mut network = backend.network(plan, threads).unwrap();
                    network.set_parameters(&initial).unwrap();
                    network.step(&data.batch(&order[..*batch_size]), optimizer).unwrap();
                    let outputs = network.forward(&data.all()).unwrap();
                    network
                        .step(&data.batch(&order[*batch_size..2 * batch_size]), optimizer)
                        .unwrap();
                    let peak = PEAK.load(Ordering::SeqCst) - before;
                    // what evaluation hands out is its caller's
                    let answer = outputs.len() * precision.bytes();
                    let products =
                        if of == "blocked" { threads * PRODUCT * precision.bytes() } else { 0 };
                    let besides = answer + products + BESIDES;
                    let place = format!("{name} {precision} {of} {threads}");
                    let total = said.total();
                    assert!(peak <= total + besides, "{place}: {peak}, said {said:?}");
                    assert!(peak + BESIDES >= total, "{place}: only {peak}, said {said:?}");
                    if name == "wide" {
                        let arrays = 4 * said.parameters + said.workspace;
                        let share = peak as f64 / arrays as f64;
                        assert!(share < 1.2, "{place}: {share} of four arrays and a workspace");
                    }
                }
            }
        }
    }
}
