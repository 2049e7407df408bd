//! The direct way of a produce: when a frame would carry many bytes of a partition, they go to its segment, once, and the frame says
//! only that they are there. They are durable in the segment, and so is all of the partition before them, before the frame is
//! written: who finds the frame need not doubt them, and without it they were never there.
//!
//! Never decides on a produce, and never tells anybody of what no frame says.

use std::collections::VecDeque;
use std::path::Path;
use std::rc::{Rc, Weak};

use bytes::Bytes;
use futures_util::future::join_all;
use hashbrown::HashMap;
use protocol::record_batch::BatchHeader;

use super::recovery::StartError;
use super::{Owned, PartitionKey, Shard};
use crate::io::buffer::Slice;
use crate::journal::frame::{Item, ItemKind, Section};
use crate::journal::{Recovery, Sequence};
use crate::limits;
use crate::log::manifest;
use crate::log::stored::Stored;
use crate::log::{LogBatch, LogError, Stamp};
use crate::partition::TailBatch;
use crate::planted::{self, Bug};

/// What went to segments beside a frame. Until it is gone its partitions' logs take nothing else.
#[derive(Default)]
pub(super) struct Direct(Vec<Run>);

/// What went to one partition's segment.
struct Run {
    owned: Rc<Owned>,
    /// As the batches lie in memory now, those that the frame carries not; empty: the frame carries them.
    batches: VecDeque<Slice>,
    bytes: u64,
    landed: bool,
}

/// What went straight to segments and may still be in memory, the oldest first: up to which offset of which partition.
pub(super) type Kept = VecDeque<(Weak<Owned>, i64)>;

impl Drop for Run {
    fn drop(&mut self) {
        if !self.landed {
            self.owned.log.ahead_is_over();
        }
    }
}

/// The last of what frames say of each partition's segments, for a recovery. A partition that is removed may come again under the same
/// name, if its disk has lied: each time anew.
#[derive(Default)]
pub(super) struct Told(HashMap<PartitionKey, VecDeque<Option<Stored>>>);

impl Told {
    /// What is told of the partition as it is now.
    pub(super) fn of(&self, key: PartitionKey) -> Option<&Stored> {
        self.0.get(&key)?.front()?.as_ref()
    }

    /// The partition is removed.
    pub(super) fn forget(&mut self, key: PartitionKey) {
        if let Some(times) = self.0.get_mut(&key) {
            times.pop_front();
        }
    }

    fn set(&mut self, key: PartitionKey, stored: Stored) {
        let times = self.0.entry(key).or_default();
        times.pop_back();
        times.push_back(Some(stored));
    }

    fn begin_anew(&mut self, key: PartitionKey) {
        let times = self.0.entry(key).or_default();
        if times.is_empty() {
            times.push_back(None);
        }
        times.push_back(None);
    }
}

impl Shard {
    /// Stores what is worth it and puts into `sections` that it is stored. `None`: the shard is fenced.
    pub(super) async fn store_direct(&self, sections: &mut [Section<Bytes>]) -> Option<Direct> {
        let chosen = self.worth_it(sections);
        if chosen.is_empty() {
            return Some(Direct::default());
        }
        let stores = chosen.into_iter().map(|owned| async {
            let batches = to_store(&owned, sections);
            let stored = owned.log.store_ahead(&batches).await;
            (Run::new(owned), batches.len(), stored)
        });
        let mut direct = Direct::default();
        for (mut run, count, stored) in join_all(stores).await {
            match stored {
                Ok(written) if written.len() == count => run.take(written),
                // The frame carries them, and write-back tells of it if there is still no space then.
                Ok(_) | Err(LogError::NoSpace { .. }) => {}
                Err(error) => {
                    self.fence(&error.to_string());
                    return None;
                }
            }
            direct.0.push(run);
        }
        direct.put_into(sections, |quorum| self.manifest_sequence(quorum));
        Some(direct)
    }

    /// The partitions of which `sections` carry so many bytes that a write and a sync of their own cost less than a second copy.
    fn worth_it(&self, sections: &[Section<Bytes>]) -> Vec<Rc<Owned>> {
        let bytes_min = match self.tails.borrow().len() {
            ..=limits::DIRECT_PARTITIONS_FEW => self.config.direct_bytes_min,
            _ => self.config.direct_bytes_min.saturating_mul(2),
        };
        let mut bytes: HashMap<PartitionKey, u64> = HashMap::new();
        let total: usize = batches_of(sections).map(|item| item.body.len()).sum();
        if (total as u64) < bytes_min {
            return Vec::new();
        }
        for item in batches_of(sections) {
            *bytes.entry(key_of(item)).or_default() += item.body.len() as u64;
        }
        let mut worth: Vec<_> = bytes
            .into_iter()
            .filter(|(_, bytes)| *bytes >= bytes_min)
            .collect();
        // The order is the same in every run of a simulation.
        worth.sort_unstable_by_key(|(key, bytes)| (std::cmp::Reverse(*bytes), *key));
        worth.truncate(limits::DIRECT_PARTITIONS_PER_FRAME_MAX);
        let owned = worth.into_iter().filter_map(|(key, _)| self.owned(key));
        owned.filter(|owned| owned.may_go_direct()).collect()
    }

