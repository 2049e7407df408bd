//! Metadata records: what the controller's log and its snapshots are made of. One record, one frame.
//! Plain facts; what they do to the image is the controller's business.

use super::generated::native as table;
use super::{NativeError, done, from_uuid, kind, meta, to_uuid};
use crate::frame::{Frame, FrameBuilder, FrameError};

/// A committed fact about the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataRecord {
    /// Written first, once.
    Cluster {
        /// 128 random bits; Kafka clients see them in base64.
        cluster_id: u128,
        /// Of the metadata records.
        format_version: u32,
    },
    /// A machine joined, or changed its number of shards.
    Machine {
        /// Node ids are machine id × 1000 + shard.
        machine_id: u32,
        /// How many shards it has.
        shard_count: u32,
    },
    /// A topic exists; its partitions follow.
    Topic {
        /// Never reused.
        topic_id: u128,
        /// Unique among existing topics.
        name: String,
    },
    /// A partition of a topic exists.
    Partition {
        /// Its topic.
        topic_id: u128,
        /// Its number in the topic.
        partition: i32,
        /// The quorum that carries it.
        quorum: u32,
        /// The shard that leads it first.
        shard: u32,
    },
    /// A setting of a topic or broker is set or deleted.
    Config {
        /// Kafka's: 2 topic, 4 broker.
        resource_type: i8,
        /// Topic name or node id; empty: all brokers.
        resource_name: String,
        /// The setting's name.
        key: String,
        /// `None`: back to the default.
        value: Option<String>,
    },
    /// A topic and its partitions are gone.
    RemoveTopic {
        /// Which.
        topic_id: u128,
    },
    /// A shard was given producer ids up to, but without, `next_producer_id`.
    ProducerIdBlock {
        /// Who got them.
        shard: u32,
        /// First id not given out yet.
        next_producer_id: i64,
    },
}

