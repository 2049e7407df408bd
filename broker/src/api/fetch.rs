//! Fetch without sessions: whole batches from where they lie to the socket; waits for `min_bytes` by being woken, never by
//! polling. Copies no record byte.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_lite::future::or;
use protocol::error_code::ErrorCode;
use protocol::fetch::{DivergingEpoch, FetchResponseWriter, Gap, PartitionAnswer};
use protocol::messages::fetch::FetchRequest;

use super::{Handled, Reply, Request, read_failure_code, reader};
use crate::io::buffer::Slice;
use crate::io::executor::Signal;
use crate::limits;
use crate::router::Router;
use crate::shard::{PartitionKey, ReadAnswer, ReadFailure, ReadRequest};

/// Answers when enough has come, or the time is up.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = FetchRequest::decode(&mut reader(request), request.version)?;
    // A session this broker never opened (KIP-227): clients fall back to whole fetches.
    if asked.session_id != 0 && asked.session_epoch > 0 {
        return Ok(empty(request, ErrorCode::FetchSessionIdNotFound));
    }
    let wait_ms = u64::try_from(asked.max_wait_ms)
        .unwrap_or(0)
        .min(limits::FETCH_WAIT_MS_MAX);
    let deadline = router.shard().io.clock.now().plus_ms(wait_ms);
    let min_bytes = usize::try_from(asked.min_bytes).unwrap_or(0);
    let wake = Signal::default();
    loop {
        let answers = read_all(router, &asked, request.reply_bytes_max, &wake).await;
        let bytes: usize = answers
            .iter()
            .flatten()
            .map(|(_, answer)| answer.bytes())
            .sum();
        let failed = answers
            .iter()
            .flatten()
            .any(|(_, answer)| answer.failure.is_some() || answer.diverging.is_some());
        let now = router.shard().io.clock.now();
        let nothing = asked.topics.iter().all(|topic| topic.partitions.is_empty());
        if bytes >= min_bytes || failed || now >= deadline || nothing {
            return Ok(write(request, &asked, answers));
        }
        drop(answers);
        let rest = Duration::from_nanos(deadline.since_ns(now));
        or(wake.wait(), router.shard().io.clock.sleep(rest)).await;
    }
}

type Answers = Vec<Vec<(i32, ReadAnswer)>>;

/// Reads every partition once; `wake` is set when one of them grows.
async fn read_all(
    router: &Rc<Router>,
    asked: &FetchRequest<'_>,
    bytes_max: u64,
    wake: &Signal,
) -> Answers {
    let config = &router.shard().config;
    let mut room = usize::try_from(asked.max_bytes)
        .unwrap_or(0)
        .min(config.fetch_bytes_max as usize)
        .min(usize::try_from(bytes_max).unwrap_or(usize::MAX));
    let mut first = true;
    let image = router.shard().image();
    let mut answers = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let known = image.topic(&topic.topic);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let placement = known.and_then(|known| {
                known
                    .partitions
                    .get(usize::try_from(partition.partition).ok()?)
            });
            let (Some(known), Some(placement)) = (known, placement) else {
                partitions.push((
                    partition.partition,
                    ReadAnswer::failed(ReadFailure::Unknown),
                ));
                continue;
            };
            let read = ReadRequest {
                key: PartitionKey {
                    topic_id: known.id,
                    partition: partition.partition,
                },
                offset: partition.fetch_offset,
                bytes_max: usize::try_from(partition.partition_max_bytes)
                    .unwrap_or(0)
                    .min(room),
                at_least_one: first,
                current_leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
            };
            let answer = if placement.shard == router.shard().number {
                router.shard().read(&read, Some(wake)).await
            } else {
                read_remote(router, placement.shard, read, wake).await
            };
            let bytes = answer.bytes();
            first &= bytes == 0;
            room = room.saturating_sub(bytes);
            partitions.push((partition.partition, answer));
        }
        answers.push(partitions);
    }
    answers
}

/// One hop. If there is nothing yet, a second hop waits at the owner and wakes us when something has come.
async fn read_remote(
    router: &Rc<Router>,
    owner: u32,
    read: ReadRequest,
    wake: &Signal,
) -> ReadAnswer {
    let now = router.shard().io.clock.now();
    let answer = router.read_elsewhere(owner, read.clone(), now).await;
    if answer.bytes() == 0 && answer.failure.is_none() {
        let executor = router.shard().io.executor.clone();
        let (router, wake) = (router.clone(), wake.clone());
        let task = async move {
            let later = router.shard().io.clock.now().plus_ms(500);
            let probe = ReadRequest {
                bytes_max: 1,
                ..read
            };
            if router.read_elsewhere(owner, probe, later).await.bytes() > 0 {
                wake.set();
            }
        };
        executor.spawn("remote fetch", Box::pin(task));
    }
    answer
}

fn empty(request: &Request, code: ErrorCode) -> Reply {
    let writer = FetchResponseWriter::begin(request.response(), request.version, code.code(), 0);
    assemble(writer.finish(), Vec::new())
}

fn write(request: &Request, asked: &FetchRequest<'_>, answers: Answers) -> Reply {
    let mut writer =
        FetchResponseWriter::begin(request.response(), request.version, 0, asked.topics.len());
    let mut records = Vec::new();
    for (topic, partitions) in asked.topics.iter().zip(answers) {
        writer.topic(&topic.topic, partitions.len());
        for (partition, answer) in partitions {
            let Some(failure) = answer.failure else {
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
                continue;
            };
            writer.partition(&PartitionAnswer::error(
                partition,
                read_failure_code(failure).code(),
            ));
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
