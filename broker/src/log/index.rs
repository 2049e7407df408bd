//! The index of one segment: sparse marks from offset and time to position, in memory and as the bytes of an index file.
//! Pure. It never reads a segment and never decides when a file is written.
//!
//! An index file is one block of numbers, little-endian, padded with zeros to whole 4096-byte blocks:
//!
//! ```text
//!  offset size field
//!       0    8 magic "PeltonIx"
//!       8    4 format version (1)
//!      12    4 CRC-32 (IEEE) of bytes 0..12 and 16..56 + 16 * entries
//!      16    8 base offset of the segment
//!      24    8 end: offset after the last batch that is indexed
//!      32    8 end: position in the segment, bytes
//!      40    8 end: largest timestamp before it, ms; -1 if no batch has one
//!      48    4 entries
//!      52    4 zero
//!      56    . entries of 16 bytes, by position; the first is the segment's first batch
//!
//!  entry
//!       0    4 base offset of a batch, less that of the segment
//!       4    4 its position in the segment, bytes
//!       8    8 largest timestamp before it, ms
//! ```

use protocol::record_batch::BatchHeader;
use thiserror::Error;

/// Distance of entries, bytes of the segment: what a look-up walks at most, in headers, beyond one batch.
pub const INTERVAL_BYTES: u64 = 32 << 10;

const MAGIC: &[u8; 8] = b"PeltonIx";
const FORMAT_VERSION: u32 = 1;
const HEADER_BYTES: usize = 56;
const ENTRY_BYTES: usize = 16;
const CRC_AT: std::ops::Range<usize> = 12..16;

/// A place between two batches of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Offset of the record that follows.
    pub offset: i64,
    /// Bytes of the segment before it.
    pub position: u64,
    /// Largest timestamp before it in the segment, ms; -1 if there is none.
    pub max_timestamp: i64,
}

/// What a batch's header says, as far as an index and a walk need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchExtent {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Largest timestamp in it, ms.
    pub max_timestamp: i64,
    /// Its size.
    pub bytes: usize,
}

impl BatchExtent {
    /// What a batch's header says. A batch without records has no timestamp, whatever stands there.
    pub fn of(header: &BatchHeader<'_>) -> Self {
        Self {
            base_offset: header.base_offset(),
            last_offset: header.last_offset(),
            max_timestamp: match header.record_count() {
                0 => -1,
                _ => header.max_timestamp(),
            },
            bytes: header.size_bytes(),
        }
    }
}

impl Mark {
    /// The place after `batch`, which begins here.
    pub fn after(&self, batch: &BatchExtent) -> Self {
        Self {
            offset: batch.last_offset + 1,
            position: self.position + batch.bytes as u64,
            max_timestamp: self.max_timestamp.max(batch.max_timestamp),
        }
    }
}

/// Why bytes are no index of the segment they stand beside.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IndexDefect {
    /// Not an index file, or its beginning is gone.
    #[error("it does not begin as an index file does")]
    Magic,
    /// Written by another version.
    #[error("format version {0} is not known")]
    Version(u32),
    /// Shorter than it says.
    #[error("{needed} bytes are needed, {available} are there")]
    Truncated {
        /// Bytes that its header promises.
        needed: usize,
        /// Bytes there are.
        available: usize,
    },
    /// Not what was written.
    #[error("its CRC is {stored:08x}, its content gives {computed:08x}")]
    Crc {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The sum holds, the numbers contradict each other.
    #[error("entry {0} is out of order or out of range")]
    Entry(usize),
}

/// 16 bytes in memory too: an index of a 1 GiB segment takes 512 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    relative_offset: u32,
    position: u32,
    max_timestamp: i64,
}

/// Marks of a segment, or of its end, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentIndex {
    base_offset: i64,
    start: Mark,
    end: Mark,
    entries: Vec<Entry>,
}

impl SegmentIndex {
    /// No batch yet; the first will begin at `start`, in the segment of this base offset.
    pub fn starting_at(base_offset: i64, start: Mark) -> Self {
        Self {
            base_offset,
            start,
            end: start,
            entries: Vec::new(),
        }
    }

