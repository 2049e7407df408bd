//! The tail goes to segments, and checkpoints make the journal's files free again. Background work of one shard; beside the direct
//! way the only writer of segments.

use std::cell::Cell;
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{self, FuturesUnordered, StreamExt as _};
use protocol::native::{PartitionManifest, QuorumManifest};

use super::{Owned, Shard};
use crate::journal::Sequence;
use crate::limits;
use crate::log::manifest::{Manifest, Origin, PartitionState};
use crate::log::{LogBatch, LogError, Segment};
use crate::metadata::CONTROLLER_QUORUM;
use crate::partition::TailBatch;
use crate::planted::{self, Bug};

/// How long a full file system is left alone before the next try.
const SPACE_PAUSE: Duration = Duration::from_millis(500);

/// Pause before a journal file that could not be made ahead is tried again.
const FILL_PAUSE: Duration = Duration::from_secs(5);

/// Longer syncs of the file system are told.
const SLOW_SYNC_MS: u64 = 5000;

/// Between two rounds of a checkpoint that nothing waits for.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(limits::CHECKPOINT_PAUSE_MS);

/// A partition, and the offset below which it is to be written back.
type Due = (Rc<Owned>, i64);

/// Where the shard stood when a checkpoint began.
struct Capture {
    manifests: Vec<(Manifest, Vec<Rc<Owned>>)>,
    /// All entries up to this frame are in what the manifests say.
    sequence: Sequence,
}

impl Capture {
    /// What is not in segments yet of what it covers, the oldest first.
    fn due(&self) -> VecDeque<Due> {
        let mut due = Vec::new();
        for (manifest, owners) in &self.manifests {
            due.extend(
                manifest
                    .partitions
                    .iter()
                    .zip(owners)
                    .filter_map(|(state, owned)| {
                        let oldest = owned.partition.borrow().tail().front()?.sequence;
                        let behind = owned.stored_offset() < state.head.next_offset;
                        behind
                            .then(|| ((oldest, owned.key), (owned.clone(), state.head.next_offset)))
                    }),
            );
        }
        due.sort_unstable_by_key(|(oldest, _)| *oldest);
        due.into_iter().map(|(_, due)| due).collect()
    }
}

impl Shard {
    /// Writes back and checkpoints until the shard stops.
    pub async fn run_write_back(self: Rc<Self>) {
        let interval = Duration::from_millis(self.config.checkpoint_interval_ms.max(1000));
        loop {
            let wanted = &self.write_back_wanted;
            let due = !wanted.wait_at_most(&*self.io.clock, interval).await;
            if self.flush_ended.get() {
                self.write_back_ended.set();
                return;
            }
            if self.is_fenced() {
                continue;
            }
            // A disk that does not keep up is behind for as long as producers go on, but what fills the journal is due in time.
            while self.is_behind() && !self.stopping.get() && !self.is_journal_half_full() {
                if !self.write_back_oldest().await {
                    break;
                }
            }
            if self.tails.borrow().is_empty() {
                // Its topics may have been deleted meanwhile.
                self.there_is_space(&self.out_of_space.segments);
            }
            let changed = self.applied_sequence.get() > self.checkpointed_sequence.get()
                || self.compaction.has_replaced();
            if ((due && changed) || self.is_journal_half_full()) && !self.checkpoint().await {
                // Somebody may wait for the room that it would have made.
                self.io.clock.sleep(SPACE_PAUSE).await;
                self.write_back_wanted.set();
            }
        }
    }

    fn is_journal_half_full(&self) -> bool {
        self.journal.used_bytes() > self.journal.capacity_bytes() / 2
    }

    /// Whether more waits for write-back than is to stay in memory.
    pub(in crate::shard) fn is_behind(&self) -> bool {
        self.unstored_bytes() > self.dirty_bytes_max / limits::DIRTY_SHARE
    }

    /// Writes back one piece of each of the partitions whose oldest frames are the oldest. False: not all could be written.
    pub(in crate::shard) async fn write_back_oldest(&self) -> bool {
        let oldest = {
            let (tails, partitions) = (self.tails.borrow(), self.partitions.borrow());
            let mut oldest = tails.iter();
            let next = || {
                let (_, key) = oldest.next()?;
                Some((partitions[key].clone(), i64::MAX))
            };
            next_round(next, limits::WRITE_BACK_BYTES_IN_FLIGHT_MAX)
        };
        self.write_back_round(&oldest).await && !oldest.is_empty()
    }

