//! What clients were told, and what must therefore be true: the client checker. Every record ever sent has a number of its
//! own, so that each answer and each read says exactly which record stands at which offset.
//!
//! Checked at once, on every answer and every read (names as in Jepsen's Kafka checker where it has one): an offset holds
//! one record for ever (inconsistent-offset), a record stands at one offset (duplicate), what is acknowledged or was seen
//! is found again (lost-write), a read has no gap and goes nowhere back (poll-skip, nonmonotonic-poll), records of one
//! idempotent producer keep their order (reordered), a refused record never appears (refused-record), what a topic was
//! said to be it stays, a log starts no later than somebody asked for or its topic's retention allows and what is deleted
//! stays so, producer ids are given once, high watermarks and leader epochs never fall.
//!
//! Where records are acknowledged before they are durable (write caching), the end of a process takes everything back to what
//! somebody has seen. A disk whose syncs lied, and which then lost its power, takes everything back to what was known before it lied: that is
//! still there. Of what came later each log may have lost its end and nothing else: a record stands where it stood or nowhere,
//! and none behind one that came in another's place.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use broker::shard::PartitionKey;

pub mod groups;
mod retention;
use super::client::records;

/// Something that must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What kind: the anomaly's or invariant's name.
    pub kind: String,
    /// The case.
    pub what: String,
}

/// One record that a client sent.
#[derive(Debug, Clone)]
struct Sent {
    key: PartitionKey,
    /// The idempotent producer's lane it belongs to, in whose order it must stay.
    lane: Option<u32>,
    /// Where it stands, as soon as that is known.
    offset: Option<i64>,
    acked: bool,
    refused: bool,
    /// A copy of it may be on its way still, to whatever topic has the name when it arrives.
    astray: bool,
    /// Its timestamp, milliseconds.
    timestamp_ms: i64,
    /// Bytes of the batch that it is the first one of; 0 for any other.
    bytes: u64,
}

/// One partition as clients know it.
#[derive(Debug, Default, Clone)]
pub struct Log {
    /// The record at each offset, where that is known.
    records: Vec<Option<u64>>,
    /// Highest end that anybody was told.
    high_watermark: i64,
    /// Highest leader epoch that anybody was told.
    leader_epoch: i32,
    /// Offset after the last one acknowledged.
    acked_end: i64,
    /// Offset after the last one acknowledged before it was durable: there as long as the process is, and after a clean stop.
    acked_early_end: i64,
    /// Highest log start that anybody was told.
    log_start: i64,
    /// Highest log start that anybody asked for.
    asked_start: i64,
    /// Base offset of the last batch that was acknowledged to each producer id.
    acked_by: BTreeMap<i64, i64>,
    /// What the read of all of it has found so far: offsets of records, and the last batch of each producer id.
    whole: BTreeSet<i64>,
    whole_by: BTreeMap<i64, i64>,
    /// What a lying disk may have lost: the records by offset.
    doubtful: BTreeMap<i64, u64>,
    /// The last offset at which such a record was found again.
    kept_last: Option<i64>,
    /// The first one at which there is another record.
    replaced_first: Option<i64>,
}

/// What was known when the disk began to lie.
struct Floor {
    logs: BTreeMap<PartitionKey, Log>,
    topics: BTreeMap<String, Topic>,
    retired: BTreeSet<u128>,
    producer_ids: BTreeSet<i64>,
    cluster_id: Option<String>,
    /// The last event of consumer groups.
    groups: u64,
}

impl Log {
    /// Highest end that must be there.
    fn end(&self) -> i64 {
        self.high_watermark.max(self.acked_end)
    }

    /// Of what came after `floor` anything from some offset on may be lost.
    fn go_back(&mut self, floor: &Self) {
        let end = floor.end();
        let later = self.records.iter().enumerate().skip(end as usize);
        let later = later.filter_map(|(at, number)| Some((at as i64, (*number)?)));
        self.doubtful = later.collect();
        self.records.truncate(end as usize);
        self.high_watermark = floor.high_watermark;
        self.acked_end = floor.acked_end;
        self.acked_early_end = 0;
        self.leader_epoch = floor.leader_epoch;
        self.log_start = floor.log_start;
        self.acked_by.clone_from(&floor.acked_by);
        self.kept_last = None;
        self.replaced_first = None;
    }