    /// Base offset of the segment.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Where it begins; the segment's own start for a whole index.
    pub fn start(&self) -> Mark {
        self.start
    }

    /// How far it reaches.
    pub fn end(&self) -> Mark {
        self.end
    }

    /// Marks it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no mark.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Memory it takes, bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.entries.len() * ENTRY_BYTES
    }

    /// The batch at the end. Offsets and positions that do not fit 32 bits end the marks, not the index: look-ups walk further.
    pub fn push(&mut self, batch: &BatchExtent) {
        let due = self
            .entries
            .last()
            .is_none_or(|last| self.end.position - u64::from(last.position) >= INTERVAL_BYTES);
        let relative = u32::try_from(self.end.offset - self.base_offset);
        if due
            && let (Ok(relative_offset), Ok(position)) =
                (relative, u32::try_from(self.end.position))
        {
            self.entries.push(Entry {
                relative_offset,
                position,
                max_timestamp: self.end.max_timestamp,
            });
        }
        self.end = self.end.after(batch);
    }

    /// Goes on with `next`, which begins where this one ends.
    pub fn extend(&mut self, next: &Self) {
        assert_eq!(
            self.end, next.start,
            "indexes of one segment follow each other"
        );
        self.entries.extend_from_slice(&next.entries);
        self.end = next.end;
    }

    /// Forgets what lies at or beyond `end`, which must be a place between two batches.
    pub fn cut(&mut self, end: Mark) {
        if self.end.position > end.position {
            let keep = self
                .entries
                .partition_point(|entry| u64::from(entry.position) < end.position);
            self.entries.truncate(keep);
            self.end = end;
        }
    }

    /// The last mark at or before `offset`.
    pub fn before_offset(&self, offset: i64) -> Mark {
        let after = self
            .entries
            .partition_point(|entry| self.base_offset + i64::from(entry.relative_offset) <= offset);
        self.mark(after)
    }

    /// The last mark before which no timestamp reaches `target`.
    pub fn before_timestamp(&self, target: i64) -> Mark {
        let after = self
            .entries
            .partition_point(|entry| entry.max_timestamp < target);
        self.mark(after)
    }

    /// All marks, in order.
    pub fn marks(&self) -> impl Iterator<Item = Mark> {
        (1..=self.entries.len()).map(|after| self.mark(after))
    }

    fn mark(&self, after: usize) -> Mark {
        let Some(at) = after.checked_sub(1) else {
            return self.start;
        };
        let entry = &self.entries[at];
        Mark {
            offset: self.base_offset + i64::from(entry.relative_offset),
            position: u64::from(entry.position),
            max_timestamp: entry.max_timestamp,
        }
    }

    /// The file's bytes, padding left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES + self.entries.len() * ENTRY_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.base_offset.to_le_bytes());
        out.extend_from_slice(&self.end.offset.to_le_bytes());
        out.extend_from_slice(&self.end.position.to_le_bytes());
        out.extend_from_slice(&self.end.max_timestamp.to_le_bytes());
        out.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        for entry in &self.entries {
            out.extend_from_slice(&entry.relative_offset.to_le_bytes());
            out.extend_from_slice(&entry.position.to_le_bytes());
            out.extend_from_slice(&entry.max_timestamp.to_le_bytes());
        }
        let crc = crc(&out);
        out[CRC_AT].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Bytes of an index file whose segment has this many, at most: no longer one is read.
    pub fn file_bytes_max(segment_bytes: u64) -> u64 {
        let entries = segment_bytes / INTERVAL_BYTES + 2;
        (HEADER_BYTES as u64 + entries * ENTRY_BYTES as u64).next_multiple_of(4096)
    }

    /// Reads a file's bytes. Trusts nothing in them.
    pub fn decode(bytes: &[u8]) -> Result<Self, IndexDefect> {
        let mut header = bytes;
        if take::<8>(&mut header) != Some(*MAGIC) {
            return Err(IndexDefect::Magic);
        }
        let truncated = |needed| IndexDefect::Truncated {
            needed,
            available: bytes.len(),
        };
        if bytes.len() < HEADER_BYTES {
            return Err(truncated(HEADER_BYTES));
        }
        let mut number = || take(&mut header).ok_or(truncated(HEADER_BYTES));
        let [version, stored] = [number()?, number()?].map(u32::from_le_bytes);
        if version != FORMAT_VERSION {
            return Err(IndexDefect::Version(version));
        }
        let mut number = || take(&mut header).ok_or(truncated(HEADER_BYTES));
        let [base_offset, offset, position, max_timestamp] =
            [number()?, number()?, number()?, number()?].map(i64::from_le_bytes);
        let count = u32::from_le_bytes(take(&mut header).ok_or(truncated(HEADER_BYTES))?) as usize;
        let needed = HEADER_BYTES + count * ENTRY_BYTES;
        let content = bytes.get(..needed).ok_or(truncated(needed))?;
        let computed = crc(content);
        if stored != computed {
            return Err(IndexDefect::Crc { stored, computed });
        }
        let start = Mark {
            offset: base_offset,
            position: 0,
            max_timestamp: -1,
        };
        let mut index = Self::starting_at(base_offset, start);
        index.end = Mark {
            offset,
            position: position as u64,
            max_timestamp,
        };
        index.entries = content[HEADER_BYTES..]
            .chunks_exact(ENTRY_BYTES)
            .filter_map(Entry::decode)
            .collect();
        index.check()?;
        Ok(index)
    }

    /// The marks grow, begin at the segment's first batch and lie before the end.
    fn check(&self) -> Result<(), IndexDefect> {
        let mut before: Option<Entry> = None;
        for (at, entry) in self.entries.iter().enumerate() {
            let grows = match before {
                None => {
                    *entry
                        == Entry {
                            relative_offset: 0,
                            position: 0,
                            max_timestamp: -1,
                        }
                }
                Some(before) => {
                    entry.relative_offset > before.relative_offset
                        && entry.position > before.position
                        && entry.max_timestamp >= before.max_timestamp
                }
            };
            let offset = self
                .base_offset
                .checked_add(i64::from(entry.relative_offset));
            let inside = offset.is_some_and(|offset| offset < self.end.offset)
                && u64::from(entry.position) < self.end.position
                && entry.max_timestamp <= self.end.max_timestamp;
            if !grows || !inside {
                return Err(IndexDefect::Entry(at));
            }
            before = Some(*entry);
        }
        if self.entries.is_empty() && self.end != self.start {
            return Err(IndexDefect::Entry(0));
        }
        Ok(())
    }
}

