//! What the machine can do: the fastest square products of any compiled-in library, and those of its
//! matrix unit.

use consonance::host::crew::Crew;
use consonance::host::{Beta, Kernels, MatMut, MatRef, Math};
use consonance::{Arena, Precision, products};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Sizes of the square products.
const SIZES: [usize; 3] = [1024, 512, 2048];

/// Size of the square products of textbook loops.
const TEXTBOOK_SIZE: usize = 128;

/// The fastest products so far, with as many at once as there are threads.
pub(super) struct Ceiling {
    crew: Crew,
    next: usize,
    best: f64,
    matrix_unit: f64,
    /// True if there are better libraries than textbook loops.
    others: bool,
}

impl Ceiling {
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let others = products().len() > 1;
        Ok(Ceiling { crew: Crew::new(threads)?, next: 0, best: 0.0, matrix_unit: 0.0, others })
    }

    /// Measures every library at one of the sizes, another each round.
    pub(super) fn round(&mut self, precision: Precision) {
        let size = SIZES[self.next % SIZES.len()];
        self.next += 1;
        for kernels in products() {
            // textbook loops are no ceiling, unless there is nothing else; and they are slow
            let size = match (kernels.name, self.others) {
                ("naive", true) => continue,
                ("naive", false) => TEXTBOOK_SIZE,
                _ => size,
            };
            let gflops = match precision {
                Precision::F32 => self.measure(size, &*kernels.f32),
                Precision::F64 => self.measure(size, &*kernels.f64),
            };
            let best = match kernels.matrix_unit && precision == Precision::F32 {
                true => &mut self.matrix_unit,
                false => &mut self.best,
            };
            *best = best.max(gflops);
        }
    }

    /// The best so far in arithmetic of the precision itself, of all threads together; nothing
    /// without a library to measure.
    pub(super) fn gflops(&self) -> Option<f64> {
        (self.best > 0.0).then_some(self.best)
    }

    /// The best so far on a matrix unit, of all threads together; nothing where none is used.
    pub(super) fn matrix_unit_gflops(&self) -> Option<f64> {
        (self.matrix_unit > 0.0).then_some(self.matrix_unit)
    }

    fn measure<T: Math>(&mut self, size: usize, kernels: &dyn Kernels<T>) -> f64 {
        let threads = self.crew.threads();
        let operand = || {
            let mut arena = Arena::zeros(size * size);
            arena.iter_mut().enumerate().for_each(|(i, x)| *x = T::of((i % 97) as f64 / 97.0));
            arena
        };
        let (a, b) = (operand(), operand());
        let c: Vec<_> = (0..threads).map(|_| Mutex::new(Arena::zeros(size * size))).collect();
        let mut best = Duration::MAX;
        // the first product is the warm-up
        for _ in 0..2 {
            let begun = Instant::now();
            self.crew.for_each(threads, &|task, _| {
                let mut c = c[task].lock().unwrap_or_else(|e| e.into_inner());
                let (a, b) = (MatRef::new(&a, size, size), MatRef::new(&b, size, size));
                kernels.gemm(a, b, Beta::Zero, MatMut::new(&mut c, size, size));
            });
            best = best.min(begun.elapsed());
        }
        threads as f64 * 2.0 * (size as f64).powi(3) / best.as_secs_f64() / 1e9
    }
}
