//! Which key each record has. That follows from its producer and its sequence alone: so a reader can tell the key of every record,
//! and of each key the newest record. Pure.

use serde::{Deserialize, Serialize};

use crate::random;

/// Bytes of a key: `key-` and twelve digits.
pub const KEY_BYTES: usize = 16;
/// Different keys at most.
pub const KEYS_MAX: u64 = 1_000_000_000_000;

/// Keys of records. They do not choose the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// Null.
    None,
    /// One after the other, of so many.
    Sequential(u64),
    /// Each equally often.
    Uniform(u64),
    /// Key k about 1/k as often as the first.
    Zipf(u64),
}

impl Keys {
    /// How many different ones there are.
    pub fn count(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Sequential(count) | Self::Uniform(count) | Self::Zipf(count) => count,
        }
    }
}

/// The keys of one producer's records.
#[derive(Debug, Clone, Copy)]
pub struct KeyDraw {
    keys: Keys,
    stream: u64,
    bound: f64,
    bound_ln: f64,
}

impl KeyDraw {
    /// Of the producer of this number.
    pub fn new(keys: Keys, seed: u64, producer: u32) -> Self {
        let bound = keys.count() as f64 + 1.0;
        Self {
            keys,
            stream: random::at(seed, u64::from(producer)),
            bound,
            bound_ln: bound.ln(),
        }
    }

    /// Number of the key of record `sequence`.
    pub fn number(&self, sequence: u64) -> u64 {
        let drawn = || random::at(self.stream, sequence);
        match self.keys {
            Keys::None => 0,
            Keys::Sequential(count) => sequence % count,
            Keys::Uniform(count) => ((u128::from(drawn()) * u128::from(count)) >> 64) as u64,
            // Zipf's law with exponent 1.
            Keys::Zipf(_) => {
                let unit = (drawn() >> 11) as f64 / (1_u64 << 53) as f64;
                let rank = (unit * self.bound_ln).exp().clamp(1.0, self.bound - 1.0);
                rank as u64 - 1
            }
        }
    }
}

/// Whether record `sequence` has no value, so that it deletes its key.
pub fn is_tombstone(sequence: u64, every: u32) -> bool {
    sequence % u64::from(every) == u64::from(every) - 1
}

/// The key of this number.
pub fn key(number: u64) -> [u8; KEY_BYTES] {
    let mut key = *b"key-000000000000";
    let mut rest = number;
    for pair in key[4..].chunks_exact_mut(2).rev() {
        let two = (rest % 100) as u8;
        rest /= 100;
        pair.copy_from_slice(&[b'0' + two / 10, b'0' + two % 10]);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_drawn_over_the_whole_space_and_again_the_same() {
        let draw = KeyDraw::new(Keys::Uniform(1000), 1, 3);
        let mut counts = vec![0_u32; 1000];
        for sequence in 0..100_000 {
            counts[draw.number(sequence) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (50..160).contains(count)),
            "{counts:?}"
        );
        let numbers = |draw: &KeyDraw| (0..50).map(|at| draw.number(at)).collect::<Vec<_>>();
        assert_eq!(
            numbers(&draw),
            numbers(&KeyDraw::new(Keys::Uniform(1000), 1, 3))
        );
        for other in [(1, 4), (2, 3)] {
            let other = KeyDraw::new(Keys::Uniform(1000), other.0, other.1);
            assert_ne!(numbers(&draw), numbers(&other));
        }
    }

    #[test]
    fn zipf_prefers_the_small_and_sequential_takes_turns() {
        let draw = KeyDraw::new(Keys::Zipf(10), 0, 0);
        let mut counts = [0_u32; 10];
        for sequence in 0..110_000 {
            counts[draw.number(sequence) as usize] += 1;
        }
        // ln(2)/ln(11) = 29 % and ln(1.1)/ln(11) = 4 %.
        assert!((30_000..34_000).contains(&counts[0]), "{counts:?}");
        assert!((3_800..5_000).contains(&counts[9]), "{counts:?}");
        let draw = KeyDraw::new(Keys::Sequential(3), 0, 0);
        assert_eq!([0, 1, 2, 3].map(|at| draw.number(at)), [0, 1, 2, 0]);
    }

    #[test]
    fn keys_are_told_by_their_numbers() {
        assert_eq!(&key(0), b"key-000000000000");
        assert_eq!(&key(120_305), b"key-000000120305");
        assert_eq!(&key(KEYS_MAX - 1), b"key-999999999999");
    }
}
