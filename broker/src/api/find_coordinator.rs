//! FindCoordinator: there are no consumer groups or transactions yet, so no coordinator either; clients ask again.

use protocol::error_code::ErrorCode;
use protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse, FindCoordinatorResponseCoordinator,
};

use super::{Handled, Reply, Request, reader};

/// Highest key type: 0 group, 1 transactional id.
const KEY_TYPE_MAX: i8 = 1;

/// Answers that no coordinator is available.
pub fn handle(request: &Request) -> Handled {
    let asked = FindCoordinatorRequest::decode(&mut reader(request), request.version)?;
    let (error, message) = if (0..=KEY_TYPE_MAX).contains(&asked.key_type) {
        (
            ErrorCode::CoordinatorNotAvailable,
            "The coordinator is not available.",
        )
    } else {
        (ErrorCode::InvalidRequest, "Unknown coordinator key type.")
    };
    let mut response = FindCoordinatorResponse {
        error_code: error.code(),
        error_message: Some(message.into()),
        node_id: -1,
        port: -1,
        ..FindCoordinatorResponse::default()
    };
    response.coordinators = asked
        .coordinator_keys
        .iter()
        .map(|key| FindCoordinatorResponseCoordinator {
            key: key.clone(),
            node_id: -1,
            host: "".into(),
            port: -1,
            error_code: error.code(),
            error_message: Some(message.into()),
        })
        .collect();
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
