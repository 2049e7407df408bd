//! One connection that consumes: its partitions are shared over a few fetches in flight, answered as they come. By itself it looks at
//! batch headers only; it checks what it is told to check. It joins no group and commits nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use protocol::error_code::ErrorCode;
use protocol::fetch::{FetchEvent, FetchStream, STREAM_VERSION};
use protocol::messages::fetch as wire;
use protocol::record::records;
use protocol::record_batch::{BatchHeader, HEADER_BYTES, RecordBatch};

use super::fetch_session::FetchSession;
use super::link::Link;
use super::record::Window;
use super::session::{Context, LinkError, Session, SessionEnd};
use crate::client::cluster::Place;
use crate::client::frames::RESPONSE_BYTES_MAX;
use crate::client::kafka::{ANSWER_TIMEOUT, ClientError, put_request};
use crate::clock::{SECOND_NS, as_ns, now_ns};
use crate::content::Stamp;
use crate::verify::compacted::CompactedCheck;
use crate::verify::partition::PartitionCheck;

/// How often a consumer that waits for records looks whether it is at its end, ns.
const LOOK_NS: u64 = 100_000_000;

/// What a consumer looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// Batch headers.
    Headers,
    /// Headers, and the stamp of each batch's first record, which lies in so many bytes.
    Stamps(usize),
    /// CRC and offsets.
    Crc,
    /// CRC, offsets and every record.
    Records,
}

impl Looks {
    fn batch_bytes(self) -> usize {
        match self {
            Self::Headers => HEADER_BYTES,
            Self::Stamps(bytes) => bytes,
            Self::Crc | Self::Records => usize::MAX,
        }
    }
}

/// Up to which offset, not with it, each partition is read; may become known during a run.
#[derive(Debug)]
pub struct Targets(BTreeMap<Place, AtomicI64>);

impl Targets {
    /// Not known yet.
    pub fn unknown(places: &[Place]) -> Self {
        let unknown = places
            .iter()
            .map(|&place| (place, AtomicI64::new(i64::MAX)));
        Self(unknown.collect())
    }

    /// Sets them.
    pub fn set(&self, targets: &BTreeMap<Place, i64>) {
        for (place, &offset) in targets {
            if let Some(target) = self.0.get(place) {
                target.store(offset, Ordering::Relaxed);
            }
        }
    }

    fn of(&self, place: Place) -> i64 {
        let target = self.0.get(&place);
        target.map_or(i64::MAX, |target| target.load(Ordering::Relaxed))
    }
}

/// What all consuming connections of a run share.
pub struct ConsumePlan {
    /// Names of the run's topics.
    pub topics: Vec<String>,
    /// What is looked at.
    pub looks: Looks,
    /// Fetches of a connection without an answer.
    pub in_flight_max: usize,
    /// Whether each of them keeps a session, and names the partitions that changed.
    pub fetch_sessions: bool,
    /// Bytes asked for in one fetch.
    pub fetch_bytes: i32,
    /// Bytes asked for of one partition.
    pub partition_bytes: i32,
    /// The broker answers when it has so many bytes.
    pub min_bytes: i32,
    /// Or after so long, ms.
    pub max_wait_ms: i32,
    /// Where reading ends.
    pub targets: Targets,
    /// Whether reading goes on after the window's end until the targets are reached.
    pub to_targets: bool,
    /// Whether a partition that was read to its target is read again from where it began.
    pub repeat: bool,
    /// Longest stay without a record while below the targets, ns; it ends the connection.
    pub stuck_ns: u64,
}

/// A partition to read.
pub struct Reading {
    place: Place,
    start_offset: i64,
    next_offset: i64,
    /// Offset that the session's broker was told last; none: it does not know the partition.
    told: Option<i64>,
    check: Option<PartitionCheck>,
    done: bool,
}

