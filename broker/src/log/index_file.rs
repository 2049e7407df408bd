//! Where the indexes of a partition's segments are: in memory for look-ups, in a file beside each sealed segment, and
//! walked out of the segment itself where neither has them. An index that is missing or damaged is never an error.

use std::rc::Rc;

use super::format::{Segment, SegmentId};
use super::index::{INTERVAL_BYTES, Mark, SegmentIndex};
use super::segment_reader::READ_BYTES_MAX;
use super::{LogError, PartitionLog};
use crate::io::buffer::{ALIGNMENT, WriteBuffer, align_up};
use crate::io::disk::OpenMode;

/// Segments up to this many bytes are walked from their start: an index of one would not pay.
const INDEXED_BYTES_MIN: u64 = 2 * INTERVAL_BYTES;
/// The index of an active segment is saved when its file lacks this many bytes of the segment: a walk's length after a start.
const SAVE_BYTES: u64 = 16 << 20;
/// One read of a walk, beside the block it begins in.
pub(super) const WALK_BYTES: usize = READ_BYTES_MAX / 2;

impl PartitionLog {
    /// What `look` finds among the marks appended last, if those are `segment`'s.
    pub(super) fn recent_mark(
        &self,
        segment: &Segment,
        look: impl FnOnce(&SegmentIndex) -> Option<Mark>,
    ) -> Option<Mark> {
        let state = self.state.borrow();
        let active = state.segments.last();
        active
            .is_some_and(|active| active.id == segment.id)
            .then(|| look(&state.recent))
            .flatten()
    }

    /// The index of a segment for look-ups: up to its end or, of the active one, to where the recent marks begin. Shorter
    /// where the segment is damaged.
    pub(super) async fn index(&self, segment: &Segment) -> Result<Rc<SegmentIndex>, LogError> {
        let end = self
            .recent_mark(segment, |recent| Some(recent.start()))
            .unwrap_or(segment.end());
        if end.position <= INDEXED_BYTES_MIN {
            let none = SegmentIndex::starting_at(segment.base_offset(), segment.start());
            return Ok(Rc::new(none));
        }
        self.index_until(segment, end).await
    }

    /// The index of a segment up to `end`; shorter where the segment is damaged.
    pub(super) async fn index_until(
        &self,
        segment: &Segment,
        end: Mark,
    ) -> Result<Rc<SegmentIndex>, LogError> {
        let key = self.key(segment.id);
        if let Some(known) = self.shared.index(key)
            && known.end().position >= end.position
        {
            return Ok(known);
        }
        let found = match self.shared.index(key) {
            Some(known) => (*known).clone(),
            None => self.load_index(segment, end).await,
        };
        let mut index = found.clone();
        let mut walked = self.walk(segment, &mut index, end).await;
        if matches!(walked, Err(LogError::Corrupt { .. })) && !found.is_empty() {
            // Either the segment is damaged or the index told lies: without it, the segment alone decides.
            index = SegmentIndex::starting_at(segment.base_offset(), segment.start());
            walked = self.walk(segment, &mut index, end).await;
        }
        match walked {
            Ok(()) if index.end() != found.end() && self.is_sealed(segment) => {
                let path = self.path(segment.id.index_name());
                tracing::warn!(path = %path.display(), bytes = index.end().position, "an index was rebuilt from its segment");
                self.save_index(segment.id, &index).await;
            }
            Ok(()) => {}
            Err(error @ LogError::Corrupt { .. }) => {
                tracing::error!(%error, "a segment is damaged: what follows is found only if it is asked for from before");
            }
            Err(error) => return Err(error),
        }
        let index = Rc::new(index);
        self.shared.keep_index(key, index.clone());
        Ok(index)
    }

    fn is_sealed(&self, segment: &Segment) -> bool {
        let state = self.state.borrow();
        state
            .segments
            .last()
            .is_some_and(|active| active.id != segment.id)
    }

    /// Lengthens `index` to `end` by the headers of the batches there. It keeps what it walked before an error.
    async fn walk(
        &self,
        segment: &Segment,
        index: &mut SegmentIndex,
        end: Mark,
    ) -> Result<(), LogError> {
        if index.end().position >= end.position {
            return Ok(());
        }
        let reader = self.reader(segment).await?;
        while index.end().position < end.position {
            let window = reader.window(&index.end(), WALK_BYTES).await?;
            while index.end().position < end.position
                && let Some(extent) = reader.batch_at(&window, &index.end())?
            {
                index.push(&extent);
            }
            if self.shared.io.executor.should_yield() {
                self.shared.io.executor.yield_now().await;
            }
        }
        Ok(())
    }