    /// Writes back one piece of each. False: not all could be written.
    async fn write_back_round(&self, round: &[Due]) -> bool {
        let written = round
            .iter()
            .map(|(owned, upper_offset)| self.write_back(owned, *upper_offset))
            .collect::<FuturesUnordered<_>>();
        // All of them to their ends, whatever becomes of one: an append that is dropped halfway is never over.
        let all = written.fold(true, |all, one| std::future::ready(all && one));
        all.await
    }

    /// Writes back everything below the offset given with each partition, as steadily as bytes come: written at once it would hold
    /// up every flush of the journal. False: not all could be written.
    async fn write_back_below(&self, mut due: VecDeque<Due>) -> bool {
        while !due.is_empty() {
            let used_bytes = self.journal.used_bytes();
            let hurries = self.stopping.get()
                || self.is_behind()
                || used_bytes > self.journal.capacity_bytes() / 4 * 3;
            let room = match hurries {
                true => limits::WRITE_BACK_BYTES_IN_FLIGHT_MAX,
                false => limits::WRITE_BACK_BYTES_MAX,
            };
            let round = next_round(|| due.pop_front(), room);
            if !self.write_back_round(&round).await {
                return false;
            }
            let rest = |(owned, upper_offset): &Due| {
                !owned.removed.get() && owned.tail_start_offset() < *upper_offset
            };
            due.extend(round.into_iter().filter(rest));
            if !hurries {
                self.io.clock.sleep(CHECKPOINT_PAUSE).await;
            }
        }
        true
    }

    /// Writes one piece of a partition's tail below `upper_offset` to its segment. False: it could not. A shard that is fenced
    /// writes nothing more: the file whose write failed is never written to again, and no checkpoint would count it.
    async fn write_back(&self, owned: &Rc<Owned>, upper_offset: i64) -> bool {
        if self.is_fenced() {
            return false;
        }
        owned.log.wait_idle().await;
        let batches = next_piece(owned, upper_offset);
        if batches.is_empty() {
            return true;
        }
        let next_offset = batches
            .last()
            .map_or(upper_offset, |last| last.last_offset + 1);
        let stored = owned.stored_offset();
        let missing = batches.iter().filter(|batch| batch.base_offset >= stored);
        let missing: usize = missing.map(|batch| batch.bytes.len()).sum();
        let appended = owned.log.append(&batches).await;
        if owned.removed.get() {
            return true;
        }
        match appended {
            Ok(()) => {
                self.metrics.write_back_bytes.add(missing as u64);
                self.written_back(owned, next_offset);
                true
            }
            Err(LogError::NoSpace { path }) => {
                self.wait_for_space(&self.out_of_space.segments, &path)
                    .await;
                self.write_back_wanted.set();
                false
            }
            Err(error) => {
                self.fence(&error.to_string());
                false
            }
        }
    }

    /// Everything below `next_offset` is in segments: it leaves the tail.
    pub(in crate::shard) fn written_back(&self, owned: &Owned, next_offset: i64) {
        let mut partition = owned.partition.borrow_mut();
        let oldest = partition.tail().front().map(|front| front.sequence);
        let freed = partition.written_back(next_offset) as u64;
        let Some(sequence) = oldest.filter(|_| freed > 0) else {
            return;
        };
        let mut tails = self.tails.borrow_mut();
        let listed = tails.remove(&(sequence, owned.key));
        assert!(listed, "a partition with a tail is listed");
        if let Some(front) = partition.tail().front() {
            tails.insert((front.sequence, owned.key));
        }
        self.dirty_bytes.set(self.dirty_bytes.get() - freed);
        self.now_stored(owned, owned.stored_bytes.get().saturating_sub(freed));
        self.wake_flush_waiters();
        self.there_is_space(&self.out_of_space.segments);
    }

    /// Whether produces are refused although the journal is well: the file system is full.
    pub(in crate::shard) fn is_out_of_space(&self) -> bool {
        self.out_of_space.segments.get() || self.out_of_space.journal.get()
    }

    /// Refuses produces for the reason `wants`, and leaves the full file system alone for a while.
    pub(in crate::shard) async fn wait_for_space(&self, wants: &Cell<bool>, path: &Path) {
        let told = self.is_out_of_space();
        wants.set(true);
        if !told {
            tracing::error!(path = %path.display(), "the file system is full: produces are refused until there is space, reads go on");
        }
        // Produces that wait for room are refused now.
        self.wake_flush_waiters();
        self.io.clock.sleep(SPACE_PAUSE).await;
    }

    /// Something could be written, or nothing is left that `wants` to be.
    pub(in crate::shard) fn there_is_space(&self, wants: &Cell<bool>) {
        if wants.replace(false) && !self.is_out_of_space() {
            tracing::info!(
                shard = self.number,
                "there is space again; produces are taken"
            );
        }
    }

