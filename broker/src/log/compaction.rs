//! What compaction is due, and which offset is the newest of each key: Kafka's cleaner (`LogCleanerManager`,
//! `SkimpyOffsetMap`). Pure: reads no segment and writes none.

use hashbrown::HashMap;
use siphasher::sip128::SipHasher13;

use super::Segment;

/// A topic's rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompactionRule {
    /// `min.cleanable.dirty.ratio`: share of bytes not compacted yet that makes it due.
    pub dirty_ratio_min: f64,
    /// `min.compaction.lag.ms`: age below which records are left alone.
    pub lag_ms_min: i64,
    /// `max.compaction.lag.ms`: age at which it is due whatever the share.
    pub lag_ms_max: i64,
    /// `delete.retention.ms`: how long a tombstone stays once it is all that is left of its key.
    pub delete_retention_ms: i64,
    /// `segment.bytes`.
    pub segment_bytes_max: u64,
}

/// Segments that may be compacted.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleanable {
    /// From the log's first one on, without gaps between them.
    pub segments: Vec<Segment>,
    /// Every key below has been seen before.
    pub dirty_from: i64,
    /// Bytes of those with records from there on, as a share of all.
    pub dirty_ratio: f64,
    /// So old that the share does not matter.
    pub overdue: bool,
}

impl Cleanable {
    /// The offset after the last record of these segments.
    pub fn end_offset(&self) -> i64 {
        self.segments
            .last()
            .map_or(self.dirty_from, |last| last.next_offset)
    }
}

impl CompactionRule {
    /// What may be compacted of the log of `segments`, if there is anything. The last segment is active and never is.
    pub fn cleanable(
        &self,
        segments: &[Segment],
        cleaned_offset: i64,
        now_ms: i64,
    ) -> Option<Cleanable> {
        let (_, sealed) = segments.split_last()?;
        let dirty_from = cleaned_offset.max(sealed.first()?.base_offset());
        let dirty = |segment: &&Segment| segment.next_offset > dirty_from;
        let too_young = |segment: &Segment| {
            self.lag_ms_min > 0
                && time_or_birth(segment.max_timestamp, segment)
                    > now_ms.saturating_sub(self.lag_ms_min)
        };
        let end = sealed
            .iter()
            .position(|segment| dirty(&segment) && too_young(segment))
            .unwrap_or(sealed.len());
        let segments = sealed[..end].to_vec();
        let bytes = |segments: &mut dyn Iterator<Item = &Segment>| -> u64 {
            segments.map(|segment| segment.bytes).sum()
        };
        let all = bytes(&mut segments.iter());
        let dirty_bytes = bytes(&mut segments.iter().filter(dirty));
        if dirty_bytes == 0 {
            return None;
        }
        let dirty_ratio = dirty_bytes as f64 / all as f64;
        let oldest = segments.iter().filter(dirty);
        let oldest = oldest.map(|segment| time_or_birth(segment.first_timestamp, segment));
        let overdue = oldest
            .min()
            .is_some_and(|oldest| now_ms.saturating_sub(oldest) > self.lag_ms_max);
        Some(Cleanable {
            segments,
            dirty_from,
            dirty_ratio,
            overdue,
        })
    }

    /// Whether it is time.
    pub fn is_due(&self, cleanable: &Cleanable) -> bool {
        cleanable.overdue || cleanable.dirty_ratio > self.dirty_ratio_min
    }

    /// What is to be compacted now of the log of `segments`.
    pub fn due(&self, segments: &[Segment], cleaned_offset: i64, now_ms: i64) -> Option<Cleanable> {
        let found = self.cleanable(segments, cleaned_offset, now_ms);
        found.filter(|found| self.is_due(found))
    }
}

fn time_or_birth(timestamp: i64, segment: &Segment) -> i64 {
    match timestamp {
        -1 => segment.created_ms,
        timestamp => timestamp,
    }
}

/// The newest offset of each key, within bounded memory. Of a key it keeps 128 bits of a hash that is seeded anew for every
/// map: two keys that are taken for one would lose a record, so nobody may choose them.
pub struct OffsetMap {
    hash_key: [u8; 16],
    newest: HashMap<u128, i64, foldhash::fast::FixedState>,
    keys_max: usize,
}

/// Memory of one key in an [`OffsetMap`], bytes: hash and offset at seven eighths full, control byte included.
const KEY_BYTES: usize = 38;

