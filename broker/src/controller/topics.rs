//! Decisions about topics: whether a name may be, how many partitions, where they go. Follows Kafka's
//! `ReplicationControlManager`, its order of checks and its sentences. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use protocol::native::MetadataRecord;

use super::partitions::shards_of;
use super::{ControllerReply, config_map};
use crate::config::Config;
use crate::config::topic::TopicConfig;
use crate::limits;
use crate::metadata::{Image, Placement, QUORUMS_PER_SHARD, Topic, data_quorum, topic_records};
use crate::quorum::QuorumId;
use crate::replicated::Decision;

/// The controller's own log, as a topic: nobody may make it.
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Longest topic name, as in Kafka (`Topic.MAX_NAME_LENGTH`).
const NAME_BYTES_MAX: usize = 249;

/// A topic that somebody wants.
#[derive(Debug, Clone, Default)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 for the broker's default.
    pub partitions: i32,
    /// How many replicas; -1 for the broker's default.
    pub replication_factor: i16,
    /// Node ids by partition, if the client places them itself.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Settings.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic that was made, or would have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id.
    pub id: u128,
    /// Its partitions.
    pub partitions: i32,
    /// Replicas of each.
    pub replication_factor: i16,
    /// Settings it was given.
    pub configs: BTreeMap<String, String>,
}

/// A topic by name or by id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(u128),
}

/// Why a topic was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateTopicError {
    /// Its name may not be, or collides.
    #[error("{0}")]
    InvalidName(String),
    /// Named twice in one request.
    #[error("Duplicate topic name.")]
    DuplicateName,
    /// It is the controller's.
    #[error("Creation of internal topic {CLUSTER_METADATA} is prohibited.")]
    Internal,
    /// It exists.
    #[error("Topic '{0}' already exists.")]
    Exists(String),
    /// A setting is unknown or its value illegal.
    #[error("{0}")]
    InvalidConfig(String),
    /// A manual assignment beside a count.
    #[error("A manual partition assignment was specified, but {0} was not set to -1.")]
    AssignmentAndCount(&'static str),
    /// A manual assignment that cannot be.
    #[error("{0}")]
    InvalidAssignment(String),
    /// Not a number of replicas this cluster can have.
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// Not a number of partitions.
    #[error("{0}")]
    InvalidPartitions(String),
    /// More than one request may make, or than the cluster may have.
    #[error("{0}")]
    TooMany(String),
}

/// What became of a topic that was to be removed, or of several of the same name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name; `None` if only its id is known.
    pub name: Option<String>,
    /// Its id; 0 if only its name is known.
    pub id: u128,
    /// Whether it is gone.
    pub result: Result<(), DeleteTopicError>,
}

/// Why a topic was not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteTopicError {
    /// No topic of this name.
    #[error("This server does not host this topic-partition.")]
    UnknownName,
    /// No topic of this id.
    #[error("This server does not host this topic ID.")]
    UnknownId,
    /// Named twice in one request.
    #[error("Duplicate topic name.")]
    DuplicateName,
    /// Its id given twice in one request.
    #[error("Duplicate topic id.")]
    DuplicateId,
    /// Given by name and by id in one request.
    #[error("The provided topic name maps to an ID that was already supplied.")]
    NameAndId,
}

