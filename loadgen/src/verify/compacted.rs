//! Follows one compacted partition: every record is what a producer sent there, with the key that it was given, and the last
//! record of each key is its newest; or that deleted the key, and nothing is left of it. Pure.
//!
//! Each run of producers had the partition for itself and sent in order, without gaps: so the offset alone tells which record is
//! to be there. That needs one producer a partition, which is idempotent if connections were lost.

use serde::{Deserialize, Serialize};

use super::ledger::ProducerLedger;
use crate::content::Stamp;
use crate::keys::{self, KeyDraw, Keys};

/// Offset of a key without a record.
const NONE: i64 = -1;

/// What keys a producer's records have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedLedger {
    /// How they are drawn.
    pub keys: Keys,
    /// Of the draws.
    pub seed: u64,
    /// One record of so many deletes its key.
    pub tombstone_every: Option<u32>,
    /// Where the partition ended before.
    pub base_offset: i64,
}

/// A producer that had the partition for itself.
#[derive(Debug, Clone)]
struct Turn {
    producer: ProducerLedger,
    keyed: KeyedLedger,
    draw: KeyDraw,
}

impl Turn {
    fn unacknowledged(&self) -> impl Iterator<Item = u64> {
        let acknowledged = self.producer.acknowledged.iter();
        let ends = acknowledged.clone().map(|(_, to)| to);
        let starts = acknowledged.map(|(from, _)| from);
        let gaps = std::iter::once(0)
            .chain(ends)
            .zip(starts.chain([self.producer.sent]));
        gaps.flat_map(|(from, to)| from..to)
    }

    fn is_tombstone(&self, sequence: u64) -> bool {
        let every = self.keyed.tombstone_every;
        every.is_some_and(|every| keys::is_tombstone(sequence, every))
    }
}

/// What one partition should be, and what was read of it.
#[derive(Debug, Clone)]
pub struct CompactedCheck {
    /// In the order of their offsets.
    turns: Vec<Turn>,
    /// Where the last record of each key was read.
    last: Vec<i64>,
    read: u64,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// Its value is not one of this program's, or its key not the one it was given.
    Corrupt,
    /// Another record belongs there, or none.
    Misplaced,
}

/// What came of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactedEnd {
    /// Keys that were written.
    pub keys: u64,
    /// Records that were acknowledged.
    pub acknowledged: u64,
    /// Records that are left.
    pub read: u64,
    /// Keys whose newest record is missing, though it has a value.
    pub lost: u64,
    /// Keys that end with a record older than the newest.
    pub resurrected: u64,
}

