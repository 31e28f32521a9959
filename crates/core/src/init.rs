//! Initial parameters.

use crate::rng::{Purpose, Stream};
use crate::{Error, Plan, Result, Values, try_filled};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The distribution a weight matrix is drawn from; biases begin at 0.
///
/// With fan-in nᵢ (a layer's inputs) and fan-out nₒ (its outputs), a normal initialiser has the
/// standard deviation σ given here and a uniform one the range ±√3·σ, which has the same σ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Uniform, σ = √(2 / (nᵢ + nₒ)) (Glorot & Bengio 2010): for tanh and sigmoid.
    GlorotUniform,
    /// Normal, σ = √(2 / (nᵢ + nₒ)).
    GlorotNormal,
    /// Uniform, σ = √(2 / nᵢ) (He et al. 2015): for relu and its kin.
    HeUniform,
    /// Normal, σ = √(2 / nᵢ).
    HeNormal,
    /// Uniform, σ = √(1 / nᵢ) (LeCun et al. 1998).
    LecunUniform,
    /// Normal, σ = √(1 / nᵢ).
    LecunNormal,
    /// Normal, σ = 1, whatever the layer: what tutorials in numpy do.
    StandardNormal,
}

impl Init {
    /// Every initialiser.
    pub const ALL: [Init; 7] = [
        Init::GlorotUniform,
        Init::GlorotNormal,
        Init::HeUniform,
        Init::HeNormal,
        Init::LecunUniform,
        Init::LecunNormal,
        Init::StandardNormal,
    ];

    /// The name [`FromStr`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Init::GlorotUniform => "glorot_uniform",
            Init::GlorotNormal => "glorot_normal",
            Init::HeUniform => "he_uniform",
            Init::HeNormal => "he_normal",
            Init::LecunUniform => "lecun_uniform",
            Init::LecunNormal => "lecun_normal",
            Init::StandardNormal => "standard_normal",
        }
    }

    /// Draws the parameters of `plan`, in its layout and precision. Every weight is drawn in
    /// `f64` and rounded, so that both precisions begin at the same point.
    ///
    /// # Errors
    /// [`Error::Plan`] if the plan is none, [`Error::Memory`] if it is too large.
    pub fn draw(self, plan: &Plan, seed: u64) -> Result<Values> {
        let mut parameters = try_filled("initial parameters", plan.parameter_count()?, 0.0)?;
        for (number, layer) in plan.dense_layers()?.into_iter().enumerate() {
            let mut stream = Stream::new(seed, Purpose::Init, number as u32, 0);
            let deviation = self.deviation(layer.inputs, layer.outputs);
            for weight in &mut parameters[layer.weight] {
                *weight = deviation
                    * match self {
                        Init::GlorotUniform | Init::HeUniform | Init::LecunUniform => {
                            3.0_f64.sqrt() * (2.0 * stream.uniform() - 1.0)
                        }
                        _ => stream.normal(),
                    };
            }
        }
        Ok(Values::rounded(plan.precision, &parameters))
    }

    /// σ of a layer with these numbers of inputs and outputs.
    pub fn deviation(self, inputs: usize, outputs: usize) -> f64 {
        match self {
            Init::GlorotUniform | Init::GlorotNormal => (2.0 / (inputs + outputs) as f64).sqrt(),
            Init::HeUniform | Init::HeNormal => (2.0 / inputs as f64).sqrt(),
            Init::LecunUniform | Init::LecunNormal => (1.0 / inputs as f64).sqrt(),
            Init::StandardNormal => 1.0,
        }
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Init {
    type Err = Error;

    /// Reads a name; `-` may stand for `_`.
    fn from_str(name: &str) -> Result<Self> {
        let name = &name.replace('-', "_");
        Init::ALL.into_iter().find(|init| init.name() == *name).ok_or_else(|| {
            let names: Vec<_> = Init::ALL.iter().map(|init| init.name()).collect();
            Error::Plan(format!("unknown initialiser '{name}'; there are: {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Loss, Precision};

    #[test]
    fn deviations_are_as_stated_and_biases_zero() {
        let plan = Plan::new(300, Loss::MeanSquaredError).dense(200).precision(Precision::F64);
        for init in Init::ALL {
            let drawn = init.draw(&plan, 3).unwrap().to_f64();
            let (weights, biases) = drawn.split_at(300 * 200);
            assert!(biases.iter().all(|b| *b == 0.0));
            let n = weights.len() as f64;
            let variance = weights.iter().map(|w| w * w).sum::<f64>() / n;
            let expected = init.deviation(300, 200);
            assert!((variance.sqrt() / expected - 1.0).abs() < 0.02, "{init}");
            if init.name().ends_with("uniform") {
                let bound = 3.0_f64.sqrt() * expected;
                assert!(weights.iter().all(|w| w.abs() <= bound), "{init}");
            }
        }
    }

    #[test]
    fn both_precisions_begin_at_the_same_point() {
        let plan = Plan::new(5, Loss::MeanSquaredError).dense(3);
        let narrow = Init::HeNormal.draw(&plan, 1).unwrap();
        let wide = Init::HeNormal.draw(&plan.precision(Precision::F64), 1).unwrap();
        assert_eq!(narrow, wide.cast(Precision::F32));
    }
}
