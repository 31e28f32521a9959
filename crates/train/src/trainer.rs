//! Epochs over mini-batches.

use crate::error::Culprit;
use crate::metrics::evaluate;
use crate::observer::{EpochReport, Observer};
use crate::{Error, Result};
use consonance_core::rng::{Purpose, Stream};
use consonance_core::{Batch, Dataset, Layer, Network, Optimizer, Reduction, Rows, Values};
use consonance_data::{Split, TargetEncoding};
use std::time::{Duration, Instant};

/// How a network is trained. All fields are open; [`Trainer::new`] has the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Trainer {
    /// The optimiser.
    pub optimizer: Optimizer,
    /// How many times every training row is seen; at least 1.
    pub epochs: usize,
    /// Rows of a mini-batch, at least 1; `None` for all rows in one batch. The last mini-batch of
    /// an epoch may be smaller.
    pub batch_size: Option<usize>,
    /// Whether the rows come in another order each epoch.
    pub shuffle: bool,
    /// What the order is drawn from.
    pub seed: u64,
    /// How targets were scaled: only for the scores reported.
    pub encoding: TargetEncoding,
}

/// A finished training.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Epochs finished.
    pub epochs: usize,
    /// Steps taken.
    pub steps: u64,
    /// Time in training steps, in seconds; evaluation is not counted.
    pub seconds: f64,
    /// Rows trained a second.
    pub samples_per_second: f64,
}

/// One epoch of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// As [`EpochReport::loss`].
    pub loss: f64,
    /// Steps taken.
    pub steps: u64,
    /// Time in those steps.
    pub time: Duration,
}

impl Trainer {
    /// 20 epochs of shuffled mini-batches of 32 rows, seed 0.
    pub fn new(optimizer: Optimizer) -> Self {
        Trainer {
            optimizer,
            epochs: 20,
            batch_size: Some(32),
            shuffle: true,
            seed: 0,
            encoding: TargetEncoding::Values { standardizer: None },
        }
    }

    /// Trains `network` on the training rows of `split`, and evaluates it on the test rows after
    /// each epoch. The parameters are those of the last step when it returns.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings out of range; [`Error::Diverged`] when a loss is not
    /// finite, with the network at the parameters of the last good epoch (or those it began
    /// with); whatever the network or the observer fails with.
    pub fn fit(
        &self,
        network: &mut dyn Network,
        data: &Dataset,
        split: &Split,
        observer: &mut dyn Observer,
    ) -> Result<Summary> {
        self.check()?;
        if split.train.is_empty() {
            return Err(Error::Setting("there are no rows to train on".to_string()));
        }
        let mut summary = Summary { epochs: 0, steps: 0, seconds: 0.0, samples_per_second: 0.0 };
        let mut time = Duration::ZERO;
        let mut good = network.parameters()?;
        for epoch in 1..=self.epochs {
            let trained = self.epoch(network, data, &split.train, epoch, observer);
            let Epoch { loss, steps, time: spent } = match trained {
                Ok(trained) => trained,
                Err(error) => {
                    network.set_parameters(&good)?;
                    return Err(error);
                }
            };
            good = network.parameters()?;
            let test = match split.test.is_empty() {
                true => None,
                false => Some(evaluate(network, &data.batch(&split.test), &self.encoding)?),
            };
            time += spent;
            summary = Summary {
                epochs: epoch,
                steps: summary.steps + steps,
                seconds: time.as_secs_f64(),
                samples_per_second: rate(split.train.len() * epoch, time),
            };
            let report = EpochReport {
                epoch,
                steps: summary.steps,
                loss,
                test,
                seconds: summary.seconds,
                samples_per_second: rate(split.train.len(), spent),
            };
            if observer.epoch(&report, network)?.is_break() {
                break;
            }
        }
        Ok(summary)
    }

