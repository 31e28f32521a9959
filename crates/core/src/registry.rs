//! Backends by name, chosen at run time.

use crate::{Backend, Error, Result};
use std::sync::Arc;

/// The backends a program knows, in the order in which they were registered.
#[derive(Clone, Default)]
pub struct Registry {
    backends: Vec<Arc<dyn Backend>>,
}

impl Registry {
    /// A registry without backends.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend under its own name; one of the same name is replaced.
    pub fn register(&mut self, backend: impl Backend + 'static) {
        let name = backend.info().name;
        self.backends.retain(|known| known.info().name != name);
        self.backends.push(Arc::new(backend));
    }

    /// The backend of that name.
    ///
    /// # Errors
    /// [`Error::UnknownBackend`], listing the names there are.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Backend>> {
        self.iter()
            .find(|backend| backend.info().name == name)
            .cloned()
            .ok_or_else(|| Error::UnknownBackend { name: name.to_string(), known: self.names() })
    }

    /// The names of all backends.
    pub fn names(&self) -> Vec<String> {
        self.iter().map(|backend| backend.info().name).collect()
    }

    /// All backends.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Backend>> {
        self.backends.iter()
    }
}
