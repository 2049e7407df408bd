//! Topics before a run: made if absent, who leads what, their offsets and configs; which connection takes which partitions. It
//! waits for topics just created, and retries nothing else.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use protocol::error_code::ErrorCode;
use protocol::messages::{
    create_topics, delete_topics, describe_configs, init_producer_id, list_offsets, metadata,
};
use protocol::primitives::Reader;

use super::kafka::{ClientError, Connection};

/// How long new topics may take to have leaders.
const LEADERS_TIMEOUT: Duration = Duration::from_secs(60);
/// Topics created by one request.
const CREATE_TOPICS_MAX: usize = 100;
const METADATA_VERSION: i16 = 8;
const CREATE_TOPICS_VERSION: i16 = 4;
const DELETE_TOPICS_VERSION: i16 = 3;
const LIST_OFFSETS_VERSION: i16 = 5;
const DESCRIBE_CONFIGS_VERSION: i16 = 2;
const INIT_PRODUCER_ID_VERSION: i16 = 1;
const RESOURCE_TOPIC: i8 = 2;
/// Topic configs that move figures; asked for by name, since some are told only then.
const CONFIGS: &[&str] = &[
    "cleanup.policy",
    "compression.type",
    "flush.messages",
    "flush.ms",
    "max.message.bytes",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "write.caching",
];
/// Of ListOffsets.
pub const EARLIEST: i64 = -2;
/// Of ListOffsets.
pub const LATEST: i64 = -1;

/// How topics are made if they are absent.
#[derive(Debug, Clone)]
pub struct NewTopics {
    /// `None`: one, and a topic that exists may have any number.
    pub partitions: Option<i32>,
    /// -1: the broker's default.
    pub replication_factor: i16,
    /// Names and values.
    pub configs: Vec<(String, String)>,
}

/// A topic and who leads its partitions.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Host and port of each partition's leader.
    pub leaders: Vec<String>,
}

/// A partition of one of a run's topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Index of the topic.
    pub topic: u32,
    /// Number of the partition.
    pub partition: i32,
}

/// The topics of a run.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Where the rest was learnt.
    pub bootstrap: String,
    /// In the order of their names as given.
    pub topics: Vec<Topic>,
}