    /// Trains one epoch, number `epoch` from 1, on the rows `train`: the rows' order depends on
    /// the seed and this number alone.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a loss, or a parameter after the last step, is not finite; the
    /// network is left as it is then. Whatever the network fails with.
    pub fn epoch(
        &self,
        network: &mut dyn Network,
        data: &Dataset,
        train: &[u32],
        epoch: usize,
        observer: &mut dyn Observer,
    ) -> Result<Epoch> {
        let order = self.order(train, epoch);
        let size = self.batch_rows(order.len());
        let steps = order.len().div_ceil(size) as u64;
        let diverged = |step: usize, culprit| Error::Diverged {
            epoch,
            step: (epoch as u64 - 1) * steps + step as u64,
            culprit,
        };
        let mut time = Duration::ZERO;
        let mut sum = 0.0;
        for (index, chunk) in order.chunks(size).enumerate() {
            let batch = Batch { data, rows: rows(chunk) };
            let begun = Instant::now();
            let loss = network.step(&batch, &self.optimizer)?;
            let spent = begun.elapsed();
            if !loss.is_finite() {
                return Err(diverged(index + 1, first_not_finite(network, &batch)?));
            }
            time += spent;
            sum += loss * weight(network, chunk.len());
            observer.step(epoch, index * size + chunk.len(), loss, spent);
        }
        if let Some(name) = not_finite(network, &network.parameters()?)? {
            return Err(diverged(steps as usize, Culprit::Parameter(name)));
        }
        Ok(Epoch { loss: sum / weight(network, order.len()), steps, time })
    }

    /// The rows `train` in the order in which epoch number `epoch`, from 1, takes them.
    pub fn order(&self, train: &[u32], epoch: usize) -> Vec<u32> {
        let mut order = train.to_vec();
        if self.shuffle {
            Stream::new(self.seed, Purpose::Shuffle, epoch as u32, 0).shuffle(&mut order);
        }
        order
    }

    /// How many of `rows` training rows a mini-batch has.
    pub fn batch_rows(&self, rows: usize) -> usize {
        self.batch_size.unwrap_or(rows).min(rows).max(1)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the setting, or the optimiser's own error.
    pub fn check(&self) -> Result<()> {
        self.optimizer.check()?;
        if self.epochs == 0 || u32::try_from(self.epochs).is_err() {
            let range = format!("expected 1 to {}", u32::MAX);
            return Err(Error::Setting(format!("{} epochs, {range}", self.epochs)));
        }
        if self.batch_size == Some(0) {
            return Err(Error::Setting("the batch size is 0, expected at least 1".to_string()));
        }
        Ok(())
    }
}

/// What a batch's loss counts for in the epoch's.
fn weight(network: &dyn Network, rows: usize) -> f64 {
    match network.plan().reduction {
        Reduction::Mean => rows as f64,
        Reduction::Sum => 1.0,
    }
}

/// A run of neighbours as a range, which a network reads without gathering.
fn rows(list: &[u32]) -> Rows<'_> {
    match list {
        [first, .., last] if last.wrapping_sub(*first) as usize + 1 == list.len() => {
            let neighbours = list.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
            if neighbours {
                return Rows::Range(*first as usize..*last as usize + 1);
            }
            Rows::List(list)
        }
        _ => Rows::List(list),
    }
}

fn rate(rows: usize, time: Duration) -> f64 {
    rows as f64 / time.as_secs_f64().max(1e-9)
}

/// Looks for the first number that is not finite, from the inputs up.
fn first_not_finite(network: &mut dyn Network, batch: &Batch<'_>) -> Result<Culprit> {
    let parameters = network.parameters()?;
    if let Some(name) = not_finite(network, &parameters)? {
        return Ok(Culprit::Parameter(name));
    }
    let width = batch.data.inputs();
    let finite =
        |row| (row * width..(row + 1) * width).all(|i| batch.data.features().get(i).is_finite());
    if !(0..batch.len()).all(|position| finite(batch.rows.at(position))) {
        return Ok(Culprit::Inputs);
    }
    for layer in 0..network.plan().layers.len() {
        if !network.activations(batch, layer)?.is_finite() {
            let kind = match network.plan().layers[layer] {
                Layer::Activation(activation) => activation.to_string(),
                _ => "dense".to_string(),
            };
            return Ok(Culprit::Layer { layer, kind });
        }
    }
    Ok(Culprit::Loss)
}

/// The name of the first array of parameters that holds a number that is not finite.
fn not_finite(network: &dyn Network, parameters: &Values) -> Result<Option<String>> {
    if parameters.is_finite() {
        return Ok(None);
    }
    let arrays = network.plan().parameters()?;
    let bad = arrays.iter().find(|a| a.range.clone().any(|i| !parameters.get(i).is_finite()));
    Ok(bad.map(|array| array.name()))
}
