//! Counter-based random numbers: every draw is a function of (seed, purpose, epoch, step).
//!
//! The generator is Philox4x32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*,
//! SC 2011). It has no state to save: a resumed run that knows its epoch and step draws what the
//! uninterrupted run would have drawn, and every backend sees the same numbers.

/// What a stream of random numbers is for; streams of different purposes never overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Initial parameters.
    Init = 0,
    /// The order of rows in an epoch.
    Shuffle = 1,
    /// Which rows are held out.
    Split = 2,
    /// Which units drop out.
    Dropout = 3,
    /// Noise added to gradients or inputs.
    Noise = 4,
    /// Made-up data: benchmarks, tests.
    Synthetic = 5,
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    /// Block number, step, epoch, purpose.
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of this seed, purpose, epoch and step, from its beginning.
    pub fn new(seed: u64, purpose: Purpose, epoch: u32, step: u32) -> Self {
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [0, step, epoch, purpose as u32],
            block: [0; 4],
            used: 4,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        let bits = self.block[self.used];
        self.used += 1;
        bits
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        u64::from(self.next_u32()) << 32 | low
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Standard normal, by Box and Muller's transform. The logarithm and cosine are `libm`'s, so
    /// that the draw is the same on every platform.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Uniform in 0..`bound`, without bias (Lemire 2019). `bound` must be above 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "an empty range has nothing to draw");
        let reject = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= reject {
                return (product >> 32) as u32;
            }
        }
    }

    /// Puts `items` in random order (Fisher and Yates). At most `u32::MAX` items.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

/// Ten rounds of Philox4x32.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let left = 0xD251_1F53_u64 * u64::from(counter[0]);
        let right = 0xCD9E_8D57_u64 * u64::from(counter[2]);
        counter = [
            (right >> 32) as u32 ^ counter[1] ^ key[0],
            right as u32,
            (left >> 32) as u32 ^ counter[3] ^ key[1],
            left as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with Random123.
    #[test]
    fn philox_gives_the_published_answers() {
        let ones = u32::MAX;
        assert_eq!(philox([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(philox([ones; 4], [ones; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        assert_eq!(
            philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
        );
    }

    #[test]
    fn moments_of_the_draws_are_right() {
        let mut stream = Stream::new(7, Purpose::Synthetic, 0, 0);
        let n = 200_000;
        let mut sums = [0.0; 4];
        for _ in 0..n {
            let (u, z) = (stream.uniform(), stream.normal());
            assert!((0.0..1.0).contains(&u));
            for (sum, value) in sums.iter_mut().zip([u, u * u, z, z * z]) {
                *sum += value / f64::from(n);
            }
        }
        // five standard errors of each mean
        for (mean, (expected, deviation)) in
            sums.iter().zip([(0.5, 0.29), (1.0 / 3.0, 0.3), (0.0, 1.0), (1.0, 1.42)])
        {
            assert!((mean - expected).abs() < 5.0 * deviation / f64::from(n).sqrt(), "{mean}");
        }
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_streams_differ() {
        let shuffled = |purpose, epoch, step| {
            let mut items: Vec<u32> = (0..100).collect();
            Stream::new(1, purpose, epoch, step).shuffle(&mut items);
            items
        };
        let one = shuffled(Purpose::Shuffle, 0, 0);
        assert_eq!(one, shuffled(Purpose::Shuffle, 0, 0));
        for other in [(Purpose::Split, 0, 0), (Purpose::Shuffle, 1, 0), (Purpose::Shuffle, 0, 1)] {
            assert_ne!(one, shuffled(other.0, other.1, other.2));
        }
        let mut sorted = one;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }
}
