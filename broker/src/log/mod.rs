//! The log of one partition on disk: segments of Kafka record batches, byte for byte as on the wire, and nothing else.
//!
//! A partition has no directory, file or descriptor until its first write-back. Appends overwrite what lies past the
//! committed end and never truncate an active segment. It knows no journal: what is durable is the caller's business.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::io::Io;
use crate::io::buffer::{ALIGNMENT, Slice, WriteBuffer, align_down, align_up};
use crate::io::disk::{File, OpenMode};

pub mod format;
pub mod manifest;
mod reader;

pub use format::{IndexEntry, Segment};

/// Distance of index entries, bytes.
const INDEX_INTERVAL_BYTES: u64 = 32 << 10;
/// Segments are preallocated by doubling between these, bytes.
const ALLOCATE_BYTES_MIN: u64 = 64 << 10;
const ALLOCATE_BYTES_MAX: u64 = 16 << 20;

/// One whole batch, final, on its way to a segment.
#[derive(Debug, Clone)]
pub struct LogBatch {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Largest timestamp in it.
    pub max_timestamp: i64,
    /// Its bytes.
    pub bytes: Slice,
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
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
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
    fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        // The runtime wraps the system's errors: their kind survives, their number may not.
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Io { path, source },
        }
    }
}

/// Open segment files of a shard: the least recently used is closed when there are too many.
pub struct OpenFiles {
    max: usize,
    files: RefCell<VecDeque<(PathBuf, Rc<dyn File>)>>,
}

impl OpenFiles {
    /// At most `max` files stay open.
    pub fn new(max: usize) -> Rc<Self> {
        Rc::new(Self {
            max,
            files: RefCell::default(),
        })
    }

    async fn open(&self, io: &Io, path: &Path, mode: OpenMode) -> Result<Rc<dyn File>, LogError> {
        let known = {
            let mut files = self.files.borrow_mut();
            let at = files.iter().position(|(known, _)| known == path);
            at.and_then(|at| files.remove(at))
        };
        let entry = match known {
            Some(entry) => entry,
            None => (
                path.to_owned(),
                io.disk
                    .open(path, mode)
                    .await
                    .map_err(|error| LogError::io(path, error))?,
            ),
        };
        let file = entry.1.clone();
        let surplus = {
            let mut files = self.files.borrow_mut();
            files.push_back(entry);
            if files.len() > self.max {
                files.pop_front()
            } else {
                None
            }
        };
        if let Some((path, file)) = surplus {
            file.close()
                .await
                .map_err(|error| LogError::io(&path, error))?;
        }
        Ok(file)
    }

    async fn close_all(&self, directory: &Path) {
        let mut closing = Vec::new();
        self.files.borrow_mut().retain(|(path, file)| {
            let keep = !path.starts_with(directory);
            if !keep {
                closing.push(file.clone());
            }
            keep
        });
        for file in closing {
            if let Err(error) = file.close().await {
                tracing::debug!(%error, "closing a segment");
            }
        }
    }
}

/// The log of one partition.
pub struct PartitionLog {
    io: Io,
    directory: PathBuf,
    files: Rc<OpenFiles>,
    segment_bytes_max: Cell<u64>,
    segment_ms: Cell<i64>,
    state: RefCell<State>,
    appending: Cell<bool>,
}

#[derive(Default)]
struct State {
    segments: Vec<Segment>,
    /// Bytes of the active segment past its last whole block; `None` until they are read back after a restart.
    carry: Option<Vec<u8>>,
    allocated_bytes: u64,
    directory_made: bool,
}

impl PartitionLog {
    /// An empty log; touches nothing.
    pub fn new(
        io: Io,
        root: &Path,
        topic: &str,
        partition: i32,
        topic_id: u128,
        files: Rc<OpenFiles>,
    ) -> Self {
        Self {
            io,
            directory: root.join(format::directory_name(topic, partition, topic_id)),
            files,
            segment_bytes_max: Cell::new(1 << 30),
            segment_ms: Cell::new(i64::MAX),
            state: RefCell::new(State {
                carry: Some(Vec::new()),
                ..State::default()
            }),
            appending: Cell::new(false),
        }
    }

