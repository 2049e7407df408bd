//! Distributions of durations, nanoseconds to three digits: recorded apart by each core, merged by addition and never averaged,
//! told as percentiles, points of a curve, exact counts, or in HdrHistogram's text format.

use std::io::Write;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Significant digits.
const DIGITS: u8 = 3;

/// Durations, ns.
#[derive(Debug, Clone)]
pub struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Self {
        Self::new()
    }
}

impl Durations {
    /// Empty; grows with the largest value.
    pub fn new() -> Self {
        Self(Histogram::new(DIGITS).expect("three digits are valid"))
    }

    /// Counts `count` durations of `ns`.
    pub fn record(&mut self, ns: u64, count: u64) {
        // Above i64::MAX, 292 years, the histogram has no bucket.
        let ns = ns.min(i64::MAX as u64);
        self.0
            .record_n(ns, count)
            .expect("an auto-sized histogram takes any duration");
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("an auto-sized histogram takes any other");
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that `quantile` (0 to 1) of all do not exceed; 0 if there is none.
    pub fn at(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// For the interval log.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// The percentiles that are always told.
    pub fn summary(&self) -> Latency {
        Latency {
            p50: self.at(0.5),
            p90: self.at(0.9),
            p99: self.at(0.99),
            p999: self.at(0.999),
            p9999: self.at(0.9999),
            max: self.0.max(),
            mean: self.0.mean(),
            count: self.0.len(),
        }
    }

    /// Every value that occurred, and how often.
    pub fn counts(&self) -> Vec<(u64, u64)> {
        let recorded = self.0.iter_recorded();
        recorded
            .map(|value| {
                (
                    value.value_iterated_to(),
                    value.count_since_last_iteration(),
                )
            })
            .collect()
    }

    /// The distribution of [`Durations::counts`].
    pub fn from_counts(counts: &[(u64, u64)]) -> Self {
        let mut durations = Self::new();
        for &(ns, count) in counts {
            durations.record(ns, count);
        }
        durations
    }

    /// Writes the distribution in HdrHistogram's percentile format, milliseconds.
    pub fn write_hgrm(&self, out: &mut impl Write) -> std::io::Result<()> {
        const MS: f64 = 1e6;
        writeln!(
            out,
            "{:>12} {:>17} {:>10} {:>14}\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        )?;
        let mut total = 0;
        for point in self.0.iter_quantiles(5) {
            total += point.count_since_last_iteration();
            let value = point.value_iterated_to() as f64 / MS;
            let quantile = point.quantile_iterated_to();
            if quantile < 1.0 {
                let inverse = 1.0 / (1.0 - quantile);
                writeln!(
                    out,
                    "{value:>12.6} {quantile:>17.12} {total:>10} {inverse:>14.2}"
                )?;
            } else {
                writeln!(out, "{value:>12.6} {quantile:>17.12} {total:>10}")?;
            }
        }
        let (mean, deviation) = (self.0.mean() / MS, self.0.stdev() / MS);
        writeln!(
            out,
            "#[Mean    = {mean:>12.6}, StdDeviation   = {deviation:>12.6}]"
        )?;
        let max = self.0.max() as f64 / MS;
        writeln!(
            out,
            "#[Max     = {max:>12.6}, Total count    = {:>12}]",
            self.0.len()
        )?;
        writeln!(
            out,
            "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
            self.0.buckets(),
            2048
        )
    }
}

/// A distribution in short, ns; zeros if nothing was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: u64,
    /// 90 of 100 are at most this.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1,000.
    pub p999: u64,
    /// 9,999 of 10,000.
    pub p9999: u64,
    /// The longest.
    pub max: u64,
    /// The mean.
    pub mean: f64,
    /// How many there are.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_and_counts_keep_everything() {
        let (mut first, mut second) = (Durations::new(), Durations::new());
        first.record(1_000_000, 98);
        second.record(5_000_000, 1);
        second.record(90_000_000_000_000, 1);
        first.merge(&second);
        let again = Durations::from_counts(&first.counts());
        assert_eq!(again.summary().p50, first.summary().p50);
        assert_eq!((again.count(), again.at(0.5) / 1000), (100, 1000));
        assert_eq!(again.at(0.99) / 10_000, 500);
        assert!(again.summary().max >= 90_000_000_000_000);
        assert_eq!(Durations::new().summary().p99, 0);
    }

    #[test]
    fn the_percentile_text_has_every_value_and_ends_with_the_totals() {
        let mut durations = Durations::new();
        durations.record(2_000_000, 3);
        durations.record(u64::MAX, 1);
        let mut text = Vec::new();
        durations.write_hgrm(&mut text).expect("writes");
        let text = String::from_utf8(text).expect("text");
        assert!(
            text.contains("2.000895 ") || text.contains("2.00"),
            "{text}"
        );
        assert!(text.contains("Total count    =            4]"), "{text}");
    }
}