impl Entry {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bytes = bytes;
        Some(Self {
            relative_offset: u32::from_le_bytes(take(&mut bytes)?),
            position: u32::from_le_bytes(take(&mut bytes)?),
            max_timestamp: i64::from_le_bytes(take(&mut bytes)?),
        })
    }
}

fn crc(content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&content[..CRC_AT.start]);
    hasher.update(&content[CRC_AT.end..]);
    hasher.finalize()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn start(base_offset: i64) -> Mark {
        Mark {
            offset: base_offset,
            position: 0,
            max_timestamp: -1,
        }
    }

    /// Batches of (records, bytes, timestamp), one after the other.
    fn extents(base_offset: i64, shapes: &[(u16, u32, i64)]) -> Vec<BatchExtent> {
        let mut offset = base_offset;
        let extents = shapes.iter().map(|(records, bytes, max_timestamp)| {
            let base = offset;
            offset += i64::from(*records);
            BatchExtent {
                base_offset: base,
                last_offset: offset - 1,
                max_timestamp: *max_timestamp,
                bytes: *bytes as usize,
            }
        });
        extents.collect()
    }

    fn index_of(base_offset: i64, batches: &[BatchExtent]) -> SegmentIndex {
        let mut index = SegmentIndex::starting_at(base_offset, start(base_offset));
        batches.iter().for_each(|batch| index.push(batch));
        index
    }

    fn shapes() -> impl Strategy<Value = Vec<(u16, u32, i64)>> {
        vec((1..500_u16, 61..60_000_u32, -1..1_000_000_i64), 0..80)
    }

    proptest! {
        #[test]
        fn a_mark_is_never_beyond_what_is_sought(shapes in shapes(), base in 0..1_000_000_i64, target in -1..1_000_000_i64) {
            let batches = extents(base, &shapes);
            let index = index_of(base, &batches);
            let mut at = start(base);
            for batch in &batches {
                for offset in [batch.base_offset, batch.last_offset] {
                    let mark = index.before_offset(offset);
                    prop_assert!(mark.position <= at.position && mark.offset <= offset);
                    prop_assert!(at.position - mark.position < INTERVAL_BYTES + 60_000, "it is near");
                }
                at = at.after(batch);
            }
            let mark = index.before_timestamp(target);
            prop_assert!(mark.max_timestamp < target || mark == start(base));
            let before = batches.iter().take_while(|batch| batch.base_offset < mark.offset);
            prop_assert!(mark == start(base) || before.map(|batch| batch.max_timestamp).max().unwrap() < target);
        }

        #[test]
        fn it_is_the_same_after_a_file_and_in_pieces(shapes in shapes(), base in 0..1_000_000_i64, pad in 0..5000_usize, part in any::<prop::sample::Index>()) {
            let batches = extents(base, &shapes);
            let index = index_of(base, &batches);
            let mut bytes = index.encode();
            prop_assert!(bytes.len() as u64 <= SegmentIndex::file_bytes_max(index.end().position));
            bytes.resize(bytes.len() + pad, 0);
            prop_assert_eq!(&SegmentIndex::decode(&bytes).unwrap(), &index);

            let part = part.index(batches.len() + 1);
            let mut head = index_of(base, &batches[..part]);
            let middle = head.end();
            let mut cut = index.clone();
            cut.cut(middle);
            prop_assert_eq!(&cut, &head);
            let mut tail = SegmentIndex::starting_at(base, middle);
            batches[part..].iter().for_each(|batch| tail.push(batch));
            head.extend(&tail);
            prop_assert_eq!(head.end(), index.end());
            for batch in &batches {
                prop_assert!(head.before_offset(batch.base_offset).offset <= batch.base_offset);
            }
        }

        #[test]
        fn any_damage_is_noticed_and_none_panics(shapes in shapes(), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
            let index = index_of(7, &extents(7, &shapes));
            let mut bytes = index.encode();
            prop_assert!(SegmentIndex::decode(&bytes[..cut.index(bytes.len())]).is_err());
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(SegmentIndex::decode(&bytes).is_err());
        }

        #[test]
        fn contradictions_under_a_right_sum_are_refused(noise in vec(any::<u8>(), 64..300)) {
            let mut bytes = index_of(0, &extents(0, &[(1, 100, 5)])).encode();
            bytes.truncate(16);
            bytes.extend_from_slice(&noise);
            let count = (bytes.len() - HEADER_BYTES) / ENTRY_BYTES;
            bytes[48..52].copy_from_slice(&(count as u32).to_le_bytes());
            let content = HEADER_BYTES + count * ENTRY_BYTES;
            let sum = crc(&bytes[..content]);
            bytes[CRC_AT].copy_from_slice(&sum.to_le_bytes());
            prop_assert!(matches!(SegmentIndex::decode(&bytes), Err(IndexDefect::Entry(_))));
        }
    }

    #[test]
    fn the_bytes_of_an_index_are_fixed() {
        let index = index_of(5, &extents(5, &[(2, 40_000, 9), (1, 100, 3)]));
        let hex: String = index
            .encode()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "50656c746f6e497801000000e633be0405000000000000000800000000000000a49c00000000000009000000000000000200000000000000\
             0000000000000000ffffffffffffffff02000000409c00000900000000000000"
        );
    }
}
