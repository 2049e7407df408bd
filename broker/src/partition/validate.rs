//! What a batch must be to be appended: Kafka's checks, in Kafka's order (`ProduceRequest.validateRecords`,
//! `UnifiedLog.analyzeAndValidateRecords`, `LogValidator`). Uncompressed records are walked where they lie. Pure.

use bytes::Bytes;
use protocol::compression::{Compression, decompress};
use protocol::record::{
    RecordRejection, RecordsError, RecordsPolicy, RecordsSummary, Rejection, records,
    validate_records,
};
use protocol::record_batch::{
    BatchHeader, BatchParseError, RecordBatch, RecordBatchBuilder, RecordBatchMut, TimestampType,
};

use crate::limits;

/// First Produce version that may carry zstd (KIP-110).
const ZSTD_VERSION: i16 = 7;

/// Settings of a partition that decide about produces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionConfig {
    /// Largest batch, its first 12 bytes included.
    pub message_bytes_max: usize,
    /// Largest segment.
    pub segment_bytes_max: usize,
    /// Whose clock stamps records.
    pub timestamp_type: TimestampType,
    /// How far a timestamp may lie in the past.
    pub timestamp_before_ms_max: i64,
    /// How far a timestamp may lie in the future.
    pub timestamp_after_ms_max: i64,
    /// Every record needs a key.
    pub compacted: bool,
    /// Codec and level of stored batches; `None`: as the producer sent them.
    pub compression: Option<(Compression, Option<i32>)>,
    /// Whether compressed batches are decompressed to be checked.
    pub validate_compressed: bool,
    /// Acknowledge after the in-memory append.
    pub write_caching: bool,
}

/// Why a produce is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProduceError {
    /// The bytes are not what their checksum or layout says.
    #[error("{0}")]
    CorruptMessage(String),
    /// No batch of format 2, or more than one.
    #[error("{0}")]
    NotOneBatch(String),
    /// A rule about the batch, or about how records are written, is broken.
    #[error("{0}")]
    InvalidBatch(String),
    /// Records without a key where one is needed.
    #[error("{}", rejected(*.total, .record_errors))]
    InvalidRecords {
        /// How many.
        total: u32,
        /// The first of them: index in the batch and reason.
        record_errors: Vec<(i32, String)>,
    },
    /// Timestamps are out of bounds.
    #[error("One or more records have been rejected due to invalid timestamp")]
    InvalidTimestamps {
        /// The first records at fault: index in the batch and reason.
        record_errors: Vec<(i32, String)>,
    },
    /// Larger than `max.message.bytes`.
    #[error(
        "The record batch size in the append is {bytes} bytes which exceeds the maximum configured value of {max}."
    )]
    MessageTooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Larger than `segment.bytes`.
    #[error("The record batch of {bytes} bytes is larger than a segment, {max} bytes.")]
    RecordListTooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A codec that this version of the request does not have.
    #[error("The requesting client does not support the compression type of given partition.")]
    UnsupportedCompression,
    /// A codec that nobody has.
    #[error("Unknown compression type.")]
    UnknownCompression,
    /// Not the sequence that must follow.
    #[error(
        "Out of order sequence number for producer {producer_id}: {got} (incoming seq. number), {expected} (expected)"
    )]
    OutOfOrderSequence {
        /// Whose.
        producer_id: i64,
        /// What came.
        got: i32,
        /// What had to come.
        expected: i32,
    },
    /// A newer epoch of this producer is known.
    #[error(
        "Epoch of producer {producer_id} is {epoch}, which is smaller than the last seen epoch {known}"
    )]
    InvalidProducerEpoch {
        /// Whose.
        producer_id: i64,
        /// What came.
        epoch: i16,
        /// What is known.
        known: i16,
    },
    /// A transactional batch: there are no transactions yet.
    #[error("This broker has no transactions yet.")]
    InvalidTxnState,
}

/// Why a record is refused that needs a key; [`ProduceError::in_partition`] says where.
const KEY_MISSING: &str = "Compacted topic cannot accept message without key in topic partition";

