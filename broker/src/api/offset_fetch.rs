//! OffsetFetch (KIP-447, KIP-709, KIP-848): stored offsets of one group, of several from version 8, by topic id from 10.

use std::rc::Rc;
use std::sync::Arc;

use protocol::error_code::ErrorCode;
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestGroupTopic, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponseGroupTopic,
    OffsetFetchResponseGroupTopicPartition, OffsetFetchResponseTopic,
    OffsetFetchResponseTopicPartition,
};
use protocol::primitives::Uuid;

use super::groups::{self, group_error_code};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{
    FetchOffsets, FetchedOffset, FetchedTopic, GroupReply, GroupRequest, TopicPartitions,
};
use crate::metadata::Image;
use crate::router::Router;

/// Version from which a group's error is told once, not with every partition.
const GROUP_ERROR: i16 = 2;
/// Version from which several groups can be asked for.
const SEVERAL: i16 = 8;
/// Version from which topics are named by their ids.
const BY_ID: i16 = 10;

/// Answers group by group. What was never stored is -1, also of groups and topics that do not exist.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let mut asked = OffsetFetchRequest::decode(&mut reader(request), request.version)?;
    if request.version < SEVERAL {
        asked.groups = vec![only_group(&mut asked)];
    }
    let mut groups = Vec::with_capacity(asked.groups.len());
    for group in &asked.groups {
        groups.push(answer(router, group, request.version).await);
    }
    let mut response = OffsetFetchResponse::default();
    if request.version >= SEVERAL {
        response.groups = groups;
    } else if let Some(group) = groups.pop() {
        response.error_code = group.error_code;
        response.topics = group.topics.into_iter().map(flat).collect();
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// The group of a request that can have only one.
fn only_group<'a>(asked: &mut OffsetFetchRequest<'a>) -> OffsetFetchRequestGroup<'a> {
    let topics = asked.topics.take().map(|topics| {
        let topics = topics
            .into_iter()
            .map(|topic| OffsetFetchRequestGroupTopic {
                name: topic.name,
                partition_indexes: topic.partition_indexes,
                ..OffsetFetchRequestGroupTopic::default()
            });
        topics.collect()
    });
    OffsetFetchRequestGroup {
        group_id: std::mem::take(&mut asked.group_id),
        topics,
        ..OffsetFetchRequestGroup::default()
    }
}

async fn answer<'a>(
    router: &Rc<Router>,
    asked: &OffsetFetchRequestGroup<'a>,
    version: i16,
) -> OffsetFetchResponseGroup<'a> {
    let image = router.shard().image();
    let wanted = asked.topics.as_ref().map(|topics| {
        let (known, unknown) = topics
            .iter()
            .partition(|topic| version < BY_ID || image.topic_by_id(topic.topic_id.0).is_some());
        Wanted { known, unknown }
    });
    let fetch = FetchOffsets {
        topics: wanted.as_ref().map(|wanted| wanted.topics(&image, version)),
    };
    let mut group = OffsetFetchResponseGroup {
        group_id: asked.group_id.clone(),
        ..OffsetFetchResponseGroup::default()
    };
    let fetch = GroupRequest::FetchOffsets(fetch);
    let code = match groups::ask(router, &asked.group_id, fetch).await {
        Ok(GroupReply::Offsets(topics)) => {
            group.topics = match wanted {
                Some(wanted) => wanted.answer(topics),
                None => everything(topics, &image, version),
            };
            return group;
        }
        Ok(_) => ErrorCode::CoordinatorNotAvailable,
        Err(error) => group_error_code(&error),
    };
    if version >= GROUP_ERROR {
        group.error_code = code.code();
    } else {
        let topics = asked.topics.iter().flatten();
        group.topics = topics.map(|topic| refused(topic, code)).collect();
    }
    group
}

/// Topics that are asked for.
struct Wanted<'r, 'a> {
    known: Vec<&'r OffsetFetchRequestGroupTopic<'a>>,
    /// Of ids that no topic has.
    unknown: Vec<&'r OffsetFetchRequestGroupTopic<'a>>,
}

impl<'a> Wanted<'_, 'a> {
    /// What the coordinator is asked.
    fn topics(&self, image: &Image, version: i16) -> Vec<TopicPartitions> {
        let topics = self.known.iter().map(|topic| TopicPartitions {
            topic_id: topic.topic_id.0,
            topic: match image.topic_by_id(topic.topic_id.0) {
                Some(known) if version >= BY_ID => known.name.clone(),
                _ => topic.name.as_ref().into(),
            },
            partitions: topic.partition_indexes.clone(),
        });
        topics.collect()
    }

    /// What it said, and that the other topics are unknown.
    fn answer(&self, topics: Vec<FetchedTopic>) -> Vec<OffsetFetchResponseGroupTopic<'a>> {
        let known = topics
            .into_iter()
            .zip(&self.known)
            .map(|(fetched, asked)| shown(fetched, asked.topic_id));
        let unknown = self.unknown.iter();
        let unknown = unknown.map(|topic| refused(topic, ErrorCode::UnknownTopicId));
        known.chain(unknown).collect()
    }
}

/// All that is stored; where ids are told, topics that have none any more are left out.
fn everything<'a>(
    topics: Vec<FetchedTopic>,
    image: &Image,
    version: i16,
) -> Vec<OffsetFetchResponseGroupTopic<'a>> {
    let id = |name: &Arc<str>| match image.topic(name) {
        Some(known) => Some(Uuid(known.id)),
        None if version < BY_ID => Some(Uuid(0)),
        None => None,
    };
    let topics = topics.into_iter();
    topics
        .filter_map(|topic| id(&topic.topic).map(|id| shown(topic, id)))
        .collect()
}

fn shown<'a>(topic: FetchedTopic, topic_id: Uuid) -> OffsetFetchResponseGroupTopic<'a> {
    OffsetFetchResponseGroupTopic {
        name: topic.topic.to_string().into(),
        topic_id,
        partitions: topic.partitions.into_iter().map(stored).collect(),
    }
}

fn stored<'a>(offset: FetchedOffset) -> OffsetFetchResponseGroupTopicPartition<'a> {
    OffsetFetchResponseGroupTopicPartition {
        partition_index: offset.partition,
        committed_offset: offset.offset,
        committed_leader_epoch: offset.leader_epoch,
        metadata: Some(offset.metadata.into()),
        error_code: 0,
    }
}

fn refused<'a>(
    topic: &OffsetFetchRequestGroupTopic<'a>,
    code: ErrorCode,
) -> OffsetFetchResponseGroupTopic<'a> {
    let partitions = topic.partition_indexes.iter();
    OffsetFetchResponseGroupTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: partitions
            .map(|partition| OffsetFetchResponseGroupTopicPartition {
                partition_index: *partition,
                committed_offset: -1,
                metadata: Some("".into()),
                error_code: code.code(),
                ..OffsetFetchResponseGroupTopicPartition::default()
            })
            .collect(),
    }
}

/// The same, as versions below 8 have it.
fn flat(topic: OffsetFetchResponseGroupTopic<'_>) -> OffsetFetchResponseTopic<'_> {
    let partitions = topic.partitions.into_iter();
    OffsetFetchResponseTopic {
        name: topic.name,
        partitions: partitions
            .map(|partition| OffsetFetchResponseTopicPartition {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            })
            .collect(),
    }
}