    /// Whether record `number` may stand at `offset` after a lying disk has lost the end of this log, or nothing of it.
    fn may_follow_loss(&mut self, offset: i64, number: u64) -> bool {
        match self.doubtful.remove(&offset) {
            None => return true,
            Some(before) if before == number => self.kept_last = self.kept_last.max(Some(offset)),
            Some(_) => {
                let first = self
                    .replaced_first
                    .map_or(offset, |first| first.min(offset));
                self.replaced_first = Some(first);
            }
        }
        match (self.kept_last, self.replaced_first) {
            (Some(kept), Some(replaced)) => kept < replaced,
            _ => true,
        }
    }
}

/// What is known of a topic's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// There is no such topic.
    Absent,
    /// There is, with this id.
    Present(u128),
    /// A request about it is under way, or nobody knows how it ended.
    Unknown,
}

#[derive(Debug, Clone)]
struct Topic {
    known: Known,
    partitions: i32,
    /// Grows with every change of what is known.
    version: u64,
}

/// All that clients know.
#[derive(Default)]
pub struct History {
    sent: RefCell<Vec<Sent>>,
    logs: RefCell<BTreeMap<PartitionKey, Log>>,
    topics: RefCell<BTreeMap<String, Topic>>,
    /// What topics keep.
    rules: RefCell<retention::Rules>,
    retired: RefCell<BTreeSet<u128>>,
    /// Names of topics that keep the newest record of each key, a bit each, and keys that records have.
    newest: Cell<(u64, u64)>,
    /// Ids that such topics have had.
    compacted: RefCell<BTreeSet<u128>>,
    producer_ids: RefCell<BTreeSet<i64>>,
    /// Given out by what may be lost: they may be given out again, once.
    doubtful_ids: RefCell<BTreeSet<i64>>,
    cluster_id: RefCell<Option<String>>,
    /// Consumer groups.
    pub groups: groups::Groups,
    floor: RefCell<Option<Floor>>,
    violation: RefCell<Option<Violation>>,
    failed: Cell<bool>,
    acked_records: Cell<u64>,
    read_records: Cell<u64>,
}

impl History {
    /// The first violation found.
    pub fn violation(&self) -> Option<Violation> {
        self.violation.borrow().clone()
    }

    /// Whether one was found.
    pub fn has_failed(&self) -> bool {
        self.failed.get()
    }

    /// Notes a violation; the first one counts.
    pub fn fail(&self, kind: &str, what: String) {
        if !self.failed.replace(true) {
            let kind = kind.to_owned();
            *self.violation.borrow_mut() = Some(Violation { kind, what });
        }
    }

    /// Topics of which only the newest record of each key is kept, a bit each, and how many keys there are. Before anything else.
    pub fn keep_newest(&self, topics: u64, keys: u64) {
        self.newest.set((topics, keys));
    }

    /// Keys that records have.
    pub fn keys(&self) -> u64 {
        self.newest.get().1.max(1)
    }

    /// Whether the topic of this name keeps the newest record of each key.
    pub fn keeps_newest(&self, name: &str) -> bool {
        let number: Option<u32> = name
            .strip_prefix('t')
            .and_then(|number| number.parse().ok());
        number.is_some_and(|number| self.newest.get().0 >> number & 1 == 1)
    }

    fn is_compacted(&self, key: PartitionKey) -> bool {
        self.compacted.borrow().contains(&key.topic_id)
    }

    /// Records acknowledged, and records read.
    pub fn counts(&self) -> (u64, u64) {
        (self.acked_records.get(), self.read_records.get())
    }

    /// Records below the log starts that somebody was told.
    pub fn gone(&self) -> u64 {
        let logs = self.logs.borrow();
        logs.values().map(|log| log.log_start as u64).sum()
    }

