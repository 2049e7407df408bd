//! Writes sealed segments again, without the records that newer ones have replaced. The segments as they were stay on disk
//! until the caller has made the change durable: a restart before that finds them, and removes what was written here. Follows
//! Kafka's `Cleaner`.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future::zip;
use protocol::record::RecordRef;
use protocol::record_batch::{
    BatchFilter, BatchHeader, FilterError, Filtered, RecordBatch, append_empty,
};

use super::compaction::{Cleanable, OffsetMap};
use super::format::{Segment, SegmentId};
use super::index::{BatchExtent, Mark, SegmentIndex};
use super::index_file::WALK_BYTES;
use super::segment_reader::{READ_BYTES_MAX, SegmentReader, Window};
use super::{LogError, PartitionLog};
use crate::io::Io;
use crate::io::buffer::{Slice, WriteBuffer, align_up};
use crate::io::clock::Instant;
use crate::io::disk::{File, OpenMode};
use crate::limits;
use crate::planted::{self, Bug};

/// The longest rest between two reads.
const REST_MAX: Duration = Duration::from_millis(100);

/// How to compact.
pub struct CompactionOrder<'a> {
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `segment.bytes`.
    pub segment_bytes_max: u64,
    /// Memory for keys, bytes.
    pub map_bytes_max: u64,
    /// Whether the batch that begins at this offset is the last one of this producer id: its header stays.
    pub is_last_of_producer: &'a dyn Fn(i64, i64) -> bool,
    /// Bytes a second to read and write, on average; asked for anew at each rest.
    pub io_bytes_per_second_max: &'a dyn Fn() -> f64,
    /// Whether to go on.
    pub is_wanted: &'a dyn Fn() -> bool,
}

/// What compaction came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Segments that others stand for now.
    pub replaced: usize,
    /// Bytes of the segments before.
    pub bytes_before: u64,
    /// And of those in their place.
    pub bytes_after: u64,
    /// Records before.
    pub records_before: u64,
    /// And after.
    pub records_after: u64,
    /// Distinct keys that were seen.
    pub keys: usize,
    /// Every key below this offset has been seen.
    pub cleaned_offset: i64,
}

/// Why nothing was compacted. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum CompactionFailure {
    /// The segments changed meanwhile, the partition is gone, or nobody wants it any more.
    #[error("it was given up")]
    GivenUp,
    /// A segment cannot be read, or a new one not be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl PartitionLog {
    /// Compacts `cleanable`, which is this log's. The segments that it replaced are [`PartitionLog::replaced`] then.
    ///
    /// # Errors
    /// Nothing has changed.
    pub async fn compact(
        &self,
        cleanable: &Cleanable,
        order: &CompactionOrder<'_>,
    ) -> Result<Compacted, CompactionFailure> {
        assert!(!self.rewriting.replace(true), "one compaction at a time");
        let mut rewrite = Rewrite {
            log: self,
            order,
            pace: Pace::new(&self.shared.io),
            filter: BatchFilter::default(),
            written: Vec::new(),
            compacted: Compacted::default(),
        };
        let mut done = rewrite.run(cleanable).await;
        let written = std::mem::take(&mut rewrite.written);
        let sources = rewrite.sources(cleanable);
        rewrite.compacted.replaced = sources.len();
        let compacted = rewrite.compacted;
        if done.is_ok() && !self.replace(&sources, &written, compacted) {
            done = Err(CompactionFailure::GivenUp);
        }
        if done.is_err() {
            self.discard(&written).await;
        }
        self.rewriting.set(false);
        self.write_is_over();
        done.map(|()| compacted)
    }

    /// Puts what was written into the place of `sources`, if those are still there.
    fn replace(&self, sources: &[Segment], written: &[Segment], compacted: Compacted) -> bool {
        let mut state = self.state.borrow_mut();
        let first = sources.first();
        let first = first.and_then(|first| state.segments.iter().position(|known| known == first));
        let Some(range) = first.map(|first| first..first + sources.len()) else {
            return false;
        };
        // The one behind them is active, or will be sealed after it.
        if self.removed.get()
            || state.segments.len() <= range.end
            || state.segments[range.clone()] != *sources
        {
            return false;
        }
        let filled = written.iter().filter(|segment| segment.bytes > 0);
        state.segments.splice(range, filled.copied());
        state.replaced.extend_from_slice(sources);
        state.cleaned_offset = compacted.cleaned_offset;
        true
    }

    async fn discard(&self, written: &[Segment]) {
        for segment in written {
            if let Err(error) = self.remove_segment(segment.id).await {
                tracing::warn!(%error, "what a compaction that was given up had written is still there");
            }
        }
    }

    /// Every key below this offset has been seen by compaction.
    pub fn cleaned_offset(&self) -> i64 {
        self.state.borrow().cleaned_offset
    }

    /// How many segments compaction has replaced that are still needed by a restart.
    pub fn replaced(&self) -> usize {
        self.state.borrow().replaced.len()
    }

    /// A restart does not need the first `count` of them any more; gives them. Their files are still there.
    pub fn release_replaced(&self, count: usize) -> Vec<Segment> {
        self.state.borrow_mut().replaced.drain(..count).collect()
    }
}

