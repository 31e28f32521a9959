//! candle-nn: its layers, losses, optimisers and automatic differentiation, on the CPU.

use crate::clock::Training;
use crate::data::{self, Activation, Data, Loss, Targets, Workload};
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, SGD, loss};
use std::error::Error;

const CPU: Device = Device::Cpu;

enum Either {
    Sgd(SGD),
    Adam(AdamW),
}

pub struct Network<'a> {
    workload: &'a Workload,
    layers: Vec<Linear>,
    optimizer: Either,
    x: Tensor,
    y: Tensor,
    batches: Option<Vec<Tensor>>,
    loss: Option<Tensor>,
}

impl<'a> Network<'a> {
    pub fn new(data: &'a Data) -> Result<Self> {
        let workload = &data.workload;
        let mut variables = Vec::new();
        let mut layers = Vec::new();
        for layer in &data.layers {
            let shape = (layer.outputs, layer.inputs);
            let weight = Var::from_slice(&layer.weight, shape, &CPU)?;
            let bias = Var::from_slice(&layer.bias, layer.outputs, &CPU)?;
            layers.push(Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())));
            variables.extend([weight, bias]);
        }
        let lr = workload.learning_rate;
        let optimizer = match workload.optimizer {
            data::Optimizer::Sgd => Either::Sgd(SGD::new(variables, lr)?),
            data::Optimizer::Adam => {
                let adam = ParamsAdamW { lr, weight_decay: 0.0, ..ParamsAdamW::default() };
                Either::Adam(AdamW::new(variables, adam)?)
            }
        };
        let y = match &data.y {
            Targets::Classes(y) => {
                let y = y.iter().map(|&class| class as u32);
                Tensor::from_iter(y, &CPU)?
            }
            Targets::Values(y) => Tensor::from_slice(y, (y.len(), 1), &CPU)?,
        };
        let indices = |batch: &Vec<i32>| Tensor::from_iter(batch.iter().map(|&r| r as u32), &CPU);
        let batches = data.batches.as_ref().map(|b| b.iter().map(indices).collect());
        Ok(Network {
            workload,
            layers,
            optimizer,
            x: Tensor::from_slice(&data.x, (workload.rows, workload.widths[0]), &CPU)?,
            y,
            batches: batches.transpose()?,
            loss: None,
        })
    }

    fn forward(&self, x: Tensor) -> Result<Tensor> {
        let (last, hidden) = self.layers.split_last().expect("a network has a layer");
        let mut x = x;
        for layer in hidden {
            x = layer.forward(&x)?;
            x = match self.workload.activation {
                Activation::Relu => x.relu()?,
                Activation::Tanh => x.tanh()?,
            };
        }
        last.forward(&x)
    }
}

impl Training for Network<'_> {
    fn step(&mut self, number: usize) -> std::result::Result<(), Box<dyn Error>> {
        let (x, y) = match &self.batches {
            None => (self.x.clone(), self.y.clone()),
            Some(batches) => {
                let rows = &batches[number % batches.len()];
                (self.x.index_select(rows, 0)?, self.y.index_select(rows, 0)?)
            }
        };
        let out = self.forward(x)?;
        let loss = match self.workload.loss {
            Loss::CrossEntropy => loss::cross_entropy(&out, &y)?,
            Loss::Mse => loss::mse(&out, &y)?,
        };
        match &mut self.optimizer {
            Either::Sgd(sgd) => sgd.backward_step(&loss)?,
            Either::Adam(adam) => adam.backward_step(&loss)?,
        }
        self.loss = Some(loss);
        Ok(())
    }

    fn loss(&self) -> std::result::Result<f64, Box<dyn Error>> {
        let loss = self.loss.as_ref().ok_or("no step was made")?;
        Ok(loss.to_scalar::<f32>()?.into())
    }
}
