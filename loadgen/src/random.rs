//! Random numbers from a seed: the same seed makes the same payloads and the same arrivals. Not for secrets.

/// Number `count` of the stream of this seed: for draws out of turn.
pub fn at(seed: u64, count: u64) -> u64 {
    spread(seed ^ spread(count))
}

/// Neighbouring numbers made into such as share nothing (splitmix64).
fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A xorshift64* generator.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Any seed will do.
    pub fn new(seed: u64) -> Self {
        // Never zero.
        Self(spread(seed) | 1)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 up to, not with, 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 up to, not with, `bound`, which is above 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// From 1 to `count`: number k about `1/k` as often as number 1 (Zipf's law with exponent 1).
    pub fn zipf(&mut self, count: u64) -> u64 {
        let bound = count as f64 + 1.0;
        (bound.powf(self.unit()) as u64).clamp(1, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_bounds_and_zipf_prefers_the_small() {
        let mut random = Random::new(0);
        let mut counts = [0_u32; 11];
        for _ in 0..110_000 {
            assert!(random.below(7) < 7);
            assert!((0.0..1.0).contains(&random.unit()));
            counts[random.zipf(10) as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        // ln(2)/ln(11) = 29 % and ln(1.1)/ln(11) = 4 %.
        assert!((30_000..34_000).contains(&counts[1]), "{counts:?}");
        assert!((3_800..5_000).contains(&counts[10]), "{counts:?}");
    }
}