/// One compaction.
struct Rewrite<'a> {
    log: &'a PartitionLog,
    order: &'a CompactionOrder<'a>,
    pace: Pace<'a>,
    filter: BatchFilter,
    /// What was begun.
    written: Vec<Segment>,
    compacted: Compacted,
}

impl Rewrite<'_> {
    async fn run(&mut self, cleanable: &Cleanable) -> Result<(), CompactionFailure> {
        let map = self.map(cleanable).await?;
        self.compacted.keys = map.len();
        let mut output: Option<Output> = None;
        for source in self.sources(cleanable) {
            if let Some(full) = output.take_if(|output| !output.takes(&source, self.order)) {
                self.finish(full).await?;
            }
            let output = match &mut output {
                Some(output) => output,
                none => none.insert(self.begin(&source).await?),
            };
            self.rewrite(&source, &map, output).await?;
            self.compacted.bytes_before += source.bytes;
        }
        match output {
            Some(output) => self.finish(output).await,
            None => Ok(()),
        }
    }

    /// The segments that have records which the map may have replaced.
    fn sources(&self, cleanable: &Cleanable) -> Vec<Segment> {
        let end = self.compacted.cleaned_offset;
        let below = cleanable.segments.iter();
        let below = below.take_while(|segment| segment.base_offset() < end);
        below.copied().collect()
    }

    /// The newest offset of each key that is not known yet. Where the map is full it ends, and the rest is seen the next time.
    async fn map(&mut self, cleanable: &Cleanable) -> Result<OffsetMap, CompactionFailure> {
        let random = &self.log.shared.io.random;
        let hash_key = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
        let mut map = OffsetMap::new(hash_key.to_le_bytes(), self.order.map_bytes_max);
        let from = cleanable.dirty_from;
        let mut full_at = None;
        let dirty = cleanable.segments.iter();
        for segment in dirty.filter(|segment| segment.next_offset > from) {
            let mut walk = Walk::over(self.log, segment).await?;
            while full_at.is_none()
                && let Some(bytes) = walk.next(&mut self.pace, self.order).await?
            {
                let batch = walk.parsed(&bytes)?;
                let header = batch.header();
                if header.last_offset() < from || header.attributes().is_control() {
                    continue;
                }
                let payload_max = limits::DECOMPRESSED_BYTES_MAX;
                let walked = self.filter.walk(&batch, payload_max, |record, offset| {
                    if offset >= from
                        && full_at.is_none()
                        && let Some(key) = record.key
                        && !map.put(key, offset)
                    {
                        full_at = Some(offset);
                    }
                });
                if let Err(error) = walked {
                    walk.tell_unreadable(&header, &error);
                }
            }
        }
        self.compacted.cleaned_offset = full_at.unwrap_or(cleanable.end_offset());
        Ok(map)
    }

    /// Writes what is left of `source`.
    async fn rewrite(
        &mut self,
        source: &Segment,
        map: &OffsetMap,
        output: &mut Output,
    ) -> Result<(), CompactionFailure> {
        let mut walk = Walk::over(self.log, source).await?;
        while let Some(bytes) = walk.next(&mut self.pace, self.order).await? {
            let batch = walk.parsed(&bytes)?;
            let header = batch.header();
            self.compacted.records_before += count(&header);
            let start = output.pending.len();
            match self.keep(&batch, map, &mut output.pending) {
                Ok(()) => {}
                // Nobody can say what it replaces or is replaced by: it stays whole.
                Err(error) => {
                    walk.tell_unreadable(&header, &error);
                    output.pending.truncate(start);
                    output.pending.extend_from_slice(batch.bytes());
                }
            }
            self.pace.moved(output.pending.len() - start);
            self.compacted.records_after += output.appended(start);
            output.write_full().await?;
        }
        Ok(())
    }

    /// Appends to `out` what is left of a batch.
    fn keep(
        &mut self,
        batch: &RecordBatch<'_>,
        map: &OffsetMap,
        out: &mut Vec<u8>,
    ) -> Result<(), FilterError> {
        let header = batch.header();
        let attributes = header.attributes();
        if attributes.is_control() {
            out.extend_from_slice(batch.bytes());
            return Ok(());
        }
        let now_ms = self.log.shared.io.clock.wall_ms();
        let seen_below = self.compacted.cleaned_offset;
        let horizon_ms = attributes
            .has_delete_horizon()
            .then_some(header.base_timestamp());
        let keep = |record: &RecordRef<'_>, offset: i64| {
            if offset >= seen_below {
                return record.value.is_some() || !planted::on(Bug::TombstoneDroppedEarly);
            }
            let Some(key) = record.key else {
                return false;
            };
            let is_newest = map.newest(key).is_none_or(|newest| newest <= offset);
            let is_value = record.value.is_some();
            is_newest && (is_value || horizon_ms.is_none_or(|horizon_ms| now_ms < horizon_ms))
        };
        let new_horizon_ms = now_ms.saturating_add(self.order.delete_retention_ms);
        let payload_max = limits::DECOMPRESSED_BYTES_MAX;
        let filtered = self
            .filter
            .filter(batch, payload_max, new_horizon_ms, keep, out)?;
        match filtered {
            Filtered::All => out.extend_from_slice(batch.bytes()),
            Filtered::Some => {}
            Filtered::Nothing => {
                let is_last = self.order.is_last_of_producer;
                if header.has_producer_id()
                    && !planted::on(Bug::ProducerHeaderDropped)
                    && is_last(header.producer_id(), header.base_offset())
                {
                    append_empty(&header, out)?;
                }
            }
        }
        Ok(())
    }

    async fn begin(&mut self, source: &Segment) -> Result<Output, CompactionFailure> {
        let id = SegmentId {
            generation: source.id.generation + 1,
            ..source.id
        };
        let segment = Segment {
            id,
            ..Segment::new(id.base_offset, source.created_ms)
        };
        let path = self.log.path(id.segment_name());
        // One of this name is what an attempt before has left.
        self.log.remove_segment(id).await?;
        let opened = self
            .log
            .shared
            .io
            .disk
            .open(&path, OpenMode::CreateNew)
            .await;
        let file = opened.map_err(|error| LogError::io(&path, 0, error))?;
        self.written.push(segment);
        Ok(Output {
            index: SegmentIndex::starting_at(id.base_offset, segment.start()),
            segment,
            file,
            path,
            pending: Vec::new(),
            written_bytes: 0,
        })
    }

    async fn finish(&mut self, mut output: Output) -> Result<(), CompactionFailure> {
        output.write_rest().await?;
        let segment = output.segment;
        self.compacted.bytes_after += segment.bytes;
        *self.written.last_mut().expect("it was begun") = segment;
        if segment.bytes == 0 {
            self.log.discard(&[segment]).await;
        } else {
            self.log.save_index(segment.id, &output.index).await;
        }
        Ok(())
    }
}

