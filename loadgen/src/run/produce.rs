//! One connection that produces: a ring of requests in flight, sent when they are due and there is room. A lost connection's
//! requests are ambiguous and not sent again, unless the producer is idempotent: then they are, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use protocol::error_code::ErrorCode;
use protocol::produce::client::{ProduceAnswer, ProduceHead, put_partition, walk_answer};
use protocol::record_batch::{NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, TemplateHeader};

use super::link::Link;
use super::record::Window;
use super::session::{Context, LinkError, Session, SessionEnd};
use crate::client::cluster::Place;
use crate::client::frames::FrameCutter;
use crate::client::kafka::{ANSWER_TIMEOUT, ClientError};
use crate::clock::{as_ns, now_ns, unix_ms};
use crate::content::{Batch, Stamp};
use crate::schedule::Schedule;
use crate::verify::ledger::ProducerLedger;
use crate::verify::ranges::Ranges;

/// Batches up to this size are copied into one write with others; larger ones are sent from where they lie.
const COPY_BYTES_MAX: usize = 16 << 10;
/// Copied requests of one write, bytes.
const WRITE_BYTES: usize = 64 << 10;
/// After a refusal a connection sends nothing for so long, ns.
const REFUSED_PAUSE_NS: u64 = 10_000_000;
/// After the end, answers are awaited for so long, ns.
const DRAIN_NS: u64 = 30_000_000_000;

/// What all producing connections of a run share.
pub struct ProducePlan {
    /// Drawn for the run.
    pub run: u32,
    /// Kafka's: -1, 0 or 1.
    pub acks: i16,
    /// Unanswered requests of a connection.
    pub in_flight_max: usize,
    /// Records of a full batch.
    pub batch_records: usize,
    /// Partitions of a request.
    pub request_partitions: usize,
    /// Heads of requests, by topic.
    pub heads: Vec<ProduceHead>,
    /// Names of topics, for words.
    pub topics: Vec<String>,
    /// Whether batches carry producer ids and sequences, and are sent again when an answer lacks.
    pub idempotent: bool,
    /// Records still to be sent by all; `None`: until the window's end.
    pub records_left: Option<AtomicU64>,
    /// Connections that are not done yet.
    pub producing: AtomicUsize,
}

/// One partition of a connection: a producer of its own, with its own sequence.
pub struct Stream {
    /// Where to.
    pub place: Place,
    /// Number in the run.
    pub producer: u32,
    /// Kafka's, if idempotent.
    pub producer_id: (i64, i16),
    next: u64,
    acknowledged: Ranges,
    base_offset: i64,
    failed: bool,
}

impl Stream {
    /// That has sent nothing.
    pub fn new(place: Place, producer: u32, producer_id: Option<(i64, i16)>) -> Self {
        Self {
            place,
            producer,
            producer_id: producer_id.unwrap_or((NO_PRODUCER_ID, NO_PRODUCER_EPOCH)),
            next: 0,
            acknowledged: Ranges::default(),
            base_offset: -1,
            failed: false,
        }
    }
}

/// A batch that was sent.
#[derive(Debug, Clone, Copy)]
struct Part {
    stream: usize,
    first: u64,
    records: usize,
    bytes: u64,
    due: u64,
    answered: bool,
}

/// A request without an answer; its parts are the next of the queue of parts.
struct Request {
    correlation_id: i32,
    sent: u64,
    parts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Sending,
    Draining { until: u64 },
    Done,
}

/// One connection.
pub struct Producer {
    plan: Arc<ProducePlan>,
    streams: Vec<Stream>,
    turn: usize,
    schedule: Schedule,
    link: Option<Link>,
    cutter: FrameCutter,
    requests: VecDeque<Request>,
    parts: VecDeque<Part>,
    /// What an idempotent producer has to send again, oldest first.
    again: VecDeque<Part>,
    next_correlation_id: i32,
    phase: Phase,
    /// Since when it could send, if nothing hindered it.
    ready_since: u64,
    hindered: bool,
    paused_until: u64,
    batches: Vec<(Part, Batch)>,
    /// Whether any of these is sent for the first time.
    fresh: bool,
}