impl Reading {
    /// From `offset` on. `from_first`: every producer's records are there from its first on.
    pub fn new(place: Place, offset: i64, looks: Looks, from_first: bool) -> Self {
        let content = match looks {
            Looks::Headers | Looks::Stamps(_) => None,
            Looks::Crc => Some(false),
            Looks::Records => Some(true),
        };
        let check = content
            .map(|content| PartitionCheck::new(place.partition, offset, from_first, content));
        Self {
            place,
            start_offset: offset,
            next_offset: offset,
            told: None,
            check,
            done: false,
        }
    }

    /// From the first offset on of a compacted partition, which is checked.
    pub fn of_compacted(place: Place, offset: i64, compacted: CompactedCheck) -> Self {
        let check = PartitionCheck::of_compacted(place.partition, compacted);
        Self {
            place,
            start_offset: offset,
            next_offset: offset,
            told: None,
            check: Some(check),
            done: false,
        }
    }

    /// Takes a batch: due time by its stamp if that was looked at, records, and bytes as fetched.
    fn take(&mut self, looks: Looks, header: BatchHeader<'_>, bytes: &[u8]) -> (Option<u64>, u64) {
        if let Some(check) = &mut self.check {
            let batch =
                RecordBatch::parse(bytes).expect("a whole batch comes when it is asked for");
            let (records, stamp) = check.check(&batch);
            self.next_offset = check.next_offset();
            return (stamp.map(|stamp| stamp.due_ns), records);
        }
        let next = header.next_offset();
        if next <= self.next_offset {
            return (None, 0);
        }
        let early = (self.next_offset - header.base_offset()).max(0);
        let counted = i64::from(header.record_count()).max(0) - early;
        self.next_offset = next;
        let due = match looks {
            Looks::Stamps(_) => first_due(&bytes[HEADER_BYTES..]),
            Looks::Headers | Looks::Crc | Looks::Records => None,
        };
        (due, counted.max(0) as u64)
    }
}

/// Due time of the first record's stamp, if it is one of this program's.
fn first_due(payload: &[u8]) -> Option<u64> {
    let record = records(payload).next()?.ok()?;
    let (stamp, _) = Stamp::read(record.value?)?;
    Some(stamp.due_ns)
}

/// What came of one partition.
pub struct PartitionEnd {
    /// Which.
    pub place: Place,
    /// Whether it was read as far as it should be.
    pub complete: bool,
    /// What the check saw, if there was one.
    pub check: Option<PartitionCheck>,
}

struct Request {
    correlation_id: i32,
    sent: u64,
    lane: usize,
}

/// One of the fetches of a connection: it is in flight, or is sent next. Reading `i` belongs to lane `i` modulo their number.
#[derive(Clone)]
struct Lane {
    in_flight: bool,
    session: FetchSession,
}

/// One connection.
pub struct Consumer {
    plan: Arc<ConsumePlan>,
    readings: Vec<Reading>,
    by_place: HashMap<Place, usize>,
    by_topic: HashMap<Vec<u8>, u32>,
    lanes: Vec<Lane>,
    link: Option<Link>,
    stream: FetchStream,
    requests: VecDeque<Request>,
    next_correlation_id: i32,
    topic: u32,
    current: Option<usize>,
    /// When records came last.
    progress: u64,
    /// When to look at the targets again.
    next_look: u64,
    done: bool,
}

impl Consumer {
    /// A connection for these partitions, all led by the same broker.
    pub fn new(plan: Arc<ConsumePlan>, readings: Vec<Reading>) -> Self {
        assert!(!readings.is_empty(), "a connection has a partition to read");
        let by_place = (0..)
            .zip(&readings)
            .map(|(at, reading)| (reading.place, at));
        let by_topic = (0..)
            .zip(&plan.topics)
            .map(|(at, name)| (name.clone().into_bytes(), at));
        let lanes = plan.in_flight_max.clamp(1, readings.len());
        let lane = Lane {
            in_flight: false,
            session: FetchSession::new(plan.fetch_sessions),
        };
        Self {
            by_place: by_place.collect(),
            by_topic: by_topic.collect(),
            lanes: vec![lane; lanes],
            stream: FetchStream::new(plan.looks.batch_bytes(), RESPONSE_BYTES_MAX),
            plan,
            readings,
            link: None,
            requests: VecDeque::new(),
            next_correlation_id: 0,
            topic: 0,
            current: None,
            progress: 0,
            next_look: 0,
            done: false,
        }
    }

