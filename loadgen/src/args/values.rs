//! Values of options: durations, sizes, rates, distributions. Pure.

use std::time::Duration;

use protocol::compression::Compression;

use crate::keys::{KEYS_MAX, Keys};
use crate::payload::Sizes;
use crate::schedule::Arrival;

/// A number and a unit: 500ms, 10s, 5m, 1h.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let unit_us = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return Err("write a number and a unit, such as 500ms, 10s, 5m or 1h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "not a number".to_owned())?;
    match number.checked_mul(unit_us) {
        Some(us) if us <= 30 * 24 * 3_600_000_000 => Ok(Duration::from_micros(us)),
        _ => Err("must be at most 30 days".to_owned()),
    }
}

/// As [`duration`], above zero.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be above zero".to_owned()),
        duration => Ok(duration),
    }
}

/// A count: 1000, 500k, 2.5M, 1G.
pub fn count(text: &str) -> Result<u64, String> {
    let (number, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'M')) => (&text[..at], 1e6),
        Some((at, 'G')) => (&text[..at], 1e9),
        _ => (text, 1.0),
    };
    let number: f64 = number
        .parse()
        .map_err(|_| "write a number, such as 1000, 500k or 2.5M".to_owned())?;
    let value = number * factor;
    if !(1.0..=1e15).contains(&value) {
        return Err("must be from 1 to 1000000G".to_owned());
    }
    Ok(value.round() as u64)
}

/// Bytes: 100, 64KiB, 1MiB, 4GiB.
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let shift = match unit {
        "" | "B" => 0,
        "KiB" | "K" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        _ => return Err("write bytes as 100, 64KiB, 1MiB or 4GiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "not a number".to_owned())?;
    let value = number.checked_mul(1 << shift);
    value
        .filter(|value| (1..=1 << 50).contains(value))
        .ok_or_else(|| "out of bounds".to_owned())
}

/// 100, 100-2000, zipf:100-2000.
pub fn sizes(text: &str) -> Result<Sizes, String> {
    let size = |text: &str| -> Result<u32, String> {
        let size = bytes(text)?;
        match u32::try_from(size) {
            Ok(size) if size <= 16 << 20 => Ok(size),
            _ => Err("a record is at most 16MiB".to_owned()),
        }
    };
    let (zipf, range) = match text.strip_prefix("zipf:") {
        Some(range) => (true, range),
        None => (false, text),
    };
    match range.split_once('-') {
        Some((min, max)) => {
            let (min, max) = (size(min)?, size(max)?);
            if min > max {
                return Err("the smaller size comes first".to_owned());
            }
            Ok(match zipf {
                true => Sizes::Zipf(min, max),
                false => Sizes::Uniform(min, max),
            })
        }
        None if zipf => Err("write zipf:MIN-MAX".to_owned()),
        None => Ok(Sizes::Fixed(size(range)?)),
    }
}

/// none, sequential:N, uniform:N, zipf:N.
pub fn keys(text: &str) -> Result<Keys, String> {
    if text == "none" {
        return Ok(Keys::None);
    }
    let wrong = "write none, sequential:N, uniform:N or zipf:N".to_owned();
    let (kind, number) = text.split_once(':').ok_or(wrong.clone())?;
    let number = count(number)?;
    if number > KEYS_MAX {
        return Err(format!("at most {KEYS_MAX} keys"));
    }
    match kind {
        "sequential" => Ok(Keys::Sequential(number)),
        "uniform" => Ok(Keys::Uniform(number)),
        "zipf" => Ok(Keys::Zipf(number)),
        _ => Err(wrong),
    }
}

/// fixed, poisson, burst:N.
pub fn arrival(text: &str) -> Result<Arrival, String> {
    match text {
        "fixed" => Ok(Arrival::Fixed),
        "poisson" => Ok(Arrival::Poisson),
        _ => {
            let burst = text
                .strip_prefix("burst:")
                .and_then(|burst| burst.parse().ok());
            burst
                .filter(|burst| *burst > 0)
                .map(Arrival::Burst)
                .ok_or_else(|| "write fixed, poisson or burst:N".to_owned())
        }
    }
}

/// all, 1, 0.
pub fn acks(text: &str) -> Result<i16, String> {
    match text {
        "all" | "-1" => Ok(-1),
        "1" => Ok(1),
        "0" => Ok(0),
        _ => Err("must be all, 1 or 0".to_owned()),
    }
}

/// A codec's name.
pub fn compression(text: &str) -> Result<Compression, String> {
    Compression::from_name(text).ok_or_else(|| "must be none, gzip, snappy, lz4 or zstd".to_owned())
}

/// From 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    (0.0..=1.0)
        .contains(&share)
        .then_some(share)
        .ok_or_else(|| "must be from 0 to 1".to_owned())
}

/// name=value.
pub fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write name=value".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// CPU numbers: 1,3-5.
pub fn cpus(text: &str) -> Result<Cpus, String> {
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            text.parse::<usize>()
                .map_err(|_| "write CPUs as 1,3-5".to_owned())
        };
        let (from, to) = (number(from)?, number(to)?);
        if from > to || to >= 1024 {
            return Err("write CPUs below 1024 as 1,3-5".to_owned());
        }
        cpus.extend(from..=to);
    }
    Ok(Cpus(cpus))
}

/// A list of CPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpus(pub Vec<usize>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_bound() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in ["", "10", "s", "1d", "99999999999999999999s", "9999999h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn counts_bytes_and_lists_are_read() {
        assert_eq!(count("2.5M"), Ok(2_500_000));
        assert_eq!(count("64"), Ok(64));
        assert!(count("0").is_err() && count("x").is_err() && count("").is_err());
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert!(bytes("1TB").is_err() && bytes("0").is_err());
        assert_eq!(cpus("1,3-5"), Ok(Cpus(vec![1, 3, 4, 5])));
        assert!(cpus("5-3").is_err() && cpus("a").is_err());
    }

    #[test]
    fn distributions_are_read() {
        assert_eq!(sizes("100"), Ok(Sizes::Fixed(100)));
        assert_eq!(sizes("100-1KiB"), Ok(Sizes::Uniform(100, 1024)));
        assert_eq!(sizes("zipf:50-60"), Ok(Sizes::Zipf(50, 60)));
        assert!(sizes("9-3").is_err() && sizes("zipf:9").is_err() && sizes("17MiB").is_err());
        assert_eq!(keys("uniform:10k"), Ok(Keys::Uniform(10_000)));
        assert!(
            keys("uniform").is_err() && keys("other:3").is_err() && keys("zipf:2000G").is_err()
        );
        assert_eq!(arrival("burst:8"), Ok(Arrival::Burst(8)));
        assert!(arrival("burst:0").is_err());
    }
}