    /// What `direct` stored has been applied: the newest of it stays in memory for readers that keep up.
    pub(super) fn keep_stored(&self, direct: Direct) {
        let mut kept = self.kept.borrow_mut();
        for run in direct.0.iter().filter(|run| run.bytes > 0) {
            self.metrics.direct_bytes.add(run.bytes);
            let partition = run.owned.partition.borrow();
            if !run.owned.removed.get() {
                self.now_stored(&run.owned, partition.tail_bytes() as u64);
                kept.push_back((Rc::downgrade(&run.owned), partition.high_watermark()));
            }
        }
        let bytes_max =
            limits::STORED_BYTES_KEPT_MAX.min(self.dirty_bytes_max / limits::DIRTY_SHARE);
        while let Some((owned, next_offset)) = kept.front() {
            let owned = owned.upgrade().filter(|owned| !owned.removed.get());
            let here = owned.filter(|owned| owned.tail_start_offset() < *next_offset);
            if here.is_some() && self.stored_bytes.get() <= bytes_max {
                break;
            }
            if let Some(owned) = here {
                self.written_back(&owned, *next_offset);
            }
            kept.pop_front();
        }
    }

    /// So many of the oldest bytes of a partition's tail are in segments.
    pub(super) fn now_stored(&self, owned: &Owned, bytes: u64) {
        let before = owned.stored_bytes.replace(bytes);
        self.stored_bytes
            .set(self.stored_bytes.get() - before + bytes);
    }

    /// Bytes of tails that are in no segment yet.
    pub(super) fn unstored_bytes(&self) -> u64 {
        self.dirty_bytes.get() - self.stored_bytes.get()
    }

    /// A replay meets batches that are in a segment, and all before them with them.
    pub(super) fn apply_stored(&self, key: PartitionKey, body: &[u8]) {
        let Some(owned) = self.owned(key) else { return };
        let stored = Stored::decode(body).expect("all are read before the first is applied");
        for header in &stored.headers {
            let header = BatchHeader::parse(header).expect("just decoded");
            if header.base_offset() < owned.partition.borrow().high_watermark() {
                continue;
            }
            self.written_back(&owned, header.base_offset());
            owned.partition.borrow_mut().apply_stored(&header);
        }
    }
}

/// Reads the journal once through for what its frames say of segments, beside what the manifests of the quorums have: `known` gives the
/// index that a quorum's covers and the frame it was made from. So that nothing is written to a segment whose later bytes no frame
/// carries before it is known how far it reaches.
pub(super) async fn read_told(
    recovery: &mut Recovery,
    data: &Path,
    known: impl Fn(u32) -> Option<(u64, Sequence)>,
) -> Result<Told, StartError> {
    let mut told = Told::default();
    while let Some(frame) = recovery.look_ahead().await? {
        for section in &frame.sections {
            let Some((applied, manifest_sequence)) = known(section.quorum) else {
                continue;
            };
            let entries = section.entries.iter().filter(|entry| entry.index > applied);
            for item in entries.flat_map(|entry| &entry.items) {
                if item.kind == ItemKind::Stored && !planted::on(Bug::StoredNotLookedFor) {
                    let stored = Stored::decode(&item.body);
                    let stored = stored.ok_or(StartError::Stored {
                        sequence: frame.sequence,
                    })?;
                    if stored.manifest_sequence > manifest_sequence {
                        return Err(StartError::ManifestOld {
                            quorum: section.quorum,
                            path: manifest::path(data, section.quorum),
                            wanted: stored.manifest_sequence,
                        });
                    }
                    told.set(key_of(item), stored);
                } else if item.kind == ItemKind::PartitionRemove {
                    told.begin_anew(key_of(item));
                }
            }
        }
    }
    Ok(told)
}

