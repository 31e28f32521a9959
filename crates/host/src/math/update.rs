//! One optimiser step over slices.

use crate::simd::{Fma, Sweep};
use consonance_core::{Element, Rule};

/// [`Rule::apply`] for each element of `p`.
#[derive(Debug)]
pub struct Update<'a, T> {
    /// The constants of the step.
    pub rule: Rule<T>,
    /// The parameters.
    pub p: &'a mut [T],
    /// Their gradient.
    pub g: &'a [T],
    /// The first moments; empty for gradient descent without momentum.
    pub m: &'a mut [T],
    /// The second moments; empty for gradient descent.
    pub v: &'a mut [T],
}

impl<T: Element> Sweep for Update<'_, T> {
    type Output = ();

    // In each arm the compiler knows the rule, so that `Rule::apply` is a loop without a match.
    #[inline(always)]
    fn run<F: Fma>(self) {
        let Update { rule, p, g, m, v } = self;
        assert_eq!(p.len(), g.len(), "parameters and gradient differ in length");
        match rule {
            Rule::Sgd { rate, momentum, nesterov, decay } if m.is_empty() && momentum.is_zero() => {
                let rule = Rule::Sgd { rate, momentum: T::zero(), nesterov, decay };
                for (p, &g) in p.iter_mut().zip(g) {
                    rule.apply(p, g, &mut T::zero(), &mut T::zero());
                }
            }
            Rule::Sgd { rate, momentum, nesterov, decay } => {
                assert_eq!(p.len(), m.len(), "parameters and first moments differ in length");
                let rule = Rule::Sgd { rate, momentum, nesterov, decay };
                for ((p, &g), m) in p.iter_mut().zip(g).zip(m) {
                    rule.apply(p, g, m, &mut T::zero());
                }
            }
            Rule::Adam { .. } => {
                assert_eq!(p.len(), m.len(), "parameters and first moments differ in length");
                assert_eq!(p.len(), v.len(), "parameters and second moments differ in length");
                for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                    rule.apply(p, g, m, v);
                }
            }
        }
    }
}
