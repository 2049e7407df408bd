//! DeleteTopics (KIP-4, KIP-516): by name, or by id from version 6; files and the name are free when it answers.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::delete_topics::{
    DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicsResponseTopic,
};
use protocol::primitives::Uuid;

use super::{Handled, Reply, Request, reader};
use crate::controller::{ControllerReply, ControllerRequest, DeleteTopicError, TopicRef};
use crate::router::Router;

/// Deletes what may be deleted.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DeleteTopicsRequest::decode(&mut reader(request), request.version)?;
    let mut responses: Vec<DeleteTopicsResponseTopic<'_>> = Vec::new();
    let mut wanted = Vec::new();
    let by_name = asked
        .topic_names
        .iter()
        .map(|name| (Some(name.clone()), Uuid(0)));
    let by_either = asked
        .topics
        .iter()
        .map(|topic| (topic.name.clone(), topic.topic_id));
    for (name, topic_id) in by_name.chain(by_either) {
        let mut response = DeleteTopicsResponseTopic {
            name: name.clone(),
            topic_id,
            ..DeleteTopicsResponseTopic::default()
        };
        match (name, topic_id) {
            (Some(name), Uuid(0)) => {
                wanted.push((responses.len(), TopicRef::Name(name.to_string())))
            }
            (None, Uuid(id)) if id != 0 => wanted.push((responses.len(), TopicRef::Id(id))),
            (Some(_), _) => refuse(
                &mut response,
                ErrorCode::InvalidRequest,
                "You may not specify both topic name and topic id.",
            ),
            (None, _) => refuse(
                &mut response,
                ErrorCode::InvalidRequest,
                "Neither topic name nor id were specified.",
            ),
        }
        responses.push(response);
    }
    if router.shard().config.delete_topic_enable {
        delete(router, &wanted, &mut responses).await;
    } else {
        let code = if request.version < 3 {
            ErrorCode::InvalidRequest
        } else {
            ErrorCode::TopicDeletionDisabled
        };
        responses
            .iter_mut()
            .for_each(|response| refuse(response, code, "Topic deletion is disabled."));
    }
    let response = DeleteTopicsResponse {
        throttle_time_ms: 0,
        responses,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

async fn delete(
    router: &Rc<Router>,
    wanted: &[(usize, TopicRef)],
    responses: &mut [DeleteTopicsResponseTopic<'_>],
) {
    let topics = wanted.iter().map(|(_, topic)| topic.clone()).collect();
    let reply = router
        .control(ControllerRequest::DeleteTopics { topics })
        .await;
    let Ok(ControllerReply::Deleted(results)) = reply else {
        for (place, _) in wanted {
            refuse(
                &mut responses[*place],
                ErrorCode::RequestTimedOut,
                "The controller did not answer.",
            );
        }
        return;
    };
    for ((place, _), result) in wanted.iter().zip(results) {
        let response = &mut responses[*place];
        match result {
            Ok((name, id)) => {
                response.name = Some(name.into());
                response.topic_id = Uuid(id);
            }
            Err(error) => {
                let code = match error {
                    DeleteTopicError::UnknownName => ErrorCode::UnknownTopicOrPartition,
                    DeleteTopicError::UnknownId => ErrorCode::UnknownTopicId,
                    DeleteTopicError::Duplicate => ErrorCode::InvalidRequest,
                };
                response.error_code = code.code();
                response.error_message = Some(error.to_string().into());
            }
        }
    }
}

fn refuse(response: &mut DeleteTopicsResponseTopic<'_>, code: ErrorCode, message: &'static str) {
    response.error_code = code.code();
    response.error_message = Some(message.into());
}