impl Cluster {
    /// Looks the topics up, creates those that are absent if `create` says how, and waits until each partition has a leader that
    /// serves.
    pub fn prepare(
        bootstrap: &str,
        names: &[String],
        create: Option<&NewTopics>,
    ) -> Result<Self, ClientError> {
        let mut connection = Connection::connect(bootstrap)?;
        let deadline = Instant::now() + LEADERS_TIMEOUT;
        let mut created = false;
        loop {
            let mut found = look_up(&mut connection, names)?;
            let absent: Vec<_> = found
                .iter()
                .filter(|(_, found)| matches!(found, Err(number) if *number == ErrorCode::UnknownTopicOrPartition.code()))
                .map(|(name, _)| name.clone())
                .collect();
            if let (Some(create), false) = (create, absent.is_empty() || created) {
                for names in absent.chunks(CREATE_TOPICS_MAX) {
                    create_topics(&mut connection, names, create)?;
                }
                created = true;
                continue;
            }
            let waiting = found.iter().find_map(|(name, found)| {
                let number = *found.as_ref().err()?;
                Some((name.clone(), number))
            });
            let Some((name, number)) = waiting else {
                let topics = found.drain(..).filter_map(|(name, leaders)| {
                    let leaders = leaders.ok()?;
                    Some(Topic { name, leaders })
                });
                let cluster = Self {
                    bootstrap: bootstrap.to_owned(),
                    topics: topics.collect(),
                };
                cluster.check_partitions(create)?;
                if created {
                    cluster.wait_until_served(deadline)?;
                }
                return Ok(cluster);
            };
            let soon = number == ErrorCode::LeaderNotAvailable.code() || created;
            if !soon || Instant::now() > deadline {
                let request = format!("Metadata of topic {name}");
                return Err(ClientError::Refused { request, number });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Every partition.
    pub fn places(&self) -> Vec<Place> {
        let places = (0..).zip(&self.topics).flat_map(|(topic, found)| {
            let partitions = 0..found.leaders.len() as i32;
            partitions.map(move |partition| Place { topic, partition })
        });
        places.collect()
    }

    /// Host and port of a partition's leader.
    pub fn leader(&self, place: Place) -> &str {
        &self.topics[place.topic as usize].leaders[place.partition as usize]
    }

    /// The topic's name.
    pub fn topic(&self, place: Place) -> &str {
        &self.topics[place.topic as usize].name
    }

    /// Shares partitions out: `(leader, its partitions)` for each connection, at least one a leader. With more connections than
    /// a leader has partitions, several share one if `shared`; else fewer connections are made.
    pub fn assign(&self, connections: usize, shared: bool) -> Vec<(String, Vec<Place>)> {
        let mut brokers: Vec<(&str, Vec<Place>)> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        for place in self.places() {
            let leader = self.leader(place);
            let at = *index.entry(leader).or_insert_with(|| {
                brokers.push((leader, Vec::new()));
                brokers.len() - 1
            });
            brokers[at].1.push(place);
        }
        let (each, more) = (
            connections / brokers.len().max(1),
            connections % brokers.len().max(1),
        );
        let mut assigned = Vec::new();
        for (number, (leader, places)) in brokers.into_iter().enumerate() {
            let members = (each + usize::from(number < more)).max(1);
            for member in 0..members {
                let own = places.iter().skip(member).step_by(members).copied();
                let own: Vec<Place> = match member < places.len() {
                    true => own.collect(),
                    false if shared => vec![places[member % places.len()]],
                    false => break,
                };
                assigned.push((leader.to_owned(), own));
            }
        }
        assigned
    }

    /// For each of `places` the offset at a timestamp, or [`EARLIEST`] or [`LATEST`], asked of its leader.
    pub fn offsets(
        &self,
        places: &[Place],
        timestamp: i64,
    ) -> Result<BTreeMap<Place, i64>, ClientError> {
        let mut by_leader: HashMap<&str, Vec<Place>> = HashMap::new();
        for &place in places {
            by_leader.entry(self.leader(place)).or_default().push(place);
        }
        let mut offsets = BTreeMap::new();
        for (leader, places) in by_leader {
            let mut connection = Connection::connect(leader)?;
            for places in places.chunks(1000) {
                self.list_offsets(&mut connection, places, timestamp, &mut offsets)?;
            }
        }
        Ok(offsets)
    }

    fn list_offsets(
        &self,
        connection: &mut Connection,
        places: &[Place],
        timestamp: i64,
        into: &mut BTreeMap<Place, i64>,
    ) -> Result<(), ClientError> {
        let mut topics: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for place in places {
            let partition = list_offsets::ListOffsetsRequestTopicPartition {
                partition_index: place.partition,
                timestamp,
                ..Default::default()
            };
            topics.entry(place.topic).or_default().push(partition);
        }
        let request = list_offsets::ListOffsetsRequest {
            replica_id: -1,
            topics: topics
                .into_iter()
                .map(
                    |(topic, partitions)| list_offsets::ListOffsetsRequestTopic {
                        name: Cow::Borrowed(&self.topics[topic as usize].name),
                        partitions,
                    },
                )
                .collect(),
            ..Default::default()
        };
        let version = LIST_OFFSETS_VERSION;
        let body = connection.round_trip(list_offsets::KEY, version, |out, version| {
            request.encode(out, version);
        })?;
        let response = list_offsets::ListOffsetsResponse::decode(&mut Reader::new(body), version)?;
        for answered in &response.topics {
            let named = self
                .topics
                .iter()
                .position(|topic| topic.name == answered.name);
            for answer in &answered.partitions {
                let partition = answer.partition_index;
                if answer.error_code != 0 {
                    return Err(ClientError::Refused {
                        request: format!("ListOffsets of {}-{partition}", answered.name),
                        number: answer.error_code,
                    });
                }
                if let Some(topic) = named {
                    let topic = topic as u32;
                    into.insert(Place { topic, partition }, answer.offset);
                }
            }
        }
        match places.iter().find(|place| !into.contains_key(place)) {
            None => Ok(()),
            Some(&place) => Err(ClientError::Refused {
                request: format!("ListOffsets of {}-{}", self.topic(place), place.partition),
                number: ErrorCode::UnknownTopicOrPartition.code(),
            }),
        }
    }

    fn check_partitions(&self, create: Option<&NewTopics>) -> Result<(), ClientError> {
        let Some(expected) = create.and_then(|create| create.partitions) else {
            return Ok(());
        };
        let other = |topic: &&Topic| topic.leaders.len() != expected as usize;
        match self.topics.iter().find(other) {
            None => Ok(()),
            Some(topic) => Err(ClientError::Partitions {
                topic: topic.name.clone(),
                expected,
                found: topic.leaders.len(),
            }),
        }
    }

    /// Waits until each leader says that it leads: metadata of a new topic may be ahead of it.
    fn wait_until_served(&self, deadline: Instant) -> Result<(), ClientError> {
        let places = self.places();
        loop {
            match self.offsets(&places, LATEST) {
                Ok(_) => return Ok(()),
                Err(ClientError::Refused { .. }) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The first topic's configs, by name; empty if the broker does not tell.
    pub fn configs(&self) -> BTreeMap<String, String> {
        let ask = || -> Result<BTreeMap<String, String>, ClientError> {
            let mut connection = Connection::connect(&self.bootstrap)?;
            let request = describe_configs::DescribeConfigsRequest {
                resources: vec![describe_configs::DescribeConfigsRequestResource {
                    resource_type: RESOURCE_TOPIC,
                    resource_name: Cow::Borrowed(&self.topics[0].name),
                    configuration_keys: Some(
                        CONFIGS.iter().map(|&name| Cow::Borrowed(name)).collect(),
                    ),
                }],
                ..Default::default()
            };
            let version = DESCRIBE_CONFIGS_VERSION;
            let body = connection.round_trip(describe_configs::KEY, version, |out, version| {
                request.encode(out, version);
            })?;
            let response =
                describe_configs::DescribeConfigsResponse::decode(&mut Reader::new(body), version)?;
            let configs = response.results.iter().flat_map(|result| &result.configs);
            let told = configs.filter_map(|config| {
                let value = config.value.as_ref()?;
                Some((config.name.clone().into_owned(), value.clone().into_owned()))
            });
            Ok(told.collect())
        };
        ask().unwrap_or_default()
    }
}

/// A new producer id and its epoch.
pub fn init_producer_id(bootstrap: &str) -> Result<(i64, i16), ClientError> {
    let mut connection = Connection::connect(bootstrap)?;
    let request = init_producer_id::InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
    };
    let version = INIT_PRODUCER_ID_VERSION;
    let body = connection.round_trip(init_producer_id::KEY, version, |out, version| {
        request.encode(out, version);
    })?;
    let response =
        init_producer_id::InitProducerIdResponse::decode(&mut Reader::new(body), version)?;
    match response.error_code {
        0 => Ok((response.producer_id, response.producer_epoch)),
        number => Err(ClientError::Refused {
            request: "InitProducerId".to_owned(),
            number,
        }),
    }
}

/// Creates topics; those that exist already are no error.
pub fn create_topics(
    connection: &mut Connection,
    names: &[String],
    new: &NewTopics,
) -> Result<(), ClientError> {
    let configs =
        new.configs.iter().map(
            |(name, value)| create_topics::CreateTopicsRequestTopicConfig {
                name: Cow::Borrowed(name.as_str()),
                value: Some(Cow::Borrowed(value.as_str())),
            },
        );
    let configs: Vec<_> = configs.collect();
    let topics = names
        .iter()
        .map(|name| create_topics::CreateTopicsRequestTopic {
            name: Cow::Borrowed(name.as_str()),
            num_partitions: new.partitions.unwrap_or(1),
            replication_factor: new.replication_factor,
            configs: configs.clone(),
            ..Default::default()
        });
    let request = create_topics::CreateTopicsRequest {
        topics: topics.collect(),
        timeout_ms: 30_000,
        validate_only: false,
    };
    let version = CREATE_TOPICS_VERSION;
    let body = connection.round_trip(create_topics::KEY, version, |out, version| {
        request.encode(out, version);
    })?;
    let response = create_topics::CreateTopicsResponse::decode(&mut Reader::new(body), version)?;
    let refused = response.topics.iter().find(|topic| {
        topic.error_code != 0 && topic.error_code != ErrorCode::TopicAlreadyExists.code()
    });
    match refused {
        None => Ok(()),
        Some(topic) => Err(ClientError::Refused {
            request: format!("CreateTopics of {}", topic.name),
            number: topic.error_code,
        }),
    }
}

/// Deletes topics.
pub fn delete_topics(connection: &mut Connection, names: &[String]) -> Result<(), ClientError> {
    let request = delete_topics::DeleteTopicsRequest {
        topic_names: names
            .iter()
            .map(|name| Cow::Borrowed(name.as_str()))
            .collect(),
        timeout_ms: 30_000,
        ..Default::default()
    };
    let version = DELETE_TOPICS_VERSION;
    let body = connection.round_trip(delete_topics::KEY, version, |out, version| {
        request.encode(out, version);
    })?;
    let response = delete_topics::DeleteTopicsResponse::decode(&mut Reader::new(body), version)?;
    match response
        .responses
        .iter()
        .find(|topic| topic.error_code != 0)
    {
        None => Ok(()),
        Some(topic) => Err(ClientError::Refused {
            request: format!("DeleteTopics of {}", topic.name.as_deref().unwrap_or("?")),
            number: topic.error_code,
        }),
    }
}

type Found = Vec<(String, Result<Vec<String>, i16>)>;

/// For each topic its leaders' addresses, or Kafka's number that says why there are none.
fn look_up(connection: &mut Connection, names: &[String]) -> Result<Found, ClientError> {
    let topics = names.iter().map(|name| metadata::MetadataRequestTopic {
        name: Some(Cow::Borrowed(name.as_str())),
        ..Default::default()
    });
    let request = metadata::MetadataRequest {
        topics: Some(topics.collect()),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let body = connection.round_trip(metadata::KEY, METADATA_VERSION, |out, version| {
        request.encode(out, version);
    })?;
    let response = metadata::MetadataResponse::decode(&mut Reader::new(body), METADATA_VERSION)?;
    let brokers: HashMap<i32, String> = response
        .brokers
        .iter()
        .map(|broker| {
            let address = match broker.host.contains(':') {
                true => format!("[{}]:{}", broker.host, broker.port),
                false => format!("{}:{}", broker.host, broker.port),
            };
            (broker.node_id, address)
        })
        .collect();
    let mut found = HashMap::new();
    for topic in &response.topics {
        let leaders = match topic.error_code {
            0 => leaders(topic, &brokers),
            number => Err(number),
        };
        if let Some(name) = &topic.name {
            found.insert(name.as_ref(), leaders);
        }
    }
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    let in_order = names.iter().map(|name| {
        let leaders = found.remove(name.as_str()).unwrap_or(Err(unknown));
        (name.clone(), leaders)
    });
    Ok(in_order.collect())
}

fn leaders(
    topic: &metadata::MetadataResponseTopic<'_>,
    brokers: &HashMap<i32, String>,
) -> Result<Vec<String>, i16> {
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    let dense = (0..)
        .zip(&partitions)
        .all(|(at, partition)| partition.partition_index == at);
    let leaders: Option<Vec<_>> = partitions
        .iter()
        .map(|partition| brokers.get(&partition.leader_id).cloned())
        .collect();
    match leaders {
        Some(leaders) if dense && !leaders.is_empty() => Ok(leaders),
        _ => Err(ErrorCode::LeaderNotAvailable.code()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(leaders: &[&str], connections: usize, shared: bool) -> Vec<(String, Vec<i32>)> {
        let cluster = Cluster {
            bootstrap: String::new(),
            topics: vec![Topic {
                name: "t".to_owned(),
                leaders: leaders.iter().map(|&leader| leader.to_owned()).collect(),
            }],
        };
        let assigned = cluster.assign(connections, shared).into_iter();
        let partitions = |places: Vec<Place>| places.iter().map(|place| place.partition).collect();
        assigned
            .map(|(leader, places)| (leader, partitions(places)))
            .collect()
    }

    #[test]
    fn each_partition_goes_to_a_connection_of_its_leader() {
        let expected = [("a", vec![0, 4]), ("a", vec![2]), ("b", vec![1, 3])];
        let expected = expected
            .map(|(leader, own)| (leader.to_owned(), own))
            .to_vec();
        assert_eq!(assign(&["a", "b", "a", "b", "a"], 3, true), expected);
        // At least one connection a leader, even if fewer are asked for.
        assert_eq!(assign(&["a", "b", "c"], 1, true).len(), 3);
    }

    #[test]
    fn connections_beyond_the_partitions_share_or_are_not_made() {
        let shared: Vec<_> = assign(&["a", "a"], 5, true)
            .into_iter()
            .map(|(_, own)| own)
            .collect();
        assert_eq!(shared, [vec![0], vec![1], vec![0], vec![1], vec![0]]);
        assert_eq!(assign(&["a", "a"], 5, false).len(), 2);
    }
}
