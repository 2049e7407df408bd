//! What Kafka tells of a produce to one partition: code, offsets, texts. Decides nothing.

use protocol::error_code::ErrorCode;
use protocol::produce::{PartitionAnswer, ProduceResponseWriter};

use crate::partition::ProduceError;
use crate::shard::{ProduceFailure, ProduceTicket};

/// Writes the answer for one partition.
pub(super) fn write(
    writer: &mut ProduceResponseWriter<'_>,
    partition: i32,
    done: &Result<ProduceTicket, ProduceFailure>,
) {
    let failure = match done {
        Ok(ticket) => {
            return writer.partition(&PartitionAnswer {
                partition,
                base_offset: ticket.base_offset,
                log_append_time_ms: ticket.log_append_time_ms,
                log_start_offset: ticket.log_start_offset,
                ..PartitionAnswer::default()
            });
        }
        Err(failure) => failure,
    };
    let record_errors = failure.record_errors();
    // As in Kafka, only a fault of single records, of a transaction and of the whole request is put into words.
    let is_told = match failure {
        ProduceFailure::Malformed(_) => true,
        ProduceFailure::Refused { error, .. } => {
            !record_errors.is_empty() || *error == ProduceError::InvalidTxnState
        }
        _ => false,
    };
    let message = is_told.then(|| failure.to_string());
    writer.partition(&PartitionAnswer {
        partition,
        error_code: code(failure).code(),
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: log_start_offset(failure),
        record_errors,
        error_message: message.as_deref(),
    });
}

/// Kafka tells the log start with the errors it finds late.
fn log_start_offset(failure: &ProduceFailure) -> i64 {
    match failure {
        ProduceFailure::Refused {
            error,
            log_start_offset,
        } if error.is_found_late() => *log_start_offset,
        _ => -1,
    }
}

fn code(failure: &ProduceFailure) -> ErrorCode {
    match failure {
        ProduceFailure::InvalidAcks => ErrorCode::InvalidRequiredAcks,
        ProduceFailure::NoTransactionalId => ErrorCode::TransactionalIdAuthorizationFailed,
        ProduceFailure::Malformed(_) => ErrorCode::CorruptMessage,
        ProduceFailure::Unknown => ErrorCode::UnknownTopicOrPartition,
        ProduceFailure::InternalTopic => ErrorCode::InvalidTopicException,
        ProduceFailure::NotLeader | ProduceFailure::Stopped => ErrorCode::NotLeaderOrFollower,
        ProduceFailure::Storage => ErrorCode::KafkaStorageError,
        ProduceFailure::Full => ErrorCode::RequestTimedOut,
        ProduceFailure::Refused { error, .. } => match error {
            ProduceError::CorruptMessage(_) => ErrorCode::CorruptMessage,
            ProduceError::NotOneBatch(_)
            | ProduceError::InvalidBatch(_)
            | ProduceError::InvalidRecords { .. } => ErrorCode::InvalidRecord,
            ProduceError::MessageTooLarge { .. } => ErrorCode::MessageTooLarge,
            ProduceError::RecordListTooLarge { .. } => ErrorCode::RecordListTooLarge,
            ProduceError::UnsupportedCompression | ProduceError::UnknownCompression => {
                ErrorCode::UnsupportedCompressionType
            }
            ProduceError::InvalidTimestamps { .. } => ErrorCode::InvalidTimestamp,
            ProduceError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            ProduceError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            ProduceError::InvalidTxnState => ErrorCode::InvalidTxnState,
        },
    }
}
