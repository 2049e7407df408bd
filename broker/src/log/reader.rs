//! Reads whole batches out of segments, as they lie in what direct IO returned. Copies no record byte; believes no length.

use protocol::record_batch::{BatchHeader, HEADER_BYTES};

use super::{LogError, PartitionLog, format};
use crate::io::buffer::{Slice, align_down, align_up};
use crate::io::disk::OpenMode;

/// Smallest and largest single read, bytes.
const READ_BYTES_MIN: usize = 64 << 10;
const READ_BYTES_MAX: usize = 1 << 20;

/// A batch found in a segment: its header's facts, and its bytes in one slice or more.
struct Found {
    base_offset: i64,
    last_offset: i64,
    max_timestamp: i64,
    bytes: usize,
}

/// One read of a segment, and how far it was looked through.
struct Window {
    slice: Slice,
    /// Position in the segment of the slice's first byte.
    start: u64,
}

impl PartitionLog {
    /// Whole batches from the one that holds `offset`, below `upper_offset`, up to `bytes_max`; one at least if asked for.
    pub async fn read(
        &self,
        offset: i64,
        bytes_max: usize,
        at_least_one: bool,
        upper_offset: i64,
    ) -> Result<Vec<Slice>, LogError> {
        let Some((base_offset, mut position, end)) = self.locate(offset) else {
            return Ok(Vec::new());
        };
        let path = self.directory.join(format::segment_name(base_offset));
        let mut slices = Vec::new();
        let mut bytes = 0;
        while position < end {
            let want = bytes_max.clamp(READ_BYTES_MIN, READ_BYTES_MAX);
            let window = self.window(base_offset, position, want).await?;
            while let Some(found) = self.batch_at(&window, position, end, &path)? {
                if found.base_offset >= upper_offset {
                    return Ok(slices);
                }
                let wanted = found.last_offset >= offset;
                let whole = window.holds(position, found.bytes);
                let first = slices.is_empty() && at_least_one;
                if wanted && !first && bytes + found.bytes > bytes_max {
                    return Ok(slices);
                }
                if wanted && !whole {
                    // One that is larger than a read is put together from several; others wait for the next fetch.
                    if slices.is_empty() {
                        self.read_large(base_offset, position, found.bytes, &mut slices)
                            .await?;
                    }
                    return Ok(slices);
                }
                if wanted {
                    slices.push(window.slice_at(position, found.bytes));
                    bytes += found.bytes;
                }
                position += found.bytes as u64;
                if position >= end {
                    return Ok(slices);
                }
            }
            if !slices.is_empty() {
                return Ok(slices);
            }
        }
        Ok(slices)
    }

    /// The first batch below `upper_offset` whose largest timestamp reaches `target`, copied whole.
    pub async fn batch_for_timestamp(
        &self,
        target: i64,
        upper_offset: i64,
    ) -> Result<Option<Vec<u8>>, LogError> {
        let segments = self.segments_with_index();
        for (base_offset, mut position, end) in segments.into_iter().filter_map(|segment| {
            (segment.max_timestamp >= target).then(|| {
                (
                    segment.base_offset,
                    segment.position_before_timestamp(target),
                    segment.bytes,
                )
            })
        }) {
            let path = self.directory.join(format::segment_name(base_offset));
            while position < end {
                let window = self.window(base_offset, position, READ_BYTES_MAX).await?;
                while let Some(found) = self.batch_at(&window, position, end, &path)? {
                    if found.base_offset >= upper_offset {
                        return Ok(None);
                    }
                    if found.max_timestamp >= target {
                        let mut slices = Vec::new();
                        self.read_large(base_offset, position, found.bytes, &mut slices)
                            .await?;
                        return Ok(Some(
                            slices
                                .iter()
                                .flat_map(|slice| slice.iter().copied())
                                .collect(),
                        ));
                    }
                    position += found.bytes as u64;
                }
            }
        }
        Ok(None)
    }

    fn segments_with_index(&self) -> Vec<super::Segment> {
        self.state.borrow().segments.clone()
    }

    /// The segment that holds `offset`: its base offset, where to begin looking, and where its batches end.
    fn locate(&self, offset: i64) -> Option<(i64, u64, u64)> {
        let state = self.state.borrow();
        let after = state
            .segments
            .partition_point(|segment| segment.base_offset <= offset);
        let mut at = after.checked_sub(1)?;
        if state.segments[at].next_offset <= offset {
            at += 1;
        }
        let segment = state.segments.get(at)?;
        Some((
            segment.base_offset,
            segment.position_of(offset),
            segment.bytes,
        ))
    }

    async fn window(
        &self,
        base_offset: i64,
        position: u64,
        want: usize,
    ) -> Result<Window, LogError> {
        let path = self.directory.join(format::segment_name(base_offset));
        let file = self
            .files
            .open(&self.io, &path, OpenMode::ReadWrite)
            .await?;
        let start = align_down(position);
        let len = align_up((position - start) as usize + want + HEADER_BYTES).min(READ_BYTES_MAX);
        let slice = file
            .read_at(start, len)
            .await
            .map_err(|error| LogError::io(&path, error))?;
        if slice.len() as u64 + start < position + HEADER_BYTES as u64 {
            let problem = "the file ends too early".to_owned();
            return Err(LogError::Corrupt {
                path,
                position,
                problem,
            });
        }
        Ok(Window { slice, start })
    }

    /// The batch at `position`, if the window holds its header.
    fn batch_at(
        &self,
        window: &Window,
        position: u64,
        end: u64,
        path: &std::path::Path,
    ) -> Result<Option<Found>, LogError> {
        let at = (position - window.start) as usize;
        if position >= end || at + HEADER_BYTES > window.slice.len() {
            return Ok(None);
        }
        let corrupt = |problem: String| LogError::Corrupt {
            path: path.to_owned(),
            position,
            problem,
        };
        let header =
            BatchHeader::parse(&window.slice[at..]).map_err(|error| corrupt(error.to_string()))?;
        let bytes = header.size_bytes();
        if position + bytes as u64 > end {
            return Err(corrupt(format!(
                "a batch of {bytes} bytes goes beyond the end of the segment"
            )));
        }
        Ok(Some(Found {
            base_offset: header.base_offset(),
            last_offset: header.last_offset(),
            max_timestamp: header.max_timestamp(),
            bytes,
        }))
    }

    async fn read_large(
        &self,
        base_offset: i64,
        position: u64,
        bytes: usize,
        into: &mut Vec<Slice>,
    ) -> Result<(), LogError> {
        let path = self.directory.join(format::segment_name(base_offset));
        let file = self
            .files
            .open(&self.io, &path, OpenMode::ReadWrite)
            .await?;
        let (mut at, end) = (position, position + bytes as u64);
        while at < end {
            let start = align_down(at);
            let len = align_up((end - start) as usize).min(READ_BYTES_MAX);
            let slice = file
                .read_at(start, len)
                .await
                .map_err(|error| LogError::io(&path, error))?;
            let from = (at - start) as usize;
            let to = slice.len().min((end - start) as usize);
            if to <= from {
                let problem = "the file ends too early".to_owned();
                return Err(LogError::Corrupt {
                    path,
                    position: at,
                    problem,
                });
            }
            into.push(slice.slice(from..to));
            at = start + to as u64;
        }
        Ok(())
    }
}

impl Window {
    fn holds(&self, position: u64, bytes: usize) -> bool {
        (position - self.start) as usize + bytes <= self.slice.len()
    }

    fn slice_at(&self, position: u64, bytes: usize) -> Slice {
        let at = (position - self.start) as usize;
        self.slice.slice(at..at + bytes)
    }
}
