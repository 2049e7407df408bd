//! Kafka's messages, generated from `schema/kafka/`: one module an API. Decoders borrow; encoders append to a buffer.

#[rustfmt::skip]
pub mod api_versions;
#[rustfmt::skip]
pub mod create_topics;
#[rustfmt::skip]
pub mod delete_topics;
#[rustfmt::skip]
pub mod describe_configs;
#[rustfmt::skip]
pub mod fetch;
#[rustfmt::skip]
pub mod find_coordinator;
#[rustfmt::skip]
pub mod init_producer_id;
#[rustfmt::skip]
pub mod list_offsets;
#[rustfmt::skip]
pub mod metadata;
#[rustfmt::skip]
pub mod produce;

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
    api_versions ApiVersionsRequest ApiVersionsResponse,
    create_topics CreateTopicsRequest CreateTopicsResponse,
    delete_topics DeleteTopicsRequest DeleteTopicsResponse,
    describe_configs DescribeConfigsRequest DescribeConfigsResponse,
    fetch FetchRequest FetchResponse,
    find_coordinator FindCoordinatorRequest FindCoordinatorResponse,
    init_producer_id InitProducerIdRequest InitProducerIdResponse,
    list_offsets ListOffsetsRequest ListOffsetsResponse,
    metadata MetadataRequest MetadataResponse,
    produce ProduceRequest ProduceResponse,
}
