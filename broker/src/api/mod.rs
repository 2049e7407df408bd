//! THE table of what is served: API, versions, handler. Turns operating errors into Kafka's codes; nothing below does.
//! One file a request. Never touches a socket or a file.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use protocol::api_key::ApiKey;
use protocol::error_code::ErrorCode;
use protocol::header::{RequestHeader, put_response_header};
use protocol::primitives::{DecodeError, Reader};

use crate::io::buffer::Slice;
use crate::router::Router;
use crate::shard::ReadFailure;

pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod api_versions;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_acls;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_quorum;
pub mod describe_topic_partitions;
mod distinct;
pub mod elect_leaders;
pub mod fetch;
pub mod find_coordinator;
mod groups;
pub mod heartbeat;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
mod nodes;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
mod partition_results;
pub mod produce;
pub mod sync_group;

/// Client id that may write to internal topics, as in Kafka.
pub const INTERNAL_CLIENT: &str = "__admin_client";

/// What Kafka says of a request that cannot be, where it says no more.
pub const INVALID_REQUEST: &str = "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.";

/// One API as it is advertised.
#[derive(Debug, Clone, Copy)]
pub struct Served {
    /// Which.
    pub key: ApiKey,
    /// Lowest version advertised.
    pub min: i16,
    /// Highest version.
    pub max: i16,
}

const fn served(key: ApiKey, min: i16, max: i16) -> Served {
    Served { key, min, max }
}

/// All of them, by number. Produce is advertised from 0 because librdkafka before 2.11 stops compressing otherwise
/// (KAFKA-18659), and accepted from 3.
pub const TABLE: [Served; 35] = [
    served(ApiKey::Produce, 0, 13),
    served(ApiKey::Fetch, 4, 18),
    served(ApiKey::ListOffsets, 1, 11),
    served(ApiKey::Metadata, 0, 13),
    served(ApiKey::OffsetCommit, 2, 10),
    served(ApiKey::OffsetFetch, 1, 10),
    served(ApiKey::FindCoordinator, 0, 6),
    served(ApiKey::JoinGroup, 0, 9),
    served(ApiKey::Heartbeat, 0, 4),
    served(ApiKey::LeaveGroup, 0, 5),
    served(ApiKey::SyncGroup, 0, 5),
    served(ApiKey::DescribeGroups, 0, 6),
    served(ApiKey::ListGroups, 0, 5),
    served(ApiKey::ApiVersions, 0, 4),
    served(ApiKey::CreateTopics, 2, 7),
    served(ApiKey::DeleteTopics, 1, 6),
    served(ApiKey::DeleteRecords, 0, 2),
    served(ApiKey::InitProducerId, 0, 4),
    served(ApiKey::OffsetForLeaderEpoch, 2, 4),
    served(ApiKey::DescribeAcls, 1, 3),
    served(ApiKey::DescribeConfigs, 1, 4),
    served(ApiKey::AlterConfigs, 0, 2),
    served(ApiKey::AlterReplicaLogDirs, 1, 2),
    served(ApiKey::DescribeLogDirs, 1, 5),
    served(ApiKey::CreatePartitions, 0, 3),
    served(ApiKey::DeleteGroups, 0, 2),
    served(ApiKey::ElectLeaders, 0, 2),
    served(ApiKey::IncrementalAlterConfigs, 0, 1),
    served(ApiKey::AlterPartitionReassignments, 0, 1),
    served(ApiKey::ListPartitionReassignments, 0, 0),
    served(ApiKey::OffsetDelete, 0, 0),
    served(ApiKey::DescribeQuorum, 0, 2),
    served(ApiKey::DescribeCluster, 0, 2),
    served(ApiKey::ListConfigResources, 0, 1),
    served(ApiKey::DescribeTopicPartitions, 0, 0),
];

