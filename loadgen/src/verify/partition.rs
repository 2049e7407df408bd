//! Follows one partition: CRC, dense offsets, content, and of each producer the sequences, none twice and in order. It goes on
//! after a fault, so that all of them are counted. Pure.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use protocol::compression::{Compression, decompress_into};
use protocol::record::{RecordRef, records};
use protocol::record_batch::RecordBatch;

use super::compacted::{CompactedCheck, CompactedEnd, Misfit};
use super::ranges::Ranges;
use crate::content::Stamp;

/// Uncompressed bytes of a batch at most.
const PAYLOAD_BYTES_MAX: usize = 1 << 30;
/// Producers whose records may lie in one partition.
const PRODUCERS_MAX: usize = 1 << 16;
/// Ranges of missing sequences that are kept for one producer.
const MISSING_MAX: usize = 1 << 16;
/// Faults told in words, of one partition.
const DETAILS_MAX: usize = 4;

/// How many records, or batches where records cannot be told, are wrong in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Faults {
    /// Acknowledged, and not there.
    pub lost: u64,
    /// There twice.
    pub duplicated: u64,
    /// After a later one of the same producer.
    pub out_of_order: u64,
    /// Batches whose CRC does not match or whose records do not parse, and records whose check does not match.
    pub corrupt: u64,
    /// In another partition than they were sent to.
    pub misplaced: u64,
    /// Offsets that are missing or come twice.
    pub offsets: u64,
    /// Keys of compacted topics that end with a record older than their newest.
    #[serde(default)]
    pub resurrected: u64,
}

impl Faults {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.corrupt += other.corrupt;
        self.misplaced += other.misplaced;
        self.offsets += other.offsets;
        self.resurrected += other.resurrected;
    }
}

/// A producer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProducerId {
    /// The run's number.
    pub run: u32,
    /// Its number in the run.
    pub producer: u32,
}

/// What was seen of one producer.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The sequence after the largest seen.
    pub next: u64,
    /// Below that, not seen.
    pub missing: Ranges,
}

/// Follows one partition from an offset on.
#[derive(Debug)]
pub struct PartitionCheck {
    partition: i32,
    next_offset: i64,
    /// Whether a producer's first record seen must be its first: not so if reading began later than the log.
    from_first: bool,
    content: bool,
    /// In place of sequences, for a compacted partition: its offsets have gaps.
    compacted: Option<CompactedCheck>,
    /// Where each producer stands in `seen`.
    index: HashMap<ProducerId, usize>,
    seen: Vec<(ProducerId, Seen)>,
    /// The producer of the record before: nearly always the next one's too.
    last: usize,
    records: u64,
    faults: Faults,
    details: Vec<String>,
    payload: Vec<u8>,
}