    /// `count` records are about to be sent to `key`; their numbers.
    pub fn send(&self, key: PartitionKey, lane: Option<u32>, count: u64) -> Range<u64> {
        let mut sent = self.sent.borrow_mut();
        let first = sent.len() as u64;
        let one = Sent {
            key,
            lane,
            offset: None,
            acked: false,
            refused: false,
            astray: false,
            timestamp_ms: 0,
            bytes: 0,
        };
        sent.extend((0..count).map(|_| one.clone()));
        first..first + count
    }

    /// These records are acknowledged, the first at `base_offset`; `early`: it may be before they are durable.
    pub fn acked(&self, key: PartitionKey, numbers: Range<u64>, base_offset: i64, early: bool) {
        let count = numbers.end - numbers.start;
        for (offset, number) in (base_offset..).zip(numbers) {
            if self.sent.borrow()[number as usize].refused {
                self.fail(
                    "refused-record",
                    format!("record {number} must be refused, but was acknowledged at {offset} of {key:?}"),
                );
            }
            self.place(key, offset, number, "acknowledged");
            self.sent.borrow_mut()[number as usize].acked = true;
        }
        self.acked_records.set(self.acked_records.get() + count);
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        let end = match early {
            true => &mut log.acked_early_end,
            false => &mut log.acked_end,
        };
        *end = (*end).max(base_offset + count as i64);
    }

    /// The batch at `base_offset` is acknowledged to this producer id.
    pub fn acked_by(&self, key: PartitionKey, producer_id: Option<i64>, base_offset: i64) {
        if let Some(producer_id) = producer_id {
            let mut logs = self.logs.borrow_mut();
            let last = logs.entry(key).or_default().acked_by.entry(producer_id);
            let last = last.or_insert(base_offset);
            *last = base_offset.max(*last);
        }
    }

    /// All of `key` is read from here on.
    pub fn begin_whole(&self, key: PartitionKey) {
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        log.whole.clear();
        log.whole_by.clear();
    }

    /// A read of `key` gave these batches: producer id and base offset.
    pub fn read_batches(&self, key: PartitionKey, producers: &[(i64, i64)]) {
        let mut logs = self.logs.borrow_mut();
        let by = &mut logs.entry(key).or_default().whole_by;
        by.extend(producers.iter().copied());
    }

    /// These records are refused: they may never appear.
    pub fn refused(&self, numbers: Range<u64>) {
        for number in numbers {
            self.sent.borrow_mut()[number as usize].refused = true;
        }
    }

    /// Copies of these records are on their way still, or were, and may reach another topic of that name.
    pub fn astray(&self, numbers: Range<u64>) {
        for number in numbers {
            self.sent.borrow_mut()[number as usize].astray = true;
        }
    }

    /// A read of `key` from `from` gave these records, and this high watermark.
    pub fn read(&self, key: PartitionKey, from: i64, records: &[(i64, u64)], high_watermark: i64) {
        self.read_records
            .set(self.read_records.get() + records.len() as u64);
        if self.is_compacted(key) {
            return self.read_compacted(key, from, records, high_watermark);
        }
        let first = match records.first() {
            Some((first, _)) if *first > from => {
                let what = format!("{key:?}: a read from {from} begins at {first}");
                return self.fail("poll-skip", what);
            }
            Some((first, _)) => *first,
            None => return,
        };
        for (&(offset, number), expected) in records.iter().zip(first..) {
            if offset != expected {
                let kind = match offset < expected {
                    true => "int-nonmonotonic-poll",
                    false => "int-poll-skip",
                };
                let what =
                    format!("{key:?}: a read from {from} has {offset} where {expected} must be");
                return self.fail(kind, what);
            }
            if offset >= high_watermark {
                let what =
                    format!("{key:?}: {offset} was read, the high watermark is {high_watermark}");
                self.fail("precommitted-read", what);
            }
            self.place(key, offset, number, "read");
        }
    }

