//! Reads of a partition's log: whole batches from an offset, and the first batch that reaches a timestamp. Both begin at
//! the nearest mark of the segment's index. A damaged range is refused with its place, the others are served.

use super::format::Segment;
use super::index::Mark;
use super::index_file::WALK_BYTES;
use super::segment_reader::{READ_BYTES_MAX, SegmentReader, Window};
use super::{LogError, PartitionLog};
use crate::io::buffer::Slice;
use crate::io::disk::OpenMode;

/// Smallest single read, bytes.
const READ_BYTES_MIN: usize = 64 << 10;

/// What is wanted of a log in one read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// From where.
    pub offset: i64,
    /// So many bytes of whole batches at most.
    pub bytes_max: usize,
    /// But one batch at least.
    pub at_least_one: bool,
    /// None from here on.
    pub upper_offset: i64,
    /// So many bytes in one go from the disk at most, if a batch is not larger.
    pub window_bytes_max: usize,
    /// Who goes on where a read ended finds the next window read already.
    pub ahead: bool,
}

impl Wanted {
    fn window_bytes(&self) -> usize {
        let bytes = self.bytes_max.min(self.window_bytes_max);
        bytes.clamp(READ_BYTES_MIN, READ_BYTES_MAX)
    }
}

/// What a read gives.
#[derive(Debug, Default)]
pub struct Found {
    /// Whole batches.
    pub batches: Vec<Slice>,
    /// The offset behind them; the one asked for, if there are none.
    pub next_offset: i64,
}

impl PartitionLog {
    /// Whole batches from the one that holds the offset, or the next one. Their checksums are right. Fewer come where one window or
    /// one segment ends. `None`: there are none in segments below the upper offset, whatever may be read; compaction has left none,
    /// or there never were any.
    ///
    /// # Errors
    /// The batch of the offset cannot be read, or is not what was written.
    pub async fn read(&self, wanted: &Wanted) -> Result<Option<Found>, LogError> {
        while let Some(segment) = self.segment_of(wanted.offset) {
            match self.read_segment(&segment, wanted).await {
                // Compaction has put another into its place, and its file is gone.
                Err(_) if !self.knows(&segment) && self.reaches_back_to(wanted.offset) => {}
                done => return done,
            }
        }
        Ok(None)
    }

    async fn read_segment(
        &self,
        segment: &Segment,
        wanted: &Wanted,
    ) -> Result<Option<Found>, LogError> {
        let reader = self.reader(segment).await?;
        let key = self.key(segment.id);
        let resumed = self.shared.read_ahead.resume(key, wanted.offset);
        let goes_on = resumed.is_some();
        let (mut at, window) = match resumed {
            Some(place) => (place.at, place.window().await),
            None => (self.mark_before_offset(segment, wanted.offset).await?, None),
        };
        let found = walk(&reader, wanted, (&mut at, window)).await?;
        if let Some(found) = &found
            && !found.batches.is_empty()
            && !reader.is_at_end(&at)
        {
            let bytes: usize = found.batches.iter().map(|batch| batch.len()).sum();
            // A batch larger than a read is put together from several: one would not help.
            let helps = goes_on && wanted.ahead && bytes <= READ_BYTES_MAX;
            let ahead = helps.then_some((wanted.window_bytes(), reader));
            self.shared.stopped((key, found.next_offset), at, ahead);
        }
        Ok(found)
    }

    /// The first batch that ends at or after `from_offset` and whose largest timestamp reaches `target`, copied whole. `None` is true of all that is in segments when
    /// it returns: that is known without waiting.
    ///
    /// # Errors
    /// A batch that must be looked at cannot be read, or is not what was written.
    pub async fn batch_for_timestamp(
        &self,
        target: i64,
        from_offset: i64,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let mut from_offset = from_offset;
        loop {
            let reaches = |segment: &&Segment| {
                segment.bytes > 0
                    && segment.max_timestamp >= target
                    && segment.next_offset > from_offset
            };
            let segment = self.state.borrow().segments.iter().find(reaches).copied();
            let Some(segment) = segment else {
                return Ok(None);
            };
            let found = self.segment_batch_for_timestamp(&segment, target, from_offset);
            match found.await {
                // What reaches it lies before `from_offset`.
                Ok(None) => from_offset = segment.next_offset,
                Err(_) if !self.knows(&segment) => {}
                done => return done,
            }
        }
    }

