//! Bodies of requests in every version, with little to write for what is usual.

use protocol::messages::create_topics::{CreateTopicsRequest, CreateTopicsRequestTopic};
use protocol::messages::delete_topics::DeleteTopicsRequest;
use protocol::messages::fetch::{FetchRequest, FetchRequestTopic, FetchRequestTopicPartition};
use protocol::messages::list_offsets::{
    ListOffsetsRequest, ListOffsetsRequestTopic, ListOffsetsRequestTopicPartition,
};
use protocol::messages::produce::{
    ProduceRequest, ProduceRequestTopicData, ProduceRequestTopicDataPartitionData,
};

use protocol::header::{RequestHeader, is_flexible};
use protocol::primitives::Uuid;

use crate::scenario::{Run, Step, id_named};

/// Numbers of the APIs.
pub const PRODUCE: i16 = 0;
pub const FETCH: i16 = 1;
pub const LIST_OFFSETS: i16 = 2;
pub const INIT_PRODUCER_ID: i16 = 22;

/// Topics of a Produce request: name, and partition and records of each part.
pub type Parts<'a> = &'a [(&'a str, &'a [(i32, Option<&'a [u8]>)])];

/// Topics of a Fetch request.
pub type FetchParts<'a> = &'a [(&'a str, &'a [FetchRequestTopicPartition])];

/// Topics of a ListOffsets request.
pub type OffsetParts<'a> = &'a [(&'a str, &'a [ListOffsetsRequestTopicPartition])];

/// The body of a Produce request.
pub fn produce_body(
    run: &Run,
    version: i16,
    acks: i16,
    transactional_id: Option<&str>,
    parts: Parts<'_>,
) -> Vec<u8> {
    let topic_data = parts
        .iter()
        .map(|(name, partitions)| ProduceRequestTopicData {
            name: run.topic(name).into(),
            topic_id: Uuid(id_named(&run.topic(name))),
            partition_data: partitions
                .iter()
                .map(|(index, records)| ProduceRequestTopicDataPartitionData {
                    index: *index,
                    records: records.map(Into::into),
                })
                .collect(),
        });
    let request = ProduceRequest {
        transactional_id: transactional_id.map(Into::into),
        acks,
        timeout_ms: 10_000,
        topic_data: topic_data.collect(),
    };
    let mut body = Vec::new();
    request.encode(&mut body, version);
    body
}

/// A Produce with acks=all of these records to partition 0 of this topic.
pub fn produce(
    run: &Run,
    label: impl Into<String>,
    version: i16,
    topic: &str,
    records: &[u8],
) -> Step {
    let body = produce_body(run, version, -1, None, &[(topic, &[(0, Some(records))])]);
    Step::ask(label, PRODUCE, version, &body)
}

/// A request of a flexible version with tagged fields that nobody knows, whole and cut; none for other versions.
pub fn tagged(api_key: i16, version: i16, body: &[u8]) -> Vec<Step> {
    if !is_flexible(api_key, version) {
        return Vec::new();
    }
    let ends = |label: &str, tags: &[u8]| {
        let (_, before) = body
            .split_last()
            .expect("a body ends with its count of tags");
        Step::ask(label, api_key, version, &[before, tags].concat())
    };
    let heads = |label: &str, tags: &[u8]| {
        let mut frame = Vec::new();
        let header = RequestHeader {
            api_key,
            api_version: version,
            correlation_id: 78,
            client_id: Some("wire".into()),
        };
        header.encode(&mut frame);
        frame.pop();
        Step::raw(label, api_key, version, [&frame, tags, body].concat())
    };
    vec![
        ends("an unknown tag", &[1, 99, 2, 0xaa, 0xbb]),
        ends("two unknown tags, falling", &[2, 99, 1, 0xaa, 98, 1, 0xbb]),
        ends("an unknown tag, cut", &[1, 99, 9, 0xaa]),
        ends("no tags", &[]),
        heads("an unknown tag in the header", &[1, 99, 2, 0xaa, 0xbb]),
        heads("an unknown tag in the header, cut", &[1, 99, 100, 0xaa]),
    ]
}

/// A partition of a Fetch from this offset.
pub fn from(partition: i32, fetch_offset: i64) -> FetchRequestTopicPartition {
    FetchRequestTopicPartition {
        partition,
        fetch_offset,
        partition_max_bytes: 1 << 20,
        ..FetchRequestTopicPartition::default()
    }
}

/// A Fetch of these topics that does not wait.
pub fn fetch_request<'a>(run: &Run, topics: FetchParts<'_>) -> FetchRequest<'a> {
    FetchRequest {
        replica_id: -1,
        max_bytes: 50 << 20,
        topics: topics
            .iter()
            .map(|(name, partitions)| FetchRequestTopic {
                topic: run.topic(name).into(),
                topic_id: Uuid(id_named(&run.topic(name))),
                partitions: partitions.to_vec(),
            })
            .collect(),
        ..FetchRequest::default()
    }
}

/// That request as a step.
pub fn fetch(label: impl Into<String>, version: i16, request: &FetchRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, FETCH, version, &body)
}

/// All of one partition.
pub fn fetch_all(
    run: &Run,
    label: impl Into<String>,
    version: i16,
    topic: &str,
    partition: i32,
) -> Step {
    fetch(
        label,
        version,
        &fetch_request(run, &[(topic, &[from(partition, 0)])]),
    )
}

/// A partition of a ListOffsets.
pub fn at(partition_index: i32, timestamp: i64) -> ListOffsetsRequestTopicPartition {
    ListOffsetsRequestTopicPartition {
        partition_index,
        current_leader_epoch: -1,
        timestamp,
    }
}

/// A ListOffsets of these topics.
pub fn offsets_request<'a>(run: &Run, topics: OffsetParts<'_>) -> ListOffsetsRequest<'a> {
    ListOffsetsRequest {
        replica_id: -1,
        topics: topics
            .iter()
            .map(|(name, partitions)| ListOffsetsRequestTopic {
                name: run.topic(name).into(),
                partitions: partitions.to_vec(),
            })
            .collect(),
        ..ListOffsetsRequest::default()
    }
}

/// That request as a step.
pub fn offsets(label: impl Into<String>, version: i16, request: &ListOffsetsRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, LIST_OFFSETS, version, &body)
}

/// Deletes a topic, and waits until it is gone.
pub fn delete(run: &Run, topic: &str) -> Step {
    let request = DeleteTopicsRequest {
        topic_names: vec![run.topic(topic).into()],
        timeout_ms: 30_000,
        ..DeleteTopicsRequest::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, 5);
    Step::ask(format!("{topic} is deleted"), 20, 5, &body).settles(&["error_code=0 "])
}

/// Makes a topic of one partition, and waits until it is led.
pub fn create(run: &Run, topic: &str) -> [Step; 2] {
    let request = CreateTopicsRequest {
        topics: vec![CreateTopicsRequestTopic {
            name: run.topic(topic).into(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreateTopicsRequestTopic::default()
        }],
        timeout_ms: 30_000,
        ..CreateTopicsRequest::default()
    };
    let mut body = Vec::new();
    request.encode(&mut body, 5);
    let led = offsets_request(run, &[(topic, &[at(0, -1)])]);
    [
        Step::ask(format!("{topic} is made"), 19, 5, &body).prepares(),
        offsets(format!("{topic} is led"), 1, &led).settles(&["error_code=3 ", "error_code=6 "]),
    ]
}