    /// Continues from the segments of a manifest; opens nothing.
    pub fn restore(&self, segments: Vec<Segment>) {
        let carry = if segments
            .last()
            .is_none_or(|last| last.bytes.is_multiple_of(ALIGNMENT as u64))
        {
            Some(Vec::new())
        } else {
            None
        };
        *self.state.borrow_mut() = State {
            directory_made: !segments.is_empty(),
            segments,
            carry,
            allocated_bytes: 0,
        };
    }

    /// When segments roll: by size, and by the age of their first batch.
    pub fn configure(&self, segment_bytes_max: u64, segment_ms: i64) {
        self.segment_bytes_max.set(segment_bytes_max);
        self.segment_ms.set(segment_ms);
    }

    /// Its segments, oldest first.
    pub fn segments(&self) -> Vec<Segment> {
        self.state
            .borrow()
            .segments
            .iter()
            .map(Segment::without_index)
            .collect()
    }

    /// The offset after its last record.
    pub fn end_offset(&self) -> Option<i64> {
        self.state
            .borrow()
            .segments
            .last()
            .map(|last| last.next_offset)
    }

    /// The largest timestamp in it.
    pub fn max_timestamp(&self) -> Option<i64> {
        self.state
            .borrow()
            .segments
            .iter()
            .map(|segment| segment.max_timestamp)
            .max()
    }

    /// Appends `batches`, which follow each other and the end of the log. After an error the next append overwrites whatever this one wrote.
    pub async fn append(&self, batches: &[LogBatch]) -> Result<(), LogError> {
        assert!(!self.appending.replace(true), "one append at a time");
        let done = self.append_all(batches).await;
        self.appending.set(false);
        done
    }

    async fn append_all(&self, batches: &[LogBatch]) -> Result<(), LogError> {
        let mut rest = batches;
        while let Some(first) = rest.first() {
            if let Some(end) = self.end_offset() {
                assert_eq!(end, first.base_offset, "the log has no gaps");
            }
            if self.must_roll(first) {
                self.roll(first.base_offset).await?;
            }
            let room = self
                .segment_bytes_max
                .get()
                .saturating_sub(self.active_bytes());
            let mut bytes = 0;
            let fits = |batch: &&LogBatch| {
                bytes += batch.bytes.len() as u64;
                bytes <= room
            };
            let count = rest.iter().take_while(fits).count().max(1);
            self.write(&rest[..count]).await?;
            rest = &rest[count..];
        }
        Ok(())
    }

    fn active_bytes(&self) -> u64 {
        self.state
            .borrow()
            .segments
            .last()
            .map_or(0, |active| active.bytes)
    }

    fn must_roll(&self, next: &LogBatch) -> bool {
        let state = self.state.borrow();
        let Some(active) = state.segments.last() else {
            return true;
        };
        if active.bytes == 0 {
            return false;
        }
        let full = active.bytes + next.bytes.len() as u64 > self.segment_bytes_max.get();
        let aged =
            next.max_timestamp.saturating_sub(active.first_timestamp) > self.segment_ms.get();
        let far = next.last_offset - active.base_offset > i64::from(i32::MAX);
        full || aged || far
    }

    /// Seals the active segment, cut to its bytes and synced, and begins the next.
    async fn roll(&self, base_offset: i64) -> Result<(), LogError> {
        let active = self
            .state
            .borrow()
            .segments
            .last()
            .map(|active| (active.base_offset, active.bytes));
        if let Some((base, bytes)) = active {
            let path = self.directory.join(format::segment_name(base));
            let file = self
                .files
                .open(&self.io, &path, OpenMode::ReadWrite)
                .await?;
            file.truncate(bytes)
                .await
                .map_err(|error| LogError::io(&path, error))?;
            file.sync()
                .await
                .map_err(|error| LogError::io(&path, error))?;
        }
        if !self.state.borrow().directory_made {
            let made = self.io.disk.create_directory(&self.directory).await;
            made.map_err(|error| LogError::io(&self.directory, error))?;
        }
        let mut state = self.state.borrow_mut();
        state.directory_made = true;
        state.segments.push(Segment::new(base_offset));
        state.carry = Some(Vec::new());
        state.allocated_bytes = 0;
        Ok(())
    }

