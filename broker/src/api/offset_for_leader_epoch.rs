//! OffsetForLeaderEpoch (KIP-101, KIP-320): where a leader epoch ends, so that clients find out where their log parts from
//! the leader's.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochRequestTopicPartition,
    OffsetForLeaderEpochResponse, OffsetForLeaderEpochResponseTopic,
    OffsetForLeaderEpochResponseTopicPartition,
};

use super::{Handled, Reply, Request, read_failure_code, reader};
use crate::metadata::Image;
use crate::router::Router;
use crate::shard::place::Told;
use crate::shard::{EpochRequest, ReadFailure};

/// Answers partition by partition, in the order of the request, whatever is named twice.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = OffsetForLeaderEpochRequest::decode(&mut reader(request), request.version)?;
    let image = router.shard().image();
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            partitions.push(one(router, &image, &topic.topic, partition).await);
        }
        topics.push(OffsetForLeaderEpochResponseTopic {
            topic: topic.topic.clone(),
            partitions,
        });
    }
    let response = OffsetForLeaderEpochResponse {
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
    topic: &str,
    asked: &OffsetForLeaderEpochRequestTopicPartition,
) -> OffsetForLeaderEpochResponseTopicPartition {
    let end = match Told::by_name(topic).find(image).place(asked.partition) {
        Ok((owner, key)) => {
            let request = EpochRequest {
                key,
                current_leader_epoch: (asked.current_leader_epoch != -1)
                    .then_some(asked.current_leader_epoch),
                leader_epoch: asked.leader_epoch,
            };
            router.epoch_end(owner, request).await
        }
        Err(_) => Err(ReadFailure::Unknown),
    };
    let answer = OffsetForLeaderEpochResponseTopicPartition {
        partition: asked.partition,
        ..OffsetForLeaderEpochResponseTopicPartition::default()
    };
    match end {
        Ok(Some((leader_epoch, end_offset))) => OffsetForLeaderEpochResponseTopicPartition {
            error_code: ErrorCode::None.code(),
            leader_epoch,
            end_offset,
            ..answer
        },
        Ok(None) => answer,
        Err(failure) => OffsetForLeaderEpochResponseTopicPartition {
            error_code: read_failure_code(failure).code(),
            ..answer
        },
    }
}
