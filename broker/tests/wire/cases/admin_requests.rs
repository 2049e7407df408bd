//! Requests of the admin APIs, with little to write for what is usual.

use protocol::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsRequestTopic, CreatePartitionsRequestTopicAssignment,
};
use protocol::messages::delete_records::{
    DeleteRecordsRequest, DeleteRecordsRequestTopic, DeleteRecordsRequestTopicPartition,
};
use protocol::messages::metadata::MetadataRequest;

use super::metadata;
use crate::scenario::{Scenario, Step};

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
