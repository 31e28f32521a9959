//! A workload's folder, as `workloads.py` describes it.

use serde::Deserialize;
use std::path::Path;
use std::{fs, io};

#[derive(Deserialize)]
pub struct Workload {
    /// Inputs, hidden units of each layer, outputs.
    pub widths: Vec<usize>,
    pub activation: Activation,
    pub loss: Loss,
    pub optimizer: Optimizer,
    pub learning_rate: f64,
    pub batch: usize,
    pub rows: usize,
    /// Whether a step sees every row at once.
    pub full_batch: bool,
    /// How many losses are compared with the reference.
    pub checked_steps: usize,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Relu,
    Tanh,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    CrossEntropy,
    Mse,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    Sgd,
    Adam,
}

pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    /// [outputs, inputs], row-major.
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

pub enum Targets {
    Classes(Vec<i32>),
    Values(Vec<f32>),
}

pub struct Data {
    pub workload: Workload,
    /// [rows, inputs], row-major.
    pub x: Vec<f32>,
    pub y: Targets,
    pub layers: Vec<Layer>,
    /// Row numbers of each mini-batch; none where a step sees every row.
    pub batches: Option<Vec<Vec<i32>>>,
}

impl Data {
    pub fn read(folder: &Path) -> io::Result<Self> {
        let json = fs::read(folder.join("workload.json"))?;
        let workload: Workload = serde_json::from_slice(&json)?;
        let y = match workload.loss {
            Loss::CrossEntropy => Targets::Classes(words(folder, "y.i32", i32::from_le_bytes)?),
            Loss::Mse => Targets::Values(words(folder, "y.f32", f32::from_le_bytes)?),
        };
        let mut parameters = words(folder, "parameters.f32", f32::from_le_bytes)?.into_iter();
        let layers = workload.widths.windows(2).map(|w| Layer {
            inputs: w[0],
            outputs: w[1],
            weight: parameters.by_ref().take(w[0] * w[1]).collect(),
            bias: parameters.by_ref().take(w[1]).collect(),
        });
        let layers = layers.collect();
        let rows = words(folder, "batches.i32", i32::from_le_bytes)?;
        let batches = rows.chunks(workload.batch).map(<[i32]>::to_vec).collect();
        Ok(Data {
            x: words(folder, "x.f32", f32::from_le_bytes)?,
            y,
            layers,
            batches: (!workload.full_batch).then_some(batches),
            workload,
        })
    }
}

fn words<T>(folder: &Path, name: &str, word: fn([u8; 4]) -> T) -> io::Result<Vec<T>> {
    let bytes = fs::read(folder.join(name))?;
    Ok(bytes.as_chunks().0.iter().map(|&bytes| word(bytes)).collect())
}