impl Producer {
    /// A connection for these streams, all led by the same broker.
    pub fn new(plan: Arc<ProducePlan>, streams: Vec<Stream>, schedule: Schedule) -> Self {
        assert!(
            !streams.is_empty(),
            "a connection has a partition to write to"
        );
        Self {
            plan,
            streams,
            turn: 0,
            schedule,
            link: None,
            cutter: FrameCutter::default(),
            requests: VecDeque::new(),
            parts: VecDeque::new(),
            again: VecDeque::new(),
            next_correlation_id: 0,
            phase: Phase::Sending,
            ready_since: 0,
            hindered: false,
            paused_until: 0,
            batches: Vec::new(),
            fresh: false,
        }
    }

    /// Sends as long as something is due and there is room.
    fn send(&mut self, context: &mut Context, now: u64) -> Result<(), LinkError> {
        if std::mem::take(&mut self.hindered) {
            self.ready_since = now;
        }
        if self.phase == Phase::Sending && (now >= context.window().end || context.stopped) {
            self.stop_sending(context, now);
        }
        let mut now = now;
        loop {
            let Some(link) = &mut self.link else {
                return Ok(());
            };
            let pool = &mut context.pool;
            let flushed = link.flush(|batch| {
                if let Some(pool) = pool {
                    pool.give(batch);
                }
            });
            if !flushed? {
                self.hindered = true;
                return Ok(());
            }
            if !self.put_requests(context, now)? {
                self.end_if_drained();
                return Ok(());
            }
            now = now_ns();
        }
    }

    /// Puts what is due and fits into the next write; whether that is anything.
    fn put_requests(&mut self, context: &mut Context, now: u64) -> Result<bool, LinkError> {
        let mut put = false;
        while self.phase == Phase::Sending || !self.again.is_empty() {
            if self.requests.len() >= self.plan.in_flight_max {
                self.hindered = true;
                break;
            }
            if now < self.paused_until {
                break;
            }
            if self.again.is_empty() {
                let due = self.schedule.due();
                if due.unwrap_or(now) >= context.window().end {
                    self.stop_sending(context, now);
                    break;
                }
                if due.is_some_and(|due| due > now) {
                    break;
                }
            }
            if !self.take_batches(context, now)? {
                self.stop_sending(context, now);
                break;
            }
            put = true;
            let whole = self.put_request(context, now);
            let full = |link: &mut Link| link.out().len() >= WRITE_BYTES;
            if !whole || self.link.as_mut().is_some_and(full) {
                break;
            }
        }
        Ok(put)
    }

    /// Takes the batches of the next request; `false` if no records are left to be sent.
    fn take_batches(&mut self, context: &mut Context, now: u64) -> Result<bool, LinkError> {
        debug_assert!(self.batches.is_empty(), "each request takes its own");
        self.fresh = false;
        let due = self.schedule.due();
        let timestamp_ms = unix_ms();
        while self.batches.len() < self.plan.request_partitions {
            let part = match self.again.front() {
                Some(&part) if self.fits_request(part.stream) => {
                    self.again.pop_front();
                    part
                }
                Some(_) => break,
                None if self.phase != Phase::Sending => break,
                None => {
                    let Some(stream) = self.next_stream() else {
                        break;
                    };
                    let records = self.claim();
                    if records == 0 {
                        break;
                    }
                    let first = self.streams[stream].next;
                    self.streams[stream].next += records as u64;
                    self.fresh = true;
                    Part {
                        stream,
                        first,
                        records,
                        bytes: 0,
                        due: due.unwrap_or(now),
                        answered: false,
                    }
                }
            };
            let batch = self.stamped(context, part, timestamp_ms)?;
            let bytes = batch.value_bytes();
            self.batches.push((Part { bytes, ..part }, batch));
        }
        Ok(!self.batches.is_empty())
    }