    /// Gaps are right here; whether too much is missing is seen when all is read.
    fn read_compacted(
        &self,
        key: PartitionKey,
        from: i64,
        records: &[(i64, u64)],
        high_watermark: i64,
    ) {
        if !records.is_sorted_by_key(|(offset, _)| *offset) {
            let what = format!("{key:?}: a read from {from} gave {records:?}");
            self.fail("int-nonmonotonic-poll", what);
        }
        for &(offset, number) in records {
            if offset >= high_watermark {
                let what =
                    format!("{key:?}: {offset} was read, the high watermark is {high_watermark}");
                self.fail("precommitted-read", what);
            }
            self.place(key, offset, number, "read");
            let mut logs = self.logs.borrow_mut();
            logs.entry(key).or_default().whole.insert(offset);
        }
    }

    fn place(&self, key: PartitionKey, offset: i64, number: u64, how: &str) {
        let mut sent = self.sent.borrow_mut();
        let Some(record) = sent.get_mut(number as usize) else {
            return self.fail(
                "unknown-record",
                format!("{key:?} {offset}: record {number} was never sent"),
            );
        };
        let case = |what: &str| format!("{key:?} {offset}: record {number} was {how}, {what}");
        if record.refused {
            self.fail("refused-record", case("but was refused before"));
        }
        let strayed = record.key != key && (record.astray || !self.is_present(record.key.topic_id));
        if record.key != key && !strayed {
            let other = record.key;
            self.fail(
                "wrong-partition",
                case(&format!("but was sent to {other:?}")),
            );
        }
        match record.offset {
            // It may be there and where it was sent to.
            _ if strayed => {}
            Some(known) if known != offset => {
                self.fail("duplicate", case(&format!("but stands at {known}")));
            }
            _ => record.offset = Some(offset),
        }
        drop(sent);
        let Ok(at) = usize::try_from(offset) else {
            return self.fail("inconsistent-offset", case("which is no offset"));
        };
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        if !log.may_follow_loss(offset, number) {
            self.fail("resurrected", case("behind or before one that is lost"));
        }
        let records = &mut log.records;
        if records.len() <= at {
            records.resize(at + 1, None);
        }
        match records[at].replace(number) {
            Some(other) if other != number => {
                self.fail(
                    "inconsistent-offset",
                    case(&format!("but record {other} stands there")),
                );
            }
            _ => {}
        }
    }

    /// A client was told this end of `key` by a request that began when the end told to anybody was `known_before`.
    pub fn told_high_watermark(&self, key: PartitionKey, known_before: i64, high_watermark: i64) {
        if high_watermark < known_before {
            self.fail(
                "high-watermark-fell",
                format!("{key:?}: {high_watermark} after {known_before}"),
            );
        }
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        log.high_watermark = log.high_watermark.max(high_watermark);
    }

    /// Highest end of `key` that must be there: told to somebody, acknowledged, or read.
    pub fn end(&self, key: PartitionKey) -> i64 {
        let logs = self.logs.borrow();
        logs.get(&key).map_or(0, Log::end)
    }

    /// Offset after the last record of `key` that was acknowledged early by the process that still runs.
    pub fn early_end(&self, key: PartitionKey) -> i64 {
        let logs = self.logs.borrow();
        logs.get(&key).map_or(0, |log| log.acked_early_end)
    }

    /// Somebody asks for everything of `key` below `offset` to be deleted.
    pub fn asks_log_start(&self, key: PartitionKey, offset: i64) {
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        log.asked_start = log.asked_start.max(offset);
    }

    /// Highest log start of `key` told to anybody.
    pub fn log_start(&self, key: PartitionKey) -> i64 {
        self.logs.borrow().get(&key).map_or(0, |log| log.log_start)
    }

    /// A client was told this log start of `key` at wall time `now_ms`, by a request that began when the highest told to
    /// anybody was `known_before`.
    pub fn told_log_start(
        &self,
        key: PartitionKey,
        known_before: i64,
        log_start: i64,
        now_ms: i64,
    ) {
        if log_start < known_before {
            self.fail(
                "log-start-fell",
                format!("{key:?}: {log_start} after {known_before}"),
            );
        }
        if log_start > self.log_start(key) && !self.may_start_at(key, log_start, now_ms) {
            let what = format!("{key:?} starts at {log_start}");
            self.fail("log-start-unasked", what);
        }
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        log.log_start = log.log_start.max(log_start);
    }