impl PartitionCheck {
    /// Starts at `start_offset`. `from_first`: every producer's records are there from its first on. Without `content` only CRC
    /// and offsets are checked: for records of others.
    pub fn new(partition: i32, start_offset: i64, from_first: bool, content: bool) -> Self {
        Self {
            partition,
            next_offset: start_offset,
            from_first,
            content,
            compacted: None,
            index: HashMap::new(),
            seen: Vec::new(),
            last: 0,
            records: 0,
            faults: Faults::default(),
            details: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Of a compacted partition, from its first record on.
    pub fn of_compacted(partition: i32, compacted: CompactedCheck) -> Self {
        Self {
            compacted: Some(compacted),
            ..Self::new(partition, 0, false, true)
        }
    }

    /// What came of a compacted partition.
    pub fn compacted_end(&self) -> Option<CompactedEnd> {
        self.compacted.as_ref().map(CompactedCheck::end)
    }

    /// The offset due next.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// What was wrong so far; nothing is known to be lost here.
    pub fn faults(&self) -> Faults {
        self.faults
    }

    /// Some of it in words.
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// What was seen of a producer.
    pub fn seen(&self, id: ProducerId) -> Option<&Seen> {
        let (_, seen) = &self.seen[*self.index.get(&id)?];
        Some(seen)
    }

    /// Takes the next batch; the records in it that were due, and the stamp of its last one. A fetch begins with the whole batch
    /// that has the offset asked for: records before that are passed over.
    pub fn check(&mut self, batch: &RecordBatch<'_>) -> (u64, Option<Stamp>) {
        let due = self.next_offset;
        if batch.next_offset() <= due {
            self.fault(
                |faults| faults.offsets += 1,
                || {
                    format!(
                        "offset {due} is due, a batch of {} to {} comes",
                        batch.base_offset(),
                        batch.last_offset()
                    )
                },
            );
            return (0, None);
        }
        if batch.base_offset() > due {
            let gap = batch.base_offset() - due;
            if self.compacted.is_none() {
                self.fault(
                    |faults| faults.offsets += gap as u64,
                    || format!("offset {due} is due, {} comes", batch.base_offset()),
                );
            }
            self.next_offset = batch.base_offset();
        }
        let counted = match batch.crc_matches() {
            false => {
                self.fault(
                    |faults| faults.corrupt += 1,
                    || {
                        format!(
                            "offset {}: CRC-32C of the batch does not match",
                            batch.base_offset()
                        )
                    },
                );
                (0, None)
            }
            true if batch.attributes().is_control() => (0, None),
            true => {
                let mut payload = std::mem::take(&mut self.payload);
                let counted = self.check_records(batch, &mut payload);
                self.payload = payload;
                counted
            }
        };
        self.next_offset = batch.next_offset();
        counted
    }

    fn check_records(
        &mut self,
        batch: &RecordBatch<'_>,
        buffer: &mut Vec<u8>,
    ) -> (u64, Option<Stamp>) {
        let base = batch.base_offset();
        let payload = match Compression::from_id(batch.attributes().compression_id()) {
            Some(Compression::None) => batch.payload(),
            codec => {
                buffer.clear();
                let codec = codec.unwrap_or(Compression::None);
                if let Err(error) =
                    decompress_into(codec, batch.payload(), PAYLOAD_BYTES_MAX, buffer)
                {
                    self.fault(
                        |faults| faults.corrupt += 1,
                        || format!("offset {base}: {error}"),
                    );
                    return (0, None);
                }
                buffer
            }
        };
        let (mut counted, mut stamp) = (0, None);
        for record in records(payload) {
            let due = self.next_offset;
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    self.fault(
                        |faults| faults.corrupt += 1,
                        || format!("offset {due}: {error}"),
                    );
                    break;
                }
            };
            let offset = base + i64::from(record.offset_delta);
            if offset < due && counted == 0 {
                continue;
            }
            if offset != due && (self.compacted.is_none() || offset < due) {
                self.fault(
                    |faults| faults.offsets += 1,
                    || format!("offset {due} is due, record {offset} comes"),
                );
            }
            if self.compacted.is_some() {
                self.check_compacted(offset, &record);
            } else if self.content {
                stamp = self.check_value(offset, record.value.unwrap_or_default());
            }
            counted += 1;
            self.next_offset = offset + 1;
        }
        let is_short = self.next_offset < batch.next_offset() && self.compacted.is_none();
        if is_short || self.next_offset > batch.next_offset() {
            let (due, found) = (self.next_offset, batch.next_offset());
            self.fault(
                |faults| faults.offsets += 1,
                || format!("a batch ends at offset {due}, its header says {found}"),
            );
        }
        self.records += counted;
        (counted, stamp)
    }

    fn check_compacted(&mut self, offset: i64, record: &RecordRef<'_>) {
        let compacted = self.compacted.as_mut();
        match compacted.map(|check| check.record(offset, record.key, record.value)) {
            None | Some(Ok(())) => {}
            Some(Err(Misfit::Corrupt)) => self.fault(
                |faults| faults.corrupt += 1,
                || format!("offset {offset}: value or key are not what was sent"),
            ),
            Some(Err(Misfit::Misplaced)) => self.fault(
                |faults| faults.misplaced += 1,
                || format!("offset {offset}: another record belongs there"),
            ),
        }
    }

