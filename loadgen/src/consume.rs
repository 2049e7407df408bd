//! `consume` and `verify`: every partition from its first offset to the end it had at the start, checked on the way. It joins no
//! group and commits nothing.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Instant;

use thiserror::Error;

use crate::args::{ConsumeArgs, VerifyArgs};
use crate::client::ClientError;
use crate::report::{self, Latency, Live, Produced, Report};
use crate::topic::{assign, prepare_topic};

mod worker;
use worker::{Partition, Worker};

/// Failures told in words.
const FAILURES_MAX: usize = 16;

/// Why a run could not start, or one of its connections ended.
#[derive(Debug, Error)]
pub enum ConsumeError {
    /// No answer, or a refusal.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No record came for 30 seconds, before the end.
    #[error(
        "no records for 30 s although offset {next_offset} of partition {partition} is below the end {end_offset}"
    )]
    Stuck {
        /// One such partition.
        partition: i32,
        /// What was asked for.
        next_offset: i64,
        /// Its end.
        end_offset: i64,
    },
    /// The answer is about a partition that was not asked for.
    #[error("Fetch: the answer is about partition {0}, which was not asked for")]
    Unasked(i32),
    /// The report to verify against.
    #[error("cannot read {path} as what produce --json prints: {reason}", path = .path.display())]
    Report {
        /// As given.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Runs `consume`.
pub fn run(args: &ConsumeArgs) -> Result<Report, ConsumeError> {
    read_all("consume", args, None)
}

/// Runs `verify`.
pub fn run_verify(args: &VerifyArgs) -> Result<Report, ConsumeError> {
    let unreadable = |reason| ConsumeError::Report {
        path: args.report.clone(),
        reason,
    };
    let text = std::fs::read(&args.report).map_err(|error| unreadable(error.to_string()))?;
    let produced: Produced =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if args.consume.ignore_content {
        return Err(unreadable(
            "--ignore-content leaves nothing to compare with it".to_owned(),
        ));
    }
    read_all("verify", &args.consume, Some(&produced))
}

fn read_all(
    command: &'static str,
    args: &ConsumeArgs,
    produced: Option<&Produced>,
) -> Result<Report, ConsumeError> {
    let leaders = prepare_topic(&args.target.bootstrap, &args.target.topic, None)?;
    let assigned = assign(&leaders, args.target.connections as usize, false);
    let live = Live::default();
    let workers = assigned
        .iter()
        .map(|(address, partitions)| Worker::new(args, &live, address, partitions, produced));
    let workers: Vec<_> = workers.collect::<Result<_, _>>()?;
    let start = Instant::now();
    let (sender, results) = mpsc::channel();
    let outcomes = std::thread::scope(|scope| {
        for worker in workers {
            let sender = sender.clone();
            scope.spawn(move || {
                // Nobody listens only if this run has failed already.
                let _ = sender.send(worker.run());
            });
        }
        drop(sender);
        report::watch(&results, assigned.len(), &live)
    });
    let elapsed = start.elapsed().as_secs_f64().max(1e-9);
    let (mut latency, mut failures) = (report::histogram(), Vec::new());
    let mut wrong = false;
    for outcome in &outcomes {
        latency
            .add(&outcome.latency)
            .expect("all histograms have the same bounds");
        failures.extend(outcome.failures.iter().cloned());
        wrong |= outcome.wrong;
    }
    if let Some(produced) = produced {
        let checks: Vec<_> = outcomes
            .iter()
            .flat_map(|outcome| &outcome.partitions)
            .collect();
        let missing = missing(produced, &checks);
        wrong |= !missing.is_empty();
        failures.extend(missing);
    }
    failures.truncate(FAILURES_MAX);
    let (records, bytes) = (
        live.records.load(Ordering::Relaxed),
        live.bytes.load(Ordering::Relaxed),
    );
    let errors = live.errors.load(Ordering::Relaxed);
    Ok(Report {
        command,
        topic: args.target.topic.clone(),
        partitions: leaders.len(),
        connections: outcomes.len(),
        produced: None,
        elapsed_seconds: elapsed,
        records,
        bytes,
        records_per_second: records as f64 / elapsed,
        bytes_per_second: bytes as f64 / elapsed,
        errors,
        failures,
        latency_ns: Latency::of(&latency),
        verified: Some(!wrong && errors == 0),
    })
}

/// What was acknowledged and is not there, in words.
fn missing(produced: &Produced, partitions: &[&Partition]) -> Vec<String> {
    let lacking = produced.acknowledged.iter().filter_map(|acknowledged| {
        let (connection, number) = (acknowledged.connection, acknowledged.partition);
        let partition = partitions.iter().find(|partition| i64::from(partition.number) == i64::from(number));
        let found = partition.map_or(0, |partition| partition.check.next_sequence(produced.run, connection));
        let expected = acknowledged.records;
        (found < expected).then(|| {
            format!(
                "partition {number}: {expected} records of connection {connection} were acknowledged, {found} are there"
            )
        })
    });
    lacking.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::PartitionCheck;
    use crate::report::Acknowledged;

    #[test]
    fn acknowledged_records_that_are_not_there_are_named() {
        let acknowledged = |partition, records| Acknowledged {
            connection: 0,
            partition,
            records,
        };
        let produced = Produced {
            run: 1,
            acks: "all".to_owned(),
            compression: "none".to_owned(),
            record_bytes: 100,
            batch_records: 10,
            in_flight: 5,
            rate: None,
            acknowledged: vec![acknowledged(0, 0), acknowledged(1, 10), acknowledged(2, 3)],
        };
        let partition = |number| Partition {
            number,
            end_offset: 0,
            check: PartitionCheck::new(number, 0, true),
            failed: false,
        };
        let (first, second) = (partition(0), partition(1));
        let missing = missing(&produced, &[&first, &second]);
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(
            missing[0].starts_with("partition 1: 10 records"),
            "{missing:?}"
        );
        assert!(
            missing[1].starts_with("partition 2: 3 records"),
            "{missing:?}"
        );
    }
}
