//! After the first step, a training step allocates nothing.
//!
//! One exception is measured apart: `matrixmultiply` allocates a packing buffer inside each of its
//! products, so for the backend `blocked` what happens outside of products is counted.
//!
//! A program without the test harness: the counter counts every thread, and the harness allocates
//! on its own thread at a moment of its choosing.

mod common;

use common::precisions;
#[cfg(feature = "blocked")]
use consonance::host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};
use consonance::rng::{Purpose, Stream};
use consonance::{Activation, Backend, Dataset, Init, Loss, Optimizer, Plan, Targets, Values};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// True while this thread is in a product that may allocate.
    static EXEMPT: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !EXEMPT.get() {
            ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        }
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

/// Kernels whose products may allocate.
#[cfg(feature = "blocked")]
struct Exempt<K>(K);

#[cfg(feature = "blocked")]
impl<T: Math, K: Kernels<T>> Kernels<T> for Exempt<K> {
    fn gemm(&self, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: Beta, c: MatMut<'_, T>) {
        EXEMPT.set(true);
        self.0.gemm(a, b, beta, c);
        EXEMPT.set(false);
    }

    fn is_shape_invariant(&self) -> bool {
        self.0.is_shape_invariant()
    }
}

/// The host backends; candle's tensors are allocated by candle at every operation.
fn host_backends() -> Vec<Arc<dyn Backend>> {
    #[allow(unused_mut, reason = "nothing is replaced without blocked")]
    let mut registry = consonance::backends();
    #[cfg(feature = "blocked")]
    {
        let kernels = Exempt(consonance_backend_blocked::Blocked);
        registry.register(HostBackend::new("blocked", "", "", kernels));
    }
    let is_host = |b: &&Arc<dyn Backend>| !b.info().name.starts_with("candle");
    registry.iter().filter(is_host).cloned().collect()
}

fn main() {
    let small = Plan::mlp(7, &[12, 9], 3, Activation::Gelu, Loss::CrossEntropy);
    let large = Plan::mlp(64, &[128, 64], 10, Activation::Relu, Loss::CrossEntropy);
    let optimizers = [Optimizer::sgd(0.01), Optimizer::adam(0.001)];
    // cut by outputs, and summed in groups of rows
    let wide = Plan::mlp(300, &[128], 3, Activation::Tanh, Loss::CrossEntropy);
    let long = Plan::mlp(6, &[8], 3, Activation::Relu, Loss::CrossEntropy);
    // the same, but for the last mini-batch of an epoch
    let last = wide.clone();
    for (plan, rows) in [(small, 5), (large, 64), (wide, 16), (long, 300), (last, 150)] {
        for precision in precisions() {
            let plan = plan.clone().precision(precision);
            let mut stream = Stream::new(1, Purpose::Synthetic, 0, 0);
            let n = 3 * rows;
            let features: Vec<f64> = (0..n * plan.inputs).map(|_| stream.normal()).collect();
            let classes = (0..n).map(|_| stream.below(plan.outputs() as u32)).collect();
            let features = Values::rounded(precision, &features);
            let data = Dataset::new(plan.inputs, features, Targets::Classes(classes)).unwrap();
            let order: Vec<u32> = (0..n as u32).rev().collect();
            for backend in host_backends() {
                for optimizer in optimizers {
                    for threads in [1, 2, 3] {
                        let mut network = backend.network(&plan, threads).unwrap();
                        let initial = Init::GlorotUniform.draw(&plan, 3).unwrap();
                        network.set_parameters(&initial).unwrap();
                        network.step(&data.batch(&order[..rows]), &optimizer).unwrap();
                        let before = ALLOCATIONS.load(Ordering::SeqCst);
                        for step in 0..40 {
                            let start = step * rows % (n - rows);
                            let rows = if step % 5 == 4 { rows.div_ceil(2) } else { rows };
                            let batch = data.batch(&order[start..start + rows]);
                            network.step(&batch, &optimizer).unwrap();
                        }
                        let made = ALLOCATIONS.load(Ordering::SeqCst) - before;
                        let name = backend.info().name;
                        assert_eq!(made, 0, "{name} {precision} {threads} threads {optimizer:?}");
                    }
                }
            }
        }
    }
    let names: Vec<_> = host_backends().iter().map(|backend| backend.info().name).collect();
    match names.is_empty() {
        true => println!("no backend whose steps are counted"),
        false => println!("a step after the first allocates nothing: {}", names.join(", ")),
    }
}