    async fn write(&self, batches: &[LogBatch]) -> Result<(), LogError> {
        let (base_offset, position) = {
            let state = self.state.borrow();
            let active = state.segments.last().expect("a roll made one");
            (active.base_offset, active.bytes)
        };
        let path = self.directory.join(format::segment_name(base_offset));
        let file = self.files.open(&self.io, &path, OpenMode::Create).await?;
        let carry = self.load_carry(&file, &path, position).await?;
        let bytes: usize = batches.iter().map(|batch| batch.bytes.len()).sum();
        let start = align_down(position);
        let end = position + bytes as u64;
        self.allocate(&file, &path, end).await?;
        let mut buffer = WriteBuffer::new(align_up(carry.len() + bytes));
        let target = buffer.as_mut_slice();
        target[..carry.len()].copy_from_slice(&carry);
        let mut at = carry.len();
        for batch in batches {
            target[at..at + batch.bytes.len()].copy_from_slice(&batch.bytes);
            at += batch.bytes.len();
        }
        target[at..].fill(0);
        let last_block = at - at % ALIGNMENT;
        let next_carry = target[last_block..at].to_vec();
        file.write_at(buffer, start)
            .await
            .map_err(|error| LogError::io(&path, error))?;
        let mut state = self.state.borrow_mut();
        state.carry = Some(next_carry);
        let active = state.segments.last_mut().expect("it is still there");
        let mut at = position;
        for batch in batches {
            active.appended(batch, at, INDEX_INTERVAL_BYTES);
            at += batch.bytes.len() as u64;
        }
        Ok(())
    }

    /// The bytes before `position` in its block: remembered, or read back once after a restart.
    async fn load_carry(
        &self,
        file: &Rc<dyn File>,
        path: &Path,
        position: u64,
    ) -> Result<Vec<u8>, LogError> {
        if let Some(carry) = self.state.borrow().carry.clone() {
            return Ok(carry);
        }
        let start = align_down(position);
        let needed = (position - start) as usize;
        let block = file
            .read_at(start, ALIGNMENT)
            .await
            .map_err(|error| LogError::io(path, error))?;
        if block.len() < needed {
            let problem = format!("the segment ends before its {position} bytes");
            return Err(LogError::Corrupt {
                path: path.to_owned(),
                position: start,
                problem,
            });
        }
        Ok(block[..needed].to_vec())
    }

    async fn allocate(&self, file: &Rc<dyn File>, path: &Path, end: u64) -> Result<(), LogError> {
        let mut allocated = self.state.borrow().allocated_bytes;
        if end <= allocated {
            return Ok(());
        }
        let step = end
            .next_power_of_two()
            .clamp(ALLOCATE_BYTES_MIN, ALLOCATE_BYTES_MAX);
        allocated = end.next_multiple_of(step);
        let present = file.bytes().map_err(|error| LogError::io(path, error))?;
        if present < allocated {
            file.allocate(allocated)
                .await
                .map_err(|error| LogError::io(path, error))?;
        }
        self.state.borrow_mut().allocated_bytes = allocated;
        Ok(())
    }

    /// Cuts the active segment to its bytes, for a clean stop.
    pub async fn trim(&self) -> Result<(), LogError> {
        let active = self
            .state
            .borrow()
            .segments
            .last()
            .map(|active| (active.base_offset, active.bytes));
        let allocated = std::mem::take(&mut self.state.borrow_mut().allocated_bytes);
        if let (Some((base, bytes)), true) = (active, allocated > 0) {
            let path = self.directory.join(format::segment_name(base));
            let file = self
                .files
                .open(&self.io, &path, OpenMode::ReadWrite)
                .await?;
            file.truncate(bytes)
                .await
                .map_err(|error| LogError::io(&path, error))?;
        }
        Ok(())
    }

    /// Removes all its files.
    pub async fn remove(&self) -> Result<(), LogError> {
        self.files.close_all(&self.directory).await;
        if self.state.borrow().directory_made {
            let removed = self.io.disk.remove(&self.directory).await;
            removed.map_err(|error| LogError::io(&self.directory, error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
