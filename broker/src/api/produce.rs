//! Produce: splits the request by partition, remembers each decision, writes the response when all are committed.
//! Station 2 of the produce walk. Never waits; looks into a batch only through `partition`.

use std::ops::Range;
use std::rc::Rc;

use protocol::produce::{ProduceRequest as Parsed, ProduceResponseWriter};
use smallvec::SmallVec;

use super::distinct::{Distinct, Topic};
use super::{Reply, Request};
use crate::io::executor::Signal;
use crate::partition::validate::{is_transactional, one_batch};
use crate::router::{Produced, RemoteProduce, Router};
use crate::shard::place::{Absent, Told};
use crate::shard::{Commit, ProduceFailure, ProduceRequest, ProduceTicket};

mod answer;
use answer::write;

/// Version from which topics are told by their ids.
const BY_ID: i16 = 13;

/// A Produce request between its decisions and its response.
pub struct PendingProduce {
    request: Request,
    acks: i16,
    /// One for each partition the request names, in its order.
    parts: SmallVec<[Part; 2]>,
}

struct Part {
    /// Topics are answered once, in the order they are first named.
    topic: usize,
    state: State,
}

enum State {
    /// Named before: the first one stands for all, with the last one's records, as in Kafka, or the first that are no batch.
    Repeated,
    Waiting(ProduceTicket),
    Elsewhere(RemoteProduce),
    Done(Result<ProduceTicket, ProduceFailure>),
}

/// Decides on every partition of the request. An error closes the connection.
pub fn begin(
    router: &Rc<Router>,
    request: &Request,
    wake: &Signal,
) -> Result<PendingProduce, String> {
    let parsed = Parsed::parse(&request.body, request.version)
        .map_err(|error| format!("malformed Produce: {error}"))?;
    let refused = refusal_of_all(&parsed, &request.body);
    let image = router.shard().image();
    let (mut parts, records) = parts(&parsed, request);
    for ((asked, part), records) in parsed.partitions().zip(&mut parts).zip(records) {
        let State::Done(_) = part.state else { continue };
        let topic = match request.version {
            BY_ID.. => Told::by_id(asked.topic_id.0),
            _ => Told::by_name(&asked.topic),
        };
        part.state = match (&refused, topic.find(&image).place(asked.partition)) {
            (Some(failure), _) => State::Done(Err(failure.clone())),
            (None, Err(Absent::Topic)) => State::Done(Err(ProduceFailure::UnknownTopicId)),
            (None, Err(_)) => State::Done(Err(ProduceFailure::Unknown)),
            (None, Ok((owner, key))) => {
                let asked = ProduceRequest {
                    records: records.map(|range| request.body.slice(range)),
                    version: request.version,
                    acks: parsed.acks,
                    internal_client: request.internal_client,
                };
                match router.produce(owner, key, asked, wake) {
                    Produced::Here(Ok(ticket)) if ticket.pending.is_some() => {
                        State::Waiting(ticket)
                    }
                    Produced::Here(done) => State::Done(done),
                    Produced::Elsewhere(remote) => State::Elsewhere(remote),
                }
            }
        };
    }
    Ok(PendingProduce {
        request: request.clone(),
        acks: parsed.acks,
        parts,
    })
}

/// Where the records of each part lie.
type Records = SmallVec<[Option<Range<usize>>; 2]>;

/// What the request names, before anything is decided.
fn parts(parsed: &Parsed<'_>, request: &Request) -> (SmallVec<[Part; 2]>, Records) {
    let (mut parts, mut records) = (SmallVec::<[Part; 2]>::new(), Records::new());
    let mut distinct = Distinct::default();
    let mut topic = 0;
    for (item, asked) in parsed.partitions().enumerate() {
        if asked.partitions_of_topic > 0 {
            topic = distinct.topic(match request.version {
                BY_ID.. => Topic::Id(asked.topic_id),
                _ => Topic::Name(asked.topic),
            });
        }
        let first = distinct.item(topic, asked.partition, item);
        let state = if first == item {
            State::Done(Err(ProduceFailure::Unknown))
        } else {
            let earlier = records[first].clone();
            let earlier = earlier.map(|range| request.body.slice(range));
            if one_batch(earlier.as_ref(), request.version).is_ok() {
                records[first].clone_from(&asked.records);
            }
            State::Repeated
        };
        parts.push(Part { topic, state });
        records.push(asked.records);
    }
    (parts, records)
}

/// Kafka looks at the first batch of each partition before anything else; what it finds there may refuse them all.
fn refusal_of_all(parsed: &Parsed<'_>, body: &[u8]) -> Option<ProduceFailure> {
    for asked in parsed.partitions() {
        let Some(records) = asked.records else {
            continue;
        };
        match is_transactional(&body[records]) {
            Ok(false) => {}
            Ok(true) if parsed.transactional_id.is_some() => return None,
            Ok(true) => return Some(ProduceFailure::NoTransactionalId),
            Err(error) => return Some(ProduceFailure::Malformed(error)),
        }
    }
    None
}

impl PendingProduce {
    /// Whether it is known already that the connection will be closed in place of an answer.
    pub fn will_close(&self) -> bool {
        self.check_unanswered().is_err()
    }

    /// Whether every partition is decided and, where that was asked for, committed.
    pub fn is_ready(&mut self, router: &Rc<Router>) -> bool {
        self.parts.iter_mut().all(|part| part.state.settle(router))
    }

    /// The response; only when it is ready. With acks=0 there is none: an error closes the connection.
    pub fn into_reply(self) -> Result<Reply, String> {
        if self.acks == 0 {
            return self.check_unanswered().map(|()| Reply::default());
        }
        let parsed =
            Parsed::parse(&self.request.body, self.request.version).expect("it was parsed before");
        let mut answers: SmallVec<[_; 2]> = parsed
            .partitions()
            .zip(&self.parts)
            .filter(|(_, part)| !matches!(part.state, State::Repeated))
            .collect();
        answers.sort_by_key(|(_, part)| part.topic);
        let topics = || answers.chunk_by(|(_, one), (_, next)| one.topic == next.topic);
        let mut out = self.request.response();
        let mut writer =
            ProduceResponseWriter::begin(&mut out, self.request.version, topics().count());
        for topic in topics() {
            let asked = &topic[0].0;
            writer.topic(&asked.topic, asked.topic_id, topic.len());
            for (asked, part) in topic {
                match &part.state {
                    State::Done(done) => write(&mut writer, asked.partition, done),
                    _ => unreachable!("only ready responses are written"),
                }
            }
        }
        writer.finish(0);
        Ok(Reply::whole(out))
    }

    /// Without a reply the client can only learn of an error by a closed connection, as in Kafka.
    fn check_unanswered(&self) -> Result<(), String> {
        let failed = self.parts.iter().find_map(|part| match &part.state {
            State::Done(Err(failure)) if self.acks == 0 => Some(failure),
            _ => None,
        });
        failed.map_or(Ok(()), |failure| {
            Err(format!("a produce with acks=0 failed: {failure}"))
        })
    }
}

impl State {
    /// Looks for the outcome; true when it is there.
    fn settle(&mut self, router: &Rc<Router>) -> bool {
        let done = match self {
            Self::Done(_) | Self::Repeated => return true,
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
