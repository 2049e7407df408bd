//! Lines in the shape that Kafka's performance tools print, so that scripts that read those read these. Pure.

use crate::clock::SECOND_NS;
use crate::histogram::Durations;
use crate::report::Measurement;
use crate::run::collect::latency;
use crate::run::record::Sample;

const MIB: f64 = 1_048_576.0;
const NS_PER_MS: f64 = 1e6;

/// As the producer tool prints for each window.
pub fn window_line(sample: &Sample) -> String {
    let seconds = sample.span_ns.max(1) as f64 / SECOND_NS as f64;
    let (records, bytes) = moved(sample);
    let summary = latency(sample).summary();
    format!(
        "{records} records sent, {:.1} records/sec ({:.2} MB/sec), {:.3} ms avg latency, {:.3} ms max latency.",
        records as f64 / seconds,
        bytes as f64 / MIB / seconds,
        summary.mean / NS_PER_MS,
        summary.max as f64 / NS_PER_MS,
    )
}

/// As Kafka's tools print at the end: the producer's line, or for a consumer its two lines of comma-separated values.
pub fn total(measurement: &Measurement, started_unix_ms: i64) -> String {
    let elapsed_s = measurement.elapsed_seconds.max(1e-9);
    let (records, mib) = (measurement.records, measurement.bytes as f64 / MIB);
    if measurement.service_ns.count == 0 {
        let fetch_ms = elapsed_s * 1e3;
        return format!(
            "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n\
             {started_unix_ms}, {}, {mib:.4}, {:.4}, {records}, {:.4}, 0, {fetch_ms:.0}, {:.4}, {:.4}",
            started_unix_ms + fetch_ms as i64,
            mib / elapsed_s,
            records as f64 / elapsed_s,
            mib / elapsed_s,
            records as f64 / elapsed_s,
        );
    }
    let durations = Durations::from_counts(&measurement.histogram);
    let ms = |quantile| durations.at(quantile) as f64 / NS_PER_MS;
    format!(
        "{records} records sent, {:.1} records/sec ({:.2} MB/sec), {:.3} ms avg latency, {:.3} ms max latency, \
         {:.3} ms 50th, {:.3} ms 95th, {:.3} ms 99th, {:.3} ms 99.9th.",
        records as f64 / elapsed_s,
        mib / elapsed_s,
        measurement.latency_ns.mean / NS_PER_MS,
        measurement.latency_ns.max as f64 / NS_PER_MS,
        ms(0.5),
        ms(0.95),
        ms(0.99),
        ms(0.999),
    )
}

fn moved(sample: &Sample) -> (u64, u64) {
    match sample.produced {
        0 => (sample.consumed, sample.consumed_bytes),
        produced => (produced, sample.produced_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Latency;

    #[test]
    fn lines_have_the_shape_that_scripts_look_for() {
        let mut sample = Sample {
            span_ns: SECOND_NS,
            produced: 1000,
            produced_bytes: 1 << 20,
            ..Sample::default()
        };
        sample.response.record(2_000_000, 1000);
        let line = window_line(&sample);
        assert!(
            line.starts_with(
                "1000 records sent, 1000.0 records/sec (1.00 MB/sec), 2.000 ms avg latency, 2.00"
            ),
            "{line}"
        );
        let mut measurement = Measurement {
            elapsed_seconds: 2.0,
            records: 1000,
            bytes: 1 << 20,
            histogram: vec![(2_000_000, 1000)],
            service_ns: Latency {
                count: 1000,
                ..Latency::default()
            },
            ..Measurement::default()
        };
        let line = total(&measurement, 0);
        assert!(line.contains("500.0 records/sec (0.50 MB/sec)"), "{line}");
        assert!(line.ends_with("ms 99.9th."), "{line}");
        measurement.service_ns.count = 0;
        let lines = total(&measurement, 7);
        let columns: Vec<_> = lines.lines().map(|line| line.split(", ").count()).collect();
        assert_eq!(columns, [10, 10], "{lines}");
    }
}
