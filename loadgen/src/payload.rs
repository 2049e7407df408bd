//! What records look like: sizes, headers, how well they compress, or lines of a file. Pure; used before a run only.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::keys::Keys;
use crate::random::Random;

/// Bytes of a payload file at most.
const FILE_BYTES_MAX: u64 = 256 << 20;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Sizes of values, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// All the same.
    Fixed(u32),
    /// Each size equally often.
    Uniform(u32, u32),
    /// Small ones most often: Zipf's law with exponent 1.
    Zipf(u32, u32),
}

impl Sizes {
    /// The smallest.
    pub fn min(self) -> u32 {
        match self {
            Self::Fixed(min) | Self::Uniform(min, _) | Self::Zipf(min, _) => min,
        }
    }

    /// The largest.
    pub fn max(self) -> u32 {
        match self {
            Self::Fixed(max) | Self::Uniform(_, max) | Self::Zipf(_, max) => max,
        }
    }

    fn draw(self, random: &mut Random) -> usize {
        let size = match self {
            Self::Fixed(size) => size,
            Self::Uniform(min, max) => min + random.below(u64::from(max - min) + 1) as u32,
            Self::Zipf(min, max) => min + random.zipf(u64::from(max - min) + 1) as u32 - 1,
        };
        size as usize
    }
}

/// What records look like.
#[derive(Debug, Clone)]
pub struct Payload {
    /// Sizes of values.
    pub sizes: Sizes,
    /// Their keys.
    pub keys: Keys,
    /// One record of so many has no value: it deletes its key.
    pub tombstone_every: Option<u32>,
    /// Headers of each record, of 8 bytes each.
    pub headers: u8,
    /// Share of each value, from 0 to 1, that is one letter over and over.
    pub compressible: f64,
    /// Values, one a line, in place of drawn ones.
    pub lines: Option<Arc<Vec<Vec<u8>>>>,
    /// For the draws.
    pub seed: u64,
}

/// A payload file that cannot be used.
#[derive(Debug, Error)]
#[error("payload file {path}: {reason}", path = .path.display())]
pub struct PayloadError {
    path: PathBuf,
    reason: String,
}

/// The lines of a file, without their ends; empty ones are left out.
pub fn read_lines(path: &Path) -> Result<Vec<Vec<u8>>, PayloadError> {
    let unusable = |reason: String| PayloadError {
        path: path.to_owned(),
        reason,
    };
    let size = std::fs::metadata(path).map_err(|error| unusable(error.to_string()))?;
    if size.len() > FILE_BYTES_MAX {
        return Err(unusable(format!("more than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let lines = text.split(|&byte| byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines: Vec<_> = lines
        .filter(|line| !line.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    match lines.is_empty() {
        true => Err(unusable("no line with anything in it".to_owned())),
        false => Ok(lines),
    }
}

/// Draws records one after the other.
#[derive(Debug, Clone)]
pub struct Records {
    payload: Payload,
    random: Random,
}

impl Records {
    /// `stream` makes the draws of several differ.
    pub fn new(payload: &Payload, stream: u64) -> Self {
        Self {
            payload: payload.clone(),
            random: Random::new(payload.seed.wrapping_add(stream)),
        }
    }

    /// Writes the next value into `value`. With lines, `room` bytes stand before each; without, the size drawn has them in it.
    pub fn next(&mut self, value: &mut Vec<u8>, room: usize) {
        value.clear();
        match self.payload.lines.clone() {
            Some(lines) => {
                value.resize(room, 0);
                let at = self.random.below(lines.len() as u64) as usize;
                value.extend_from_slice(&lines[at]);
            }
            None => {
                let size = self.payload.sizes.draw(&mut self.random);
                let repeated = (size as f64 * self.payload.compressible) as usize;
                while value.len() < size - repeated {
                    let letters = self.random.next().to_le_bytes();
                    value.extend(letters.map(|byte| LETTERS[byte as usize % LETTERS.len()]));
                }
                value.truncate(size - repeated);
                value.resize(size, b'-');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(sizes: Sizes, compressible: f64) -> Payload {
        Payload {
            sizes,
            keys: Keys::None,
            tombstone_every: None,
            headers: 0,
            compressible,
            lines: None,
            seed: 3,
        }
    }

    #[test]
    fn sizes_and_repetition_are_as_asked_for() {
        let payload = payload(Sizes::Uniform(50, 90), 0.5);
        let mut records = Records::new(&payload, 0);
        let mut value = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..2000 {
            records.next(&mut value, 36);
            assert!((50..=90).contains(&value.len()));
            assert!(
                value[value.len() - value.len() / 2 + 1..]
                    .iter()
                    .all(|&byte| byte == b'-')
            );
            seen.insert(value.len());
        }
        assert_eq!(seen.len(), 41, "every size is drawn");
    }

    #[test]
    fn the_same_seed_makes_the_same_records() {
        let payload = payload(Sizes::Zipf(10, 1000), 0.0);
        let draw = |stream| {
            let mut records = Records::new(&payload, stream);
            let mut value = Vec::new();
            records.next(&mut value, 0);
            value
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn lines_of_a_file_are_values() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lines");
        std::fs::write(&path, "one\r\n\ntwo\n").expect("writes");
        let lines = read_lines(&path).expect("reads");
        assert_eq!(lines, [b"one", b"two"]);
        let mut payload = payload(Sizes::Fixed(1), 0.0);
        payload.lines = Some(Arc::new(lines));
        let mut value = Vec::new();
        Records::new(&payload, 0).next(&mut value, 4);
        assert!([&b"\0\0\0\0one"[..], b"\0\0\0\0two"].contains(&&value[..]));
        std::fs::write(&path, "\n").expect("writes");
        assert!(read_lines(&path).is_err());
    }
}
