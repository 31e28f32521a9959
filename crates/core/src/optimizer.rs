//! Optimisers: configuration, state, and the update of one parameter.

use crate::{Element, Error, Result, Values};
use serde::{Deserialize, Serialize};

/// How a gradient changes the parameters. Formulas and defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum Optimizer {
    /// Gradient descent, with momentum m ← μ·m + g and p ← p − η·m; with Nesterov
    /// p ← p − η·(g + μ·m). Weight decay adds λ·p to g.
    Sgd {
        /// η, finite and at least 0.
        learning_rate: f64,
        /// μ in [0, 1).
        momentum: f64,
        /// Looks ahead by the momentum; needs μ > 0.
        nesterov: bool,
        /// λ, finite and at least 0.
        weight_decay: f64,
    },
    /// Adam (Kingma & Ba 2014): m ← β₁·m + (1−β₁)·g, v ← β₂·v + (1−β₂)·g²,
    /// p ← p − η/(1−β₁ᵗ) · m / (√(v/(1−β₂ᵗ)) + ε). Weight decay adds λ·p to g.
    Adam {
        /// η, finite and at least 0.
        learning_rate: f64,
        /// β₁ in [0, 1).
        beta1: f64,
        /// β₂ in [0, 1).
        beta2: f64,
        /// ε, finite and above 0.
        epsilon: f64,
        /// λ, finite and at least 0.
        weight_decay: f64,
    },
    /// AdamW (Loshchilov & Hutter 2017): Adam with p ← p·(1 − η·λ) in place of λ·p in g.
    #[serde(rename = "adamw")]
    AdamW {
        /// η, finite and at least 0.
        learning_rate: f64,
        /// β₁ in [0, 1).
        beta1: f64,
        /// β₂ in [0, 1).
        beta2: f64,
        /// ε, finite and above 0.
        epsilon: f64,
        /// λ, finite and at least 0.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// Plain gradient descent.
    pub fn sgd(learning_rate: f64) -> Self {
        Optimizer::Sgd { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with β = (0.9, 0.999), ε = 10⁻⁸, no weight decay.
    pub fn adam(learning_rate: f64) -> Self {
        Optimizer::Adam {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }

    /// AdamW with β = (0.9, 0.999), ε = 10⁻⁸ and weight decay 0.01.
    pub fn adamw(learning_rate: f64) -> Self {
        Optimizer::AdamW {
            learning_rate,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        }
    }

    /// `"sgd"`, `"adam"` or `"adamw"`.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd { .. } => "sgd",
            Optimizer::Adam { .. } => "adam",
            Optimizer::AdamW { .. } => "adamw",
        }
    }

    /// η.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Optimizer::Sgd { learning_rate, .. }
            | Optimizer::Adam { learning_rate, .. }
            | Optimizer::AdamW { learning_rate, .. } => learning_rate,
        }
    }

    /// The same optimiser with another η, as a schedule sets it.
    pub fn with_learning_rate(mut self, rate: f64) -> Self {
        match &mut self {
            Optimizer::Sgd { learning_rate, .. }
            | Optimizer::Adam { learning_rate, .. }
            | Optimizer::AdamW { learning_rate, .. } => *learning_rate = rate,
        }
        self
    }

    /// How many arrays as long as the parameters it keeps from step to step: the momentum, or
    /// Adam's m and v.
    pub fn moments(&self) -> usize {
        match self {
            Optimizer::Sgd { momentum, .. } => usize::from(*momentum != 0.0),
            Optimizer::Adam { .. } | Optimizer::AdamW { .. } => 2,
        }
    }

    /// Checks that every setting lies in its range.
    ///
    /// # Errors
    /// [`Error::Optimizer`] naming the setting, its value and its range.
    pub fn check(&self) -> Result<()> {
        let at_least_zero = |name: &str, value: f64| {
            if value.is_finite() && value >= 0.0 {
                return Ok(());
            }
            Err(Error::Optimizer(format!("{name} {value} must be finite and at least 0")))
        };
        let fraction = |name: &str, value: f64| {
            if (0.0..1.0).contains(&value) {
                return Ok(());
            }
            Err(Error::Optimizer(format!("{name} {value} must be at least 0 and below 1")))
        };
        at_least_zero("learning rate", self.learning_rate())?;
        match *self {
            Optimizer::Sgd { momentum, nesterov, weight_decay, .. } => {
                fraction("momentum", momentum)?;
                at_least_zero("weight decay", weight_decay)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::Optimizer("nesterov needs a momentum above 0".into()));
                }
            }
            Optimizer::Adam { beta1, beta2, epsilon, weight_decay, .. }
            | Optimizer::AdamW { beta1, beta2, epsilon, weight_decay, .. } => {
                fraction("beta1", beta1)?;
                fraction("beta2", beta2)?;
                at_least_zero("weight decay", weight_decay)?;
                if !(epsilon.is_finite() && epsilon > 0.0) {
                    return Err(Error::Optimizer(format!(
                        "epsilon {epsilon} must be finite and above 0"
                    )));
                }
            }
        }
        Ok(())
    }

    /// The constants of step number `step`, counted from 1, in the arithmetic of `T`: what is
    /// the same for every parameter is computed once, in `f64`, and rounded.
    pub fn rule<T: Element>(&self, step: u64) -> Rule<T> {
        let t = i32::try_from(step).unwrap_or(i32::MAX);
        match *self {
            Optimizer::Sgd { learning_rate, momentum, nesterov, weight_decay } => Rule::Sgd {
                rate: T::of(learning_rate),
                momentum: T::of(momentum),
                nesterov,
                decay: T::of(weight_decay),
            },
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay }
            | Optimizer::AdamW { learning_rate, beta1, beta2, epsilon, weight_decay } => {
                let decoupled = matches!(self, Optimizer::AdamW { .. });
                Rule::Adam {
                    keep: T::of(if decoupled { 1.0 - learning_rate * weight_decay } else { 1.0 }),
                    decay: T::of(if decoupled { 0.0 } else { weight_decay }),
                    beta1: T::of(beta1),
                    one_minus_beta1: T::of(1.0 - beta1),
                    beta2: T::of(beta2),
                    one_minus_beta2: T::of(1.0 - beta2),
                    rate: T::of(learning_rate / (1.0 - beta1.powi(t))),
                    scale: T::of(1.0 / (1.0 - beta2.powi(t)).sqrt()),
                    epsilon: T::of(epsilon),
                }
            }
        }
    }
}