/// A segment that is being written.
struct Output {
    segment: Segment,
    index: SegmentIndex,
    file: Rc<dyn File>,
    path: PathBuf,
    /// What is not written yet.
    pending: Vec<u8>,
    /// Bytes written, whole blocks.
    written_bytes: u64,
}

impl Output {
    /// Whether all of `source` fits too, however much of it stays.
    fn takes(&self, source: &Segment, order: &CompactionOrder<'_>) -> bool {
        self.segment.bytes + source.bytes <= order.segment_bytes_max
            && source.next_offset - self.segment.base_offset() <= i64::from(i32::MAX)
    }

    /// The batches of `pending` from `start` on, one at most, are its own now; gives how many records they have.
    fn appended(&mut self, start: usize) -> u64 {
        let Ok(header) = BatchHeader::parse(&self.pending[start..]) else {
            assert_eq!(self.pending.len(), start, "batches only are appended");
            return 0;
        };
        let extent = BatchExtent::of(&header);
        self.index.push(&extent);
        if self.segment.bytes == 0 {
            self.segment.first_timestamp = extent.max_timestamp;
        }
        let end = self.index.end();
        self.segment.bytes = end.position;
        self.segment.next_offset = end.offset;
        self.segment.max_timestamp = end.max_timestamp;
        count(&header)
    }

    /// Writes what fills whole reads.
    async fn write_full(&mut self) -> Result<(), LogError> {
        while self.pending.len() >= READ_BYTES_MAX {
            self.write(READ_BYTES_MAX).await?;
        }
        Ok(())
    }

    /// Writes the end, and cuts the file to its bytes.
    async fn write_rest(&mut self) -> Result<(), LogError> {
        self.write_full().await?;
        if !self.pending.is_empty() {
            self.write(self.pending.len()).await?;
            let cut = self.file.truncate(self.segment.bytes).await;
            cut.map_err(|error| LogError::io(&self.path, self.segment.bytes, error))?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: usize) -> Result<(), LogError> {
        let mut buffer = WriteBuffer::new(align_up(bytes));
        buffer.as_mut_slice()[..bytes].copy_from_slice(&self.pending[..bytes]);
        buffer.as_mut_slice()[bytes..].fill(0);
        let position = self.written_bytes;
        let written = self.file.write_at(buffer, position).await;
        written.map_err(|error| LogError::io(&self.path, position, error))?;
        self.pending.drain(..bytes);
        self.written_bytes += align_up(bytes) as u64;
        Ok(())
    }
}

/// The batches of a segment, one after the other, their checksums right.
struct Walk<'a> {
    log: &'a PartitionLog,
    reader: SegmentReader,
    path: PathBuf,
    at: Mark,
    window: Option<Window>,
}

