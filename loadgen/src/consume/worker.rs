//! One connection of `consume`: one fetch after the other for all its partitions that are not done. It never retries.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use protocol::messages::fetch as wire;
use protocol::primitives::Reader;

use super::ConsumeError;
use crate::args::ConsumeArgs;
use crate::check::{CheckError, PartitionCheck};
use crate::client::{ClientError, Connection};
use crate::report::{self, Live, Produced};
use crate::topic::offset_range;

/// The newest version that Kafka 4 takes and that has no tagged fields.
const FETCH_VERSION: i16 = 11;
/// Answers without a record for so long end the connection.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(30);

/// One partition on the way.
pub struct Partition {
    /// Its number.
    pub number: i32,
    /// Where reading ends.
    pub end_offset: i64,
    /// What was read.
    pub check: PartitionCheck,
    /// Whether the check failed: it is read no further.
    pub failed: bool,
}

impl Partition {
    fn is_done(&self) -> bool {
        self.failed || self.check.next_offset() >= self.end_offset
    }
}

/// What one connection came to.
pub struct Outcome {
    /// All that were assigned.
    pub partitions: Vec<Partition>,
    /// Of each request.
    pub latency: Histogram<u64>,
    /// In words.
    pub failures: Vec<String>,
    /// Whether anything read is wrong.
    pub wrong: bool,
}

/// One connection.
pub struct Worker<'a> {
    args: &'a ConsumeArgs,
    live: &'a Live,
    connection: Connection,
    outcome: Outcome,
}

impl<'a> Worker<'a> {
    /// Connects to a leader and asks for the offsets of its partitions.
    pub fn new(
        args: &'a ConsumeArgs,
        live: &'a Live,
        address: &str,
        partitions: &[i32],
        produced: Option<&Produced>,
    ) -> Result<Self, ConsumeError> {
        let mut connection = Connection::connect(address)?;
        let mut all = Vec::with_capacity(partitions.len());
        for &number in partitions {
            let (start_offset, end_offset) =
                offset_range(&mut connection, &args.target.topic, number)?;
            let mut check = PartitionCheck::new(number, start_offset, !args.ignore_content);
            for acknowledged in produced.iter().flat_map(|produced| &produced.acknowledged) {
                if i64::from(acknowledged.partition) == i64::from(number) {
                    let run = produced.map_or(0, |produced| produced.run);
                    check.allow_gaps_from(run, acknowledged.connection, acknowledged.records);
                }
            }
            all.push(Partition {
                number,
                end_offset,
                check,
                failed: false,
            });
        }
        let outcome = Outcome {
            partitions: all,
            latency: report::histogram(),
            failures: Vec::new(),
            wrong: false,
        };
        Ok(Self {
            args,
            live,
            connection,
            outcome,
        })
    }

    /// Reads to the ends.
    pub fn run(mut self) -> Outcome {
        if let Err(error) = self.drive() {
            self.live.errors.fetch_add(1, Ordering::Relaxed);
            self.outcome.failures.push(error.to_string());
        }
        self.outcome
    }

    fn drive(&mut self) -> Result<(), ConsumeError> {
        let mut progress = Instant::now();
        while let Some(waiting) = self
            .outcome
            .partitions
            .iter()
            .find(|partition| !partition.is_done())
        {
            if progress.elapsed() > PROGRESS_TIMEOUT {
                return Err(ConsumeError::Stuck {
                    partition: waiting.number,
                    next_offset: waiting.check.next_offset(),
                    end_offset: waiting.end_offset,
                });
            }
            if self.fetch()? {
                progress = Instant::now();
            }
        }
        Ok(())
    }

    /// One request for all partitions that are not done; whether any of them came further.
    fn fetch(&mut self) -> Result<bool, ConsumeError> {
        let request = fetch_request(self.args, &self.outcome.partitions);
        let start = Instant::now();
        let body = self
            .connection
            .round_trip(wire::KEY, FETCH_VERSION, |out, version| {
                request.encode(out, version);
            })?;
        report::record_latency(&mut self.outcome.latency, start.elapsed());
        let response = wire::FetchResponse::decode(&mut Reader::new(body), FETCH_VERSION)
            .map_err(ClientError::from)?;
        let refused = |number, partition: Option<i32>| {
            let topic = &self.args.target.topic;
            let request = match partition {
                Some(partition) => format!("Fetch of {topic}-{partition}"),
                None => format!("Fetch of {topic}"),
            };
            ClientError::Refused { request, number }
        };
        if response.error_code != 0 {
            return Err(refused(response.error_code, None).into());
        }
        let mut progress = false;
        for answer in response
            .responses
            .iter()
            .flat_map(|topic| &topic.partitions)
        {
            let number = answer.partition_index;
            if answer.error_code != 0 {
                return Err(refused(answer.error_code, Some(number)).into());
            }
            let partition = self
                .outcome
                .partitions
                .iter_mut()
                .find(|partition| partition.number == number);
            let partition = partition.ok_or(ConsumeError::Unasked(number))?;
            let before = (partition.check.next_offset(), partition.check.checked());
            let checked = partition
                .check
                .check(answer.records.as_deref().unwrap_or_default());
            let after = partition.check.checked();
            self.live.add(after.0 - before.1.0, after.1 - before.1.1);
            progress |= partition.check.next_offset() > before.0;
            if let Err(error) = checked {
                partition.failed = true;
                self.outcome.wrong = true;
                self.outcome.failures.push(failure(number, &error));
            }
        }
        Ok(progress)
    }
}

fn failure(partition: i32, error: &CheckError) -> String {
    format!("partition {partition}: {error}")
}

fn fetch_request<'a>(args: &'a ConsumeArgs, partitions: &[Partition]) -> wire::FetchRequest<'a> {
    let wanted = partitions.iter().filter(|partition| !partition.is_done());
    let wanted = wanted.map(|partition| wire::FetchRequestTopicPartition {
        partition: partition.number,
        fetch_offset: partition.check.next_offset(),
        partition_max_bytes: args.fetch_bytes,
        ..Default::default()
    });
    wire::FetchRequest {
        replica_id: -1,
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: args.fetch_bytes,
        session_id: 0,
        session_epoch: -1,
        topics: vec![wire::FetchRequestTopic {
            topic: Cow::Borrowed(&args.target.topic),
            partitions: wanted.collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}
