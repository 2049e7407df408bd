//! DescribeGroups (KIP-345, KIP-430, KIP-1043): what the groups coordinated here look like.

use std::borrow::Cow;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribeGroupsResponseGroup,
    DescribeGroupsResponseGroupMember,
};

use super::groups::{self, group_error_code};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::{
    DescribedGroup, DescribedMember, GroupError, GroupReply, GroupRequest, GroupState,
};
use crate::router::Router;

/// Version from which an unknown group is an error, not a dead group.
const UNKNOWN_GROUP: i16 = 6;
/// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS: all, as there is no authorizer yet.
const GROUP_OPERATIONS: i32 = 0b1101_0100_1000;

/// Answers group by group.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DescribeGroupsRequest::decode(&mut reader(request), request.version)?;
    let mut groups = Vec::with_capacity(asked.groups.len());
    for group_id in asked.groups {
        let described = groups::ask(router, &group_id, GroupRequest::Describe).await;
        let mut group = DescribeGroupsResponseGroup {
            group_id,
            ..DescribeGroupsResponseGroup::default()
        };
        match described {
            Ok(GroupReply::Described(described)) => show(&mut group, described),
            Err(GroupError::UnknownGroup) => {
                group.group_state = GroupState::Dead.name().into();
                if request.version >= UNKNOWN_GROUP {
                    group.error_code = ErrorCode::GroupIdNotFound.code();
                    let text = format!("Group {} not found.", group.group_id);
                    group.error_message = Some(text.into());
                }
            }
            Ok(_) => group.error_code = ErrorCode::CoordinatorNotAvailable.code(),
            Err(error) => group.error_code = group_error_code(&error).code(),
        }
        if asked.include_authorized_operations && group.error_code == 0 {
            group.authorized_operations = GROUP_OPERATIONS;
        }
        groups.push(group);
    }
    let response = DescribeGroupsResponse {
        throttle_time_ms: 0,
        groups,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn show(group: &mut DescribeGroupsResponseGroup<'_>, described: DescribedGroup) {
    group.group_state = described.state.name().into();
    group.protocol_type = described.protocol_type.into();
    group.protocol_data = described.protocol_name.into();
    group.members = described.members.into_iter().map(member).collect();
}

fn member<'a>(member: DescribedMember) -> DescribeGroupsResponseGroupMember<'a> {
    DescribeGroupsResponseGroupMember {
        member_id: member.member_id.into(),
        group_instance_id: member.group_instance_id.map(Cow::from),
        client_id: member.client_id.into(),
        client_host: member.client_host.into(),
        member_metadata: Vec::from(member.metadata).into(),
        member_assignment: Vec::from(member.assignment).into(),
    }
}
