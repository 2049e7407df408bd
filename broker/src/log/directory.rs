//! What the partition logs of one shard share: the directory they stand in, the segments that are open, the indexes in
//! memory, what is read ahead. All are bounded; what was used longest ago leaves first.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::LogError;
use super::format::SegmentId;
use super::index::SegmentIndex;
use super::lru::Lru;
use super::read_ahead::ReadAhead;
use crate::io::Io;
use crate::io::disk::{File, OpenMode};
use crate::limits;

/// A segment of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SegmentKey {
    pub topic_id: u128,
    pub partition: i32,
    pub id: SegmentId,
}

/// The log directory of one shard.
pub struct LogDirectory {
    /// The door.
    pub(super) io: Io,
    root: PathBuf,
    /// Whether what is written to it is durable is part of what a file was opened for.
    files: RefCell<Lru<(SegmentKey, bool), Rc<dyn File>>>,
    indexes: RefCell<Lru<SegmentKey, Rc<SegmentIndex>>>,
    pub(super) read_ahead: ReadAhead,
}

impl LogDirectory {
    /// The logs below `root`: at most `open_files_max` segments are open beside those in use, and at most
    /// `index_bytes_max` of indexes in memory.
    pub fn new(io: Io, root: &Path, open_files_max: usize, index_bytes_max: usize) -> Rc<Self> {
        Rc::new(Self {
            io,
            root: root.to_owned(),
            files: RefCell::new(Lru::new(open_files_max)),
            indexes: RefCell::new(Lru::new(index_bytes_max)),
            read_ahead: ReadAhead::new(limits::READ_AHEAD_BYTES_PER_SHARD_MAX),
        })
    }

    /// Where partitions have their directories.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The open file of `key` at `path`, opened if it is not.
    pub(super) async fn open(
        &self,
        key: SegmentKey,
        path: &Path,
        mode: OpenMode,
    ) -> Result<Rc<dyn File>, LogError> {
        let opened_as = (key, mode == OpenMode::ReadWriteDurable);
        if let Some(file) = self.files.borrow_mut().get(&opened_as) {
            return Ok(file);
        }
        let opened = self.io.disk.open(path, mode).await;
        let opened = opened.map_err(|error| LogError::io(path, 0, error))?;
        // Another task may have opened it meanwhile: one of the two stays.
        let known = self.files.borrow_mut().get(&opened_as);
        let (file, surplus) = match known {
            Some(known) => (known, vec![opened]),
            None => {
                let mut files = self.files.borrow_mut();
                let surplus = files.insert(opened_as, opened.clone(), 1);
                (opened, surplus)
            }
        };
        for file in surplus {
            close(file).await;
        }
        Ok(file)
    }

    /// Closes a segment as soon as nobody uses it any more.
    pub(super) async fn close(&self, key: SegmentKey) {
        self.indexes.borrow_mut().remove(&key);
        for durable in [false, true] {
            let file = self.files.borrow_mut().remove(&(key, durable));
            if let Some(file) = file {
                close(file).await;
            }
        }
    }

    /// The index in memory, if it is there.
    pub(super) fn index(&self, key: SegmentKey) -> Option<Rc<SegmentIndex>> {
        self.indexes.borrow_mut().get(&key)
    }

    /// Keeps an index for look-ups.
    pub(super) fn keep_index(&self, key: SegmentKey, index: Rc<SegmentIndex>) {
        let bytes = index.memory_bytes();
        drop(self.indexes.borrow_mut().insert(key, index, bytes));
    }

    /// Segments that are open beside those being read or written right now.
    pub fn open_files(&self) -> usize {
        self.files.borrow().len()
    }

    /// Memory of what is read ahead, bytes.
    pub fn read_ahead_bytes(&self) -> usize {
        self.read_ahead.memory_bytes()
    }

    /// Memory of indexes, bytes.
    pub fn index_bytes(&self) -> usize {
        self.indexes.borrow().weight()
    }
}

/// A failure to close a file says nothing about what was written to it by direct IO.
async fn close(file: Rc<dyn File>) {
    if let Err(error) = file.close().await {
        tracing::debug!(%error, "closing a segment");
    }
}
