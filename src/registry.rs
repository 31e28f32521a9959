//! The one file that names every backend: feature, name, constructor.

use consonance_core::{Backend, Error, Registry, Result};
use consonance_host::Kernels;
use std::sync::Arc;

/// The backend used unless another is named: the fastest there is in a default build.
pub const DEFAULT_BACKEND: &str = if cfg!(feature = "fused") {
    "fused"
} else if cfg!(feature = "blocked") {
    "blocked"
} else if cfg!(feature = "openblas") {
    "openblas"
} else if cfg!(feature = "candle") {
    "candle"
} else {
    "naive"
};

/// Every backend of this project, as (name, feature that compiles it in).
pub const ALL_BACKENDS: [(&str, &str); 6] = [
    ("naive", "naive"),
    ("blocked", "blocked"),
    ("fused", "fused"),
    ("openblas", "openblas"),
    ("candle", "candle"),
    ("candle-cuda", "candle-cuda"),
];

/// The backends that are compiled in. Register your own beside them.
pub fn backends() -> Registry {
    #[allow(unused_mut, reason = "without features there is nothing to register")]
    let mut registry = Registry::new();
    #[cfg(feature = "naive")]
    registry.register(consonance_backend_naive::backend());
    #[cfg(feature = "blocked")]
    registry.register(consonance_backend_blocked::backend());
    #[cfg(feature = "fused")]
    registry.register(consonance_backend_fused::backend());
    #[cfg(feature = "openblas")]
    registry.register(consonance_backend_openblas::backend());
    #[cfg(feature = "candle")]
    registry.register(consonance_backend_candle::CandleBackend::cpu());
    #[cfg(feature = "candle-cuda")]
    registry.register(consonance_backend_candle::CandleBackend::cuda(0));
    registry
}

/// The kernels of a compiled-in backend in host memory.
pub struct Products {
    /// The backend's name; `fused_vectors` for what `fused` is without a matrix unit.
    pub name: &'static str,
    /// True if products in single precision with long sums go to a matrix unit, which computes with
    /// shorter numbers, several for each.
    pub matrix_unit: bool,
    /// Its kernels in single precision.
    pub f32: Box<dyn Kernels<f32>>,
    /// Its kernels in double precision.
    pub f64: Box<dyn Kernels<f64>>,
}

/// The kernels of every compiled-in backend that has some, and those of `fused` once more without
/// its matrix unit if it has one: for measuring products by themselves.
pub fn products() -> Vec<Products> {
    #[allow(unused_mut, reason = "without features there is nothing to measure")]
    let mut products = Vec::new();
    #[cfg(feature = "naive")]
    products.push(Products::of("naive", consonance_backend_naive::Naive));
    #[cfg(feature = "blocked")]
    products.push(Products::of("blocked", consonance_backend_blocked::Blocked));
    #[cfg(feature = "fused")]
    {
        use consonance_backend_fused::Fused;
        let fused = Fused::default();
        let matrix_unit = fused.has_matrix_unit();
        products.push(Products { matrix_unit, ..Products::of("fused", fused) });
        if matrix_unit {
            products.push(Products::of("fused_vectors", Fused::vectors()));
        }
    }
    #[cfg(feature = "openblas")]
    products.push(Products::of("openblas", consonance_backend_openblas::OpenBlas::default()));
    products
}

#[cfg(any(feature = "naive", feature = "blocked", feature = "fused", feature = "openblas"))]
impl Products {
    fn of<K: Kernels<f32> + Kernels<f64> + Copy>(name: &'static str, kernels: K) -> Self {
        let (f32, f64) = (Box::new(kernels), Box::new(kernels));
        Products { name, matrix_unit: false, f32, f64 }
    }
}

/// The compiled-in backend of that name.
///
/// # Errors
/// [`Error::Backend`] saying which feature compiles it in, if it is one of the project's that is
/// not; otherwise [`Error::UnknownBackend`].
pub fn backend(name: &str) -> Result<Arc<dyn Backend>> {
    let registry = backends();
    let known = ALL_BACKENDS.into_iter().find(|(known, _)| *known == name);
    match (registry.get(name), known) {
        (Err(_), Some((_, feature))) => Err(Error::Backend {
            backend: name.to_string(),
            message: format!(
                "not compiled into this program; build it with `--features {feature}`. Compiled \
                 in: {}",
                registry.names().join(", ")
            ),
        }),
        (found, _) => found,
    }
}
