//! DescribeAcls (KIP-140): there is no authorizer, so there is nothing to tell.

use protocol::error_code::ErrorCode;
use protocol::messages::describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
use protocol::primitives::{DecodeError, Problem};

use super::{Handled, Reply, Request, reader};

/// Stands in a filter for what its sender could not name.
const UNKNOWN: i8 = 0;

/// Refuses, in the words of a Kafka without an authorizer. A filter that filters for nothing is no request, as in Kafka.
pub fn handle(request: &Request) -> Handled {
    let asked = DescribeAclsRequest::decode(&mut reader(request), request.version)?;
    let filters = [
        ("resource_type_filter", asked.resource_type_filter),
        ("pattern_type_filter", asked.pattern_type_filter),
        ("operation", asked.operation),
        ("permission_type", asked.permission_type),
    ];
    if let Some((field, _)) = filters.iter().find(|(_, value)| *value == UNKNOWN) {
        return Err(DecodeError {
            field,
            problem: Problem::Null,
        });
    }
    let response = DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some("No Authorizer is configured on the broker".into()),
        ..DescribeAclsResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
