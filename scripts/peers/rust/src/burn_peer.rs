//! burn: its layers, losses, optimisers and automatic differentiation, on two of its backends.

use crate::clock::Training;
use crate::data::{self, Activation, Data, Loss, Targets, Workload};
use burn::backend::{Autodiff, Flex, NdArray};
use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, Optimizer, SgdConfig};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Int, Tensor, TensorData, activation};
use std::error::Error;

/// Trains on the flex backend.
pub fn flex(data: &Data) -> impl Training {
    Network::<Autodiff<Flex>>::new(data)
}

/// Trains on the ndarray backend.
pub fn ndarray(data: &Data) -> impl Training {
    Network::<Autodiff<NdArray>>::new(data)
}

#[derive(Module, Debug)]
struct Mlp<B: Backend> {
    layers: Vec<Linear<B>>,
}

impl<B: Backend> Mlp<B> {
    fn forward(&self, x: Tensor<B, 2>, function: Activation) -> Tensor<B, 2> {
        let (last, hidden) = self.layers.split_last().expect("a network has a layer");
        let x = hidden.iter().fold(x, |x, layer| match function {
            Activation::Relu => activation::relu(layer.forward(x)),
            Activation::Tanh => activation::tanh(layer.forward(x)),
        });
        last.forward(x)
    }
}

#[derive(Clone)]
enum Y<B: Backend> {
    Classes(Tensor<B, 1, Int>),
    Values(Tensor<B, 2>),
}

impl<B: Backend> Y<B> {
    fn select(&self, rows: Tensor<B, 1, Int>) -> Self {
        match self {
            Y::Classes(y) => Y::Classes(y.clone().select(0, rows)),
            Y::Values(y) => Y::Values(y.clone().select(0, rows)),
        }
    }
}

/// One update: (model, gradients) to the model after it.
type Update<B> = Box<dyn FnMut(Mlp<B>, GradientsParams) -> Mlp<B>>;

struct Network<'a, B: AutodiffBackend> {
    workload: &'a Workload,
    /// Missing only while the optimiser has it.
    model: Option<Mlp<B>>,
    update: Update<B>,
    cross_entropy: CrossEntropyLoss<B>,
    x: Tensor<B, 2>,
    y: Y<B>,
    batches: Option<Vec<Tensor<B, 1, Int>>>,
    loss: Option<Tensor<B, 1>>,
}

impl<'a, B: AutodiffBackend> Network<'a, B> {
    fn new(data: &'a Data) -> Self {
        let device = B::Device::default();
        let workload = &data.workload;
        let layers = data.layers.iter().map(|layer| {
            let shape = [layer.outputs, layer.inputs];
            let weight = TensorData::new(layer.weight.clone(), shape);
            let bias = TensorData::new(layer.bias.clone(), [layer.outputs]);
            let mut linear = LinearConfig::new(layer.inputs, layer.outputs).init::<B>(&device);
            // burn keeps [inputs, outputs]: read back, so that it lies in memory as burn has it
            let weight = Tensor::<B, 2>::from_data(weight, &device).transpose().into_data();
            linear.weight = Param::from_data(weight, &device);
            linear.bias = Some(Param::from_data(bias, &device));
            linear
        });
        let indices = |rows: &Vec<i32>| Tensor::<B, 1, Int>::from_data(rows.as_slice(), &device);
        let x = TensorData::new(data.x.clone(), [workload.rows, workload.widths[0]]);
        Network {
            workload,
            model: Some(Mlp { layers: layers.collect() }),
            update: update(workload),
            cross_entropy: CrossEntropyLoss::new(None, &device),
            x: Tensor::from_data(x, &device),
            y: match &data.y {
                Targets::Classes(y) => Y::Classes(indices(y)),
                Targets::Values(y) => {
                    let y = TensorData::new(y.clone(), [workload.rows, 1]);
                    Y::Values(Tensor::from_data(y, &device))
                }
            },
            batches: data.batches.as_ref().map(|batches| batches.iter().map(indices).collect()),
            loss: None,
        }
    }
}

fn update<B: AutodiffBackend>(workload: &Workload) -> Update<B> {
    let rate = workload.learning_rate;
    match workload.optimizer {
        data::Optimizer::Sgd => {
            let mut sgd = SgdConfig::new().init::<B, Mlp<B>>();
            Box::new(move |model, gradients| sgd.step(rate, model, gradients))
        }
        data::Optimizer::Adam => {
            let mut adam = AdamConfig::new().with_epsilon(1e-8).init::<B, Mlp<B>>();
            Box::new(move |model, gradients| adam.step(rate, model, gradients))
        }
    }
}

impl<B: AutodiffBackend> Training for Network<'_, B> {
    fn step(&mut self, number: usize) -> Result<(), Box<dyn Error>> {
        let (x, y) = match &self.batches {
            None => (self.x.clone(), self.y.clone()),
            Some(batches) => {
                let rows = &batches[number % batches.len()];
                (self.x.clone().select(0, rows.clone()), self.y.select(rows.clone()))
            }
        };
        let model = self.model.take().ok_or("the step before failed")?;
        let out = model.forward(x, self.workload.activation);
        let loss = match (self.workload.loss, y) {
            (Loss::CrossEntropy, Y::Classes(y)) => self.cross_entropy.forward(out, y),
            (Loss::Mse, Y::Values(y)) => MseLoss::new().forward(out, y, Reduction::Mean),
            _ => return Err("the targets do not suit the loss".into()),
        };
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        self.model = Some((self.update)(model, gradients));
        self.loss = Some(loss);
        Ok(())
    }

    fn loss(&self) -> Result<f64, Box<dyn Error>> {
        let loss = self.loss.clone().ok_or("no step was made")?;
        let value = loss.into_data().to_vec::<f32>().map_err(|e| format!("{e:?}"))?;
        Ok(value[0].into())
    }
}
