//! The log of one partition on disk: segments of Kafka record batches, byte for byte as on the wire, and nothing else.
//!
//! A partition has no directory, file or descriptor until its first write-back. Appends overwrite what lies past the
//! committed end and never truncate an active segment: a segment is cut when the next one begins. It knows no journal: what is
//! durable is the caller's business, and a manifest says how far the segments of a restart may be believed.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use protocol::record_batch;

use crate::io::buffer::{ALIGNMENT, Slice, WriteBuffer, align_down, align_up};
use crate::io::disk::{File, OpenMode};
use crate::io::executor::Signal;
use crate::limits;
use crate::planted::{self, Bug};

mod ahead;
pub mod compaction;
mod directory;
pub mod format;
pub mod index;
mod index_file;
mod lru;
pub mod manifest;
mod read_ahead;
pub mod reader;
mod removal;
pub mod retention;
mod rewrite;
mod segment_reader;
pub mod stored;

pub use directory::LogDirectory;
use directory::SegmentKey;
pub use format::{RollRule, Segment, SegmentId};
use index::{BatchExtent, SegmentIndex};
pub use rewrite::{Compacted, CompactionFailure, CompactionOrder};

/// One whole batch, final, on its way to a segment.
#[derive(Debug, Clone)]
pub struct LogBatch {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Largest timestamp in it, ms.
    pub max_timestamp: i64,
    /// Its bytes.
    pub bytes: Slice,
    /// What it is still to be given when it is copied; `None`: it is final.
    pub stamp: Option<Stamp>,
}

impl LogBatch {
    fn extent(&self) -> BatchExtent {
        BatchExtent {
            base_offset: self.base_offset,
            last_offset: self.last_offset,
            max_timestamp: self.max_timestamp,
            bytes: self.bytes.len(),
        }
    }
}

/// What a batch is given beside its base offset: see [`record_batch::stamp`].
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The leader epoch it was decided on in.
    pub leader_epoch: i32,
    /// The broker's time, ms, negative: none.
    pub log_append_time_ms: i64,
}

/// Why a log operation failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system is full; nothing was appended.
    #[error("{path}: no space left")]
    NoSpace {
        /// The file.
        path: PathBuf,
    },
    /// The device or file system failed.
    #[error("{path} at byte {position}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
        /// What it said.
        source: io::Error,
    },
    /// What is there is not what was written.
    #[error("{path} at byte {position}: {problem}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
        /// What is wrong.
        problem: String,
    },
}

impl LogError {
    fn io(path: &Path, position: u64, source: io::Error) -> Self {
        let path = path.to_owned();
        // The runtime wraps the system's errors: their kind survives, their number may not.
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            io::ErrorKind::NotFound => Self::Corrupt {
                path,
                position,
                problem: "the file is missing".to_owned(),
            },
            _ => Self::Io {
                path,
                position,
                source,
            },
        }
    }
}

/// The log of one partition.
pub struct PartitionLog {
    shared: Rc<LogDirectory>,
    topic_id: u128,
    partition: i32,
    directory: PathBuf,
    roll: Cell<RollRule>,
    state: RefCell<State>,
    /// An append runs, or what was stored ahead is not committed yet. One at a time.
    appending: Cell<bool>,
    /// Set when that is over.
    append_ended: Signal,
    /// Somebody waits for that.
    awaited: Cell<bool>,
    /// The segments without what is stored ahead and not committed yet.
    committed: RefCell<Option<Vec<Segment>>>,
    /// Set when an append or a compaction ends after the removal began.
    write_ended: Signal,
    removed: Cell<bool>,
    /// What earlier runs left below the active segment is gone.
    swept: Cell<Swept>,
    /// A compaction runs. One at a time.
    rewriting: Cell<bool>,
}

/// How far [`PartitionLog::sweep`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swept {
    NotYet,
    Running,
    Done,
}

