//! One partition, led here: decides on produces, records what is committed, keeps the tail. Station 4 of the produce walk.
//!
//! `prepare` decides on prepared state (applied and in flight) in Kafka's order of checks; what it decided is final.
//! `apply` records what was committed, the same on leader and replay, and asserts the decision. Pure: no IO, no clock.

use std::collections::VecDeque;

use bytes::Bytes;
use protocol::record_batch::{BatchHeader, RecordBatch};

use crate::io::buffer::Slice;
use crate::planted::{self, Bug};

pub mod leader_epochs;
pub mod producers;
pub mod validate;

use leader_epochs::LeaderEpochs;
use producers::{Producers, Sequence};
pub use validate::{PartitionConfig, ProduceError};

/// A batch that may be appended: final but for the stamp (base offset, leader epoch, broker time) that copying gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset after its last record.
    pub next_offset: i64,
    /// Leader epoch it is appended in.
    pub leader_epoch: i32,
    /// Broker time to stamp, -1 for none.
    pub log_append_time_ms: i64,
    /// The batch.
    pub bytes: Bytes,
}

/// What `prepare` decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// Append this.
    Append(Prepared),
    /// The producer sent it before; it stands, or will stand, here.
    Duplicate {
        /// Where its first copy stands.
        base_offset: i64,
        /// The time it was stamped with, -1 for none.
        log_append_time_ms: i64,
    },
}

/// A committed batch that is not yet in a segment, or whose segment is not yet the place to read it from.
#[derive(Debug, Clone)]
pub struct TailBatch {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Largest timestamp in it.
    pub max_timestamp: i64,
    /// The journal frame that holds it.
    pub sequence: u64,
    /// The batch.
    pub bytes: Slice,
}

/// One partition.
#[derive(Debug)]
pub struct Partition {
    config: PartitionConfig,
    leader_epoch: i32,
    log_start_offset: i64,
    /// Next offset of applied state: on a lone replica also the log end offset that anybody may see.
    high_watermark: i64,
    /// Next offset of prepared state.
    prepared_offset: i64,
    producers: Producers,
    leader_epochs: LeaderEpochs,
    tail: VecDeque<TailBatch>,
    tail_bytes: usize,
}

/// What a partition continues from.
#[derive(Debug, Clone, Default)]
pub struct PartitionStart {
    /// First offset still there.
    pub log_start_offset: i64,
    /// Next offset.
    pub next_offset: i64,
    /// Start offset of each leader epoch.
    pub leader_epochs: LeaderEpochs,
    /// What is known of producers.
    pub producers: Producers,
}

impl Partition {
    /// A partition that continues from `start`.
    pub fn new(config: PartitionConfig, start: PartitionStart) -> Self {
        Self {
            config,
            leader_epoch: start.leader_epochs.latest().unwrap_or(0),
            log_start_offset: start.log_start_offset,
            high_watermark: start.next_offset,
            prepared_offset: start.next_offset,
            producers: start.producers,
            leader_epochs: start.leader_epochs,
            tail: VecDeque::new(),
            tail_bytes: 0,
        }
    }

    /// Leads in `leader_epoch` from here on.
    pub fn lead(&mut self, leader_epoch: i32) {
        assert!(
            leader_epoch >= self.leader_epoch,
            "leader epochs never fall"
        );
        assert_eq!(
            self.prepared_offset, self.high_watermark,
            "leadership begins with nothing in flight"
        );
        self.leader_epoch = leader_epoch;
        self.leader_epochs.begin(leader_epoch, self.high_watermark);
    }

    /// Settings.
    pub fn config(&self) -> &PartitionConfig {
        &self.config
    }

    /// Takes other settings.
    pub fn configure(&mut self, config: PartitionConfig) {
        self.config = config;
    }

    /// Decides on a batch that [`validate::one_batch`] gave, at this time.
    pub fn prepare(&mut self, batch: &Bytes, now_ms: i64) -> Result<Decided, ProduceError> {
        let checked = validate::check(batch, &self.config, now_ms)?;
        let header = RecordBatch::parse(&checked.bytes)
            .expect("the batch was checked")
            .header();
        let base_offset = self.prepared_offset;
        let next_offset = base_offset + i64::from(header.last_offset_delta()) + 1;
        let sequence = sequence_of(&header).filter(|_| !planted::on(Bug::DuplicateAccepted));
        if let Some(sequence) = sequence {
            // A duplicate is answered with the first copy's timestamp as its append time, as in Kafka.
            let time = if checked.log_append_time_ms >= 0 {
                checked.log_append_time_ms
            } else {
                header.max_timestamp()
            };
            if let Some(first) = self.producers.prepare(&sequence, base_offset, time)? {
                return Ok(Decided::Duplicate {
                    base_offset: first.base_offset,
                    log_append_time_ms: first.log_append_time_ms,
                });
            }
        }
        if !planted::on(Bug::OffsetReused) {
            self.prepared_offset = next_offset;
        }
        Ok(Decided::Append(Prepared {
            base_offset,
            next_offset,
            leader_epoch: self.leader_epoch,
            log_append_time_ms: checked.log_append_time_ms,
            bytes: checked.bytes,
        }))
    }

    /// What was prepared last could not be proposed: as if it had never come.
    pub fn unprepare(&mut self, base_offset: i64) {
        self.prepared_offset = base_offset;
        self.producers.unprepare(base_offset);
    }

