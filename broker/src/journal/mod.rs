//! The journal of one shard: everything that must be durable goes through it, one frame and one flush for all who wait.
//! Station 6 of the produce walk. It knows frames and files, never partitions; it retries nothing.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bytes::Bytes;

use crate::io::Io;
use crate::io::buffer::{Slice, WriteBuffer};
use crate::io::disk::{File, OpenMode};

pub mod frame;
pub mod recovery;

pub use frame::Sequence;
use frame::{Chain, Entry, FILE_HEADER_BYTES, FileHeader, Item, Section};
pub use recovery::{RecoveredFrame, Recovery};

/// Bytes that one write fills a new file with zeros by.
const FILL_BYTES: usize = 1 << 20;

/// Where a journal is and how large it may be.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// Holds its files.
    pub directory: PathBuf,
    /// Bytes of each file.
    pub file_bytes: u64,
    /// Bytes of all files together.
    pub journal_bytes_max: u64,
    /// Largest frame.
    pub frame_bytes_max: usize,
}

/// Why the journal cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The device or file system failed; nothing is retried on that file.
    #[error("{operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What came of it.
        source: std::io::Error,
    },
    /// Synced data is not what was written. Nothing was changed.
    #[error(
        "the journal is damaged: {path} at byte {position}, frame {sequence}: {reason}. Restore the file from a copy, or start with an empty data directory; nothing was changed"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where.
        position: u64,
        /// The frame that had to be there.
        sequence: Sequence,
        /// What is wrong.
        reason: String,
    },
    /// Written by a version this one does not know.
    #[error("{path} has format version {version}, this broker reads version {known}", known = frame::FORMAT_VERSION)]
    Format {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A write failed earlier.
    #[error("the journal failed earlier")]
    Failed,
}

/// A frame that is on disk: the same sections, their bodies now slices of the frame.
#[derive(Debug)]
pub struct Written {
    /// Its number.
    pub sequence: Sequence,
    /// What it carries.
    pub sections: Vec<Section<Slice>>,
}

/// One file, and what it is used for.
struct JournalFile {
    path: PathBuf,
    file: Rc<dyn File>,
    header: FileHeader,
}

/// The journal.
#[derive(Clone)]
pub struct Journal(Rc<Inner>);

struct Inner {
    io: Io,
    options: JournalOptions,
    journal_id: u128,
    run: u64,
    /// Files with frames, oldest first; the last one is written to.
    live: RefCell<VecDeque<JournalFile>>,
    /// Filled files without frames that are needed.
    spare: RefCell<VecDeque<JournalFile>>,
    position: Cell<u64>,
    next_sequence: Cell<Sequence>,
    previous_crc: Cell<u32>,
    next_file: Cell<u64>,
    marked: Cell<bool>,
    writing: Cell<bool>,
    failed: Cell<bool>,
}

impl Journal {
    /// Opens the journal, or makes one with a first file. Appending begins once recovery has come to its end.
    pub async fn open(io: Io, options: JournalOptions) -> Result<(Self, Recovery), JournalError> {
        recovery::open(io, options).await
    }

    /// Bytes of the frame that would carry `sections`.
    pub fn frame_bytes(sections: &[Section<Bytes>]) -> usize {
        frame::frame_bytes(sections)
    }

    /// Gathers `sections` into one frame, writes and syncs it. One at a time.
    pub async fn write(&self, sections: Vec<Section<Bytes>>) -> Result<Written, JournalError> {
        let inner = &self.0;
        if inner.failed.get() {
            return Err(JournalError::Failed);
        }
        assert!(!inner.writing.replace(true), "one flush in flight");
        let written = inner.write(sections).await;
        inner.writing.set(false);
        inner.failed.set(written.is_err());
        written
    }

    /// Writes an empty frame, so that the mark of what is synced is on disk too. Does nothing when that was done already.
    pub async fn mark(&self) -> Result<(), JournalError> {
        if !self.0.marked.get() && self.has_room(2 * FILE_HEADER_BYTES) {
            self.write(Vec::new()).await?;
            self.0.marked.set(true);
        }
        Ok(())
    }

    /// Frames below `sequence` are no longer needed.
    pub fn recycle_below(&self, sequence: Sequence) {
        let mut live = self.0.live.borrow_mut();
        while live.len() > 1 && live[1].header.first_sequence <= sequence {
            let freed = live.pop_front().expect("just seen");
            self.0.spare.borrow_mut().push_back(freed);
        }
    }

    /// Number of the next frame.
    pub fn next_sequence(&self) -> Sequence {
        self.0.next_sequence.get()
    }

    /// Bytes of files that hold needed frames.
    pub fn used_bytes(&self) -> u64 {
        let live = self.0.live.borrow().len() as u64;
        live.saturating_sub(1) * self.0.options.file_bytes + self.0.position.get()
    }

    /// Bytes the journal may have.
    pub fn capacity_bytes(&self) -> u64 {
        self.0.files_max() * self.0.options.file_bytes
    }

    /// Whether a frame of this size can be written without freeing files first.
    pub fn has_room(&self, bytes: usize) -> bool {
        let inner = &self.0;
        inner.position.get() + bytes as u64 <= inner.options.file_bytes
            || !inner.spare.borrow().is_empty()
            || inner.files() < inner.files_max()
    }

    /// Fills one more file ahead of its use; false when there are as many as there may be.
    pub async fn prepare_file(&self) -> Result<bool, JournalError> {
        if self.0.files() >= self.0.files_max() || self.0.failed.get() {
            return Ok(false);
        }
        let file = self.0.new_file().await?;
        self.0.spare.borrow_mut().push_back(file);
        Ok(true)
    }
}

