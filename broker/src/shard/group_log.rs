//! The log of a group coordinator: a partition of `__consumer_offsets`. Records go into ordinary record batches by the way of
//! every produce, and are read back from the log's start. Knows batches, not what the records mean.

use std::rc::Rc;

use bytes::Bytes;
use protocol::compression::Compression;
use protocol::record_batch::{
    BatchBuildError, BatchFilter, BatchParseError, FilterError, RecordBatch, RecordBatchBuilder,
    batches,
};

use super::{Owned, ProduceFailure, ReadFailure, ReadRequest, Shard};
use crate::coordinator::group::GroupConfig;
use crate::coordinator::group::machine::GroupCoordinator;
use crate::coordinator::group::records::GroupRecord;
use crate::limits;
use crate::quorum::Pending;
use crate::replicated::StateMachine;

/// Why records did not reach the log.
#[derive(Debug, thiserror::Error)]
pub(in crate::shard) enum AppendFailure {
    /// They do not fit into a batch.
    #[error(transparent)]
    Batch(#[from] BatchBuildError),
    /// The partition takes no such batch, or none at all.
    #[error(transparent)]
    Produce(#[from] ProduceFailure),
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::shard) enum ReadGroupsFailure {
    /// The shard stops, or its journal has failed.
    #[error("the shard does not write any more")]
    Stopped,
    /// The partition cannot be read.
    #[error("the partition cannot be read: {0:?}")]
    Read(ReadFailure),
    /// Batches are missing.
    #[error("there is nothing to read at offset {0}")]
    Missing(i64),
    /// What is there are no batches.
    #[error(transparent)]
    Batch(#[from] BatchParseError),
    /// Or their records cannot be read.
    #[error(transparent)]
    Records(#[from] FilterError),
}

impl Shard {
    /// A coordinator that has read nothing yet.
    pub(in crate::shard) fn new_group_machine(&self) -> GroupCoordinator {
        GroupCoordinator::new(GroupConfig::of(&self.config))
    }

    /// Appends all of `records`; returns what the last one waits for. After an error some of them may be on their way.
    pub(in crate::shard) fn append_group_records(
        &self,
        owned: &Rc<Owned>,
        records: &[GroupRecord],
    ) -> Result<Pending, AppendFailure> {
        let now_ms = self.io.clock.wall_ms();
        let mut builder = RecordBatchBuilder::new(Compression::None);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for record in records {
            key.clear();
            value.clear();
            record.encode_key(&mut key);
            let value = record.encode_value(&mut value).then_some(&value[..]);
            let bytes = builder.uncompressed_bytes() + key.len() + value.map_or(0, <[u8]>::len);
            if builder.record_count() > 0 && bytes > limits::GROUP_BATCH_BYTES {
                self.append(owned, &Bytes::from(builder.build()?))?;
            }
            builder.append(now_ms, Some(&key), value, &[])?;
        }
        self.append(owned, &Bytes::from(builder.build()?))?;
        // Also with write caching the records are waited for: a coordinator's word is durable.
        Ok(self.last_pending(owned.quorum))
    }

    /// Reads a coordinator's log into a new state machine.
    pub(in crate::shard) async fn read_groups(
        &self,
        owned: &Rc<Owned>,
    ) -> Result<GroupCoordinator, ReadGroupsFailure> {
        while self.led(owned.key).is_none() {
            if self.is_fenced() || self.stopping.get() {
                return Err(ReadGroupsFailure::Stopped);
            }
            self.after_flush().await;
        }
        // What a coordinator before has written may be on its way.
        let pending = self.last_pending(owned.quorum);
        if !self.wait_applied(pending).await {
            return Err(ReadGroupsFailure::Stopped);
        }
        let mut machine = self.new_group_machine();
        let mut skipped = 0;
        let mut offset = owned.partition.borrow().log_start_offset();
        while offset < owned.partition.borrow().high_watermark() {
            let request = ReadRequest {
                key: owned.key,
                offset,
                bytes_max: limits::GROUP_READ_BYTES,
                at_least_one: true,
                current_leader_epoch: None,
                last_fetched_epoch: None,
            };
            let answer = self.read(&request, None).await;
            match answer.failure {
                None => {}
                // An admin has deleted what was to be read.
                Some(ReadFailure::OffsetOutOfRange) => {
                    let start = owned.partition.borrow().log_start_offset();
                    if start <= offset {
                        return Err(ReadGroupsFailure::Read(ReadFailure::OffsetOutOfRange));
                    }
                    offset = start;
                    continue;
                }
                Some(failure) => return Err(ReadGroupsFailure::Read(failure)),
            }
            let before = offset;
            for slice in &answer.records {
                for batch in batches(slice) {
                    let batch = batch?;
                    skipped += replay_batch(&mut machine, &batch, before)?;
                    offset = batch.header().last_offset() + 1;
                }
                if self.io.executor.should_yield() {
                    self.io.executor.yield_now().await;
                }
            }
            if offset <= before {
                return Err(ReadGroupsFailure::Missing(before));
            }
        }
        if skipped > 0 {
            let partition = owned.key.partition;
            tracing::warn!(
                shard = self.number,
                partition,
                skipped,
                "the log of a group coordinator has records that it does not know; they change nothing"
            );
        }
        Ok(machine)
    }
}

/// Replays the records of one batch at `from` and beyond; returns how many were none of a group coordinator's.
fn replay_batch(
    machine: &mut GroupCoordinator,
    batch: &RecordBatch<'_>,
    from: i64,
) -> Result<usize, ReadGroupsFailure> {
    if batch.header().attributes().is_control() {
        return Ok(0);
    }
    let mut skipped = 0;
    let payload_max = limits::DECOMPRESSED_BYTES_MAX;
    BatchFilter::default().walk(batch, payload_max, |record, offset| {
        if offset < from {
            return;
        }
        // What a log holds that Kafka's tools or a newer broker wrote is no reason to lose the rest.
        match GroupRecord::decode(record.key.unwrap_or_default(), record.value) {
            Ok(record) => machine.replay(&record),
            Err(_) => skipped += 1,
        }
    })?;
    Ok(skipped)
}
