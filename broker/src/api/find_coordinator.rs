//! FindCoordinator: there are no consumer groups or transactions yet, so no coordinator either; clients ask again.

use protocol::error_code::ErrorCode;
use protocol::messages::find_coordinator::{
    FindCoordinatorRequest, FindCoordinatorResponse, FindCoordinatorResponseCoordinator,
};

use super::{Handled, Reply, Request, reader};

/// Key types that can have a coordinator in these versions: 0 group, 1 transactional id.
const COORDINATED: std::ops::RangeInclusive<i8> = 0..=1;
/// Key type of share partitions, known from version 6 on.
const SHARE: i8 = 2;

/// Answers that no coordinator is available.
pub fn handle(request: &Request) -> Handled {
    let asked = FindCoordinatorRequest::decode(&mut reader(request), request.version)?;
    let (error, message) = if COORDINATED.contains(&asked.key_type) {
        (
            ErrorCode::CoordinatorNotAvailable,
            "The coordinator is not available.",
        )
    } else {
        (ErrorCode::InvalidRequest, "Unknown coordinator key type.")
    };
    // In a batch Kafka has a text only for types that it does not know at all.
    let known = COORDINATED.contains(&asked.key_type) || asked.key_type == SHARE;
    let message_of_key = if known { "" } else { message };
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
            error_message: Some(message_of_key.into()),
        })
        .collect();
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
