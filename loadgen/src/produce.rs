//! `produce`: each connection a thread, each thread a ring of requests in flight. It never retries; a connection that is refused
//! once stops sending, so that what it had acknowledged has no gaps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use hdrhistogram::Histogram;
use protocol::messages::produce as wire;
use protocol::primitives::Reader;
use protocol::record_batch::BatchBuildError;
use thiserror::Error;

use crate::args::ProduceArgs;
use crate::client::{ClientError, Connection, prepare_topic};
use crate::content::{PRODUCE_VERSION, ProduceFrame, Shape, Stamp};
use crate::report::{self, Acknowledged, Latency, Live, Produced, Report};

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

/// Shares partitions out: `(leader, its partitions)` for each connection, at least one a leader. With more connections than a
/// leader has partitions, several share one if `shared`; else fewer connections are made.
pub fn assign(leaders: &[String], connections: usize, shared: bool) -> Vec<(String, Vec<i32>)> {
    let mut brokers: Vec<(&String, Vec<i32>)> = Vec::new();
    for (partition, leader) in (0..).zip(leaders) {
        match brokers.iter_mut().find(|(address, _)| *address == leader) {
            Some((_, partitions)) => partitions.push(partition),
            None => brokers.push((leader, vec![partition])),
        }
    }
    let (each, more) = (
        connections / brokers.len().max(1),
        connections % brokers.len().max(1),
    );
    let mut assigned = Vec::new();
    for (number, (leader, partitions)) in brokers.into_iter().enumerate() {
        let members = (each + usize::from(number < more)).max(1);
        for member in 0..members {
            let own = partitions.iter().skip(member).step_by(members).copied();
            let own: Vec<i32> = match member < partitions.len() {
                true => own.collect(),
                false if shared => vec![partitions[member % partitions.len()]],
                false => break,
            };
            assigned.push((leader.clone(), own));
        }
    }
    assigned
}

struct Plan {
    run: u32,
    shape: Shape,
    batch_records: usize,
    in_flight_max: usize,
    batch_interval: Option<Duration>,
    records_left: AtomicU64,
    duration: Option<Duration>,
    live: Live,
}

impl Plan {
    /// Takes the records of the next batch out of what is still to be sent; 0: nothing is.
    fn claim(&self) -> usize {
        if self.duration.is_some() {
            return self.batch_records;
        }
        let batch = self.batch_records as u64;
        let take = |left: u64| Some(left.saturating_sub(batch));
        let left = self
            .records_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        left.unwrap_or_default().min(batch) as usize
    }
}

struct Outcome {
    acknowledged: Vec<Acknowledged>,
    latency: Histogram<u64>,
    failure: Option<String>,
}

struct InFlight {
    due: Instant,
    slot: usize,
    sequence: u64,
    records: usize,
}

struct Slot {
    partition: i32,
    frame: ProduceFrame,
    next_sequence: u64,
    acknowledged: u64,
}

struct Worker<'a> {
    plan: &'a Plan,
    number: u32,
    connection: Connection,
    slots: Vec<Slot>,
    in_flight: VecDeque<InFlight>,
    requests: u64,
    latency: Histogram<u64>,
    failure: Option<String>,
}

impl<'a> Worker<'a> {
    fn new(
        plan: &'a Plan,
        number: u32,
        address: &str,
        partitions: &[i32],
    ) -> Result<Self, ProduceError> {
        let slot = |&partition: &i32| {
            let frame = ProduceFrame::new(&plan.shape, partition, plan.batch_records)?;
            Ok(Slot {
                partition,
                frame,
                next_sequence: 0,
                acknowledged: 0,
            })
        };
        let slots: Result<_, ProduceError> = partitions.iter().map(slot).collect();
        Ok(Self {
            plan,
            number,
            connection: Connection::connect(address)?,
            slots: slots?,
            in_flight: VecDeque::with_capacity(plan.in_flight_max),
            requests: 0,
            latency: report::histogram(),
            failure: None,
        })
    }

    fn run(mut self, start: Instant) -> Outcome {
        if let Err(error) = self.drive(start) {
            let lost = self.in_flight.len().max(1) as u64;
            self.plan.live.errors.fetch_add(lost, Ordering::Relaxed);
            self.failure.get_or_insert(error.to_string());
        }
        let connection = self.number;
        let acknowledged = self.slots.iter().map(|slot| Acknowledged {
            connection,
            partition: slot.partition as u32,
            records: slot.acknowledged,
        });
        Outcome {
            acknowledged: acknowledged.collect(),
            latency: self.latency,
            failure: self.failure,
        }
    }

