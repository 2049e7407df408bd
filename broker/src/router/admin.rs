//! The way of an operator's requests to the shards that lead partitions, and count: each shard is asked once. The
//! controller is on shard 0.

use super::{Answer, Ask, Router};
use crate::metrics::Figures;
use crate::shard::{ControllerQuorum, DeleteRecordsFailure, DeletedRecords, PartitionKey};

/// A partition, and the offset below which its records go; `None` for all that are committed.
pub type CutAt = (PartitionKey, Option<i64>);

/// What became of one.
pub type Cut = Result<DeletedRecords, DeleteRecordsFailure>;

impl Router {
    /// How far the controller's quorum is; `None` while it does not lead.
    pub async fn controller_quorum(&self) -> Option<ControllerQuorum> {
        if self.shard.number == 0 {
            return self.shard.controller_quorum();
        }
        match self.ask(0, Ask::ControllerQuorum).await {
            Some(Answer::ControllerQuorum(quorum)) => quorum,
            _ => None,
        }
    }

    /// Deletes records of partitions that `owner` leads; answers in the order of the question.
    pub async fn delete_records(&self, owner: u32, asked: Vec<CutAt>) -> Vec<Cut> {
        if owner == self.shard.number {
            return self.shard.delete_records(&asked).await;
        }
        let count = asked.len();
        match self.ask(owner, Ask::DeleteRecords(asked)).await {
            Some(Answer::DeletedRecords(cuts)) => cuts,
            _ => vec![Err(DeleteRecordsFailure::NotLeader); count],
        }
    }

    /// What `shard` counted; `None`: it has stopped.
    pub async fn figures(&self, shard: u32, details: bool) -> Option<Figures> {
        if shard == self.shard.number {
            return Some(self.shard.figures(details));
        }
        match self.ask(shard, Ask::Figures(details)).await {
            Some(Answer::Figures(figures)) => Some(*figures),
            _ => None,
        }
    }
}