/// Kafka's sentence about all refused records of a batch: with the first three of them, as Java prints them.
fn rejected(total: u32, record_errors: &[(i32, String)]) -> String {
    let shown: Vec<_> = record_errors
        .iter()
        .take(3)
        .map(|(index, text)| format!("RecordError(batchIndex={index}, message='{text}')"))
        .collect();
    format!(
        "One or more records have been rejected due to {total} record errors in total, and only showing the first three errors at most: [{}]",
        shown.join(", ")
    )
}

impl ProduceError {
    /// Single records at fault: index in the batch, and reason.
    pub fn record_errors(&self) -> &[(i32, String)] {
        match self {
            Self::InvalidRecords { record_errors, .. }
            | Self::InvalidTimestamps { record_errors, .. } => record_errors,
            _ => &[],
        }
    }

    /// Whether Kafka finds it when the partition is at hand, and then tells its log start.
    pub fn is_found_late(&self) -> bool {
        match self {
            Self::CorruptMessage(_)
            | Self::NotOneBatch(_)
            | Self::MessageTooLarge { .. }
            | Self::RecordListTooLarge { .. }
            | Self::UnsupportedCompression
            | Self::InvalidTxnState => false,
            Self::InvalidBatch(_)
            | Self::InvalidRecords { .. }
            | Self::InvalidTimestamps { .. }
            | Self::UnknownCompression
            | Self::OutOfOrderSequence { .. }
            | Self::InvalidProducerEpoch { .. } => true,
        }
    }

    /// The same with the partition named where Kafka names it.
    pub fn in_partition(mut self, topic: &str, partition: i32) -> Self {
        if let Self::InvalidRecords { record_errors, .. }
        | Self::InvalidTimestamps { record_errors } = &mut self
        {
            for (_, text) in record_errors
                .iter_mut()
                .filter(|(_, text)| text == KEY_MISSING)
            {
                text.push_str(&format!(" {topic}-{partition}"));
            }
        }
        self
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidBatch(message.into())
    }
}

/// A batch that passed.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The batch alone, with what had to be corrected corrected.
    pub bytes: Bytes,
    /// Broker time to stamp, -1 for none.
    pub log_append_time_ms: i64,
}

/// Checks a batch that [`one_batch`] gave.
pub fn check(
    bytes: &Bytes,
    config: &PartitionConfig,
    now_ms: i64,
) -> Result<Checked, ProduceError> {
    let batch = RecordBatch::parse(bytes).map_err(parse_error)?;
    let header = batch.header();
    if header.attributes().is_transactional() {
        return Err(ProduceError::InvalidTxnState);
    }
    if header.base_offset() != 0 {
        return Err(ProduceError::invalid(format!(
            "The baseOffset of the record batch is {}, but must be 0.",
            header.base_offset()
        )));
    }
    if bytes.len() > config.message_bytes_max {
        return Err(ProduceError::MessageTooLarge {
            bytes: bytes.len(),
            max: config.message_bytes_max,
        });
    }
    if !batch.crc_matches() {
        return Err(ProduceError::CorruptMessage(format!(
            "Record is corrupt (stored crc = {})",
            header.crc()
        )));
    }
    let codec = Compression::from_id(header.attributes().compression_id())
        .ok_or(ProduceError::UnknownCompression)?;
    header
        .check_client_batch()
        .map_err(|error| ProduceError::invalid(error.to_string()))?;
    let unpacked = unpack(&batch, codec, config)?;
    let payload = if codec == Compression::None {
        Some(batch.payload())
    } else {
        unpacked.as_deref()
    };
    let summary = match payload {
        Some(payload) => Some(check_records(header, payload, codec, config, now_ms)?),
        None => None,
    };
    let log_append_time_ms = if config.timestamp_type == TimestampType::LogAppendTime {
        now_ms
    } else {
        -1
    };
    let bytes = finish(bytes, codec, payload, summary, config)?;
    if bytes.len() > config.message_bytes_max {
        return Err(ProduceError::MessageTooLarge {
            bytes: bytes.len(),
            max: config.message_bytes_max,
        });
    }
    if bytes.len() > config.segment_bytes_max {
        return Err(ProduceError::RecordListTooLarge {
            bytes: bytes.len(),
            max: config.segment_bytes_max,
        });
    }
    Ok(Checked {
        bytes,
        log_append_time_ms,
    })
}

