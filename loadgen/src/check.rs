//! Whether a partition's bytes are what was produced: CRC, dense offsets, content, sequences without gap or double. It does no IO.

use std::collections::HashMap;

use protocol::compression::{Compression, CompressionError, decompress_into};
use protocol::record::{RecordError, records};
use protocol::record_batch::{BatchParseError, RecordBatch, batches};
use thiserror::Error;

use crate::content::Stamp;

/// Uncompressed bytes of a batch at most.
const PAYLOAD_BYTES_MAX: usize = 1 << 30;
/// Runs and connections whose records may lie in one partition.
const WRITERS_MAX: usize = 1 << 16;

/// What is wrong with a partition.
#[derive(Debug, Error)]
pub enum CheckError {
    /// Not a record batch.
    #[error("offset {offset}: {source}")]
    Batch {
        /// Where it should be.
        offset: i64,
        /// Why.
        source: BatchParseError,
    },
    /// Bytes changed under way or at rest.
    #[error("offset {0}: CRC-32C of the record batch does not match")]
    Crc(i64),
    /// Offsets are missing or come twice.
    #[error("offset {expected} is due, found {found}")]
    Offset {
        /// Next one.
        expected: i64,
        /// The batch's or record's.
        found: i64,
    },
    /// The codec says no.
    #[error("offset {offset}: {source}")]
    Compression {
        /// The batch's.
        offset: i64,
        /// Why.
        source: CompressionError,
    },
    /// Not a record.
    #[error("offset {offset}: {source}")]
    Record {
        /// Next one.
        offset: i64,
        /// Why.
        source: RecordError,
    },
    /// Not a record of this program, or a changed one.
    #[error(
        "offset {0}: content is not what pelton-loadgen writes (others' records? then --ignore-content)"
    )]
    Content(i64),
    /// A record of another partition.
    #[error("offset {offset}: the record belongs to partition {partition}")]
    Misplaced {
        /// Its offset.
        offset: i64,
        /// Where it was sent.
        partition: u32,
    },
    /// A record was lost, doubled or moved.
    #[error(
        "offset {offset}: sequence {expected} of run {run} connection {connection} is due, found {found}"
    )]
    Sequence {
        /// Where.
        offset: i64,
        /// The writer's run.
        run: u32,
        /// The writer's connection.
        connection: u32,
        /// Next one.
        expected: u64,
        /// The record's.
        found: u64,
    },
    /// More writers than are kept apart.
    #[error("offset {0}: records of more than 65,536 runs and connections; take a fresh topic")]
    Writers(i64),
}

/// Follows one partition from its first offset on.
pub struct PartitionCheck {
    partition: i32,
    next_offset: i64,
    /// Whether a writer's first record seen must be its first: not so if the log's start was deleted.
    from_first: bool,
    content: bool,
    next_sequences: HashMap<(u32, u32), u64>,
    /// By run and connection, the sequence from which on records may lack: they were not acknowledged.
    gaps_from: HashMap<(u32, u32), u64>,
    payload: Vec<u8>,
    records: u64,
    bytes: u64,
}

impl PartitionCheck {
    /// Starts at `start_offset`, the log start offset.
    pub fn new(partition: i32, start_offset: i64, content: bool) -> Self {
        Self {
            partition,
            next_offset: start_offset,
            from_first: start_offset == 0,
            content,
            next_sequences: HashMap::new(),
            gaps_from: HashMap::new(),
            payload: Vec::new(),
            records: 0,
            bytes: 0,
        }
    }

    /// Lets records of one run and connection lack from `sequence` on (refused, or never answered); they must still be in order.
    pub fn allow_gaps_from(&mut self, run: u32, connection: u32, sequence: u64) {
        self.gaps_from.insert((run, connection), sequence);
    }

    /// The offset due next.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Records and bytes of values checked so far.
    pub fn checked(&self) -> (u64, u64) {
        (self.records, self.bytes)
    }

    /// The next sequence of one run and connection: how many of its records are there.
    pub fn next_sequence(&self, run: u32, connection: u32) -> u64 {
        self.next_sequences
            .get(&(run, connection))
            .copied()
            .unwrap_or(0)
    }