impl OffsetMap {
    /// An empty map for as many keys as `bytes_max` holds, and one at least.
    pub fn new(hash_key: [u8; 16], bytes_max: u64) -> Self {
        let keys_max = usize::try_from(bytes_max).unwrap_or(usize::MAX) / KEY_BYTES;
        Self {
            hash_key,
            newest: HashMap::default(),
            keys_max: keys_max.max(1),
        }
    }

    /// `key` stands at `offset`, which is above all before. False: there is no room for another key.
    pub fn put(&mut self, key: &[u8], offset: i64) -> bool {
        let hash = self.hash(key);
        if self.newest.len() >= self.keys_max && !self.newest.contains_key(&hash) {
            return false;
        }
        self.newest.insert(hash, offset);
        true
    }

    /// The newest offset of `key`.
    pub fn newest(&self, key: &[u8]) -> Option<i64> {
        self.newest.get(&self.hash(key)).copied()
    }

    /// Keys in it.
    pub fn len(&self) -> usize {
        self.newest.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    fn hash(&self, key: &[u8]) -> u128 {
        SipHasher13::new_with_key(&self.hash_key)
            .hash(key)
            .as_u128()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: CompactionRule = CompactionRule {
        dirty_ratio_min: 0.5,
        lag_ms_min: 0,
        lag_ms_max: i64::MAX,
        delete_retention_ms: 0,
        segment_bytes_max: 1000,
    };

    /// Segments of 10 offsets each, of these sizes; their times are ten times their offsets.
    fn segments(sizes: &[u64]) -> Vec<Segment> {
        let each = sizes.iter().zip((0..).step_by(10));
        let segment = |(bytes, base): (&u64, i64)| Segment {
            next_offset: base + 10,
            bytes: *bytes,
            first_timestamp: base * 10,
            max_timestamp: base * 10 + 99,
            ..Segment::new(base, 0)
        };
        each.map(segment).collect()
    }

    #[test]
    fn it_is_due_when_the_share_is_passed() {
        let log = segments(&[100, 100, 100, 7]);
        let due = |cleaned, ratio| {
            let rule = CompactionRule {
                dirty_ratio_min: ratio,
                ..RULE
            };
            let found = rule.due(&log, cleaned, 0);
            found.map(|found| (found.segments.len(), found.dirty_from, found.end_offset()))
        };
        assert_eq!(
            due(0, 0.99),
            Some((3, 0, 30)),
            "the active one is not among them"
        );
        assert_eq!(due(10, 0.5), Some((3, 10, 30)));
        assert_eq!(due(20, 0.5), None, "a third is not half");
        assert_eq!(due(20, 0.3), Some((3, 20, 30)));
        assert_eq!(due(25, 0.3), Some((3, 25, 30)), "half a segment was seen");
        assert_eq!(due(30, 0.0), None, "nothing is dirty");
        assert_eq!(RULE.due(&log[..1], 0, 0), None, "only the active one");
        assert_eq!(RULE.due(&[], 0, 0), None);
    }

    #[test]
    fn age_spares_and_forces() {
        let log = segments(&[100, 100, 100, 7]);
        let spare = CompactionRule {
            lag_ms_min: 50,
            ..RULE
        };
        let spared = spare.due(&log, 0, 250).unwrap();
        assert_eq!(spared.segments.len(), 2, "299 is younger than 250 - 50");
        assert_eq!(
            spare.due(&log, 0, 149).map(|found| found.segments.len()),
            Some(1)
        );
        assert_eq!(spare.due(&log, 0, 148), None);
        let force = CompactionRule {
            lag_ms_max: 1000,
            dirty_ratio_min: 1.0,
            ..RULE
        };
        assert_eq!(force.due(&log, 20, 1200), None);
        assert!(
            force.due(&log, 20, 1201).unwrap().overdue,
            "200 is older than 1000"
        );
    }

    #[test]
    fn a_map_holds_the_newest_and_says_when_it_is_full() {
        let mut map = OffsetMap::new([7; 16], 3 * KEY_BYTES as u64);
        for (key, offset) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            assert!(map.put(key.as_bytes(), offset));
        }
        assert!(!map.put(b"d", 5));
        assert!(map.put(b"c", 6), "a known key finds room");
        let newest = ["a", "b", "c", "d"].map(|key| map.newest(key.as_bytes()));
        assert_eq!(newest, [Some(3), Some(2), Some(6), None]);
        assert_eq!(map.len(), 3);
        assert!(OffsetMap::new([0; 16], 0).put(b"x", 0), "one always fits");
    }
}
