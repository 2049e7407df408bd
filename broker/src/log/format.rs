//! Names of files, what is remembered of a segment, and when one is full. The batch layout itself is
//! `protocol::record_batch`'s. Pure.

use super::index::{BatchExtent, Mark};

/// Longest part of a topic's name in a directory's name, bytes.
const TOPIC_BYTES_MAX: usize = 200;
/// Digits of a base offset in a file's name.
const OFFSET_DIGITS: usize = 20;
const SEGMENT_SUFFIX: &str = ".log";
/// Not Kafka's `.index`: its tools must not take ours for one of theirs.
const INDEX_SUFFIX: &str = ".idx";

/// `<topic, at most 200 bytes>-<partition>.<topic id>`: a re-created topic never meets the files of the old one.
pub fn directory_name(topic: &str, partition: i32, topic_id: u128) -> String {
    let topic = &topic[..topic.floor_char_boundary(TOPIC_BYTES_MAX)];
    format!("{topic}-{partition}.{topic_id:032x}")
}

/// Partition and topic id of a name that [`directory_name`] makes; `None` for any other.
pub fn partition_of(name: &str) -> Option<(i32, u128)> {
    let (rest, id) = name.rsplit_once('.')?;
    let (topic, partition) = rest.rsplit_once('-')?;
    let (partition, id) = (partition.parse().ok()?, u128::from_str_radix(id, 16).ok()?);
    (name == directory_name(topic, partition, id)).then_some((partition, id))
}

/// What names a segment within its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId {
    /// No record of it is below this offset.
    pub base_offset: i64,
    /// 0 as it was appended; one more each time that compaction writes it again.
    pub generation: u32,
}

impl SegmentId {
    /// As it is appended to.
    pub fn appended(base_offset: i64) -> Self {
        Self {
            base_offset,
            generation: 0,
        }
    }

    /// `<base offset, 20 digits>.log`, as in Kafka; `<base offset>.<generation>.log` after compaction.
    pub fn segment_name(&self) -> String {
        self.name(SEGMENT_SUFFIX)
    }

    /// The index of the segment beside it: the same, with `.idx`.
    pub fn index_name(&self) -> String {
        self.name(INDEX_SUFFIX)
    }

    fn name(&self, suffix: &str) -> String {
        let Self {
            base_offset,
            generation,
        } = self;
        match generation {
            0 => format!("{base_offset:020}{suffix}"),
            _ => format!("{base_offset:020}.{generation}{suffix}"),
        }
    }

    /// What a segment's or an index's name says; `None` for any other name.
    pub fn of_name(name: &str) -> Option<Self> {
        let suffix = [SEGMENT_SUFFIX, INDEX_SUFFIX]
            .into_iter()
            .find(|suffix| name.ends_with(suffix))?;
        let stem = name.strip_suffix(suffix)?;
        let (digits, generation) = stem.split_once('.').unwrap_or((stem, "0"));
        if digits.len() != OFFSET_DIGITS {
            return None;
        }
        let id = Self {
            base_offset: digits.parse().ok()?,
            generation: generation.parse().ok()?,
        };
        (id.name(suffix) == name).then_some(id)
    }
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its name; its first record's offset too, until it is compacted.
    pub id: SegmentId,
    /// The offset after its last record.
    pub next_offset: i64,
    /// Bytes of whole batches.
    pub bytes: u64,
    /// Largest timestamp, ms; -1 if no batch has one.
    pub max_timestamp: i64,
    /// Largest timestamp of its first batch, ms, from which its age counts; -1 if that has none.
    pub first_timestamp: i64,
    /// When it was begun, ms since 1970: its age counts from here if its first batch has no timestamp.
    pub created_ms: i64,
}

impl Segment {
    /// A segment without records.
    pub fn new(base_offset: i64, created_ms: i64) -> Self {
        Self {
            id: SegmentId::appended(base_offset),
            next_offset: base_offset,
            bytes: 0,
            max_timestamp: -1,
            first_timestamp: -1,
            created_ms,
        }
    }

    /// No record of it is below this offset.
    pub fn base_offset(&self) -> i64 {
        self.id.base_offset
    }

    /// Before its first batch.
    pub fn start(&self) -> Mark {
        Mark {
            offset: self.base_offset(),
            position: 0,
            max_timestamp: -1,
        }
    }

    /// After its last batch.
    pub fn end(&self) -> Mark {
        Mark {
            offset: self.next_offset,
            position: self.bytes,
            max_timestamp: self.max_timestamp,
        }
    }