    /// A batch that [`validate::one_batch`] gave is not taken for now: those sent behind it must not come first.
    pub fn refuse(&mut self, batch: &Bytes) {
        let header = RecordBatch::parse(batch).map(|batch| batch.header());
        if let Some(sequence) = header.ok().and_then(|header| sequence_of(&header)) {
            self.producers.refused(&sequence);
        }
    }

    /// Records a committed batch.
    pub fn apply(&mut self, batch: Slice, sequence: u64) {
        let parsed = RecordBatch::parse(&batch).expect("only whole batches are committed");
        let header = parsed.header();
        self.apply_header(&header);
        let (base_offset, last_offset) = (header.base_offset(), header.last_offset());
        let max_timestamp = header.max_timestamp();
        self.tail_bytes += batch.len();
        self.tail.push_back(TailBatch {
            base_offset,
            last_offset,
            max_timestamp,
            sequence,
            bytes: batch,
        });
    }

    /// Records a committed batch that is in a segment and not in memory, as all before it.
    pub fn apply_stored(&mut self, header: &BatchHeader<'_>) {
        assert!(self.tail.is_empty(), "all before it is in segments");
        self.apply_header(header);
    }

    fn apply_header(&mut self, header: &BatchHeader<'_>) {
        assert_eq!(
            header.base_offset(),
            self.high_watermark,
            "offsets are dense, in the order of commits (I14)"
        );
        if let Some(sequence) = sequence_of(header) {
            self.producers
                .apply(&sequence, header.base_offset(), header.max_timestamp());
        }
        self.leader_epochs
            .begin(header.partition_leader_epoch(), header.base_offset());
        self.high_watermark = header.next_offset();
        self.prepared_offset = self.prepared_offset.max(self.high_watermark);
    }

    /// The log starts at `offset`, by a committed entry; it never moves back.
    pub fn raise_log_start(&mut self, offset: i64) {
        assert!(
            offset <= self.high_watermark,
            "the log starts within what is committed"
        );
        if offset > self.log_start_offset {
            self.log_start_offset = offset;
            self.leader_epochs.begin_at(offset);
        }
    }

    /// First offset still there.
    pub fn log_start_offset(&self) -> i64 {
        self.log_start_offset
    }

    /// The offset after the last one that was decided on, committed or not.
    pub fn prepared_offset(&self) -> i64 {
        self.prepared_offset
    }

    /// Whether there are records, also such as are still on their way.
    pub fn has_records(&self) -> bool {
        self.prepared_offset > self.log_start_offset
    }

    /// The offset after the last one that anybody may see.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// Current leader epoch.
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// Start offset of each leader epoch.
    pub fn leader_epochs(&self) -> &LeaderEpochs {
        &self.leader_epochs
    }

    /// What is known of producers, in flight left out.
    pub fn producers(&self) -> &Producers {
        &self.producers
    }

    /// First offset in the tail; the high watermark when it is empty.
    pub fn tail_start_offset(&self) -> i64 {
        self.tail
            .front()
            .map_or(self.high_watermark, |batch| batch.base_offset)
    }

    /// The tail, oldest first.
    pub fn tail(&self) -> &VecDeque<TailBatch> {
        &self.tail
    }

    /// Bytes in the tail.
    pub fn tail_bytes(&self) -> usize {
        self.tail_bytes
    }

    /// Bytes in the tail from `offset` on, where a batch begins or the tail ends.
    pub fn tail_bytes_from(&self, offset: i64) -> usize {
        let from = self
            .tail
            .partition_point(|batch| batch.last_offset < offset);
        let written = self.tail.range(..from).map(|batch| batch.bytes.len());
        self.tail_bytes - written.sum::<usize>()
    }

    /// Whole batches of the tail from the one that holds `offset`, up to `bytes_max`; one at least if asked for.
    pub fn read_tail(&self, offset: i64, bytes_max: usize, at_least_one: bool) -> Vec<Slice> {
        let from = self
            .tail
            .partition_point(|batch| batch.last_offset < offset);
        let mut slices = Vec::new();
        let mut bytes = 0;
        for batch in self.tail.range(from..) {
            let first = slices.is_empty() && at_least_one;
            if !first && bytes + batch.bytes.len() > bytes_max {
                break;
            }
            bytes += batch.bytes.len();
            slices.push(batch.bytes.clone());
        }
        slices
    }

    /// The oldest batches of the tail, up to `bytes_max` and one at least: what goes to a segment next.
    pub fn write_back(&self, bytes_max: usize) -> Vec<TailBatch> {
        let mut batches = Vec::new();
        let mut bytes = 0;
        for batch in &self.tail {
            if !batches.is_empty() && bytes + batch.bytes.len() > bytes_max {
                break;
            }
            bytes += batch.bytes.len();
            batches.push(batch.clone());
        }
        batches
    }

    /// Everything below `offset` is in segments now; returns the bytes that leave memory.
    pub fn written_back(&mut self, offset: i64) -> usize {
        let mut freed = 0;
        while self
            .tail
            .front()
            .is_some_and(|batch| batch.last_offset < offset)
        {
            freed += self.tail.pop_front().expect("just seen").bytes.len();
        }
        self.tail_bytes -= freed;
        freed
    }
}

/// Who sent a batch, if it says so.
fn sequence_of(header: &BatchHeader<'_>) -> Option<Sequence> {
    header.has_producer_id().then(|| Sequence {
        producer_id: header.producer_id(),
        epoch: header.producer_epoch(),
        first: header.base_sequence(),
        last: header.last_sequence(),
    })
}

#[cfg(test)]
mod tests;
