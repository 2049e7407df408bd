//! Fetch, with sessions and without: whole batches from where they lie to the socket; waits for `min_bytes` by being woken,
//! never by polling. Copies no record byte.

use std::rc::Rc;
use std::time::Duration;

use futures_lite::future::or;
use protocol::error_code::ErrorCode;
use protocol::messages::fetch::FetchRequest;

use super::{Handled, Reply, Request, reader};
use crate::io::executor::Signal;
use crate::limits;
use crate::metrics::Metrics;
use crate::router::Router;
use crate::shard::place::Absent;
use crate::shard::{PartitionKey, ReadAnswer, ReadFailure, ReadRequest, Watched};

mod answer;
mod session;
use answer::{Leaders, refused, write};
use session::{Item, Session};

/// Version from which topics are told by their ids.
const BY_ID: i16 = 13;
/// Version from which a replica says who it is in a tag.
const REPLICA_STATE: i16 = 15;

/// A request, and what its version makes of it.
struct Asked<'a> {
    request: FetchRequest<'a>,
    /// Whether topics are told by id.
    by_id: bool,
    /// Of a consumer below 0.
    replica_id: i32,
}

impl<'a> Asked<'a> {
    fn of(request: FetchRequest<'a>, version: i16) -> Self {
        Self {
            by_id: version >= BY_ID,
            replica_id: match version {
                REPLICA_STATE.. => request.replica_state.replica_id,
                _ => request.replica_id,
            },
            request,
        }
    }
}

/// Answers when enough has come, or the time is up.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = FetchRequest::decode(&mut reader(request), request.version)?;
    let asked = Asked::of(asked, request.version);
    let image = router.shard().image();
    let (session, mut items) = match session::begin(router, &asked, &image) {
        Ok(begun) => begun,
        Err(code) => return Ok(refused(request, code, 0)),
    };
    if !(0..=1).contains(&asked.request.isolation_level) && items.iter().any(Item::is_known) {
        return Ok(refused_isolation(request, &asked, &items));
    }
    let mut answers = read_enough(router, &asked, &items, request.reply_bytes_max).await;
    count(&router.shard().metrics, &answers);
    let both = (&mut items, &mut answers);
    let id = match &session {
        Session::GoesOn(session, _) => session.borrow().id(),
        _ => 0,
    };
    let (code, id) = match session::end(router, &asked, session, both) {
        Ok(id) => (ErrorCode::None, id),
        Err(code) => (code, id),
    };
    let of = (&asked, request.version);
    let leaders = Leaders::of(router, of, (&items, &answers)).await;
    Ok(write(
        request,
        &asked,
        (code, id),
        &items,
        answers,
        &leaders,
    ))
}

/// From version 13 on, a request that is refused as a whole is not answered partition by partition.
fn refused_isolation(request: &Request, asked: &Asked<'_>, items: &[Item<'_>]) -> Reply {
    let code = ErrorCode::InvalidRequest;
    let session_id = asked.request.session_id;
    if asked.by_id {
        return refused(request, code, session_id);
    }
    let answers = items
        .iter()
        .map(|_| ReadAnswer::failed(ReadFailure::Invalid));
    let (answers, leaders) = (answers.collect(), Leaders::default());
    write(request, asked, (code, session_id), items, answers, &leaders)
}

fn count(metrics: &Metrics, answers: &[ReadAnswer]) {
    let bytes: usize = answers.iter().map(ReadAnswer::bytes).sum();
    let failed = answers.iter().filter(|answer| answer.failure.is_some());
    metrics.bytes_out.add(bytes as u64);
    metrics.failed_fetches.add(failed.count() as u64);
}