/// Whether the first batch is part of a transaction. An error where its length or its format is none that ever was; a cut
/// batch, and none, is not.
pub fn is_transactional(records: &[u8]) -> Result<bool, BatchParseError> {
    match RecordBatch::parse(records) {
        Ok(batch) => Ok(batch.attributes().is_transactional()),
        Err(error @ (BatchParseError::BatchLength(_) | BatchParseError::UnknownMagic(_))) => {
            Err(error)
        }
        Err(_) => Ok(false),
    }
}

/// The one batch a request may carry for a partition; a cut second one is ignored, as in Kafka.
pub fn one_batch(records: Option<&Bytes>, version: i16) -> Result<Bytes, ProduceError> {
    let none = || {
        ProduceError::NotOneBatch(format!(
            "Produce requests with version {version} must have at least one record batch per partition"
        ))
    };
    let records = records
        .filter(|records| !records.is_empty())
        .ok_or_else(none)?;
    let header = BatchHeader::parse(records).map_err(parse_error)?;
    let bytes = header.size_bytes();
    if bytes > records.len() {
        return Err(none());
    }
    let codec = Compression::from_id(header.attributes().compression_id());
    if version < ZSTD_VERSION && matches!(codec, None | Some(Compression::Zstd)) {
        return Err(ProduceError::UnsupportedCompression);
    }
    match BatchHeader::parse(&records[bytes..]) {
        Ok(second) if second.size_bytes() > records.len() - bytes => {}
        Err(BatchParseError::Truncated { .. }) => {}
        Ok(_) => {
            let text = format!(
                "Produce requests with version {version} are only allowed to contain exactly one record batch per partition"
            );
            return Err(ProduceError::NotOneBatch(text));
        }
        Err(error) => return Err(parse_error(error)),
    }
    Ok(records.slice(..bytes))
}

fn parse_error(error: BatchParseError) -> ProduceError {
    match error {
        BatchParseError::Truncated { .. } | BatchParseError::OldMagic { .. } => {
            ProduceError::NotOneBatch(error.to_string())
        }
        _ => ProduceError::CorruptMessage(error.to_string()),
    }
}

/// The records of a compressed batch, if they are needed.
fn unpack(
    batch: &RecordBatch<'_>,
    codec: Compression,
    config: &PartitionConfig,
) -> Result<Option<Vec<u8>>, ProduceError> {
    let recompressed = config
        .compression
        .is_some_and(|(wanted, _)| wanted != codec);
    if codec == Compression::None
        || !(config.validate_compressed || config.compacted || recompressed)
    {
        return Ok(None);
    }
    let max = limits::DECOMPRESSED_BYTES_MAX;
    match decompress(codec, batch.payload(), max) {
        Ok(payload) => Ok(Some(payload)),
        Err(error) => Err(ProduceError::invalid(format!(
            "the batch cannot be decompressed: {error}"
        ))),
    }
}

fn check_records(
    header: BatchHeader<'_>,
    payload: &[u8],
    codec: Compression,
    config: &PartitionConfig,
    now_ms: i64,
) -> Result<RecordsSummary, ProduceError> {
    let policy = RecordsPolicy {
        timestamp_type: config.timestamp_type,
        now_ms,
        timestamp_before_ms_max: config.timestamp_before_ms_max,
        timestamp_after_ms_max: config.timestamp_after_ms_max,
        key_required: config.compacted,
    };
    let summary = validate_records(header, payload, &policy)
        .map_err(|error| records_error(error, &policy, codec))?;
    if codec != Compression::None && !summary.offset_deltas_sequential {
        return Err(ProduceError::invalid(
            "A compressed record batch has gaps in its offset deltas.",
        ));
    }
    Ok(summary)
}