/// A request as the connection cut it out.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which API.
    pub api_key: i16,
    /// Which version.
    pub version: i16,
    /// To be given back.
    pub correlation_id: i32,
    /// Whether the client is Kafka's own admin client for internal topics.
    pub internal_client: bool,
    /// Room for record bytes in the reply, so that slow readers bound what is held for them.
    pub reply_bytes_max: u64,
    /// What follows the header.
    pub body: Bytes,
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Its address.
    pub peer: IpAddr,
    /// The request's header.
    pub head: Bytes,
}

impl Sender {
    /// What the client calls itself; nothing is the empty name, as in Kafka.
    pub fn client_id(&self) -> String {
        let header = RequestHeader::decode(&self.head);
        let client_id = header.ok().and_then(|(header, _)| header.client_id);
        client_id.map_or_else(String::new, Cow::into_owned)
    }

    /// Where the client is, as Java prints an address without a name: `/10.0.0.7`.
    pub fn client_host(&self) -> String {
        match self.peer.to_canonical() {
            IpAddr::V4(address) => format!("/{address}"),
            IpAddr::V6(address) => {
                let parts = address.segments().map(|part| format!("{part:x}"));
                format!("/{}", parts.join(":"))
            }
        }
    }
}

impl Request {
    /// A buffer that begins with room for the length and this request's response header.
    pub fn response(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(&[0; 4]);
        put_response_header(&mut out, self.api_key, self.version, self.correlation_id);
        out
    }
}

/// A reply, ready to be sent.
#[derive(Debug, Default)]
pub struct Reply {
    /// In order; record bytes are where they were read or received.
    pub slices: Vec<Slice>,
}

impl Reply {
    /// The reply in `out`, which began as [`Request::response`]: fills in its length.
    pub fn whole(mut out: Vec<u8>) -> Self {
        let length = (out.len() - 4) as i32;
        out[..4].copy_from_slice(&length.to_be_bytes());
        Self {
            slices: vec![Slice::from(Bytes::from(out))],
        }
    }
}

/// What becomes of a request.
pub enum Answer {
    /// It is answered.
    Reply(Reply),
    /// The connection is closed, for this reason.
    Close(String),
}

/// A reply in its connection's ring.
pub enum Pending {
    /// Ready.
    Ready(Reply),
    /// Waits for commits.
    Produce(produce::PendingProduce),
}

impl Pending {
    /// Whether it may be sent.
    pub fn is_ready(&mut self, router: &Rc<Router>) -> bool {
        match self {
            Self::Ready(_) => true,
            Self::Produce(produce) => produce.is_ready(router),
        }
    }

    /// The reply, of no slices where none is due; only when it is ready. An error closes the connection.
    pub fn into_reply(self) -> Result<Reply, String> {
        match self {
            Self::Ready(reply) => Ok(reply),
            Self::Produce(produce) => produce.into_reply(),
        }
    }
}

/// Whether this request takes the overlapping way.
pub fn is_produce(request: &Request) -> bool {
    request.api_key == ApiKey::Produce.code() && (3..=13).contains(&request.version)
}

/// Serves any request but Produce.
pub async fn handle(router: &Rc<Router>, request: Request, sender: Sender) -> Answer {
    let Some(served) = TABLE
        .iter()
        .find(|served| served.key.code() == request.api_key)
    else {
        return Answer::Close(format!("unknown API {}", request.api_key));
    };
    if !(served.min..=served.max).contains(&request.version) {
        return match served.key {
            ApiKey::ApiVersions => Answer::Reply(api_versions::too_new(&request)),
            key => Answer::Close(format!(
                "unsupported version {} of {key:?}",
                request.version
            )),
        };
    }
    let Some(reply) = dispatch(router, &request, &sender, served.key).await else {
        return Answer::Close(format!(
            "unsupported version {} of {:?}",
            request.version, served.key
        ));
    };
    match reply {
        Ok(reply) => Answer::Reply(reply),
        Err(error) => Answer::Close(format!(
            "malformed {:?} v{}: {error}",
            served.key, request.version
        )),
    }
}