impl Direct {
    /// Instead of batches that are in segments: that they are.
    fn put_into(
        &self,
        sections: &mut [Section<Bytes>],
        manifest_sequence: impl Fn(u32) -> Sequence,
    ) {
        let entries = sections.iter_mut().flat_map(|section| {
            let quorum = section.quorum;
            section.entries.iter_mut().map(move |entry| (quorum, entry))
        });
        let mut placed = vec![0; self.0.len()];
        for (quorum, entry) in entries {
            let mut stored: Vec<(PartitionKey, Item<Bytes>, Stored)> = Vec::new();
            entry.items.retain(|item| {
                let key = key_of(item);
                let run = self.0.iter().position(|run| run.owned.key == key);
                let run = run.filter(|_| item.kind == ItemKind::Batch);
                let Some(number) = run.filter(|number| !self.0[*number].batches.is_empty()) else {
                    return true;
                };
                let run = &self.0[number];
                let batch = &run.batches[placed[number]];
                placed[number] += 1;
                match stored.iter_mut().find(|(known, ..)| *known == key) {
                    Some((.., stored)) => stored.push(batch),
                    None => {
                        let mut first = Stored {
                            manifest_sequence: manifest_sequence(quorum),
                            segments: run.owned.log.told(),
                            headers: Vec::new(),
                        };
                        first.push(batch);
                        let item = Item {
                            kind: ItemKind::Stored,
                            body: Bytes::new(),
                            ..item.clone()
                        };
                        stored.push((key, item, first));
                    }
                }
                false
            });
            let items = stored.into_iter().map(|(_, item, stored)| Item {
                body: stored.encode(),
                ..item
            });
            entry.items.extend(items);
        }
    }

    /// The frame is durable: what it says is stored is in `sections` from here on, as if the frame had carried it.
    pub(super) fn landed(&mut self, sections: &mut [Section<Slice>]) {
        for entry in sections.iter_mut().flat_map(|section| &mut section.entries) {
            if entry.items.iter().all(|item| item.kind != ItemKind::Stored) {
                continue;
            }
            for item in std::mem::take(&mut entry.items) {
                if item.kind != ItemKind::Stored {
                    entry.items.push(item);
                    continue;
                }
                let key = key_of(&item);
                let run = self.0.iter_mut().find(|run| run.owned.key == key);
                let run = run.expect("it was stored");
                let stored = Stored::decode(&item.body).expect("it was encoded");
                for batch in run.batches.drain(..stored.headers.len()) {
                    let header = BatchHeader::parse(&batch).expect("batches are whole");
                    entry.items.push(Item {
                        kind: ItemKind::Batch,
                        offset: header.base_offset(),
                        body: batch,
                        ..item.clone()
                    });
                }
            }
        }
        for run in &mut self.0 {
            run.owned.log.ahead_is_over();
            run.landed = true;
        }
    }
}

impl Run {
    fn new(owned: Rc<Owned>) -> Self {
        Self {
            owned,
            batches: VecDeque::new(),
            bytes: 0,
            landed: false,
        }
    }

    /// Takes what was written; of it, what was in the tail before stays what it is there.
    fn take(&mut self, written: Vec<Slice>) {
        self.batches = written.into();
        self.bytes = self.batches.iter().map(|batch| batch.len() as u64).sum();
        let committed = self.owned.partition.borrow().high_watermark();
        let is_tail = |batch: &Slice| {
            let header = BatchHeader::parse(batch).expect("batches are whole");
            header.base_offset() < committed
        };
        while self.batches.front().is_some_and(is_tail) {
            self.batches.pop_front();
        }
    }
}

impl Owned {
    /// Not with much before it that is in no segment yet, which would have to go with it.
    fn may_go_direct(&self) -> bool {
        let partition = self.partition.borrow();
        !partition.config().compacted
            && self.log.may_store_ahead()
            && partition.tail_bytes_from(self.stored_offset()) <= limits::DIRECT_TAIL_BYTES_MAX
    }

    /// Below it everything is in segments.
    pub(super) fn stored_offset(&self) -> i64 {
        self.log.end_offset().unwrap_or(i64::MIN)
    }
}

/// What `sections` carry of a partition, and before it what of its tail is in no segment.
fn to_store(owned: &Owned, sections: &[Section<Bytes>]) -> Vec<LogBatch> {
    let partition = owned.partition.borrow();
    let stored = owned.stored_offset();
    let missing = |batch: &&TailBatch| batch.base_offset >= stored;
    let tail = partition
        .tail()
        .iter()
        .filter(missing)
        .map(LogBatch::of_tail);
    let new = batches_of(sections).filter(|item| key_of(item) == owned.key);
    let new = new.map(|item| {
        let header = BatchHeader::parse(&item.body).expect("batches are validated");
        LogBatch {
            base_offset: item.offset,
            last_offset: item.offset + i64::from(header.last_offset_delta()),
            max_timestamp: match item.log_append_time_ms {
                ..0 => header.max_timestamp(),
                time => time,
            },
            bytes: Slice::from(item.body.clone()),
            stamp: Some(Stamp {
                leader_epoch: item.leader_epoch,
                log_append_time_ms: item.log_append_time_ms,
            }),
        }
    });
    tail.chain(new).collect()
}

fn batches_of<B>(sections: &[Section<B>]) -> impl Iterator<Item = &Item<B>> {
    let entries = sections.iter().flat_map(|section| &section.entries);
    let items = entries.flat_map(|entry| &entry.items);
    items.filter(|item| item.kind == ItemKind::Batch)
}

fn key_of<B>(item: &Item<B>) -> PartitionKey {
    PartitionKey {
        topic_id: item.topic_id,
        partition: item.partition,
    }
}