    /// The next stream in turn, if it may be in one request with those taken already.
    fn next_stream(&mut self) -> Option<usize> {
        for _ in 0..self.streams.len() {
            let stream = self.turn;
            if !self.streams[stream].failed {
                if !self.fits_request(stream) {
                    return None;
                }
                self.turn = (stream + 1) % self.streams.len();
                return Some(stream);
            }
            self.turn = (stream + 1) % self.streams.len();
        }
        None
    }

    /// One topic a request, and each partition once.
    fn fits_request(&self, stream: usize) -> bool {
        let topic = self.streams[stream].place.topic;
        self.batches.iter().all(|(part, _)| {
            part.stream != stream && self.streams[part.stream].place.topic == topic
        })
    }

    /// Records of the next batch, taken out of what is left to be sent.
    fn claim(&self) -> usize {
        let Some(left) = &self.plan.records_left else {
            return self.plan.batch_records;
        };
        let batch = self.plan.batch_records as u64;
        let take = |left: u64| Some(left.saturating_sub(batch));
        let left = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        left.unwrap_or_default().min(batch) as usize
    }

    fn stamped(
        &self,
        context: &mut Context,
        part: Part,
        timestamp_ms: i64,
    ) -> Result<Batch, LinkError> {
        let stream = &self.streams[part.stream];
        let pool = context
            .pool
            .as_mut()
            .expect("a core that produces has batches");
        let mut batch = pool.take(part.records)?;
        let stamp = Stamp {
            run: self.plan.run,
            producer: stream.producer,
            partition: stream.place.partition as u32,
            first: part.first,
            due_ns: part.due,
        };
        let (producer_id, producer_epoch) = stream.producer_id;
        let base_sequence = match self.plan.idempotent {
            true => (part.first % (1 << 31)) as i32,
            false => NO_SEQUENCE,
        };
        let header = TemplateHeader {
            timestamp_ms,
            producer_id,
            producer_epoch,
            base_sequence,
        };
        batch.stamp(stamp, header)?;
        Ok(batch)
    }