    /// Fetches for every lane that waits for nothing.
    fn send(&mut self, context: &mut Context, now: u64) -> Result<(), LinkError> {
        self.end_if_read(context, now);
        if self.link.is_none() {
            return Ok(());
        }
        for lane in 0..self.lanes.len() {
            if !self.done && !self.lanes[lane].in_flight {
                self.put_fetch(lane, now);
            }
        }
        if let Some(link) = &mut self.link {
            // What does not go now goes when the socket tells.
            link.flush(|_| {})?;
        }
        Ok(())
    }

    fn put_fetch(&mut self, lane: usize, now: u64) {
        let Some((named, forgotten)) = self.changed(lane) else {
            return;
        };
        let Some(link) = &mut self.link else { return };
        let (session_id, session_epoch) = self.lanes[lane].session.next();
        let name = |topic: u32| Cow::Borrowed(self.plan.topics[topic as usize].as_str());
        let topics = named.into_iter();
        let topics = topics.map(|(topic, partitions)| wire::FetchRequestTopic {
            topic: name(topic),
            partitions,
            ..Default::default()
        });
        let forgotten = forgotten.into_iter();
        let forgotten = forgotten.map(|(topic, partitions)| wire::FetchRequestForgottenTopic {
            topic: name(topic),
            partitions,
            ..Default::default()
        });
        let request = wire::FetchRequest {
            replica_id: -1,
            max_wait_ms: self.plan.max_wait_ms,
            min_bytes: self.plan.min_bytes,
            max_bytes: self.plan.fetch_bytes,
            session_id,
            session_epoch,
            topics: topics.collect(),
            forgotten_topics_data: forgotten.collect(),
            ..Default::default()
        };
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = correlation_id.wrapping_add(1);
        put_request(
            link.out(),
            wire::KEY,
            STREAM_VERSION,
            correlation_id,
            |out, version| {
                request.encode(out, version);
            },
        );
        self.lanes[lane].in_flight = true;
        self.requests.push_back(Request {
            correlation_id,
            sent: now,
            lane,
        });
    }

    /// What the lane's next request has to name, by topic: all that is read, or within a session what changed since the broker was
    /// told, and what is read no longer. `None`: the lane has nothing to read. The broker counts as told.
    fn changed(&mut self, lane: usize) -> Option<(ByTopic<Wanted>, ByTopic<i32>)> {
        let (mut named, mut forgotten) = (Vec::new(), Vec::new());
        let full = self.lanes[lane].session.is_full();
        let lanes = self.lanes.len();
        let mut reads = false;
        for reading in self.readings.iter_mut().skip(lane).step_by(lanes) {
            let wanted = (!reading.done).then_some(reading.next_offset);
            reads |= wanted.is_some();
            if full {
                reading.told = None;
            }
            if reading.told == wanted {
                continue;
            }
            reading.told = wanted;
            let Place { topic, partition } = reading.place;
            match wanted {
                Some(fetch_offset) => {
                    let partition = Wanted {
                        partition,
                        fetch_offset,
                        partition_max_bytes: self.plan.partition_bytes,
                        ..Default::default()
                    };
                    group(&mut named, topic, partition);
                }
                None => group(&mut forgotten, topic, partition),
            }
        }
        reads.then_some((named, forgotten))
    }

