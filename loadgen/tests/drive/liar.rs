//! A broker in memory, of one topic's worth of partitions for every name: honest, or a liar in one way. A thread a connection.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::error_code::ErrorCode;
use protocol::header::{RequestHeader, put_response_header};
use protocol::messages::{
    create_topics, delete_topics, describe_configs, fetch, init_producer_id, list_offsets,
    metadata, produce,
};
use protocol::primitives::Reader;
use protocol::produce::ProduceRequest;
use protocol::record_batch::{RecordBatch, RecordBatchMut};

/// A lie is told about every so many batches.
const EVERY: u64 = 7;
const STALL: Duration = Duration::from_millis(400);
/// Longest a fetch waits for records.
const WAIT_STEP: Duration = Duration::from_millis(5);

/// What a broker does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// Nothing.
    None,
    /// Acknowledges and forgets.
    Lose,
    /// Appends twice.
    Double,
    /// Appends a batch behind the one after it.
    Swap,
    /// Changes a byte.
    ChangeByte,
    /// Changes a byte and makes the CRC right again.
    ChangeValue,
    /// Appends to the wrong partition.
    Misplace,
    /// Leaves an offset out.
    SkipOffset,
    /// Closes connections in place of an answer, in turn before and after the append.
    CutConnections,
    /// Answers NOT_ENOUGH_REPLICAS.
    Refuse,
    /// Does nothing for a while, once.
    Stall,
    /// Forgets fetch sessions, and the epochs of others.
    ForgetSessions,
}

#[derive(Default)]
struct Log {
    batches: Vec<Vec<u8>>,
    end: i64,
    held_back: Option<Vec<u8>>,
    /// Next sequence of each producer id.
    sequences: HashMap<i64, i32>,
}

/// What is read of topics and partitions: from which offset on, and bytes at most.
type Wanted = BTreeMap<(String, i32), (i64, i32)>;

/// A fetch session of a client.
struct FetchSession {
    epoch: i32,
    partitions: Wanted,
}

struct Shared {
    address: SocketAddr,
    partitions: i32,
    lie: Lie,
    logs: Mutex<HashMap<(String, i32), Log>>,
    batches: AtomicU64,
    producers: AtomicU64,
    sessions: Mutex<HashMap<i32, FetchSession>>,
    /// Fetches that went on with a session.
    incremental: AtomicU64,
    /// Partitions that left a session.
    forgotten: AtomicU64,
}

/// A running broker; its threads end with the process.
pub struct Liar {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Liar {
    /// Starts one.
    pub fn start(partitions: i32, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            address,
            partitions,
            lie,
            logs: Mutex::default(),
            batches: AtomicU64::new(0),
            producers: AtomicU64::new(0),
            sessions: Mutex::default(),
            incremental: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = accepting.clone();
                // A connection that ends in the middle of something is the client's business.
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// Fetches that went on with a session, and partitions that they said are read no longer.
    pub fn session_use(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.shared.incremental), load(&self.shared.forgotten))
    }
}