/// Reads until it is enough: `min_bytes`, or a failure to tell, or the time is up.
async fn read_enough(
    router: &Rc<Router>,
    asked: &Asked<'_>,
    items: &[Item<'_>],
    reply_bytes_max: u64,
) -> Vec<ReadAnswer> {
    let clock = &router.shard().io.clock;
    let wait_ms = u64::try_from(asked.request.max_wait_ms)
        .unwrap_or(0)
        .min(limits::FETCH_WAIT_MS_MAX);
    let deadline = clock.now().plus_ms(wait_ms);
    // More than may be sent cannot be waited for.
    let min_bytes =
        usize::try_from(asked.request.min_bytes.min(asked.request.max_bytes)).unwrap_or(0);
    let bytes_max =
        i64::from(asked.request.max_bytes).min(router.shard().config.fetch_bytes_max as i64);
    let wake = Signal::default();
    loop {
        let room = bytes_max.min(i64::try_from(reply_bytes_max).unwrap_or(i64::MAX));
        let answers = read_all(router, (asked, items), room, &wake).await;
        let known = || {
            let known = items.iter().zip(&answers);
            known.filter(|(item, _)| item.is_known())
        };
        let now = clock.now();
        let enough = is_enough(known().map(|(_, answer)| answer), min_bytes);
        if enough || now >= deadline || known().next().is_none() {
            return answers;
        }
        let led = known().filter_map(|(item, answer)| Some((item.place.ok()?, answer)));
        let elsewhere = elsewhere(router.shard().number, led);
        drop(answers);
        let mut watches = Vec::with_capacity(elsewhere.len());
        for (owner, watched) in elsewhere {
            watches.push(router.watch(owner, watched, deadline, &wake).await);
        }
        let rest = Duration::from_nanos(deadline.since_ns(now));
        or(wake.wait(), clock.sleep(rest)).await;
        for watch in watches {
            watch.end().await;
        }
    }
}

/// Whether an answer goes out without waiting for more: there are as many bytes as it should have, something has to be told, or a
/// partition has more that one read does not give (Kafka's `DelayedFetch` goes by the segment: what lies in an older one is not waited on).
fn is_enough<'a>(answers: impl Iterator<Item = &'a ReadAnswer>, min_bytes: usize) -> bool {
    let (mut bytes, mut told) = (0, false);
    for answer in answers {
        bytes += answer.bytes();
        told |= answer.failure.is_some() || answer.diverging.is_some() || answer.more;
    }
    bytes >= min_bytes || told
}

/// What other shards must watch, by shard.
fn elsewhere<'a>(
    here: u32,
    known: impl Iterator<Item = ((u32, PartitionKey), &'a ReadAnswer)>,
) -> Vec<(u32, Vec<Watched>)> {
    let mut by_owner: Vec<(u32, Vec<Watched>)> = Vec::new();
    for ((owner, key), answer) in known.filter(|((owner, _), _)| *owner != here) {
        let watched = Watched {
            key,
            high_watermark: answer.high_watermark,
        };
        match by_owner.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, all)) => all.push(watched),
            None => by_owner.push((owner, vec![watched])),
        }
    }
    by_owner
}

/// Reads every partition once, `room` bytes in all; `wake` is set when one that is led here grows.
async fn read_all(
    router: &Rc<Router>,
    (asked, items): (&Asked<'_>, &[Item<'_>]),
    mut room: i64,
    wake: &Signal,
) -> Vec<ReadAnswer> {
    let mut first = true;
    let mut answers = Vec::with_capacity(items.len());
    let mut held = router.shard().hold_read_bytes();
    for item in items {
        let (owner, key) = match item.place {
            Ok(place) => place,
            Err(absent) => {
                answers.push(ReadAnswer::failed(failure_of(absent)));
                continue;
            }
        };
        // Another replica: there is none.
        if asked.replica_id >= 0 {
            answers.push(ReadAnswer::failed(ReadFailure::NotLeader));
            continue;
        }
        let part = &item.wanted;
        let bytes_max = i64::from(part.bytes_max).min(room);
        let read = ReadRequest {
            key,
            offset: part.offset,
            bytes_max: usize::try_from(bytes_max).unwrap_or(0).min(held.room()),
            at_least_one: first,
            current_leader_epoch: (part.current_leader_epoch >= 0)
                .then_some(part.current_leader_epoch),
            last_fetched_epoch: (part.last_fetched_epoch >= 0).then_some(part.last_fetched_epoch),
        };
        let mut answer = router.read(owner, read, wake).await;
        if bytes_max < 0 && answer.is_before_end(part.offset) {
            answer = ReadAnswer::failed(ReadFailure::Invalid);
        }
        let bytes = answer.bytes();
        held.add(answer.held_bytes());
        first &= bytes == 0;
        room = (room - bytes as i64).max(0);
        answers.push(answer);
    }
    answers
}

fn failure_of(absent: Absent) -> ReadFailure {
    match absent {
        Absent::Topic => ReadFailure::UnknownTopicId,
        Absent::Partition => ReadFailure::Unknown,
        Absent::OtherTopic => ReadFailure::InconsistentTopicId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_beside_what_can_be_read_or_has_to_be_told() {
        let read = |bytes: usize| ReadAnswer {
            failure: None,
            high_watermark: 10,
            log_start_offset: 0,
            diverging: None,
            records: vec![bytes::Bytes::from(vec![0; bytes]).into()],
            more: false,
        };
        let enough = |answers: &[ReadAnswer]| is_enough(answers.iter(), 100);
        assert!(!enough(&[]));
        assert!(!enough(&[read(50), read(49)]));
        assert!(enough(&[read(50), read(50)]));
        let more = ReadAnswer {
            more: true,
            ..read(1)
        };
        assert!(enough(&[read(0), more]), "a read of a segment has an end");
        let diverging = ReadAnswer {
            diverging: Some((1, 2)),
            ..read(0)
        };
        assert!(enough(&[diverging, read(0)]));
        assert!(enough(&[ReadAnswer::failed(ReadFailure::Storage)]));
    }
}
