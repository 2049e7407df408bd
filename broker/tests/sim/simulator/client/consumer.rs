//! A consumer: follows partitions from any offset on, by long polls or short ones, and believes nothing it reads.

use std::rc::Rc;

use broker::shard::PartitionKey;
use protocol::error_code::ErrorCode;
use protocol::messages::fetch::{
    FetchRequest, FetchRequestTopic, FetchRequestTopicPartition, FetchResponse,
};
use protocol::messages::list_offsets::{
    ListOffsetsRequest, ListOffsetsRequestTopic, ListOffsetsRequestTopicPartition,
    ListOffsetsResponse,
};
use protocol::primitives::{Reader, Uuid};

use super::super::history::Known;
use super::super::random::Random;
use super::records;
use super::{Lost, Phase, Setting, Wire};

const FETCH: i16 = 1;
const LIST_OFFSETS: i16 = 2;
/// ListOffsets: the first offset, and the end.
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// What one read said.
enum Polled {
    /// Records, and the high watermark with them.
    Read(i64),
    /// Not now.
    Later,
}

/// A fetch session (KIP-227).
#[derive(Clone, Copy)]
enum Session {
    /// It tells all it wants each time.
    None,
    /// It asks for one.
    Wanted,
    /// It has one: its number, the next epoch, and the high watermark it was told last.
    Open(i32, i32, i64),
}

impl Session {
    /// What a request says of it.
    fn told(self) -> (i32, i32) {
        match self {
            Self::None => (0, -1),
            Self::Wanted => (0, 0),
            Self::Open(id, epoch, _) => (id, epoch),
        }
    }

    /// After an answer of this session with this high watermark.
    fn answered(self, id: i32, high_watermark: i64) -> Self {
        match self {
            Self::Wanted if id != 0 => Self::Open(id, 1, high_watermark),
            Self::Open(id, epoch, _) => Self::Open(id, epoch, high_watermark),
            other => other,
        }
    }
}

/// The consumer.
pub struct Consumer {
    wire: Wire,
    topic: String,
    known: (Known, u64),
    key: PartitionKey,
    epoch: i32,
    position: i64,
    /// The last read was refused, since its records are deleted.
    is_behind: bool,
    /// What it asks in, until it looks for the leader again.
    version: i16,
    session: Session,
}

impl Consumer {
    /// Consumer `number`.
    pub fn new(setting: Rc<Setting>, number: u32, random: Random) -> Self {
        Self {
            wire: Wire::new(setting, number, random),
            topic: String::new(),
            known: (Known::Absent, 0),
            key: PartitionKey {
                topic_id: 0,
                partition: 0,
            },
            epoch: -1,
            position: 0,
            is_behind: false,
            version: 4,
            session: Session::None,
        }
    }

    /// Reads until the run ends.
    pub async fn run(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        while setting.goes_on() {
            if self.session().await.is_err() {
                self.wire.hang_up();
                self.wire.back_off().await;
            }
        }
        setting.finish(self.wire.number);
    }

    /// Reads all of every topic once, and holds it against what is known.
    pub async fn run_final(mut self) {
        let setting = self.wire.setting.clone();
        setting.begin(self.wire.number);
        for (topic, id, partitions) in setting.history.present() {
            for partition in 0..partitions {
                self.topic.clone_from(&topic);
                self.key = PartitionKey {
                    topic_id: id,
                    partition,
                };
                self.known = setting.history.topic(&topic);
                while self.read_whole().await.is_err() && !setting.history.has_failed() {
                    self.wire.hang_up();
                    self.wire.back_off().await;
                }
            }
        }
        setting.finish(self.wire.number);
    }

