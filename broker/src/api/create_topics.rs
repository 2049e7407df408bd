//! CreateTopics (KIP-4): answers when every new partition is in place on the shard that leads it.

use std::rc::Rc;

use hashbrown::HashSet;
use protocol::error_code::ErrorCode;
use protocol::messages::create_topics::{
    CreateTopicsRequest, CreateTopicsRequestTopic, CreateTopicsResponse, CreateTopicsResponseTopic,
    CreateTopicsResponseTopicConfig,
};
use protocol::primitives::Uuid;

use super::distinct::any_once;
use super::{Handled, Reply, Request, reader};
use crate::config::describe::describe_topic;
use crate::controller::topics::CLUSTER_METADATA;
use crate::controller::{
    ControllerReply, ControllerRequest, CreateTopicError, CreatedTopic, NewTopic,
};
use crate::router::Router;

/// Creates what may be created.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = CreateTopicsRequest::decode(&mut reader(request), request.version)?;
    let topics = if is_out_of_time(&asked) {
        asked.topics.iter().map(out_of_time).collect()
    } else {
        create(router, &asked).await
    };
    let response = CreateTopicsResponse {
        throttle_time_ms: 0,
        topics,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// Whether the time is over before anything begins, as in Kafka: unless the controller need not be asked.
fn is_out_of_time(asked: &CreateTopicsRequest<'_>) -> bool {
    let names = asked.topics.iter().map(|topic| topic.name.as_ref());
    asked.timeout_ms <= 0 && any_once(names.filter(|name| *name != CLUSTER_METADATA))
}

fn out_of_time<'a>(topic: &CreateTopicsRequestTopic<'a>) -> CreateTopicsResponseTopic<'a> {
    CreateTopicsResponseTopic {
        name: topic.name.clone(),
        error_code: ErrorCode::RequestTimedOut.code(),
        ..CreateTopicsResponseTopic::default()
    }
}

async fn create<'a>(
    router: &Rc<Router>,
    asked: &CreateTopicsRequest<'a>,
) -> Vec<CreateTopicsResponseTopic<'a>> {
    let control = ControllerRequest::CreateTopics {
        topics: asked.topics.iter().map(new_topic).collect(),
        validate_only: asked.validate_only,
    };
    let reply = router.control(control).await;
    let Ok(ControllerReply::Created(results)) = reply else {
        return asked.topics.iter().map(out_of_time).collect();
    };
    let both = asked.topics.iter().zip(&results);
    let mut topics: Vec<_> = both
        .map(|(topic, result)| answer(router, topic, result))
        .collect();
    // What was named twice is answered once; but a request that makes too much is refused item by item.
    let mut told = HashSet::new();
    topics.retain(|topic| {
        topic.error_code == ErrorCode::PolicyViolation.code() || told.insert(topic.name.clone())
    });
    topics
}

fn new_topic(topic: &CreateTopicsRequestTopic<'_>) -> NewTopic {
    NewTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: topic
            .assignments
            .iter()
            .map(|one| (one.partition_index, one.broker_ids.clone()))
            .collect(),
        configs: topic
            .configs
            .iter()
            .map(|config| {
                (
                    config.name.to_string(),
                    config.value.as_ref().map(|value| value.to_string()),
                )
            })
            .collect(),
    }
}

fn answer<'a>(
    router: &Rc<Router>,
    topic: &CreateTopicsRequestTopic<'a>,
    result: &Result<CreatedTopic, CreateTopicError>,
) -> CreateTopicsResponseTopic<'a> {
    let created = match result {
        Ok(created) => created,
        Err(error) => return failed(topic, code(error), error.to_string()),
    };
    let configs = describe_topic(&created.configs, &router.shard().settings())
        .into_iter()
        .filter(|config| config.listed)
        .map(|config| CreateTopicsResponseTopicConfig {
            name: config.name.into(),
            // As it was sent, whereas DescribeConfigs says how it was read.
            value: match created.configs.get(config.name) {
                Some(sent) => Some(sent.clone().into()),
                None => config.value.map(Into::into),
            },
            read_only: config.read_only,
            config_source: config.source.code(),
            is_sensitive: config.sensitive,
        });
    CreateTopicsResponseTopic {
        name: topic.name.clone(),
        topic_id: Uuid(created.id),
        error_code: 0,
        error_message: None,
        topic_config_error_code: 0,
        num_partitions: created.partitions,
        replication_factor: created.replication_factor,
        configs: Some(configs.collect()),
    }
}

fn failed<'a>(
    topic: &CreateTopicsRequestTopic<'a>,
    code: ErrorCode,
    message: String,
) -> CreateTopicsResponseTopic<'a> {
    CreateTopicsResponseTopic {
        name: topic.name.clone(),
        error_code: code.code(),
        error_message: Some(message.into()),
        ..CreateTopicsResponseTopic::default()
    }
}

fn code(error: &CreateTopicError) -> ErrorCode {
    match error {
        CreateTopicError::InvalidName(_) => ErrorCode::InvalidTopicException,
        CreateTopicError::DuplicateName
        | CreateTopicError::Internal
        | CreateTopicError::AssignmentAndCount(_) => ErrorCode::InvalidRequest,
        CreateTopicError::Exists(_) => ErrorCode::TopicAlreadyExists,
        CreateTopicError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        CreateTopicError::InvalidAssignment(_) => ErrorCode::InvalidReplicaAssignment,
        CreateTopicError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
        CreateTopicError::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
        CreateTopicError::TooMany(_) => ErrorCode::PolicyViolation,
    }
}