/// Why `name` may not be a topic's (`org.apache.kafka.common.internals.Topic.validate`).
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("Topic name is invalid: the empty string is not allowed".into());
    }
    if name == "." || name == ".." {
        return Err(format!("Topic name is invalid: '{name}' is not allowed"));
    }
    if name.chars().count() > NAME_BYTES_MAX {
        return Err(format!(
            "Topic name is invalid: the length of '{name}' is longer than the max allowed length {NAME_BYTES_MAX}"
        ));
    }
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    {
        return Err(format!(
            "Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        ));
    }
    Ok(())
}

/// A random id that Kafka would give out: not one of its reserved ones, no leading '-' in its text form.
pub fn uuid(entropy: u128) -> u128 {
    let id = if entropy >> 122 == 62 {
        entropy ^ (1 << 127)
    } else {
        entropy
    };
    if id <= 1 { id + 2 } else { id }
}

/// Decides on each topic of a CreateTopics request.
pub(super) fn create(
    image: &Image,
    config: &Config,
    topics: Vec<NewTopic>,
    validate_only: bool,
    entropy: u128,
) -> Decision<MetadataRecord, ControllerReply> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for topic in &topics {
        *seen.entry(topic.name.as_str()).or_default() += 1;
    }
    let is_twice = |topic: &NewTopic| {
        seen.get(topic.name.as_str())
            .is_some_and(|count| *count > 1)
    };
    let may_be = |topic: &&NewTopic| !is_twice(topic) && topic.name != CLUSTER_METADATA;
    if let Err(error) = check_room(image, config, topics.iter().filter(may_be)) {
        return Decision {
            records: Vec::new(),
            reply: ControllerReply::Created(vec![Err(error); topics.len()]),
        };
    }
    let mut placer = Placer::new(image);
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(topics.len());
    for (place, topic) in topics.iter().enumerate() {
        let id =
            uuid(entropy.wrapping_add(
                (place as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            ));
        let decided = if is_twice(topic) {
            Err(CreateTopicError::DuplicateName)
        } else {
            create_one(image, config, topic, &mut placer)
        };
        results.push(decided.map(|(partitions, configs)| {
            let made = Topic {
                id,
                name: topic.name.as_str().into(),
                partitions,
                configs,
            };
            if !validate_only {
                records.extend(topic_records(&made));
            }
            CreatedTopic {
                id,
                partitions: made.partitions.len() as i32,
                replication_factor: 1,
                configs: made.configs,
            }
        }));
    }
    Decision {
        records,
        reply: ControllerReply::Created(results),
    }
}

/// A request that makes too much makes nothing (Kafka's `validateTotalNumberOfPartitions`, and our own bounds).
fn check_room<'a>(
    image: &Image,
    config: &Config,
    topics: impl Iterator<Item = &'a NewTopic>,
) -> Result<(), CreateTopicError> {
    let partitions_of = |topic: &NewTopic| match (topic.assignments.len(), topic.partitions) {
        (0, -1) => i64::from(config.num_partitions),
        (0, partitions) => i64::from(partitions).max(0),
        (assigned, _) => assigned as i64,
    };
    let (mut new, mut partitions, mut config_bytes) = (0, 0, 0);
    for topic in topics {
        new += 1;
        let configs = topic.configs.iter();
        config_bytes += configs
            .map(|(name, value)| {
                config_record_bytes(&topic.name, name, value.as_ref().map_or(0, String::len))
            })
            .sum::<usize>();
        partitions += partitions_of(topic);
    }
    if partitions > limits::PARTITIONS_CREATED_PER_REQUEST_MAX as i64 {
        let text = "Excessively large number of partitions per request.";
        return Err(CreateTopicError::TooMany(text.to_owned()));
    }
    if config_bytes > limits::CONTROLLER_CONFIG_BYTES_MAX {
        return Err(CreateTopicError::TooMany(
            "The topics of the request have too many configs.".to_owned(),
        ));
    }
    let full = image.topics.len() + new > limits::TOPICS_PER_CLUSTER_MAX
        || image.partitions() as i64 + partitions > limits::PARTITIONS_PER_CLUSTER_MAX as i64;
    if full {
        return Err(CreateTopicError::TooMany(format!(
            "A cluster has at most {} topics and {} partitions.",
            limits::TOPICS_PER_CLUSTER_MAX,
            limits::PARTITIONS_PER_CLUSTER_MAX
        )));
    }
    Ok(())
}

/// About what the record of a setting takes.
pub(super) fn config_record_bytes(resource: &str, name: &str, value_bytes: usize) -> usize {
    const OVERHEAD_BYTES: usize = 256;
    resource.len() + name.len() + value_bytes + OVERHEAD_BYTES
}

/// Whether a resource may keep these settings; Kafka has no bounds but those of its requests.
pub(super) fn check_configs_room(configs: &BTreeMap<String, String>) -> Result<(), String> {
    let long = |text: &String| text.len() > limits::CONFIG_VALUE_BYTES_MAX;
    if configs
        .iter()
        .any(|(name, value)| long(name) || long(value))
    {
        return Err(format!(
            "The name or value of a config has at most {} bytes.",
            limits::CONFIG_VALUE_BYTES_MAX
        ));
    }
    if configs.len() > limits::CONFIGS_PER_RESOURCE_MAX {
        return Err(format!(
            "A resource has at most {} configs.",
            limits::CONFIGS_PER_RESOURCE_MAX
        ));
    }
    Ok(())
}

