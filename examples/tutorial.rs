//! The numpy tutorial's network, here: one tanh hidden layer, softmax, cross-entropy, gradient
//! descent on the whole batch with the gradient summed over samples, standard-normal weights.
//!
//! `cargo run --release --example tutorial`

use consonance::data::{Split, digits};
use consonance::train::Trainer;
use consonance::{
    Activation, Dataset, Element, Init, Loss, Network, Optimizer, Plan, Reduction, Result, Targets,
};

struct NeuralNetwork(Box<dyn Network>);

impl NeuralNetwork {
    fn new(inputs: usize, hidden: usize, outputs: usize, seed: u64) -> Result<Self> {
        let plan = Plan::mlp(inputs, &[hidden], outputs, Activation::Tanh, Loss::CrossEntropy)
            .reduction(Reduction::Sum);
        let mut network = consonance::backend(consonance::DEFAULT_BACKEND)?.network(&plan, 2)?;
        network.set_parameters(&Init::StandardNormal.draw(&plan, seed)?)?;
        Ok(NeuralNetwork(network))
    }

    /// The logits; the softmax is part of the loss, where it cannot overflow.
    fn forward(&mut self, data: &Dataset) -> Result<Vec<f32>> {
        self.0.forward(&data.all())?.expect("logits", data.rows() * 10).map(<[f32]>::to_vec)
    }

    fn train(
        &mut self,
        data: &Dataset,
        learning_rate: f64,
        epochs: usize,
    ) -> consonance::train::Result<()> {
        let sgd = Trainer::new(Optimizer::sgd(learning_rate));
        let trainer = Trainer { epochs, batch_size: None, shuffle: false, ..sgd };
        let split = Split { train: (0..data.rows() as u32).collect(), test: vec![] };
        trainer.fit(&mut *self.0, data, &split, &mut ()).map(drop)
    }

    fn predict(&mut self, data: &Dataset) -> Result<Vec<usize>> {
        let argmax = |row: &[f32]| (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
        Ok(self.forward(data)?.chunks(10).map(argmax).collect())
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let table = digits();
    let pixels: Vec<f32> = (0..1797)
        .flat_map(|r| (0..64).map(move |c| (r, c)))
        .map(|(r, c)| table.value(r, c) as f32 / 16.0)
        .collect();
    let y = table.class_indices(&table.classes()?)?;
    let data = Dataset::new(64, f32::values(pixels), Targets::Classes(y.clone()))?;

    let mut network = NeuralNetwork::new(64, 32, 10, 42)?;
    network.train(&data, 0.001, 500)?;
    let predicted = network.predict(&data)?;
    let right = predicted.iter().zip(&y).filter(|(p, y)| **p == **y as usize).count();
    println!("{right} of {} digits are recognised after training on them", y.len());
    Ok(())
}
