//! JoinGroup (KIP-62, KIP-345, KIP-394, KIP-814): a member joins; it is answered when the group's next generation begins.

use std::borrow::Cow;
use std::rc::Rc;

use bytes::Bytes;
use protocol::messages::join_group::{
    JoinGroupRequest, JoinGroupResponse, JoinGroupResponseMember,
};

use super::groups::{self, group_error_code};
use super::{Handled, Reply, Request, Sender, reader};
use crate::coordinator::group::{
    GroupError, GroupReply, GroupRequest, JoinGroup, JoinedGroup, JoinedMember,
};
use crate::router::Router;

/// Version from which a rebalance waits for a time of its own, not for the session's.
const REBALANCE_TIMEOUT: i16 = 1;
/// Version from which a new dynamic member is first given its id.
const MEMBER_ID_REQUIRED: i16 = 4;
/// Version from which an absent protocol is told as null.
const NULL_PROTOCOL: i16 = 7;
/// Version from which a static leader that comes back can be told not to assign anew.
const SKIP_ASSIGNMENT: i16 = 9;

/// Answers with the generation joined. This may take as long as a rebalance.
pub async fn handle(router: &Rc<Router>, request: &Request, sender: &Sender) -> Handled {
    let asked = JoinGroupRequest::decode(&mut reader(request), request.version)?;
    let join = GroupRequest::Join(join(&asked, request.version, sender));
    let reply = groups::ask(router, &asked.group_id, join).await;
    let mut response = match reply {
        Ok(GroupReply::Joined(joined)) => joined_response(joined),
        Ok(_) => refused(&asked, &GroupError::NotAvailable),
        Err(error) => refused(&asked, &error),
    };
    if request.version < NULL_PROTOCOL {
        response.protocol_name.get_or_insert_default();
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn join(asked: &JoinGroupRequest<'_>, version: i16, sender: &Sender) -> JoinGroup {
    let protocols = asked.protocols.iter().map(|protocol| {
        let metadata = Bytes::copy_from_slice(&protocol.metadata);
        (protocol.name.to_string(), metadata)
    });
    JoinGroup {
        member_id: asked.member_id.to_string(),
        group_instance_id: asked.group_instance_id.as_deref().map(str::to_owned),
        client_id: sender.client_id(),
        client_host: sender.client_host(),
        session_timeout_ms: asked.session_timeout_ms,
        rebalance_timeout_ms: if version < REBALANCE_TIMEOUT {
            asked.session_timeout_ms
        } else {
            asked.rebalance_timeout_ms
        },
        protocol_type: asked.protocol_type.to_string(),
        protocols: protocols.collect(),
        requires_member_id: version >= MEMBER_ID_REQUIRED,
        supports_skipping_assignment: version >= SKIP_ASSIGNMENT,
    }
}

fn joined_response<'a>(joined: JoinedGroup) -> JoinGroupResponse<'a> {
    JoinGroupResponse {
        generation_id: joined.generation_id,
        protocol_type: joined.protocol_type.map(Cow::from),
        protocol_name: joined.protocol_name.map(Cow::from),
        leader: joined.leader.into(),
        skip_assignment: joined.skip_assignment,
        member_id: joined.member_id.into(),
        members: joined.members.into_iter().map(member).collect(),
        ..JoinGroupResponse::default()
    }
}

fn member<'a>(member: JoinedMember) -> JoinGroupResponseMember<'a> {
    JoinGroupResponseMember {
        member_id: member.member_id.into(),
        group_instance_id: member.group_instance_id.map(Cow::from),
        metadata: Vec::from(member.metadata).into(),
    }
}

/// A refusal carries the member id that was asked with, or the one that was given; none where, in Kafka, nobody looked.
fn refused<'a>(asked: &JoinGroupRequest<'_>, error: &GroupError) -> JoinGroupResponse<'a> {
    let member_id = match error {
        GroupError::MemberIdRequired { member_id } | GroupError::FencedJoin { member_id } => {
            member_id.clone()
        }
        GroupError::GroupFull
        | GroupError::RemovedMember
        | GroupError::NotCoordinator
        | GroupError::Loading => String::new(),
        _ => asked.member_id.to_string(),
    };
    JoinGroupResponse {
        error_code: group_error_code(error).code(),
        member_id: member_id.into(),
        ..JoinGroupResponse::default()
    }
}