    /// Puts the request of the batches taken; whether it is whole, so that another may follow in the same write.
    fn put_request(&mut self, context: &mut Context, now: u64) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = correlation_id.wrapping_add(1);
        let bytes = self
            .batches
            .iter()
            .map(|(_, batch)| batch.bytes().len())
            .sum();
        let parts = self.batches.len();
        let topic = self.streams[self.batches[0].0.stream].place.topic as usize;
        self.plan.heads[topic].put(link.out(), correlation_id, parts, bytes);
        let mut whole = true;
        let due = self.schedule.due();
        for (part, batch) in self.batches.drain(..) {
            let stream = &self.streams[part.stream];
            put_partition(link.out(), stream.place.partition, batch.bytes().len());
            if parts == 1 && batch.bytes().len() > COPY_BYTES_MAX {
                link.put_batch(batch);
                whole = false;
            } else {
                link.out().extend_from_slice(batch.bytes());
                if let Some(pool) = &mut context.pool {
                    pool.give(batch);
                }
            }
            if self.plan.acks == 0 {
                let counted = (part.records as u64, part.bytes);
                context.recorder.sent_unanswered(now, counted);
            } else {
                self.parts.push_back(part);
            }
        }
        if self.fresh {
            context.recorder.sent(now, due, self.ready_since);
            self.schedule.advance();
        }
        if self.plan.acks != 0 {
            self.requests.push_back(Request {
                correlation_id,
                sent: now,
                parts,
            });
        }
        whole
    }

    /// The end of sending: what was due and could not be sent is counted, what is in flight is awaited.
    fn stop_sending(&mut self, context: &mut Context, now: u64) {
        let end = context.window().end.min(now);
        while let Some(due) = self.schedule.due()
            && due < end
            && self.plan.records_left.is_none()
        {
            context
                .recorder
                .unsent(now, due, self.plan.batch_records as u64);
            self.schedule.advance();
        }
        self.phase = Phase::Draining {
            until: now + DRAIN_NS,
        };
        self.end_if_drained();
    }

    fn end_if_drained(&mut self) {
        let clear = self.link.as_ref().is_none_or(Link::is_clear);
        if matches!(self.phase, Phase::Draining { .. })
            && self.requests.is_empty()
            && self.again.is_empty()
            && clear
        {
            self.phase = Phase::Done;
        }
    }

    fn drop_link(&mut self, context: &mut Context) {
        let batch = self.link.take().and_then(Link::into_batch);
        if let (Some(pool), Some(batch)) = (&mut context.pool, batch) {
            pool.give(batch);
        }
        self.requests.clear();
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
            let mut cutter = std::mem::take(&mut self.cutter);
            let fed = cutter.feed(&buffer[..bytes], |frame| {
                self.handle_answer(context, now, frame)
            });
            self.cutter = cutter;
            fed?;
            // Less than asked for: the socket is empty, and tells when it is not. But an end behind it was told already.
            if bytes < buffer.len() && !ended {
                return Ok(());
            }
        }
    }

    fn handle_answer(
        &mut self,
        context: &mut Context,
        now: u64,
        frame: &[u8],
    ) -> Result<(), LinkError> {
        let request = self.requests.front().ok_or(LinkError::Unasked)?;
        let (expected, sent, parts) = (request.correlation_id, request.sent, request.parts);
        let (found, body) = frame.split_first_chunk::<4>().ok_or(LinkError::Unasked)?;
        let found = i32::from_be_bytes(*found);
        if found != expected {
            return Err(ClientError::CorrelationId { expected, found }.into());
        }
        let (mut answered, mut unasked, mut elsewhere) = (0, false, None);
        walk_answer(body, |answer| {
            let place = |part: &&mut Part| {
                !part.answered && self.streams[part.stream].place.partition == answer.partition
            };
            let Some(part) = self.parts.iter_mut().take(parts).find(place) else {
                unasked = true;
                return;
            };
            part.answered = true;
            answered += 1;
            let part = *part;
            if let Some(error) = self.handle_part(context, (now, sent), part, answer) {
                elsewhere = Some(error);
            }
        })?;
        if unasked || answered != parts {
            return Err(LinkError::Unasked);
        }
        if let Some(error) = elsewhere {
            // What was not taken is sent again with all that followed it.
            return Err(error);
        }
        self.parts.drain(..parts);
        self.requests.pop_front();
        Ok(())
    }

    /// One partition's answer; an error if the leader must be looked up again.
    fn handle_part(
        &mut self,
        context: &mut Context,
        (now, sent): (u64, u64),
        part: Part,
        answer: ProduceAnswer,
    ) -> Option<LinkError> {
        let stream = &mut self.streams[part.stream];
        let code = ErrorCode::from_code(answer.error_code);
        let duplicate = self.plan.idempotent && code == ErrorCode::DuplicateSequenceNumber;
        if answer.error_code == 0 || duplicate {
            let records = part.records as u64;
            stream.acknowledged.insert(part.first, part.first + records);
            if answer.base_offset >= 0 {
                let back = answer.base_offset <= stream.base_offset;
                context.totals.base_offset_regressions += u64::from(back);
                stream.base_offset = answer.base_offset;
            }
            let counted = (records, part.bytes);
            context.recorder.acknowledged(now, part.due, sent, counted);
            return None;
        }
        let place = stream.place;
        let refused = || ClientError::Refused {
            request: format!(
                "Produce to {}-{}",
                self.plan.topics[place.topic as usize], place.partition
            ),
            number: answer.error_code,
        };
        context.fail(|| refused().to_string());
        context.totals.refused_requests += 1;
        context.recorder.error();
        self.paused_until = now + REFUSED_PAUSE_NS;
        if self.plan.idempotent && is_retriable(code) {
            // Not answered yet, then: it goes out again.
            if let Some(unanswered) = self
                .parts
                .iter_mut()
                .find(|other| other.stream == part.stream && other.first == part.first)
            {
                unanswered.answered = false;
            }
            return Some(LinkError::Elsewhere(refused()));
        }
        context.totals.refused_records += part.records as u64;
        // An idempotent producer cannot go on after a gap.
        stream.failed = self.plan.idempotent;
        is_elsewhere(code).then(|| LinkError::Elsewhere(refused()))
    }
}

