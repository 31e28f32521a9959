//! A whole backend from its kernels.

use crate::kernels::Kernels;
use crate::network::HostNetwork;
use crate::simd;
use consonance_core::{
    Backend, BackendInfo, Network, Optimizer, Plan, Precision, Result, TrainingMemory,
};
use std::sync::Arc;

/// A backend that computes in host memory: the engine over some [`Kernels`].
///
/// ```
/// use consonance_core::{Backend, Loss, Plan, Registry};
/// use consonance_host::{Beta, HostBackend, Kernels, MatMut, MatRef, Math};
///
/// struct Mine;
///
/// impl<T: Math> Kernels<T> for Mine {
///     fn gemm(&self, a: MatRef<T>, b: MatRef<T>, beta: Beta, mut c: MatMut<T>) {
///         for i in 0..c.rows() {
///             for j in 0..c.cols() {
///                 let before = if beta == Beta::One { c.as_ref().get(i, j) } else { T::zero() };
///                 let product: T = (0..a.cols()).map(|k| a.get(i, k) * b.get(k, j)).sum();
///                 c.set(i, j, before + product);
///             }
///         }
///     }
/// }
///
/// let mut backends = Registry::new();
/// backends.register(HostBackend::new("mine", "0.1.0", "plain loops", Mine));
/// let plan = Plan::new(2, Loss::MeanSquaredError).dense(1);
/// let network = backends.get("mine")?.network(&plan, 1)?;
/// assert_eq!(network.parameters()?.len(), 3);
/// # Ok::<(), consonance_core::Error>(())
/// ```
pub struct HostBackend<K> {
    info: BackendInfo,
    kernels: Arc<K>,
}

impl<K: Kernels<f32> + Kernels<f64>> HostBackend<K> {
    /// A backend of this name, implemented in this version of its crate over `library` (its name
    /// and version, for people to read).
    pub fn new(name: &str, version: &str, library: &str, kernels: K) -> Self {
        let info = BackendInfo {
            name: name.to_string(),
            version: version.to_string(),
            library: library.to_string(),
            device: "cpu".to_string(),
            simd: simd::level().to_string(),
            threading: "mini-batch rows shared out by the engine".to_string(),
            details: Vec::new(),
        };
        HostBackend { info, kernels: Arc::new(kernels) }
    }

    /// The same backend with one more thing to tell of itself.
    pub fn detail(mut self, name: &str, value: impl Into<String>) -> Self {
        self.info.details.push((name.to_string(), value.into()));
        self
    }
}

impl<K: Kernels<f32> + Kernels<f64>> Backend for HostBackend<K> {
    fn info(&self) -> BackendInfo {
        self.info.clone()
    }

    fn network(&self, plan: &Plan, threads: usize) -> Result<Box<dyn Network>> {
        let kernels = Arc::clone(&self.kernels);
        let name = &self.info.name;
        Ok(match plan.precision {
            Precision::F32 => Box::new(HostNetwork::<f32, K>::new(name, kernels, plan, threads)?),
            Precision::F64 => Box::new(HostNetwork::<f64, K>::new(name, kernels, plan, threads)?),
        })
    }

    fn training_memory(
        &self,
        plan: &Plan,
        threads: usize,
        optimizer: &Optimizer,
        rows: usize,
    ) -> Result<Option<TrainingMemory>> {
        let kernels = &*self.kernels;
        match plan.precision {
            Precision::F32 => {
                HostNetwork::<f32, K>::memory(kernels, plan, threads, optimizer, rows)
            }
            Precision::F64 => {
                HostNetwork::<f64, K>::memory(kernels, plan, threads, optimizer, rows)
            }
        }
        .map(Some)
    }
}
