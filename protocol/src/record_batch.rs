//! Kafka's record batch, format v2: the only home of its byte layout.
//!
//! Everything else in the project reads and patches batches through [`BatchHeader`], [`RecordBatch`],
//! [`RecordBatchMut`] and [`RecordBatchBuilder`]. This module never looks inside the records
//! (`record` does) and never decompresses on its own behalf.
//!
//! All integers are big endian:
//!
//! ```text
//!  offset size field                    covered by CRC
//!       0    8 base offset              no   rewritten by the broker at append
//!       8    4 batch length             no   bytes after this field
//!      12    4 partition leader epoch   no   rewritten by the broker at append
//!      16    1 magic (2)                no
//!      17    4 CRC-32C of [21, end)     -
//!      21    2 attributes               yes  bits 0-2 codec, 3 timestamp type, 4 transactional,
//!                                            5 control, 6 delete horizon in base timestamp
//!      23    4 last offset delta        yes
//!      27    8 base timestamp, ms       yes
//!      35    8 max timestamp, ms        yes
//!      43    8 producer id              yes  -1: none
//!      51    2 producer epoch           yes  -1: none
//!      53    4 base sequence            yes  -1: none
//!      57    4 record count             yes
//!      61    . records                  yes  compressed as one block if a codec is set
//! ```
//!
//! Source: Kafka's `DefaultRecordBatch`, `ByteBufferLogInputStream`.

use std::ops::Deref;

use thiserror::Error;

mod builder;
mod filter;
mod template;
pub use builder::{BatchBuildError, RecordBatchBuilder};
pub use filter::{BatchFilter, FilterError, Filtered, append_empty};
pub use template::{BatchTemplate, TemplateHeader, crc_from_zero};

/// Bytes of the fixed header, before the records.
pub const HEADER_BYTES: usize = 61;
/// Bytes of base offset and batch length: what must be read to know a batch's size.
pub const LOG_OVERHEAD: usize = 12;
/// Bytes up to and with the magic byte: what must be read to know a batch's format.
pub const HEADER_BYTES_UP_TO_MAGIC: usize = 17;
/// The only record format this project reads or writes.
pub const MAGIC_V2: i8 = 2;
/// "No producer id".
pub const NO_PRODUCER_ID: i64 = -1;
/// "No producer epoch".
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// "No sequence".
pub const NO_SEQUENCE: i32 = -1;
/// "No timestamp".
pub const NO_TIMESTAMP: i64 = -1;
/// "No partition leader epoch".
pub const NO_PARTITION_LEADER_EPOCH: i32 = -1;

const BASE_OFFSET: usize = 0;
const BATCH_LENGTH: usize = 8;
const PARTITION_LEADER_EPOCH: usize = 12;
const MAGIC: usize = 16;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const BASE_TIMESTAMP: usize = 27;
const MAX_TIMESTAMP: usize = 35;
const PRODUCER_ID: usize = 43;
const PRODUCER_EPOCH: usize = 51;
const BASE_SEQUENCE: usize = 53;
const RECORD_COUNT: usize = 57;

/// Kafka's smallest legal value of the length field for any format (a v0 record's overhead).
const BATCH_LENGTH_MIN_ANY_MAGIC: i32 = 14;

/// Whose clock the timestamps of a batch come from (attribute bit 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's, one per record.
    CreateTime,
    /// The broker's: the batch's max timestamp stands for every record.
    LogAppendTime,
}

/// The attributes field, decoded on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC_MASK: i16 = 0x07;
    const LOG_APPEND_TIME: i16 = 0x08;
    const TRANSACTIONAL: i16 = 0x10;
    const CONTROL: i16 = 0x20;
    const DELETE_HORIZON: i16 = 0x40;
    /// The bits that mean something; Kafka drops the others whenever it rewrites the field.
    const KNOWN: i16 = 0x7f;

    /// The codec's wire id, 0-7 (5-7 are unassigned).
    pub fn compression_id(self) -> u8 {
        (self.0 & Self::CODEC_MASK) as u8
    }

    /// Whose clock the timestamps are.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }

    /// Whether the batch is part of a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records (transaction markers).
    pub fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether base timestamp holds the time after which compaction may drop tombstones (KIP-534).
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    fn with(self, bit: i16, set: bool) -> Self {
        Self(if set { self.0 | bit } else { self.0 & !bit })
    }

    fn with_timestamp_type(self, timestamp_type: TimestampType) -> Self {
        self.with(
            Self::LOG_APPEND_TIME,
            timestamp_type == TimestampType::LogAppendTime,
        )
    }
}

