//! Kafka's messages, generated from `schema/kafka/`: one module an API. Decoders borrow; encoders append to a buffer.

#[rustfmt::skip]
pub mod alter_configs;
#[rustfmt::skip]
pub mod alter_partition_reassignments;
#[rustfmt::skip]
pub mod alter_replica_log_dirs;
#[rustfmt::skip]
pub mod api_versions;
#[rustfmt::skip]
pub mod create_partitions;
#[rustfmt::skip]
pub mod create_topics;
#[rustfmt::skip]
pub mod delete_groups;
#[rustfmt::skip]
pub mod delete_records;
#[rustfmt::skip]
pub mod delete_topics;
#[rustfmt::skip]
pub mod describe_acls;
#[rustfmt::skip]
pub mod describe_cluster;
#[rustfmt::skip]
pub mod describe_configs;
#[rustfmt::skip]
pub mod describe_groups;
#[rustfmt::skip]
pub mod describe_log_dirs;
#[rustfmt::skip]
pub mod describe_quorum;
#[rustfmt::skip]
pub mod describe_topic_partitions;
#[rustfmt::skip]
pub mod elect_leaders;
#[rustfmt::skip]
pub mod fetch;
#[rustfmt::skip]
pub mod find_coordinator;
#[rustfmt::skip]
pub mod heartbeat;
#[rustfmt::skip]
pub mod incremental_alter_configs;
#[rustfmt::skip]
pub mod init_producer_id;
#[rustfmt::skip]
pub mod join_group;
#[rustfmt::skip]
pub mod leave_group;
#[rustfmt::skip]
pub mod list_config_resources;
#[rustfmt::skip]
pub mod list_groups;
#[rustfmt::skip]
pub mod list_offsets;
#[rustfmt::skip]
pub mod list_partition_reassignments;
#[rustfmt::skip]
pub mod metadata;
#[rustfmt::skip]
pub mod offset_commit;
#[rustfmt::skip]
pub mod offset_delete;
#[rustfmt::skip]
pub mod offset_fetch;
#[rustfmt::skip]
pub mod offset_for_leader_epoch;
#[rustfmt::skip]
pub mod produce;
#[rustfmt::skip]
pub mod sync_group;

use crate::primitives::{DecodeError, Problem, Reader};

macro_rules! apis {
    ($($module:ident $request:ident $response:ident,)*) => {
        /// First flexible version of an API that has a schema here (KIP-482).
        pub fn flexible_from(api_key: i16) -> Option<i16> {
            match api_key {
                $($module::KEY => Some($module::FLEXIBLE),)*
                _ => None,
            }
        }

        /// The APIs that have a schema here, by name, with the versions it covers.
        pub fn covered() -> impl Iterator<Item = (i16, std::ops::RangeInclusive<i16>)> {
            [$(($module::KEY, $module::VERSION_MIN..=$module::VERSION_MAX),)*].into_iter()
        }

        /// Decodes a request body and encodes it again: for tests and fuzzing. What follows the body is ignored.
        pub fn recode_request(api_key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, DecodeError> {
            let mut out = Vec::new();
            match api_key {
                $($module::KEY if ($module::VERSION_MIN..=$module::VERSION_MAX).contains(&version) => {
                    $module::$request::decode(&mut Reader::new(body), version)?.encode(&mut out, version);
                })*
                _ => return Err(DecodeError { field: "version", problem: Problem::Version }),
            }
            Ok(out)
        }

        /// Decodes a response body and encodes it again.
        pub fn recode_response(api_key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, DecodeError> {
            let mut out = Vec::new();
            match api_key {
                $($module::KEY if ($module::VERSION_MIN..=$module::VERSION_MAX).contains(&version) => {
                    $module::$response::decode(&mut Reader::new(body), version)?.encode(&mut out, version);
                })*
                _ => return Err(DecodeError { field: "version", problem: Problem::Version }),
            }
            Ok(out)
        }
    };
}

apis! {
    alter_configs AlterConfigsRequest AlterConfigsResponse,
    alter_partition_reassignments AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse,
    alter_replica_log_dirs AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse,
    api_versions ApiVersionsRequest ApiVersionsResponse,
    create_partitions CreatePartitionsRequest CreatePartitionsResponse,
    create_topics CreateTopicsRequest CreateTopicsResponse,
    delete_groups DeleteGroupsRequest DeleteGroupsResponse,
    delete_records DeleteRecordsRequest DeleteRecordsResponse,
    delete_topics DeleteTopicsRequest DeleteTopicsResponse,
    describe_acls DescribeAclsRequest DescribeAclsResponse,
    describe_cluster DescribeClusterRequest DescribeClusterResponse,
    describe_configs DescribeConfigsRequest DescribeConfigsResponse,
    describe_groups DescribeGroupsRequest DescribeGroupsResponse,
    describe_log_dirs DescribeLogDirsRequest DescribeLogDirsResponse,
    describe_quorum DescribeQuorumRequest DescribeQuorumResponse,
    describe_topic_partitions DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse,
    elect_leaders ElectLeadersRequest ElectLeadersResponse,
    fetch FetchRequest FetchResponse,
    find_coordinator FindCoordinatorRequest FindCoordinatorResponse,
    heartbeat HeartbeatRequest HeartbeatResponse,
    incremental_alter_configs IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse,
    init_producer_id InitProducerIdRequest InitProducerIdResponse,
    join_group JoinGroupRequest JoinGroupResponse,
    leave_group LeaveGroupRequest LeaveGroupResponse,
    list_config_resources ListConfigResourcesRequest ListConfigResourcesResponse,
    list_groups ListGroupsRequest ListGroupsResponse,
    list_offsets ListOffsetsRequest ListOffsetsResponse,
    list_partition_reassignments ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse,
    metadata MetadataRequest MetadataResponse,
    offset_commit OffsetCommitRequest OffsetCommitResponse,
    offset_delete OffsetDeleteRequest OffsetDeleteResponse,
    offset_fetch OffsetFetchRequest OffsetFetchResponse,
    offset_for_leader_epoch OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
    produce ProduceRequest ProduceResponse,
    sync_group SyncGroupRequest SyncGroupResponse,
}