    /// Ends the session when all is read, or the window is over and nothing more is wanted.
    fn end_if_read(&mut self, context: &Context, now: u64) {
        let over = now >= context.window().end || context.stopped;
        let mut left = false;
        for reading in &mut self.readings {
            if reading.next_offset >= self.plan.targets.of(reading.place) {
                match self.plan.repeat && reading.next_offset > reading.start_offset {
                    true => reading.next_offset = reading.start_offset,
                    false => reading.done = true,
                }
            }
            left |= !reading.done;
        }
        self.done |= !left || over && !self.plan.to_targets || context.stopped;
    }

    fn receive(&mut self, context: &mut Context, ended: bool) -> Result<(), LinkError> {
        let mut buffer = std::mem::take(&mut context.buffer);
        let received = self.receive_into(context, &mut buffer, ended);
        context.buffer = buffer;
        received
    }

    fn receive_into(
        &mut self,
        context: &mut Context,
        buffer: &mut [u8],
        ended: bool,
    ) -> Result<(), LinkError> {
        loop {
            let Some(link) = &self.link else {
                return Ok(());
            };
            let Some(bytes) = link.read(buffer)? else {
                return Ok(());
            };
            let now = now_ns();
            let mut stream = std::mem::replace(&mut self.stream, FetchStream::new(0, 0));
            let mut first_error = None;
            let fed = stream.feed(&buffer[..bytes], &mut |event| {
                if first_error.is_none() {
                    first_error = self.handle_event(context, now, event).err();
                }
            });
            self.stream = stream;
            fed?;
            if let Some(error) = first_error {
                return Err(error);
            }
            // Less than asked for: the socket is empty, and tells when it is not. But an end behind it was told already.
            if self.done || bytes < buffer.len() && !ended {
                return Ok(());
            }
        }
    }

    fn handle_event(
        &mut self,
        context: &mut Context,
        now: u64,
        event: FetchEvent<'_>,
    ) -> Result<(), LinkError> {
        match event {
            FetchEvent::Batch(header, bytes) => {
                let reading = &mut self.readings[self.current.ok_or(LinkError::Unasked)?];
                let (due, records) = reading.take(self.plan.looks, header, bytes);
                if records > 0 {
                    self.progress = now;
                    let counted = (records, header.size_bytes() as u64);
                    context.recorder.consumed(now, due, counted);
                }
            }
            FetchEvent::Response {
                correlation_id,
                error_code,
                session_id,
            } => {
                let request = self.requests.front().ok_or(LinkError::Unasked)?;
                let (expected, found) = (request.correlation_id, correlation_id);
                if found != expected {
                    return Err(ClientError::CorrelationId { expected, found }.into());
                }
                let session = &mut self.lanes[request.lane].session;
                if !session.answered(error_code, session_id) {
                    return Err(LinkError::Client(refused("Fetch".to_owned(), error_code)));
                }
            }
            FetchEvent::Topic(name) => {
                self.topic = *self.by_topic.get(name).ok_or(LinkError::Unasked)?;
            }
            FetchEvent::Partition {
                partition,
                error_code,
                ..
            } => {
                let topic = self.topic;
                let place = Place { topic, partition };
                let at = *self.by_place.get(&place).ok_or(LinkError::Unasked)?;
                self.current = Some(at);
                if error_code != 0 {
                    return self.handle_refusal(context, at, error_code);
                }
            }
            FetchEvent::End => {
                let request = self.requests.pop_front().ok_or(LinkError::Unasked)?;
                self.lanes[request.lane].in_flight = false;
                context.recorder.fetched(now, request.sent);
            }
        }
        Ok(())
    }

    fn handle_refusal(
        &mut self,
        context: &mut Context,
        at: usize,
        error_code: i16,
    ) -> Result<(), LinkError> {
        let place = self.readings[at].place;
        let topic = &self.plan.topics[place.topic as usize];
        let error = refused(format!("Fetch of {topic}-{}", place.partition), error_code);
        context.totals.refused_requests += 1;
        context.recorder.error();
        context.fail(|| error.to_string());
        match ErrorCode::from_code(error_code) {
            ErrorCode::OffsetOutOfRange
            | ErrorCode::CorruptMessage
            | ErrorCode::TopicAuthorizationFailed => {
                self.readings[at].done = true;
                Ok(())
            }
            _ => Err(LinkError::Elsewhere(error)),
        }
    }
}

