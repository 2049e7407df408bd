//! Makes record batches out of records: for the load generator, tests, recompression and, later,
//! control batches. The broker's produce path never uses it: it stores what clients sent.

use thiserror::Error;

use super::{
    ATTRIBUTES, Attributes, HEADER_BYTES, LOG_OVERHEAD, MAGIC_V2, NO_PARTITION_LEADER_EPOCH,
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TimestampType,
};
use crate::compression::{self, Compression, CompressionError};
use crate::record::{self, Header};

/// Why a batch could not be built.
#[derive(Debug, Error)]
pub enum BatchBuildError {
    /// The batch would outgrow its 32-bit length field or record count.
    #[error("record batch exceeds what its 32-bit fields can say")]
    Full,
    /// Offset deltas must grow and stay within 0..=i32::MAX.
    #[error("offset delta {0} does not follow the one before")]
    OffsetDelta(i32),
    /// The codec failed.
    #[error(transparent)]
    Compression(#[from] CompressionError),
}

/// Collects records and writes them out as one v2 batch. Reusable: [`RecordBatchBuilder::build_into`]
/// leaves the settings and clears the records.
#[derive(Debug, Clone)]
pub struct RecordBatchBuilder {
    compression: Compression,
    compression_level: Option<i32>,
    attributes: Attributes,
    base_offset: i64,
    partition_leader_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    log_append_time: Option<i64>,
    delete_horizon: Option<i64>,
    last_offset_delta: Option<i32>,
    records: Vec<u8>,
    record_count: i32,
    next_offset_delta: i64,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl RecordBatchBuilder {
    /// A builder without records or producer id, base offset 0, create time.
    pub fn new(compression: Compression) -> Self {
        Self {
            compression,
            compression_level: None,
            attributes: Attributes::default(),
            base_offset: 0,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            log_append_time: None,
            delete_horizon: None,
            last_offset_delta: None,
            records: Vec::new(),
            record_count: 0,
            next_offset_delta: 0,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
        }
    }

    /// The codec's level; default: the codec's own.
    pub fn compression_level(&mut self, level: Option<i32>) -> &mut Self {
        self.compression_level = level;
        self
    }

    /// Offset of the first record.
    pub fn base_offset(&mut self, base_offset: i64) -> &mut Self {
        self.base_offset = base_offset;
        self
    }

    /// The appending leader's epoch.
    pub fn partition_leader_epoch(&mut self, epoch: i32) -> &mut Self {
        self.partition_leader_epoch = epoch;
        self
    }

    /// Makes the batch idempotent.
    pub fn producer(
        &mut self,
        producer_id: i64,
        producer_epoch: i16,
        base_sequence: i32,
    ) -> &mut Self {
        self.producer_id = producer_id;
        self.producer_epoch = producer_epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// Sets or clears the transactional bit.
    pub fn transactional(&mut self, set: bool) -> &mut Self {
        self.attributes = self.attributes.with(Attributes::TRANSACTIONAL, set);
        self
    }

    /// Sets or clears the control bit.
    pub fn control(&mut self, set: bool) -> &mut Self {
        self.attributes = self.attributes.with(Attributes::CONTROL, set);
        self
    }

    /// `Some(ms)`: log append time, which becomes the max timestamp; `None`: create time.
    pub fn log_append_time(&mut self, log_append_time_ms: Option<i64>) -> &mut Self {
        self.log_append_time = log_append_time_ms;
        self
    }

    /// `Some(ms)`: compaction may drop its tombstones from then on (KIP-534). It takes the place of the base timestamp, from
    /// which the records' own are counted.
    pub fn delete_horizon(&mut self, delete_horizon_ms: Option<i64>) -> &mut Self {
        self.delete_horizon = delete_horizon_ms;
        self
    }

    /// `Some`: the last offset is this much behind the base offset, whatever the records say: what compaction leaves of a batch
    /// ends where the batch ended.
    pub fn last_offset_delta(&mut self, delta: Option<i32>) -> &mut Self {
        self.last_offset_delta = delta;
        self
    }

    /// Adds a record at the next offset. The first one's timestamp (ms) is the base timestamp.
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), BatchBuildError> {
        let next = i32::try_from(self.next_offset_delta).map_err(|_| BatchBuildError::Full)?;
        self.append_at(next, timestamp, key, value, headers)
    }

    /// Adds a record at base offset + `offset_delta`, which may leave gaps as compaction does.
    pub fn append_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), BatchBuildError> {
        if i64::from(offset_delta) < self.next_offset_delta {
            return Err(BatchBuildError::OffsetDelta(offset_delta));
        }
        if self.record_count == 0 {
            self.base_timestamp = self.delete_horizon.unwrap_or(timestamp);
        }
        let start = self.records.len();
        let timestamp_delta = timestamp.wrapping_sub(self.base_timestamp);
        record::encode(
            &mut self.records,
            timestamp_delta,
            offset_delta,
            key,
            value,
            headers,
        );
        if self.records.len() > i32::MAX as usize - HEADER_BYTES || self.record_count == i32::MAX {
            self.records.truncate(start);
            return Err(BatchBuildError::Full);
        }
        self.record_count += 1;
        self.next_offset_delta = i64::from(offset_delta) + 1;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        Ok(())
    }