/// One step's constants of an [`Optimizer`]; see [`Optimizer::rule`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule<T> {
    /// Constants of [`Optimizer::Sgd`].
    Sgd {
        /// η
        rate: T,
        /// μ
        momentum: T,
        /// Looks ahead by the momentum.
        nesterov: bool,
        /// λ
        decay: T,
    },
    /// Constants of [`Optimizer::Adam`] and [`Optimizer::AdamW`].
    Adam {
        /// 1 − η·λ for AdamW, otherwise 1
        keep: T,
        /// λ for Adam, otherwise 0
        decay: T,
        /// β₁
        beta1: T,
        /// 1 − β₁, rounded once
        one_minus_beta1: T,
        /// β₂
        beta2: T,
        /// 1 − β₂, rounded once
        one_minus_beta2: T,
        /// η / (1 − β₁ᵗ)
        rate: T,
        /// 1 / √(1 − β₂ᵗ)
        scale: T,
        /// ε
        epsilon: T,
    },
}

impl<T: Element> Rule<T> {
    /// Updates one parameter `p` with gradient `g` and moments `m`, `v` (those the optimiser
    /// does not keep are left alone). The order of operations is part of the definition; it is
    /// free of branches on data, so that a loop over it becomes vector code.
    #[inline(always)]
    pub fn apply(&self, p: &mut T, g: T, m: &mut T, v: &mut T) {
        match *self {
            Rule::Sgd { rate, momentum, nesterov, decay } => {
                let g = g + decay * *p;
                *m = momentum * *m + g;
                let direction = if nesterov { g + momentum * *m } else { *m };
                *p -= rate * direction;
            }
            Rule::Adam {
                keep,
                decay,
                beta1,
                one_minus_beta1,
                beta2,
                one_minus_beta2,
                rate,
                scale,
                epsilon,
            } => {
                let g = g + decay * *p;
                *m = beta1 * *m + one_minus_beta1 * g;
                *v = beta2 * *v + one_minus_beta2 * (g * g);
                *p = keep * *p - rate * (*m / (v.sqrt() * scale + epsilon));
            }
        }
    }
}

/// What an optimiser keeps between steps: enough, with the parameters, to go on exactly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState {
    /// Steps taken so far; Adam's bias correction counts them.
    pub steps: u64,
    /// [`Optimizer::moments`] arrays, each as long as the parameters and laid out like them.
    /// Empty before the first step.
    pub moments: Vec<Values>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adams_first_step_is_the_learning_rate_against_the_sign() {
        let (mut p, mut m, mut v) = (1.0_f64, 0.0, 0.0);
        Optimizer::adam(0.1).rule(1).apply(&mut p, -3.0, &mut m, &mut v);
        assert!((p - 1.1).abs() < 1e-8);
    }

    #[test]
    fn nesterov_looks_ahead() {
        let optimizer =
            Optimizer::Sgd { learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.0 };
        let (mut p, mut m, mut v) = (0.0_f64, 0.0, 0.0);
        optimizer.rule(1).apply(&mut p, 1.0, &mut m, &mut v);
        assert!((p + 0.19).abs() < 1e-15);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let bad = [
            (Optimizer::sgd(f64::NAN), "learning rate"),
            (Optimizer::sgd(-0.1), "learning rate"),
            (
                Optimizer::Sgd {
                    learning_rate: 0.1,
                    momentum: 1.0,
                    nesterov: false,
                    weight_decay: 0.0,
                },
                "momentum",
            ),
            (
                Optimizer::Sgd {
                    learning_rate: 0.1,
                    momentum: 0.0,
                    nesterov: true,
                    weight_decay: 0.0,
                },
                "nesterov",
            ),
        ];
        for (optimizer, name) in bad {
            assert!(optimizer.check().unwrap_err().to_string().contains(name));
        }
        assert!(Optimizer::adamw(0.001).check().is_ok());
    }
}