    /// What the index file holds up to `end`; nothing if there is none or it is damaged.
    async fn load_index(&self, segment: &Segment, end: Mark) -> SegmentIndex {
        let none = SegmentIndex::starting_at(segment.base_offset(), segment.start());
        if end.position == 0 {
            return none;
        }
        let path = self.path(segment.id.index_name());
        let problem = match self.read_index(segment).await {
            Ok(None) => return none,
            Ok(Some(bytes)) => match SegmentIndex::decode(&bytes) {
                Ok(mut index) => {
                    index.cut(end);
                    let fits = index.base_offset() == segment.base_offset()
                        && (index.end().position < end.position || index.end() == end);
                    if fits {
                        return index;
                    }
                    "it is of another segment".to_owned()
                }
                Err(defect) => defect.to_string(),
            },
            Err(error) => error.to_string(),
        };
        tracing::warn!(path = %path.display(), problem, "an index cannot be used; its segment is walked instead");
        none
    }

    async fn read_index(&self, segment: &Segment) -> std::io::Result<Option<Vec<u8>>> {
        let path = self.path(segment.id.index_name());
        let file = match self.shared.io.disk.open(&path, OpenMode::Read).await {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // A longer file is cut here and noticed by its header: the segment may have been longer when it was written.
        let bytes = file
            .bytes()?
            .min(SegmentIndex::file_bytes_max(u64::from(u32::MAX)));
        let mut out = Vec::with_capacity(bytes as usize);
        while (out.len() as u64) < bytes {
            let rest = align_up(bytes as usize - out.len());
            let part = file
                .read_at(out.len() as u64, rest.min(READ_BYTES_MAX))
                .await?;
            out.extend_from_slice(&part);
            if part.is_empty() || !part.len().is_multiple_of(ALIGNMENT) {
                break;
            }
        }
        file.close().await?;
        Ok(Some(out))
    }

    /// Writes an index file. What cannot be written is walked again when it is needed.
    pub(super) async fn save_index(&self, id: SegmentId, index: &SegmentIndex) -> bool {
        let path = self.path(id.index_name());
        let bytes = index.encode();
        let mut buffer = WriteBuffer::new(align_up(bytes.len()));
        buffer.as_mut_slice()[..bytes.len()].copy_from_slice(&bytes);
        buffer.as_mut_slice()[bytes.len()..].fill(0);
        let write = async {
            let file = self.shared.io.disk.open(&path, OpenMode::Create).await?;
            let written = file.write_at(buffer, 0).await;
            file.close().await?;
            written.map(drop)
        };
        match write.await {
            Ok(()) => true,
            Err(_) if self.removed.get() => false,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "an index cannot be written; its segment is walked when it is needed");
                false
            }
        }
    }

    /// The index of the active segment, recent marks included; `None` where the segment is damaged.
    async fn whole_index(&self, active: &Segment) -> Option<SegmentIndex> {
        let start = self.recent_mark(active, |recent| Some(recent.start()))?;
        let index = match self.index_until(active, start).await {
            Ok(index) => index,
            Err(error) => {
                tracing::warn!(%error, "an index cannot be made; it is when it is needed");
                return None;
            }
        };
        (index.end() == start).then(|| {
            let mut whole = (*index).clone();
            whole.extend(&self.state.borrow().recent);
            whole
        })
    }

    /// The active segment has ended: its index goes to its file.
    pub(super) async fn seal_index(&self, active: &Segment) {
        if let Some(whole) = self.whole_index(active).await {
            self.save_index(active.id, &whole).await;
            self.shared.keep_index(self.key(active.id), Rc::new(whole));
        }
    }

    /// Moves the recent marks of the active segment to where they may leave memory, and saves them if they are many.
    pub(super) async fn settle_index(&self) {
        let active = self.state.borrow().segments.last().copied();
        let Some(active) = active.filter(|_| !self.state.borrow().recent.is_empty()) else {
            return;
        };
        if active.bytes > INDEXED_BYTES_MIN
            && let Some(whole) = self.whole_index(&active).await
        {
            let unsaved_bytes = active.bytes - self.state.borrow().index_saved_bytes;
            if unsaved_bytes >= SAVE_BYTES && self.save_index(active.id, &whole).await {
                self.state.borrow_mut().index_saved_bytes = active.bytes;
            }
            self.shared.keep_index(self.key(active.id), Rc::new(whole));
        }
        self.state.borrow_mut().recent =
            SegmentIndex::starting_at(active.base_offset(), active.end());
    }
}
