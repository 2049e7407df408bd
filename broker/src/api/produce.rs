//! Produce: splits the request by partition, remembers each decision, writes the response when all are committed.
//! Station 2 of the produce walk. Never looks into a batch, never waits.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::produce::{PartitionAnswer, ProduceRequest as Parsed, ProduceResponseWriter};
use smallvec::SmallVec;

use super::{Reply, Request};
use crate::io::executor::Signal;
use crate::partition::ProduceError;
use crate::router::{Produced, RemoteProduce, Router};
use crate::shard::{Commit, PartitionKey, ProduceFailure, ProduceRequest, ProduceTicket};

/// A Produce request between its decisions and its response.
pub struct PendingProduce {
    request: Request,
    acks: i16,
    parts: SmallVec<[Part; 2]>,
}

enum Part {
    Waiting(ProduceTicket),
    Elsewhere(Rc<RemoteProduce>),
    Done(Result<ProduceTicket, ProduceFailure>),
}

/// Decides on every partition of the request. `None`: acks=0, nothing is answered. An error closes the connection.
pub fn begin(
    router: &Rc<Router>,
    request: &Request,
    wake: &Signal,
) -> Result<Option<PendingProduce>, String> {
    let parsed = Parsed::parse(&request.body, request.version)
        .map_err(|error| format!("malformed Produce: {error}"))?;
    let acks = parsed.acks;
    let image = router.shard().image();
    let mut parts = SmallVec::new();
    for part in parsed.partitions() {
        if !(-1..=1).contains(&acks) {
            parts.push(Part::Done(Err(ProduceFailure::InvalidAcks)));
            continue;
        }
        let place = image.topic(&part.topic).and_then(|topic| {
            let placement = topic
                .partitions
                .get(usize::try_from(part.partition).ok()?)?;
            Some((topic.id, placement.shard))
        });
        let Some((topic_id, owner)) = place else {
            parts.push(Part::Done(Err(ProduceFailure::Unknown)));
            continue;
        };
        let key = PartitionKey {
            topic_id,
            partition: part.partition,
        };
        let asked = ProduceRequest {
            records: part.records.map(|range| request.body.slice(range)),
            version: request.version,
            acks,
        };
        parts.push(match router.produce(owner, key, asked, wake) {
            Produced::Here(Ok(ticket)) if ticket.pending.is_some() => Part::Waiting(ticket),
            Produced::Here(done) => Part::Done(done),
            Produced::Elsewhere(remote) => Part::Elsewhere(remote),
        });
    }
    if acks == 0 {
        let failed = parts.iter().find_map(|part| match part {
            Part::Done(Err(failure)) => Some(failure),
            _ => None,
        });
        return match failed {
            // Without a reply the client can only learn of an error by a closed connection, as in Kafka.
            Some(failure) => Err(format!(
                "a produce with acks=0 failed: {}",
                message(failure)
            )),
            None => Ok(None),
        };
    }
    Ok(Some(PendingProduce {
        request: request.clone(),
        acks,
        parts,
    }))
}

/// A version below 3: UNSUPPORTED_VERSION for every partition cannot be said without parsing it, so for none.
pub fn unsupported(request: &Request) -> Reply {
    let mut out = request.response();
    out.extend_from_slice(&0i32.to_be_bytes());
    if request.version >= 1 {
        out.extend_from_slice(&0i32.to_be_bytes());
    }
    Reply::whole(out)
}

impl PendingProduce {
    /// Whether every partition is decided and, where that was asked for, committed.
    pub fn is_ready(&mut self, router: &Rc<Router>) -> bool {
        self.parts.iter_mut().all(|part| part.settle(router))
    }

    /// The response; only when it is ready.
    pub fn into_reply(self) -> Reply {
        assert!(self.acks != 0, "acks=0 is never answered");
        let parsed =
            Parsed::parse(&self.request.body, self.request.version).expect("it was parsed before");
        let mut out = self.request.response();
        let mut writer =
            ProduceResponseWriter::begin(&mut out, self.request.version, parsed.topics_len);
        for (asked, part) in parsed.partitions().zip(&self.parts) {
            if asked.partitions_of_topic > 0 {
                writer.topic(&asked.topic, asked.partitions_of_topic);
            }
            match part {
                Part::Done(Ok(ticket)) => writer.partition(&PartitionAnswer {
                    partition: asked.partition,
                    base_offset: ticket.base_offset,
                    log_append_time_ms: ticket.log_append_time_ms,
                    log_start_offset: ticket.log_start_offset,
                    ..PartitionAnswer::default()
                }),
                Part::Done(Err(failure)) => refuse(&mut writer, asked.partition, failure),
                Part::Waiting(_) | Part::Elsewhere(_) => {
                    unreachable!("only ready responses are written")
                }
            }
        }
        writer.finish(0);
        Reply::whole(out)
    }
}

impl Part {
    /// Looks for the outcome; true when it is there.
    fn settle(&mut self, router: &Rc<Router>) -> bool {
        let done = match self {
            Self::Done(_) => return true,
            Self::Elsewhere(remote) => match remote.take() {
                Some(done) => done,
                None => return false,
            },
            Self::Waiting(ticket) => match router.shard().commit_of(ticket) {
                Commit::Waiting => return false,
                Commit::Done => Ok(*ticket),
                Commit::Failed => Err(ProduceFailure::Storage),
            },
        };
        *self = Self::Done(done);
        true
    }
}

fn refuse(writer: &mut ProduceResponseWriter<'_>, partition: i32, failure: &ProduceFailure) {
    let none = Vec::new();
    let record_errors = match failure {
        ProduceFailure::Refused(error) => error.record_errors(),
        _ => &none,
    };
    writer.partition(&PartitionAnswer {
        partition,
        error_code: code(failure).code(),
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: -1,
        record_errors,
        error_message: Some(&message(failure)),
    });
}

fn message(failure: &ProduceFailure) -> String {
    failure.to_string()
}

fn code(failure: &ProduceFailure) -> ErrorCode {
    match failure {
        ProduceFailure::InvalidAcks => ErrorCode::InvalidRequiredAcks,
        ProduceFailure::Unknown => ErrorCode::UnknownTopicOrPartition,
        ProduceFailure::NotLeader | ProduceFailure::Stopped => ErrorCode::NotLeaderOrFollower,
        ProduceFailure::Storage => ErrorCode::KafkaStorageError,
        ProduceFailure::Full => ErrorCode::RequestTimedOut,
        ProduceFailure::Refused(error) => match error {
            ProduceError::CorruptMessage(_) => ErrorCode::CorruptMessage,
            ProduceError::InvalidRecord { .. } => ErrorCode::InvalidRecord,
            ProduceError::MessageTooLarge { .. } => ErrorCode::MessageTooLarge,
            ProduceError::RecordListTooLarge { .. } => ErrorCode::RecordListTooLarge,
            ProduceError::UnsupportedCompression => ErrorCode::UnsupportedCompressionType,
            ProduceError::InvalidTimestamp { .. } => ErrorCode::InvalidTimestamp,
            ProduceError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
            ProduceError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
            ProduceError::InvalidTxnState => ErrorCode::InvalidTxnState,
        },
    }
}
