//! DescribeQuorum (KIP-595, KIP-836, KIP-853): who keeps the log of the cluster's metadata, and how far it is. Follows Kafka's
//! `KafkaRaftClient.handleDescribeQuorumRequest`.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumRequestTopic, DescribeQuorumResponse,
    DescribeQuorumResponseNode, DescribeQuorumResponseNodeListener, DescribeQuorumResponseTopic,
    DescribeQuorumResponseTopicPartition, DescribeQuorumResponseTopicPartitionVoter,
};

use super::nodes::Node;
use super::{Handled, Reply, Request, reader};
use crate::router::Router;
use crate::shard::ControllerQuorum;

/// What Kafka calls that log.
const METADATA_TOPIC: &str = "__cluster_metadata";
/// Name of the listener by which its keeper is reached: it has none of its own.
const LISTENER: &str = "PLAINTEXT";

/// A refusal, and Kafka's words for it.
type Refusal = (ErrorCode, &'static str);
const UNKNOWN: Refusal = (
    ErrorCode::UnknownTopicOrPartition,
    "This server does not host this topic-partition.",
);
const NOT_LEADER: Refusal = (
    ErrorCode::NotLeaderOrFollower,
    "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.",
);

/// Answers for the one partition of the metadata log; whoever asks for anything else, or for more, gets nothing of it.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeQuorumRequest::decode(&mut reader(request), request.version)?;
    let response = match is_metadata(&asked.topics) {
        false => refused(&asked.topics, UNKNOWN),
        true => match router.controller_quorum().await {
            None => refused(&asked.topics, NOT_LEADER),
            Some(quorum) => told(
                &quorum,
                Node::of_shard(router, 0),
                router.shard().io.clock.wall_ms(),
            ),
        },
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn is_metadata(topics: &[DescribeQuorumRequestTopic<'_>]) -> bool {
    let [topic] = topics else { return false };
    let partitions = topic.partitions.as_slice();
    topic.topic_name == METADATA_TOPIC
        && matches!(partitions, [partition] if partition.partition_index == 0)
}

fn refused<'a>(
    topics: &[DescribeQuorumRequestTopic<'a>],
    (code, text): Refusal,
) -> DescribeQuorumResponse<'a> {
    let topics = topics.iter().map(|topic| {
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|partition| DescribeQuorumResponseTopicPartition {
            partition_index: partition.partition_index,
            error_code: code.code(),
            error_message: Some(text.into()),
            ..DescribeQuorumResponseTopicPartition::default()
        });
        DescribeQuorumResponseTopic {
            topic_name: topic.topic_name.clone(),
            partitions: partitions.collect(),
        }
    });
    response(topics.collect(), Vec::new())
}

/// Refusals are told partition by partition: of the whole there is an empty text, as in Kafka.
fn response<'a>(
    topics: Vec<DescribeQuorumResponseTopic<'a>>,
    nodes: Vec<DescribeQuorumResponseNode<'a>>,
) -> DescribeQuorumResponse<'a> {
    DescribeQuorumResponse {
        error_message: Some("".into()),
        topics,
        nodes,
        ..DescribeQuorumResponse::default()
    }
}

/// The lone voter leads and has caught up with itself just now.
fn told<'a>(quorum: &ControllerQuorum, node: Node, now_ms: i64) -> DescribeQuorumResponse<'a> {
    let voter = DescribeQuorumResponseTopicPartitionVoter {
        replica_id: node.id,
        log_end_offset: quorum.log_end_offset,
        last_fetch_timestamp: now_ms,
        last_caught_up_timestamp: now_ms,
        ..DescribeQuorumResponseTopicPartitionVoter::default()
    };
    let partition = DescribeQuorumResponseTopicPartition {
        error_message: None,
        leader_id: node.id,
        leader_epoch: quorum.leader_epoch,
        high_watermark: quorum.high_watermark,
        current_voters: vec![voter],
        ..DescribeQuorumResponseTopicPartition::default()
    };
    let topic = DescribeQuorumResponseTopic {
        topic_name: METADATA_TOPIC.into(),
        partitions: vec![partition],
    };
    let listener = DescribeQuorumResponseNodeListener {
        name: LISTENER.into(),
        host: node.host.into(),
        // Unsigned on the wire.
        port: node.port as i16,
    };
    let node = DescribeQuorumResponseNode {
        node_id: node.id,
        listeners: vec![listener],
    };
    response(vec![topic], vec![node])
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::messages::describe_quorum::DescribeQuorumRequestTopicPartition;

    fn asked(topics: &[(&'static str, &[i32])]) -> Vec<DescribeQuorumRequestTopic<'static>> {
        let topic = |(name, partitions): &(&'static str, &[i32])| DescribeQuorumRequestTopic {
            topic_name: (*name).into(),
            partitions: partitions
                .iter()
                .map(|&partition_index| DescribeQuorumRequestTopicPartition { partition_index })
                .collect(),
        };
        topics.iter().map(topic).collect()
    }

    #[test]
    fn only_the_metadata_log_has_a_quorum_to_tell_of() {
        assert!(is_metadata(&asked(&[(METADATA_TOPIC, &[0])])));
        for other in [
            &[][..],
            &[(METADATA_TOPIC, &[][..])],
            &[(METADATA_TOPIC, &[1])],
            &[(METADATA_TOPIC, &[0, 0])],
            &[(METADATA_TOPIC, &[0]), ("t", &[0])],
            &[("t", &[0])],
        ] {
            assert!(!is_metadata(&asked(other)), "{other:?}");
        }
    }

    #[test]
    fn its_lone_voter_leads() {
        let quorum = ControllerQuorum {
            leader_epoch: 3,
            high_watermark: 41,
            log_end_offset: 42,
        };
        let node = Node {
            id: 1,
            host: "h".to_owned(),
            port: 60_000,
        };
        let answer = told(&quorum, node, 1000);
        let partition = &answer.topics[0].partitions[0];
        assert_eq!((partition.leader_id, partition.leader_epoch), (1, 3));
        assert_eq!((partition.error_code, partition.high_watermark), (0, 41));
        let voter = &partition.current_voters[0];
        assert_eq!((voter.replica_id, voter.log_end_offset), (1, 42));
        assert_eq!(voter.last_caught_up_timestamp, 1000);
        assert_eq!(answer.nodes[0].listeners[0].port as u16, 60_000);
    }
}
