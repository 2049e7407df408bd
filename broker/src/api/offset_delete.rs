//! OffsetDelete (KIP-496): offsets of a group go, unless it is subscribed to their topic.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::offset_delete::{
    OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponseTopic,
    OffsetDeleteResponseTopicPartition,
};

use super::groups::{self, group_error_code, result_code};
use super::partition_results::{PartitionResults, TopicName, TopicResults};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{GroupReply, GroupRequest, TopicPartitions};
use crate::metadata::Image;
use crate::router::Router;

/// Answers partition by partition, or for the whole group.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = OffsetDeleteRequest::decode(&mut reader(request), request.version)?;
    let mut results = PartitionResults::default();
    let topics = known_topics(&asked, &router.shard().image(), &mut results);
    let delete = GroupRequest::DeleteOffsets(topics.clone());
    let mut response = OffsetDeleteResponse::default();
    match groups::ask(router, &asked.group_id, delete).await {
        Ok(GroupReply::OffsetsDeleted(deleted)) => {
            let deleted = topics.into_iter().zip(deleted).map(|(topic, deleted)| {
                let codes = deleted.iter().map(result_code);
                let partitions = topic.partitions.into_iter().zip(codes);
                (named(topic.topic), partitions.collect())
            });
            let topics = results.merge(deleted.collect()).into_iter();
            response.topics = topics.map(answer).collect();
        }
        Ok(_) => response.error_code = ErrorCode::CoordinatorNotAvailable.code(),
        Err(error) => response.error_code = group_error_code(&error).code(),
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn named(name: std::sync::Arc<str>) -> TopicName {
    TopicName { id: 0, name }
}

/// Partitions that exist. The others' results are known here.
fn known_topics(
    asked: &OffsetDeleteRequest<'_>,
    image: &Image,
    results: &mut PartitionResults,
) -> Vec<TopicPartitions> {
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let mut topics = Vec::with_capacity(asked.topics.len());
    for topic in &asked.topics {
        let indexes = topic.partitions.iter().map(|one| one.partition_index);
        let Some(known) = image.topic(&topic.name) else {
            let name = named(topic.name.as_ref().into());
            results.add(name, indexes.map(|index| (index, unknown)));
            continue;
        };
        let exists =
            |index: &i32| usize::try_from(*index).is_ok_and(|index| index < known.partitions.len());
        let (partitions, missing): (Vec<i32>, Vec<i32>) = indexes.partition(exists);
        for index in missing {
            results.add(named(known.name.clone()), [(index, unknown)]);
        }
        if !partitions.is_empty() {
            topics.push(TopicPartitions {
                topic_id: 0,
                topic: known.name.clone(),
                partitions,
            });
        }
    }
    topics
}

fn answer<'a>((topic, partitions): TopicResults) -> OffsetDeleteResponseTopic<'a> {
    let partitions = partitions.into_iter();
    OffsetDeleteResponseTopic {
        name: topic.name.to_string().into(),
        partitions: partitions
            .map(
                |(partition_index, error_code)| OffsetDeleteResponseTopicPartition {
                    partition_index,
                    error_code,
                },
            )
            .collect(),
    }
}
