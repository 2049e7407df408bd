//! A producer: idempotent or not, several requests in flight, over one or two partitions. An idempotent one sends what is
//! not acknowledged again, in order, over breaks and restarts, until it is; the others leave it and go on.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use broker::shard::PartitionKey;
use bytes::Bytes;
use protocol::compression::Compression;
use protocol::error_code::ErrorCode;
use protocol::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use protocol::messages::produce::{
    ProduceRequest, ProduceRequestTopicData, ProduceRequestTopicDataPartitionData, ProduceResponse,
};
use protocol::primitives::Reader;

use super::super::history::Known;
use super::super::random::Random;
use super::records::{self, Identity};
use super::{Lost, Phase, Setting, Told, Wire};

/// Requests in flight, as with Kafka's own producer.
const IN_FLIGHT_MAX: usize = 5;
const PRODUCE: i16 = 0;
const INIT_PRODUCER_ID: (i16, i16) = (22, 4);

/// One partition as this producer knows it.
struct Lane {
    number: u32,
    topic: String,
    /// What was known of the topic when it was chosen.
    known: (Known, u64),
    key: PartitionKey,
    /// Records are acknowledged early here, by this run of the broker: what the next one has of them nobody knows.
    cached_by: Option<u32>,
    port: u16,
    next_sequence: i32,
    /// Not yet acknowledged, in order.
    batches: VecDeque<Batch>,
    /// How many of them are in requests under way.
    under_way: usize,
    /// One was refused for now: those behind it are answered first, then all are sent again.
    broken: bool,
}

impl Lane {
    /// The batch that begins with record `first`.
    fn batch(&self, first: u64) -> Option<&Batch> {
        self.batches
            .iter()
            .find(|batch| batch.numbers.start == first)
    }
}

struct Batch {
    numbers: Range<u64>,
    bytes: Bytes,
    /// Nothing of this lane was under way when it was sent last.
    sent_alone: bool,
}

/// A request under way.
struct Request {
    correlation: i32,
    version: i16,
    /// By part: place of the lane, and the batch's first number.
    parts: Vec<(usize, u64)>,
}

/// The producer.
pub struct Producer {
    wire: Wire,
    idempotent: bool,
    identity: Option<(i64, i16)>,
    lanes: Vec<Lane>,
    requests: VecDeque<Request>,
    next_lane: u32,
}

impl Producer {
    /// Producer `number`.
    pub fn new(setting: Rc<Setting>, number: u32, random: Random, idempotent: bool) -> Self {
        Self {
            wire: Wire::new(setting, number, random),
            idempotent,
            identity: None,
            lanes: Vec::new(),
            requests: VecDeque::new(),
            next_lane: number << 16,
        }
    }

    /// Produces until the run ends, and then until all is acknowledged.
    pub async fn run(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        while setting.goes_on() || self.owes() {
            if self.session().await.is_err() {
                self.lost();
                self.wire.back_off().await;
            }
        }
        setting.finish(self.wire.number);
    }