    /// A client was told this leader epoch by a request that began when the highest told to anybody was `known_before`.
    pub fn told_leader_epoch(&self, key: PartitionKey, known_before: i32, epoch: i32) {
        if epoch < known_before {
            self.fail(
                "leader-epoch-fell",
                format!("{key:?}: {epoch} after {known_before}"),
            );
        }
        let mut logs = self.logs.borrow_mut();
        let log = logs.entry(key).or_default();
        log.leader_epoch = log.leader_epoch.max(epoch);
    }

    /// Highest leader epoch of `key` told to anybody.
    pub fn leader_epoch(&self, key: PartitionKey) -> i32 {
        self.logs
            .borrow()
            .get(&key)
            .map_or(0, |log| log.leader_epoch)
    }

    /// A producer id was given out. False: before a disk lost what it had called synced too, and who had it then may have left
    /// records under it.
    pub fn given_producer_id(&self, id: i64) -> bool {
        let is_new = !self.doubtful_ids.borrow_mut().remove(&id);
        if id < 0 || !self.producer_ids.borrow_mut().insert(id) {
            self.fail(
                "producer-id-twice",
                format!("producer id {id} was given out before"),
            );
        }
        is_new
    }

    /// The process has ended, and with it what was acknowledged early and never seen.
    pub fn process_ended(&self) {
        for log in self.logs.borrow_mut().values_mut() {
            if log.acked_early_end > log.end() {
                let floor = Log {
                    high_watermark: log.high_watermark,
                    acked_end: log.acked_end,
                    leader_epoch: log.leader_epoch,
                    log_start: log.log_start,
                    ..Log::default()
                };
                log.go_back(&floor);
            }
        }
    }

    /// The process has stopped because it was asked to, and all that was acknowledged is durable.
    pub fn stopped_well(&self) {
        for log in self.logs.borrow_mut().values_mut() {
            log.acked_end = log.acked_end.max(log.acked_early_end);
        }
    }

    /// The disk begins to lie; `has_lied`: what it said before is not all true either.
    pub fn disk_lies(&self, has_lied: bool) {
        if has_lied && self.floor.borrow().is_some() {
            return;
        }
        *self.floor.borrow_mut() = Some(Floor {
            logs: self.logs.borrow().clone(),
            topics: self.topics.borrow().clone(),
            retired: self.retired.borrow().clone(),
            producer_ids: self.producer_ids.borrow().clone(),
            cluster_id: self.cluster_id.borrow().clone(),
            groups: self.groups.tick(),
        });
    }

    /// The power went, and the disk had lied: only what was known before that is certain. All partitions that may have lost
    /// something.
    pub fn disk_lost(&self) -> Vec<PartitionKey> {
        let floor = self.floor.borrow_mut().take();
        let mut floor = floor.expect("it was noted when the disk began to lie");
        self.rules.borrow_mut().disk_lost();
        let mut untouched = BTreeSet::new();
        for (name, topic) in &mut *self.topics.borrow_mut() {
            let same =
                |before: &Topic| (before.known, before.version) == (topic.known, topic.version);
            match topic.known {
                _ if !floor.topics.get(name).is_some_and(same) => topic.known = Known::Unknown,
                Known::Present(id) => {
                    untouched.insert(id);
                }
                _ => {}
            }
            // Whoever has begun something there begins anew.
            topic.version += 1;
        }
        let mut logs = self.logs.borrow_mut();
        for (key, log) in &mut *logs {
            // A partition may have kept that its topic was deleted, which the metadata has lost: it is there again, from its beginning.
            let before = floor.logs.remove(key);
            let before = before.filter(|_| untouched.contains(&key.topic_id));
            log.go_back(&before.unwrap_or_default());
        }
        self.groups.go_back(floor.groups, &untouched);
        *self.retired.borrow_mut() = floor.retired;
        let given = self.producer_ids.replace(floor.producer_ids);
        let certain = self.producer_ids.borrow();
        let doubtful = given.difference(&certain);
        self.doubtful_ids.borrow_mut().extend(doubtful);
        *self.cluster_id.borrow_mut() = floor.cluster_id;
        logs.keys().copied().collect()
    }

