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
        ProduceFailure::UnknownTopicId => ErrorCode::UnknownTopicId,
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

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::messages::produce::ProduceResponse;
    use protocol::primitives::{Reader, Uuid};

    fn told(failure: ProduceFailure) -> (i16, i64, usize, bool) {
        let mut out = Vec::new();
        let mut writer = ProduceResponseWriter::begin(&mut out, 9, 1);
        writer.topic("t", Uuid(0), 1);
        write(&mut writer, 0, &Err(failure));
        writer.finish(0);
        let response = ProduceResponse::decode(&mut Reader::new(&out), 9).unwrap();
        let answer = &response.responses[0].partition_responses[0];
        (
            answer.error_code,
            answer.log_start_offset,
            answer.record_errors.len(),
            answer.error_message.is_some(),
        )
    }

    #[test]
    fn log_start_and_text_are_told_where_kafka_tells_them() {
        let refused = |error| ProduceFailure::Refused {
            error,
            log_start_offset: 7,
        };
        let at_fault = ProduceError::InvalidRecords {
            total: 1,
            record_errors: vec![(0, "no key".into())],
        };
        assert_eq!(told(ProduceFailure::Unknown), (3, -1, 0, false));
        assert_eq!(told(ProduceFailure::InvalidAcks), (21, -1, 0, false));
        assert_eq!(told(ProduceFailure::NoTransactionalId), (53, -1, 0, false));
        assert_eq!(told(ProduceFailure::InternalTopic), (17, -1, 0, false));
        let early = ProduceError::NotOneBatch("none".into());
        assert_eq!(told(refused(early)), (87, -1, 0, false));
        let late = ProduceError::InvalidBatch("count".into());
        assert_eq!(told(refused(late)), (87, 7, 0, false));
        assert_eq!(told(refused(at_fault)), (87, 7, 1, true));
        let crc = ProduceError::CorruptMessage("crc".into());
        assert_eq!(told(refused(crc)), (2, -1, 0, false));
    }
}
