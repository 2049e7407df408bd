//! The result of a command: what is written as JSON and read again, and what the other forms are made of. It measures nothing
//! itself.
//!
//! | module | what it is the only home of |
//! |---|---|
//! | [`judge`] | what may be said of a measurement: was the rate kept, who was the limit, what did a record cost |
//! | [`requirements`] | what the operator requires |
//! | [`text`] | the table on a terminal, CSV |
//! | [`html`], [`svg`] | the page with plots |
//! | [`files`] | results in and out of files |

pub mod files;
pub mod html;
pub mod judge;
pub mod requirements;
pub mod svg;
pub mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::histogram::Latency;
use crate::host::Machine;
use crate::observe::{BrokerUse, CpuUse};
use crate::run::collect::{CoreUse, Second};
use crate::verify::ledger::{Ledger, Verdict};

/// Raised when a field changes its meaning or goes; new fields do not raise it.
pub const SCHEMA: u32 = 1;

/// The result of a command.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// [`SCHEMA`] of the writer.
    pub schema: u32,
    /// The verb.
    pub command: String,
    /// What the operator called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The measurement that the command is about; of several rounds the median one by rate.
    #[serde(flatten)]
    pub main: Measurement,
    /// The command's other phases, such as a backlog's building, a chase's base line, the steps of a search.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Measurement>,
    /// All rounds in short, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// Requirements that do not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken_requirements: Vec<String>,
    /// What was asked for.
    pub settings: Settings,
    /// This program, its version and its command line.
    pub generator: Generator,
    /// Where it ran.
    pub machine: Machine,
    /// Milliseconds since 1970 at the start.
    pub started_unix_ms: i64,
    /// What was sent and acknowledged: for `verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
}

/// One measured window.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Measurement {
    /// Which phase of the command.
    pub phase: String,
    /// Records acknowledged (where nothing is produced: consumed) a second.
    pub records_per_second: f64,
    /// Bytes of their values (consumed: of their batches) a second.
    pub bytes_per_second: f64,
    /// Requests refused, connections lost, partitions not read to their end.
    pub errors: u64,
    /// From due (closed loop: sent) to acknowledged; where nothing is produced, from fetch to answer.
    pub latency_ns: Latency,
    /// What took that time, in words.
    pub latency_of: String,
    /// Whether this program, not the broker, was the limit.
    pub client_limited: bool,
    /// The broker's process.
    pub broker: BrokerUse,
    /// Whether everything read was right and everything acknowledged was there; null where that was not looked at.
    pub verified: Option<bool>,
    /// What the limit was, in words.
    pub limited_by: String,
    /// Seconds measured.
    pub elapsed_seconds: f64,
    /// Records acknowledged or consumed.
    pub records: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Whether batches were due at times fixed beforehand.
    pub open_loop: bool,
    /// Of an open loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// From sent to acknowledged: what latency would be without the waits before.
    #[serde(skip_serializing_if = "is_empty")]
    pub service_ns: Latency,
    /// From due, and room, to sent: this program's own delay.
    #[serde(skip_serializing_if = "is_empty")]
    pub slip_ns: Latency,
    /// From due to seen by a consumer.
    #[serde(skip_serializing_if = "is_empty")]
    pub end_to_end_ns: Latency,
    /// From fetch to answer.
    #[serde(skip_serializing_if = "is_empty")]
    pub fetch_ns: Latency,
    /// What was consumed beside what was produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumed: Option<Consumed>,
    /// Requests answered a second.
    pub requests_per_second: f64,
    /// What a record cost.
    pub cost: Cost,
    /// What happened beside the plan.
    pub incidents: Incidents,
    /// What verification found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verdict>,
    /// What this program used, by core.
    pub client: Vec<CoreUse>,
    /// The machine's CPUs.
    pub cpus: Vec<CpuUse>,
    /// Growth of the counters that a Pelton tells.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Every latency that occurred and how often: [ns, count].
    pub histogram: Vec<(u64, u64)>,
    /// The same from end to end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub end_to_end_histogram: Vec<(u64, u64)>,
    /// By the second; those below 0 are the warm-up.
    pub seconds: Vec<Second>,
}