    /// Checks what a fetch from [`PartitionCheck::next_offset`] answered; its last batch may be cut.
    pub fn check(&mut self, fetched: &[u8]) -> Result<(), CheckError> {
        for batch in batches(fetched) {
            let offset = self.next_offset;
            let batch = batch.map_err(|source| CheckError::Batch { offset, source })?;
            self.check_batch(&batch)?;
        }
        Ok(())
    }

    fn check_batch(&mut self, batch: &RecordBatch<'_>) -> Result<(), CheckError> {
        let expected = self.next_offset;
        // A fetch begins with the whole batch in which its offset lies; only the first one may begin early.
        if batch.base_offset() > expected || batch.next_offset() <= expected {
            let found = batch.base_offset();
            return Err(CheckError::Offset { expected, found });
        }
        if !batch.crc_matches() {
            return Err(CheckError::Crc(batch.base_offset()));
        }
        if batch.attributes().is_control() {
            self.next_offset = batch.next_offset();
            return Ok(());
        }
        let mut payload = std::mem::take(&mut self.payload);
        let checked = self.check_payload(batch, &mut payload);
        self.payload = payload;
        checked?;
        if self.next_offset != batch.next_offset() {
            let (expected, found) = (self.next_offset, batch.next_offset());
            return Err(CheckError::Offset { expected, found });
        }
        Ok(())
    }

    fn check_payload(
        &mut self,
        batch: &RecordBatch<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), CheckError> {
        let offset = batch.base_offset();
        let payload = match Compression::from_id(batch.attributes().compression_id()) {
            Some(Compression::None) => batch.payload(),
            Some(codec) => {
                buffer.clear();
                decompress_into(codec, batch.payload(), PAYLOAD_BYTES_MAX, buffer)
                    .map_err(|source| CheckError::Compression { offset, source })?;
                buffer
            }
            None => return Err(CheckError::Content(offset)),
        };
        for record in records(payload) {
            let expected = self.next_offset;
            let record = record.map_err(|source| CheckError::Record {
                offset: expected,
                source,
            })?;
            let found = batch.base_offset() + i64::from(record.offset_delta);
            if found < expected && found >= batch.base_offset() && self.records == 0 {
                continue;
            }
            if found != expected {
                return Err(CheckError::Offset { expected, found });
            }
            let value = record.value.unwrap_or_default();
            if self.content {
                self.check_value(found, value)?;
            }
            self.records += 1;
            self.bytes += value.len() as u64;
            self.next_offset += 1;
        }
        Ok(())
    }

