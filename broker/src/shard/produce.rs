//! A produce on the shard that leads the partition: decide, propose, and say later whether it is committed.

use bytes::Bytes;

use super::{Owned, PartitionKey, ProduceFailure, Shard};
use crate::journal::frame::{Item, ItemKind};
use crate::metadata::is_internal;
use crate::partition::Decided;
use crate::partition::validate::one_batch;
use crate::planted::{self, Bug};
use crate::quorum::{Pending, ProposeError};

/// One partition's part of a Produce request.
#[derive(Debug, Clone)]
pub struct ProduceRequest {
    /// The bytes, as they came.
    pub records: Option<Bytes>,
    /// Version of the request.
    pub version: i16,
    /// -1, 0 or 1, if it is legal.
    pub acks: i16,
    /// Whether it comes from Kafka's own admin client, which may write to internal topics.
    pub internal_client: bool,
}

/// A produce that was decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProduceTicket {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Broker time it was stamped with, -1 for none.
    pub log_append_time_ms: i64,
    /// First offset of the partition.
    pub log_start_offset: i64,
    /// What its acknowledgement waits for; `None` with write caching.
    pub pending: Option<Pending>,
}

/// How far a produce has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It waits for its flush.
    Waiting,
    /// It is durable.
    Done,
    /// The journal failed; it may or may not be there.
    Failed,
}

/// Kafka's checks of the request before it looks for the partition's leader.
fn check_request(topic: &str, request: &ProduceRequest) -> Result<Bytes, ProduceFailure> {
    let batch = one_batch(request.records.as_ref(), request.version);
    let batch = batch.map_err(|error| ProduceFailure::Refused {
        error,
        log_start_offset: -1,
    })?;
    if !(-1..=1).contains(&request.acks) {
        return Err(ProduceFailure::InvalidAcks);
    }
    if is_internal(topic) && !request.internal_client {
        return Err(ProduceFailure::InternalTopic);
    }
    Ok(batch)
}

impl Shard {
    /// Decides on `request` and queues it for the next flush. Synchronous.
    pub fn produce(
        &self,
        key: PartitionKey,
        request: ProduceRequest,
    ) -> Result<ProduceTicket, ProduceFailure> {
        let decided = self.decide_produce(key, request);
        if decided.is_err() {
            self.metrics.failed_produces.add(1);
        }
        decided
    }

    fn decide_produce(
        &self,
        key: PartitionKey,
        request: ProduceRequest,
    ) -> Result<ProduceTicket, ProduceFailure> {
        let owned = self.owned(key).ok_or(ProduceFailure::NotLeader)?;
        let batch = check_request(&owned.topic, &request)?;
        self.append(&owned, &batch)
    }

    /// Decides on a batch that may be written, and queues it for the next flush.
    pub(in crate::shard) fn append(
        &self,
        owned: &Owned,
        batch: &Bytes,
    ) -> Result<ProduceTicket, ProduceFailure> {
        if self.quorums.borrow().is_fenced() || self.is_out_of_space() {
            owned.partition.borrow_mut().refuse(batch);
            return Err(ProduceFailure::Storage);
        }
        if self.stopping.get() || !self.quorums.borrow().is_open(owned.quorum) {
            owned.partition.borrow_mut().refuse(batch);
            return Err(ProduceFailure::NotLeader);
        }
        let mut partition = owned.partition.borrow_mut();
        let log_start_offset = partition.log_start_offset();
        let decided = partition
            .prepare(batch, self.io.clock.wall_ms())
            .map_err(|error| ProduceFailure::Refused {
                error: error.in_partition(&owned.topic, owned.key.partition),
                log_start_offset,
            })?;
        let cached = partition.config().write_caching;
        let (prepared, pending) = match decided {
            Decided::Duplicate {
                base_offset,
                log_append_time_ms,
            } => {
                let in_flight = base_offset >= partition.high_watermark();
                let pending = (in_flight && !planted::on(Bug::DuplicateAckedEarly))
                    .then(|| self.last_pending(owned.quorum));
                return Ok(ProduceTicket {
                    base_offset,
                    log_append_time_ms,
                    log_start_offset,
                    pending,
                });
            }
            Decided::Append(prepared) => {
                let item = Item {
                    kind: ItemKind::Batch,
                    topic_id: owned.key.topic_id,
                    partition: owned.key.partition,
                    offset: prepared.base_offset,
                    leader_epoch: prepared.leader_epoch,
                    log_append_time_ms: prepared.log_append_time_ms,
                    body: prepared.bytes.clone(),
                };
                let proposed = self.quorums.borrow_mut().propose(owned.quorum, item);
                (prepared, proposed)
            }
        };
        let pending = match pending {
            Ok(pending) => pending,
            Err(error) => {
                partition.unprepare(prepared.base_offset);
                return Err(match error {
                    ProposeError::NotReady => ProduceFailure::NotLeader,
                    ProposeError::Full => ProduceFailure::Full,
                    ProposeError::Fenced => ProduceFailure::Storage,
                });
            }
        };
        self.flush_wanted.set();
        let records = prepared.next_offset - prepared.base_offset;
        self.metrics.records_in.add(records as u64);
        self.metrics.bytes_in.add(prepared.bytes.len() as u64);
        let pending = (!cached).then_some(pending);
        Ok(ProduceTicket {
            base_offset: prepared.base_offset,
            log_append_time_ms: prepared.log_append_time_ms,
            log_start_offset,
            pending,
        })
    }

    /// The entry that commits everything prepared so far.
    pub(in crate::shard) fn last_pending(&self, quorum: usize) -> Pending {
        Pending {
            quorum,
            index: self.quorums.borrow().last_index(quorum),
        }
    }

    /// How far `ticket` has come.
    pub fn commit_of(&self, ticket: &ProduceTicket) -> Commit {
        let Some(pending) = ticket.pending else {
            return Commit::Done;
        };
        let quorums = self.quorums.borrow();
        let failed = quorums.is_fenced() && planted::on(Bug::FailureAcked);
        if failed || quorums.applied(pending.quorum) >= pending.index {
            Commit::Done
        } else if quorums.is_fenced() {
            Commit::Failed
        } else {
            Commit::Waiting
        }
    }

    /// Waits until `ticket` may be acknowledged.
    pub async fn wait_acknowledged(&self, ticket: &ProduceTicket) -> Result<(), ProduceFailure> {
        match ticket.pending {
            Some(pending) if !self.wait_applied(pending).await => Err(ProduceFailure::Storage),
            _ => Ok(()),
        }
    }

    /// Whether a produce of this size must wait because too much is neither flushed nor written back.
    pub fn must_wait(&self, bytes: usize) -> bool {
        let behind =
            self.quorums.borrow().is_full(bytes) || self.unstored_bytes() > self.dirty_bytes_max;
        behind && !self.is_fenced() && !self.is_out_of_space() && !self.stopping.get()
    }
}