impl CompactedCheck {
    /// Of a partition to which these wrote, one after the other. What has no keys is left out.
    pub fn new<'a>(producers: impl IntoIterator<Item = &'a ProducerLedger>) -> Self {
        let turns = producers.into_iter().filter_map(|producer| {
            let keyed = producer.keyed?;
            Some(Turn {
                producer: producer.clone(),
                keyed,
                draw: KeyDraw::new(keyed.keys, keyed.seed, producer.producer),
            })
        });
        let turns: Vec<_> = turns.collect();
        let counts = turns.iter().map(|turn| turn.keyed.keys.count());
        let count = counts.max().unwrap_or(0) as usize;
        Self {
            turns,
            last: vec![NONE; count],
            read: 0,
        }
    }

    /// Takes the record at `offset`, which is above all before.
    pub fn record(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<(), Misfit> {
        self.read += 1;
        let is_begun = |turn: &&Turn| turn.keyed.base_offset <= offset;
        let turn = self.turns.iter().rfind(is_begun).ok_or(Misfit::Misplaced)?;
        let sequence = (offset - turn.keyed.base_offset) as u64;
        if sequence >= turn.producer.sent || value.is_none() != turn.is_tombstone(sequence) {
            return Err(Misfit::Misplaced);
        }
        if let Some(value) = value {
            let (stamp, index) = Stamp::read(value).ok_or(Misfit::Corrupt)?;
            let found = (stamp.run, stamp.producer, stamp.first + u64::from(index));
            if found != (turn.producer.run, turn.producer.producer, sequence) {
                return Err(Misfit::Misplaced);
            }
        }
        let number = turn.draw.number(sequence);
        if key != Some(&keys::key(number)) {
            return Err(Misfit::Corrupt);
        }
        self.last[number as usize] = offset;
        Ok(())
    }

    /// Holds what was read to its end against what was acknowledged.
    pub fn end(&self) -> CompactedEnd {
        // Where, and whether it deletes the key.
        let mut newest = vec![(NONE, false); self.last.len()];
        let mut end = CompactedEnd {
            read: self.read,
            ..CompactedEnd::default()
        };
        for turn in &self.turns {
            end.acknowledged += turn.producer.acknowledged.len();
            let acknowledged = turn.producer.acknowledged.iter();
            for sequence in acknowledged.flat_map(|(from, to)| from..to) {
                let offset = turn.keyed.base_offset + sequence as i64;
                let number = turn.draw.number(sequence) as usize;
                newest[number] = (offset, turn.is_tombstone(sequence));
            }
            // What was sent and not acknowledged may have come to pass: such a one deletes the key, too.
            let unknown = turn.unacknowledged();
            for sequence in unknown.filter(|&sequence| turn.is_tombstone(sequence)) {
                newest[turn.draw.number(sequence) as usize].1 = true;
            }
        }
        for (&(newest, is_tombstone), &last) in newest.iter().zip(&self.last) {
            end.keys += u64::from(newest != NONE);
            match last {
                _ if last >= newest => {}
                NONE if is_tombstone => {}
                NONE => end.lost += 1,
                _ => end.resurrected += 1,
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{BatchPool, BatchShape};
    use crate::payload::{Payload, Sizes};
    use crate::verify::partition::{Faults, PartitionCheck};
    use protocol::compression::Compression;
    use protocol::record::records;
    use protocol::record_batch::{RecordBatch, RecordBatchMut, TemplateHeader};
    use std::collections::HashMap;

    const KEYS: Keys = Keys::Uniform(7);
    const EVERY: u32 = 5;
    const BATCHES: u64 = 4;

    /// What two runs of forty records each wrote to partition 5, in batches of ten.
    fn written() -> Vec<Vec<u8>> {
        let shape = BatchShape {
            payload: Payload {
                sizes: Sizes::Fixed(64),
                keys: KEYS,
                tombstone_every: Some(EVERY),
                headers: 0,
                compressible: 0.0,
                lines: None,
                seed: 1,
            },
            records: 10,
            compression: Compression::None,
            stamped: true,
        };
        let mut pool = BatchPool::new(&shape, 0).expect("builds");
        let mut batches = Vec::new();
        for run in 0..2 {
            for number in 0..BATCHES {
                let mut batch = pool.take(10).expect("builds");
                let stamp = Stamp {
                    run,
                    producer: 2,
                    partition: 5,
                    first: number * 10,
                    due_ns: 99,
                };
                let header = TemplateHeader {
                    timestamp_ms: 1,
                    producer_id: -1,
                    producer_epoch: -1,
                    base_sequence: -1,
                };
                batch.stamp(stamp, header).expect("stamps");
                let mut bytes = batch.bytes().to_vec();
                let mut kept = RecordBatchMut::parse(&mut bytes).expect("batch");
                kept.set_base_offset(batches.len() as i64 * 10);
                batches.push(bytes);
            }
        }
        batches
    }

    fn ledger(run: u32) -> ProducerLedger {
        let sent = BATCHES * 10;
        let mut acknowledged = crate::verify::ranges::Ranges::default();
        acknowledged.insert(0, sent);
        ProducerLedger {
            run,
            producer: 2,
            topic: "t".to_owned(),
            partition: 5,
            sent,
            acknowledged,
            keyed: Some(KeyedLedger {
                keys: KEYS,
                seed: 1,
                tombstone_every: Some(EVERY),
                base_offset: i64::from(run) * sent as i64,
            }),
        }
    }

    type Kept = (i64, Vec<u8>, Option<Vec<u8>>);

    fn all() -> Vec<Kept> {
        let mut all = Vec::new();
        for bytes in written() {
            let batch = RecordBatch::parse(&bytes).expect("batch");
            for record in records(batch.payload()) {
                let record = record.expect("record");
                let offset = batch.base_offset() + i64::from(record.offset_delta);
                let key = record.key.expect("key").to_vec();
                all.push((offset, key, record.value.map(<[u8]>::to_vec)));
            }
        }
        all
    }

    /// The newest of each key; `tombstones`: those too.
    fn newest(tombstones: bool) -> Vec<Kept> {
        let all = all();
        let last: HashMap<_, _> = all
            .iter()
            .map(|(offset, key, _)| (key.clone(), *offset))
            .collect();
        let mut kept = all;
        kept.retain(|(offset, key, value)| last[key] == *offset && (tombstones || value.is_some()));
        kept
    }

    fn read(kept: &[Kept]) -> (Vec<Misfit>, CompactedEnd) {
        read_of(kept, [ledger(0), ledger(1)])
    }

    fn read_of(kept: &[Kept], ledgers: [ProducerLedger; 2]) -> (Vec<Misfit>, CompactedEnd) {
        let mut check = CompactedCheck::new(&ledgers);
        let misfits = kept.iter().filter_map(|(offset, key, value)| {
            check.record(*offset, Some(key), value.as_deref()).err()
        });
        (misfits.collect(), check.end())
    }

    #[test]
    fn what_compaction_may_leave_is_right() {
        for kept in [all(), newest(true), newest(false)] {
            let (misfits, end) = read(&kept);
            assert_eq!(misfits, []);
            let expected = CompactedEnd {
                keys: 7,
                acknowledged: 80,
                read: kept.len() as u64,
                lost: 0,
                resurrected: 0,
            };
            assert_eq!(end, expected);
        }
        assert!(newest(false).len() < newest(true).len(), "some are deleted");
    }

    #[test]
    fn each_fault_is_told() {
        let whole = newest(true);
        let value = whole.iter().position(|kept| kept.2.is_some()).expect("one");
        let tombstone = whole.iter().position(|kept| kept.2.is_none()).expect("one");
        let mut lost = whole.clone();
        lost.remove(value);
        assert_eq!(read(&lost).1.lost, 1);
        for gone in [value, tombstone] {
            let (offset, key, _) = &whole[gone];
            let mut again = all();
            again.retain(|kept| kept.1 != *key || kept.0 < *offset);
            let end = read(&again).1;
            assert_eq!((end.lost, end.resurrected), (0, 1));
        }
        let mut renumbered = whole.clone();
        renumbered[value].0 -= 1;
        assert_eq!(read(&renumbered).0, [Misfit::Misplaced]);
        let mut moved = whole.clone();
        moved[value].1[15] ^= 1;
        assert_eq!(read(&moved).0, [Misfit::Corrupt]);
        let mut changed = whole.clone();
        changed[value].2.as_mut().expect("value")[50] ^= 1;
        assert_eq!(read(&changed).0, [Misfit::Corrupt]);
        let mut beyond = whole;
        beyond.push((80, keys::key(0).to_vec(), None));
        assert_eq!(read(&beyond).0, [Misfit::Misplaced]);
    }

    #[test]
    fn what_was_not_acknowledged_may_be_there_or_not() {
        let unanswered = || {
            let mut second = ledger(1);
            second.acknowledged = Default::default();
            second.acknowledged.insert(0, 10);
            [ledger(0), second]
        };
        let (misfits, end) = read_of(&newest(false), unanswered());
        assert_eq!((misfits.len(), end.lost, end.resurrected), (0, 0, 0));
        let mut without = all();
        without.truncate(50);
        let (misfits, end) = read_of(&without, unanswered());
        assert_eq!((misfits.len(), end.lost, end.resurrected), (0, 0, 0));
    }

    #[test]
    fn gaps_between_offsets_are_no_fault_of_a_compacted_partition() {
        let batches = written();
        let read = |batches: &[&Vec<u8>]| {
            let ledgers = [ledger(0), ledger(1)];
            let mut check = PartitionCheck::of_compacted(5, CompactedCheck::new(&ledgers));
            for batch in batches {
                check.check(&RecordBatch::parse(batch).expect("batch"));
            }
            check.faults()
        };
        assert_eq!(read(&[&batches[1], &batches[7]]), Faults::default());
        assert_eq!(read(&[&batches[7], &batches[1]]).offsets, 1);
    }
}