struct State {
    /// By offset; the last one is active, all others are sealed.
    segments: Vec<Segment>,
    /// After the last record that was ever in a segment: those may have been forgotten while it is still in memory.
    end_offset: Option<i64>,
    /// Whose places compaction has given to others, while a restart would still begin with them.
    replaced: Vec<Segment>,
    /// Every key below this offset has been seen by compaction.
    cleaned_offset: i64,
    /// Bytes of the active segment past its last whole block; `None` while the partition is idle: read back by the next append.
    carry: Option<Vec<u8>>,
    /// They were read back, and nothing was written since.
    recalled: bool,
    /// Nothing was appended since it was last settled.
    settled: bool,
    /// Marks of the active segment since it was last settled.
    recent: SegmentIndex,
    /// How far the active segment's index file reaches, bytes of the segment.
    index_saved_bytes: u64,
    /// Size of the active segment's file, as far as this run has made it.
    allocated_bytes: u64,
    directory_made: bool,
    /// Segments that were written to and not synced since, by themselves or by a checkpoint.
    unsynced: Vec<SegmentId>,
    /// A segment was begun whose name may not be durable.
    unnamed: bool,
    /// The manifest that a restart begins with has all segments that begin below this offset as they are.
    manifest_offset: i64,
}

impl State {
    fn filled(&self) -> Vec<Segment> {
        let filled = self.segments.iter().filter(|segment| segment.bytes > 0);
        filled.copied().collect()
    }

    fn new(segments: Vec<Segment>, cleaned_offset: i64) -> Self {
        let active = segments.last().copied().unwrap_or(Segment::new(0, 0));
        Self {
            carry: (active.bytes == 0).then(Vec::new),
            recalled: false,
            settled: true,
            recent: SegmentIndex::starting_at(active.base_offset(), active.end()),
            index_saved_bytes: 0,
            allocated_bytes: 0,
            directory_made: false,
            end_offset: segments.last().map(|last| last.next_offset),
            unsynced: Vec::new(),
            unnamed: false,
            manifest_offset: segments.last().map_or(i64::MIN, Segment::base_offset),
            segments,
            replaced: Vec::new(),
            cleaned_offset,
        }
    }
}

impl PartitionLog {
    /// An empty log; touches nothing.
    pub fn new(shared: Rc<LogDirectory>, topic: &str, partition: i32, topic_id: u128) -> Self {
        let name = format::directory_name(topic, partition, topic_id);
        Self {
            directory: shared.root().join(name),
            shared,
            topic_id,
            partition,
            roll: Cell::new(RollRule {
                bytes_max: 1 << 30,
                age_ms_max: i64::MAX,
            }),
            state: RefCell::new(State::new(Vec::new(), 0)),
            appending: Cell::new(false),
            append_ended: Signal::default(),
            awaited: Cell::new(false),
            committed: RefCell::default(),
            write_ended: Signal::default(),
            removed: Cell::new(false),
            swept: Cell::new(Swept::NotYet),
            rewriting: Cell::new(false),
        }
    }

    /// Continues from what a manifest says; opens nothing.
    pub fn restore(&self, segments: Vec<Segment>, cleaned_offset: i64) {
        *self.state.borrow_mut() = State::new(segments, cleaned_offset);
    }

    /// When segments roll: `segment.bytes` and `segment.ms`.
    pub fn configure(&self, segment_bytes_max: u64, segment_ms: i64) {
        self.roll.set(RollRule {
            bytes_max: segment_bytes_max,
            age_ms_max: segment_ms,
        });
    }

    /// Its segments as far as they are committed, oldest first; one without a batch is left out: it is begun again.
    pub fn segments(&self) -> Vec<Segment> {
        match &*self.committed.borrow() {
            Some(committed) => committed.clone(),
            None => self.state.borrow().filled(),
        }
    }

    /// The offset after the last record that was ever in it, stored ahead or not; `None` if it never had one.
    pub fn end_offset(&self) -> Option<i64> {
        self.state.borrow().end_offset
    }

    /// The largest timestamp in it, ms; `None` without segments.
    pub fn max_timestamp(&self) -> Option<i64> {
        let segments = self.segments();
        segments.iter().map(|segment| segment.max_timestamp).max()
    }

    fn path(&self, name: String) -> PathBuf {
        self.directory.join(name)
    }

    fn key(&self, id: SegmentId) -> SegmentKey {
        SegmentKey {
            topic_id: self.topic_id,
            partition: self.partition,
            id,
        }
    }

    fn active(&self) -> Option<Segment> {
        self.state.borrow().segments.last().copied()
    }