fn is_elsewhere(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotLeaderOrFollower
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::FencedLeaderEpoch
    )
}

fn is_retriable(code: ErrorCode) -> bool {
    is_elsewhere(code)
        || matches!(
            code,
            ErrorCode::RequestTimedOut
                | ErrorCode::NotEnoughReplicas
                | ErrorCode::NotEnoughReplicasAfterAppend
                | ErrorCode::NetworkException
                | ErrorCode::KafkaStorageError
                | ErrorCode::OutOfOrderSequenceNumber
        )
}

impl Session for Producer {
    fn place(&self) -> Place {
        self.streams[0].place
    }

    fn begin(&mut self, link: Link, context: &mut Context, now: u64) -> Result<(), LinkError> {
        self.link = Some(link);
        self.cutter = FrameCutter::default();
        self.ready_since = now;
        self.send(context, now)
    }

    fn handle_ready(
        &mut self,
        context: &mut Context,
        now: u64,
        ended: bool,
    ) -> Result<(), LinkError> {
        self.receive(context, ended)?;
        // Reading took time: what became due meanwhile goes out now.
        let now = if matches!(self.schedule, Schedule::Closed) {
            now
        } else {
            now_ns()
        };
        self.send(context, now)
    }

    fn handle_time(&mut self, context: &mut Context, now: u64) -> Result<(), LinkError> {
        if let Some(oldest) = self.requests.front()
            && now >= oldest.sent + as_ns(ANSWER_TIMEOUT)
        {
            return Err(LinkError::NoAnswer(ANSWER_TIMEOUT.as_secs()));
        }
        if let Phase::Draining { until } = self.phase
            && now >= until
        {
            self.phase = Phase::Done;
            return Ok(());
        }
        self.send(context, now)
    }

    fn next_deadline(&self, window: Window) -> u64 {
        let oldest = self.requests.front();
        let answer = oldest.map_or(u64::MAX, |oldest| oldest.sent + as_ns(ANSWER_TIMEOUT));
        let sending = match self.phase {
            // Its socket, or a new one, tells when it may go on.
            _ if self.link.is_none() || self.hindered => u64::MAX,
            Phase::Sending | Phase::Draining { .. } if !self.again.is_empty() => self.paused_until,
            Phase::Sending => self.schedule.due().unwrap_or(0).max(self.paused_until),
            Phase::Draining { .. } | Phase::Done => u64::MAX,
        };
        let end = match self.phase {
            Phase::Sending => window.end,
            Phase::Draining { until } => until,
            Phase::Done => u64::MAX,
        };
        sending.min(end).min(answer)
    }

    fn handle_loss(&mut self, context: &mut Context, _now: u64) {
        context.totals.disconnects += 1;
        self.drop_link(context);
        for part in self.parts.drain(..).rev() {
            if part.answered {
                continue;
            }
            match self.plan.idempotent {
                true => {
                    context.totals.retried_records += part.records as u64;
                    self.again.push_front(part);
                }
                false => context.totals.ambiguous_records += part.records as u64,
            }
        }
        self.end_if_drained();
    }

    fn close(&mut self, context: &mut Context) {
        self.drop_link(context);
        let unanswered = self.parts.drain(..).chain(self.again.drain(..));
        let unanswered = unanswered.filter(|part| !part.answered);
        let records = unanswered.map(|part| part.records as u64).sum::<u64>();
        if records > 0 {
            context.totals.ambiguous_records += records;
            context.fail(|| format!("no answer to requests of {records} records"));
            context.recorder.error();
        }
        self.phase = Phase::Done;
        self.plan.producing.fetch_sub(1, Ordering::Relaxed);
    }

    fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    fn finish(self: Box<Self>) -> SessionEnd {
        let ledgers = self.streams.into_iter().map(|stream| ProducerLedger {
            run: self.plan.run,
            producer: stream.producer,
            topic: self.plan.topics[stream.place.topic as usize].clone(),
            partition: stream.place.partition,
            sent: stream.next,
            acknowledged: stream.acknowledged,
            keyed: None,
        });
        SessionEnd::Produce(ledgers.collect())
    }
}
