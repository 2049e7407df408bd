//! FindCoordinator: there are no consumer groups or transactions yet, so no coordinator either; clients ask again. As in
//! Kafka the first question makes the internal topic that the coordinators will keep their state in.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse, FindCoordinatorResponseCoordinator,
};

use super::{Handled, Reply, Request, reader};
use crate::config::Config;
use crate::controller::{ControllerRequest, NewTopic};
use crate::router::Router;

/// Key types that can have a coordinator in these versions: 0 group, 1 transactional id.
const COORDINATED: std::ops::RangeInclusive<i8> = 0..=1;
/// Key type of share partitions, known from version 6 on.
const SHARE: i8 = 2;

/// Segments of the internal topics, as in Kafka (`offsets.topic.segment.bytes`): small, as they are compacted.
const STATE_SEGMENT_BYTES: &str = "104857600";

/// Answers that no coordinator is available.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = FindCoordinatorRequest::decode(&mut reader(request), request.version)?;
    if let Some(topic) = state_topic(asked.key_type, &router.shard().config) {
        create_if_absent(router, topic).await;
    }
    let (error, message) = if COORDINATED.contains(&asked.key_type) {
        (
            ErrorCode::CoordinatorNotAvailable,
            "The coordinator is not available.",
        )
    } else {
        (ErrorCode::InvalidRequest, "Unknown coordinator key type.")
    };
    // In a batch Kafka has a text only for types that it does not know at all.
    let known = COORDINATED.contains(&asked.key_type) || asked.key_type == SHARE;
    let message_of_key = if known { "" } else { message };
    let mut response = FindCoordinatorResponse {
        error_code: error.code(),
        error_message: Some(message.into()),
        node_id: -1,
        port: -1,
        ..FindCoordinatorResponse::default()
    };
    response.coordinators = asked
        .coordinator_keys
        .iter()
        .map(|key| FindCoordinatorResponseCoordinator {
            key: key.clone(),
            node_id: -1,
            host: "".into(),
            port: -1,
            error_code: error.code(),
            error_message: Some(message_of_key.into()),
        })
        .collect();
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// The topic of the coordinators of this key type, with Kafka's settings.
fn state_topic(key_type: i8, config: &Config) -> Option<NewTopic> {
    let (name, partitions, compression) = match key_type {
        0 => (
            "__consumer_offsets",
            config.offsets_topic_partitions,
            "producer",
        ),
        1 => (
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
}