    fn drive(&mut self, start: Instant) -> Result<(), ProduceError> {
        let end = self.plan.duration.map(|duration| start + duration);
        let mut sending = true;
        while sending || !self.in_flight.is_empty() {
            if !sending || self.in_flight.len() >= self.plan.in_flight_max {
                sending &= self.receive()?;
                continue;
            }
            let now = Instant::now();
            let due = match self.plan.batch_interval {
                Some(interval) => start + interval.mul_f64(self.requests as f64),
                None => now,
            };
            if end.is_some_and(|end| now >= end || due >= end) {
                sending = false;
            } else if due <= now {
                sending = self.send(due)?;
            } else if self.in_flight.is_empty() {
                std::thread::sleep(due - now);
            } else if self.connection.wait_for_answer(due - now)? {
                sending &= self.receive()?;
            }
        }
        Ok(())
    }

    /// Sends the next batch; `false` if there is none.
    fn send(&mut self, due: Instant) -> Result<bool, ProduceError> {
        let plan = self.plan;
        let records = plan.claim();
        if records == 0 {
            return Ok(false);
        }
        let at = self.requests as usize % self.slots.len();
        let slot = &mut self.slots[at];
        if slot.frame.records() != records {
            slot.frame = ProduceFrame::new(&plan.shape, slot.partition, records)?;
        }
        let sequence = slot.next_sequence;
        let frame = slot.frame.stamped(Stamp {
            run: plan.run,
            connection: self.number,
            partition: slot.partition as u32,
            sequence,
        })?;
        self.connection.send(frame)?;
        slot.next_sequence += records as u64;
        self.requests += 1;
        if plan.shape.acks == 0 {
            self.connection.expect_no_answer();
            plan.live
                .add(records as u64, (records * plan.shape.record_bytes) as u64);
        } else {
            self.in_flight.push_back(InFlight {
                due,
                slot: at,
                sequence,
                records,
            });
        }
        Ok(true)
    }

    /// Takes the answer to the oldest request; `false` if it is a refusal.
    fn receive(&mut self) -> Result<bool, ProduceError> {
        let body = self.connection.receive(wire::KEY, PRODUCE_VERSION)?;
        let answered = Instant::now();
        let response = wire::ProduceResponse::decode(&mut Reader::new(body), PRODUCE_VERSION)
            .map_err(ClientError::from)?;
        let request = self.in_flight.pop_front().ok_or(ProduceError::NoAnswer)?;
        let slot = &mut self.slots[request.slot];
        let answer = response
            .responses
            .first()
            .and_then(|topic| topic.partition_responses.first());
        let answer = answer.ok_or(ProduceError::NoAnswer)?;
        if answer.error_code != 0 {
            let topic = &self.plan.shape.topic;
            let refused = ClientError::Refused {
                request: format!("Produce to {topic}-{}", slot.partition),
                number: answer.error_code,
            };
            self.failure.get_or_insert(refused.to_string());
            self.plan.live.errors.fetch_add(1, Ordering::Relaxed);
            return Ok(false);
        }
        if slot.acknowledged == request.sequence {
            slot.acknowledged += request.records as u64;
        }
        let bytes = request.records * self.plan.shape.record_bytes;
        self.plan.live.add(request.records as u64, bytes as u64);
        report::record_latency(&mut self.latency, answered - request.due);
        Ok(true)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(leaders: &[&str], connections: usize, shared: bool) -> Vec<(String, Vec<i32>)> {
        let leaders: Vec<_> = leaders.iter().map(|&leader| leader.to_owned()).collect();
        assign(&leaders, connections, shared)
    }

    #[test]
    fn each_partition_goes_to_a_connection_of_its_leader() {
        let expected = [("a", vec![0, 4]), ("a", vec![2]), ("b", vec![1, 3])];
        let expected = expected
            .map(|(leader, own)| (leader.to_owned(), own))
            .to_vec();
        assert_eq!(partitions(&["a", "b", "a", "b", "a"], 3, true), expected);
        // At least one connection a leader, even if fewer are asked for.
        assert_eq!(partitions(&["a", "b", "c"], 1, true).len(), 3);
    }

    #[test]
    fn connections_beyond_the_partitions_share_or_are_not_made() {
        let shared: Vec<_> = partitions(&["a", "a"], 5, true)
            .into_iter()
            .map(|(_, own)| own)
            .collect();
        assert_eq!(shared, [vec![0], vec![1], vec![0], vec![1], vec![0]]);
        assert_eq!(partitions(&["a", "a"], 5, false).len(), 2);
    }
}
