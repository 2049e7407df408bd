//! ElectLeaders (KIP-183, KIP-460): every partition is led by its only replica, so that no election is ever needed.

use std::borrow::Cow;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersRequestTopic, ElectLeadersResponse, ElectLeadersResponseTopic,
    ElectLeadersResponseTopicPartition,
};

use super::{Handled, Reply, Request, reader};
use crate::metadata::Image;
use crate::router::Router;

/// Preferred and unclean elections.
const TYPES: std::ops::RangeInclusive<i8> = 0..=1;

/// What stands for a partition, and the text that goes with it.
type Told = (ErrorCode, Option<Cow<'static, str>>);

/// Answers partition by partition; without any named, with all topics and none of their partitions.
pub fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = ElectLeadersRequest::decode(&mut reader(request), request.version)?;
    let image = router.shard().image();
    let response = match (&asked.topic_partitions, refusal(&asked)) {
        (Some(topics), _) if topics.is_empty() => ElectLeadersResponse::default(),
        (topics, Some(refusal)) => ElectLeadersResponse {
            error_code: refusal.0.code(),
            ..told(topics.as_deref().unwrap_or_default(), |_, _| {
                refusal.clone()
            })
        },
        (Some(topics), None) => told(topics, |topic, partition| elected(&image, topic, partition)),
        (None, None) => nothing_to_do(&image),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// Why the whole request is refused, if it is: as in Kafka the time is over before anything begins.
fn refusal(asked: &ElectLeadersRequest<'_>) -> Option<Told> {
    if asked.timeout_ms <= 0 {
        return Some((ErrorCode::RequestTimedOut, None));
    }
    let text = format!("Unknown election type {}", asked.election_type);
    let known = TYPES.contains(&asked.election_type);
    (!known).then_some((ErrorCode::InvalidRequest, Some(text.into())))
}

fn told<'a>(
    topics: &[ElectLeadersRequestTopic<'a>],
    of: impl Fn(&str, i32) -> Told,
) -> ElectLeadersResponse<'a> {
    let results = topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let (code, text) = of(&topic.topic, *partition);
            ElectLeadersResponseTopicPartition {
                partition_id: *partition,
                error_code: code.code(),
                error_message: text,
            }
        });
        ElectLeadersResponseTopic {
            topic: topic.topic.clone(),
            partition_result: partitions.collect(),
        }
    });
    ElectLeadersResponse {
        replica_election_results: results.collect(),
        ..ElectLeadersResponse::default()
    }
}

fn nothing_to_do<'a>(image: &Image) -> ElectLeadersResponse<'a> {
    let results = image.topics.keys().map(|name| ElectLeadersResponseTopic {
        topic: name.to_string().into(),
        partition_result: Vec::new(),
    });
    ElectLeadersResponse {
        replica_election_results: results.collect(),
        ..ElectLeadersResponse::default()
    }
}

fn elected(image: &Image, topic: &str, partition: i32) -> Told {
    let unknown = |text: String| (ErrorCode::UnknownTopicOrPartition, Some(text.into()));
    let Some(known) = image.topic(topic) else {
        return unknown(format!("No such topic as {topic}"));
    };
    match usize::try_from(partition) {
        Ok(number) if number < known.partitions.len() => {
            let text = "Leader election not needed for topic partition.";
            (ErrorCode::ElectionNotNeeded, Some(text.into()))
        }
        _ => unknown(format!("No such partition as {topic}-{partition}")),
    }
}