/// Why bytes are not a batch. The Kafka error code a broker answers with stands in parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BatchParseError {
    /// Fewer bytes than one whole batch: Kafka sees no batch at all (INVALID_RECORD).
    #[error("{available} bytes do not hold a whole record batch")]
    Truncated {
        /// Bytes given.
        available: usize,
    },
    /// The length field is impossible for any format (CORRUPT_MESSAGE).
    #[error("Record size {0} is less than the minimum record overhead (14)")]
    BatchLength(i32),
    /// A v2 batch shorter than its own header (CORRUPT_MESSAGE).
    #[error("record batch of {0} bytes is smaller than its header of 61")]
    ShorterThanHeader(usize),
    /// Message formats 0 and 1 (INVALID_RECORD).
    #[error("record batch has magic {0}, only 2 is accepted")]
    OldMagic(i8),
    /// A magic that no Kafka ever wrote (CORRUPT_MESSAGE).
    #[error("Invalid magic found in record: {0}")]
    UnknownMagic(i8),
}

/// Why a client may not produce a batch that is whole and has a right CRC; every one is answered
/// INVALID_RECORD. Source: `LogValidator.validateBatch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ClientBatchError {
    /// Last offset below base offset.
    #[error("Batch has an invalid offset range: [{base_offset}, {last_offset}]")]
    OffsetRange {
        /// The header's.
        base_offset: i64,
        /// Base offset + last offset delta.
        last_offset: i64,
    },
    /// Zero or negative record count.
    #[error("Invalid reported count for record batch: {0}")]
    RecordCount(i32),
    /// Last offset delta + 1 != record count.
    #[error(
        "Inconsistent batch offset range [{base_offset}, {last_offset}] and count of records {record_count}"
    )]
    CountAndRange {
        /// The header's.
        base_offset: i64,
        /// Base offset + last offset delta.
        last_offset: i64,
        /// The header's.
        record_count: i32,
    },
    /// Control records come from coordinators only.
    #[error("Clients are not allowed to write control records")]
    Control,
    /// A producer id without a sequence.
    #[error(
        "Invalid sequence number {base_sequence} in record batch with producerId {producer_id}"
    )]
    Sequence {
        /// The header's.
        base_sequence: i32,
        /// The header's.
        producer_id: i64,
    },
}

/// A view of the 61 header bytes of a v2 batch; the records need not be at hand (a segment scan
/// reads headers only). Length field, magic and nothing else have been checked.
#[derive(Clone, Copy)]
pub struct BatchHeader<'a> {
    header: &'a [u8; HEADER_BYTES],
}

