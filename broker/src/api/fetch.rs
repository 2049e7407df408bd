//! Fetch without sessions: whole batches from where they lie to the socket; waits for `min_bytes` by being woken, never by
//! polling. Copies no record byte.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future::or;
use protocol::error_code::ErrorCode;
use protocol::fetch::{DivergingEpoch, FetchResponseWriter, Gap, PartitionAnswer};
use protocol::messages::fetch::{FetchRequest, FetchRequestTopicPartition};
use protocol::primitives::Uuid;

use super::distinct::Distinct;
use super::{Handled, Reply, Request, read_failure_code, reader};
use crate::io::buffer::Slice;
use crate::io::executor::Signal;
use crate::limits;
use crate::metadata::Image;
use crate::metrics::Metrics;
use crate::router::Router;
use crate::shard::{PartitionKey, ReadAnswer, ReadFailure, ReadRequest, Watched};

/// Session epochs that need no session: the first, and none (KIP-227).
const SESSION_EPOCHS: std::ops::RangeInclusive<i32> = -1..=0;

/// A partition that is asked for.
struct Item<'a> {
    topic: &'a str,
    asked: &'a FetchRequestTopicPartition,
    /// The shard that leads it, and which it is; `None` if it does not exist.
    place: Option<(u32, PartitionKey)>,
}

/// Answers when enough has come, or the time is up.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = FetchRequest::decode(&mut reader(request), request.version)?;
    // A session this broker never opened: clients fall back to whole fetches.
    if !SESSION_EPOCHS.contains(&asked.session_epoch) {
        let code = ErrorCode::FetchSessionIdNotFound;
        return Ok(write(request, &asked, code, &[], Vec::new()));
    }
    let items = items(&asked, &router.shard().image());
    let is_known = |item: &Item<'_>| item.place.is_some();
    if !(0..=1).contains(&asked.isolation_level) && items.iter().any(is_known) {
        let refused = || ReadAnswer::failed(ReadFailure::Invalid);
        let answers = items.iter().map(|_| refused()).collect();
        let code = ErrorCode::InvalidRequest;
        return Ok(write(request, &asked, code, &items, answers));
    }
    let answers = read_enough(router, &asked, &items, request.reply_bytes_max).await;
    count(&router.shard().metrics, &answers);
    Ok(write(request, &asked, ErrorCode::None, &items, answers))
}

fn count(metrics: &Metrics, answers: &[ReadAnswer]) {
    let bytes: usize = answers.iter().map(ReadAnswer::bytes).sum();
    let failed = answers.iter().filter(|answer| answer.failure.is_some());
    metrics.bytes_out.add(bytes as u64);
    metrics.failed_fetches.add(failed.count() as u64);
}

/// What is asked for, as Kafka keeps it: each partition once, as it was asked for last, in the order of first mention; those
/// that do not exist come last.
fn items<'a>(asked: &'a FetchRequest<'_>, image: &Image) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::new();
    let mut distinct = Distinct::default();
    for topic in &asked.topics {
        let known = image.topic(&topic.topic);
        let number = distinct.topic(topic.topic.as_ref().into());
        for partition in &topic.partitions {
            let first = distinct.item(number, partition.partition, items.len());
            if let Some(earlier) = items.get_mut(first) {
                earlier.asked = partition;
                continue;
            }
            let place = known.and_then(|known| {
                let index = usize::try_from(partition.partition).ok()?;
                let placement = known.partitions.get(index)?;
                let key = PartitionKey {
                    topic_id: known.id,
                    partition: partition.partition,
                };
                Some((placement.shard, key))
            });
            items.push(Item {
                topic: &topic.topic,
                asked: partition,
                place,
            });
        }
    }
    items.sort_by_key(|item| item.place.is_none());
    items
}

