//! ListOffsets (KIP-79, KIP-207, KIP-734): earliest, latest, by time, of the largest time.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::list_offsets::{
    ListOffsetsRequest, ListOffsetsRequestTopicPartition, ListOffsetsResponse,
    ListOffsetsResponseTopic, ListOffsetsResponseTopicPartition,
};

use super::distinct::{Distinct, Topic};
use super::{Handled, Reply, Request, read_failure_code, reader};
use crate::metadata::Image;
use crate::router::Router;
use crate::shard::{OffsetRequest, OffsetSpec, PartitionKey};

/// A partition that is asked for.
struct Item<'a> {
    topic: usize,
    name: &'a str,
    asked: &'a ListOffsetsRequestTopicPartition,
    twice: bool,
}

/// Answers partition by partition.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = ListOffsetsRequest::decode(&mut reader(request), request.version)?;
    let image = router.shard().image();
    let isolated = (0..=1).contains(&asked.isolation_level);
    let mut topics: Vec<ListOffsetsResponseTopic<'_>> = Vec::with_capacity(asked.topics.len());
    for item in items(&asked) {
        let partition = if item.twice || !isolated {
            refused(item.asked, ErrorCode::InvalidRequest)
        } else {
            one(router, &image, request.version, &item).await
        };
        if item.topic == topics.len() {
            topics.push(ListOffsetsResponseTopic {
                name: item.name.into(),
                partitions: Vec::new(),
            });
        }
        topics[item.topic].partitions.push(partition);
    }
    let response = ListOffsetsResponse {
        throttle_time_ms: 0,
        topics,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// Each partition once, by topic in the order of first mention; topics that name none are left out, as by Kafka.
fn items<'a>(asked: &'a ListOffsetsRequest<'_>) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::new();
    let mut distinct = Distinct::default();
    for topic in asked
        .topics
        .iter()
        .filter(|topic| !topic.partitions.is_empty())
    {
        let number = distinct.topic(Topic::Name(topic.name.as_ref().into()));
        for partition in &topic.partitions {
            let first = distinct.item(number, partition.partition_index, items.len());
            if let Some(earlier) = items.get_mut(first) {
                earlier.twice = true;
                continue;
            }
            items.push(Item {
                topic: number,
                name: &topic.name,
                asked: partition,
                twice: false,
            });
        }
    }
    items.sort_by_key(|item| item.topic);
    items
}

async fn one(
    router: &Rc<Router>,
    image: &Image,
    version: i16,
    item: &Item<'_>,
) -> ListOffsetsResponseTopicPartition {
    let partition = item.asked;
    let Some(spec) = spec(partition.timestamp, version) else {
        return refused(partition, ErrorCode::UnsupportedVersion);
    };
    let known = image.topic(item.name);
    let placement = known.and_then(|known| {
        known
            .partitions
            .get(usize::try_from(partition.partition_index).ok()?)
    });
    let (Some(known), Some(placement)) = (known, placement) else {
        return refused(partition, ErrorCode::UnknownTopicOrPartition);
    };
    let asked = OffsetRequest {
        key: PartitionKey {
            topic_id: known.id,
            partition: partition.partition_index,
        },
        spec,
        current_leader_epoch: (partition.current_leader_epoch != -1)
            .then_some(partition.current_leader_epoch),
    };
    let answer = router.offset(placement.shard, asked).await;
    match answer.failure {
        None => ListOffsetsResponseTopicPartition {
            partition_index: partition.partition_index,
            error_code: 0,
            timestamp: answer.timestamp,
            offset: answer.offset,
            leader_epoch: answer.leader_epoch,
        },
        Some(failure) => refused(partition, read_failure_code(failure)),
    }
}

fn spec(timestamp: i64, version: i16) -> Option<OffsetSpec> {
    match timestamp {
        -1 => Some(OffsetSpec::Latest),
        -2 => Some(OffsetSpec::Earliest),
        -3 if version >= 7 => Some(OffsetSpec::MaxTimestamp),
        -4 if version >= 8 => Some(OffsetSpec::Earliest),
        -5 if version >= 9 => Some(OffsetSpec::Tiered),
        -6 if version >= 11 => Some(OffsetSpec::Tiered),
        0.. => Some(OffsetSpec::Timestamp(timestamp)),
        _ => None,
    }
}

fn refused(
    partition: &ListOffsetsRequestTopicPartition,
    code: ErrorCode,
) -> ListOffsetsResponseTopicPartition {
    ListOffsetsResponseTopicPartition {
        partition_index: partition.partition_index,
        error_code: code.code(),
        ..ListOffsetsResponseTopicPartition::default()
    }
}
