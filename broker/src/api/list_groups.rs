//! ListGroups (KIP-518, KIP-848): the groups coordinated here, by state and type.

use std::borrow::Cow;
use std::rc::Rc;

use protocol::messages::list_groups::{
    ListGroupsRequest, ListGroupsResponse, ListGroupsResponseGroup,
};

use super::groups::group_error_code;
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::ListedGroup;
use crate::router::Router;

/// The only type of group there is: its members bring their own assignments.
const CLASSIC: &str = "classic";

/// Answers with the groups that pass both filters; an empty filter lets everything pass.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = ListGroupsRequest::decode(&mut reader(request), request.version)?;
    let mut response = ListGroupsResponse::default();
    match router.groups().await {
        Ok(groups) => {
            let groups = groups.into_iter().filter(|group| {
                passes(&asked.states_filter, group.state.name())
                    && passes(&asked.types_filter, CLASSIC)
            });
            response.groups = groups.map(listed).collect();
        }
        Err(error) => response.error_code = group_error_code(&error).code(),
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

fn passes(filter: &[Cow<'_, str>], name: &str) -> bool {
    filter.is_empty() || filter.iter().any(|word| word.eq_ignore_ascii_case(name))
}

fn listed<'a>(group: ListedGroup) -> ListGroupsResponseGroup<'a> {
    ListGroupsResponseGroup {
        group_id: group.group_id.into(),
        protocol_type: group.protocol_type.into(),
        group_state: group.state.name().into(),
        group_type: CLASSIC.into(),
    }
}