    /// Whether something is not acknowledged that must be.
    fn owes(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.batches.is_empty())
    }

    /// The connection is gone: what was under way is sent again, or given up.
    fn lost(&mut self) {
        let number = self.wire.number;
        self.wire
            .setting
            .doing(number, || "the connection is lost".to_owned());
        self.wire.hang_up();
        self.requests.clear();
        let history = &self.wire.setting.history;
        for lane in &mut self.lanes {
            for batch in lane.batches.iter().take(lane.under_way) {
                history.astray(batch.numbers.clone());
            }
            lane.under_way = 0;
            lane.broken = false;
            if !self.idempotent {
                lane.batches.clear();
            }
        }
        self.leave_lanes();
    }

    /// Leaves lanes whose topic is not what it was; whoever is under way there may arrive anywhere.
    fn leave_lanes(&mut self) {
        let history = &self.wire.setting.history;
        if self.requests.is_empty() {
            let now = self.wire.setting.machine.incarnation();
            let gone = |lane: &mut Lane| {
                history.topic(&lane.topic) != lane.known
                    || lane.cached_by.is_some_and(|run| run != now)
            };
            for lane in self.lanes.extract_if(.., gone) {
                let batches = lane.batches.into_iter();
                batches.for_each(|batch| history.astray(batch.numbers));
            }
        }
    }

    async fn session(&mut self) -> Result<(), Lost> {
        let bootstrap = self.wire.setting.machine.bootstrap_port();
        let port = self.lanes.first().map_or(0, |lane| lane.port);
        let port = if port == 0 { bootstrap } else { port };
        self.wire.connect(self.wire.some_port(port)).await;
        if self.idempotent && self.identity.is_none() {
            self.init_producer_id().await?;
        }
        self.choose_lanes().await?;
        if self.lanes.is_empty() {
            self.wire.back_off().await;
            return Ok(());
        }
        let requests = self.wire.random.spread(1, 40);
        for _ in 0..requests {
            self.make_batches();
            if self.requests.len() < IN_FLIGHT_MAX && self.wire.random.one_in(2)
                || self.requests.is_empty()
            {
                self.send().await?;
            }
            if !self.requests.is_empty() && self.wire.random.one_in(2) {
                self.receive().await?;
            }
            if self.wire.random.one_in(3) {
                self.wire.think().await;
            }
        }
        while !self.requests.is_empty() {
            self.receive().await?;
        }
        Ok(())
    }

    async fn init_producer_id(&mut self) -> Result<(), Lost> {
        let request = InitProducerIdRequest {
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
            ..InitProducerIdRequest::default()
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask(INIT_PRODUCER_ID, encode).await?;
        let answer = InitProducerIdResponse::decode(&mut Reader::new(&body), INIT_PRODUCER_ID.1);
        match answer {
            Ok(answer) if answer.error_code == 0 => {
                let history = &self.wire.setting.history;
                if !history.given_producer_id(answer.producer_id) {
                    // Its sequences may have begun elsewhere already.
                    return Err(Lost);
                }
                self.identity = Some((answer.producer_id, answer.producer_epoch));
                Ok(())
            }
            // The controller does not answer yet, or not any more.
            Ok(_) => Err(Lost),
            Err(_) => {
                self.wire
                    .fail("malformed-answer", "InitProducerId".to_owned());
                Err(Lost)
            }
        }
    }

    /// Leaves lanes of topics that are gone; takes new ones if there is none or by chance.
    async fn choose_lanes(&mut self) -> Result<(), Lost> {
        self.leave_lanes();
        let setting = &self.wire.setting;
        let history = &setting.history;
        let wanted = !self.owes() && (self.lanes.is_empty() || self.wire.random.one_in(4));
        if wanted && self.wire.setting.goes_on() {
            let present = history.present();
            self.lanes.clear();
            if present.is_empty() {
                return Ok(());
            }
            for _ in 0..self.wire.random.between(1, 2) {
                let (topic, id, partitions) = self.wire.random.pick(&present);
                let partition = self.wire.random.index(*partitions as usize) as i32;
                let key = PartitionKey {
                    topic_id: *id,
                    partition,
                };
                if self.lanes.iter().all(|lane| lane.key != key) {
                    self.next_lane += 1;
                    self.lanes.push(Lane {
                        number: self.next_lane,
                        topic: topic.clone(),
                        known: history.topic(topic),
                        key,
                        cached_by: setting.caches(topic).then(|| setting.machine.incarnation()),
                        port: 0,
                        next_sequence: 0,
                        batches: VecDeque::new(),
                        under_way: 0,
                        broken: false,
                    });
                }
            }
            // A new lane is a new life of this producer: what the old one sent is acknowledged.
            if self.idempotent {
                self.identity = None;
                self.init_producer_id().await?;
            }
        }
        self.look_up().await
    }

    /// Asks where the lanes' partitions are led.
    async fn look_up(&mut self) -> Result<(), Lost> {
        let names: Vec<String> = self.lanes.iter().map(|lane| lane.topic.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let mut asked = names.clone();
        asked.sort();
        asked.dedup();
        let told = self.wire.metadata(&asked).await?;
        let find = |name: &String| -> Option<&Told> {
            let at = asked.binary_search(name).ok()?;
            told[at].as_ref()
        };
        for lane in &mut self.lanes {
            let place = find(&lane.topic)
                .filter(|told| told.id == lane.key.topic_id)
                .and_then(|told| told.partitions.get(lane.key.partition as usize));
            lane.port = place.map_or(0, |(port, _)| *port);
        }
        Ok(())
    }

    /// Adds a batch to lanes that have room.
    fn make_batches(&mut self) {
        let setting = self.wire.setting.clone();
        let random = &self.wire.random;
        for lane in &mut self.lanes {
            let wanted = lane.batches.len() < IN_FLIGHT_MAX && !lane.broken;
            if !wanted || !setting.goes_on() || random.one_in(3) {
                continue;
            }
            let count = random.spread(1, 12);
            let order = self.idempotent.then_some(lane.number);
            let numbers = setting.history.send(lane.key, order, count);
            let identity = self.identity.filter(|_| self.idempotent);
            let identity = identity.map(|(id, epoch)| Identity {
                id,
                epoch,
                sequence: lane.next_sequence,
            });
            lane.next_sequence += count as i32;
            let codec = match random.one_in(6) {
                true => *random.pick(&[Compression::Lz4, Compression::Snappy, Compression::Gzip]),
                false => Compression::None,
            };
            let value_bytes = random.spread(setting.value_bytes.0, setting.value_bytes.1);
            let now_ms = setting.now_ms();
            let bytes = records::batch(
                numbers.clone(),
                setting.history.keys(),
                value_bytes,
                now_ms,
                codec,
                identity,
            );
            setting
                .history
                .made(numbers.clone(), now_ms, bytes.len() as u64);
            lane.batches.push_back(Batch {
                numbers,
                bytes,
                sent_alone: false,
            });
        }
    }

    /// Takes the next batch of some lanes for one request: place of the lane, and the batch's first number.
    fn next_parts(&mut self) -> Vec<(usize, u64)> {
        let (random, history) = (&self.wire.random, &self.wire.setting.history);
        let mut parts = Vec::new();
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            let is_gone = history.topic(&lane.topic) != lane.known;
            if is_gone || lane.broken || lane.under_way >= lane.batches.len() || random.one_in(4) {
                continue;
            }
            let batch = &mut lane.batches[lane.under_way];
            batch.sent_alone = lane.under_way == 0;
            lane.under_way += 1;
            parts.push((at, batch.numbers.start));
        }
        parts
    }

    fn encode(&self, parts: &[(usize, u64)], acks: i16, version: i16) -> Vec<u8> {
        let topics = parts.iter().map(|(at, first)| {
            let lane = &self.lanes[*at];
            let data = ProduceRequestTopicDataPartitionData {
                index: lane.key.partition,
                records: lane.batch(*first).map(|batch| (&batch.bytes[..]).into()),
            };
            ProduceRequestTopicData {
                name: lane.topic.as_str().into(),
                partition_data: vec![data],
                ..ProduceRequestTopicData::default()
            }
        });
        let request = ProduceRequest {
            transactional_id: None,
            acks,
            timeout_ms: 30_000,
            topic_data: topics.collect(),
        };
        let mut body = Vec::new();
        request.encode(&mut body, version);
        body
    }

    /// Sends the next batch of some lanes as one request.
    async fn send(&mut self) -> Result<(), Lost> {
        let random = &self.wire.random;
        let version = random.between(3, 9) as i16;
        let acks = match random.below(6) {
            0 if !self.idempotent => 0,
            1 if !self.idempotent => 1,
            _ => -1,
        };
        let parts = self.next_parts();
        if parts.is_empty() {
            return Ok(());
        }
        let body = self.encode(&parts, acks, version);
        let number = self.wire.number;
        self.wire.setting.doing(number, || self.told(&parts, acks));
        let encode = |out: &mut Vec<u8>, _| out.extend_from_slice(&body);
        let sent = self.wire.send((PRODUCE, version), encode).await;
        if acks == 0 {
            // Never answered: whatever becomes of it is right.
            parts
                .into_iter()
                .for_each(|(at, first)| self.leave(at, first));
        } else {
            self.requests.push_back(Request {
                correlation: self.wire.correlation(),
                version,
                parts,
            });
        }
        sent
    }

    /// Gives up a batch of which nobody knows what becomes of it.
    fn leave(&mut self, at: usize, first: u64) {
        let numbers = self.take(at, first).map(|batch| batch.numbers);
        let history = &self.wire.setting.history;
        numbers
            .into_iter()
            .for_each(|numbers| history.astray(numbers));
    }

    fn told(&self, parts: &[(usize, u64)], acks: i16) -> String {
        let parts = parts.iter().map(|(at, first)| {
            let lane = &self.lanes[*at];
            let batch = lane
                .batches
                .iter()
                .find(|batch| batch.numbers.start == *first);
            let numbers = batch.map(|batch| batch.numbers.clone());
            format!("{}-{} {:?}", lane.topic, lane.key.partition, numbers)
        });
        let parts: Vec<String> = parts.collect();
        format!("produces {} acks {acks}", parts.join(", "))
    }

    /// Takes the batch that begins with record `first` out of its lane.
    fn take(&mut self, at: usize, first: u64) -> Option<Batch> {
        let lane = &mut self.lanes[at];
        let place = lane
            .batches
            .iter()
            .position(|batch| batch.numbers.start == first)?;
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.broken &= lane.under_way > 0;
        lane.batches.remove(place)
    }

    async fn receive(&mut self) -> Result<(), Lost> {
        let Some(request) = self.requests.front() else {
            return Ok(());
        };
        let (correlation, version) = (request.correlation, request.version);
        let (answered, body) = self.wire.receive((PRODUCE, version)).await?;
        let request = self.requests.pop_front().expect("just seen");
        if answered != correlation {
            self.wire
                .fail("wrong-answer", format!("{answered} for {correlation}"));
            return Err(Lost);
        }
        let answer = ProduceResponse::decode(&mut Reader::new(&body), version);
        let Ok(answer) = answer else {
            self.wire.fail("malformed-answer", "Produce".to_owned());
            return Err(Lost);
        };
        // Topics named several times are answered once, their partitions in order.
        let mut codes = Vec::new();
        for topic in &answer.responses {
            for one in &topic.partition_responses {
                codes.push((
                    topic.name.as_ref(),
                    one.index,
                    one.error_code,
                    one.base_offset,
                ));
            }
        }
        for (at, first) in &request.parts {
            let lane = &self.lanes[*at];
            let mine =
                |one: &&(&str, i32, i16, i64)| (one.0, one.1) == (&*lane.topic, lane.key.partition);
            match codes.iter().find(mine) {
                Some(&(_, _, code, base_offset)) => {
                    self.answered(*at, *first, code, base_offset);
                }
                None => self
                    .wire
                    .fail("malformed-answer", "a partition is not answered".to_owned()),
            }
        }
        Ok(())
    }

    fn answered(&mut self, at: usize, first: u64, code: i16, base_offset: i64) {
        let history = &self.wire.setting.history;
        let lane = &self.lanes[at];
        let same_topic = history.topic(&lane.topic) == lane.known;
        let number = self.wire.number;
        let (topic, partition) = (lane.topic.clone(), lane.key.partition);
        self.wire.setting.doing(number, || {
            format!(
                "{topic}-{partition} record {first}: {:?} at {base_offset}",
                ErrorCode::from_code(code)
            )
        });
        if code == 0 {
            let (key, early) = (lane.key, lane.cached_by.is_some());
            // Acknowledged early by a process that is gone: nobody knows whether it is there.
            let counts = same_topic && !(early && self.wire.is_late());
            if let Some(batch) = self.take(at, first) {
                let history = &self.wire.setting.history;
                match counts {
                    true => {
                        let id = self.identity.filter(|_| self.idempotent);
                        history.acked_by(key, id.map(|(id, _)| id), base_offset);
                        history.acked(key, batch.numbers, base_offset, early);
                    }
                    false => history.astray(batch.numbers),
                }
            }
            return;
        }
        if same_topic {
            self.check_refusal(at, first, code);
        }
        if self.idempotent {
            let lane = &mut self.lanes[at];
            lane.under_way = lane.under_way.saturating_sub(1);
            lane.broken = lane.under_way > 0;
        } else {
            // Nobody knows whether it is there: it is left.
            let numbers = self.take(at, first).map(|batch| batch.numbers);
            let history = &self.wire.setting.history;
            numbers
                .into_iter()
                .for_each(|numbers| history.astray(numbers));
        }
        if self.wire.setting.phase.get() == Phase::Healed {
            self.wire
                .setting
                .doing(number, || format!("refused with {code}"));
        }
    }

    /// Whether a good batch may be answered so.
    fn check_refusal(&self, at: usize, first: u64, code: i16) {
        let lane = &self.lanes[at];
        let alone = lane.batch(first).is_some_and(|batch| batch.sent_alone);
        let code = ErrorCode::from_code(code);
        let legal = match code {
            ErrorCode::NotLeaderOrFollower
            | ErrorCode::KafkaStorageError
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::RequestTimedOut => true,
            // One before it was refused; but of one that had nothing before it the broker has lost its memory.
            ErrorCode::OutOfOrderSequenceNumber => self.idempotent && !alone,
            _ => false,
        };
        if !legal {
            let what = format!(
                "{}-{}: {code:?} for record {first}",
                lane.topic, lane.key.partition
            );
            self.wire.fail("wrong-refusal", what);
        }
    }
}
