//! `produce`: each connection a thread, each thread a ring of requests in flight. It never retries; a connection that is refused
//! once stops sending, so that what it had acknowledged has no gaps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use protocol::record_batch::BatchBuildError;
use thiserror::Error;

use crate::args::ProduceArgs;
use crate::client::ClientError;
use crate::content::Shape;
use crate::report::{self, Latency, Live, Produced, Report};
use crate::topic::{assign, prepare_topic};

mod worker;
use worker::{Outcome, Plan, Worker};

/// Failures told in words.
const FAILURES_MAX: usize = 16;
/// Bytes of one request's values at most.
const REQUEST_BYTES_MAX: u64 = 256 << 20;

/// Why a run could not start, or one of its connections ended.
#[derive(Debug, Error)]
pub enum ProduceError {
    /// No answer, or a refusal.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A batch that cannot be.
    #[error(transparent)]
    Build(#[from] BatchBuildError),
    /// Batches too large for any broker.
    #[error(
        "--batch-records x --record-bytes is {0} bytes: at most 268435456 are sent in one request"
    )]
    BatchBytes(u64),
    /// The answer names no partition.
    #[error("Produce: the answer is about no partition")]
    NoAnswer,
}

/// Runs the command.
pub fn run(args: &ProduceArgs) -> Result<Report, ProduceError> {
    let batch_bytes = u64::from(args.batch_records) * u64::from(args.record_bytes);
    if batch_bytes > REQUEST_BYTES_MAX {
        return Err(ProduceError::BatchBytes(batch_bytes));
    }
    let create = Some((args.partitions, args.replication_factor));
    let leaders = prepare_topic(&args.target.bootstrap, &args.target.topic, create)?;
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let shape = Shape {
        topic: args.target.topic.clone(),
        acks: args.acks,
        record_bytes: args.record_bytes as usize,
        compression: args.compression,
        timestamp_ms: since_1970.as_millis() as i64,
    };
    let assigned = assign(&leaders, args.target.connections as usize, true);
    let plan = Plan {
        run: since_1970.subsec_nanos()
            ^ since_1970.as_secs() as u32
            ^ std::process::id().rotate_left(16),
        batch_records: args.batch_records as usize,
        in_flight_max: args.in_flight as usize,
        batch_interval: args.rate.map(|rate| {
            let batches = rate as f64 / f64::from(args.batch_records) / assigned.len() as f64;
            Duration::from_secs_f64((1.0 / batches).min(86_400.0))
        }),
        records_left: AtomicU64::new(args.records.unwrap_or(u64::MAX)),
        duration: args.records.is_none().then_some(args.duration),
        live: Live::default(),
        shape,
    };
    let connections = assigned.len();
    // Batches are built and connections made before the clock starts.
    let workers = assigned
        .into_iter()
        .enumerate()
        .map(|(number, (address, partitions))| {
            Worker::new(&plan, number as u32, &address, &partitions)
        });
    let workers: Vec<_> = workers.collect::<Result<_, _>>()?;
    let start = Instant::now();
    let (sender, results) = mpsc::channel();
    let outcomes = std::thread::scope(|scope| {
        for worker in workers {
            let sender = sender.clone();
            scope.spawn(move || {
                // Nobody listens only if this run has failed already.
                let _ = sender.send(worker.run(start));
            });
        }
        drop(sender);
        report::watch(&results, connections, &plan.live)
    });
    Ok(summarize(
        args,
        &plan,
        leaders.len(),
        start.elapsed(),
        outcomes,
    ))
}

fn summarize(
    args: &ProduceArgs,
    plan: &Plan,
    partitions: usize,
    elapsed: Duration,
    outcomes: Vec<Outcome>,
) -> Report {
    let connections = outcomes.len();
    let (mut latency, mut failures, mut acknowledged) =
        (report::histogram(), Vec::new(), Vec::new());
    for outcome in outcomes {
        latency
            .add(&outcome.latency)
            .expect("all histograms have the same bounds");
        failures.extend(outcome.failure);
        acknowledged.extend(outcome.acknowledged);
    }
    failures.truncate(FAILURES_MAX);
    let seconds = elapsed.as_secs_f64().max(1e-9);
    let records = plan.live.records.load(Ordering::Relaxed);
    let bytes = plan.live.bytes.load(Ordering::Relaxed);
    Report {
        command: "produce",
        topic: args.target.topic.clone(),
        partitions,
        connections,
        produced: Some(Produced {
            run: plan.run,
            acks: if args.acks == -1 {
                "all".to_owned()
            } else {
                args.acks.to_string()
            },
            compression: args.compression.name().to_owned(),
            record_bytes: args.record_bytes,
            batch_records: args.batch_records,
            in_flight: args.in_flight,
            rate: args.rate,
            acknowledged,
        }),
        elapsed_seconds: seconds,
        records,
        bytes,
        records_per_second: records as f64 / seconds,
        bytes_per_second: bytes as f64 / seconds,
        errors: plan.live.errors.load(Ordering::Relaxed),
        failures,
        latency_ns: Latency::of(&latency),
        verified: None,
    }
}