fn is_empty(latency: &Latency) -> bool {
    latency.count == 0
}

/// How well an open loop kept its rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rate {
    /// Records a second that were due.
    pub target: f64,
    /// Share of it that was acknowledged in the window.
    pub achieved: f64,
    /// Whether that is 99 % or more. If not, the queue grew all the time, and percentiles say how long the run was.
    pub sustained: bool,
    /// Share of the batches sent more than a millisecond late.
    pub late: f64,
    /// Batches that were due and never sent.
    pub unsent: u64,
}

/// What was consumed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consumed {
    /// Records a second.
    pub records_per_second: f64,
    /// Bytes of their batches a second.
    pub bytes_per_second: f64,
    /// Records.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// Fetches answered a second.
    pub requests_per_second: f64,
}

/// What a record cost; absent where the broker's process is not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// The broker's CPU time a record, ns; records produced and consumed count alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_cpu_ns_per_record: Option<f64>,
    /// Records for each second of a broker's core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records_per_broker_core_second: Option<f64>,
    /// Bytes written to disk for each byte of a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes_per_byte: Option<f64>,
    /// This program's CPU time a record, ns, without waiting.
    pub client_cpu_ns_per_record: f64,
}

/// What happened beside the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Incidents {
    /// Requests that the broker refused.
    pub refused_requests: u64,
    /// Records in them.
    pub refused_records: u64,
    /// Connections lost.
    pub disconnects: u64,
    /// Records sent whose answer never came: they may be there or not.
    pub ambiguous_records: u64,
    /// Records sent again by idempotent producers.
    pub retried_records: u64,
    /// Some failures in words.
    pub failures: Vec<String>,
}

/// One of several rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Round {
    /// As in the measurement.
    pub records_per_second: f64,
    /// As in the measurement.
    pub bytes_per_second: f64,
    /// As in the measurement.
    pub latency_ns: Latency,
    /// As in the measurement.
    #[serde(skip_serializing_if = "is_empty")]
    pub end_to_end_ns: Latency,
    /// As in the measurement.
    pub errors: u64,
    /// As in the measurement.
    pub client_limited: bool,
    /// As in the measurement.
    pub verified: Option<bool>,
    /// As in the measurement.
    pub broker_cpu_cores: Option<f64>,
}

impl Round {
    /// A measurement in short.
    pub fn of(measurement: &Measurement) -> Self {
        Self {
            records_per_second: measurement.records_per_second,
            bytes_per_second: measurement.bytes_per_second,
            latency_ns: measurement.latency_ns,
            end_to_end_ns: measurement.end_to_end_ns,
            errors: measurement.errors,
            client_limited: measurement.client_limited,
            verified: measurement.verified,
            broker_cpu_cores: measurement.broker.cpu_cores,
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Any broker.
    pub bootstrap: String,
    /// Name of the topic, or of the first one.
    pub topic: String,
    /// Topics.
    pub topics: usize,
    /// Partitions of all together.
    pub partitions: usize,
    /// Brokers that lead them, as Metadata shows them.
    pub leaders: usize,
    /// What an acknowledgement means, in words.
    pub durability: String,
    /// Connections that produce.
    pub produce_connections: usize,
    /// Connections that consume.
    pub consume_connections: usize,
    /// Of the producers; empty where nothing is produced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub produce: BTreeMap<String, String>,
    /// Of the consumers; empty where nothing is consumed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub consume: BTreeMap<String, String>,
    /// The topic's configs, as the broker tells them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub topic_configs: BTreeMap<String, String>,
}

/// This program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// Its version.
    pub version: String,
    /// Its command line.
    pub command_line: Vec<String>,
    /// Whether it was built with optimisation: figures of other builds say nothing.
    pub optimised: bool,
}

impl Report {
    /// Whether the run went as it should. `expect_faults`: refusals and lost connections are no reason to say no.
    pub fn is_good(&self, expect_faults: bool) -> bool {
        let good = |errors: u64, verified: Option<bool>| {
            verified != Some(false) && (expect_faults || errors == 0)
        };
        let mut measurements = std::iter::once(&self.main).chain(&self.phases);
        measurements.all(|measurement| good(measurement.errors, measurement.verified))
            && self
                .rounds
                .iter()
                .all(|round| good(round.errors, round.verified))
            && self.broken_requirements.is_empty()
    }

