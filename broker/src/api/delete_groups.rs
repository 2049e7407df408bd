//! DeleteGroups (KIP-229): groups without members go, with their offsets.

use std::rc::Rc;

use hashbrown::HashSet;
use protocol::messages::delete_groups::{
    DeleteGroupsRequest, DeleteGroupsResponse, DeleteGroupsResponseResult,
};

use super::groups::{self, result_code};
use super::{Handled, Reply, Request, reader};
use crate::coordinator::group::GroupRequest;
use crate::router::Router;

/// Answers group by group, each once.
pub async fn handle(router: &Rc<Router>, request: &Request) -> Handled {
    let asked = DeleteGroupsRequest::decode(&mut reader(request), request.version)?;
    let mut seen = HashSet::new();
    let mut results = Vec::with_capacity(asked.groups_names.len());
    for group_id in &asked.groups_names {
        if !seen.insert(group_id.as_ref()) {
            continue;
        }
        let deleted = groups::ask(router, group_id, GroupRequest::Delete).await;
        results.push(DeleteGroupsResponseResult {
            group_id: group_id.clone(),
            error_code: result_code(&deleted.map(drop)),
        });
    }
    let response = DeleteGroupsResponse {
        throttle_time_ms: 0,
        results,
    };
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