fn records_error(error: RecordsError, policy: &RecordsPolicy, codec: Compression) -> ProduceError {
    let RecordsError::Rejected(rejections) = &error else {
        return ProduceError::invalid(error.to_string());
    };
    let listed = rejections
        .listed
        .iter()
        .map(|one| (one.batch_index, fault(*one, policy, codec)));
    let record_errors = listed.collect();
    if rejections.any_timestamp {
        ProduceError::InvalidTimestamps { record_errors }
    } else {
        ProduceError::InvalidRecords {
            total: rejections.total,
            record_errors,
        }
    }
}

/// What is wrong with a record, in Kafka's words. Its offset is its index, as those of a batch begin at 0.
fn fault(one: Rejection, policy: &RecordsPolicy, codec: Compression) -> String {
    let offset = one.batch_index;
    // Of a compressed batch Kafka reads only what it looks at.
    let read = match codec {
        Compression::None => "DefaultRecord",
        _ => "PartialDefaultRecord",
    };
    match one.reason {
        RecordRejection::KeyMissing => KEY_MISSING.to_owned(),
        RecordRejection::TimestampOutOfRange { timestamp } => format!(
            "Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within [{}, {}]",
            policy.now_ms.wrapping_sub(policy.timestamp_before_ms_max),
            policy.now_ms.wrapping_add(policy.timestamp_after_ms_max)
        ),
        RecordRejection::LogAppendTimeFromProducer {
            timestamp,
            key_bytes,
            value_bytes,
        } => format!(
            "Invalid timestamp type in message {read}(offset={offset}, timestamp={timestamp}, key={key_bytes} bytes, value={value_bytes} bytes). Producer should not set timestamp type to LogAppendTime."
        ),
    }
}

/// Recompresses where the topic wants another codec, corrects a wrong largest timestamp; else the bytes as they came.
fn finish(
    bytes: &Bytes,
    codec: Compression,
    payload: Option<&[u8]>,
    summary: Option<RecordsSummary>,
    config: &PartitionConfig,
) -> Result<Bytes, ProduceError> {
    if let (Some((wanted, level)), Some(payload)) = (config.compression, payload)
        && wanted != codec
    {
        return recompress(bytes, payload, wanted, level);
    }
    let header = RecordBatch::parse(bytes)
        .expect("the batch was checked")
        .header();
    let (Some(summary), TimestampType::CreateTime) = (summary, config.timestamp_type) else {
        return Ok(bytes.clone());
    };
    let right = header.attributes().timestamp_type() == TimestampType::CreateTime
        && header.max_timestamp() == summary.max_timestamp;
    if right {
        return Ok(bytes.clone());
    }
    let mut copy = bytes.to_vec();
    let mut batch = RecordBatchMut::parse(&mut copy).expect("the batch was checked");
    batch.set_max_timestamp(TimestampType::CreateTime, summary.max_timestamp);
    Ok(Bytes::from(copy))
}

/// The same records in another codec, their offsets without gaps, as in Kafka.
fn recompress(
    bytes: &Bytes,
    payload: &[u8],
    wanted: Compression,
    level: Option<i32>,
) -> Result<Bytes, ProduceError> {
    let header = RecordBatch::parse(bytes)
        .expect("the batch was checked")
        .header();
    let mut builder = RecordBatchBuilder::new(wanted);
    builder.compression_level(level);
    if header.has_producer_id() {
        builder.producer(
            header.producer_id(),
            header.producer_epoch(),
            header.base_sequence(),
        );
    }
    let failed =
        |error: String| ProduceError::invalid(format!("the batch cannot be recompressed: {error}"));
    for record in records(payload) {
        let record = record.map_err(|error| failed(error.to_string()))?;
        let timestamp = header.base_timestamp().wrapping_add(record.timestamp_delta);
        let headers: Vec<_> = record.headers.collect();
        builder
            .append(timestamp, record.key, record.value, &headers)
            .map_err(|error| failed(error.to_string()))?;
    }
    builder
        .build()
        .map(Bytes::from)
        .map_err(|error| failed(error.to_string()))
}