impl MetadataRecord {
    /// The record as one frame, valid until the builder's next use. Fails only if its strings exceed
    /// what a meta may hold.
    pub fn encode<'b>(&self, builder: &'b mut FrameBuilder) -> Result<&'b [u8], FrameError> {
        self.encode_meta(builder);
        builder.finish(self.kind(), &[])
    }

    /// The record in a parsed frame.
    pub fn decode(frame: &Frame<'_>) -> Result<Self, NativeError> {
        match frame.kind {
            kind::CLUSTER_RECORD => {
                let header = meta::<table::ClusterRecord>(frame, frame.kind)?.header();
                let cluster_id = from_uuid(header.cluster_id());
                Ok(Self::Cluster {
                    cluster_id,
                    format_version: header.format_version(),
                })
            }
            kind::MACHINE_RECORD => {
                let header = meta::<table::MachineRecord>(frame, frame.kind)?.header();
                Ok(Self::Machine {
                    machine_id: header.machine_id(),
                    shard_count: header.shard_count(),
                })
            }
            kind::TOPIC_RECORD => {
                let record = meta::<table::TopicRecord>(frame, frame.kind)?;
                let topic_id = from_uuid(record.header().topic_id());
                Ok(Self::Topic {
                    topic_id,
                    name: record.name().to_owned(),
                })
            }
            kind::PARTITION_RECORD => {
                let header = meta::<table::PartitionRecord>(frame, frame.kind)?.header();
                Ok(Self::Partition {
                    topic_id: from_uuid(header.topic_id()),
                    partition: header.partition(),
                    quorum: header.quorum(),
                    shard: header.shard(),
                })
            }
            kind::CONFIG_RECORD => {
                let record = meta::<table::ConfigRecord>(frame, frame.kind)?;
                Ok(Self::Config {
                    resource_type: record.header().resource_type(),
                    resource_name: record.resource_name().to_owned(),
                    key: record.key().to_owned(),
                    value: record.value().map(str::to_owned),
                })
            }
            kind::REMOVE_TOPIC_RECORD => {
                let header = meta::<table::RemoveTopicRecord>(frame, frame.kind)?.header();
                Ok(Self::RemoveTopic {
                    topic_id: from_uuid(header.topic_id()),
                })
            }
            kind::PRODUCER_ID_BLOCK_RECORD => {
                let header = meta::<table::ProducerIdBlockRecord>(frame, frame.kind)?.header();
                Ok(Self::ProducerIdBlock {
                    shard: header.shard(),
                    next_producer_id: header.next_producer_id(),
                })
            }
            other => Err(NativeError::Kind(other)),
        }
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Cluster { .. } => kind::CLUSTER_RECORD,
            Self::Machine { .. } => kind::MACHINE_RECORD,
            Self::Topic { .. } => kind::TOPIC_RECORD,
            Self::Partition { .. } => kind::PARTITION_RECORD,
            Self::Config { .. } => kind::CONFIG_RECORD,
            Self::RemoveTopic { .. } => kind::REMOVE_TOPIC_RECORD,
            Self::ProducerIdBlock { .. } => kind::PRODUCER_ID_BLOCK_RECORD,
        }
    }

    fn encode_meta(&self, builder: &mut FrameBuilder) {
        let fbb = builder.start();
        match self {
            Self::Cluster {
                cluster_id,
                format_version,
            } => {
                let header = table::ClusterHeader::new(&to_uuid(*cluster_id), *format_version);
                let root = table::ClusterRecord::create(
                    fbb,
                    &table::ClusterRecordArgs {
                        header: Some(&header),
                    },
                );
                done(fbb, root);
            }
            Self::Machine {
                machine_id,
                shard_count,
            } => {
                let header = table::MachineHeader::new(*machine_id, *shard_count);
                let root = table::MachineRecord::create(
                    fbb,
                    &table::MachineRecordArgs {
                        header: Some(&header),
                    },
                );
                done(fbb, root);
            }
            Self::Topic { topic_id, name } => {
                let header = table::TopicHeader::new(&to_uuid(*topic_id));
                let name = Some(fbb.create_string(name));
                let args = table::TopicRecordArgs {
                    header: Some(&header),
                    name,
                };
                let root = table::TopicRecord::create(fbb, &args);
                done(fbb, root);
            }
            Self::Partition {
                topic_id,
                partition,
                quorum,
                shard,
            } => {
                let header =
                    table::PartitionHeader::new(&to_uuid(*topic_id), *partition, *quorum, *shard);
                let args = table::PartitionRecordArgs {
                    header: Some(&header),
                };
                let root = table::PartitionRecord::create(fbb, &args);
                done(fbb, root);
            }
            Self::Config {
                resource_type,
                resource_name,
                key,
                value,
            } => {
                let header = table::ConfigHeader::new(*resource_type);
                let resource_name = Some(fbb.create_string(resource_name));
                let key = Some(fbb.create_string(key));
                let value = value.as_deref().map(|value| fbb.create_string(value));
                let args = table::ConfigRecordArgs {
                    header: Some(&header),
                    resource_name,
                    key,
                    value,
                };
                let root = table::ConfigRecord::create(fbb, &args);
                done(fbb, root);
            }
            Self::RemoveTopic { topic_id } => {
                let header = table::TopicHeader::new(&to_uuid(*topic_id));
                let args = table::RemoveTopicRecordArgs {
                    header: Some(&header),
                };
                let root = table::RemoveTopicRecord::create(fbb, &args);
                done(fbb, root);
            }
            Self::ProducerIdBlock {
                shard,
                next_producer_id,
            } => {
                let header = table::ProducerIdBlockHeader::new(*next_producer_id, *shard);
                let args = table::ProducerIdBlockRecordArgs {
                    header: Some(&header),
                };
                let root = table::ProducerIdBlockRecord::create(fbb, &args);
                done(fbb, root);
            }
        }
    }
}
