//! SyncGroup (KIP-345, KIP-559): the leader gives every member its part, each member takes its own.

use std::borrow::Cow;
use std::rc::Rc;

use bytes::Bytes;
use protocol::messages::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::groups::{self, group_error_code};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{GroupError, GroupReply, GroupRequest, MemberRef, SyncGroup};
use crate::router::Router;

/// Version from which a member must say what protocol it believes to be chosen.
const PROTOCOL_REQUIRED: i16 = 5;

/// Answers with the member's part. This may take until the leader has given it.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = SyncGroupRequest::decode(&mut reader(request), request.version)?;
    let named = asked.protocol_type.is_some() && asked.protocol_name.is_some();
    let reply = if request.version >= PROTOCOL_REQUIRED && !named {
        Err(GroupError::InconsistentProtocol)
    } else {
        let sync = GroupRequest::Sync(sync(&asked));
        groups::ask(router, &asked.group_id, sync).await
    };
    let response = match reply {
        Ok(GroupReply::Synced(synced)) => SyncGroupResponse {
            protocol_type: synced.protocol_type.map(Cow::from),
            protocol_name: synced.protocol_name.map(Cow::from),
            assignment: Vec::from(synced.assignment).into(),
            ..SyncGroupResponse::default()
        },
        Ok(_) => refused(&GroupError::NotAvailable),
        Err(error) => refused(&error),
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn sync(asked: &SyncGroupRequest<'_>) -> SyncGroup {
    let assignments = asked.assignments.iter().map(|one| {
        let assignment = Bytes::copy_from_slice(&one.assignment);
        (one.member_id.to_string(), assignment)
    });
    SyncGroup {
        member: MemberRef {
            member_id: asked.member_id.to_string(),
            group_instance_id: asked.group_instance_id.as_deref().map(str::to_owned),
            generation_id: asked.generation_id,
        },
        protocol_type: asked.protocol_type.as_deref().map(str::to_owned),
        protocol_name: asked.protocol_name.as_deref().map(str::to_owned),
        assignments: assignments.collect(),
    }
}

fn refused<'a>(error: &GroupError) -> SyncGroupResponse<'a> {
    SyncGroupResponse {
        error_code: group_error_code(error).code(),
        ..SyncGroupResponse::default()
    }
}
