//! DeleteTopics (KIP-4, KIP-516): by name, or by id from version 6; files and the name are free when it answers.

use std::borrow::Cow;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::delete_topics::{
    DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicsResponseTopic,
};
use protocol::primitives::Uuid;

use super::distinct::any_once;
use super::{Handled, Reply, Request, reader};
use crate::controller::{
    ControllerReply, ControllerRequest, DeleteTopicError, DeletedTopic, TopicRef,
};
use crate::router::Router;

/// Deletes what may be deleted.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DeleteTopicsRequest::decode(&mut reader(request), request.version)?;
    let responses = if router.shard().config.delete_topic_enable {
        delete(router, &asked).await
    } else {
        let code = if request.version < 3 {
            ErrorCode::InvalidRequest
        } else {
            ErrorCode::TopicDeletionDisabled
        };
        let refuse = |(name, id)| refused(name, id, code, "Topic deletion is disabled.");
        everything(&asked).map(refuse).collect()
    };
    let response = DeleteTopicsResponse {
        throttle_time_ms: 0,
        responses,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

type Item<'a> = (Option<Cow<'a, str>>, Uuid);

/// Name and id of each item of the request.
fn everything<'a>(asked: &DeleteTopicsRequest<'a>) -> impl Iterator<Item = Item<'a>> {
    let by_name = asked.topic_names.iter();
    let by_either = asked.topics.iter();
    by_name
        .map(|name| (Some(name.clone()), Uuid(0)))
        .chain(by_either.map(|topic| (topic.name.clone(), topic.topic_id)))
}

async fn delete<'a>(
    router: &Rc<Router>,
    asked: &DeleteTopicsRequest<'a>,
) -> Vec<DeleteTopicsResponseTopic<'a>> {
    let mut responses = Vec::new();
    let mut topics = Vec::new();
    for (name, id) in everything(asked) {
        match (name, id) {
            (Some(name), Uuid(0)) => topics.push(TopicRef::Name(name.into_owned())),
            (None, Uuid(id)) if id != 0 => topics.push(TopicRef::Id(id)),
            (name, id) => {
                let text = if name.is_some() {
                    "You may not specify both topic name and topic id."
                } else {
                    "Neither topic name nor id were specified."
                };
                responses.push(refused(name, id, ErrorCode::InvalidRequest, text));
            }
        }
    }
    if topics.is_empty() {
        return responses;
    }
    if asked.timeout_ms <= 0 && any_once(&topics) {
        return everything(asked).map(out_of_time).collect();
    }
    let request = ControllerRequest::DeleteTopics { topics };
    let Ok(ControllerReply::Deleted(deleted)) = router.control(request).await else {
        return everything(asked).map(out_of_time).collect();
    };
    responses.extend(deleted.into_iter().map(answer));
    responses
}

/// An item of a request that got no answer in its time; in Kafka without a text.
fn out_of_time((name, topic_id): Item<'_>) -> DeleteTopicsResponseTopic<'_> {
    DeleteTopicsResponseTopic {
        name,
        topic_id,
        error_code: ErrorCode::RequestTimedOut.code(),
        error_message: None,
    }
}

fn answer<'a>(topic: DeletedTopic) -> DeleteTopicsResponseTopic<'a> {
    let (name, id) = (topic.name.map(Cow::from), Uuid(topic.id));
    let Err(error) = topic.result else {
        return DeleteTopicsResponseTopic {
            name,
            topic_id: id,
            ..DeleteTopicsResponseTopic::default()
        };
    };
    let code = match error {
        DeleteTopicError::UnknownName => ErrorCode::UnknownTopicOrPartition,
        DeleteTopicError::UnknownId => ErrorCode::UnknownTopicId,
        DeleteTopicError::DuplicateName
        | DeleteTopicError::DuplicateId
        | DeleteTopicError::NameAndId => ErrorCode::InvalidRequest,
    };
    refused(name, id, code, &error.to_string())
}

fn refused<'a>(
    name: Option<Cow<'a, str>>,
    topic_id: Uuid,
    code: ErrorCode,
    message: &str,
) -> DeleteTopicsResponseTopic<'a> {
    DeleteTopicsResponseTopic {
        name,
        topic_id,
        error_code: code.code(),
        error_message: Some(message.to_owned().into()),
    }
}
