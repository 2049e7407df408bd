//! ListPartitionReassignments (KIP-455): a partition stays where it was made, so none is ever going on.

use protocol::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::{Handled, Reply, Request, reader};

/// Answers that there is none.
pub fn handle(request: &Request) -> Handled {
    ListPartitionReassignmentsRequest::decode(&mut reader(request), request.version)?;
    let response = ListPartitionReassignmentsResponse::default();
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}