    async fn segment_batch_for_timestamp(
        &self,
        segment: &Segment,
        target: i64,
        from_offset: i64,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let reader = self.reader(segment).await?;
        let mut at = self.mark_before_timestamp(segment, target).await?;
        while !reader.is_at_end(&at) {
            let window = reader.window(&at, WALK_BYTES).await?;
            while !reader.is_at_end(&at)
                && let Some(extent) = reader.batch_at(&window, &at)?
            {
                if extent.max_timestamp >= target && extent.last_offset >= from_offset {
                    let mut slices = Vec::new();
                    reader.whole(&window, &at, &extent, &mut slices).await?;
                    let mut batch = Vec::with_capacity(extent.bytes);
                    slices
                        .iter()
                        .for_each(|piece| batch.extend_from_slice(piece));
                    return Ok(Some(batch));
                }
                at = at.after(&extent);
            }
        }
        Ok(None)
    }

    pub(super) async fn reader(&self, segment: &Segment) -> Result<SegmentReader, LogError> {
        let path = self.path(segment.id.segment_name());
        let key = self.key(segment.id);
        let file = self.shared.open(key, &path, OpenMode::ReadWrite).await?;
        Ok(SegmentReader::new(file, path, segment))
    }

    fn knows(&self, segment: &Segment) -> bool {
        let state = self.state.borrow();
        state.segments.iter().any(|known| known.id == segment.id)
    }

    fn reaches_back_to(&self, offset: i64) -> bool {
        let state = self.state.borrow();
        let first = state.segments.first();
        first.is_some_and(|first| first.base_offset() <= offset)
    }

    /// The segment that holds `offset`, or the first one after it.
    fn segment_of(&self, offset: i64) -> Option<Segment> {
        let state = self.state.borrow();
        let after = state
            .segments
            .partition_point(|segment| segment.next_offset <= offset);
        state.segments[after..]
            .iter()
            .find(|segment| segment.bytes > 0)
            .copied()
    }

    async fn mark_before_offset(&self, segment: &Segment, offset: i64) -> Result<Mark, LogError> {
        if let Some(mark) = self.recent_mark(segment, |recent| {
            (recent.start().offset <= offset).then(|| recent.before_offset(offset))
        }) {
            return Ok(mark);
        }
        Ok(self.index(segment).await?.before_offset(offset))
    }

    async fn mark_before_timestamp(
        &self,
        segment: &Segment,
        target: i64,
    ) -> Result<Mark, LogError> {
        if let Some(mark) = self.recent_mark(segment, |recent| {
            (recent.start().max_timestamp < target).then(|| recent.before_timestamp(target))
        }) {
            return Ok(mark);
        }
        Ok(self.index(segment).await?.before_timestamp(target))
    }
}

/// Whole batches of one segment from the one at or behind `at` on, which ends behind the last of them. The first window may be there already.
async fn walk(
    reader: &SegmentReader,
    wanted: &Wanted,
    (at, mut read_ahead): (&mut Mark, Option<Window>),
) -> Result<Option<Found>, LogError> {
    let mut found = Found {
        next_offset: wanted.offset,
        ..Default::default()
    };
    let mut bytes = 0;
    while found.batches.is_empty() && !reader.is_at_end(at) {
        let window = match read_ahead.take() {
            Some(window) => window,
            None => reader.window(at, wanted.window_bytes()).await?,
        };
        while !reader.is_at_end(at) {
            let extent = match reader.batch_at(&window, at) {
                Ok(Some(extent)) => extent,
                Ok(None) => break,
                Err(error) => return served_before(found, error),
            };
            if extent.last_offset < wanted.offset {
                *at = at.after(&extent);
                continue;
            }
            let first = found.batches.is_empty();
            let too_much =
                bytes + extent.bytes > wanted.bytes_max && !(first && wanted.at_least_one);
            // One larger than a read is put together from several, if it is the first; else it waits for the next fetch.
            let later = !first && !window.holds(at, &extent);
            let beyond = extent.base_offset >= wanted.upper_offset;
            if first && beyond {
                return Ok(None);
            }
            if beyond || too_much || later {
                return Ok(Some(found));
            }
            let whole = reader.whole(&window, at, &extent, &mut found.batches);
            if let Err(error) = whole.await {
                return served_before(found, error);
            }
            bytes += extent.bytes;
            found.next_offset = extent.last_offset + 1;
            *at = at.after(&extent);
        }
    }
    Ok(Some(found))
}

/// What was good before the damage is served; the damage is met by who asks for it first.
fn served_before(found: Found, error: LogError) -> Result<Option<Found>, LogError> {
    if found.batches.is_empty() {
        Err(error)
    } else {
        Ok(Some(found))
    }
}