    /// A batch was written at its end.
    pub fn appended(&mut self, batch: &BatchExtent) {
        if self.bytes == 0 {
            self.first_timestamp = batch.max_timestamp;
        }
        self.bytes += batch.bytes as u64;
        self.next_offset = batch.last_offset + 1;
        self.max_timestamp = self.max_timestamp.max(batch.max_timestamp);
    }
}

/// When a segment is full: Kafka's rule (`LogSegment.shouldRoll`), without its jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollRule {
    /// `segment.bytes`.
    pub bytes_max: u64,
    /// `segment.ms`.
    pub age_ms_max: i64,
}

impl RollRule {
    /// Whether `next` begins another segment. Age is the time from the first batch to `next` by their timestamps, and by the
    /// clock only where the first batch has none.
    pub fn must_roll(&self, active: &Segment, next: &BatchExtent, now_ms: i64) -> bool {
        if active.bytes == 0 {
            return false;
        }
        let age_ms = if active.first_timestamp >= 0 {
            next.max_timestamp.saturating_sub(active.first_timestamp)
        } else {
            now_ms.saturating_sub(active.created_ms)
        };
        active.bytes + next.bytes as u64 > self.bytes_max
            || age_ms > self.age_ms_max
            || next.last_offset - active.base_offset() > i64::from(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas_with_the_topic_id() {
        for (topic, partition, id) in [("a", 0, 1), ("a-1.b", 12, u128::MAX)] {
            let name = directory_name(topic, partition, id);
            assert_eq!(partition_of(&name), Some((partition, id)));
        }
        for other in [
            "journal",
            "lost+found",
            "a-0.1",
            "a-00.00000000000000000000000000000001",
        ] {
            assert_eq!(partition_of(other), None, "{other}");
        }
        let id = |generation| SegmentId {
            base_offset: 42,
            generation,
        };
        assert_eq!(id(0).segment_name(), "00000000000000000042.log");
        assert_eq!(id(0).index_name(), "00000000000000000042.idx");
        assert_eq!(id(12).segment_name(), "00000000000000000042.12.log");
        assert_eq!(id(12).index_name(), "00000000000000000042.12.idx");
        assert_eq!(
            directory_name("orders", 3, 0xabc),
            "orders-3.00000000000000000000000000000abc"
        );
        assert!(directory_name(&"x".repeat(249), i32::MAX, 1).len() <= 255);
    }

    #[test]
    fn a_name_gives_its_segment_or_nothing() {
        for (base_offset, generation) in [(i64::MAX, 0), (7, 1), (0, u32::MAX)] {
            let id = SegmentId {
                base_offset,
                generation,
            };
            assert_eq!(SegmentId::of_name(&id.segment_name()), Some(id));
            assert_eq!(SegmentId::of_name(&id.index_name()), Some(id));
        }
        for name in [
            "7.log",
            "00000000000000000042.log.tmp",
            "000000000000000000-1.log",
            "99999999999999999999.log",
            "00000000000000000042.0.log",
            "00000000000000000042.01.log",
            "00000000000000000042.+1.log",
            "00000000000000000042.4294967296.log",
            "00000000000000000042.1.2.log",
            "+0000000000000000042.log",
            "",
        ] {
            assert_eq!(SegmentId::of_name(name), None, "{name}");
        }
    }

    fn batch(base_offset: i64, records: i64, bytes: usize, max_timestamp: i64) -> BatchExtent {
        BatchExtent {
            base_offset,
            last_offset: base_offset + records - 1,
            max_timestamp,
            bytes,
        }
    }

    #[test]
    fn a_segment_rolls_by_size_age_and_width() {
        let rule = RollRule {
            bytes_max: 1000,
            age_ms_max: 50,
        };
        let mut active = Segment::new(10, 7_000);
        assert!(
            !rule.must_roll(&active, &batch(10, 1, 5000, 9999), 99_999),
            "an empty one never does"
        );
        active.appended(&batch(10, 5, 600, 100));
        for (next, now_ms, rolls) in [
            (batch(15, 1, 400, 150), 0, false),
            (batch(15, 1, 401, 100), 0, true),
            (batch(15, 1, 1, 151), 0, true),
            (batch(15, 1, 1, -1), i64::MAX, false),
            (batch(15, i64::from(i32::MAX) - 4, 1, 100), 0, false),
            (batch(15, i64::from(i32::MAX) - 3, 1, 100), 0, true),
        ] {
            assert_eq!(rule.must_roll(&active, &next, now_ms), rolls, "{next:?}");
        }
        let mut timeless = Segment::new(0, 7_000);
        timeless.appended(&batch(0, 1, 10, -1));
        assert!(!rule.must_roll(&timeless, &batch(1, 1, 10, 5), 7_050));
        assert!(rule.must_roll(&timeless, &batch(1, 1, 10, 5), 7_051));
    }
}