    /// Whether it is not known of some topic whether it is there.
    pub fn is_unsure(&self) -> bool {
        let topics = self.topics.borrow();
        topics.values().any(|topic| topic.known == Known::Unknown)
    }

    /// The cluster's id as somebody was told.
    pub fn told_cluster_id(&self, id: &str) {
        let known = self.cluster_id.borrow().clone();
        match known {
            Some(known) if known != id => {
                self.fail("cluster-id-changed", format!("{id} after {known}"));
            }
            _ => *self.cluster_id.borrow_mut() = Some(id.to_owned()),
        }
    }

    /// What is known of `name`, and its version.
    pub fn topic(&self, name: &str) -> (Known, u64) {
        let topics = self.topics.borrow();
        topics
            .get(name)
            .map_or((Known::Absent, 0), |topic| (topic.known, topic.version))
    }

    /// From here on `known` is known of `name`.
    pub fn set_topic(&self, name: &str, known: Known, partitions: i32) {
        if let Known::Present(id) = known {
            self.rules.borrow_mut().is_of(name, id);
            if self.keeps_newest(name) {
                self.compacted.borrow_mut().insert(id);
            }
        }
        let mut topics = self.topics.borrow_mut();
        let version = topics.get(name).map_or(0, |topic| topic.version) + 1;
        topics.insert(
            name.to_owned(),
            Topic {
                known,
                partitions,
                version,
            },
        );
    }

    /// `id` was deleted and never comes back.
    pub fn retire(&self, id: u128) {
        self.retired.borrow_mut().insert(id);
    }

    /// Whether a client ever sent something to the topic with this id.
    pub fn knows(&self, topic_id: u128) -> bool {
        let logs = self.logs.borrow();
        logs.keys().any(|key| key.topic_id == topic_id)
    }

    /// All topics that are there for certain, with their ids and partitions.
    pub fn present(&self) -> Vec<(String, u128, i32)> {
        let topics = self.topics.borrow();
        let present = topics.iter().filter_map(|(name, topic)| match topic.known {
            Known::Present(id) => Some((name.clone(), id, topic.partitions)),
            _ => None,
        });
        present.collect()
    }

    /// Whether the topic with this id may not be the first one of its name.
    pub fn is_made_anew(&self, id: u128) -> bool {
        // The first one was unknown, and then there.
        let topics = self.topics.borrow();
        let mut topics = topics.values();
        topics.any(|topic| topic.known == Known::Present(id) && topic.version > 2)
    }

    /// Whether the topic with this id is there for certain.
    fn is_present(&self, id: u128) -> bool {
        let topics = self.topics.borrow();
        topics
            .values()
            .any(|topic| topic.known == Known::Present(id))
    }

    /// All topics and what is known of them.
    pub fn topics(&self) -> Vec<(String, Known, u64)> {
        let topics = self.topics.borrow();
        let all = topics
            .iter()
            .map(|(name, topic)| (name.clone(), topic.known, topic.version));
        all.collect()
    }

    /// A client was told that `name` is what `id` says (`None`: absent). `before` is what was known when it asked.
    pub fn told_topic(&self, name: &str, before: (Known, u64), id: Option<u128>) {
        if let Some(id) = id
            && self.retired.borrow().contains(&id)
            && before == self.topic(name)
        {
            self.fail(
                "deleted-topic",
                format!("{name} {id:032x} was deleted and is there again"),
            );
        }
        if before != self.topic(name) {
            return;
        }
        match (before.0, id) {
            (Known::Present(known), Some(id)) if known != id => {
                self.fail(
                    "topic-changed",
                    format!("{name} is {id:032x}, not {known:032x}"),
                );
            }
            (Known::Present(known), None) => {
                self.fail("lost-topic", format!("{name} {known:032x} is gone"));
            }
            (Known::Absent, Some(id)) => {
                self.fail("unwanted-topic", format!("{name} {id:032x} is there"));
            }
            _ => {}
        }
    }

