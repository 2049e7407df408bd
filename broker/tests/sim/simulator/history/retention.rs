//! Which records of a partition may be gone: those below what an admin asked to delete, those older than their topic keeps
//! them, and those behind which as many bytes stand as their topic keeps. What the broker keeps longer is its own affair.

use std::collections::BTreeMap;

use broker::log::retention::RetentionRule;
use broker::shard::PartitionKey;

use super::{History, Log, Sent};

/// Which rules topics have: a topic that is created again may have another one, and on a disk that has lied the one before may come
/// back with its own.
#[derive(Default)]
pub struct Rules {
    wanted: BTreeMap<String, Vec<RetentionRule>>,
    /// By topic id, what it may have: the newest wanted when its id was first told, or any, if that was after a disk had lost something.
    of: BTreeMap<u128, Vec<RetentionRule>>,
    disk_lost: bool,
}

impl Rules {
    /// `name` has this id.
    pub fn is_of(&mut self, name: &str, id: u128) {
        let wanted = self.wanted.get(name).map_or(&[][..], Vec::as_slice);
        let possible = match self.disk_lost {
            true => wanted,
            false => &wanted[wanted.len().saturating_sub(1)..],
        };
        self.of.entry(id).or_insert_with(|| possible.to_vec());
    }

    /// The power went, and the disk had lied.
    pub fn disk_lost(&mut self) {
        self.disk_lost = true;
    }

    fn of(&self, id: u128) -> &[RetentionRule] {
        self.of.get(&id).map_or(&[], Vec::as_slice)
    }
}

impl History {
    /// A topic of this name is about to be created, with this rule.
    pub fn wants_rule(&self, name: &str, rule: RetentionRule) {
        let mut rules = self.rules.borrow_mut();
        rules.wanted.entry(name.to_owned()).or_default().push(rule);
    }

    /// The batch of these records is made: its records' timestamp, and its bytes.
    pub fn made(&self, numbers: std::ops::Range<u64>, timestamp_ms: i64, bytes: u64) {
        let mut sent = self.sent.borrow_mut();
        for number in numbers.clone() {
            sent[number as usize].timestamp_ms = timestamp_ms;
        }
        sent[numbers.start as usize].bytes = bytes;
    }

    /// Whether the log of `key` may start at `start` now, at wall time `now_ms`: once it may, it may for ever.
    pub fn may_start_at(&self, key: PartitionKey, start: i64, now_ms: i64) -> bool {
        let logs = self.logs.borrow();
        let Some(log) = logs.get(&key) else {
            return start <= 0;
        };
        if start <= log.asked_start {
            return true;
        }
        let rules = self.rules.borrow();
        let sent = self.sent.borrow();
        let allows = |rule: &RetentionRule| {
            let by_size = rule
                .bytes_max
                .map_or(0, |max| size_cut(key, log, &sent, max));
            let Some(age_ms_max) = rule.age_ms_max else {
                return start <= by_size;
            };
            (log.asked_start.max(by_size)..start).all(|offset| {
                let record = log.records.get(offset as usize).copied().flatten();
                // Of one that nobody has seen nobody knows the age.
                record.is_none_or(|number| now_ms - sent[number as usize].timestamp_ms > age_ms_max)
            })
        };
        rules.of(key.topic_id).iter().any(allows)
    }
}

/// The highest offset behind which at least `bytes_max` bytes may stand: all that was ever sent there, or may have strayed
/// there, counts.
fn size_cut(key: PartitionKey, log: &Log, sent: &[Sent], bytes_max: u64) -> i64 {
    let here = |record: &&Sent| record.key == key || record.astray;
    let mut behind: u64 = sent.iter().filter(here).map(|record| record.bytes).sum();
    let mut cut = 0;
    for (offset, number) in (0..).zip(&log.records) {
        if behind < bytes_max {
            break;
        }
        cut = offset;
        if let Some(number) = number {
            behind = behind.saturating_sub(sent[*number as usize].bytes);
        }
    }
    match behind >= bytes_max {
        // Where the rest stands nobody knows.
        true => i64::MAX,
        false => cut,
    }
}
