//! The tail goes to segments, and checkpoints make the journal's files free again. Background work of one shard; the only
//! writer of segments.

use std::rc::Rc;
use std::time::Duration;

use futures_lite::future::or;
use protocol::native::{PartitionManifest, QuorumManifest};

use super::{Owned, PartitionKey, Shard};
use crate::limits;
use crate::log::manifest::{Manifest, PartitionState};
use crate::log::{LogBatch, LogError};
use crate::metadata::CONTROLLER_QUORUM;

/// How long a full file system is left alone before the next try.
const SPACE_PAUSE: Duration = Duration::from_millis(500);

/// Where the shard stood when a checkpoint began.
struct Capture {
    manifests: Vec<(Manifest, Vec<Rc<Owned>>)>,
    sequence: u64,
}

impl Shard {
    /// Writes back and checkpoints until the shard stops.
    pub async fn run_write_back(self: Rc<Self>) {
        let interval = Duration::from_millis(self.config.checkpoint_interval_ms.max(1000));
        loop {
            let wanted = async {
                self.write_back_wanted.wait().await;
                false
            };
            let due = async {
                self.io.clock.sleep(interval).await;
                true
            };
            let due = or(wanted, due).await;
            if self.stopping.get() || self.quorums.borrow().is_fenced() {
                self.write_back_ended.set(true);
                return;
            }
            while self.dirty_bytes.get() > self.dirty_bytes_max / 4 && !self.stopping.get() {
                if !self.write_back_oldest().await {
                    break;
                }
            }
            let journal_half_full = self.journal.used_bytes() > self.journal.capacity_bytes() / 2;
            if (due && self.applied_sequence.get() > self.checkpointed_sequence.get())
                || journal_half_full
            {
                self.checkpoint().await;
            }
        }
    }

    /// Writes back the partition whose oldest frame is the oldest. False: nothing could be written.
    pub(in crate::shard) async fn write_back_oldest(&self) -> bool {
        let oldest = {
            let partitions = self.partitions.borrow();
            let with_tail = partitions.values().filter_map(|owned| {
                let sequence = owned.partition.borrow().tail().front()?.sequence;
                Some((sequence, owned.clone()))
            });
            with_tail.min_by_key(|(sequence, _)| *sequence)
        };
        match oldest {
            Some((_, owned)) => self.write_back(&owned, i64::MAX).await,
            None => false,
        }
    }

    /// Writes one piece of a partition's tail below `upper_offset` to its segment.
    async fn write_back(&self, owned: &Rc<Owned>, upper_offset: i64) -> bool {
        let batches: Vec<LogBatch> = {
            let partition = owned.partition.borrow();
            let tail = partition.write_back(limits::WRITE_BACK_BYTES_MAX as usize);
            tail.into_iter()
                .take_while(|batch| batch.last_offset < upper_offset)
                .map(|batch| LogBatch {
                    base_offset: batch.base_offset,
                    last_offset: batch.last_offset,
                    max_timestamp: batch.max_timestamp,
                    bytes: batch.bytes,
                })
                .collect()
        };
        let Some(last) = batches.last() else {
            return false;
        };
        match owned.log.append(&batches).await {
            Ok(()) => {
                let freed = owned
                    .partition
                    .borrow_mut()
                    .written_back(last.last_offset + 1);
                self.dirty_bytes
                    .set(self.dirty_bytes.get().saturating_sub(freed as u64));
                self.wake_flush_waiters();
                if self.out_of_space.replace(false) {
                    tracing::info!(
                        shard = self.number,
                        "there is space again; produces are taken"
                    );
                }
                true
            }
            Err(LogError::NoSpace { path }) => {
                self.wake_flush_waiters();
                if !self.out_of_space.replace(true) {
                    tracing::error!(path = %path.display(), "the file system is full: produces are refused until there is space, reads go on");
                }
                self.io.clock.sleep(SPACE_PAUSE).await;
                self.write_back_wanted.set();
                false
            }
            Err(error) => {
                self.fence(&error.to_string());
                false
            }
        }
    }

