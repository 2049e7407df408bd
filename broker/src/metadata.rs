//! The image of the cluster that every shard reads: machines, shards, topics, partitions, settings. Immutable once
//! published; built by replaying the controller's committed records. Never asks anybody, never changes by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use protocol::native::MetadataRecord;

use crate::quorum::QuorumId;

/// Quorums that each shard leads, so that a lost machine's load can spread.
pub const QUORUMS_PER_SHARD: u32 = 4;
/// Kafka's resource type of a topic's settings.
pub const RESOURCE_TOPIC: i8 = 2;
/// Of a broker's; without a name of all brokers'.
pub const RESOURCE_BROKER: i8 = 4;
/// Of a subscription's to client metrics.
pub const RESOURCE_CLIENT_METRICS: i8 = 16;
/// Of a consumer group's.
pub const RESOURCE_GROUP: i8 = 32;
/// Node ids are machine id × 1000 + shard.
pub const NODES_PER_MACHINE: i32 = 1000;

/// The quorum that carries the controller's log, on shard 0.
pub const CONTROLLER_QUORUM: QuorumId = QuorumId(0);

/// The `place`-th data quorum of `shard`.
pub fn data_quorum(shard: u32, place: u32) -> QuorumId {
    QuorumId(1 + shard * QUORUMS_PER_SHARD + place)
}

/// Whether a topic holds the broker's own records, which clients may not write (Kafka's `Topic.isInternal`).
pub fn is_internal(topic: &str) -> bool {
    matches!(
        topic,
        "__consumer_offsets" | "__transaction_state" | "__share_group_state"
    )
}

/// A topic as the controller knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Never reused.
    pub id: u128,
    /// Unique among existing topics.
    pub name: Arc<str>,
    /// By partition number.
    pub partitions: Vec<Placement>,
    /// Settings that differ from the broker's.
    pub configs: BTreeMap<String, String>,
}

/// Where a partition lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The quorum that carries it.
    pub quorum: QuorumId,
    /// The shard that leads it.
    pub shard: u32,
}

/// Settings by type and name of what has them.
pub type Settings = BTreeMap<(i8, String), BTreeMap<String, String>>;

/// The whole image.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Grows with every record.
    pub version: u64,
    /// 128 random bits; clients see them in base64.
    pub cluster_id: u128,
    /// This machine.
    pub machine_id: u32,
    /// Shards of this machine.
    pub shard_count: u32,
    /// First producer id that no shard was given yet.
    pub next_producer_id: i64,
    /// By name.
    pub topics: BTreeMap<Arc<str>, Arc<Topic>>,
    /// Of what is no topic: brokers, groups, subscriptions to client metrics. Without any of its own, one is not here.
    pub settings: Arc<Settings>,
    by_id: HashMap<u128, Arc<str>>,
    partitions_of_quorum: HashMap<QuorumId, usize>,
}

