//! LeaveGroup (KIP-345, KIP-800): members go; one in versions 0 to 2, several after.

use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupRequestMember, LeaveGroupResponse, LeaveGroupResponseMember,
};

use super::groups::{self, group_error_code, result_code};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{GroupError, GroupReply, GroupRequest, LeavingMember};
use crate::router::Router;

/// Version from which several members may go at once.
const SEVERAL: i16 = 3;

/// Answers member by member.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let mut asked = LeaveGroupRequest::decode(&mut reader(request), request.version)?;
    if request.version < SEVERAL {
        asked.members = vec![LeaveGroupRequestMember {
            member_id: std::mem::take(&mut asked.member_id),
            ..LeaveGroupRequestMember::default()
        }];
    }
    let leaving = asked.members.iter().map(|member| LeavingMember {
        member_id: member.member_id.to_string(),
        group_instance_id: member.group_instance_id.as_deref().map(str::to_owned),
    });
    let leave = GroupRequest::Leave(leaving.collect());
    let mut response = match groups::ask(router, &asked.group_id, leave).await {
        Ok(GroupReply::Left(results)) => LeaveGroupResponse {
            members: asked
                .members
                .into_iter()
                .zip(results)
                .map(|(member, result)| left(member, &result))
                .collect(),
            ..LeaveGroupResponse::default()
        },
        // A group that does not exist has no members.
        Err(GroupError::UnknownGroup | GroupError::UnknownMember) => LeaveGroupResponse {
            members: asked
                .members
                .into_iter()
                .map(|member| left(member, &Err(GroupError::UnknownMember)))
                .collect(),
            ..LeaveGroupResponse::default()
        },
        Ok(_) => refused(ErrorCode::CoordinatorNotAvailable),
        Err(error) => refused(group_error_code(&error)),
    };
    if let (true, 0, Some(member)) = (
        request.version < SEVERAL,
        response.error_code,
        response.members.first(),
    ) {
        response.error_code = member.error_code;
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn left<'a>(
    member: LeaveGroupRequestMember<'a>,
    result: &Result<(), GroupError>,
) -> LeaveGroupResponseMember<'a> {
    LeaveGroupResponseMember {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: result_code(result),
    }
}

fn refused<'a>(code: ErrorCode) -> LeaveGroupResponse<'a> {
    LeaveGroupResponse {
        error_code: code.code(),
        ..LeaveGroupResponse::default()
    }
}