type Decided = (Vec<Placement>, BTreeMap<String, String>);

fn create_one(
    image: &Image,
    config: &Config,
    topic: &NewTopic,
    placer: &mut Placer<'_>,
) -> Result<Decided, CreateTopicError> {
    check_name(&topic.name).map_err(CreateTopicError::InvalidName)?;
    if topic.name == CLUSTER_METADATA {
        return Err(CreateTopicError::Internal);
    }
    if image.topic(&topic.name).is_some() {
        return Err(CreateTopicError::Exists(topic.name.clone()));
    }
    if let Some(other) = collision(image, &topic.name) {
        return Err(CreateTopicError::InvalidName(format!(
            "Topic '{}' collides with existing topic: {other}",
            topic.name
        )));
    }
    if let Some((name, _)) = topic.configs.iter().find(|(_, value)| value.is_none()) {
        return Err(CreateTopicError::InvalidConfig(format!(
            "Null value not supported for topic configs: {name}"
        )));
    }
    let configs = config_map(&topic.configs);
    check_configs_room(&configs).map_err(CreateTopicError::TooMany)?;
    TopicConfig::from_overrides(&configs, config)
        .map_err(|error| CreateTopicError::InvalidConfig(error.to_string()))?;
    let partitions = if topic.assignments.is_empty() {
        counted(config, topic, placer)?
    } else {
        assigned(image, topic, placer)?
    };
    Ok((partitions, configs))
}

/// An existing topic whose metric names would be the same: '.' and '_' count as equal.
fn collision<'a>(image: &'a Image, name: &str) -> Option<&'a str> {
    if !name.contains(['.', '_']) {
        return None;
    }
    let same = |other: &str| {
        other.len() == name.len()
            && other
                .bytes()
                .zip(name.bytes())
                .all(|(a, b)| a == b || (b"._".contains(&a) && b"._".contains(&b)))
    };
    image
        .topics
        .keys()
        .map(|other| other.as_ref())
        .find(|other| same(other))
}

fn counted(
    config: &Config,
    topic: &NewTopic,
    placer: &mut Placer<'_>,
) -> Result<Vec<Placement>, CreateTopicError> {
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        let text = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err(CreateTopicError::InvalidReplicationFactor(text.into()));
    }
    if topic.partitions < -1 || topic.partitions == 0 {
        let text = "Number of partitions was set to an invalid non-positive value.";
        return Err(CreateTopicError::InvalidPartitions(text.into()));
    }
    let replication_factor = if topic.replication_factor == -1 {
        config.default_replication_factor as i16
    } else {
        topic.replication_factor
    };
    if replication_factor > 1 {
        return Err(CreateTopicError::InvalidReplicationFactor(format!(
            "Unable to replicate the partition {replication_factor} time(s): The target replication factor of {replication_factor} cannot be reached because only 1 broker(s) are registered or some brokers have all their log directories cordoned."
        )));
    }
    let partitions = if topic.partitions == -1 {
        config.num_partitions as i32
    } else {
        topic.partitions
    };
    Ok((0..partitions).map(|_| placer.place(None)).collect())
}

fn assigned(
    image: &Image,
    topic: &NewTopic,
    placer: &mut Placer<'_>,
) -> Result<Vec<Placement>, CreateTopicError> {
    if topic.replication_factor != -1 {
        return Err(CreateTopicError::AssignmentAndCount("replication factor"));
    }
    if topic.partitions != -1 {
        return Err(CreateTopicError::AssignmentAndCount("numPartitions"));
    }
    let mut shards: BTreeMap<i32, u32> = BTreeMap::new();
    for (partition, nodes) in &topic.assignments {
        if shards.contains_key(partition) {
            let text =
                format!("Found multiple manual partition assignments for partition {partition}");
            return Err(CreateTopicError::InvalidAssignment(text));
        }
        let named = shards_of(image, nodes).map_err(CreateTopicError::InvalidAssignment)?;
        let [shard] = named[..] else {
            let text = format!(
                "The manual partition assignment of partition {partition} names {} brokers, but this cluster has one machine.",
                named.len()
            );
            return Err(CreateTopicError::InvalidAssignment(text));
        };
        shards.insert(*partition, shard);
    }
    if !shards.keys().copied().eq(0..shards.len() as i32) {
        let text = "partitions should be a consecutive 0-based integer sequence";
        return Err(CreateTopicError::InvalidAssignment(text.into()));
    }
    Ok(shards
        .values()
        .map(|shard| placer.place(Some(*shard)))
        .collect())
}

