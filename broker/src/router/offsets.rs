//! Look-ups of offsets and leader epochs on the shard that leads the partition. Reads no records.

use super::{Answer, Ask, Router};
use crate::shard::{EpochRequest, OffsetAnswer, OffsetRequest, PartitionKey, ReadFailure};

impl Router {
    /// Looks up an offset of a partition that `owner` leads.
    pub async fn offset(&self, owner: u32, request: OffsetRequest) -> OffsetAnswer {
        if owner == self.shard.number {
            return self.shard.offset(request).await;
        }
        match self.ask(owner, Ask::Offset(request)).await {
            Some(Answer::Offset(answer)) => answer,
            _ => OffsetAnswer::stopped(),
        }
    }

    /// Looks up the end of a leader epoch of a partition that `owner` leads.
    pub async fn epoch_end(
        &self,
        owner: u32,
        request: EpochRequest,
    ) -> Result<Option<(i32, i64)>, ReadFailure> {
        if owner == self.shard.number {
            return self.shard.epoch_end(request);
        }
        match self.ask(owner, Ask::EpochEnd(request)).await {
            Some(Answer::EpochEnd(end)) => end,
            _ => Err(ReadFailure::NotLeader),
        }
    }

    /// The offset after the last committed record of partitions that `owner` leads; `None` where it cannot tell.
    pub async fn high_watermarks(&self, owner: u32, keys: Vec<PartitionKey>) -> Vec<Option<i64>> {
        if owner == self.shard.number {
            return self.shard.high_watermarks(&keys);
        }
        let count = keys.len();
        match self.ask(owner, Ask::HighWatermarks(keys)).await {
            Some(Answer::HighWatermarks(ends)) => ends,
            _ => vec![None; count],
        }
    }

    /// Leader epochs of partitions that `owner` leads; -1, unknown, if it does not answer any more.
    pub async fn leader_epochs(&self, owner: u32, keys: Vec<PartitionKey>) -> Vec<i32> {
        if owner == self.shard.number {
            return self.shard.leader_epochs(&keys);
        }
        let count = keys.len();
        match self.ask(owner, Ask::LeaderEpochs(keys)).await {
            Some(Answer::LeaderEpochs(epochs)) => epochs,
            _ => vec![-1; count],
        }
    }
}
