//! Reads one segment by direct IO: batch headers one after the other, and whole batches as they lie in what was read.
//! Copies no record byte; believes no length, offset or checksum before it has looked. It never writes.

use std::path::PathBuf;
use std::rc::Rc;

use protocol::record_batch::{BatchHeader, HEADER_BYTES};

use super::LogError;
use super::format::Segment;
use super::index::{BatchExtent, Mark};
use crate::io::buffer::{ALIGNMENT, Slice, align_down, align_up};
use crate::io::disk::File;

/// Largest single read, bytes.
pub(super) const READ_BYTES_MAX: usize = 1 << 20;

/// One segment, open, up to the end that was known when it was opened.
pub(super) struct SegmentReader {
    file: Rc<dyn File>,
    path: PathBuf,
    end: Mark,
    /// Compaction took batches out of it.
    has_gaps: bool,
}

/// One read of a segment.
pub(super) struct Window {
    slice: Slice,
    /// Position in the segment of the slice's first byte.
    start: u64,
}

impl SegmentReader {
    pub(super) fn new(file: Rc<dyn File>, path: PathBuf, segment: &Segment) -> Self {
        Self {
            file,
            path,
            end: segment.end(),
            has_gaps: segment.id.generation > 0,
        }
    }

    /// Whether `at` is the end of the segment.
    pub(super) fn is_at_end(&self, at: &Mark) -> bool {
        at.position >= self.end.position
    }

    /// Reads from the block of `at` on, `want` bytes beyond it and never less than a batch's header, as far as the segment reaches.
    pub(super) async fn window(&self, at: &Mark, want: usize) -> Result<Window, LogError> {
        let (start, bytes) = self.window_place(at, want);
        let slice = self.read_at(start, bytes).await?;
        if slice.len() < (at.position - start) as usize + HEADER_BYTES {
            return Err(self.corrupt(at.position, "the file ends too early"));
        }
        Ok(Window { slice, start })
    }

    /// Bytes of that window, if nothing of it will be written any more: it lies in whole blocks before the end.
    pub(super) fn final_bytes(&self, at: &Mark, want: usize) -> Option<usize> {
        let (start, bytes) = self.window_place(at, want);
        (start + bytes as u64 <= align_down(self.end.position)).then_some(bytes)
    }

    /// Position and length of the blocks that have `want` bytes beyond `at`, and a header.
    fn window_place(&self, at: &Mark, want: usize) -> (u64, usize) {
        let start = align_down(at.position);
        let before = (at.position - start) as usize;
        let wanted = align_up(before + want + HEADER_BYTES).min(READ_BYTES_MAX);
        // Of somebody at the end or behind it one block: what it finds there is damage, and told as that.
        let there = self.end.position.saturating_sub(start).max(1);
        let there = there.next_multiple_of(ALIGNMENT as u64);
        (start, there.min(wanted as u64) as usize)
    }

    async fn read_at(&self, position: u64, bytes: usize) -> Result<Slice, LogError> {
        let read = self.file.read_at(position, bytes).await;
        read.map_err(|error| LogError::io(&self.path, position, error))
    }

    /// The batch at `at`, if the window holds its header: the header only is looked at, its numbers are checked.
    pub(super) fn batch_at(
        &self,
        window: &Window,
        at: &Mark,
    ) -> Result<Option<BatchExtent>, LogError> {
        let Some(header) = window.header_at(at) else {
            return Ok(None);
        };
        let header = header.map_err(|error| self.corrupt(at.position, &error.to_string()))?;
        let extent = BatchExtent::of(&header);
        let follows = match self.has_gaps {
            true => extent.base_offset >= at.offset,
            false => extent.base_offset == at.offset,
        };
        let problem = if !follows {
            "its base offset does not follow the batch before it"
        } else if extent.last_offset < extent.base_offset || extent.last_offset >= self.end.offset {
            "its last offset is beyond the segment's"
        } else if at.position + extent.bytes as u64 > self.end.position {
            "it is longer than the segment"
        } else if at.position + extent.bytes as u64 == self.end.position
            && !self.has_gaps
            && extent.last_offset + 1 != self.end.offset
        {
            "it ends the segment before the segment's last offset"
        } else {
            return Ok(Some(extent));
        };
        Err(self.corrupt(at.position, problem))
    }

    /// The whole batch at `at`, checked: one slice of the window if it lies there, else read for itself. After an error
    /// `into` is as it was: never does a part of a batch stay there.
    pub(super) async fn whole(
        &self,
        window: &Window,
        at: &Mark,
        extent: &BatchExtent,
        into: &mut Vec<Slice>,
    ) -> Result<(), LogError> {
        let first = into.len();
        match window.slice_at(at.position, extent.bytes) {
            Some(slice) => into.push(slice),
            None => {
                let read = self.read_large(at.position, extent.bytes, into).await;
                if let Err(error) = read {
                    into.truncate(first);
                    return Err(error);
                }
            }
        }
        let header = window
            .header_at(at)
            .and_then(Result::ok)
            .ok_or_else(|| self.corrupt(at.position, "its header is gone"))?;
        if header.crc_matches_pieces(into[first..].iter().map(|piece| &**piece)) {
            return Ok(());
        }
        into.truncate(first);
        Err(self.corrupt(at.position, "its checksum does not match its content"))
    }

    async fn read_large(
        &self,
        position: u64,
        bytes: usize,
        into: &mut Vec<Slice>,
    ) -> Result<(), LogError> {
        let (mut at, end) = (position, position + bytes as u64);
        while at < end {
            let start = align_down(at);
            let slice = self
                .read_at(start, align_up((end - start) as usize).min(READ_BYTES_MAX))
                .await?;
            let from = (at - start) as usize;
            let to = slice.len().min((end - start) as usize);
            if to <= from {
                return Err(self.corrupt(at, "the file ends too early"));
            }
            into.push(slice.slice(from..to));
            at = start + to as u64;
        }
        Ok(())
    }

    fn corrupt(&self, position: u64, problem: &str) -> LogError {
        LogError::Corrupt {
            path: self.path.clone(),
            position,
            problem: problem.to_owned(),
        }
    }
}

impl Window {
    /// Whether the whole batch lies in what was read.
    pub(super) fn holds(&self, at: &Mark, extent: &BatchExtent) -> bool {
        (at.position - self.start) as usize + extent.bytes <= self.slice.len()
    }

    /// Whether no later window could hold more of what is there.
    pub(super) fn begins_with(&self, at: &Mark) -> bool {
        self.start == align_down(at.position)
    }

    fn header_at(
        &self,
        at: &Mark,
    ) -> Option<Result<BatchHeader<'_>, protocol::record_batch::BatchParseError>> {
        let from = (at.position - self.start) as usize;
        let header = self.slice.get(from..from + HEADER_BYTES)?;
        Some(BatchHeader::parse(header))
    }

    fn slice_at(&self, position: u64, bytes: usize) -> Option<Slice> {
        let from = (position - self.start) as usize;
        (from + bytes <= self.slice.len()).then(|| self.slice.slice(from..from + bytes))
    }
}
