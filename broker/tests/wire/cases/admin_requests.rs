//! Requests of the admin APIs, with little to write for what is usual.

use protocol::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsRequestResource, AlterConfigsRequestResourceConfig,
};
use protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsRequestTopic, CreatePartitionsRequestTopicAssignment,
};
use protocol::messages::delete_records::{
    DeleteRecordsRequest, DeleteRecordsRequestTopic, DeleteRecordsRequestTopicPartition,
};
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsRequestResource,
};
use protocol::messages::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsRequestResource,
    IncrementalAlterConfigsRequestResourceConfig,
};
use protocol::messages::metadata::MetadataRequest;

use super::metadata;
use crate::scenario::{Scenario, Step};

/// Types of resources.
pub const TOPIC: i8 = 2;
pub const BROKER: i8 = 4;
pub const BROKER_LOGGER: i8 = 8;
pub const CLIENT_METRICS: i8 = 16;
pub const GROUP: i8 = 32;

/// Names of topics that are illegal, unknown or the controller's, each with a label.
pub fn odd_topic_names() -> Vec<(String, String)> {
    let too_long = "n".repeat(250);
    let names = [
        "",
        ".",
        "..",
        "$#!",
        "a b",
        "ä",
        "unknown",
        &too_long,
        "__cluster_metadata",
    ];
    let labelled = names.map(|name| {
        let label = format!("{name:.20?} of {}", name.len());
        (label, name.to_owned())
    });
    labelled.into()
}

/// What an operation of IncrementalAlterConfigs does.
pub const SET: i8 = 0;
pub const DELETE: i8 = 1;
pub const APPEND: i8 = 2;
pub const SUBTRACT: i8 = 3;

/// Makes a step of a request.
macro_rules! step {
    ($label:expr, $module:ident, $version:expr, $request:expr) => {{
        let mut body = Vec::new();
        $request.encode(&mut body, $version);
        crate::scenario::Step::ask($label, protocol::messages::$module::KEY, $version, &body)
    }};
}
pub(super) use step;

/// Bodies that are none.
pub fn bytes(api_key: i16, version: i16) -> Scenario {
    let raw = |label: &str, body: &[u8]| Step::ask(label, api_key, version, body);
    Scenario::new(format!("bytes v{version}"))
        .step(raw("nothing", &[]))
        .step(raw("zeros", &[0; 24]))
        .step(raw("0xff", &[0xff; 24]))
        .step(raw("0x7f", &[0x7f; 24]))
        .step(raw("null first", &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0]))
        .step(raw("short", &[0, 0, 0]))
}

/// A topic that is to have so many partitions, the new ones on these nodes if any are given.
pub fn grown(
    name: &str,
    count: i32,
    assignments: Option<&[&[i32]]>,
) -> CreatePartitionsRequestTopic<'static> {
    let assignments = assignments.map(|all| {
        let nodes = all.iter().map(|nodes| nodes.to_vec());
        nodes
            .map(|broker_ids| CreatePartitionsRequestTopicAssignment { broker_ids })
            .collect()
    });
    CreatePartitionsRequestTopic {
        name: name.to_owned().into(),
        count,
        assignments,
    }
}

pub fn create_partitions(
    topics: Vec<CreatePartitionsRequestTopic<'static>>,
) -> CreatePartitionsRequest<'static> {
    CreatePartitionsRequest {
        topics,
        timeout_ms: 30_000,
        validate_only: false,
    }
}

pub fn ask_create_partitions(
    label: impl Into<String>,
    version: i16,
    request: &CreatePartitionsRequest<'_>,
) -> Step {
    step!(label, create_partitions, version, request)
}

/// Partitions and offsets of topics.
pub fn delete_records(topics: &[(&str, &[(i32, i64)])]) -> DeleteRecordsRequest<'static> {
    let partition = |(partition_index, offset): &(i32, i64)| DeleteRecordsRequestTopicPartition {
        partition_index: *partition_index,
        offset: *offset,
    };
    DeleteRecordsRequest {
        topics: topics
            .iter()
            .map(|(name, partitions)| DeleteRecordsRequestTopic {
                name: (*name).to_owned().into(),
                partitions: partitions.iter().map(partition).collect(),
            })
            .collect(),
        timeout_ms: 30_000,
    }
}

pub fn ask_delete_records(
    label: impl Into<String>,
    version: i16,
    request: &DeleteRecordsRequest<'_>,
) -> Step {
    step!(label, delete_records, version, request)
}

/// A resource and all that it shall have.
pub fn all_of(
    kind: i8,
    name: &str,
    configs: &[(&str, Option<&str>)],
) -> AlterConfigsRequestResource<'static> {
    AlterConfigsRequestResource {
        resource_type: kind,
        resource_name: name.to_owned().into(),
        configs: configs
            .iter()
            .map(|(name, value)| AlterConfigsRequestResourceConfig {
                name: (*name).to_owned().into(),
                value: value.map(|value| value.to_owned().into()),
            })
            .collect(),
    }
}

pub fn alter(resources: Vec<AlterConfigsRequestResource<'static>>) -> AlterConfigsRequest<'static> {
    AlterConfigsRequest {
        resources,
        validate_only: false,
    }
}

pub fn ask_alter(
    label: impl Into<String>,
    version: i16,
    request: &AlterConfigsRequest<'_>,
) -> Step {
    step!(label, alter_configs, version, request)
}

/// A resource and what changes in it: name, operation, value.
pub fn changed(
    kind: i8,
    name: &str,
    configs: &[(&str, i8, Option<&str>)],
) -> IncrementalAlterConfigsRequestResource<'static> {
    IncrementalAlterConfigsRequestResource {
        resource_type: kind,
        resource_name: name.to_owned().into(),
        configs: configs
            .iter()
            .map(
                |(name, config_operation, value)| IncrementalAlterConfigsRequestResourceConfig {
                    name: (*name).to_owned().into(),
                    config_operation: *config_operation,
                    value: value.map(|value| value.to_owned().into()),
                },
            )
            .collect(),
    }
}

pub fn change(
    resources: Vec<IncrementalAlterConfigsRequestResource<'static>>,
) -> IncrementalAlterConfigsRequest<'static> {
    IncrementalAlterConfigsRequest {
        resources,
        validate_only: false,
    }
}

pub fn ask_change(
    label: impl Into<String>,
    version: i16,
    request: &IncrementalAlterConfigsRequest<'_>,
) -> Step {
    step!(label, incremental_alter_configs, version, request)
}

/// These settings of a resource, with what stands behind them.
pub fn describe(label: impl Into<String>, kind: i8, name: &str, keys: &[&str]) -> Step {
    let request = DescribeConfigsRequest {
        include_synonyms: true,
        include_documentation: false,
        resources: vec![DescribeConfigsRequestResource {
            resource_type: kind,
            resource_name: name.to_owned().into(),
            configuration_keys: (!keys.is_empty())
                .then(|| keys.iter().map(|key| (*key).to_owned().into()).collect()),
        }],
    };
    step!(label, describe_configs, 4, request).later()
}

/// What Metadata says of these topics.
pub fn look(label: &str, names: &[&str]) -> Step {
    let topics = names.iter().map(|name| metadata::named(name));
    let request = MetadataRequest {
        topics: Some(topics.collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    metadata::ask(label, 8, &request)
}
