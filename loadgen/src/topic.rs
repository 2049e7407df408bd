//! A topic before a run: made if absent, who leads what, which offsets there are, which connection takes which partitions. It
//! waits for a topic just created, and retries nothing else.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use protocol::error_code::ErrorCode;
use protocol::messages::{create_topics, list_offsets, metadata};
use protocol::primitives::Reader;

use crate::client::{ClientError, Connection};

/// How long a new topic may take to have leaders.
const LEADERS_TIMEOUT: Duration = Duration::from_secs(30);
const METADATA_VERSION: i16 = 8;
const CREATE_TOPICS_VERSION: i16 = 4;
const LIST_OFFSETS_VERSION: i16 = 5;
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// Address of each partition's leader, by partition number. Creates the topic if it is absent and `create` says how.
pub fn prepare_topic(
    bootstrap: &str,
    topic: &str,
    create: Option<(Option<i32>, i16)>,
) -> Result<Vec<String>, ClientError> {
    let mut connection = Connection::connect(bootstrap)?;
    let deadline = Instant::now() + LEADERS_TIMEOUT;
    let mut created = false;
    loop {
        let number = match leaders(&mut connection, topic)? {
            Ok(leaders) => {
                if let Some((Some(expected), _)) = create
                    && leaders.len() != expected as usize
                {
                    let (topic, found) = (topic.to_owned(), leaders.len());
                    return Err(ClientError::Partitions {
                        topic,
                        expected,
                        found,
                    });
                }
                if created {
                    wait_for_leaders(&leaders, topic, deadline)?;
                }
                return Ok(leaders);
            }
            Err(number) => number,
        };
        let absent = number == ErrorCode::UnknownTopicOrPartition.code();
        match create {
            Some((partitions, replication_factor)) if absent && !created => {
                create_topic(
                    &mut connection,
                    topic,
                    partitions.unwrap_or(1),
                    replication_factor,
                )?;
                created = true;
            }
            _ => {
                let soon = number == ErrorCode::LeaderNotAvailable.code() || absent && created;
                if !soon || Instant::now() > deadline {
                    let request = format!("Metadata of topic {topic}");
                    return Err(ClientError::Refused { request, number });
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Shares partitions out: `(leader, its partitions)` for each connection, at least one a leader. With more connections than a
/// leader has partitions, several share one if `shared`; else fewer connections are made.
pub fn assign(leaders: &[String], connections: usize, shared: bool) -> Vec<(String, Vec<i32>)> {
    let mut brokers: Vec<(&String, Vec<i32>)> = Vec::new();
    for (partition, leader) in (0..).zip(leaders) {
        match brokers.iter_mut().find(|(address, _)| *address == leader) {
            Some((_, partitions)) => partitions.push(partition),
            None => brokers.push((leader, vec![partition])),
        }
    }
    let (each, more) = (
        connections / brokers.len().max(1),
        connections % brokers.len().max(1),
    );
    let mut assigned = Vec::new();
    for (number, (leader, partitions)) in brokers.into_iter().enumerate() {
        let members = (each + usize::from(number < more)).max(1);
        for member in 0..members {
            let own = partitions.iter().skip(member).step_by(members).copied();
            let own: Vec<i32> = match member < partitions.len() {
                true => own.collect(),
                false if shared => vec![partitions[member % partitions.len()]],
                false => break,
            };
            assigned.push((leader.clone(), own));
        }
    }
    assigned
}

/// First offset and end offset of one partition, asked of its leader.
pub fn offset_range(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), ClientError> {
    let mut ask = |timestamp| {
        let request = list_offsets::ListOffsetsRequest {
            replica_id: -1,
            topics: vec![list_offsets::ListOffsetsRequestTopic {
                name: Cow::Borrowed(topic),
                partitions: vec![list_offsets::ListOffsetsRequestTopicPartition {
                    partition_index: partition,
                    timestamp,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        let body =
            connection.round_trip(list_offsets::KEY, LIST_OFFSETS_VERSION, |out, version| {
                request.encode(out, version);
            })?;
        let response = list_offsets::ListOffsetsResponse::decode(
            &mut Reader::new(body),
            LIST_OFFSETS_VERSION,
        )?;
        let answer = response
            .topics
            .first()
            .and_then(|topic| topic.partitions.first());
        match answer {
            Some(answer) if answer.error_code == 0 => Ok(answer.offset),
            answer => Err(ClientError::Refused {
                request: format!("ListOffsets of {topic}-{partition}"),
                number: answer.map_or(-1, |answer| answer.error_code),
            }),
        }
    };
    Ok((ask(EARLIEST)?, ask(LATEST)?))
}

/// Waits until each leader says that it leads: metadata of a new topic may be ahead of it.
fn wait_for_leaders(leaders: &[String], topic: &str, deadline: Instant) -> Result<(), ClientError> {
    let mut connections: HashMap<&String, Connection> = HashMap::new();
    for (partition, leader) in (0..).zip(leaders) {
        let connection = match connections.entry(leader) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Connection::connect(leader)?),
        };
        loop {
            match offset_range(connection, topic, partition) {
                Ok(_) => break,
                Err(ClientError::Refused { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// The leaders' addresses, or Kafka's number that says why there are none.
fn leaders(
    connection: &mut Connection,
    topic: &str,
) -> Result<Result<Vec<String>, i16>, ClientError> {
    let request = metadata::MetadataRequest {
        topics: Some(vec![metadata::MetadataRequestTopic {
            name: Some(Cow::Borrowed(topic)),
            ..Default::default()
        }]),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let body = connection.round_trip(metadata::KEY, METADATA_VERSION, |out, version| {
        request.encode(out, version);
    })?;
    let response = metadata::MetadataResponse::decode(&mut Reader::new(body), METADATA_VERSION)?;
    let Some(found) = response.topics.first() else {
        return Ok(Err(ErrorCode::UnknownTopicOrPartition.code()));
    };
    if found.error_code != 0 {
        return Ok(Err(found.error_code));
    }
    let mut partitions: Vec<_> = found.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    let address = |node_id| {
        let broker = response
            .brokers
            .iter()
            .find(|broker| broker.node_id == node_id)?;
        Some(match broker.host.contains(':') {
            true => format!("[{}]:{}", broker.host, broker.port),
            false => format!("{}:{}", broker.host, broker.port),
        })
    };
    let dense = partitions
        .iter()
        .enumerate()
        .all(|(at, partition)| partition.partition_index as usize == at);
    let leaders: Option<Vec<_>> = partitions
        .iter()
        .map(|partition| address(partition.leader_id))
        .collect();
    match leaders {
        Some(leaders) if dense && !leaders.is_empty() => Ok(Ok(leaders)),
        _ => Ok(Err(ErrorCode::LeaderNotAvailable.code())),
    }
}

fn create_topic(
    connection: &mut Connection,
    topic: &str,
    num_partitions: i32,
    replication_factor: i16,
) -> Result<(), ClientError> {
    let request = create_topics::CreateTopicsRequest {
        topics: vec![create_topics::CreateTopicsRequestTopic {
            name: Cow::Borrowed(topic),
            num_partitions,
            replication_factor,
            ..Default::default()
        }],
        timeout_ms: 30_000,
        validate_only: false,
    };
    let body =
        connection.round_trip(create_topics::KEY, CREATE_TOPICS_VERSION, |out, version| {
            request.encode(out, version);
        })?;
    let response =
        create_topics::CreateTopicsResponse::decode(&mut Reader::new(body), CREATE_TOPICS_VERSION)?;
    let number = response.topics.first().map_or(-1, |topic| topic.error_code);
    if number == 0 || number == ErrorCode::TopicAlreadyExists.code() {
        return Ok(());
    }
    let request = format!("CreateTopics of {topic}");
    Err(ClientError::Refused { request, number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(leaders: &[&str], connections: usize, shared: bool) -> Vec<(String, Vec<i32>)> {
        let leaders: Vec<_> = leaders.iter().map(|&leader| leader.to_owned()).collect();
        assign(&leaders, connections, shared)
    }

    #[test]
    fn each_partition_goes_to_a_connection_of_its_leader() {
        let expected = [("a", vec![0, 4]), ("a", vec![2]), ("b", vec![1, 3])];
        let expected = expected
            .map(|(leader, own)| (leader.to_owned(), own))
            .to_vec();
        assert_eq!(partitions(&["a", "b", "a", "b", "a"], 3, true), expected);
        // At least one connection a leader, even if fewer are asked for.
        assert_eq!(partitions(&["a", "b", "c"], 1, true).len(), 3);
    }

    #[test]
    fn connections_beyond_the_partitions_share_or_are_not_made() {
        let shared: Vec<_> = partitions(&["a", "a"], 5, true)
            .into_iter()
            .map(|(_, own)| own)
            .collect();
        assert_eq!(shared, [vec![0], vec![1], vec![0], vec![1], vec![0]]);
        assert_eq!(partitions(&["a", "a"], 5, false).len(), 2);
    }
}
