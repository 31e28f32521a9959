//! What a training takes of a backend's memory.

use serde::Serialize;

/// Bytes that a network holds while it is trained: known before it is built.
///
/// What a caller keeps beside the network (its data set, copies of parameters) is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TrainingMemory {
    /// The parameters.
    pub parameters: usize,
    /// The weights once more, in the form that a backend's products read; 0 where it keeps none.
    pub packed: usize,
    /// The optimiser's moments, each as large as the parameters.
    pub moments: usize,
    /// What a step writes besides: the activations of the rows it takes at a time and their
    /// gradients, and a part of the parameters' gradient.
    pub workspace: usize,
}

impl TrainingMemory {
    /// All of it.
    pub fn total(&self) -> usize {
        let parts = [self.parameters, self.packed, self.moments, self.workspace];
        parts.into_iter().fold(0, usize::saturating_add)
    }
}
