//! The controller: decides on topics and producer ids, as a replicated state machine over the metadata image.
//! Pure. Never talks to shards: they read the image that its committed records make.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::native::MetadataRecord;

use crate::config::Config;
use crate::metadata::{Image, RESOURCE_BROKER};
use crate::replicated::{Decision, Moment, StateMachine};

pub mod configs;
pub mod partitions;
mod tests;
pub mod topics;

pub use configs::{Change, ChangeConfigsError, ConfigChanges};
pub use partitions::{GrowTopic, GrowTopicError, GrownTopic};
pub use topics::{
    CreateTopicError, CreatedTopic, DeleteTopicError, DeletedTopic, NewTopic, TopicRef, uuid,
};

/// Producer ids that a shard is given at once; the rest of a block is lost at a restart, never used twice.
pub const PRODUCER_ID_BLOCK: i64 = 1000;

/// What may be asked of the controller.
#[derive(Debug, Clone)]
pub enum ControllerRequest {
    /// The first start, or a start with another machine id.
    Register {
        /// The cluster's id, if it has none yet.
        cluster_id: u128,
        /// This machine.
        machine_id: u32,
        /// Its shards.
        shard_count: u32,
    },
    /// New topics, each decided on its own.
    CreateTopics {
        /// In the order of the request.
        topics: Vec<NewTopic>,
        /// Decide, but change nothing.
        validate_only: bool,
    },
    /// More partitions for topics, each decided on its own.
    CreatePartitions {
        /// In the order of the request.
        topics: Vec<GrowTopic>,
        /// Decide, but change nothing.
        validate_only: bool,
    },
    /// Other settings, each resource decided on its own.
    ChangeConfigs {
        /// In the order of the request.
        resources: Vec<ConfigChanges>,
        /// Decide, but change nothing.
        validate_only: bool,
    },
    /// Topics to remove.
    DeleteTopics {
        /// By name or id.
        topics: Vec<TopicRef>,
    },
    /// The next block of producer ids for a shard.
    AllocateProducerIds {
        /// Who asks.
        shard: u32,
    },
}

/// What it answers.
#[derive(Debug, Clone)]
pub enum ControllerReply {
    /// The machine is registered.
    Registered,
    /// One result a topic, in the order of the request.
    Created(Vec<Result<CreatedTopic, CreateTopicError>>),
    /// One result a resource, in the order of the request.
    Changed(Vec<Result<(), ChangeConfigsError>>),
    /// What became of each topic; one that was named twice is there once.
    Grown(Vec<GrownTopic>),
    /// What became of each topic; one that was given twice is there once.
    Deleted(Vec<DeletedTopic>),
    /// First id of a block of [`PRODUCER_ID_BLOCK`].
    ProducerIds(i64),
}

/// The state machine.
pub struct Controller {
    image: Image,
    config: Arc<Config>,
}

impl Controller {
    /// Continues from `image`.
    pub fn new(image: Image, config: Arc<Config>) -> Self {
        Self { image, config }
    }

    /// The image as decided.
    pub fn image(&self) -> &Image {
        &self.image
    }
}

impl StateMachine for Controller {
    type Request = ControllerRequest;
    type Record = MetadataRecord;
    type Reply = ControllerReply;

    fn handle(
        &mut self,
        request: ControllerRequest,
        moment: Moment,
    ) -> Decision<MetadataRecord, ControllerReply> {
        match request {
            ControllerRequest::Register {
                cluster_id,
                machine_id,
                shard_count,
            } => self.register(cluster_id, machine_id, shard_count),
            ControllerRequest::CreateTopics {
                topics,
                validate_only,
            } => topics::create(
                &self.image,
                &self.config_in_force(),
                topics,
                validate_only,
                moment.entropy,
            ),
            ControllerRequest::CreatePartitions {
                topics,
                validate_only,
            } => partitions::create(&self.image, &topics, validate_only),
            ControllerRequest::ChangeConfigs {
                resources,
                validate_only,
            } => {
                let config = self.config_in_force();
                configs::change(&self.image, &config, &resources, validate_only)
            }
            ControllerRequest::DeleteTopics { topics } => topics::delete(&self.image, &topics),
            ControllerRequest::AllocateProducerIds { shard } => {
                let first = self.image.next_producer_id;
                let record = MetadataRecord::ProducerIdBlock {
                    shard,
                    next_producer_id: first + PRODUCER_ID_BLOCK,
                };
                Decision {
                    records: vec![record],
                    reply: ControllerReply::ProducerIds(first),
                }
            }
        }
    }

    fn replay(&mut self, record: &MetadataRecord) {
        self.image.replay(record);
    }
}

impl Controller {
    /// The settings of all brokers as they are now.
    fn config_in_force(&self) -> Cow<'_, Config> {
        match self.image.settings_of(RESOURCE_BROKER, "") {
            Some(cluster) => Cow::Owned(self.config.with_dynamic(cluster, &BTreeMap::new())),
            None => Cow::Borrowed(&self.config),
        }
    }

    fn register(
        &self,
        cluster_id: u128,
        machine_id: u32,
        shard_count: u32,
    ) -> Decision<MetadataRecord, ControllerReply> {
        let mut records = Vec::new();
        if self.image.cluster_id == 0 {
            records.push(MetadataRecord::Cluster {
                cluster_id,
                format_version: 1,
            });
        }
        if (self.image.machine_id, self.image.shard_count) != (machine_id, shard_count) {
            records.push(MetadataRecord::Machine {
                machine_id,
                shard_count,
            });
        }
        Decision {
            records,
            reply: ControllerReply::Registered,
        }
    }
}

/// A topic's settings as a map, the last of equal names winning as in Kafka.
pub fn config_map(configs: &[(String, Option<String>)]) -> BTreeMap<String, String> {
    configs
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect()
}