    /// Writes everything applied so far to segments, makes it durable, writes the manifests, frees journal files. A shard that
    /// is fenced makes none: after a failed sync, one that works says nothing of what was written before.
    pub async fn checkpoint(&self) -> bool {
        if self.is_fenced() {
            return false;
        }
        let mut capture = self.capture();
        if !self.write_back_below(capture.due()).await {
            return false;
        }
        let owners = capture.manifests.iter().flat_map(|(_, owners)| owners);
        stream::iter(owners)
            .for_each_concurrent(limits::WRITE_BACKS_IN_FLIGHT, |owned| owned.log.settle())
            .await;
        // What compaction replaces from here on waits for the next checkpoint.
        let mut replaced = Vec::new();
        for (manifest, owners) in &mut capture.manifests {
            // Segments may reach beyond what else the manifest says, by what went straight to them meanwhile: the journal must, too.
            manifest.origin.sequence = self.applied_sequence.get();
            for (state, owned) in manifest.partitions.iter_mut().zip(owners) {
                // One that was removed meanwhile may end before what the manifest says of it. The journal has its removal, and what
                // recovery has to write of it before that begins anew.
                state.segments = match owned.removed.get() {
                    true => Vec::new(),
                    false => owned.log.segments(),
                };
                state.cleaned_offset = owned.log.cleaned_offset();
                if owned.log.replaced() > 0 {
                    replaced.push((manifest.quorum.quorum, owned.clone(), owned.log.replaced()));
                }
            }
        }
        if !planted::on(Bug::CheckpointBeforeSync) && !self.sync_segments().await {
            return false;
        }
        if self.is_fenced() {
            return false;
        }
        if planted::on(Bug::RecycledTooEarly) {
            self.journal.recycle_below(capture.sequence);
        }
        for (manifest, owners) in &capture.manifests {
            // What a quorum carries changes only by its entries, and by compaction.
            let quorum = &manifest.quorum;
            let compacted = replaced
                .iter()
                .any(|(changed, ..)| *changed == quorum.quorum);
            if !compacted && self.checkpointed.borrow().get(&quorum.quorum) == Some(quorum) {
                continue;
            }
            if let Err(error) = manifest.write(&self.io, &self.data).await {
                tracing::error!(%error, "a checkpoint could not be written; the journal keeps what it would have freed");
                return false;
            }
            self.checkpointed
                .borrow_mut()
                .insert(quorum.quorum, quorum.clone());
            self.manifest_sequences
                .borrow_mut()
                .insert(quorum.quorum, manifest.origin.sequence);
            for (state, owned) in manifest.partitions.iter().zip(owners) {
                owned.log.checkpointed(&state.segments);
            }
        }
        for (_, owned, count) in replaced {
            self.release_replaced(&owned, count);
        }
        self.journal.recycle_below(capture.sequence);
        self.checkpointed_sequence.set(capture.sequence);
        self.metrics.checkpoints.add(1);
        self.wake_flush_waiters();
        true
    }

    /// The frame that the manifest of a quorum was made from, 0: there is none.
    pub(in crate::shard) fn manifest_sequence(&self, quorum: u32) -> Sequence {
        let sequences = self.manifest_sequences.borrow();
        sequences.get(&quorum).copied().unwrap_or(0)
    }

    /// Makes all that was written to segments and indexes durable, with their names.
    async fn sync_segments(&self) -> bool {
        let before = self.io.clock.now();
        let synced = self.io.disk.sync_file_system(&self.data).await;
        let took_ms = self.io.clock.now().since_ns(before) / 1_000_000;
        if took_ms > SLOW_SYNC_MS {
            tracing::warn!(
                shard = self.number,
                took_ms,
                "syncing the file system was slow: produces wait if the journal fills meanwhile. Give the data directory a file system of its own"
            );
        }
        match synced {
            Ok(()) => true,
            Err(error) => {
                self.fence(&format!("syncing the file system: {error}"));
                false
            }
        }
    }

    /// Synchronous: every quorum's applied state, and what its partitions had reached with it.
    fn capture(&self) -> Capture {
        let unapplied = self.quorums.borrow().oldest_unapplied();
        let applied = self.applied_sequence.get();
        Capture {
            manifests: self.manifests(),
            sequence: unapplied.map_or(applied, |oldest| applied.min(oldest - 1)),
        }
    }