/// What the handler of this API says. `None` for Produce below version 3, which is advertised, and closes the connection, as
/// with Kafka.
async fn dispatch(
    router: &Rc<Router>,
    request: &Request,
    sender: &Sender,
    key: ApiKey,
) -> Option<Handled> {
    Some(match key {
        ApiKey::ApiVersions => api_versions::handle(request),
        ApiKey::Metadata => metadata::handle(router, request).await,
        ApiKey::Fetch => fetch::handle(router, request).await,
        ApiKey::ListOffsets => list_offsets::handle(router, request).await,
        ApiKey::OffsetForLeaderEpoch => offset_for_leader_epoch::handle(router, request).await,
        ApiKey::InitProducerId => init_producer_id::handle(router, request).await,
        ApiKey::CreateTopics => create_topics::handle(router, request).await,
        ApiKey::DeleteTopics => delete_topics::handle(router, request).await,
        ApiKey::DescribeConfigs => describe_configs::handle(router, request),
        ApiKey::FindCoordinator => find_coordinator::handle(router, request).await,
        ApiKey::JoinGroup => join_group::handle(router, request, sender).await,
        ApiKey::SyncGroup => sync_group::handle(router, request).await,
        ApiKey::Heartbeat => heartbeat::handle(router, request).await,
        ApiKey::LeaveGroup => leave_group::handle(router, request).await,
        ApiKey::OffsetCommit => offset_commit::handle(router, request).await,
        ApiKey::OffsetFetch => offset_fetch::handle(router, request).await,
        ApiKey::OffsetDelete => offset_delete::handle(router, request).await,
        ApiKey::DescribeGroups => describe_groups::handle(router, request).await,
        ApiKey::ListGroups => list_groups::handle(router, request).await,
        ApiKey::DeleteGroups => delete_groups::handle(router, request).await,
        ApiKey::CreatePartitions => create_partitions::handle(router, request).await,
        ApiKey::DeleteRecords => delete_records::handle(router, request).await,
        ApiKey::AlterConfigs => alter_configs::handle(router, request).await,
        ApiKey::IncrementalAlterConfigs => alter_configs::handle_incremental(router, request).await,
        ApiKey::ListConfigResources => list_config_resources::handle(router, request),
        ApiKey::DescribeCluster => describe_cluster::handle(router, request),
        ApiKey::DescribeLogDirs => describe_log_dirs::handle(router, request).await,
        ApiKey::DescribeTopicPartitions => describe_topic_partitions::handle(router, request).await,
        ApiKey::DescribeQuorum => describe_quorum::handle(router, request).await,
        ApiKey::ElectLeaders => elect_leaders::handle(router, request),
        ApiKey::AlterReplicaLogDirs => alter_replica_log_dirs::handle(router, request),
        ApiKey::AlterPartitionReassignments => {
            alter_partition_reassignments::handle(router, request)
        }
        ApiKey::ListPartitionReassignments => list_partition_reassignments::handle(request),
        ApiKey::DescribeAcls => describe_acls::handle(request),
        _ => return None,
    })
}

/// A reader over the body of `request`.
pub fn reader(request: &Request) -> Reader<'_> {
    Reader::new(&request.body)
}

/// What a handler gives back.
pub type Handled = Result<Reply, DecodeError>;

/// Kafka's code for a read or an offset look-up that failed.
pub fn read_failure_code(failure: ReadFailure) -> ErrorCode {
    match failure {
        ReadFailure::Unknown => ErrorCode::UnknownTopicOrPartition,
        ReadFailure::UnknownTopicId => ErrorCode::UnknownTopicId,
        ReadFailure::InconsistentTopicId => ErrorCode::InconsistentTopicId,
        ReadFailure::NotLeader => ErrorCode::NotLeaderOrFollower,
        ReadFailure::Invalid => ErrorCode::InvalidRequest,
        ReadFailure::OffsetOutOfRange => ErrorCode::OffsetOutOfRange,
        ReadFailure::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
        ReadFailure::UnknownLeaderEpoch => ErrorCode::UnknownLeaderEpoch,
        ReadFailure::Storage => ErrorCode::KafkaStorageError,
    }
}
