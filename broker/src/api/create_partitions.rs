//! CreatePartitions (KIP-195): answers when every new partition is in place on the shard that leads it.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsRequestTopic, CreatePartitionsResponse,
    CreatePartitionsResponseResult,
};

use super::distinct::any_once;
use super::{Handled, Reply, Request, reader};
use crate::controller::{
    ControllerReply, ControllerRequest, GrowTopic, GrowTopicError, GrownTopic,
};
use crate::router::Router;

/// Gives topics more partitions.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = CreatePartitionsRequest::decode(&mut reader(request), request.version)?;
    let names = asked.topics.iter().map(|topic| topic.name.as_ref());
    // As in Kafka the time is over before anything begins, unless the controller need not be asked.
    let results = if asked.timeout_ms <= 0 && any_once(names) {
        asked.topics.iter().map(out_of_time).collect()
    } else {
        create(router, &asked).await
    };
    let response = CreatePartitionsResponse {
        throttle_time_ms: 0,
        results,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn out_of_time<'a>(topic: &CreatePartitionsRequestTopic<'a>) -> CreatePartitionsResponseResult<'a> {
    CreatePartitionsResponseResult {
        name: topic.name.clone(),
        error_code: ErrorCode::RequestTimedOut.code(),
        error_message: None,
    }
}

async fn create<'a>(
    router: &Rc<Router>,
    asked: &CreatePartitionsRequest<'a>,
) -> Vec<CreatePartitionsResponseResult<'a>> {
    let control = ControllerRequest::CreatePartitions {
        topics: asked.topics.iter().map(grow_topic).collect(),
        validate_only: asked.validate_only,
    };
    match router.control(control).await {
        Ok(ControllerReply::Grown(topics)) => topics.into_iter().map(answer).collect(),
        _ => asked.topics.iter().map(out_of_time).collect(),
    }
}

fn grow_topic(topic: &CreatePartitionsRequestTopic<'_>) -> GrowTopic {
    let nodes = topic.assignments.as_ref().map(|assignments| {
        let nodes = assignments.iter().map(|one| one.broker_ids.clone());
        nodes.collect()
    });
    GrowTopic {
        name: topic.name.to_string(),
        count: topic.count,
        assignments: nodes,
    }
}

fn answer<'a>((name, result): GrownTopic) -> CreatePartitionsResponseResult<'a> {
    let code = match &result {
        Ok(()) => ErrorCode::None,
        Err(GrowTopicError::Unknown) => ErrorCode::UnknownTopicOrPartition,
        Err(GrowTopicError::DuplicateName) => ErrorCode::InvalidRequest,
        Err(GrowTopicError::InvalidPartitions(_)) => ErrorCode::InvalidPartitions,
        Err(GrowTopicError::InvalidAssignment(_)) => ErrorCode::InvalidReplicaAssignment,
        Err(GrowTopicError::TooMany(_)) => ErrorCode::PolicyViolation,
    };
    CreatePartitionsResponseResult {
        name: name.into(),
        error_code: code.code(),
        // Of an unknown topic Kafka says no more than the code does.
        error_message: result
            .err()
            .filter(|error| *error != GrowTopicError::Unknown)
            .map(|error| error.to_string().into()),
    }
}