/// Reads until it is enough: `min_bytes`, or a failure to tell, or the time is up.
async fn read_enough(
    router: &Rc<Router>,
    asked: &FetchRequest<'_>,
    items: &[Item<'_>],
    reply_bytes_max: u64,
) -> Vec<ReadAnswer> {
    let clock = &router.shard().io.clock;
    let wait_ms = u64::try_from(asked.max_wait_ms)
        .unwrap_or(0)
        .min(limits::FETCH_WAIT_MS_MAX);
    let deadline = clock.now().plus_ms(wait_ms);
    // More than may be sent cannot be waited for.
    let min_bytes = usize::try_from(asked.min_bytes.min(asked.max_bytes)).unwrap_or(0);
    let bytes_max = i64::from(asked.max_bytes).min(router.shard().config.fetch_bytes_max as i64);
    let wake = Signal::default();
    loop {
        let room = bytes_max.min(i64::try_from(reply_bytes_max).unwrap_or(i64::MAX));
        let answers = read_all(router, (asked, items), room, &wake).await;
        let known = || {
            let known = items.iter().zip(&answers);
            known.filter_map(|(item, answer)| Some((item.place?, answer)))
        };
        let bytes: usize = known().map(|(_, answer)| answer.bytes()).sum();
        let now = clock.now();
        let told =
            known().all(|(_, answer)| answer.failure.is_none() && answer.diverging.is_none());
        if bytes >= min_bytes || !told || now >= deadline || known().next().is_none() {
            return answers;
        }
        let elsewhere = elsewhere(router.shard().number, known());
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
    (asked, items): (&FetchRequest<'_>, &[Item<'_>]),
    mut room: i64,
    wake: &Signal,
) -> Vec<ReadAnswer> {
    let mut first = true;
    let mut answers = Vec::with_capacity(items.len());
    let mut held = router.shard().hold_read_bytes();
    for item in items {
        let Some((owner, key)) = item.place else {
            answers.push(ReadAnswer::failed(ReadFailure::Unknown));
            continue;
        };
        // Another replica: there is none.
        if asked.replica_id >= 0 {
            answers.push(ReadAnswer::failed(ReadFailure::NotLeader));
            continue;
        }
        let part = item.asked;
        let bytes_max = i64::from(part.partition_max_bytes).min(room);
        let read = ReadRequest {
            key,
            offset: part.fetch_offset,
            bytes_max: usize::try_from(bytes_max).unwrap_or(0).min(held.room()),
            at_least_one: first,
            current_leader_epoch: (part.current_leader_epoch >= 0)
                .then_some(part.current_leader_epoch),
            last_fetched_epoch: (part.last_fetched_epoch >= 0).then_some(part.last_fetched_epoch),
        };
        let mut answer = router.read(owner, read, wake).await;
        if bytes_max < 0 && answer.is_before_end(part.fetch_offset) {
            answer = ReadAnswer::failed(ReadFailure::Invalid);
        }
        let bytes = answer.bytes();
        held.add(bytes);
        first &= bytes == 0;
        room = (room - bytes as i64).max(0);
        answers.push(answer);
    }
    answers
}

fn write(
    request: &Request,
    asked: &FetchRequest<'_>,
    code: ErrorCode,
    items: &[Item<'_>],
    answers: Vec<ReadAnswer>,
) -> Reply {
    let topics = || items.chunk_by(|one, next| one.topic == next.topic);
    let mut writer = FetchResponseWriter::begin(
        request.response(),
        request.version,
        (code.code(), 0),
        topics().count(),
    );
    let mut records = Vec::new();
    let mut answers = answers.into_iter();
    for topic in topics() {
        writer.topic(topic[0].topic, Uuid(0), topic.len());
        for (item, answer) in topic.iter().zip(&mut answers) {
            let partition = item.asked.partition;
            if let Some(failure) = answer.failure {
                writer.partition(&PartitionAnswer {
                    // Kafka's two ways to make an answer.
                    aborted_transactions: item.place.is_none() || code != ErrorCode::None,
                    ..PartitionAnswer::error(partition, read_failure_code(failure).code())
                });
                continue;
            }
            writer.partition(&PartitionAnswer {
                partition,
                error_code: 0,
                high_watermark: answer.high_watermark,
                last_stable_offset: answer.high_watermark,
                log_start_offset: answer.log_start_offset,
                diverging_epoch: answer
                    .diverging
                    .map(|(epoch, end_offset)| DivergingEpoch { epoch, end_offset }),
                aborted_transactions: asked.isolation_level == 1,
                records_bytes: answer.bytes(),
            });
            records.push(answer.records);
        }
    }
    assemble(writer.finish(), records.into_iter().flatten().collect())
}

/// Puts records between the written bytes: one list of slices for one vectored send.
fn assemble((mut written, gaps): (Vec<u8>, Vec<Gap>), records: Vec<Slice>) -> Reply {
    let record_bytes: usize = gaps.iter().map(|gap| gap.bytes).sum();
    let length = (written.len() - 4 + record_bytes) as i32;
    written[..4].copy_from_slice(&length.to_be_bytes());
    let written = Bytes::from(written);
    let mut slices = Vec::with_capacity(records.len() + gaps.len() + 1);
    let mut records = records.into_iter();
    let mut position = 0;
    for gap in gaps {
        slices.push(Slice::from(written.slice(position..gap.position)));
        position = gap.position;
        let mut bytes = 0;
        while bytes < gap.bytes {
            let slice = records.next().expect("every gap has its records");
            bytes += slice.len();
            slices.push(slice);
        }
        assert_eq!(bytes, gap.bytes, "records fill their gap");
    }
    slices.push(Slice::from(written.slice(position..)));
    Reply { slices }
}
