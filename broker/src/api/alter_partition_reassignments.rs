//! AlterPartitionReassignments (KIP-455, KIP-860): partitions stay where they were made. To ask for the replica that there is
//! changes nothing, as in Kafka; any other wish is refused.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
    AlterPartitionReassignmentsResponseTopic, AlterPartitionReassignmentsResponseTopicPartition,
};

use super::nodes::Node;
use super::{Handled, Reply, Request, reader};
use crate::controller::partitions::shards_of;
use crate::metadata::Image;
use crate::router::Router;

/// What stands for a partition: a code, and the text that goes with it.
type Refusal = (ErrorCode, Option<String>);

/// Answers partition by partition.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = AlterPartitionReassignmentsRequest::decode(&mut reader(request), request.version)?;
    let image = router.shard().image();
    let node_of = |shard| Node::of_shard(router, shard).id;
    let nothing = asked.topics.is_empty();
    let in_time = asked.timeout_ms > 0 || nothing;
    let responses = asked.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let wanted = partition.replicas.as_deref();
            let number = partition.partition_index;
            let decided = match in_time {
                true => decide(&image, node_of, (&topic.name, number), wanted),
                false => Err((ErrorCode::RequestTimedOut, None)),
            };
            let (code, text) = decided.err().unwrap_or((ErrorCode::None, None));
            AlterPartitionReassignmentsResponseTopicPartition {
                partition_index: number,
                error_code: code.code(),
                error_message: text.map(Into::into),
            }
        });
        AlterPartitionReassignmentsResponseTopic {
            name: topic.name.clone(),
            partitions: partitions.collect(),
        }
    });
    let response = AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: asked.allow_replication_factor_change
            || !in_time
            || nothing,
        error_code: match in_time {
            true => 0,
            false => ErrorCode::RequestTimedOut.code(),
        },
        // Kafka's text for nothing to do.
        error_message: nothing.then(|| "".into()),
        responses: responses.collect(),
        ..AlterPartitionReassignmentsResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// Kafka's checks in its order; without replicas a reassignment is to be given up, and none is going on.
fn decide(
    image: &Image,
    node_of: impl Fn(u32) -> i32,
    (topic, partition): (&str, i32),
    wanted: Option<&[i32]>,
) -> Result<(), Refusal> {
    let unknown = |text: String| (ErrorCode::UnknownTopicOrPartition, Some(text));
    let known = image
        .topic(topic)
        .ok_or_else(|| unknown(format!("Unable to find a topic named {topic}.")))?;
    let place = usize::try_from(partition)
        .ok()
        .and_then(|number| known.partitions.get(number))
        .ok_or_else(|| unknown(format!("Unable to find partition {topic}:{partition}.")))?;
    let wanted = wanted.ok_or((ErrorCode::NoReassignmentInProgress, None))?;
    let invalid = |text: String| (ErrorCode::InvalidReplicaAssignment, Some(text));
    shards_of(image, wanted).map_err(invalid)?;
    let own = node_of(place.shard);
    match wanted {
        [node] if *node == own => Ok(()),
        _ => Err(invalid(format!(
            "Partition {topic}:{partition} stays on broker {own}: this broker moves none."
        ))),
    }
}