    /// Appends `batches`, which follow each other and the end of the log. Those that are in it already are passed over: an
    /// append that failed half-way is repeated as it was, and overwrites whatever it wrote beyond the end. Of a log that is
    /// being removed nothing is written, without an error.
    ///
    /// # Errors
    /// [`LogError::NoSpace`] may be tried again; after any other the file must not be written any more.
    pub async fn append(&self, batches: &[LogBatch]) -> Result<(), LogError> {
        assert!(!self.appending.replace(true), "one append at a time");
        let done = self.append_all(batches).await.map(drop);
        self.append_is_over();
        if self.removed.get() { Ok(()) } else { done }
    }

    /// Waits as an append does, and keeps others from one until [`PartitionLog::append_is_over`].
    async fn hold(&self) {
        self.wait_idle().await;
        assert!(!self.appending.replace(true), "it was idle");
    }

    fn append_is_over(&self) {
        self.appending.set(false);
        let mut state = self.state.borrow_mut();
        if std::mem::take(&mut state.recalled) {
            // There was no space. When there is some, the file may have been restored from a copy.
            state.carry = None;
        }
        drop(state);
        self.append_ended.set();
        self.write_is_over();
    }

    fn write_is_over(&self) {
        if self.removed.get() {
            self.write_ended.set();
        }
    }

    /// Gives those that were written as they lie in memory now.
    async fn append_all(&self, batches: &[LogBatch]) -> Result<Vec<Slice>, LogError> {
        let mut written = Vec::new();
        let end = self.end_offset().unwrap_or(i64::MIN);
        let known = batches.partition_point(|batch| batch.last_offset < end);
        let mut rest = &batches[known..];
        while let Some(first) = rest.first()
            && !self.removed.get()
        {
            match self.active() {
                None => self.begin_segment(first.base_offset).await?,
                Some(active) => {
                    assert_eq!(active.next_offset, first.base_offset, "the log has no gaps");
                    let now_ms = self.shared.io.clock.wall_ms();
                    if self.roll.get().must_roll(&active, &first.extent(), now_ms) {
                        self.seal(&active).await?;
                        self.begin_segment(first.base_offset).await?;
                    } else if let Err(damage) = self.recall_end(&active).await? {
                        tracing::error!(error = %damage, "a segment cannot be continued; it stays as it is, and the log goes on in another");
                        self.begin_segment(first.base_offset).await?;
                    }
                }
            }
            let count = self.fitting(rest);
            self.write(&rest[..count], &mut written).await?;
            rest = &rest[count..];
        }
        Ok(written)
    }

    /// How many of `batches` the active segment takes; one at least, since it was rolled for the first.
    fn fitting(&self, batches: &[LogBatch]) -> usize {
        let (rule, now_ms) = (self.roll.get(), self.shared.io.clock.wall_ms());
        let mut active = self.active().expect("one was begun");
        let fits = |batch: &&LogBatch| {
            let fits = !rule.must_roll(&active, &batch.extent(), now_ms);
            active.appended(&batch.extent());
            fits
        };
        batches.iter().take_while(fits).count().max(1)
    }

