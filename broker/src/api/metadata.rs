//! Metadata: shards as Kafka brokers, topics and who leads their partitions; creates topics under Kafka's conditions.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use protocol::error_code::ErrorCode;
use protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponseTopic, MetadataResponseTopicPartition,
};
use protocol::primitives::Uuid;

use super::{Handled, Reply, Request, reader};
use crate::config::Advertise;
use crate::controller::topics::check_name;
use crate::controller::{ControllerRequest, NewTopic};
use crate::metadata::{Image, Topic, is_internal};
use crate::router::Router;

/// What `*_authorized_operations` says when nobody asked.
const NOT_ASKED: i32 = i32::MIN;
/// READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all, as there is no authorizer yet.
const TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
/// CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE.
const CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;

/// Answers with brokers and topics.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = MetadataRequest::decode(&mut reader(request), request.version)?;
    if asked
        .topics
        .iter()
        .flatten()
        .any(|topic| topic.name.is_none() && request.version < 12)
    {
        return Ok(refused(request, &asked));
    }
    let all = asked.topics.is_none()
        || (request.version == 0 && asked.topics.as_ref().is_some_and(Vec::is_empty));
    if !all && asked.allow_auto_topic_creation {
        create_missing(router, asked.topics.as_deref().unwrap_or_default()).await;
    }
    let image = router.shard().image();
    let operations = if asked.include_topic_authorized_operations {
        TOPIC_OPERATIONS
    } else {
        NOT_ASKED
    };
    let topics = if all {
        image
            .topics
            .values()
            .map(|topic| known(router, &image, topic, operations))
            .collect()
    } else {
        named(
            router,
            &image,
            asked.topics.as_deref().unwrap_or_default(),
            operations,
        )
    };
    let response = MetadataResponse {
        throttle_time_ms: 0,
        brokers: brokers(router, &image),
        cluster_id: Some(Uuid(image.cluster_id).to_string().into()),
        controller_id: image.node_id(0),
        topics,
        cluster_authorized_operations: if asked.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            NOT_ASKED
        },
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// A topic without a name before version 12: the whole request is refused, topic by topic.
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
        ..MetadataResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Reply::whole(out)
}

async fn create_missing(router: &Rc<Router>, topics: &[MetadataRequestTopic<'_>]) {
    if !router.shard().config.auto_create_topics_enable {
        return;
    }
    let image = router.shard().image();
    let mut names: Vec<&str> = topics
        .iter()
        .filter_map(|topic| topic.name.as_deref())
        .collect();
    names.retain(|name| image.topic(name).is_none() && check_name(name).is_ok());
    names.sort_unstable();
    names.dedup();
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

fn brokers<'a>(router: &Rc<Router>, image: &Image) -> Vec<MetadataResponseBroker<'a>> {
    let config = &router.shard().config;
    let shards = match config.advertise {
        Advertise::Shard => image.shard_count,
        Advertise::Machine => 1,
    };
    (0..shards)
        .map(|shard| MetadataResponseBroker {
            node_id: image.node_id(shard),
            host: config.advertised_host.clone().into(),
            port: i32::from(router.shard().advertised_port(shard)),
            rack: config.rack.clone().map(Cow::from),
        })
        .collect()
}

fn named<'a>(
    router: &Rc<Router>,
    image: &Image,
    asked: &[MetadataRequestTopic<'a>],
    operations: i32,
) -> Vec<MetadataResponseTopic<'a>> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for topic in asked {
        let (known_topic, unknown) = match &topic.name {
            Some(name) if topic.topic_id == Uuid(0) => {
                let code = if check_name(name).is_ok() {
                    ErrorCode::UnknownTopicOrPartition
                } else {
                    ErrorCode::InvalidTopicException
                };
                (image.topic(name), code)
            }
            _ => (
                image.topic_by_id(topic.topic_id.0),
                ErrorCode::UnknownTopicId,
            ),
        };
        match known_topic {
            Some(topic) => found.push(known(router, image, topic, operations)),
            None => missing.push(MetadataResponseTopic {
                error_code: unknown.code(),
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                ..MetadataResponseTopic::default()
            }),
        }
    }
    found.append(&mut missing);
    found
}

fn known<'a>(
    router: &Rc<Router>,
    image: &Image,
    topic: &Arc<Topic>,
    operations: i32,
) -> MetadataResponseTopic<'a> {
    let machine = router.shard().config.advertise == Advertise::Machine;
    let partitions = topic
        .partitions
        .iter()
        .enumerate()
        .map(|(partition, placement)| {
            let node = image.node_id(if machine { 0 } else { placement.shard });
            MetadataResponseTopicPartition {
                error_code: 0,
                partition_index: partition as i32,
                leader_id: node,
                leader_epoch: router
                    .shard()
                    .leader_epoch_of(topic.id, partition as i32, placement),
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
