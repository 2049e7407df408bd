//! Metadata: shards as Kafka brokers, topics and who leads their partitions; creates topics under Kafka's conditions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use protocol::error_code::ErrorCode;
use protocol::messages::metadata::{
    MetadataRequest, MetadataResponse, MetadataResponseBroker, MetadataResponseTopic,
    MetadataResponseTopicPartition,
};
use protocol::primitives::Uuid;

use super::nodes::Node;
use super::{Handled, Reply, Request, reader};
use crate::config::Advertise;
use crate::controller::topics::check_name;
use crate::controller::{ControllerRequest, NewTopic};
use crate::metadata::{Image, Topic, is_internal};
use crate::router::Router;
use crate::shard::PartitionKey;

/// What `*_authorized_operations` says when nobody asked.
pub(super) const NOT_ASKED: i32 = i32::MIN;
/// READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all, as there is no authorizer yet.
pub(super) const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
pub(super) const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

/// Version from which topics may be asked for by id.
const BY_ID: i16 = 12;

/// Version from which leader epochs are told.
const LEADER_EPOCHS: i16 = 7;

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// Every topic.
    All,
    /// These, each once.
    Names(Vec<&'a str>),
    /// These, each once; names beside them say nothing.
    Ids(Vec<Uuid>),
    /// A topic without a name, or with an id in a version that knows none: the whole request is refused.
    Refused,
}

impl<'a> Asked<'a> {
    fn of(request: &'a MetadataRequest<'_>, version: i16) -> Self {
        let topics = match &request.topics {
            None => return Self::All,
            Some(topics) if version == 0 && topics.is_empty() => return Self::All,
            Some(topics) => topics,
        };
        if topics.iter().any(|topic| topic.topic_id != Uuid(0)) {
            if version < BY_ID {
                return Self::Refused;
            }
            let ids = topics.iter().map(|topic| topic.topic_id);
            return Self::Ids(once(ids.filter(|id| *id != Uuid(0))));
        }
        let names: Option<Vec<&str>> = topics.iter().map(|topic| topic.name.as_deref()).collect();
        names.map_or(Self::Refused, |names| Self::Names(once(names)))
    }
}

/// `items` in their order, each once.
fn once<T: Copy + Eq + Hash>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = HashSet::new();
    let mut items: Vec<T> = items.into_iter().collect();
    items.retain(|item| seen.insert(*item));
    items
}

/// Answers with brokers and topics.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = MetadataRequest::decode(&mut reader(request), request.version)?;
    let about = Asked::of(&asked, request.version);
    if let (Asked::Names(names), true) = (&about, asked.allow_auto_topic_creation) {
        create_missing(router, names).await;
    }
    let image = router.shard().image();
    let operations = if asked.include_topic_authorized_operations {
        TOPIC_OPERATIONS
    } else {
        NOT_ASKED
    };
    let found: Vec<Result<&Arc<Topic>, MetadataResponseTopic<'_>>> = match about {
        Asked::Refused => return Ok(refused(request, &asked)),
        Asked::All => image.topics.values().map(Ok).collect(),
        Asked::Names(names) => names
            .into_iter()
            .map(|name| {
                image
                    .topic(name)
                    .ok_or_else(|| unknown_name(name, operations))
            })
            .collect(),
        Asked::Ids(ids) => ids
            .into_iter()
            .map(|id| image.topic_by_id(id.0).ok_or_else(|| unknown_id(id)))
            .collect(),
    };
    let epochs = if request.version >= LEADER_EPOCHS {
        leader_epochs(router, found.iter().flatten().copied()).await
    } else {
        HashMap::new()
    };
    let topics = found.into_iter().map(|topic| match topic {
        Ok(topic) => known(router, &image, topic, (&epochs, operations)),
        Err(unknown) => unknown,
    });
    let topics = topics.collect();
    let response = MetadataResponse {
        throttle_time_ms: 0,
        brokers: brokers(router),
        cluster_id: Some(Uuid(image.cluster_id).to_string().into()),
        controller_id: image.node_id(0),
        topics,
        cluster_authorized_operations: if asked.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            NOT_ASKED
        },
        error_code: 0,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// The whole request is refused, topic by topic.
fn refused(request: &Request, asked: &MetadataRequest<'_>) -> Reply {
    let topics = asked
        .topics
        .iter()
        .flatten()
        .map(|topic| MetadataResponseTopic {
            error_code: ErrorCode::InvalidRequest.code(),
            name: Some(topic.name.clone().unwrap_or_default()),
            topic_id: topic.topic_id,
            ..MetadataResponseTopic::default()
        });
    let response = MetadataResponse {
        topics: topics.collect(),
        error_code: ErrorCode::InvalidRequest.code(),
        ..MetadataResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Reply::whole(out)
}

fn unknown_name(name: &str, operations: i32) -> MetadataResponseTopic<'_> {
    let code = if check_name(name).is_ok() {
        ErrorCode::UnknownTopicOrPartition
    } else {
        ErrorCode::InvalidTopicException
    };
    MetadataResponseTopic {
        error_code: code.code(),
        name: Some(name.into()),
        is_internal: is_internal(name),
        topic_authorized_operations: operations,
        ..MetadataResponseTopic::default()
    }
}

