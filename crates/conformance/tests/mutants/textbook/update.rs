//! Optimiser updates.

use super::Loops;
use crate::faults::Fault;
use consonance_core::{Element, Error, Optimizer, Result};

impl<T: Element> Loops<T> {
    pub(super) fn prepare(&mut self, optimizer: &Optimizer) -> Result<()> {
        if !self.is(Fault::AcceptsBadOptimizer) {
            optimizer.check()?;
        }
        let wanted = optimizer.moments();
        let fresh = self.steps == 0 && self.moments.is_empty();
        if !fresh && self.moments.len() != wanted && !self.is(Fault::AcceptsOtherMoments) {
            return Err(Error::Optimizer("another number of moments".into()));
        }
        if self.moments.len() != wanted {
            self.moments = vec![vec![T::zero(); self.parameters.len()]; wanted];
        }
        Ok(())
    }

    /// The optimiser with the planted fault in its settings.
    pub(super) fn faulty(&mut self, optimizer: &Optimizer) -> Optimizer {
        let mut optimizer = *optimizer;
        let first = *self.first_rate.get_or_insert(optimizer.learning_rate());
        match (self.fault, &mut optimizer) {
            (Fault::IgnoresNesterov, Optimizer::Sgd { nesterov, .. }) => *nesterov = false,
            (Fault::IgnoresDecay, Optimizer::Sgd { weight_decay, .. }) => *weight_decay = 0.0,
            (Fault::SwapsBetas, Optimizer::Adam { beta1, beta2, .. }) => {
                std::mem::swap(beta1, beta2);
            }
            (Fault::KeepsFirstRate, _) => optimizer = optimizer.with_learning_rate(first),
            (
                Fault::CouplesDecay,
                &mut Optimizer::AdamW { learning_rate, beta1, beta2, epsilon, weight_decay },
            ) => {
                optimizer = Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay };
            }
            _ => {}
        }
        optimizer
    }

    /// Adam with ε under the root.
    pub(super) fn epsilon_inside(&mut self, optimizer: &Optimizer) -> bool {
        let Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } = *optimizer
        else {
            return false;
        };
        let [m, v] = &mut self.moments[..] else { return false };
        let t = self.steps as i32;
        for (i, p) in self.parameters.iter_mut().enumerate() {
            let g = self.gradient[i].widen() + weight_decay * p.widen();
            let m_new = beta1 * m[i].widen() + (1.0 - beta1) * g;
            let v_new = beta2 * v[i].widen() + (1.0 - beta2) * g * g;
            (m[i], v[i]) = (T::of(m_new), T::of(v_new));
            let (m, v) = (m_new / (1.0 - beta1.powi(t)), v_new / (1.0 - beta2.powi(t)));
            *p = T::of(p.widen() - learning_rate * m / (v + epsilon).sqrt());
        }
        true
    }

    pub(super) fn apply(&mut self, optimizer: &Optimizer) {
        self.steps += 1;
        if self.is(Fault::EpsilonInsideRoot) && self.epsilon_inside(optimizer) {
            return;
        }
        let optimizer = self.faulty(optimizer);
        let step = self.steps + u64::from(self.is(Fault::CountsFromZero));
        let rule = optimizer.rule::<T>(step);
        for i in 0..self.parameters.len() {
            // those that the optimiser does not keep
            let (mut no_m, mut no_v) = (T::zero(), T::zero());
            let mut moments = self.moments.iter_mut().map(|moment| &mut moment[i]);
            let m = moments.next().unwrap_or(&mut no_m);
            let v = moments.next().unwrap_or(&mut no_v);
            rule.apply(&mut self.parameters[i], self.gradient[i], m, v);
        }
    }
}