impl<'a> BatchHeader<'a> {
    /// Reads the header at the start of `bytes`, in the order of Kafka's own checks.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchParseError> {
        let truncated = BatchParseError::Truncated {
            available: bytes.len(),
        };
        if bytes.len() < LOG_OVERHEAD {
            return Err(truncated);
        }
        let batch_length = i32::from_be_bytes(array(bytes, BATCH_LENGTH));
        if batch_length < BATCH_LENGTH_MIN_ANY_MAGIC {
            return Err(BatchParseError::BatchLength(batch_length));
        }
        if bytes.len() < HEADER_BYTES_UP_TO_MAGIC {
            return Err(truncated);
        }
        match bytes[MAGIC] as i8 {
            MAGIC_V2 => {}
            magic @ (0 | 1) => return Err(BatchParseError::OldMagic(magic)),
            magic => return Err(BatchParseError::UnknownMagic(magic)),
        }
        let size = LOG_OVERHEAD + batch_length as usize;
        if size < HEADER_BYTES {
            return Err(BatchParseError::ShorterThanHeader(size));
        }
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(truncated)?;
        Ok(Self { header })
    }

    /// Bytes of the whole batch, header and length field included; at least 61.
    pub fn size_bytes(&self) -> usize {
        // Not negative: checked in `parse`.
        LOG_OVERHEAD + self.i32_at(BATCH_LENGTH) as usize
    }

    /// Offset of the first record (before compaction removed any).
    pub fn base_offset(&self) -> i64 {
        i64::from_be_bytes(self.at(BASE_OFFSET))
    }

    /// Epoch of the leader that appended the batch.
    pub fn partition_leader_epoch(&self) -> i32 {
        self.i32_at(PARTITION_LEADER_EPOCH)
    }

    /// The stored CRC-32C; see [`RecordBatch::crc_matches`].
    pub fn crc(&self) -> u32 {
        u32::from_be_bytes(self.at(CRC))
    }

    /// Codec, timestamp type and flags.
    pub fn attributes(&self) -> Attributes {
        Attributes(i16::from_be_bytes(self.at(ATTRIBUTES)))
    }

    /// Last offset - base offset; unchecked, a hostile one may be negative.
    pub fn last_offset_delta(&self) -> i32 {
        self.i32_at(LAST_OFFSET_DELTA)
    }

    /// Offset of the last record. Wraps on a hostile base offset, as Java's does.
    pub fn last_offset(&self) -> i64 {
        self.base_offset()
            .wrapping_add(i64::from(self.last_offset_delta()))
    }

    /// The offset after this batch. Wraps on hostile input.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().wrapping_add(1)
    }

    /// What record timestamp deltas count from, ms; the delete horizon if that attribute is set.
    pub fn base_timestamp(&self) -> i64 {
        i64::from_be_bytes(self.at(BASE_TIMESTAMP))
    }

    /// Largest timestamp of the batch, ms, as the header claims.
    pub fn max_timestamp(&self) -> i64 {
        i64::from_be_bytes(self.at(MAX_TIMESTAMP))
    }

    /// Producer id, or [`NO_PRODUCER_ID`].
    pub fn producer_id(&self) -> i64 {
        i64::from_be_bytes(self.at(PRODUCER_ID))
    }

    /// Whether an idempotent or transactional producer wrote the batch (Kafka: id > -1).
    pub fn has_producer_id(&self) -> bool {
        self.producer_id() > NO_PRODUCER_ID
    }

    /// Producer epoch, or [`NO_PRODUCER_EPOCH`].
    pub fn producer_epoch(&self) -> i16 {
        i16::from_be_bytes(self.at(PRODUCER_EPOCH))
    }

    /// Sequence of the first record, or [`NO_SEQUENCE`].
    pub fn base_sequence(&self) -> i32 {
        self.i32_at(BASE_SEQUENCE)
    }

    /// Sequence of the last record, or [`NO_SEQUENCE`]; wraps after `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence() {
            NO_SEQUENCE => NO_SEQUENCE,
            base => increment_sequence(base, self.last_offset_delta()),
        }
    }

    /// Number of records, as the header claims; unchecked, a hostile one may be negative.
    pub fn record_count(&self) -> i32 {
        self.i32_at(RECORD_COUNT)
    }

    /// The checks a batch from a client must pass beside size and CRC, in Kafka's order.
    pub fn check_client_batch(&self) -> Result<(), ClientBatchError> {
        let (base_offset, last_offset) = (self.base_offset(), self.last_offset());
        let record_count = self.record_count();
        let count_from_offsets = last_offset.wrapping_sub(base_offset).wrapping_add(1);
        if count_from_offsets <= 0 {
            return Err(ClientBatchError::OffsetRange {
                base_offset,
                last_offset,
            });
        }
        if record_count <= 0 {
            return Err(ClientBatchError::RecordCount(record_count));
        }
        if count_from_offsets != i64::from(record_count) {
            return Err(ClientBatchError::CountAndRange {
                base_offset,
                last_offset,
                record_count,
            });
        }
        if self.attributes().is_control() {
            return Err(ClientBatchError::Control);
        }
        if self.has_producer_id() && self.base_sequence() < 0 {
            let (base_sequence, producer_id) = (self.base_sequence(), self.producer_id());
            return Err(ClientBatchError::Sequence {
                base_sequence,
                producer_id,
            });
        }
        Ok(())
    }

    /// Whether the stored CRC-32C is that of the batch in `pieces`, which joined are this whole batch.
    pub fn crc_matches_pieces<'p>(&self, pieces: impl IntoIterator<Item = &'p [u8]>) -> bool {
        let mut uncovered = ATTRIBUTES;
        let mut crc = 0;
        for piece in pieces {
            let skipped = uncovered.min(piece.len());
            uncovered -= skipped;
            crc = crc32c::crc32c_append(crc, &piece[skipped..]);
        }
        self.crc() == crc
    }

    fn i32_at(&self, at: usize) -> i32 {
        i32::from_be_bytes(self.at(at))
    }

    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        array(self.header, at)
    }
}

