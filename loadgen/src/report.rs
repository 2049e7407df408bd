//! What a run counted, and how it is told: a line a second on a terminal, text or JSON at the end. It measures nothing itself.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest latency kept apart from longer ones, nanoseconds.
const LATENCY_NS_MAX: u64 = 120_000_000_000;

/// What all threads of a run count while it lasts.
#[derive(Debug, Default)]
pub struct Live {
    /// Records acknowledged or consumed.
    pub records: AtomicU64,
    /// Bytes of their values.
    pub bytes: AtomicU64,
    /// Requests refused or lost.
    pub errors: AtomicU64,
}

impl Live {
    /// Counts a request's records.
    pub fn add(&self, records: u64, bytes: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Latencies in nanoseconds, to three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("these bounds are valid")
}

/// Adds one latency.
pub fn record_latency(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
}

/// Collects what `workers` threads send at their ends; meanwhile tells the rate once a second if somebody looks.
pub fn watch<T>(results: &Receiver<T>, workers: usize, live: &Live) -> Vec<T> {
    let mut stderr = std::io::stderr();
    let shown = stderr.is_terminal();
    let (start, mut before) = (Instant::now(), (0, 0));
    let (mut seconds, mut collected) = (1, Vec::with_capacity(workers));
    while collected.len() < workers {
        let tick = start + Duration::from_secs(seconds);
        match results.recv_timeout(tick.saturating_duration_since(Instant::now())) {
            Ok(result) => collected.push(result),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let now = (
                    live.records.load(Ordering::Relaxed),
                    live.bytes.load(Ordering::Relaxed),
                );
                let errors = live.errors.load(Ordering::Relaxed);
                let (records, megabytes) = (now.0 - before.0, (now.1 - before.1) as f64 / 1e6);
                if shown {
                    // A terminal that went away is no reason to end the run.
                    let _ = writeln!(
                        stderr,
                        "{seconds:>5} s {records:>12} records/s {megabytes:>9.1} MB/s {errors:>6} errors"
                    );
                }
                before = now;
                seconds += 1;
            }
        }
    }
    collected
}

/// The result of a run; its JSON form is for programs and does not lose fields.
#[derive(Debug, Serialize)]
pub struct Report {
    /// produce, consume or verify.
    pub command: &'static str,
    /// Topic name.
    pub topic: String,
    /// Partitions of the topic.
    pub partitions: usize,
    /// Connections used.
    pub connections: usize,
    /// How it was produced.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub produced: Option<Produced>,
    /// From the first request to the last answer, seconds.
    pub elapsed_seconds: f64,
    /// Records acknowledged or consumed.
    pub records: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Records over elapsed seconds.
    pub records_per_second: f64,
    /// Bytes of values over elapsed seconds.
    pub bytes_per_second: f64,
    /// Requests refused or lost, and connections that failed.
    pub errors: u64,
    /// Some of them, in words.
    pub failures: Vec<String>,
    /// Of requests: produce to acknowledgement, or fetch to answer.
    pub latency_ns: Latency,
    /// Of consume and verify: whether all that was read, and all that had to be there, is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// What only `produce` reports, and `verify` reads.
#[derive(Debug, Serialize, Deserialize)]
pub struct Produced {
    /// In every record of the run.
    pub run: u32,
    /// all, 1 or 0.
    pub acks: String,
    /// Codec's name.
    pub compression: String,
    /// Bytes of a value.
    pub record_bytes: u32,
    /// Records of a batch.
    pub batch_records: u32,
    /// Unanswered requests a connection.
    pub in_flight: u32,
    /// Records a second asked for.
    pub rate: Option<u64>,
    /// What must be there from now on.
    pub acknowledged: Vec<Acknowledged>,
}

/// How many records of one connection to one partition were acknowledged, from sequence 0 on without a gap.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Number of the connection.
    pub connection: u32,
    /// Partition.
    pub partition: u32,
    /// Records.
    pub records: u64,
}

/// A latency distribution, nanoseconds.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: u64,
    /// 90 of 100 are at most this.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1000.
    pub p999: u64,
    /// The longest.
    pub max: u64,
    /// The mean.
    pub mean: f64,
}

impl Latency {
    /// The distribution of what was recorded; zeros if nothing was.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            mean: histogram.mean(),
        }
    }
}

impl Report {
    /// Whether the run went without errors and nothing failed verification.
    pub fn is_good(&self) -> bool {
        self.errors == 0 && self.verified != Some(false)
    }

    /// Writes the report, as JSON or as text.
    pub fn write(&self, out: &mut impl Write, json: bool) -> std::io::Result<()> {
        if json {
            serde_json::to_writer(&mut *out, self)?;
            return writeln!(out);
        }
        let ms = |ns: u64| ns as f64 / 1e6;
        let latency = &self.latency_ns;
        writeln!(
            out,
            "{} {}, {} partitions, {} connections",
            self.command, self.topic, self.partitions, self.connections
        )?;
        writeln!(
            out,
            "  {} records in {:.2} s: {:.0} records/s, {:.1} MB/s, {} errors",
            self.records,
            self.elapsed_seconds,
            self.records_per_second,
            self.bytes_per_second / 1e6,
            self.errors
        )?;
        writeln!(
            out,
            "  latency ms: p50 {:.3}  p90 {:.3}  p99 {:.3}  p99.9 {:.3}  max {:.3}",
            ms(latency.p50),
            ms(latency.p90),
            ms(latency.p99),
            ms(latency.p999),
            ms(latency.max)
        )?;
        for failure in &self.failures {
            writeln!(out, "  failed: {failure}")?;
        }
        match self.verified {
            Some(true) => writeln!(out, "  verified: yes"),
            Some(false) => writeln!(out, "  verified: NO"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(errors: u64, verified: Option<bool>) -> Report {
        let mut latency = histogram();
        record_latency(&mut latency, Duration::from_millis(2));
        Report {
            command: "produce",
            topic: "t".to_owned(),
            partitions: 1,
            connections: 1,
            produced: Some(Produced {
                run: 9,
                acks: "all".to_owned(),
                compression: "none".to_owned(),
                record_bytes: 100,
                batch_records: 10,
                in_flight: 5,
                rate: None,
                acknowledged: vec![Acknowledged {
                    connection: 0,
                    partition: 0,
                    records: 10,
                }],
            }),
            elapsed_seconds: 1.0,
            records: 10,
            bytes: 1000,
            records_per_second: 10.0,
            bytes_per_second: 1000.0,
            errors,
            failures: Vec::new(),
            latency_ns: Latency::of(&latency),
            verified,
        }
    }

    #[test]
    fn what_produce_writes_verify_reads() {
        let mut out = Vec::new();
        report(0, None).write(&mut out, true).expect("writes");
        let read: Produced = serde_json::from_slice(&out).expect("reads");
        assert_eq!((read.run, read.acknowledged[0].records), (9, 10));
        let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        let p50 = value["latency_ns"]["p50"].as_u64().expect("a number");
        assert!((1_990_000..2_010_000).contains(&p50), "{p50}");
    }

    #[test]
    fn errors_and_failed_verification_are_not_good() {
        assert!(report(0, None).is_good() && report(0, Some(true)).is_good());
        assert!(!report(1, None).is_good() && !report(0, Some(false)).is_good());
    }
}