enum Outcome {
    Answered(i64),
    Refused(i16),
    Cut,
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length).ok()?;
            let mut frame = vec![0; i32::from_be_bytes(length) as usize];
            stream.read_exact(&mut frame).ok()?;
            let (header, position) = RequestHeader::decode(&frame).ok()?;
            let mut out = vec![0; 4];
            put_response_header(
                &mut out,
                header.api_key,
                header.api_version,
                header.correlation_id,
            );
            self.answer(&header, &frame[position..], &mut out)?;
            let length = (out.len() - 4) as i32;
            out[..4].copy_from_slice(&length.to_be_bytes());
            stream.write_all(&out).ok()?;
        }
    }

    fn answer(&self, header: &RequestHeader<'_>, body: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (version, reader) = (header.api_version, &mut Reader::new(body));
        match header.api_key {
            produce::KEY => self.produce(body, version, out)?,
            fetch::KEY => self.fetch(
                fetch::FetchRequest::decode(reader, version).ok()?,
                version,
                out,
            ),
            metadata::KEY => self.metadata(
                metadata::MetadataRequest::decode(reader, version).ok()?,
                version,
                out,
            ),
            list_offsets::KEY => {
                self.list_offsets(
                    list_offsets::ListOffsetsRequest::decode(reader, version).ok()?,
                    version,
                    out,
                );
            }
            create_topics::KEY => {
                create_topics::CreateTopicsResponse::default().encode(out, version)
            }
            delete_topics::KEY => {
                delete_topics::DeleteTopicsResponse::default().encode(out, version)
            }
            describe_configs::KEY => {
                describe_configs::DescribeConfigsResponse::default().encode(out, version)
            }
            init_producer_id::KEY => init_producer_id::InitProducerIdResponse {
                producer_id: self.producers.fetch_add(1, Ordering::Relaxed) as i64,
                ..Default::default()
            }
            .encode(out, version),
            _ => return None,
        }
        Some(())
    }

    fn metadata(&self, request: metadata::MetadataRequest<'_>, version: i16, out: &mut Vec<u8>) {
        let topics =
            request
                .topics
                .into_iter()
                .flatten()
                .map(|topic| metadata::MetadataResponseTopic {
                    name: topic.name,
                    partitions: (0..self.partitions)
                        .map(|partition_index| metadata::MetadataResponseTopicPartition {
                            partition_index,
                            ..Default::default()
                        })
                        .collect(),
                    ..Default::default()
                });
        metadata::MetadataResponse {
            brokers: vec![metadata::MetadataResponseBroker {
                node_id: 0,
                host: "127.0.0.1".into(),
                port: i32::from(self.address.port()),
                ..Default::default()
            }],
            topics: topics.collect(),
            ..Default::default()
        }
        .encode(out, version);
    }

    fn list_offsets(
        &self,
        request: list_offsets::ListOffsetsRequest<'_>,
        version: i16,
        out: &mut Vec<u8>,
    ) {
        let logs = self.logs.lock().unwrap();
        let topics = request.topics.into_iter().map(|topic| {
            let end = |partition: i32| {
                logs.get(&(topic.name.to_string(), partition))
                    .map_or(0, |log| log.end)
            };
            let partitions = topic.partitions.iter().map(|asked| {
                list_offsets::ListOffsetsResponseTopicPartition {
                    partition_index: asked.partition_index,
                    offset: if asked.timestamp == -2 {
                        0
                    } else {
                        end(asked.partition_index)
                    },
                    ..Default::default()
                }
            });
            list_offsets::ListOffsetsResponseTopic {
                partitions: partitions.collect(),
                name: topic.name.clone(),
            }
        });
        list_offsets::ListOffsetsResponse {
            topics: topics.collect(),
            ..Default::default()
        }
        .encode(out, version);
    }

    /// `None` closes the connection.
    fn produce(&self, body: &[u8], version: i16, out: &mut Vec<u8>) -> Option<()> {
        let request = ProduceRequest::parse(body, version).ok()?;
        let mut responses = Vec::new();
        for partition in request.partitions() {
            let batch = body[partition.records.clone()?].to_vec();
            let outcome = self.append(&partition.topic, partition.partition, batch);
            let (error_code, base_offset) = match outcome {
                Outcome::Answered(base_offset) => (0, base_offset),
                Outcome::Refused(code) => (code, -1),
                Outcome::Cut => return None,
            };
            responses.push(produce::ProduceResponseTopicResponse {
                name: Cow::Owned(partition.topic.into_owned()),
                partition_responses: vec![produce::ProduceResponseTopicResponsePartitionResponse {
                    index: partition.partition,
                    error_code,
                    base_offset,
                    ..Default::default()
                }],
                ..Default::default()
            });
        }
        let response = produce::ProduceResponse {
            responses,
            ..Default::default()
        };
        response.encode(out, version);
        Some(())
    }

    fn append(&self, topic: &str, partition: i32, mut batch: Vec<u8>) -> Outcome {
        let number = self.batches.fetch_add(1, Ordering::Relaxed);
        let lie = if number % EVERY == EVERY - 1 {
            self.lie
        } else {
            Lie::None
        };
        let even = (number / EVERY).is_multiple_of(2);
        if self.lie == Lie::Stall && number == 300 {
            std::thread::sleep(STALL);
        }
        let mut logs = self.logs.lock().unwrap();
        let own = logs.entry((topic.to_owned(), partition)).or_default();
        if let Some(outcome) = own.sequence(&batch) {
            return outcome;
        }
        match lie {
            Lie::Refuse => return Outcome::Refused(19),
            Lie::CutConnections if even => {
                own.forget_sequence(&batch);
                return Outcome::Cut;
            }
            Lie::Lose => return Outcome::Answered(own.pretend(&batch)),
            Lie::Swap if own.held_back.is_none() => {
                let offset = own.pretend(&batch);
                own.held_back = Some(batch);
                return Outcome::Answered(offset);
            }
            Lie::ChangeByte => *batch.last_mut().unwrap() ^= 1,
            Lie::ChangeValue => {
                let at = batch.len() - 2;
                batch[at] ^= 1;
                RecordBatchMut::parse(&mut batch)
                    .unwrap()
                    .set_producer(-1, -1, -1);
            }
            Lie::SkipOffset => own.end += 1,
            _ => {}
        }
        let into = match lie {
            Lie::Misplace => (partition + 1) % self.partitions,
            _ => partition,
        };
        let log = logs.entry((topic.to_owned(), into)).or_default();
        let mut offset = log.append(batch.clone());
        if lie == Lie::Double {
            log.append(batch);
        }
        if let Some(held_back) = log.held_back.take() {
            log.append(held_back);
        }
        if lie == Lie::Misplace {
            // Offsets of the partition that was asked for must not go back: that would be found out sooner.
            offset = logs.entry((topic.to_owned(), partition)).or_default().end + 1_000_000;
        }
        match lie {
            Lie::CutConnections => Outcome::Cut,
            _ => Outcome::Answered(offset),
        }
    }

    fn fetch(&self, request: fetch::FetchRequest<'_>, version: i16, out: &mut Vec<u8>) {
        let (session_id, wanted) = match self.session(&request) {
            Ok(session) => session,
            Err(code) => {
                let refusal = fetch::FetchResponse {
                    error_code: code as i16,
                    ..Default::default()
                };
                return refusal.encode(out, version);
            }
        };
        let steps = request.max_wait_ms as u128 / WAIT_STEP.as_millis();
        let incremental = request.session_epoch > 0;
        for step in 0..=steps {
            let (mut response, records) = self.read(&wanted, incremental);
            if records || step == steps {
                response.session_id = session_id;
                return response.encode(out, version);
            }
            std::thread::sleep(WAIT_STEP);
        }
    }

    /// The session's id, 0 without one, and what is to be read.
    fn session(&self, request: &fetch::FetchRequest<'_>) -> Result<(i32, Wanted), ErrorCode> {
        let asked = request.topics.iter().flat_map(|topic| {
            let asked = topic.partitions.iter();
            asked.map(|asked| {
                let from = (asked.fetch_offset, asked.partition_max_bytes);
                ((topic.topic.to_string(), asked.partition), from)
            })
        });
        let mut sessions = self.sessions.lock().unwrap();
        match request.session_epoch {
            -1 => return Ok((0, asked.collect())),
            0 => {
                sessions.remove(&request.session_id);
                let id = self.producers.fetch_add(1, Ordering::Relaxed) as i32 + 1;
                let partitions: Wanted = asked.collect();
                let session = FetchSession {
                    epoch: 1,
                    partitions: partitions.clone(),
                };
                sessions.insert(id, session);
                return Ok((id, partitions));
            }
            _ => {}
        }
        let nth = self.incremental.fetch_add(1, Ordering::Relaxed);
        if self.lie == Lie::ForgetSessions && nth % EVERY == 3 {
            sessions.remove(&request.session_id);
        }
        let session = sessions.get_mut(&request.session_id);
        let session = session.ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let forgets_epoch = self.lie == Lie::ForgetSessions && nth % EVERY == 5;
        if session.epoch != request.session_epoch || forgets_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.epoch += 1;
        for (place, from) in asked {
            if session.partitions.insert(place, from) == Some(from) {
                // It did not change: the client has no need to name it.
                return Err(ErrorCode::InvalidRequest);
            }
        }
        for topic in &request.forgotten_topics_data {
            for &partition in &topic.partitions {
                let place = (topic.topic.to_string(), partition);
                let known = session.partitions.remove(&place);
                known.ok_or(ErrorCode::InvalidRequest)?;
                self.forgotten.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok((request.session_id, session.partitions.clone()))
    }

    /// `news`: only of partitions that have records.
    fn read(&self, wanted: &Wanted, news: bool) -> (fetch::FetchResponse<'static>, bool) {
        let logs = self.logs.lock().unwrap();
        let mut any = false;
        let mut responses: Vec<fetch::FetchResponseTopicResponse<'static>> = Vec::new();
        for (place, &(offset, bytes_max)) in wanted {
            let log = logs.get(place);
            let records = log.map(|log| log.read(offset, bytes_max));
            let records = records.unwrap_or_default();
            any |= !records.is_empty();
            if news && records.is_empty() {
                continue;
            }
            let (topic, partition_index) = place;
            if responses.last().is_none_or(|last| last.topic != *topic) {
                responses.push(fetch::FetchResponseTopicResponse {
                    topic: Cow::Owned(topic.clone()),
                    ..Default::default()
                });
            }
            let data = fetch::FetchResponseTopicResponsePartitionData {
                partition_index: *partition_index,
                high_watermark: log.map_or(0, |log| log.end),
                records: Some(Cow::Owned(records)),
                ..Default::default()
            };
            if let Some(last) = responses.last_mut() {
                last.partitions.push(data);
            }
        }
        let response = fetch::FetchResponse {
            responses,
            ..Default::default()
        };
        (response, any)
    }
}

impl Log {
    fn append(&mut self, mut batch: Vec<u8>) -> i64 {
        let offset = self.end;
        RecordBatchMut::parse(&mut batch)
            .unwrap()
            .set_base_offset(offset);
        self.end = RecordBatch::parse(&batch).unwrap().next_offset();
        self.batches.push(batch);
        offset
    }

    /// The offset that would be answered; grows, so that only reading finds the lie out.
    fn pretend(&self, _batch: &[u8]) -> i64 {
        self.end
    }

    /// For a batch of an idempotent producer that is not the next one: what is answered.
    fn sequence(&mut self, batch: &[u8]) -> Option<Outcome> {
        let batch = RecordBatch::parse(batch).unwrap();
        if !batch.has_producer_id() {
            return None;
        }
        let next = self.sequences.entry(batch.producer_id()).or_default();
        let outcome = match batch.base_sequence().cmp(next) {
            std::cmp::Ordering::Less => Some(Outcome::Answered(-1)),
            std::cmp::Ordering::Greater => Some(Outcome::Refused(45)),
            std::cmp::Ordering::Equal => None,
        };
        if outcome.is_none() {
            *next += batch.record_count();
        }
        outcome
    }

    fn forget_sequence(&mut self, batch: &[u8]) {
        let batch = RecordBatch::parse(batch).unwrap();
        if let Some(next) = self.sequences.get_mut(&batch.producer_id()) {
            *next -= batch.record_count();
        }
    }

    fn read(&self, offset: i64, bytes_max: i32) -> Vec<u8> {
        let mut read = Vec::new();
        for batch in &self.batches {
            let next = RecordBatch::parse(batch).unwrap().next_offset();
            if next > offset && (read.is_empty() || read.len() + batch.len() <= bytes_max as usize)
            {
                read.extend_from_slice(batch);
            }
        }
        read
    }
}