impl Inner {
    fn files(&self) -> u64 {
        (self.live.borrow().len() + self.spare.borrow().len()) as u64
    }

    fn files_max(&self) -> u64 {
        (self.options.journal_bytes_max / self.options.file_bytes).max(2)
    }

    async fn write(&self, sections: Vec<Section<Bytes>>) -> Result<Written, JournalError> {
        let bytes = frame::frame_bytes(&sections);
        assert!(
            bytes <= self.options.frame_bytes_max,
            "frames keep their limit"
        );
        let full = self.position.get() + bytes as u64 > self.options.file_bytes;
        if full || self.live.borrow().is_empty() {
            self.roll().await?;
        }
        let sequence = self.next_sequence.get();
        let (header, file, path) = {
            let live = self.live.borrow();
            let active = live.back().expect("a roll made one");
            (active.header, active.file.clone(), active.path.clone())
        };
        let chain = Chain {
            sequence,
            synced_sequence: sequence - 1,
            run: self.run,
            previous_crc: self.previous_crc.get(),
        };
        let mut buffer = WriteBuffer::new(bytes);
        let (crc, places) = frame::encode(&sections, &header, chain, buffer.as_mut_slice());
        let written = file.write_at(buffer, self.position.get()).await;
        let whole = written.map_err(|source| io_error("writing", &path, source))?;
        file.sync()
            .await
            .map_err(|source| io_error("syncing", &path, source))?;
        self.position.set(self.position.get() + bytes as u64);
        self.previous_crc.set(crc);
        self.next_sequence.set(sequence + 1);
        self.marked.set(false);
        Ok(Written {
            sequence,
            sections: place_bodies(sections, &whole, places),
        })
    }

    /// Goes on in another file: a recycled or filled one, else a new one. Its header is durable before its first frame.
    async fn roll(&self) -> Result<(), JournalError> {
        let spare = self.spare.borrow_mut().pop_front();
        let mut next = match spare {
            Some(spare) => spare,
            None => self.new_file().await?,
        };
        let first_sequence = self.next_sequence.get();
        let oldest_sequence = self
            .live
            .borrow()
            .front()
            .map_or(first_sequence, |oldest| oldest.header.first_sequence);
        let header = FileHeader {
            seed: self.io.random.next_u64() as u32,
            use_number: next.header.use_number + 1,
            first_sequence,
            oldest_sequence,
            frame_bytes_max: self.options.frame_bytes_max as u32,
            previous_crc: self.previous_crc.get(),
            ..next.header
        };
        let mut block = WriteBuffer::new(FILE_HEADER_BYTES);
        header.encode_block(Some(&next.header), block.as_mut_slice());
        next.file
            .write_at(block, 0)
            .await
            .map_err(|source| io_error("writing", &next.path, source))?;
        next.file
            .sync()
            .await
            .map_err(|source| io_error("syncing", &next.path, source))?;
        next.header = header;
        self.live.borrow_mut().push_back(next);
        self.position.set(FILE_HEADER_BYTES as u64);
        Ok(())
    }

    /// A file filled with zeros, so that later writes change no file-system metadata.
    async fn new_file(&self) -> Result<JournalFile, JournalError> {
        let file_number = self.next_file.replace(self.next_file.get() + 1);
        let path = self
            .options
            .directory
            .join(format!("{file_number:020}.journal"));
        let opened = self.io.disk.open(&path, OpenMode::CreateNew).await;
        let file = opened.map_err(|source| io_error("making", &path, source))?;
        let header = FileHeader {
            seed: 0,
            journal_id: self.journal_id,
            file_number,
            use_number: 0,
            first_sequence: 0,
            oldest_sequence: 0,
            frame_bytes_max: self.options.frame_bytes_max as u32,
            previous_crc: 0,
        };
        let mut at = 0;
        while at < self.options.file_bytes {
            let bytes = FILL_BYTES.min((self.options.file_bytes - at) as usize);
            let mut buffer = WriteBuffer::new(bytes);
            buffer.as_mut_slice().fill(0);
            if at == 0 {
                header.encode_block(None, &mut buffer.as_mut_slice()[..FILE_HEADER_BYTES]);
            }
            file.write_at(buffer, at)
                .await
                .map_err(|source| io_error("filling", &path, source))?;
            at += bytes as u64;
        }
        file.sync()
            .await
            .map_err(|source| io_error("syncing", &path, source))?;
        let synced = self.io.disk.sync_directory(&self.options.directory).await;
        synced.map_err(|source| io_error("syncing", &self.options.directory, source))?;
        Ok(JournalFile { path, file, header })
    }
}

fn io_error(operation: &'static str, path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}

fn place_bodies(
    sections: Vec<Section<Bytes>>,
    whole: &Slice,
    places: Vec<std::ops::Range<usize>>,
) -> Vec<Section<Slice>> {
    let mut places = places.into_iter();
    let mut place = |item: Item<Bytes>| Item {
        kind: item.kind,
        topic_id: item.topic_id,
        partition: item.partition,
        offset: item.offset,
        leader_epoch: item.leader_epoch,
        log_append_time_ms: item.log_append_time_ms,
        body: whole.slice(places.next().expect("every item was placed")),
    };
    sections
        .into_iter()
        .map(|section| Section {
            quorum: section.quorum,
            hard_state: section.hard_state,
            entries: section
                .entries
                .into_iter()
                .map(|entry| Entry {
                    index: entry.index,
                    term: entry.term,
                    kind: entry.kind,
                    items: entry.items.into_iter().map(&mut place).collect(),
                })
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
