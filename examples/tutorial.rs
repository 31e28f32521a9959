//! The numpy tutorial's network, here: one tanh hidden layer, softmax, cross-entropy, gradient
//! descent on the whole batch with the gradient summed over samples, standard-normal weights.
//!
//! `cargo run --release --example tutorial`

use consonance::data::{Preparation, Schema, Split, digits};
use consonance::train::Trainer;
use consonance::{
    Activation, Dataset, Init, Loss, Network, Optimizer, Plan, Precision, Reduction, Result,
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
    let schema = Schema::find(&table, &Default::default())?;
    let all: Vec<u32> = (0..table.rows() as u32).collect();
    // pixels from 0 to 16 become inputs from 0 to 1
    let preparation = Preparation::builder(&schema).fit(&table, &all)?;
    let data = preparation.dataset(&table, Precision::F32)?;

    let mut network = NeuralNetwork::new(64, 32, 10, 42)?;
    network.train(&data, 0.001, 500)?;
    let predicted = network.predict(&data)?;
    let rows = data.all();
    let right =
        (0..rows.len()).filter(|&row| rows.class(row) == Some(predicted[row] as u32)).count();
    println!("{right} of {} digits are recognised after training on them", rows.len());
    Ok(())
}
