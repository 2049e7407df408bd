//! THE table of what is served: API, versions, handler. Turns operating errors into Kafka's codes; nothing below does.
//! One file a request. Never touches a socket or a file.

use std::rc::Rc;

use bytes::Bytes;
use protocol::api_key::ApiKey;
use protocol::error_code::ErrorCode;
use protocol::header::put_response_header;
use protocol::primitives::{DecodeError, Reader};

use crate::io::buffer::Slice;
use crate::router::Router;
use crate::shard::ReadFailure;

pub mod api_versions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_configs;
mod distinct;
pub mod fetch;
pub mod find_coordinator;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod produce;

/// Client id that may write to internal topics, as in Kafka.
pub const INTERNAL_CLIENT: &str = "__admin_client";

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
pub const TABLE: [Served; 10] = [
    served(ApiKey::Produce, 0, 9),
    served(ApiKey::Fetch, 4, 12),
    served(ApiKey::ListOffsets, 1, 8),
    served(ApiKey::Metadata, 0, 12),
    served(ApiKey::FindCoordinator, 0, 5),
    served(ApiKey::ApiVersions, 0, 4),
    served(ApiKey::CreateTopics, 2, 7),
    served(ApiKey::DeleteTopics, 1, 6),
    served(ApiKey::InitProducerId, 0, 4),
    served(ApiKey::DescribeConfigs, 1, 4),
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
    request.api_key == ApiKey::Produce.code() && (3..=9).contains(&request.version)
}

/// Serves any request but Produce.
pub async fn handle(router: &Rc<Router>, request: Request) -> Answer {
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
    let reply = match served.key {
        ApiKey::ApiVersions => api_versions::handle(&request),
        ApiKey::Metadata => metadata::handle(router, &request).await,
        ApiKey::Fetch => fetch::handle(router, &request).await,
        ApiKey::ListOffsets => list_offsets::handle(router, &request).await,
        ApiKey::InitProducerId => init_producer_id::handle(router, &request).await,
        ApiKey::CreateTopics => create_topics::handle(router, &request).await,
        ApiKey::DeleteTopics => delete_topics::handle(router, &request).await,
        ApiKey::DescribeConfigs => describe_configs::handle(router, &request),
        ApiKey::FindCoordinator => find_coordinator::handle(&request),
        // Produce below version 3 is advertised, and closes the connection, as with Kafka.
        key => {
            let version = request.version;
            return Answer::Close(format!("unsupported version {version} of {key:?}"));
        }
    };
    match reply {
        Ok(reply) => Answer::Reply(reply),
        Err(error) => Answer::Close(format!(
            "malformed {:?} v{}: {error}",
            served.key, request.version
        )),
    }
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
        ReadFailure::NotLeader => ErrorCode::NotLeaderOrFollower,
        ReadFailure::Invalid => ErrorCode::InvalidRequest,
        ReadFailure::OffsetOutOfRange => ErrorCode::OffsetOutOfRange,
        ReadFailure::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
        ReadFailure::UnknownLeaderEpoch => ErrorCode::UnknownLeaderEpoch,
        ReadFailure::Storage => ErrorCode::KafkaStorageError,
    }
}
