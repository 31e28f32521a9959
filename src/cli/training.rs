//! How a network is trained.

use super::arguments::BatchSize;
use consonance::Optimizer;
use consonance::data::TargetEncoding;
use consonance::train::Trainer;
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How to train.
#[derive(clap::Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct TrainingArguments {
    /// sgd, adam or adamw
    #[arg(long, value_name = "NAME", default_value = "adam", value_parser = ["sgd", "adam", "adamw"])]
    pub(crate) optimizer: String,
    /// Step size [default: 0.001 for adam and adamw, 0.01 for sgd]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub(crate) learning_rate: Option<f64>,
    /// Momentum of sgd
    #[arg(long, value_name = "M", default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) momentum: f64,
    /// Let sgd look ahead by its momentum
    #[arg(long)]
    pub(crate) nesterov: bool,
    /// Weight decay [default: 0.01 for adamw, 0 for the others]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub(crate) weight_decay: Option<f64>,
    /// How many times to see every row [default: 30, and for small tables as many as make 1,200
    /// steps, but at most 200]
    #[arg(long, value_name = "N", value_parser = epochs)]
    pub(crate) epochs: Option<usize>,
    /// Rows of a mini-batch, or full for all rows at once
    #[arg(long, value_name = "ROWS", default_value = "32")]
    pub(crate) batch_size: BatchSize,
    /// Seed of the split, the initial weights and the order of rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Share of the rows to hold out; 0 trains on every row
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, allow_negative_numbers = true)]
    pub(crate) test_fraction: f64,
    /// Take the rows in another order each epoch
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) shuffle: bool,
}

fn epochs(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse::<u32>().ok().filter(|number| *number > 0);
    number.map(|n| n as usize).ok_or_else(|| format!("expected 1 to {}", u32::MAX))
}

/// The flag that an optimiser's refusal is about: it begins with the name of a setting.
fn flag_of(refusal: &str) -> &'static str {
    let flags = ["learning-rate", "momentum", "weight-decay", "nesterov"];
    let about = |flag: &&str| refusal.contains(&flag.replace('-', " "));
    flags.into_iter().find(about).unwrap_or("optimizer")
}

impl TrainingArguments {
    /// The optimiser asked for.
    pub(crate) fn optimizer(&self) -> Result<Optimizer> {
        let rate = |default| self.learning_rate.unwrap_or(default);
        let mut optimizer = match self.optimizer.as_str() {
            "adam" => Optimizer::adam(rate(0.001)),
            "adamw" => Optimizer::adamw(rate(0.001)),
            _ => Optimizer::sgd(rate(0.01)),
        };
        match &mut optimizer {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                (*momentum, *nesterov) = (self.momentum, self.nesterov);
                *weight_decay = self.weight_decay.unwrap_or(*weight_decay);
            }
            Optimizer::Adam { weight_decay, .. } | Optimizer::AdamW { weight_decay, .. } => {
                if self.momentum != 0.0 || self.nesterov {
                    let name = &self.optimizer;
                    return Err(format!("--momentum and --nesterov are sgd's, not {name}'s").into());
                }
                *weight_decay = self.weight_decay.unwrap_or(*weight_decay);
            }
        }
        optimizer.check().map_err(|e| format!("--{}: {e}", flag_of(&e.to_string())))?;
        Ok(optimizer)
    }

    /// The trainer asked for, of `rows` rows.
    pub(crate) fn trainer(&self, encoding: TargetEncoding, rows: usize) -> Result<Trainer> {
        Ok(Trainer {
            optimizer: self.optimizer()?,
            epochs: self.epochs.unwrap_or_else(|| self.suitable_epochs(rows)),
            batch_size: self.batch_size.0,
            shuffle: self.shuffle,
            seed: self.seed,
            encoding,
        })
    }

    /// How many epochs suit `rows` rows, unless it is told: a table of forty rows is two steps an
    /// epoch, and thirty epochs would hardly begin.
    fn suitable_epochs(&self, rows: usize) -> usize {
        const LEAST: usize = 30;
        const MOST: usize = 200;
        const STEPS: usize = 1200;
        let steps = rows.div_ceil(self.batch_size.0.unwrap_or(rows).clamp(1, rows.max(1)));
        STEPS.div_ceil(steps.max(1)).clamp(LEAST, MOST)
    }
}
