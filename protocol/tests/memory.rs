//! Decoding takes memory in proportion to the message's own bytes, whatever its counts say: arrays of the smallest
//! elements there can be, nested in every way, for every message and version.

#![allow(clippy::unwrap_used, clippy::needless_update, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use protocol::messages::*;
use protocol::primitives::{
    DECODED_BYTES_FREE, DECODED_BYTES_MAX, DECODED_BYTES_PER_BYTE, DecodeError, Problem, Reader,
};

/// Counts the bytes that are allocated, and the most there ever were.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = ALLOCATED.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Decodes `bytes` and gives what came of it with the most memory that took.
fn decoded(bytes: &[u8], version: i16, decode: Decode) -> (Result<(), DecodeError>, usize) {
    let before = ALLOCATED.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = decode(&mut Reader::new(bytes), version);
    (result, PEAK.load(Relaxed) - before)
}

type Decode = fn(&mut Reader<'_>, i16) -> Result<(), DecodeError>;

/// A message: its versions, how it is decoded, and one of `outer` times `inner` of its smallest elements.
struct Message {
    name: &'static str,
    versions: std::ops::RangeInclusive<i16>,
    decode: Decode,
    encode: fn(usize, usize, i16) -> Vec<u8>,
}

macro_rules! message {
    ($module:ident $kind:ident, |$outer:ident, $inner:ident| $value:expr) => {
        Message {
            name: stringify!($kind),
            versions: $module::VERSION_MIN..=$module::VERSION_MAX,
            decode: |reader, version| $module::$kind::decode(reader, version).map(drop),
            encode: |$outer, $inner, version| {
                use $module::*;
                let mut out = Vec::new();
                $value.encode(&mut out, version);
                out
            },
        }
    };
}

/// `count` elements of `$kind`, with `$field` as given and all else at its default.
macro_rules! many {
    ($count:expr, $kind:ident { $($field:ident: $value:expr),* }) => {
        vec![$kind { $($field: $value,)* ..$kind::default() }; $count]
    };
}

fn requests() -> Vec<Message> {
    let all = [data_requests(), group_requests(), admin_requests()];
    all.into_iter().flatten().collect()
}

fn data_requests() -> Vec<Message> {
    vec![
        message!(fetch FetchRequest, |outer, inner| FetchRequest {
            topics: many!(outer, FetchRequestTopic {
                partitions: many!(inner, FetchRequestTopicPartition {})
            }),
            forgotten_topics_data: many!(outer, FetchRequestForgottenTopic {
                partitions: vec![0; inner]
            }),
            ..Default::default()
        }),
        message!(list_offsets ListOffsetsRequest, |outer, inner| ListOffsetsRequest {
            topics: many!(outer, ListOffsetsRequestTopic {
                partitions: many!(inner, ListOffsetsRequestTopicPartition {})
            }),
            ..Default::default()
        }),
        message!(metadata MetadataRequest, |outer, inner| MetadataRequest {
            topics: Some(many!(outer * inner, MetadataRequestTopic { name: Some("".into()) })),
            ..Default::default()
        }),
        message!(produce ProduceRequest, |outer, inner| ProduceRequest {
            topic_data: many!(outer, ProduceRequestTopicData {
                partition_data: many!(inner, ProduceRequestTopicDataPartitionData {})
            }),
            ..Default::default()
        }),
        message!(init_producer_id InitProducerIdRequest, |_outer, _inner| InitProducerIdRequest::default()),
        message!(delete_records DeleteRecordsRequest, |outer, inner| DeleteRecordsRequest {
            topics: many!(outer, DeleteRecordsRequestTopic {
                partitions: many!(inner, DeleteRecordsRequestTopicPartition {})
            }),
            ..Default::default()
        }),
        message!(offset_for_leader_epoch OffsetForLeaderEpochRequest, |outer, inner| OffsetForLeaderEpochRequest {
            topics: many!(outer, OffsetForLeaderEpochRequestTopic {
                partitions: many!(inner, OffsetForLeaderEpochRequestTopicPartition {})
            }),
            ..Default::default()
        }),
    ]
}

fn group_requests() -> Vec<Message> {
    vec![
        message!(find_coordinator FindCoordinatorRequest, |outer, inner| FindCoordinatorRequest {
            coordinator_keys: vec!["".into(); outer * inner],
            ..Default::default()
        }),
        message!(delete_groups DeleteGroupsRequest, |outer, inner| DeleteGroupsRequest {
            groups_names: vec!["".into(); outer * inner],
            ..Default::default()
        }),
        message!(describe_groups DescribeGroupsRequest, |outer, inner| DescribeGroupsRequest {
            groups: vec!["".into(); outer * inner],
            ..Default::default()
        }),
        message!(join_group JoinGroupRequest, |outer, inner| JoinGroupRequest {
            protocols: many!(outer * inner, JoinGroupRequestProtocol {}),
            ..Default::default()
        }),
        message!(leave_group LeaveGroupRequest, |outer, inner| LeaveGroupRequest {
            members: many!(outer * inner, LeaveGroupRequestMember {}),
            ..Default::default()
        }),
        message!(list_groups ListGroupsRequest, |outer, inner| ListGroupsRequest {
            states_filter: vec!["".into(); outer],
            types_filter: vec!["".into(); inner],
            ..Default::default()
        }),
        message!(offset_commit OffsetCommitRequest, |outer, inner| OffsetCommitRequest {
            topics: many!(outer, OffsetCommitRequestTopic {
                partitions: many!(inner, OffsetCommitRequestTopicPartition {})
            }),
            ..Default::default()
        }),
        message!(offset_delete OffsetDeleteRequest, |outer, inner| OffsetDeleteRequest {
            topics: many!(outer, OffsetDeleteRequestTopic {
                partitions: many!(inner, OffsetDeleteRequestTopicPartition {})
            }),
            ..Default::default()
        }),
        message!(offset_fetch OffsetFetchRequest, |outer, inner| OffsetFetchRequest {
            topics: Some(many!(outer, OffsetFetchRequestTopic { partition_indexes: vec![0; inner] })),
            groups: many!(outer, OffsetFetchRequestGroup {
                topics: Some(many!(inner, OffsetFetchRequestGroupTopic { partition_indexes: vec![0] }))
            }),
            ..Default::default()
        }),
        message!(sync_group SyncGroupRequest, |outer, inner| SyncGroupRequest {
            assignments: many!(outer * inner, SyncGroupRequestAssignment {}),
            ..Default::default()
        }),
        message!(heartbeat HeartbeatRequest, |_outer, _inner| HeartbeatRequest::default()),
    ]
}

fn admin_requests() -> Vec<Message> {
    vec![
        message!(create_topics CreateTopicsRequest, |outer, inner| CreateTopicsRequest {
            topics: many!(outer, CreateTopicsRequestTopic {
                assignments: many!(inner, CreateTopicsRequestTopicAssignment { broker_ids: vec![1] }),
                configs: many!(inner, CreateTopicsRequestTopicConfig {})
            }),
            ..Default::default()
        }),
        message!(delete_topics DeleteTopicsRequest, |outer, inner| DeleteTopicsRequest {
            topics: many!(outer, DeleteTopicsRequestTopic {}),
            topic_names: vec!["".into(); outer * inner],
            ..Default::default()
        }),
        message!(describe_configs DescribeConfigsRequest, |outer, inner| DescribeConfigsRequest {
            resources: many!(outer, DescribeConfigsRequestResource {
                configuration_keys: Some(vec!["".into(); inner])
            }),
            ..Default::default()
        }),
        message!(alter_configs AlterConfigsRequest, |outer, inner| AlterConfigsRequest {
            resources: many!(outer, AlterConfigsRequestResource {
                configs: many!(inner, AlterConfigsRequestResourceConfig {})
            }),
            ..Default::default()
        }),
        message!(alter_partition_reassignments AlterPartitionReassignmentsRequest, |outer, inner| AlterPartitionReassignmentsRequest {
            topics: many!(outer, AlterPartitionReassignmentsRequestTopic {
                partitions: many!(inner, AlterPartitionReassignmentsRequestTopicPartition { replicas: Some(vec![1]) })
            }),
            ..Default::default()
        }),
        message!(alter_replica_log_dirs AlterReplicaLogDirsRequest, |outer, inner| AlterReplicaLogDirsRequest {
            dirs: many!(outer, AlterReplicaLogDirsRequestDir {
                topics: many!(inner, AlterReplicaLogDirsRequestDirTopic { partitions: vec![0] })
            })
        }),
        message!(create_partitions CreatePartitionsRequest, |outer, inner| CreatePartitionsRequest {
            topics: many!(outer, CreatePartitionsRequestTopic {
                assignments: Some(many!(inner, CreatePartitionsRequestTopicAssignment { broker_ids: vec![1] }))
            }),
            ..Default::default()
        }),
        message!(describe_log_dirs DescribeLogDirsRequest, |outer, inner| DescribeLogDirsRequest {
            topics: Some(many!(outer, DescribeLogDirsRequestTopic { partitions: vec![0; inner] })),
            ..Default::default()
        }),
        message!(describe_quorum DescribeQuorumRequest, |outer, inner| DescribeQuorumRequest {
            topics: many!(outer, DescribeQuorumRequestTopic {
                partitions: many!(inner, DescribeQuorumRequestTopicPartition {})
            })
        }),
        message!(describe_topic_partitions DescribeTopicPartitionsRequest, |outer, inner| DescribeTopicPartitionsRequest {
            topics: many!(outer * inner, DescribeTopicPartitionsRequestTopic {}),
            cursor: Some(DescribeTopicPartitionsRequestCursor::default()),
            ..Default::default()
        }),
        message!(elect_leaders ElectLeadersRequest, |outer, inner| ElectLeadersRequest {
            topic_partitions: Some(many!(outer, ElectLeadersRequestTopic { partitions: vec![0; inner] })),
            ..Default::default()
        }),
        message!(incremental_alter_configs IncrementalAlterConfigsRequest, |outer, inner| IncrementalAlterConfigsRequest {
            resources: many!(outer, IncrementalAlterConfigsRequestResource {
                configs: many!(inner, IncrementalAlterConfigsRequestResourceConfig {})
            }),
            ..Default::default()
        }),
        message!(list_config_resources ListConfigResourcesRequest, |outer, inner| ListConfigResourcesRequest {
            resource_types: vec![0; outer * inner],
            ..Default::default()
        }),
        message!(list_partition_reassignments ListPartitionReassignmentsRequest, |outer, inner| ListPartitionReassignmentsRequest {
            topics: Some(many!(outer, ListPartitionReassignmentsRequestTopic { partition_indexes: vec![0; inner] })),
            ..Default::default()
        }),
        message!(describe_acls DescribeAclsRequest, |_outer, _inner| DescribeAclsRequest::default()),
        message!(describe_cluster DescribeClusterRequest, |_outer, _inner| DescribeClusterRequest::default()),
    ]
}

fn responses() -> Vec<Message> {
    vec![
        message!(api_versions ApiVersionsResponse, |outer, inner| ApiVersionsResponse {
            api_keys: many!(outer * inner, ApiVersionsResponseApi {}),
            supported_features: many!(outer, ApiVersionsResponseSupportedFeature {}),
            ..Default::default()
        }),
        message!(create_topics CreateTopicsResponse, |outer, inner| CreateTopicsResponse {
            topics: many!(outer, CreateTopicsResponseTopic {
                configs: Some(many!(inner, CreateTopicsResponseTopicConfig {}))
            }),
            ..Default::default()
        }),
        message!(describe_configs DescribeConfigsResponse, |outer, inner| DescribeConfigsResponse {
            results: many!(outer, DescribeConfigsResponseResult {
                configs: many!(inner, DescribeConfigsResponseResultConfig {
                    synonyms: many!(inner, DescribeConfigsResponseResultConfigSynonym {})
                })
            }),
            ..Default::default()
        }),
        message!(fetch FetchResponse, |outer, inner| FetchResponse {
            responses: many!(outer, FetchResponseTopicResponse {
                partitions: many!(inner, FetchResponseTopicResponsePartitionData {})
            }),
            ..Default::default()
        }),
        message!(metadata MetadataResponse, |outer, inner| MetadataResponse {
            brokers: many!(outer, MetadataResponseBroker {}),
            topics: many!(outer, MetadataResponseTopic {
                name: Some("".into()),
                partitions: many!(inner, MetadataResponseTopicPartition {
                    replica_nodes: vec![1],
                    isr_nodes: vec![1]
                })
            }),
            ..Default::default()
        }),
        message!(describe_groups DescribeGroupsResponse, |outer, inner| DescribeGroupsResponse {
            groups: many!(outer, DescribeGroupsResponseGroup {
                members: many!(inner, DescribeGroupsResponseGroupMember {})
            }),
            ..Default::default()
        }),
        message!(describe_topic_partitions DescribeTopicPartitionsResponse, |outer, inner| DescribeTopicPartitionsResponse {
            topics: many!(outer, DescribeTopicPartitionsResponseTopic {
                partitions: many!(inner, DescribeTopicPartitionsResponseTopicPartition { replica_nodes: vec![1] })
            }),
            ..Default::default()
        }),
        message!(join_group JoinGroupResponse, |outer, inner| JoinGroupResponse {
            members: many!(outer * inner, JoinGroupResponseMember {}),
            ..Default::default()
        }),
        message!(offset_fetch OffsetFetchResponse, |outer, inner| OffsetFetchResponse {
            topics: many!(outer, OffsetFetchResponseTopic {
                partitions: many!(inner, OffsetFetchResponseTopicPartition {})
            }),
            groups: many!(outer, OffsetFetchResponseGroup {
                topics: many!(inner, OffsetFetchResponseGroupTopic {})
            }),
            ..Default::default()
        }),
        message!(list_groups ListGroupsResponse, |outer, inner| ListGroupsResponse {
            groups: many!(outer * inner, ListGroupsResponseGroup {}),
            ..Default::default()
        }),
        message!(produce ProduceResponse, |outer, inner| ProduceResponse {
            responses: many!(outer, ProduceResponseTopicResponse {
                partition_responses: many!(inner, ProduceResponseTopicResponsePartitionResponse {})
            }),
            ..Default::default()
        }),
    ]
}

/// Shapes that hold many elements of few bytes, and the like of what clients send.
const SHAPES: [(usize, usize); 5] = [(3, 8_000), (90, 200), (8_000, 3), (25_000, 0), (16_000, 1)];

#[test]
fn decoding_takes_memory_in_proportion_to_the_message() {
    // ApiVersions asks with two texts.
    assert_eq!(requests().len() + 1, covered().count());
    for message in requests().iter().chain(&responses()) {
        for version in message.versions.clone() {
            for (outer, inner) in SHAPES {
                // Arrays three deep count the inner one twice.
                let inner = if message.name == "DescribeConfigsResponse" {
                    inner.min(100)
                } else {
                    inner
                };
                let bytes = (message.encode)(outer, inner, version);
                let (result, peak) = decoded(&bytes, version, message.decode);
                let bound = (bytes.len() * DECODED_BYTES_PER_BYTE + DECODED_BYTES_FREE)
                    .min(DECODED_BYTES_MAX);
                let what = format!(
                    "{} v{version}, {outer} x {inner}, {} bytes",
                    message.name,
                    bytes.len()
                );
                assert!(
                    peak <= bound,
                    "{what}: {peak} bytes of memory, {bound} allowed"
                );
                if let Err(error) = result {
                    assert_eq!(error.problem, Problem::Memory, "{what}: {error}");
                }
            }
        }
    }
    large_messages_of_the_usual_kind_decode();
}

/// What a client with very many topics sends and gets is not refused.
fn large_messages_of_the_usual_kind_decode() {
    let names: Vec<String> = (0..10_000).map(|number| format!("t-{number}")).collect();
    for version in create_topics::VERSION_MIN..=create_topics::VERSION_MAX {
        use create_topics::*;
        let request = CreateTopicsRequest {
            topics: names
                .iter()
                .map(|name| CreateTopicsRequestTopic {
                    name: name.as_str().into(),
                    assignments: many!(
                        3,
                        CreateTopicsRequestTopicAssignment {
                            broker_ids: vec![1, 2, 3]
                        }
                    ),
                    configs: many!(
                        1,
                        CreateTopicsRequestTopicConfig {
                            name: "retention.ms".into(),
                            value: Some("1000".into())
                        }
                    ),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        let mut out = Vec::new();
        request.encode(&mut out, version);
        assert_eq!(
            CreateTopicsRequest::decode(&mut Reader::new(&out), version),
            Ok(request)
        );
    }
    for version in metadata::VERSION_MIN..=metadata::VERSION_MAX {
        use metadata::*;
        let topics = names.iter().map(|name| MetadataRequestTopic {
            name: Some(name.as_str().into()),
            ..Default::default()
        });
        let request = MetadataRequest {
            topics: Some(topics.collect()),
            ..Default::default()
        };
        let mut out = Vec::new();
        request.encode(&mut out, version);
        let decoded = MetadataRequest::decode(&mut Reader::new(&out), version);
        assert_eq!(decoded.map(|decoded| decoded.topics), Ok(request.topics));
        let response = MetadataResponse {
            topics: names
                .iter()
                .map(|name| MetadataResponseTopic {
                    name: Some(name.as_str().into()),
                    partitions: many!(
                        3,
                        MetadataResponseTopicPartition {
                            replica_nodes: vec![1, 2, 3],
                            isr_nodes: vec![1]
                        }
                    ),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        };
        let mut out = Vec::new();
        response.encode(&mut out, version);
        assert!(
            MetadataResponse::decode(&mut Reader::new(&out), version).is_ok(),
            "version {version}"
        );
    }
}