    /// All is read: every record that was acknowledged or seen must have been found again by now. `found_end` is where
    /// the last read of `key` ended; `readable`: nothing of it is damaged.
    pub fn check_whole(&self, key: PartitionKey, found_end: i64, readable: bool) {
        let must = self.end(key).max(self.early_end(key));
        if found_end < must {
            self.fail(
                "lost-write",
                format!("{key:?} ends at {found_end}, but {must} was acknowledged or told"),
            );
        }
        let logs = self.logs.borrow();
        let Some(log) = logs.get(&key) else { return };
        let is_compacted = self.is_compacted(key);
        if is_compacted && readable {
            self.check_newest(key, log);
        }
        let sent = self.sent.borrow();
        let mut last_of_lane: BTreeMap<u32, u64> = BTreeMap::new();
        for (offset, number) in log.records.iter().enumerate() {
            let Some(number) = *number else {
                // What was replaced before anybody saw it never is.
                if readable
                    && !is_compacted
                    && (log.log_start..found_end).contains(&(offset as i64))
                {
                    self.fail("unseen", format!("{key:?} {offset} was never read"));
                }
                continue;
            };
            let record = &sent[number as usize];
            if let Some(lane) = record.lane.filter(|_| record.key == key)
                && let Some(before) = last_of_lane.insert(lane, number)
                && before > number
            {
                self.fail("reordered", format!("{key:?} {offset}: record {number} stands behind {before} of the same producer"));
            }
        }
    }

    /// Whether a tombstone of the key `name` may have come and gone before anybody saw it.
    fn may_be_deleted_unseen(&self, key: PartitionKey, name: u64) -> bool {
        let (keys, sent) = (self.keys(), self.sent.borrow());
        let mut sent = (0..).zip(sent.iter());
        sent.any(|(number, record)| {
            let here = record.key == key || record.astray;
            let unseen = here && !record.refused && record.offset.is_none();
            unseen && records::is_tombstone(number) && records::key(number, keys) == name
        })
    }

    /// Of each key the newest record that is known is there; or that was a tombstone, and nothing of the key is. The last batch
    /// of each producer is there, with or without records.
    fn check_newest(&self, key: PartitionKey, log: &Log) {
        let keys = self.keys();
        let known = (0_i64..).zip(&log.records);
        let known = known.filter_map(|(offset, number)| Some((offset, (*number)?)));
        let mut newest: BTreeMap<u64, (i64, u64)> = BTreeMap::new();
        let mut read: BTreeMap<u64, i64> = BTreeMap::new();
        for (offset, number) in known {
            newest.insert(records::key(number, keys), (offset, number));
            if log.whole.contains(&offset) {
                read.insert(records::key(number, keys), offset);
            }
        }
        for (name, (offset, number)) in newest {
            let read = read.get(&name).copied();
            match records::is_tombstone(number) {
                _ if read == Some(offset) || offset < log.log_start => {}
                true if read.is_none() => {}
                false if read.is_none() && self.may_be_deleted_unseen(key, name) => {}
                true => {
                    let what = format!(
                        "{key:?}: key {name} was deleted at {offset}, but ends with {read:?}"
                    );
                    self.fail("resurrected", what);
                }
                false => {
                    let what = format!(
                        "{key:?} {offset}: the newest record of key {name} is gone, it ends with {read:?}"
                    );
                    self.fail("lost-write", what);
                }
            }
        }
        for (producer_id, base_offset) in &log.acked_by {
            let read = log.whole_by.get(producer_id);
            if *base_offset >= log.log_start && read.is_none_or(|read| read < base_offset) {
                let what = format!(
                    "{key:?} {base_offset}: the last batch of producer {producer_id} is gone, {read:?} was read"
                );
                self.fail("lost-producer", what);
            }
        }
    }

    /// Whether record `number` was refused or is not known.
    pub fn is_refused(&self, number: u64) -> bool {
        self.sent
            .borrow()
            .get(number as usize)
            .is_none_or(|sent| sent.refused)
    }
}
