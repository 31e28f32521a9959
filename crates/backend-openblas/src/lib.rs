//! The OpenBLAS backend: products by the system's OpenBLAS, called single-threaded from the host
//! engine, which shares out the rows of the mini-batch.
//!
//! OpenBLAS shares out its work in ways that depend on its build and environment, and then sums
//! in another order for another number of threads. So its own threading is switched off, and a
//! build whose threading cannot be switched off is refused.

// The linker drops a library that nothing refers to; this crate is what links OpenBLAS.
extern crate blas_src as _;

mod library;
mod product;

pub use library::{Library, Threading};
pub use product::OpenBlas;

use consonance_core::{
    Backend, BackendInfo, Error, Network, Optimizer, Plan, Result, TrainingMemory,
};
use consonance_host::{HostBackend, simd};

/// The name of the backend.
const NAME: &str = "openblas";

/// The backend `openblas`.
pub struct OpenBlasBackend {
    inner: HostBackend<OpenBlas>,
    library: Library,
}

/// The backend `openblas`, with the OpenBLAS this program runs with asked about itself and, if
/// possible, made single-threaded.
pub fn backend() -> OpenBlasBackend {
    let library = Library::probe();
    let name = format!("OpenBLAS {}", library.version());
    let inner = HostBackend::new(NAME, env!("CARGO_PKG_VERSION"), &name, OpenBlas::default())
        .detail("configuration", &library.configuration)
        .detail("core", &library.core)
        .detail("threading model", library.threading.to_string());
    let inner = match library.advice(simd::level()) {
        Some(advice) => inner.detail("advice", advice),
        None => inner,
    };
    OpenBlasBackend { inner, library }
}

impl Backend for OpenBlasBackend {
    fn info(&self) -> BackendInfo {
        self.inner.info()
    }

    fn network(&self, plan: &Plan, threads: usize) -> Result<Box<dyn Network>> {
        self.library
            .check_single_threaded()
            .map_err(|message| Error::Backend { backend: NAME.to_string(), message })?;
        self.inner.network(plan, threads)
    }

    fn training_memory(
        &self,
        plan: &Plan,
        threads: usize,
        optimizer: &Optimizer,
        rows: usize,
    ) -> Result<Option<TrainingMemory>> {
        self.inner.training_memory(plan, threads, optimizer, rows)
    }
}
