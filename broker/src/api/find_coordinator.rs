//! FindCoordinator (KIP-98, KIP-699): which node keeps the state of a group. There are no transactions yet, so no coordinator
//! of any either; clients ask again. As in Kafka the first question makes the internal topic that the coordinators keep
//! their state in.

use std::borrow::Cow;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse, FindCoordinatorResponseCoordinator,
};

use super::nodes::Node;
use super::{Handled, INVALID_REQUEST, Reply, Request, reader};
use crate::config::Config;
use crate::controller::{ControllerRequest, NewTopic};
use crate::coordinator::GROUP_TOPIC;
use crate::router::Router;

/// Key types: groups, transactional ids, partitions of share groups (from version 6).
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;
const SHARE_FROM: i16 = 6;
/// Version from which several keys may be asked for.
const SEVERAL: i16 = 4;

/// Segments of the internal topics, as in Kafka (`offsets.topic.segment.bytes`): small, as they are compacted.
const STATE_SEGMENT_BYTES: &str = "104857600";

/// Answers key by key.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let mut asked = FindCoordinatorRequest::decode(&mut reader(request), request.version)?;
    if let Some(topic) = state_topic(asked.key_type, &router.shard().config) {
        create_if_absent(router, topic).await;
    }
    let mut response = FindCoordinatorResponse::default();
    if request.version >= SEVERAL {
        let keys = std::mem::take(&mut asked.coordinator_keys);
        let keys = keys.into_iter();
        response.coordinators = keys
            .map(|key| of_several(router, asked.key_type, key, request.version))
            .collect();
    } else {
        let found = find(router, asked.key_type, &asked.key, request.version);
        let (code, text) = match &found {
            // Kafka's text for no error.
            Ok(_) => (ErrorCode::None, "NONE"),
            Err(code) => (*code, text(*code)),
        };
        let node = found.unwrap_or_default();
        response.error_code = code.code();
        response.error_message = Some(text.into());
        response.node_id = node.id;
        response.host = node.host.into();
        response.port = node.port;
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn of_several<'a>(
    router: &Router,
    key_type: i8,
    key: Cow<'a, str>,
    version: i16,
) -> FindCoordinatorResponseCoordinator<'a> {
    let found = find(router, key_type, &key, version);
    let code = found.as_ref().err().copied().unwrap_or(ErrorCode::None);
    let node = found.unwrap_or_default();
    // In a batch Kafka has a text only for types that it does not know at all.
    let message = match (GROUP..=SHARE).contains(&key_type) {
        true => "",
        false => text(code),
    };
    FindCoordinatorResponseCoordinator {
        key,
        node_id: node.id,
        host: node.host.into(),
        port: node.port,
        error_code: code.code(),
        error_message: Some(message.into()),
    }
}

fn text(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidRequest => INVALID_REQUEST,
        _ => "The coordinator is not available.",
    }
}

fn find(router: &Router, key_type: i8, key: &str, version: i16) -> Result<Node, ErrorCode> {
    match key_type {
        GROUP => match router.group_coordinator(key) {
            Some(shard) => Ok(Node::of_shard(router, shard)),
            None => Err(ErrorCode::CoordinatorNotAvailable),
        },
        TRANSACTION => Err(ErrorCode::CoordinatorNotAvailable),
        SHARE if version >= SHARE_FROM && is_share_key(key) => {
            Err(ErrorCode::CoordinatorNotAvailable)
        }
        _ => Err(ErrorCode::InvalidRequest),
    }
}

/// Whether a key names a group, a topic id in base64 and a partition: `group:id:0`.
fn is_share_key(key: &str) -> bool {
    let parts: Vec<&str> = key.split(':').collect();
    let [group, topic_id, partition] = parts[..] else {
        return false;
    };
    let in_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !group.trim().is_empty()
        && topic_id.len() == 22
        && topic_id.chars().all(in_id)
        && partition.parse::<i32>().is_ok_and(|number| number >= 0)
}

/// The topic of the coordinators of this key type, with Kafka's settings.
fn state_topic(key_type: i8, config: &Config) -> Option<NewTopic> {
    let (name, partitions, compression) = match key_type {
        GROUP => (GROUP_TOPIC, config.offsets_topic_partitions, "producer"),
        TRANSACTION => (
            "__transaction_state",
            config.transaction_topic_partitions,
            "uncompressed",
        ),
        _ => return None,
    };
    let configs = [
        ("cleanup.policy", "compact"),
        ("compression.type", compression),
        ("segment.bytes", STATE_SEGMENT_BYTES),
    ];
    Some(NewTopic {
        name: name.to_owned(),
        partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
        // As many replicas as there are machines for: one.
        replication_factor: 1,
        configs: configs
            .map(|(name, value)| (name.to_owned(), Some(value.to_owned())))
            .into(),
        ..NewTopic::default()
    })
}

async fn create_if_absent(router: &Rc<Router>, topic: NewTopic) {
    if router.shard().image().topic(&topic.name).is_some() {
        return;
    }
    let request = ControllerRequest::CreateTopics {
        topics: vec![topic],
        validate_only: false,
    };
    if let Err(error) = router.control(request).await {
        tracing::warn!(%error, "an internal topic could not be created");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::topic::TopicConfig;
    use crate::controller::config_map;
    use crate::metadata::is_internal;

    #[test]
    fn the_topics_of_the_coordinators_are_internal_and_their_settings_legal() {
        let config = Config::default();
        for key_type in [0, 1] {
            let topic = state_topic(key_type, &config).expect("a coordinator keeps state");
            assert!(is_internal(&topic.name));
            assert_eq!(topic.partitions, 50);
            TopicConfig::from_overrides(&config_map(&topic.configs), &config).expect("legal");
        }
        for key_type in [-1, 2, 3] {
            assert!(state_topic(key_type, &config).is_none());
        }
    }

    #[test]
    fn share_keys_have_three_parts() {
        assert!(is_share_key("group:AAAAAAAAAAAAAAAAAAAAAg:0"));
        for key in [
            "group",
            "group:AAAAAAAAAAAAAAAAAAAAAg",
            "group:short:0",
            "group:AAAAAAAAAAAAAAAAAAAAAg:x",
            "group:AAAAAAAAAAAAAAAAAAAAAg:-1",
            ":AAAAAAAAAAAAAAAAAAAAAg:0",
        ] {
            assert!(!is_share_key(key), "{key}");
        }
    }
}