    fn check_value(&mut self, offset: i64, value: &[u8]) -> Option<Stamp> {
        let Some((stamp, index)) = Stamp::read(value) else {
            self.fault(
                |faults| faults.corrupt += 1,
                || format!("offset {offset}: content is not what pelton-loadgen writes"),
            );
            return None;
        };
        if i64::from(stamp.partition) != i64::from(self.partition) {
            self.fault(
                |faults| faults.misplaced += 1,
                || {
                    format!(
                        "offset {offset}: the record belongs to partition {}",
                        stamp.partition
                    )
                },
            );
            return None;
        }
        let id = ProducerId {
            run: stamp.run,
            producer: stamp.producer,
        };
        let sequence = stamp.first + u64::from(index);
        let Some(at) = self.producer(id, sequence) else {
            let said =
                format!("records of more than {PRODUCERS_MAX} producers; take a fresh topic");
            self.fault(
                |faults| faults.corrupt += 1,
                || format!("offset {offset}: {said}"),
            );
            return None;
        };
        let (_, seen) = &mut self.seen[at];
        if sequence >= seen.next {
            let next = std::mem::replace(&mut seen.next, sequence + 1);
            seen.missing.insert(next, sequence);
            if seen.missing.pieces() > MISSING_MAX {
                self.fault(
                    |faults| faults.offsets += 1,
                    || format!("offset {offset}: more than {MISSING_MAX} gaps of one producer"),
                );
            }
        } else if seen.missing.remove(sequence) {
            self.fault(
                |faults| faults.out_of_order += 1,
                || {
                    format!(
                        "offset {offset}: record {sequence} of producer {} after a later one",
                        id.producer
                    )
                },
            );
        } else {
            self.fault(
                |faults| faults.duplicated += 1,
                || {
                    format!(
                        "offset {offset}: record {sequence} of producer {} again",
                        id.producer
                    )
                },
            );
        }
        Some(stamp)
    }

