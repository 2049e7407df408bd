//! Record batches as scenarios send them, right or wrong in any field, and as answers show them.

use protocol::compression::{Compression, compress};
use protocol::record::{Header, encode};

mod show;
pub use show::texts;

/// Timestamp delta, key and value.
pub type Record<'a> = (i64, Option<&'a [u8]>, Option<&'a [u8]>);

/// A batch of format 2, field by field: what is `None` is what it should be.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Bytes 0-7.
    pub base_offset: i64,
    /// Bytes after the length field.
    pub length: Option<i32>,
    /// Of the partition's leader.
    pub leader_epoch: i32,
    /// Format.
    pub magic: i8,
    /// CRC-32C from the attributes on.
    pub crc: Option<u32>,
    /// Codec and flags; the codec's bits are those of `codec`, unless set here.
    pub attributes: i16,
    /// Last offset - base offset.
    pub last_offset_delta: Option<i32>,
    /// Of the first record, ms.
    pub base_timestamp: i64,
    /// Largest, ms.
    pub max_timestamp: Option<i64>,
    /// -1 for none.
    pub producer_id: i64,
    /// -1 for none.
    pub producer_epoch: i16,
    /// -1 for none.
    pub base_sequence: i32,
    /// Number of records.
    pub count: Option<i32>,
    /// How `payload` is compressed.
    pub codec: Compression,
    /// Records, not compressed.
    pub payload: Vec<u8>,
    /// What stands in place of the compressed payload.
    pub compressed: Option<Vec<u8>>,
    /// How many records `payload` holds, and their largest timestamp delta.
    pub records: (i32, i64),
}

impl Batch {
    /// `count` records with keys and values, a millisecond apart from `time` on.
    pub fn of(time: i64, count: i32) -> Self {
        let texts: Vec<_> = (0..count)
            .map(|record| (format!("k{record}"), format!("v{record}")))
            .collect();
        let records: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(at, (key, value))| (at as i64, Some(key.as_bytes()), Some(value.as_bytes())))
            .collect();
        Self::holding(time, &records)
    }

    /// These records: timestamp delta, key, value.
    pub fn holding(time: i64, records: &[Record<'_>]) -> Self {
        let mut payload = Vec::new();
        for (at, (delta, key, value)) in records.iter().enumerate() {
            encode(&mut payload, *delta, at as i32, *key, *value, &[]);
        }
        let largest = records.iter().map(|record| record.0).max().unwrap_or(0);
        Self {
            base_offset: 0,
            length: None,
            leader_epoch: -1,
            magic: 2,
            crc: None,
            attributes: 0,
            last_offset_delta: None,
            base_timestamp: time,
            max_timestamp: None,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: None,
            codec: Compression::None,
            payload,
            compressed: None,
            records: (records.len() as i32, largest),
        }
    }

    /// Adds a record with this offset delta and these headers.
    pub fn and(mut self, offset_delta: i32, headers: &[Header<'_>]) -> Self {
        encode(
            &mut self.payload,
            0,
            offset_delta,
            Some(b"k"),
            Some(b"v"),
            headers,
        );
        self.records.0 += 1;
        self
    }

    /// As an idempotent producer sends it.
    pub fn by(mut self, producer_id: i64, epoch: i16, sequence: i32) -> Self {
        (self.producer_id, self.producer_epoch, self.base_sequence) =
            (producer_id, epoch, sequence);
        self
    }

    /// Compressed.
    pub fn with(mut self, codec: Compression) -> Self {
        self.codec = codec;
        self
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let (count, largest) = self.records;
        let mut covered = Vec::new();
        let attributes = self.attributes | i16::from(self.codec.id());
        covered.extend_from_slice(&attributes.to_be_bytes());
        let delta = self.last_offset_delta.unwrap_or(count - 1);
        covered.extend_from_slice(&delta.to_be_bytes());
        covered.extend_from_slice(&self.base_timestamp.to_be_bytes());
        let max = self
            .max_timestamp
            .unwrap_or(self.base_timestamp.wrapping_add(largest));
        covered.extend_from_slice(&max.to_be_bytes());
        covered.extend_from_slice(&self.producer_id.to_be_bytes());
        covered.extend_from_slice(&self.producer_epoch.to_be_bytes());
        covered.extend_from_slice(&self.base_sequence.to_be_bytes());
        covered.extend_from_slice(&self.count.unwrap_or(count).to_be_bytes());
        match &self.compressed {
            Some(bytes) => covered.extend_from_slice(bytes),
            None => compress(self.codec, None, &self.payload, &mut covered).unwrap(),
        }
        let mut bytes = self.base_offset.to_be_bytes().to_vec();
        let length = self.length.unwrap_or(covered.len() as i32 + 9);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.leader_epoch.to_be_bytes());
        bytes.push(self.magic as u8);
        let crc = self.crc.unwrap_or_else(|| crc32c::crc32c(&covered));
        bytes.extend_from_slice(&crc.to_be_bytes());
        bytes.extend_from_slice(&covered);
        bytes
    }
}