fn unknown_id<'a>(topic_id: Uuid) -> MetadataResponseTopic<'a> {
    MetadataResponseTopic {
        error_code: ErrorCode::UnknownTopicId.code(),
        topic_id,
        ..MetadataResponseTopic::default()
    }
}

/// Internal topics are not made here: those whose partitions they place make them, in their shape.
async fn create_missing(router: &Rc<Router>, names: &[&str]) {
    if !router.shard().config.auto_create_topics_enable {
        return;
    }
    let image = router.shard().image();
    let may_be = |name: &str| check_name(name).is_ok() && !is_internal(name);
    let names: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| image.topic(name).is_none() && may_be(name))
        .collect();
    if names.is_empty() {
        return;
    }
    let topics = names.into_iter().map(|name| NewTopic {
        name: name.to_owned(),
        partitions: -1,
        replication_factor: -1,
        ..NewTopic::default()
    });
    let request = ControllerRequest::CreateTopics {
        topics: topics.collect(),
        validate_only: false,
    };
    if let Err(error) = router.control(request).await {
        tracing::warn!(%error, "topics could not be created on first use");
    }
}

fn brokers<'a>(router: &Rc<Router>) -> Vec<MetadataResponseBroker<'a>> {
    let rack = &router.shard().config.rack;
    let nodes = Node::all(router);
    nodes
        .map(|node| MetadataResponseBroker {
            node_id: node.id,
            host: node.host.into(),
            port: node.port,
            rack: rack.clone().map(Cow::from),
        })
        .collect()
}

/// Leader epochs of all partitions of these topics: every shard that leads some is asked once.
pub(super) async fn leader_epochs(
    router: &Rc<Router>,
    topics: impl Iterator<Item = &Arc<Topic>>,
) -> HashMap<PartitionKey, i32> {
    let mut by_shard: BTreeMap<u32, Vec<PartitionKey>> = BTreeMap::new();
    for topic in topics {
        for (partition, placement) in topic.partitions.iter().enumerate() {
            by_shard
                .entry(placement.shard)
                .or_default()
                .push(PartitionKey {
                    topic_id: topic.id,
                    partition: partition as i32,
                });
        }
    }
    let mut epochs = HashMap::new();
    for (shard, keys) in by_shard {
        let answered = router.leader_epochs(shard, keys.clone()).await;
        epochs.extend(keys.into_iter().zip(answered));
    }
    epochs
}

fn known<'a>(
    router: &Rc<Router>,
    image: &Image,
    topic: &Arc<Topic>,
    (epochs, operations): (&HashMap<PartitionKey, i32>, i32),
) -> MetadataResponseTopic<'a> {
    let machine = router.shard().config.advertise == Advertise::Machine;
    let partitions = topic
        .partitions
        .iter()
        .enumerate()
        .map(|(partition, placement)| {
            let node = image.node_id(if machine { 0 } else { placement.shard });
            let key = PartitionKey {
                topic_id: topic.id,
                partition: partition as i32,
            };
            MetadataResponseTopicPartition {
                error_code: 0,
                partition_index: partition as i32,
                leader_id: node,
                leader_epoch: epochs.get(&key).copied().unwrap_or(-1),
                replica_nodes: vec![node],
                isr_nodes: vec![node],
                offline_replicas: Vec::new(),
            }
        });
    MetadataResponseTopic {
        error_code: 0,
        name: Some(topic.name.to_string().into()),
        topic_id: Uuid(topic.id),
        is_internal: is_internal(&topic.name),
        partitions: partitions.collect(),
        topic_authorized_operations: operations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::messages::metadata::MetadataRequestTopic;

    fn topic(id: u128, name: Option<&'static str>) -> MetadataRequestTopic<'static> {
        MetadataRequestTopic {
            topic_id: Uuid(id),
            name: name.map(Into::into),
        }
    }

    #[test]
    fn names_and_ids_are_told_apart_as_kafka_does() {
        let of = |topics: &[_], version| {
            let request = MetadataRequest {
                topics: Some(topics.to_vec()),
                ..MetadataRequest::default()
            };
            format!("{:?}", Asked::of(&request, version))
        };
        let (a, b) = (topic(0, Some("a")), topic(0, Some("b")));
        assert_eq!(of(&[], 0), "All");
        assert_eq!(of(&[], 1), "Names([])");
        assert_eq!(of(&[b.clone(), a.clone(), b], 9), r#"Names(["b", "a"])"#);
        let id = topic(7, None);
        let ids = format!("Ids([{}])", Uuid(7));
        assert_eq!(of(&[id.clone(), a, id.clone()], 12), ids);
        assert_eq!(of(&[topic(7, Some("a"))], 12), ids);
        assert_eq!(of(&[id], 11), "Refused");
        assert_eq!(of(&[topic(0, None)], 12), "Refused");
    }
}
