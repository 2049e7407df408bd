//! Names of files, and what is remembered of a segment. The batch layout itself is `protocol::record_batch`'s. Pure.

use super::LogBatch;

/// Longest part of a topic's name in a directory's name, bytes.
const TOPIC_BYTES_MAX: usize = 200;

/// `<topic, at most 200 bytes>-<partition>.<topic id>`: a re-created topic never meets the files of the old one.
pub fn directory_name(topic: &str, partition: i32, topic_id: u128) -> String {
    let topic = &topic[..topic.floor_char_boundary(TOPIC_BYTES_MAX)];
    format!("{topic}-{partition}.{topic_id:032x}")
}

/// `<base offset, 20 digits>.log`, as in Kafka.
pub fn segment_name(base_offset: i64) -> String {
    format!("{base_offset:020}.log")
}

/// Where a batch lies: the largest timestamp is that of the segment up to and with this batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    /// Base offset of the batch.
    pub offset: i64,
    /// Its first byte in the segment.
    pub position: u64,
    /// Largest timestamp before this batch.
    pub max_timestamp_before: i64,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Offset of its first record, and its name.
    pub base_offset: i64,
    /// The offset after its last record.
    pub next_offset: i64,
    /// Bytes of whole batches.
    pub bytes: u64,
    /// Largest timestamp.
    pub max_timestamp: i64,
    /// Largest timestamp of its first batch, from which its age counts.
    pub first_timestamp: i64,
    /// Sparse, by position; empty for a segment not looked into since the start.
    pub index: Vec<IndexEntry>,
}

impl Segment {
    /// A segment without records.
    pub fn new(base_offset: i64) -> Self {
        Self {
            base_offset,
            next_offset: base_offset,
            bytes: 0,
            max_timestamp: -1,
            first_timestamp: -1,
            index: Vec::new(),
        }
    }

    /// The same, without its index.
    pub fn without_index(&self) -> Self {
        Self {
            index: Vec::new(),
            ..*self
        }
    }

    /// A batch was written at `position`.
    pub fn appended(&mut self, batch: &LogBatch, position: u64, interval_bytes: u64) {
        let due = self
            .index
            .last()
            .is_none_or(|last| position - last.position >= interval_bytes);
        if due && (position == 0 || !self.index.is_empty()) {
            let entry = IndexEntry {
                offset: batch.base_offset,
                position,
                max_timestamp_before: self.max_timestamp,
            };
            self.index.push(entry);
        }
        if self.bytes == 0 {
            self.first_timestamp = batch.max_timestamp;
        }
        self.bytes = position + batch.bytes.len() as u64;
        self.next_offset = batch.last_offset + 1;
        self.max_timestamp = self.max_timestamp.max(batch.max_timestamp);
    }

    /// The last position whose batch begins at or before `offset`.
    pub fn position_of(&self, offset: i64) -> u64 {
        let after = self.index.partition_point(|entry| entry.offset <= offset);
        after.checked_sub(1).map_or(0, |at| self.index[at].position)
    }

    /// The last position before which no timestamp reaches `target`.
    pub fn position_before_timestamp(&self, target: i64) -> u64 {
        let after = self
            .index
            .partition_point(|entry| entry.max_timestamp_before < target);
        after.checked_sub(1).map_or(0, |at| self.index[at].position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas_with_the_topic_id() {
        assert_eq!(segment_name(42), "00000000000000000042.log");
        assert_eq!(
            directory_name("orders", 3, 0xabc),
            "orders-3.00000000000000000000000000000abc"
        );
        assert!(directory_name(&"x".repeat(249), 0, 1).len() < 255);
    }
}