    /// Writes everything applied so far to segments, makes it durable, writes the manifests, frees journal files.
    pub async fn checkpoint(&self) -> bool {
        let mut capture = self.capture();
        for (manifest, owners) in &mut capture.manifests {
            for (state, owned) in manifest.partitions.iter_mut().zip(owners) {
                while owned.partition.borrow().tail_start_offset() < state.head.next_offset {
                    if !self.write_back(owned, state.head.next_offset).await {
                        return false;
                    }
                }
                state.segments = owned.log.segments();
            }
        }
        let synced = self.io.disk.sync_file_system(&self.data).await;
        if let Err(error) = synced {
            self.fence(&format!("syncing the file system: {error}"));
            return false;
        }
        for (manifest, _) in &capture.manifests {
            if let Err(error) = manifest.write(&self.io, &self.data).await {
                tracing::error!(%error, "a checkpoint could not be written; the journal keeps what it would have freed");
                return false;
            }
        }
        self.journal.recycle_below(capture.sequence);
        self.checkpointed_sequence.set(capture.sequence);
        self.wake_flush_waiters();
        true
    }

    /// Synchronous: every quorum's applied state, and what its partitions had reached with it.
    fn capture(&self) -> Capture {
        let quorums = self.quorums.borrow();
        let mut manifests: Vec<(Manifest, Vec<Rc<Owned>>)> = (0..quorums.len())
            .map(|place| {
                let replica = quorums.replica(place);
                let (applied_index, applied_term) = replica.applied();
                let hard_state = replica.hard_state();
                let quorum = QuorumManifest {
                    quorum: quorums.id(place).0,
                    applied_index,
                    applied_term,
                    term: hard_state.term,
                    vote: hard_state.vote,
                    commit: hard_state.commit.max(applied_index),
                    voters: replica.voters().iter().copied().collect(),
                };
                let snapshot = quorums.id(place) == CONTROLLER_QUORUM;
                let records = if snapshot {
                    self.committed_image.borrow().records()
                } else {
                    Vec::new()
                };
                (
                    Manifest {
                        quorum,
                        records,
                        partitions: Vec::new(),
                    },
                    Vec::new(),
                )
            })
            .collect();
        for (key, owned) in self.partitions.borrow().iter() {
            let (manifest, owners) = &mut manifests[owned.quorum];
            manifest.partitions.push(partition_state(*key, owned));
            owners.push(owned.clone());
        }
        Capture {
            manifests,
            sequence: self.applied_sequence.get(),
        }
    }

    /// Fills journal files ahead of their use.
    pub async fn run_fill(self: Rc<Self>) {
        loop {
            match self.journal.prepare_file().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "a journal file could not be made ahead of its use");
                    return;
                }
            }
            if self.stopping.get() {
                return;
            }
        }
    }

    /// A clean stop: everything is in segments and manifests, the next start reads little.
    pub async fn stop(&self) {
        self.stopping.set(true);
        self.wake_flush_waiters();
        self.flush_wanted.set();
        self.write_back_wanted.set();
        // Only one task writes segments: the last checkpoint waits for the loop to end.
        while self.quorums.borrow().wants_flush() || !self.write_back_ended.get() {
            self.write_back_wanted.set();
            self.io.clock.sleep(Duration::from_millis(1)).await;
        }
        if self.quorums.borrow().is_fenced() || !self.checkpoint().await {
            return;
        }
        let partitions: Vec<_> = self.partitions.borrow().values().cloned().collect();
        for owned in partitions {
            if let Err(error) = owned.log.trim().await {
                tracing::warn!(%error, "a segment keeps its preallocated end");
            }
        }
    }
}

fn partition_state(key: PartitionKey, owned: &Owned) -> PartitionState {
    let partition = owned.partition.borrow();
    PartitionState {
        head: PartitionManifest {
            topic_id: key.topic_id,
            partition: key.partition,
            added_term: owned.added_term,
            log_start_offset: partition.log_start_offset(),
            next_offset: partition.high_watermark(),
        },
        topic: owned.topic.to_string(),
        segments: Vec::new(),
        leader_epochs: partition.leader_epochs().entries().to_vec(),
        producers: partition.producers().encode(),
    }
}
