//! OffsetCommit (KIP-320, KIP-345, KIP-848): offsets of a group are stored; by topic id from version 10 on.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestTopic, OffsetCommitRequestTopicPartition,
    OffsetCommitResponse, OffsetCommitResponseTopic, OffsetCommitResponseTopicPartition,
};
use protocol::primitives::Uuid;

use super::groups::{self, group_error_code, result_code};
use super::partition_results::{PartitionResults, TopicName, TopicResults};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{
    CommitOffsets, CommitPartition, CommitTopic, GroupError, GroupReply, GroupRequest, MemberRef,
};
use crate::metadata::Image;
use crate::router::Router;

/// Version from which an unknown group is told as such, not as a generation that is not its own.
const UNKNOWN_GROUP: i16 = 9;
/// Version from which topics are named by their ids.
const BY_ID: i16 = 10;

/// Answers partition by partition.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = OffsetCommitRequest::decode(&mut reader(request), request.version)?;
    let mut results = PartitionResults::default();
    let image = router.shard().image();
    let topics = known_topics(&asked, &image, request.version, &mut results);
    let committed = if topics.is_empty() {
        Vec::new()
    } else {
        commit(router, &asked, topics, request.version).await
    };
    let topics = results.merge(committed).into_iter();
    let response = OffsetCommitResponse {
        throttle_time_ms: 0,
        topics: topics.map(answer).collect(),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// What may be stored: partitions that exist. The others' results are known here.
fn known_topics(
    asked: &OffsetCommitRequest<'_>,
    image: &Image,
    version: i16,
    results: &mut PartitionResults,
) -> Vec<CommitTopic> {
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let by_id = version >= BY_ID;
        let known = if by_id {
            image.topic_by_id(topic.topic_id.0)
        } else {
            image.topic(&topic.name)
        };
        let Some(known) = known else {
            let unknown = match by_id {
                true => ErrorCode::UnknownTopicId,
                false => ErrorCode::UnknownTopicOrPartition,
            };
            let name = TopicName {
                id: topic.topic_id.0,
                name: topic.name.as_ref().into(),
            };
            results.add(name, codes(topic, unknown));
            continue;
        };
        let exists = |one: &&OffsetCommitRequestTopicPartition<'_>| {
            usize::try_from(one.partition_index).is_ok_and(|index| index < known.partitions.len())
        };
        let name = TopicName {
            id: topic.topic_id.0,
            name: known.name.clone(),
        };
        for one in topic.partitions.iter().filter(|one| !exists(one)) {
            let code = ErrorCode::UnknownTopicOrPartition.code();
            results.add(name.clone(), [(one.partition_index, code)]);
        }
        let partitions: Vec<_> = topic.partitions.iter().filter(exists).map(offset).collect();
        if !partitions.is_empty() {
            topics.push(CommitTopic {
                topic_id: name.id,
                topic: name.name,
                partitions,
            });
        }
    }
    topics
}

fn codes(
    topic: &OffsetCommitRequestTopic<'_>,
    code: ErrorCode,
) -> impl Iterator<Item = (i32, i16)> {
    let partitions = topic.partitions.iter();
    partitions.map(move |one| (one.partition_index, code.code()))
}

fn offset(one: &OffsetCommitRequestTopicPartition<'_>) -> CommitPartition {
    CommitPartition {
        partition: one.partition_index,
        offset: one.committed_offset,
        leader_epoch: one.committed_leader_epoch,
        metadata: one.committed_metadata.as_deref().unwrap_or_default().into(),
    }
}

async fn commit(
    router: &Rc<Router>,
    asked: &OffsetCommitRequest<'_>,
    topics: Vec<CommitTopic>,
    version: i16,
) -> Vec<TopicResults> {
    let names: Vec<(TopicName, Vec<i32>)> = topics
        .iter()
        .map(|topic| {
            let name = TopicName {
                id: topic.topic_id,
                name: topic.topic.clone(),
            };
            let partitions = topic.partitions.iter().map(|one| one.partition);
            (name, partitions.collect())
        })
        .collect();
    let commit = GroupRequest::CommitOffsets(CommitOffsets {
        member: MemberRef {
            member_id: asked.member_id.to_string(),
            group_instance_id: asked.group_instance_id.as_deref().map(str::to_owned),
            generation_id: asked.generation_id_or_member_epoch,
        },
        retention_ms: asked.retention_time_ms,
        topics,
    });
    let all = |code: ErrorCode| {
        let names = names.iter();
        let code = code.code();
        let topics = names.map(|(name, partitions)| {
            let results = partitions.iter().map(|partition| (*partition, code));
            (name.clone(), results.collect())
        });
        topics.collect()
    };
    match groups::ask(router, &asked.group_id, commit).await {
        Ok(GroupReply::Committed(results)) => names
            .into_iter()
            .zip(results)
            .map(|((name, partitions), results)| {
                let codes = results.iter().map(result_code);
                (name, partitions.into_iter().zip(codes).collect())
            })
            .collect(),
        Err(GroupError::UnknownGroup) if version < UNKNOWN_GROUP => {
            all(ErrorCode::IllegalGeneration)
        }
        Ok(_) => all(ErrorCode::CoordinatorNotAvailable),
        Err(error) => all(group_error_code(&error)),
    }
}

fn answer<'a>((topic, partitions): TopicResults) -> OffsetCommitResponseTopic<'a> {
    let partitions = partitions.into_iter();
    OffsetCommitResponseTopic {
        name: topic.name.to_string().into(),
        topic_id: Uuid(topic.id),
        partitions: partitions
            .map(
                |(partition_index, error_code)| OffsetCommitResponseTopicPartition {
                    partition_index,
                    error_code,
                },
            )
            .collect(),
    }
}