    /// Records added since the last build.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Size of the batch if it were built now without compression.
    pub fn uncompressed_bytes(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// Builds into a new buffer.
    pub fn build(&mut self) -> Result<Vec<u8>, BatchBuildError> {
        let mut out = Vec::new();
        self.build_into(&mut out)?;
        Ok(out)
    }

    /// Appends the batch to `out`, clears the records and returns the batch's size in bytes. On an
    /// error `out` is as before.
    pub fn build_into(&mut self, out: &mut Vec<u8>) -> Result<usize, BatchBuildError> {
        let start = out.len();
        out.reserve(HEADER_BYTES);
        self.write_header(out);
        let compressed =
            compression::compress(self.compression, self.compression_level, &self.records, out);
        let size = out.len() - start;
        let length = match (compressed, i32::try_from(size - LOG_OVERHEAD)) {
            (Ok(()), Ok(length)) => length,
            (Err(error), _) => {
                out.truncate(start);
                return Err(error.into());
            }
            (Ok(()), Err(_)) => {
                out.truncate(start);
                return Err(BatchBuildError::Full);
            }
        };
        out[start + super::BATCH_LENGTH..][..4].copy_from_slice(&length.to_be_bytes());
        let crc = crc32c::crc32c(&out[start + ATTRIBUTES..]);
        out[start + super::CRC..][..4].copy_from_slice(&crc.to_be_bytes());
        self.clear();
        Ok(size)
    }

    /// Drops the records, keeps the settings.
    pub fn clear(&mut self) {
        self.records.clear();
        self.record_count = 0;
        self.next_offset_delta = 0;
        self.base_timestamp = NO_TIMESTAMP;
        self.max_timestamp = NO_TIMESTAMP;
    }

    /// Writes the header with length and CRC left at zero: both depend on what follows.
    fn write_header(&self, out: &mut Vec<u8>) {
        let timestamp_type = match self.log_append_time {
            Some(_) => TimestampType::LogAppendTime,
            None => TimestampType::CreateTime,
        };
        let codec = Attributes(i16::from(self.compression.id()));
        let attributes =
            Attributes(self.attributes.0 | codec.0).with_timestamp_type(timestamp_type);
        let attributes = attributes.with(Attributes::DELETE_HORIZON, self.delete_horizon.is_some());
        let last_offset_delta = (self.next_offset_delta - 1) as i32;
        let last_offset_delta = self.last_offset_delta.unwrap_or(last_offset_delta);
        out.extend_from_slice(&self.base_offset.to_be_bytes());
        out.extend_from_slice(&0_i32.to_be_bytes());
        out.extend_from_slice(&self.partition_leader_epoch.to_be_bytes());
        out.push(MAGIC_V2 as u8);
        out.extend_from_slice(&0_u32.to_be_bytes());
        out.extend_from_slice(&attributes.0.to_be_bytes());
        out.extend_from_slice(&last_offset_delta.to_be_bytes());
        out.extend_from_slice(&self.base_timestamp.to_be_bytes());
        out.extend_from_slice(
            &self
                .log_append_time
                .unwrap_or(self.max_timestamp)
                .to_be_bytes(),
        );
        out.extend_from_slice(&self.producer_id.to_be_bytes());
        out.extend_from_slice(&self.producer_epoch.to_be_bytes());
        out.extend_from_slice(&self.base_sequence.to_be_bytes());
        out.extend_from_slice(&self.record_count.to_be_bytes());
    }
}