    fn check_value(&mut self, offset: i64, value: &[u8]) -> Result<(), CheckError> {
        let stamp = Stamp::read(value).ok_or(CheckError::Content(offset))?;
        let Stamp {
            run,
            connection,
            partition,
            sequence: found,
        } = stamp;
        if i64::from(partition) != i64::from(self.partition) {
            return Err(CheckError::Misplaced { offset, partition });
        }
        let full = self.next_sequences.len() >= WRITERS_MAX;
        let first = if self.from_first { 0 } else { found };
        let next = match self.next_sequences.entry((run, connection)) {
            std::collections::hash_map::Entry::Vacant(_) if full => {
                return Err(CheckError::Writers(offset));
            }
            entry => entry.or_insert(first),
        };
        let gaps_from = self.gaps_from.get(&(run, connection));
        let may_lack = found > *next && gaps_from.is_some_and(|from| *next >= *from);
        if found != *next && !may_lack {
            let expected = *next;
            return Err(CheckError::Sequence {
                offset,
                run,
                connection,
                expected,
                found,
            });
        }
        *next = found + 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{ProduceFrame, Shape};
    use protocol::record_batch::RecordBatchMut;

    /// A batch as a broker would keep it.
    fn batch(base_offset: i64, sequence: u64, compression: Compression) -> Vec<u8> {
        let shape = Shape {
            topic: "t".to_owned(),
            acks: -1,
            record_bytes: 64,
            compression,
            timestamp_ms: 1,
        };
        let mut frame = ProduceFrame::new(&shape, 5, 10).expect("builds");
        let stamp = Stamp {
            run: 1,
            connection: 2,
            partition: 5,
            sequence,
        };
        let bytes = frame.stamped(stamp).expect("stamps").to_vec();
        let (_, header) = protocol::header::RequestHeader::decode(&bytes[4..]).expect("header");
        let body = &bytes[4 + header..];
        let request = protocol::produce::ProduceRequest::parse(body, 7).expect("body");
        let records = request
            .partitions()
            .next()
            .and_then(|partition| partition.records);
        let mut batch = body[records.expect("records")].to_vec();
        RecordBatchMut::parse(&mut batch)
            .expect("batch")
            .set_base_offset(base_offset);
        batch
    }

    #[test]
    fn what_was_produced_passes_and_is_counted() {
        let mut check = PartitionCheck::new(5, 0, true);
        let log = [
            batch(0, 0, Compression::None),
            batch(10, 10, Compression::Zstd),
        ]
        .concat();
        check.check(&log).expect("good");
        assert_eq!((check.next_offset(), check.checked()), (20, (20, 1280)));
        assert_eq!(
            (check.next_sequence(1, 2), check.next_sequence(1, 3)),
            (20, 0)
        );
        // A cut last batch is fetched again.
        let next = batch(20, 20, Compression::None);
        check.check(&next[..next.len() - 1]).expect("good so far");
        assert_eq!(check.next_offset(), 20);
    }

    #[test]
    fn lost_doubled_changed_and_misplaced_records_are_seen() {
        let first = batch(0, 0, Compression::None);
        let fails = |partition, log: &[u8]| {
            PartitionCheck::new(partition, 0, true)
                .check(log)
                .expect_err("bad")
        };
        let offset_gap = [first.clone(), batch(11, 10, Compression::None)].concat();
        assert!(matches!(
            fails(5, &offset_gap),
            CheckError::Offset {
                expected: 10,
                found: 11
            }
        ));
        let lost = [first.clone(), batch(10, 20, Compression::None)].concat();
        assert!(matches!(
            fails(5, &lost),
            CheckError::Sequence {
                expected: 10,
                found: 20,
                ..
            }
        ));
        let doubled = [first.clone(), batch(10, 0, Compression::None)].concat();
        assert!(matches!(
            fails(5, &doubled),
            CheckError::Sequence {
                expected: 10,
                found: 0,
                ..
            }
        ));
        let mut changed = first.clone();
        *changed.last_mut().expect("not empty") ^= 1;
        assert!(matches!(fails(5, &changed), CheckError::Crc(0)));
        // A broker that changes a value and makes the CRC anew.
        *changed.last_mut().expect("not empty") ^= 1;
        let at = changed.len() - 2;
        changed[at] ^= 1;
        RecordBatchMut::parse(&mut changed)
            .expect("batch")
            .set_producer(-1, -1, -1);
        assert!(matches!(fails(5, &changed), CheckError::Content(9)));
        PartitionCheck::new(5, 0, false)
            .check(&changed)
            .expect("content ignored");
        assert!(matches!(
            fails(6, &first),
            CheckError::Misplaced { partition: 5, .. }
        ));
    }

    #[test]
    fn records_may_lack_only_where_none_was_acknowledged() {
        let log = [
            batch(0, 0, Compression::None),
            batch(10, 30, Compression::None),
        ]
        .concat();
        let checked = |acknowledged| {
            let mut check = PartitionCheck::new(5, 0, true);
            check.allow_gaps_from(1, 2, acknowledged);
            check.check(&log).is_ok()
        };
        assert!(checked(10) && !checked(11));
    }

    #[test]
    fn a_log_whose_start_was_deleted_may_begin_anywhere() {
        let mut check = PartitionCheck::new(5, 104, true);
        check
            .check(&batch(100, 700, Compression::None))
            .expect("good");
        assert_eq!((check.checked().0, check.next_sequence(1, 2)), (6, 710));
    }
}
