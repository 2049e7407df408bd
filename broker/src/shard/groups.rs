//! The group coordinators of one shard: one state machine a partition of `__consumer_offsets` that is led here.

use super::Shard;
use crate::coordinator::group::{GroupError, GroupReply, GroupRequest, ListedGroup};

impl Shard {
    /// Asks the coordinator of the group of this id, which is on this shard.
    pub async fn group(
        &self,
        _group_id: String,
        _request: GroupRequest,
    ) -> Result<GroupReply, GroupError> {
        Err(GroupError::NotAvailable)
    }

    /// Every group that this shard coordinates.
    pub async fn groups(&self) -> Result<Vec<ListedGroup>, GroupError> {
        Ok(Vec::new())
    }
}