impl std::fmt::Debug for BatchHeader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchHeader")
            .field("base_offset", &self.base_offset())
            .field("size_bytes", &self.size_bytes())
            .field("partition_leader_epoch", &self.partition_leader_epoch())
            .field("crc", &format_args!("{:08x}", self.crc()))
            .field("attributes", &format_args!("{:#06x}", self.attributes().0))
            .field("last_offset_delta", &self.last_offset_delta())
            .field("base_timestamp", &self.base_timestamp())
            .field("max_timestamp", &self.max_timestamp())
            .field("producer_id", &self.producer_id())
            .field("producer_epoch", &self.producer_epoch())
            .field("base_sequence", &self.base_sequence())
            .field("record_count", &self.record_count())
            .finish()
    }
}

/// A whole batch: header and records. Derefs to its [`BatchHeader`].
#[derive(Clone, Copy, Debug)]
pub struct RecordBatch<'a> {
    header: BatchHeader<'a>,
    bytes: &'a [u8],
}

impl<'a> RecordBatch<'a> {
    /// Takes the batch at the start of `bytes`; bytes after it are left alone. The CRC is not checked.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchParseError> {
        let header = BatchHeader::parse(bytes)?;
        let truncated = BatchParseError::Truncated {
            available: bytes.len(),
        };
        let bytes = bytes.get(..header.size_bytes()).ok_or(truncated)?;
        Ok(Self { header, bytes })
    }

    /// The header.
    pub fn header(&self) -> BatchHeader<'a> {
        self.header
    }

    /// The whole batch, exactly.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: records, or one compressed block of them.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// Whether the stored CRC-32C is that of the bytes from the attributes on.
    pub fn crc_matches(&self) -> bool {
        self.crc() == crc32c::crc32c(&self.bytes[ATTRIBUTES..])
    }
}

impl<'a> Deref for RecordBatch<'a> {
    type Target = BatchHeader<'a>;

    fn deref(&self) -> &BatchHeader<'a> {
        &self.header
    }
}

/// Gives a whole batch what its leader decided on when it came: base offset, leader epoch and, unless negative, the time of the
/// append, ms, which makes its timestamp type LogAppendTime (Kafka's `LogValidator` and `DefaultRecordBatch`). Panics if it is
/// shorter than a header.
pub fn stamp(batch: &mut [u8], base_offset: i64, leader_epoch: i32, log_append_time_ms: i64) {
    assert!(
        batch.len() >= HEADER_BYTES,
        "batches are validated before they are prepared"
    );
    let mut batch = RecordBatchMut { bytes: batch };
    batch.set_base_offset(base_offset);
    batch.set_partition_leader_epoch(leader_epoch);
    if log_append_time_ms >= 0 {
        let attributes = i16::from_be_bytes(array(batch.bytes, ATTRIBUTES));
        // As in Kafka no bit stays that means nothing.
        let attributes = Attributes(attributes & Attributes::KNOWN)
            .with_timestamp_type(TimestampType::LogAppendTime);
        batch.put(ATTRIBUTES, attributes.0.to_be_bytes());
        batch.put(MAX_TIMESTAMP, log_append_time_ms.to_be_bytes());
        batch.refresh_crc();
    }
}