    /// All that a recovery brings back, segments aside, by quorum: its applied state and its partitions with theirs.
    pub fn manifests(&self) -> Vec<(Manifest, Vec<Rc<Owned>>)> {
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
                let (records, image_version) = if snapshot {
                    let image = self.committed_image.borrow();
                    (image.records(), image.version)
                } else {
                    (Vec::new(), self.followed_version.get())
                };
                let origin = Origin {
                    journal_id: self.journal_id,
                    sequence: self.applied_sequence.get(),
                    image_version,
                };
                (
                    Manifest {
                        origin,
                        quorum,
                        records,
                        partitions: Vec::new(),
                    },
                    Vec::new(),
                )
            })
            .collect();
        for owned in self.partitions.borrow().values() {
            let (manifest, owners) = &mut manifests[owned.quorum];
            manifest.partitions.push(partition_state(owned));
            owners.push(owned.clone());
        }
        manifests
    }

    /// Fills journal files ahead of their use. Where that fails it is tried again later: nothing is lost, and space may return.
    pub async fn run_fill(self: Rc<Self>) {
        let mut told = false;
        while !self.stopping.get() {
            match self.journal.prepare_file().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(%error, "a journal file could not be made ahead of its use; trying again");
                    }
                    self.io.clock.sleep(FILL_PAUSE).await;
                }
            }
        }
    }

    /// A clean stop: everything is in segments and manifests, the next start reads little.
    pub async fn stop(&self) {
        self.stopping.set(true);
        self.compaction.stop();
        self.wake_flush_waiters();
        self.flush_wanted.set();
        // Only one task writes segments: the last checkpoint comes after the loop.
        self.write_back_ended.wait().await;
        if self.is_fenced() {
            return;
        }
        if self.checkpoint().await {
            self.trim_segments().await;
        }
    }

    async fn trim_segments(&self) {
        let partitions: Vec<_> = self.partitions.borrow().values().cloned().collect();
        for owned in partitions {
            if let Err(error) = owned.log.trim().await {
                tracing::warn!(topic = %owned.topic, partition = owned.key.partition, %error, "a segment keeps its preallocated end");
            }
        }
    }
}

impl Owned {
    /// Bytes of its tail that `segments`, which are its own, do not have: what is in segments may still be in memory.
    pub(in crate::shard) fn tail_bytes_beyond(&self, segments: &[Segment]) -> u64 {
        let stored = segments.last().map_or(0, |last| last.next_offset);
        self.partition.borrow().tail_bytes_from(stored) as u64
    }

    pub(in crate::shard) fn tail_start_offset(&self) -> i64 {
        self.partition.borrow().tail_start_offset()
    }
}

/// As many of what `next` gives as have pieces of `room` bytes, and one at least.
fn next_round(mut next: impl FnMut() -> Option<Due>, room: u64) -> Vec<Due> {
    let (mut round, mut bytes) = (Vec::new(), 0);
    while bytes < room
        && round.len() < limits::WRITE_BACKS_IN_FLIGHT
        && let Some(due) = next()
    {
        let tail_bytes = due.0.partition.borrow().tail_bytes() as u64;
        bytes += tail_bytes.min(limits::WRITE_BACK_BYTES_MAX);
        round.push(due);
    }
    round
}

impl LogBatch {
    /// A batch of the tail, which is final.
    pub(in crate::shard) fn of_tail(batch: &TailBatch) -> Self {
        Self {
            base_offset: batch.base_offset,
            last_offset: batch.last_offset,
            max_timestamp: batch.max_timestamp,
            bytes: batch.bytes.clone(),
            stamp: None,
        }
    }
}

/// The oldest batches of a partition's tail below `upper_offset`, as many as one write takes.
fn next_piece(owned: &Owned, upper_offset: i64) -> Vec<LogBatch> {
    let partition = owned.partition.borrow();
    let piece = partition.write_back(limits::WRITE_BACK_BYTES_MAX as usize);
    piece
        .into_iter()
        .take_while(|batch| batch.last_offset < upper_offset)
        .map(|batch| LogBatch::of_tail(&batch))
        .collect()
}

fn partition_state(owned: &Owned) -> PartitionState {
    let partition = owned.partition.borrow();
    PartitionState {
        head: PartitionManifest {
            topic_id: owned.key.topic_id,
            partition: owned.key.partition,
            added_term: owned.added_term,
            log_start_offset: partition.log_start_offset(),
            next_offset: partition.high_watermark(),
        },
        topic: owned.topic.clone(),
        segments: Vec::new(),
        cleaned_offset: 0,
        leader_epochs: partition.leader_epochs().entries().to_vec(),
        producers: partition.producers().encode(),
    }
}