    async fn read_whole(&mut self) -> Result<(), Lost> {
        self.find().await?;
        self.position = 0;
        self.is_behind = false;
        // Where it ends a read may not be able to tell.
        while self.is_lost() && self.list_offsets(LATEST).await?.is_none() {
            self.wire.back_off().await;
        }
        self.wire.setting.history.begin_whole(self.key);
        loop {
            match self.poll(0, 1 << 20).await? {
                // What was acknowledged early is on its way still.
                Polled::Read(end)
                    if self.position >= end
                        && end < self.wire.setting.history.early_end(self.key) =>
                {
                    self.wire.back_off().await;
                }
                Polled::Read(end) if self.position >= end => {
                    let history = &self.wire.setting.history;
                    history.check_whole(self.key, end, !self.is_lost());
                    return Ok(());
                }
                Polled::Read(_) => {}
                Polled::Later if self.is_lost() && !self.is_behind => {
                    let end = self.wire.setting.history.end(self.key);
                    self.position = end.min(self.position + 1);
                    self.wire.back_off().await;
                }
                Polled::Later => self.wire.back_off().await,
            }
        }
    }

    /// Connects to the leader.
    async fn find(&mut self) -> Result<(), Lost> {
        let bootstrap = self.wire.setting.machine.bootstrap_port();
        if !self.wire.is_connected() {
            self.wire.connect(bootstrap).await;
        }
        let told = self
            .wire
            .metadata(std::slice::from_ref(&self.topic))
            .await?;
        let place = told[0]
            .as_ref()
            .filter(|told| told.id == self.key.topic_id)
            .and_then(|told| told.partitions.get(self.key.partition as usize));
        let Some(&(port, epoch)) = place else {
            return Err(Lost);
        };
        self.epoch = epoch;
        self.wire.connect(self.wire.some_port(port)).await;
        self.version = self.wire.random.between(4, 18) as i16;
        self.session = match self.version >= 7 && self.wire.random.one_in(2) {
            true => Session::Wanted,
            false => Session::None,
        };
        Ok(())
    }

    async fn session(&mut self) -> Result<(), Lost> {
        let history = &self.wire.setting.history;
        let present = history.present();
        if present.is_empty() {
            self.wire.back_off().await;
            return Ok(());
        }
        let (topic, id, partitions) = self.wire.random.pick(&present);
        self.topic.clone_from(topic);
        self.known = history.topic(topic);
        self.key = PartitionKey {
            topic_id: *id,
            partition: self.wire.random.index(*partitions as usize) as i32,
        };
        let end = history.end(self.key);
        self.is_behind = false;
        self.position = match self.wire.random.below(4) {
            0 => end,
            1 => self.wire.random.below(end as u64 + 1) as i64,
            _ => 0,
        };
        self.find().await?;
        for _ in 0..self.wire.random.spread(1, 16) {
            if self.wire.setting.history.topic(&self.topic) != self.known {
                return Ok(());
            }
            if self.wire.random.one_in(6) {
                let timestamp = *self.wire.random.pick(&[EARLIEST, LATEST]);
                self.list_offsets(timestamp).await?;
            }
            let wait_ms = match self.wire.random.one_in(2) {
                true => self.wire.random.spread(1, 500) as i32,
                false => 0,
            };
            let bytes_max = self.wire.random.spread(1, 1 << 20) as i32;
            if let Polled::Later = self.poll(wait_ms, bytes_max).await? {
                self.find().await?;
            }
            if self.wire.random.one_in(3) {
                self.wire.think().await;
            }
        }
        Ok(())
    }

    /// Goes on where the log starts now: what it was to read next is deleted.
    async fn catch_up(&mut self) -> Result<(), Lost> {
        let Some(start) = self.list_offsets(EARLIEST).await? else {
            return Ok(());
        };
        if start <= self.position {
            let what = format!(
                "{:?} from {}, but it starts at {start}",
                self.key, self.position
            );
            self.wire.fail("wrong-refusal", what);
        }
        self.position = start;
        self.is_behind = false;
        Ok(())
    }

    /// Holds a read against what was known to be deleted when it began.
    fn check_start(&self, start_before: i64, told: Option<i64>) {
        let (key, position) = (self.key, self.position);
        if position < start_before {
            let what = format!("{key:?} at {position}, it starts at {start_before}");
            self.wire.fail("deleted-record", what);
        }
        let setting = &self.wire.setting;
        if let Some(start) = told {
            let now_ms = setting.now_ms();
            setting
                .history
                .told_log_start(key, start_before, start, now_ms);
        }
    }