/// A whole batch that may be patched in place, as the leader does at append.
#[derive(Debug)]
pub struct RecordBatchMut<'a> {
    bytes: &'a mut [u8],
}

impl<'a> RecordBatchMut<'a> {
    /// As [`RecordBatch::parse`].
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, BatchParseError> {
        let size = RecordBatch::parse(bytes)?.size_bytes();
        Ok(Self {
            bytes: &mut bytes[..size],
        })
    }

    /// The batch as it is now.
    pub fn batch(&self) -> RecordBatch<'_> {
        RecordBatch::parse(self.bytes)
            .expect("length and magic were checked when this view was made")
    }

    /// Sets the base offset; the CRC does not cover it.
    pub fn set_base_offset(&mut self, base_offset: i64) {
        self.put(BASE_OFFSET, base_offset.to_be_bytes());
    }

    /// Sets the leader epoch; the CRC does not cover it.
    pub fn set_partition_leader_epoch(&mut self, epoch: i32) {
        self.put(PARTITION_LEADER_EPOCH, epoch.to_be_bytes());
    }

    /// Sets timestamp type and max timestamp (ms) and, only if either changes, the CRC. As Kafka's
    /// `setMaxTimestamp`: base timestamp and deltas stay, unknown attribute bits are dropped when the
    /// field is rewritten. Returns whether anything changed. Costs one CRC pass over the batch.
    pub fn set_max_timestamp(&mut self, timestamp_type: TimestampType, max_timestamp: i64) -> bool {
        let header = self.batch().header();
        let attributes = header.attributes();
        if attributes.timestamp_type() == timestamp_type && header.max_timestamp() == max_timestamp
        {
            return false;
        }
        let known = Attributes(attributes.0 & Attributes::KNOWN);
        self.put(
            ATTRIBUTES,
            known.with_timestamp_type(timestamp_type).0.to_be_bytes(),
        );
        self.put(MAX_TIMESTAMP, max_timestamp.to_be_bytes());
        self.refresh_crc();
        true
    }

    /// Sets producer id, epoch and base sequence, and the CRC.
    pub fn set_producer(&mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) {
        self.put(PRODUCER_ID, producer_id.to_be_bytes());
        self.put(PRODUCER_EPOCH, producer_epoch.to_be_bytes());
        self.put(BASE_SEQUENCE, base_sequence.to_be_bytes());
        self.refresh_crc();
    }

    fn refresh_crc(&mut self) {
        let crc = crc32c::crc32c(&self.bytes[ATTRIBUTES..]);
        self.put(CRC, crc.to_be_bytes());
    }

    fn put<const N: usize>(&mut self, at: usize, value: [u8; N]) {
        self.bytes[at..at + N].copy_from_slice(&value);
    }
}

/// Walks the batches of a log or of a fetch answer. See [`Batches`].
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches {
        bytes,
        position: 0,
        failed: false,
    }
}

/// Iterator over concatenated batches. A truncated last batch ends it without an error (a fetch answer
/// may be cut, a segment's tail may be torn); anything else that is not a batch is yielded once as an
/// error and ends it. [`Batches::position`] is then where the valid batches end.
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    bytes: &'a [u8],
    position: usize,
    failed: bool,
}

impl Batches<'_> {
    /// Bytes of the whole batches yielded so far.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<RecordBatch<'a>, BatchParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match RecordBatch::parse(&self.bytes[self.position..]) {
            Ok(batch) => {
                self.position += batch.size_bytes();
                Some(Ok(batch))
            }
            Err(BatchParseError::Truncated { .. }) => {
                self.failed = true;
                None
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

/// `sequence + increment`, wrapping from `i32::MAX` to 0 (`DefaultRecordBatch.incrementSequence`).
/// Both are expected not to be negative; a hostile negative one gives a number, never a panic.
pub fn increment_sequence(sequence: i32, increment: i32) -> i32 {
    if sequence > i32::MAX.wrapping_sub(increment) {
        increment
            .wrapping_sub(i32::MAX.wrapping_sub(sequence))
            .wrapping_sub(1)
    } else {
        sequence.wrapping_add(increment)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}