impl Image {
    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(name)
    }

    /// The topic of this id.
    pub fn topic_by_id(&self, id: u128) -> Option<&Arc<Topic>> {
        self.by_id.get(&id).and_then(|name| self.topics.get(name))
    }

    /// Kafka node id of a shard of this machine.
    pub fn node_id(&self, shard: u32) -> i32 {
        self.machine_id as i32 * NODES_PER_MACHINE + shard as i32
    }

    /// The shard of a node id of this machine.
    pub fn shard_of_node(&self, node_id: i32) -> Option<u32> {
        let shard = node_id.checked_sub(self.machine_id as i32 * NODES_PER_MACHINE)?;
        u32::try_from(shard)
            .ok()
            .filter(|shard| *shard < self.shard_count)
    }

    /// Settings of this resource, which is no topic.
    pub fn settings_of(&self, kind: i8, name: &str) -> Option<&BTreeMap<String, String>> {
        self.settings.get(&(kind, name.to_owned()))
    }

    /// Partitions on this machine.
    pub fn partitions(&self) -> usize {
        self.partitions_of_quorum.values().sum()
    }

    /// Partitions that `quorum` carries.
    pub fn partitions_of(&self, quorum: QuorumId) -> usize {
        self.partitions_of_quorum.get(&quorum).copied().unwrap_or(0)
    }

    /// A committed record happens. Records about topics that are gone change nothing.
    pub fn replay(&mut self, record: &MetadataRecord) {
        self.version += 1;
        match record {
            MetadataRecord::Cluster { cluster_id, .. } => self.cluster_id = *cluster_id,
            MetadataRecord::Machine {
                machine_id,
                shard_count,
            } => {
                self.machine_id = *machine_id;
                self.shard_count = *shard_count;
            }
            MetadataRecord::Topic { topic_id, name } => {
                let name: Arc<str> = name.as_str().into();
                let topic = Topic {
                    id: *topic_id,
                    name: name.clone(),
                    partitions: Vec::new(),
                    configs: BTreeMap::new(),
                };
                self.by_id.insert(*topic_id, name.clone());
                self.topics.insert(name, Arc::new(topic));
            }
            MetadataRecord::Partition {
                topic_id,
                partition,
                quorum,
                shard,
            } => {
                let placement = Placement {
                    quorum: QuorumId(*quorum),
                    shard: *shard,
                };
                if let Some(topic) = self.topic_mut(*topic_id) {
                    assert_eq!(
                        usize::try_from(*partition).ok(),
                        Some(topic.partitions.len()),
                        "partitions are added in order"
                    );
                    topic.partitions.push(placement);
                    *self
                        .partitions_of_quorum
                        .entry(placement.quorum)
                        .or_default() += 1;
                }
            }
            MetadataRecord::Config {
                resource_type,
                resource_name,
                key,
                value,
            } => {
                self.configure((*resource_type, resource_name), key, value.as_deref());
            }
            MetadataRecord::RemoveTopic { topic_id } => {
                if let Some(name) = self.by_id.remove(topic_id)
                    && let Some(topic) = self.topics.remove(&name)
                {
                    for placement in &topic.partitions {
                        let count = self.partitions_of_quorum.get_mut(&placement.quorum);
                        *count.expect("a placed partition was counted") -= 1;
                    }
                }
            }
            MetadataRecord::ProducerIdBlock {
                next_producer_id, ..
            } => {
                self.next_producer_id = self.next_producer_id.max(*next_producer_id);
            }
        }
    }

    fn configure(&mut self, (kind, name): (i8, &str), key: &str, value: Option<&str>) {
        if kind != RESOURCE_TOPIC {
            return self.set((kind, name.to_owned()), key, value);
        }
        if let Some(topic) = self.topics.get_mut(name) {
            let configs = &mut Arc::make_mut(topic).configs;
            match value {
                Some(value) => configs.insert(key.to_owned(), value.to_owned()),
                None => configs.remove(key),
            };
        }
    }

    fn set(&mut self, resource: (i8, String), key: &str, value: Option<&str>) {
        let settings = Arc::make_mut(&mut self.settings);
        let of_one = settings.entry(resource.clone()).or_default();
        match value {
            Some(value) => of_one.insert(key.to_owned(), value.to_owned()),
            None => of_one.remove(key),
        };
        if of_one.is_empty() {
            settings.remove(&resource);
        }
    }

    /// Records that build this image from nothing: a snapshot.
    pub fn records(&self) -> Vec<MetadataRecord> {
        let mut records = vec![
            MetadataRecord::Cluster {
                cluster_id: self.cluster_id,
                format_version: 1,
            },
            MetadataRecord::Machine {
                machine_id: self.machine_id,
                shard_count: self.shard_count,
            },
            MetadataRecord::ProducerIdBlock {
                shard: 0,
                next_producer_id: self.next_producer_id,
            },
        ];
        for topic in self.topics.values() {
            records.extend(topic_records(topic));
        }
        for ((resource_type, resource_name), settings) in self.settings.iter() {
            records.extend(settings.iter().map(|(key, value)| MetadataRecord::Config {
                resource_type: *resource_type,
                resource_name: resource_name.clone(),
                key: key.clone(),
                value: Some(value.clone()),
            }));
        }
        records
    }

    fn topic_mut(&mut self, id: u128) -> Option<&mut Topic> {
        let name = self.by_id.get(&id)?;
        self.topics.get_mut(name).map(Arc::make_mut)
    }
}

/// The records that make `topic`.
pub fn topic_records(topic: &Topic) -> Vec<MetadataRecord> {
    let mut records = vec![MetadataRecord::Topic {
        topic_id: topic.id,
        name: topic.name.to_string(),
    }];
    for (partition, placement) in topic.partitions.iter().enumerate() {
        records.push(MetadataRecord::Partition {
            topic_id: topic.id,
            partition: partition as i32,
            quorum: placement.quorum.0,
            shard: placement.shard,
        });
    }
    for (key, value) in &topic.configs {
        records.push(MetadataRecord::Config {
            resource_type: RESOURCE_TOPIC,
            resource_name: topic.name.to_string(),
            key: key.clone(),
            value: Some(value.clone()),
        });
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Image {
        let mut image = Image::default();
        image.replay(&MetadataRecord::Cluster {
            cluster_id: 7,
            format_version: 1,
        });
        image.replay(&MetadataRecord::Machine {
            machine_id: 1,
            shard_count: 2,
        });
        let topic = Topic {
            id: 9,
            name: "orders".into(),
            partitions: vec![
                Placement {
                    quorum: data_quorum(0, 0),
                    shard: 0,
                },
                Placement {
                    quorum: data_quorum(1, 0),
                    shard: 1,
                },
            ],
            configs: [("retention.ms".to_owned(), "1000".to_owned())].into(),
        };
        topic_records(&topic)
            .iter()
            .for_each(|record| image.replay(record));
        image
    }

    #[test]
    fn a_snapshot_rebuilds_the_image() {
        let image = sample();
        let mut again = Image::default();
        image
            .records()
            .iter()
            .for_each(|record| again.replay(record));
        assert_eq!(again.topics, image.topics);
        assert_eq!((again.cluster_id, again.node_id(1)), (7, 1001));
        assert_eq!(again.partitions_of(data_quorum(1, 0)), 1);
    }

    #[test]
    fn a_removed_topic_frees_its_name_and_its_places() {
        let mut image = sample();
        image.replay(&MetadataRecord::RemoveTopic { topic_id: 9 });
        assert!(image.topic("orders").is_none() && image.topic_by_id(9).is_none());
        assert_eq!(image.partitions(), 0);
    }
}