/// Spreads partitions: the shard with the fewest, then its quorum with the fewest, the lowest number on ties.
pub(super) struct Placer<'a> {
    image: &'a Image,
    added: HashMap<QuorumId, usize>,
}

impl<'a> Placer<'a> {
    pub(super) fn new(image: &'a Image) -> Self {
        Self {
            image,
            added: HashMap::new(),
        }
    }

    fn load(&self, quorum: QuorumId) -> usize {
        self.image.partitions_of(quorum) + self.added.get(&quorum).copied().unwrap_or(0)
    }

    /// The place of the next partition, on this shard if one is given.
    pub(super) fn place(&mut self, shard: Option<u32>) -> Placement {
        let quorums = |shard| (0..QUORUMS_PER_SHARD).map(move |place| data_quorum(shard, place));
        let fewest = |shard: &u32| {
            quorums(*shard)
                .map(|quorum| self.load(quorum))
                .sum::<usize>()
        };
        let shard = shard.unwrap_or_else(|| {
            (0..self.image.shard_count)
                .min_by_key(fewest)
                .expect("a machine has a shard")
        });
        let quorum = quorums(shard)
            .min_by_key(|quorum| self.load(*quorum))
            .expect("a shard has a quorum");
        *self.added.entry(quorum).or_default() += 1;
        Placement { quorum, shard }
    }
}

/// Decides on the topics of a DeleteTopics request, as Kafka's `ControllerApis.deleteTopics`: what is given twice, in
/// whatever way, is not removed, and answered once.
pub(super) fn delete(
    image: &Image,
    wanted: &[TopicRef],
) -> Decision<MetadataRecord, ControllerReply> {
    let mut counts: HashMap<&TopicRef, usize> = HashMap::new();
    for topic in wanted {
        *counts.entry(topic).or_default() += 1;
    }
    let by_id = |topic: &Topic| counts.get(&TopicRef::Id(topic.id)).copied().unwrap_or(0);
    let by_name = |topic: &Topic| {
        let name = TopicRef::Name(topic.name.to_string());
        counts.get(&name).copied().unwrap_or(0)
    };
    let mut records = Vec::new();
    let mut topics = Vec::new();
    let mut answered = HashSet::new();
    for one in wanted.iter().filter(|one| answered.insert(*one)) {
        let twice = counts[one] > 1;
        let (topic, unknown, duplicate) = match one {
            TopicRef::Name(name) => (
                image.topic(name),
                DeleteTopicError::UnknownName,
                DeleteTopicError::DuplicateName,
            ),
            TopicRef::Id(id) => (
                image.topic_by_id(*id),
                DeleteTopicError::UnknownId,
                DeleteTopicError::DuplicateId,
            ),
        };
        let result = match (topic, one) {
            _ if twice => Err(duplicate),
            (None, _) => Err(unknown),
            (Some(topic), TopicRef::Name(_)) if by_id(topic) > 0 => {
                Err(DeleteTopicError::NameAndId)
            }
            // Its name's answer stands for both.
            (Some(topic), TopicRef::Id(_)) if by_name(topic) == 1 => continue,
            (Some(topic), _) => {
                records.push(MetadataRecord::RemoveTopic { topic_id: topic.id });
                Ok(())
            }
        };
        topics.push(told(one, topic, result));
    }
    Decision {
        records,
        reply: ControllerReply::Deleted(topics),
    }
}

fn told(
    wanted: &TopicRef,
    topic: Option<&Arc<Topic>>,
    result: Result<(), DeleteTopicError>,
) -> DeletedTopic {
    let known = topic.filter(|_| matches!(result, Ok(()) | Err(DeleteTopicError::NameAndId)));
    let (name, id) = match (known, wanted) {
        (Some(topic), _) => (Some(topic.name.to_string()), topic.id),
        (None, TopicRef::Name(name)) => (Some(name.clone()), 0),
        (None, TopicRef::Id(id)) => (None, *id),
    };
    DeletedTopic { name, id, result }
}