impl<'a> Walk<'a> {
    async fn over(log: &'a PartitionLog, segment: &Segment) -> Result<Self, LogError> {
        Ok(Self {
            log,
            reader: log.reader(segment).await?,
            path: log.path(segment.id.segment_name()),
            at: segment.start(),
            window: None,
        })
    }

    async fn next(
        &mut self,
        pace: &mut Pace<'_>,
        order: &CompactionOrder<'_>,
    ) -> Result<Option<Slice>, CompactionFailure> {
        while !self.reader.is_at_end(&self.at) {
            if let Some(window) = &self.window
                && let Some(extent) = self.reader.batch_at(window, &self.at)?
                // Cut off by the window's end: the next one begins with it, so that it is read once.
                && (window.holds(&self.at, &extent) || window.begins_with(&self.at))
            {
                let mut pieces = Vec::new();
                self.reader
                    .whole(window, &self.at, &extent, &mut pieces)
                    .await?;
                self.at = self.at.after(&extent);
                pace.turn().await;
                let bytes = in_one(pieces);
                pace.moved(bytes.len());
                return Ok(Some(bytes));
            }
            // It rests while the disk reads, and only for what it did itself: waiting for the disk takes nobody's time.
            let read = self.reader.window(&self.at, WALK_BYTES);
            let ((), window) = zip(pace.rest(order), read).await;
            if self.log.removed.get() || !(order.is_wanted)() {
                return Err(CompactionFailure::GivenUp);
            }
            self.window = Some(window?);
            pace.begin();
        }
        Ok(None)
    }

    fn parsed<'b>(&self, bytes: &'b [u8]) -> Result<RecordBatch<'b>, LogError> {
        RecordBatch::parse(bytes).map_err(|error| LogError::Corrupt {
            path: self.path.clone(),
            position: self.at.position,
            problem: error.to_string(),
        })
    }

    fn tell_unreadable(&self, header: &BatchHeader<'_>, error: &FilterError) {
        tracing::warn!(path = %self.path.display(), base_offset = header.base_offset(), %error, "a batch whose records cannot be read is left as it is by compaction");
    }
}

/// Half of the time at most, and never long at once: whoever produces and reads comes first. And no faster than it may.
struct Pace<'a> {
    io: &'a Io,
    since: Instant,
    /// Bytes read and written since then.
    moved_bytes: usize,
}

impl<'a> Pace<'a> {
    fn new(io: &'a Io) -> Self {
        Self {
            io,
            since: io.clock.now(),
            moved_bytes: 0,
        }
    }

    /// So many bytes were read, or are to be written.
    fn moved(&mut self, bytes: usize) {
        self.moved_bytes += bytes;
    }

    /// Between two batches.
    async fn turn(&self) {
        if self.io.executor.should_yield() {
            self.io.executor.yield_now().await;
        }
    }

    /// Before a read: as long as it took since the last one, and as long as the bytes since then ask for. The bound may change
    /// meanwhile.
    async fn rest(&mut self, order: &CompactionOrder<'_>) {
        let clock = &self.io.clock;
        let worked_ns = clock.now().since_ns(self.since);
        clock
            .sleep(Duration::from_nanos(worked_ns).min(REST_MAX))
            .await;
        while (order.is_wanted)() {
            let seconds = self.moved_bytes as f64 / (order.io_bytes_per_second_max)().max(0.0);
            let passed = Duration::from_nanos(clock.now().since_ns(self.since));
            match Duration::try_from_secs_f64(seconds)
                .unwrap_or(Duration::MAX)
                .checked_sub(passed)
            {
                Some(rest) if !rest.is_zero() => clock.sleep(rest.min(REST_MAX)).await,
                _ => break,
            }
        }
        self.moved_bytes = 0;
    }

    /// After a rest and the read beside it.
    fn begin(&mut self) {
        self.since = self.io.clock.now();
    }
}

fn in_one(mut pieces: Vec<Slice>) -> Slice {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let bytes: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| piece.iter().copied())
        .collect();
    Slice::from(Bytes::from(bytes))
}

fn count(header: &BatchHeader<'_>) -> u64 {
    u64::try_from(header.record_count()).unwrap_or(0)
}