    fn request(&mut self, max_wait_ms: i32, bytes_max: i32) -> FetchRequest<'static> {
        let claims_epoch = self.version >= 9 && self.wire.random.one_in(2);
        let (session_id, session_epoch) = self.session.told();
        let partition = FetchRequestTopicPartition {
            partition: self.key.partition,
            current_leader_epoch: if claims_epoch { self.epoch } else { -1 },
            fetch_offset: self.position,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: bytes_max,
            ..FetchRequestTopicPartition::default()
        };
        FetchRequest {
            replica_id: -1,
            max_wait_ms,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_id,
            session_epoch,
            topics: vec![FetchRequestTopic {
                topic: self.topic.clone().into(),
                topic_id: Uuid(self.key.topic_id),
                partitions: vec![partition],
            }],
            ..FetchRequest::default()
        }
    }

    /// The answer goes on with the session. What it leaves out has not changed: then it says what was told last.
    fn go_on(&mut self, answer: &FetchResponse<'_>) -> Result<Option<i64>, Lost> {
        let Session::Open(id, epoch, told) = self.session else {
            return Ok(None);
        };
        if (answer.error_code, answer.session_id) != (0, id) {
            let what = format!("{} in session {id}, epoch {epoch}", answer.error_code);
            self.wire.fail("wrong-refusal", what);
            return Err(Lost);
        }
        self.session = Session::Open(id, epoch + 1, told);
        Ok(answer.responses.is_empty().then_some(told))
    }

    async fn poll(&mut self, max_wait_ms: i32, bytes_max: i32) -> Result<Polled, Lost> {
        if self.is_behind {
            self.catch_up().await?;
        }
        let version = self.version;
        let request = self.request(max_wait_ms, bytes_max);
        let end_before = self.wire.setting.history.end(self.key);
        let start_before = self.wire.setting.history.log_start(self.key);
        let begun = self.wire.setting.phase.get();
        let api = (FETCH, version);
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask(api, encode).await?;
        let answer = FetchResponse::decode(&mut Reader::new(&body), version);
        let known = self.wire.setting.history.topic(&self.topic) == self.known;
        if let Ok(answer) = &answer
            && let Some(told) = self.go_on(answer)?
        {
            if !known {
                return Ok(Polled::Later);
            }
            self.take(&[], told, end_before);
            return Ok(Polled::Read(told));
        }
        let session_id = answer.as_ref().map_or(0, |answer| answer.session_id);
        let Some(one) = answer.as_ref().ok().and_then(|answer| {
            let topic = answer.responses.first()?;
            topic.partitions.first()
        }) else {
            self.wire.fail("malformed-answer", "Fetch".to_owned());
            return Err(Lost);
        };
        if !known {
            return Ok(Polled::Later);
        }
        if one.error_code != 0 {
            self.is_behind = self.is_deleted(one.error_code);
            self.check_error(one.error_code, begun);
            return Ok(Polled::Later);
        }
        let start = (version >= 5).then_some(one.log_start_offset);
        self.check_start(start_before, start);
        self.session = self.session.answered(session_id, one.high_watermark);
        let bytes = one.records.as_deref().unwrap_or_default();
        self.take(bytes, one.high_watermark, end_before);
        if one.log_start_offset > one.high_watermark {
            self.wire
                .fail("log-start-beyond-end", format!("{:?}", self.key));
        }
        Ok(Polled::Read(one.high_watermark))
    }

    fn take(&mut self, bytes: &[u8], high_watermark: i64, end_before: i64) {
        let history = &self.wire.setting.history;
        let found = match records::found(bytes, history.keys()) {
            Ok(found) => found,
            Err(problem) => {
                let key = self.key;
                return self.wire.fail(
                    "wrong-bytes",
                    format!("{key:?} from {}: {problem}", self.position),
                );
            }
        };
        if found.epochs.windows(2).any(|pair| pair[0] > pair[1]) {
            self.wire.fail(
                "leader-epoch-fell",
                format!("{:?} within a read: {:?}", self.key, found.epochs),
            );
        }
        history.told_high_watermark(self.key, end_before, high_watermark);
        history.read(self.key, self.position, &found.records, high_watermark);
        history.read_batches(self.key, &found.producers);
        if found.end.is_none() && self.position < high_watermark {
            let what = format!("{:?} at {} of {high_watermark}", self.key, self.position);
            self.wire.fail("empty-poll", what);
        }
        let (number, position) = (self.wire.number, self.position);
        self.wire.setting.doing(number, || {
            format!(
                "{}-{} from {position}: {} records, high watermark {high_watermark}",
                self.topic,
                self.key.partition,
                found.records.len()
            )
        });
        if let Some(end) = found.end {
            self.position = end;
        }
    }

    fn check_error(&self, code: i16, begun: Phase) {
        let code = ErrorCode::from_code(code);
        let number = self.wire.number;
        self.wire.setting.doing(number, || {
            format!(
                "{}-{} from {}: {code:?}",
                self.topic, self.key.partition, self.position
            )
        });
        let legal = match code {
            ErrorCode::NotLeaderOrFollower
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::UnknownLeaderEpoch
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::InconsistentTopicId => true,
            ErrorCode::OffsetOutOfRange => self.is_deleted(code.code()),
            ErrorCode::KafkaStorageError => self.may_be_unreadable(begun),
            _ => false,
        };
        if !legal {
            let what = format!("{code:?} from {} of {:?}", self.position, self.key);
            self.wire.fail("wrong-refusal", what);
        }
    }

    /// Whether a read that began then may be answered with a storage error.
    fn may_be_unreadable(&self, begun: Phase) -> bool {
        let setting = &self.wire.setting;
        let damaged = setting.reads_fail || setting.damaged.borrow().contains(&self.key);
        // What a failed sync dropped is there again once the shard that it fenced is started again.
        let breaks = begun == Phase::Chaos || setting.machine.is_fenced() || self.wire.is_late();
        (breaks && damaged) || self.is_lost()
    }

    /// Whether some of the partition cannot be read any more, ever.
    fn is_lost(&self) -> bool {
        self.wire.setting.lost.borrow().contains(&self.key)
    }

    /// Whether that is what a read of deleted records is answered, and these may be.
    fn is_deleted(&self, code: i16) -> bool {
        let setting = &self.wire.setting;
        code == ErrorCode::OffsetOutOfRange.code()
            && setting
                .history
                .may_start_at(self.key, self.position + 1, setting.now_ms())
    }

    /// Asks for the first offset or the end; `None`: not now.
    async fn list_offsets(&mut self, timestamp: i64) -> Result<Option<i64>, Lost> {
        let version = self.wire.random.between(1, 11) as i16;
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsRequestTopic {
                name: self.topic.as_str().into(),
                partitions: vec![ListOffsetsRequestTopicPartition {
                    partition_index: self.key.partition,
                    current_leader_epoch: -1,
                    timestamp,
                }],
            }],
            ..ListOffsetsRequest::default()
        };
        let end_before = self.wire.setting.history.end(self.key);
        let start_before = self.wire.setting.history.log_start(self.key);
        let begun = self.wire.setting.phase.get();
        let api = (LIST_OFFSETS, version);
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.wire.ask(api, encode).await?;
        let answer = ListOffsetsResponse::decode(&mut Reader::new(&body), version);
        let Some(one) = answer.as_ref().ok().and_then(|answer| {
            let topic = answer.topics.first()?;
            topic.partitions.first()
        }) else {
            self.wire.fail("malformed-answer", "ListOffsets".to_owned());
            return Err(Lost);
        };
        let history = &self.wire.setting.history;
        if history.topic(&self.topic) != self.known {
            return Ok(None);
        }
        if one.error_code != 0 {
            self.check_error(one.error_code, begun);
            return Ok(None);
        }
        if timestamp == LATEST {
            history.told_high_watermark(self.key, end_before, one.offset);
        } else {
            let now_ms = self.wire.setting.now_ms();
            history.told_log_start(self.key, start_before, one.offset, now_ms);
        }
        Ok(Some(one.offset))
    }
}
