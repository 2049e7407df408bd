//! Heartbeat (KIP-345): a member of a group is alive.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use super::groups::{self, group_error_code};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{GroupError, GroupRequest, MemberRef};
use crate::router::Router;

/// Answers whether the member may go on, and with what it must do if not.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = HeartbeatRequest::decode(&mut reader(request), request.version)?;
    let member = MemberRef {
        member_id: asked.member_id.into_owned(),
        group_instance_id: asked.group_instance_id.map(Into::into),
        generation_id: asked.generation_id,
    };
    let beat = GroupRequest::Heartbeat(member);
    let error = match groups::ask(router, &asked.group_id, beat).await {
        // What a group that is still read from the log has to say will be said at the next heartbeat.
        Ok(_) | Err(GroupError::Loading) => ErrorCode::None,
        Err(error) => group_error_code(&error),
    };
    let response = HeartbeatResponse {
        throttle_time_ms: 0,
        error_code: error.code(),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
