//! ListOffsets (KIP-79, KIP-207, KIP-734): earliest, latest, by time, of the largest time.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::list_offsets::{
    ListOffsetsRequest, ListOffsetsRequestTopicPartition, ListOffsetsResponse,
    ListOffsetsResponseTopic, ListOffsetsResponseTopicPartition,
};

use super::{Handled, Reply, Request, read_failure_code, reader};
use crate::metadata::Image;
use crate::router::Router;
use crate::shard::{OffsetRequest, OffsetSpec, PartitionKey};

/// Answers partition by partition.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = ListOffsetsRequest::decode(&mut reader(request), request.version)?;
    let image = router.shard().image();
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let twice = topic
                .partitions
                .iter()
                .filter(|other| other.partition_index == partition.partition_index)
                .count()
                > 1;
            partitions.push(if twice {
                refused(partition, ErrorCode::InvalidRequest)
            } else {
                one(router, &image, request.version, &topic.name, partition).await
            });
        }
        topics.push(ListOffsetsResponseTopic {
            name: topic.name.clone(),
            partitions,
        });
    }
    let response = ListOffsetsResponse {
        throttle_time_ms: 0,
        topics,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

async fn one(
    router: &Rc<Router>,
    image: &Image,
    version: i16,
    topic: &str,
    partition: &ListOffsetsRequestTopicPartition,
) -> ListOffsetsResponseTopicPartition {
    let Some(spec) = spec(partition.timestamp, version) else {
        return refused(partition, ErrorCode::UnsupportedVersion);
    };
    let known = image.topic(topic);
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
        current_leader_epoch: partition.current_leader_epoch,
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