type Wanted = wire::FetchRequestTopicPartition;

/// Something of partitions, topic by topic.
type ByTopic<T> = Vec<(u32, Vec<T>)>;

/// Adds one of a topic's to the topic's group, which is the last if it is there: they come topic by topic.
fn group<T>(groups: &mut ByTopic<T>, topic: u32, one: T) {
    match groups.last_mut() {
        Some((last, all)) if *last == topic => all.push(one),
        _ => groups.push((topic, vec![one])),
    }
}

fn refused(request: String, number: i16) -> ClientError {
    ClientError::Refused { request, number }
}

impl Session for Consumer {
    fn place(&self) -> Place {
        self.readings[0].place
    }

    fn begin(&mut self, link: Link, context: &mut Context, now: u64) -> Result<(), LinkError> {
        self.link = Some(link);
        self.stream = FetchStream::new(self.plan.looks.batch_bytes(), RESPONSE_BYTES_MAX);
        self.progress = now;
        self.next_look = now + LOOK_NS;
        self.send(context, now)
    }

    fn handle_ready(
        &mut self,
        context: &mut Context,
        _now: u64,
        ended: bool,
    ) -> Result<(), LinkError> {
        self.receive(context, ended)?;
        self.send(context, now_ns())
    }

    fn handle_time(&mut self, context: &mut Context, now: u64) -> Result<(), LinkError> {
        self.next_look = now + LOOK_NS;
        self.end_if_read(context, now);
        let oldest = self.requests.front();
        if oldest.is_some_and(|oldest| now >= oldest.sent + as_ns(ANSWER_TIMEOUT)) {
            return Err(LinkError::NoAnswer(ANSWER_TIMEOUT.as_secs()));
        }
        let bounded =
            |reading: &Reading| !reading.done && self.plan.targets.of(reading.place) < i64::MAX;
        if !self.readings.iter().any(bounded) {
            self.progress = now;
        }
        if !self.done && now >= self.progress.saturating_add(self.plan.stuck_ns) {
            self.done = true;
            context.recorder.error();
            let stuck_s = self.plan.stuck_ns / SECOND_NS;
            let (plan, readings) = (&self.plan, &self.readings);
            context.fail(|| {
                let reading = readings.iter().find(|reading| !reading.done);
                let reading = reading.unwrap_or(&readings[0]);
                let topic = &plan.topics[reading.place.topic as usize];
                let (partition, next) = (reading.place.partition, reading.next_offset);
                let target = plan.targets.of(reading.place);
                format!("no records for {stuck_s} s although offset {next} of {topic}-{partition} is below {target}")
            });
        }
        Ok(())
    }

    fn next_deadline(&self, window: Window) -> u64 {
        match self.done || self.plan.to_targets {
            true => self.next_look,
            false => self.next_look.min(window.end),
        }
    }

    fn handle_loss(&mut self, context: &mut Context, _now: u64) {
        context.totals.disconnects += 1;
        self.link = None;
        self.requests.clear();
        for lane in &mut self.lanes {
            lane.in_flight = false;
            lane.session.lost();
        }
        self.current = None;
    }

    fn close(&mut self, _context: &mut Context) {
        self.link = None;
        self.done = true;
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn finish(self: Box<Self>) -> SessionEnd {
        let ends = self.readings.into_iter().map(|reading| PartitionEnd {
            place: reading.place,
            complete: !self.plan.to_targets
                || reading.next_offset >= self.plan.targets.of(reading.place),
            check: reading.check,
        });
        SessionEnd::Consume(ends.collect())
    }
}
