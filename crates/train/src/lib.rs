//! The trainer of Consonance: epochs over mini-batches, metrics, and model files, over any
//! backend.
//!
//! ```
//! use consonance_core::{Activation, Backend, Init, Loss, Optimizer, Plan, Precision};
//! use consonance_data::{Preparation, Schema, digits};
//! use consonance_train::{Trainer, evaluate};
//!
//! let table = digits();
//! let schema = Schema::find(&table, &Default::default())?;
//! let split = table.split(&schema, 0.2, 0)?;
//! let preparation = Preparation::builder(&schema).fit(&table, &split.train)?;
//! let data = preparation.dataset(&table, Precision::F32)?;
//!
//! let plan = Plan::mlp(data.inputs(), &[32], 10, Activation::Relu, Loss::CrossEntropy);
//! let mut network = consonance_backend_naive::backend().network(&plan, 2)?;
//! network.set_parameters(&Init::HeNormal.draw(&plan, 0)?)?;
//!
//! let trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::adam(0.01)) };
//! trainer.fit(&mut *network, &data, &split, &mut ())?;
//! let metrics = evaluate(&mut *network, &data.batch(&split.test), &preparation.target)?;
//! assert!(metrics.loss < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checksum;
mod description;
mod error;
mod file;
mod metrics;
mod model;
mod naming;
mod observer;
mod predict;
mod state_dict;
mod tensors;
mod trainer;

pub use error::{Culprit, Error, Result};
pub use file::{TEMPORARY_PREFIX, sync_folder, write_atomically};
pub use metrics::{Metrics, Score, evaluate};
pub use model::{Model, ModelFile};
pub use observer::{EpochReport, Observer};
pub use predict::{Prediction, predict};
pub use state_dict::{InitialParameters, StateDict};
pub use trainer::{Epoch, Summary, Trainer};
