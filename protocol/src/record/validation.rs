//! What a broker checks on the records of a client's batch, record by record, in Kafka's order and with
//! Kafka's leniencies. It decides nothing about the batch header
//! ([`check_client_batch`](crate::record_batch::BatchHeader::check_client_batch) does) and changes nothing.
//!
//! Source: Kafka's `LogValidator` (`validateRecord`, `validateKey`, `validateTimestamp`,
//! `processRecordErrors`) and `DefaultRecordBatch.RecordIterator`.

use thiserror::Error;

use super::{RecordError, RecordRef, Records, records};
use crate::record_batch::{BatchHeader, NO_TIMESTAMP, TimestampType};

/// At most so many rejected records are listed; all are counted.
pub const REJECTIONS_MAX: usize = 1024;

/// What the topic asks of records.
#[derive(Debug, Clone, Copy)]
pub struct RecordsPolicy {
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// The broker's clock, ms.
    pub now_ms: i64,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_ms_max: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_ms_max: i64,
    /// Whether every record needs a key (compacted topics).
    pub key_required: bool,
}

/// What valid records came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordsSummary {
    /// Largest timestamp, ms, that a create-time topic stores as the batch's max timestamp;
    /// [`NO_TIMESTAMP`] if no record has one above it.
    pub max_timestamp: i64,
    /// Index in the batch of the first record that has it; -1 if none has.
    pub max_timestamp_index: i32,
    /// Whether offset deltas are 0, 1, ... n-1. Kafka rewrites a compressed batch where they are not and
    /// does not look in an uncompressed one.
    pub offset_deltas_sequential: bool,
}

/// Why one record is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordRejection {
    /// No key though the topic is compacted (INVALID_RECORD).
    KeyMissing,
    /// Too old or too far in the future (INVALID_TIMESTAMP).
    TimestampOutOfRange {
        /// The record's, ms.
        timestamp: i64,
    },
    /// The producer set log append time itself (INVALID_TIMESTAMP).
    LogAppendTimeFromProducer {
        /// The record's, ms.
        timestamp: i64,
        /// Its key's size, 0 for none.
        key_bytes: usize,
        /// Its value's size, 0 for none.
        value_bytes: usize,
    },
}

/// A refused record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// Index of the record in its batch (`batch_index` of the answer).
    pub batch_index: i32,
    /// Why.
    pub reason: RecordRejection,
}

/// All refused records of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejections {
    /// The first [`REJECTIONS_MAX`], by index.
    pub listed: Vec<Rejection>,
    /// How many there are.
    pub total: u32,
    /// Whether any is about a timestamp, listed or not: the batch then gets INVALID_TIMESTAMP, else
    /// INVALID_RECORD.
    pub any_timestamp: bool,
}

/// Why a batch's records are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordsError {
    /// A record does not parse (INVALID_RECORD).
    #[error(transparent)]
    Malformed(#[from] RecordError),
    /// The payload ends before the header's count is reached (INVALID_RECORD).
    #[error("Incorrect declared batch size, premature EOF reached")]
    TooFew {
        /// Records there are.
        found: i32,
    },
    /// Bytes follow the last record of the header's count (INVALID_RECORD).
    #[error("Incorrect declared batch size, records still remaining in file")]
    Trailing {
        /// Bytes left over.
        bytes: usize,
    },
    /// The records parse, but some are not acceptable here.
    #[error("One or more records have been rejected, {} in total", .0.total)]
    Rejected(Rejections),
}

/// Checks the records of a batch: `payload` is uncompressed, `header` is the batch's own. Allocates only
/// when it refuses. Negative counts are refused by the header's checks; here they mean "no records".
pub fn validate_records(
    header: BatchHeader<'_>,
    payload: &[u8],
    policy: &RecordsPolicy,
) -> Result<RecordsSummary, RecordsError> {
    let count = header.record_count().max(0);
    let walk = Walk {
        policy,
        header,
        log_append_time: log_append_time(header),
    };
    let mut rejections = Rejections {
        listed: Vec::new(),
        total: 0,
        any_timestamp: false,
    };
    let mut records = records(payload);
    let summary = walk.run(count, &mut records, &mut rejections)?;
    if records.bytes_left() > 0 {
        return Err(RecordsError::Trailing {
            bytes: records.bytes_left(),
        });
    }
    if rejections.total > 0 {
        return Err(RecordsError::Rejected(rejections));
    }
    Ok(summary)
}

struct Walk<'a> {
    policy: &'a RecordsPolicy,
    header: BatchHeader<'a>,
    log_append_time: Option<i64>,
}

impl Walk<'_> {
    fn run(
        &self,
        count: i32,
        records: &mut Records<'_>,
        rejections: &mut Rejections,
    ) -> Result<RecordsSummary, RecordsError> {
        let base_timestamp = self.header.base_timestamp();
        let mut summary = RecordsSummary {
            max_timestamp: NO_TIMESTAMP,
            max_timestamp_index: -1,
            offset_deltas_sequential: true,
        };
        for index in 0..count {
            let record = records
                .next()
                .ok_or(RecordsError::TooFew { found: index })??;
            let timestamp = match self.log_append_time {
                Some(log_append_time) => log_append_time,
                None => base_timestamp.wrapping_add(record.timestamp_delta),
            };
            if self.policy.key_required && record.key.is_none() {
                rejections.add(index, RecordRejection::KeyMissing);
            } else if let Some(reason) = self.timestamp_rejection(timestamp, &record) {
                rejections.add(index, reason);
            }
            if timestamp > summary.max_timestamp {
                summary.max_timestamp = timestamp;
                summary.max_timestamp_index = index;
            }
            summary.offset_deltas_sequential &= record.offset_delta == index;
        }
        Ok(summary)
    }

    /// Kafka's branches exactly: a log-append-time batch passes on a create-time topic as long as its
    /// time is in range, and is refused on a log-append-time topic.
    #[inline(always)]
    fn timestamp_rejection(
        &self,
        timestamp: i64,
        record: &RecordRef<'_>,
    ) -> Option<RecordRejection> {
        let policy = self.policy;
        if policy.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
            // Wrapping, as Java's: the default bound "before" is i64::MAX.
            let age = policy.now_ms.wrapping_sub(timestamp);
            let out_of_range = age > policy.timestamp_before_ms_max
                || age.wrapping_neg() > policy.timestamp_after_ms_max;
            return out_of_range.then_some(RecordRejection::TimestampOutOfRange { timestamp });
        }
        self.log_append_time
            .map(|_| RecordRejection::LogAppendTimeFromProducer {
                timestamp,
                key_bytes: record.key.map_or(0, <[u8]>::len),
                value_bytes: record.value.map_or(0, <[u8]>::len),
            })
    }
}

impl Rejections {
    #[cold]
    fn add(&mut self, batch_index: i32, reason: RecordRejection) {
        self.total += 1;
        self.any_timestamp |= reason != RecordRejection::KeyMissing;
        if self.listed.len() < REJECTIONS_MAX {
            self.listed.push(Rejection {
                batch_index,
                reason,
            });
        }
    }
}

/// The time that stands for every record of a batch that claims log append time.
fn log_append_time(header: BatchHeader<'_>) -> Option<i64> {
    (header.attributes().timestamp_type() == TimestampType::LogAppendTime)
        .then(|| header.max_timestamp())
}