    /// What it is called: its name, or its command and topic.
    pub fn title(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{} {}", self.command, self.settings.topic),
        }
    }

    /// Takes several rounds of the same: the median one by rate, and all of them in short.
    pub fn of_rounds(mut rounds: Vec<Self>) -> Option<Self> {
        let short: Vec<_> = rounds.iter().map(|round| Round::of(&round.main)).collect();
        rounds.sort_by(|a, b| {
            a.main
                .records_per_second
                .total_cmp(&b.main.records_per_second)
        });
        let middle = rounds.len().saturating_sub(1) / 2;
        let started = rounds.iter().map(|round| round.started_unix_ms).min()?;
        let mut median = (middle < rounds.len()).then(|| rounds.swap_remove(middle))?;
        if short.len() > 1 {
            median.rounds = short;
        }
        median.started_unix_ms = started;
        Some(median)
    }
}

/// Runs `report`.
pub fn pages(args: &crate::args::ReportArgs) -> Result<bool, crate::verbs::CommandError> {
    let mut reports = Vec::new();
    for path in &args.results {
        reports.extend(files::read(path)?);
    }
    files::write(&args.html, |out| html::write(out, &reports))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rate: f64, errors: u64, verified: Option<bool>) -> Report {
        Report {
            main: Measurement {
                records_per_second: rate,
                errors,
                verified,
                ..Measurement::default()
            },
            ..Report::default()
        }
    }

    #[test]
    fn errors_and_failed_verification_are_not_good() {
        assert!(report(1.0, 0, None).is_good(false));
        assert!(report(1.0, 0, Some(true)).is_good(false));
        assert!(!report(1.0, 1, None).is_good(false));
        assert!(report(1.0, 1, None).is_good(true));
        assert!(!report(1.0, 0, Some(false)).is_good(true));
    }

    #[test]
    fn of_several_rounds_the_median_is_told_and_a_bad_one_is_not_hidden() {
        let rounds = vec![
            report(5.0, 0, None),
            report(1.0, 2, None),
            report(3.0, 0, None),
        ];
        let told = Report::of_rounds(rounds).expect("three rounds");
        assert_eq!(told.main.records_per_second, 3.0);
        let rates: Vec<_> = told
            .rounds
            .iter()
            .map(|round| round.records_per_second)
            .collect();
        assert_eq!(rates, [5.0, 1.0, 3.0]);
        assert!(!told.is_good(false));
        assert!(
            Report::of_rounds(vec![report(1.0, 0, None)])
                .expect("one")
                .rounds
                .is_empty()
        );
    }

    #[test]
    fn json_has_the_promised_fields_at_its_top_and_is_read_again() {
        let written = serde_json::to_value(report(7.0, 0, Some(true))).expect("JSON");
        for field in [
            "records_per_second",
            "bytes_per_second",
            "errors",
            "client_limited",
            "verified",
        ] {
            assert!(written.get(field).is_some(), "{field}");
        }
        for field in ["p50", "p90", "p99", "p999", "p9999", "max", "mean"] {
            assert!(written["latency_ns"][field].is_number(), "{field}");
        }
        for field in ["cpu_cores", "rss_bytes"] {
            assert!(written["broker"].get(field).is_some(), "{field}");
        }
        let read: Report = serde_json::from_value(written).expect("reads");
        assert_eq!(read.main.records_per_second, 7.0);
    }
}
