//! Consonance's candle backend: networks in the tensors of [candle](candle_core), on the CPU or,
//! with the feature `cuda`, on an NVIDIA GPU.
//!
//! Forward pass, backward pass and optimiser updates are written out as formulas over tensors;
//! candle's automatic differentiation has no part in them. CPU and GPU run the same formulas, so
//! that what is proved of them on the one holds for the other but for the rounding of the
//! device's own products and exponentials.
//!
//! A network holds copies of the two data sets used last in its device's memory; on the CPU that
//! is host memory, so a data set is there twice. `scripts/cuda_toolkit.sh` sets up a machine
//! without a CUDA toolkit to compile the feature `cuda`.
//!
//! ```
//! use consonance_backend_candle::CandleBackend;
//! use consonance_core::{Activation, Backend, Dataset, Loss, Optimizer, Plan, Targets, Values};
//!
//! let plan = Plan::mlp(2, &[8], 2, Activation::Tanh, Loss::CrossEntropy);
//! let mut network = CandleBackend::cpu().network(&plan, 1)?;
//! let features = Values::from(vec![0.0_f32, 1.0, 1.0, 0.0]);
//! let data = Dataset::new(2, features, Targets::Classes(vec![1, 0]))?;
//! let loss = network.step(&data.all(), &Optimizer::sgd(0.1))?;
//! // all parameters are still 0: both classes were equally likely
//! assert!((loss - 2.0_f64.ln()).abs() < 1e-6);
//! # Ok::<(), consonance_core::Error>(())
//! ```

mod activation;
mod boundary;
mod data;
mod functions;
mod loss;
mod network;
mod optimizer;

use candle_core::{Device, utils};
use consonance_core::{Backend, BackendInfo, Network, Plan, Result};
use network::CandleNetwork;

/// The version of candle-core this crate is built with; a test holds it against the lock file.
const CANDLE_VERSION: &str = "0.11.1";

/// The backend `candle` (CPU) or `candle-cuda` (one NVIDIA GPU).
#[derive(Debug, Clone)]
pub struct CandleBackend {
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda(usize),
}

impl CandleBackend {
    /// The backend `candle`, on the CPU.
    pub fn cpu() -> Self {
        CandleBackend { place: Place::Cpu }
    }

    /// The backend `candle-cuda`, on CUDA device `ordinal`, counted from 0. The device is opened
    /// when a network is built; without one, that fails, and nothing falls back to the CPU.
    #[cfg(feature = "cuda")]
    pub fn cuda(ordinal: usize) -> Self {
        CandleBackend { place: Place::Cuda(ordinal) }
    }

    fn name(&self) -> &'static str {
        match self.place {
            Place::Cpu => "candle",
            #[cfg(feature = "cuda")]
            Place::Cuda(_) => "candle-cuda",
        }
    }

    fn device(&self) -> Result<Device> {
        match self.place {
            Place::Cpu => Ok(Device::Cpu),
            #[cfg(feature = "cuda")]
            Place::Cuda(ordinal) => Device::new_cuda(ordinal).map_err(|error| {
                let message = format!(
                    "CUDA device {ordinal} cannot be opened; an NVIDIA GPU with a driver of CUDA \
                     13.0 or newer is needed ({})",
                    boundary::message(&error)
                );
                consonance_core::Error::Backend { backend: self.name().into(), message }
            }),
        }
    }
}

impl Backend for CandleBackend {
    fn info(&self) -> BackendInfo {
        let (device, simd, threading) = match self.place {
            Place::Cpu => (
                "cpu".to_string(),
                simd(),
                format!(
                    "products are cut into {} parts (RAYON_NUM_THREADS, or the cores found), run \
                     by the threads asked for; everything else runs on one thread; same bits for \
                     any number of threads",
                    utils::get_num_threads()
                ),
            ),
            #[cfg(feature = "cuda")]
            Place::Cuda(ordinal) => (
                format!("cuda:{ordinal}"),
                "none: the GPU computes".to_string(),
                "one stream on the GPU; the number of threads asked for does not matter".into(),
            ),
        };
        let yes_no = |value: bool| if value { "yes" } else { "no" }.to_string();
        BackendInfo {
            name: self.name().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            library: format!("candle-core {CANDLE_VERSION}"),
            device,
            simd,
            threading,
            details: vec![
                ("compiled with CUDA".into(), yes_no(utils::cuda_is_available())),
                ("compiled with MKL".into(), yes_no(utils::has_mkl())),
                ("compiled with Accelerate".into(), yes_no(utils::has_accelerate())),
                ("AVX2".into(), yes_no(utils::with_avx())),
                ("F16C".into(), yes_no(utils::with_f16c())),
                ("NEON".into(), yes_no(utils::with_neon())),
            ],
        }
    }

    fn network(&self, plan: &Plan, threads: usize) -> Result<Box<dyn Network>> {
        plan.check()?;
        Ok(Box::new(CandleNetwork::new(self.name(), plan, self.device()?, threads)?))
    }
}

/// What candle's products use on this machine.
fn simd() -> String {
    if utils::with_avx() {
        "avx2"
    } else if utils::with_neon() {
        "neon"
    } else {
        "as compiled"
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candle_version_is_that_of_the_lock_file() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        let lock = std::fs::read_to_string(path).expect("the workspace has a lock file");
        let entry = lock.split("[[package]]").find(|e| e.contains("name = \"candle-core\""));
        let entry = entry.expect("candle-core is a dependency");
        assert!(entry.contains(&format!("version = \"{CANDLE_VERSION}\"")), "{entry}");
    }

    #[test]
    fn what_it_says_of_itself_needs_no_device() {
        let info = CandleBackend::cpu().info();
        assert_eq!((info.name.as_str(), info.device.as_str()), ("candle", "cpu"));
        #[cfg(feature = "cuda")]
        {
            let info = CandleBackend::cuda(1).info();
            assert_eq!((info.name.as_str(), info.device.as_str()), ("candle-cuda", "cuda:1"));
        }
    }
}