    /// Cuts the active segment to its bytes and writes its index. It is durable with the next checkpoint.
    async fn seal(&self, active: &Segment) -> Result<(), LogError> {
        let path = self.path(active.id.segment_name());
        let opened = self.open(active.id, &path, OpenMode::ReadWrite).await;
        match opened {
            Ok(file) => {
                // Never longer: what a damaged one lacks stays missing.
                if file
                    .bytes()
                    .map_err(|error| LogError::io(&path, 0, error))?
                    > active.bytes
                {
                    let cut = file.truncate(active.bytes).await;
                    cut.map_err(|error| LogError::io(&path, active.bytes, error))?;
                }
            }
            Err(error @ LogError::Corrupt { .. }) => {
                tracing::error!(%error, "a segment cannot be sealed");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.seal_index(active).await;
        Ok(())
    }

    async fn begin_segment(&self, base_offset: i64) -> Result<(), LogError> {
        if !self.state.borrow().directory_made {
            let made = self.shared.io.disk.create_directory(&self.directory).await;
            if !made.map_err(|error| LogError::io(&self.directory, 0, error))? {
                self.remove_left_over().await?;
            }
        }
        let segment = Segment::new(base_offset, self.shared.io.clock.wall_ms());
        let mut state = self.state.borrow_mut();
        state.directory_made = true;
        state.unnamed = true;
        state.segments.push(segment);
        state.carry = Some(Vec::new());
        state.recalled = false;
        state.recent = SegmentIndex::starting_at(base_offset, segment.start());
        state.index_saved_bytes = 0;
        state.allocated_bytes = 0;
        Ok(())
    }

    /// A run that ended without a checkpoint may have left segments that this one does not know: their records came again
    /// from the journal, and may stand in other segments now.
    async fn remove_left_over(&self) -> Result<(), LogError> {
        let failed = |error| LogError::io(&self.directory, 0, error);
        let known = self.active().map(|active| active.base_offset());
        for entry in self
            .shared
            .io
            .disk
            .list(&self.directory)
            .await
            .map_err(failed)?
        {
            if SegmentId::of_name(&entry.name).is_some_and(|id| Some(id.base_offset) > known) {
                let path = self.path(entry.name);
                tracing::info!(path = %path.display(), "removing a segment that no checkpoint knows; its records come from the journal");
                self.shared.io.disk.remove(&path).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    async fn open(
        &self,
        id: SegmentId,
        path: &Path,
        mode: OpenMode,
    ) -> Result<Rc<dyn File>, LogError> {
        self.shared.open(self.key(id), path, mode).await
    }

    /// Reads back the bytes before the end in its block, if they are not remembered. The inner error: the segment is damaged,
    /// and can only be left as it is.
    async fn recall_end(&self, active: &Segment) -> Result<Result<(), LogError>, LogError> {
        if self.state.borrow().carry.is_some() {
            return Ok(Ok(()));
        }
        let path = self.path(active.id.segment_name());
        let end = active.bytes;
        let start = align_down(end);
        let read = async {
            let file = self.open(active.id, &path, OpenMode::ReadWrite).await?;
            let present = file
                .bytes()
                .map_err(|error| LogError::io(&path, end, error))?;
            if present < end {
                return Err(LogError::Corrupt {
                    path: path.clone(),
                    position: present,
                    problem: format!("the file ends before the segment's {end} bytes"),
                });
            }
            let needed = (end - start) as usize;
            if needed == 0 {
                return Ok(Vec::new());
            }
            let block = file.read_at(start, ALIGNMENT).await;
            let block = block.map_err(|error| LogError::io(&path, start, error))?;
            let carry = block.get(..needed).map(<[u8]>::to_vec);
            let carry = carry.map(|block| match planted::on(Bug::BlockNotReadBack) {
                true => vec![0; block.len()],
                false => block,
            });
            carry.ok_or_else(|| LogError::Corrupt {
                path: path.clone(),
                position: start,
                problem: "the file ends too early".to_owned(),
            })
        };
        match read.await {
            Ok(carry) => {
                let mut state = self.state.borrow_mut();
                state.carry = Some(carry);
                state.recalled = true;
                Ok(Ok(()))
            }
            Err(error @ LogError::NoSpace { .. }) => Err(error),
            Err(error) => Ok(Err(error)),
        }
    }

    /// One write of whole blocks: the bytes of the last block again, then `batches`, then zeros. Adds them as they were written to `written`.
    async fn write(&self, batches: &[LogBatch], written: &mut Vec<Slice>) -> Result<(), LogError> {
        let active = self.active().expect("one was begun");
        let path = self.path(active.id.segment_name());
        let ahead = self.committed.borrow().is_some();
        let mode = match active.bytes {
            0 => OpenMode::Create,
            // What is stored ahead is durable when it is written, if all before it was.
            _ if ahead && !planted::on(Bug::StoredNotSynced) => OpenMode::ReadWriteDurable,
            _ => OpenMode::ReadWrite,
        };
        let file = self.open(active.id, &path, mode).await?;
        let bytes: usize = batches.iter().map(|batch| batch.bytes.len()).sum();
        self.allocate(&file, &path, active.bytes + bytes as u64)
            .await?;
        let mut carry = {
            let state = self.state.borrow();
            state
                .carry
                .clone()
                .expect("recalled or begun before a write")
        };
        let mut buffer = WriteBuffer::new(align_up(carry.len() + bytes));
        let target = buffer.as_mut_slice();
        target[..carry.len()].copy_from_slice(&carry);
        let begin = carry.len();
        let mut at = begin;
        for batch in batches {
            let place = &mut target[at..at + batch.bytes.len()];
            place.copy_from_slice(&batch.bytes);
            if let Some(stamp) = batch.stamp {
                record_batch::stamp(
                    place,
                    batch.base_offset,
                    stamp.leader_epoch,
                    stamp.log_append_time_ms,
                );
            }
            at += batch.bytes.len();
        }
        target[at..].fill(0);
        carry.clear();
        carry.extend_from_slice(&target[at - at % ALIGNMENT..at]);
        let start = align_down(active.bytes);
        let buffer = file.write_at(buffer, start).await;
        let buffer = buffer.map_err(|error| LogError::io(&path, start, error))?;
        let mut state = self.state.borrow_mut();
        state.carry = Some(carry);
        state.recalled = false;
        state.settled = false;
        if mode != OpenMode::ReadWriteDurable && !state.unsynced.contains(&active.id) {
            state.unsynced.push(active.id);
        }
        let mut at = begin;
        for batch in batches {
            let extent = batch.extent();
            state.recent.push(&extent);
            let active = state.segments.last_mut().expect("it is still there");
            active.appended(&extent);
            state.end_offset = Some(batch.last_offset + 1);
            written.push(buffer.slice(at..at + extent.bytes));
            at += extent.bytes;
        }
        Ok(())
    }

    /// Gives blocks ahead: doubling, so that a small partition stays small and a large one is rarely interrupted. On a file
    /// system that is almost full, only what is needed.
    async fn allocate(&self, file: &Rc<dyn File>, path: &Path, end: u64) -> Result<(), LogError> {
        if end <= self.state.borrow().allocated_bytes {
            return Ok(());
        }
        let step = end.next_power_of_two().clamp(
            limits::SEGMENT_PREALLOCATE_BYTES_MIN,
            limits::SEGMENT_PREALLOCATE_BYTES_MAX,
        );
        let needed = end.next_multiple_of(ALIGNMENT as u64);
        let ahead = end
            .next_multiple_of(step)
            .min(self.roll.get().bytes_max.next_multiple_of(ALIGNMENT as u64))
            .max(needed);
        let present = file
            .bytes()
            .map_err(|error| LogError::io(path, end, error))?;
        if present < ahead {
            let mut given = file.allocate(ahead).await;
            if given.is_err() && present < needed {
                given = file.allocate(needed).await;
            }
            if present < needed {
                given.map_err(|error| LogError::io(path, end, error))?;
            }
        }
        let allocated = file
            .bytes()
            .map_err(|error| LogError::io(path, end, error))?;
        self.state.borrow_mut().allocated_bytes = allocated;
        Ok(())
    }

    /// For a checkpoint, after the appends it covers: keeps for an idle partition nothing that can be read back. By the task that appends.
    pub async fn settle(&self) {
        self.hold().await;
        if !self.removed.get() {
            self.settle_index().await;
            let mut state = self.state.borrow_mut();
            // Of one that is in use the next append would read it back at once.
            if std::mem::replace(&mut state.settled, true) {
                let empty = state.segments.last().is_none_or(|active| active.bytes == 0);
                state.carry = empty.then(Vec::new);
            }
        }
        self.append_is_over();
    }

    /// Cuts the active segment to its bytes, for a clean stop.
    pub async fn trim(&self) -> Result<(), LogError> {
        let allocated = std::mem::take(&mut self.state.borrow_mut().allocated_bytes);
        if let Some(active) = self.active().filter(|active| allocated > active.bytes) {
            let path = self.path(active.id.segment_name());
            let file = self.open(active.id, &path, OpenMode::ReadWrite).await?;
            let cut = file.truncate(active.bytes).await;
            cut.map_err(|error| LogError::io(&path, active.bytes, error))?;
        }
        Ok(())
    }

    /// Removes all its files, once a running append or compaction has ended. Nothing is appended any more.
    pub async fn remove(&self) -> Result<(), LogError> {
        self.removed.set(true);
        while self.appending.get() || self.rewriting.get() {
            self.write_ended.wait().await;
        }
        let segments = {
            let state = self.state.borrow();
            [&state.segments[..], &state.replaced].concat()
        };
        for segment in segments {
            self.shared.close(self.key(segment.id)).await;
        }
        let removed = self.shared.io.disk.remove(&self.directory).await;
        removed.map_err(|error| LogError::io(&self.directory, 0, error))
    }
}

#[cfg(test)]
mod tests;