    /// Where a producer stands, of whom `sequence` was seen; `None` if there are too many.
    fn producer(&mut self, id: ProducerId, sequence: u64) -> Option<usize> {
        let last = self.seen.get(self.last);
        if last.is_some_and(|(last, _)| *last == id) {
            return Some(self.last);
        }
        let full = self.seen.len() >= PRODUCERS_MAX;
        let at = match self.index.entry(id) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(_) if full => return None,
            Entry::Vacant(entry) => {
                let next = if self.from_first { 0 } else { sequence };
                let missing = Ranges::default();
                self.seen.push((id, Seen { next, missing }));
                *entry.insert(self.seen.len() - 1)
            }
        };
        self.last = at;
        Some(at)
    }

    fn fault(&mut self, count: impl FnOnce(&mut Faults), detail: impl FnOnce() -> String) {
        count(&mut self.faults);
        if self.details.len() < DETAILS_MAX {
            self.details
                .push(format!("partition {}: {}", self.partition, detail()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{BatchPool, BatchShape};
    use crate::keys::Keys;
    use crate::payload::{Payload, Sizes};
    use protocol::record_batch::{RecordBatchMut, TemplateHeader};

    /// A batch of ten records as a broker would keep it.
    fn batch(base_offset: i64, first: u64, compression: Compression) -> Vec<u8> {
        let shape = BatchShape {
            payload: Payload {
                sizes: Sizes::Fixed(64),
                keys: Keys::None,
                tombstone_every: None,
                headers: 0,
                compressible: 0.0,
                lines: None,
                seed: 1,
            },
            records: 10,
            compression,
            stamped: true,
        };
        let mut pool = BatchPool::new(&shape, 0).expect("builds");
        let mut batch = pool.take(10).expect("builds");
        let stamp = Stamp {
            run: 1,
            producer: 2,
            partition: 5,
            first,
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
        kept.set_base_offset(base_offset);
        bytes
    }

    fn checked(partition: i32, batches: &[Vec<u8>]) -> PartitionCheck {
        let mut check = PartitionCheck::new(partition, 0, true, true);
        for batch in batches {
            check.check(&RecordBatch::parse(batch).expect("batch"));
        }
        check
    }

    const ID: ProducerId = ProducerId {
        run: 1,
        producer: 2,
    };
    const NONE: Compression = Compression::None;

    #[test]
    fn what_was_produced_passes_and_is_counted() {
        let check = checked(5, &[batch(0, 0, NONE), batch(10, 10, Compression::Zstd)]);
        assert!(check.faults().is_none(), "{:?}", check.details());
        assert_eq!((check.next_offset(), check.records), (20, 20));
        assert_eq!(check.seen(ID).expect("seen").next, 20);
        assert!(check.seen(ID).expect("seen").missing.is_empty());
    }

    #[test]
    fn each_fault_is_counted_as_what_it_is() {
        let first = batch(0, 0, NONE);
        let faults = |partition, batches: &[Vec<u8>]| checked(partition, batches).faults();
        let none = Faults::default();
        let doubled = faults(5, &[first.clone(), batch(10, 0, NONE)]);
        assert_eq!(
            doubled,
            Faults {
                duplicated: 10,
                ..none
            }
        );
        let swapped = faults(5, &[batch(0, 10, NONE), batch(10, 0, NONE)]);
        assert_eq!(
            swapped,
            Faults {
                out_of_order: 10,
                ..none
            }
        );
        let offset_gap = faults(5, &[first.clone(), batch(13, 10, NONE)]);
        assert_eq!(offset_gap, Faults { offsets: 3, ..none });
        let again = faults(5, &[first.clone(), first.clone()]);
        assert_eq!(again, Faults { offsets: 1, ..none });
        assert_eq!(
            faults(6, std::slice::from_ref(&first)),
            Faults {
                misplaced: 10,
                ..none
            }
        );
        let mut changed = first.clone();
        *changed.last_mut().expect("not empty") ^= 1;
        assert_eq!(
            faults(5, std::slice::from_ref(&changed)),
            Faults { corrupt: 1, ..none }
        );
    }

    #[test]
    fn a_value_changed_under_a_right_crc_is_seen() {
        let mut changed = batch(0, 0, NONE);
        let at = changed.len() - 2;
        changed[at] ^= 1;
        let mut kept = RecordBatchMut::parse(&mut changed).expect("batch");
        kept.set_producer(-1, -1, -1);
        let check = checked(5, std::slice::from_ref(&changed));
        assert_eq!(check.faults().corrupt, 1);
        let mut ignored = PartitionCheck::new(5, 0, true, false);
        ignored.check(&RecordBatch::parse(&changed).expect("batch"));
        assert!(ignored.faults().is_none());
    }

    #[test]
    fn gaps_are_kept_and_no_fault_by_themselves() {
        let check = checked(5, &[batch(0, 10, NONE), batch(10, 40, NONE)]);
        assert!(check.faults().is_none());
        let missing: Vec<_> = check.seen(ID).expect("seen").missing.iter().collect();
        assert_eq!(missing, [(0, 10), (20, 40)]);
    }

    #[test]
    fn reading_may_begin_in_the_middle() {
        let mut check = PartitionCheck::new(5, 104, false, true);
        let (counted, stamp) =
            check.check(&RecordBatch::parse(&batch(100, 700, NONE)).expect("batch"));
        assert_eq!((counted, stamp.map(|stamp| stamp.due_ns)), (6, Some(99)));
        assert!(check.faults().is_none() && check.seen(ID).expect("seen").missing.is_empty());
    }
}
