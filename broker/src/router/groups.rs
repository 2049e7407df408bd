//! The way from a request about a consumer group to the shard that coordinates it. Decides nothing about groups.

use super::{Answer, Ask, Router};
use crate::config::Advertise;
use crate::coordinator::group::{GroupError, GroupReply, GroupRequest, ListedGroup};
use crate::coordinator::{GROUP_TOPIC, partition_of};

impl Router {
    /// The shard that coordinates the group of this id. `None` while there is no `__consumer_offsets`.
    pub fn group_coordinator(&self, group_id: &str) -> Option<u32> {
        let image = self.shard.image();
        let topic = image.topic(GROUP_TOPIC)?;
        let partition = partition_of(group_id, topic.partitions.len());
        Some(topic.partitions[partition as usize].shard)
    }

    /// Asks the coordinator of the group of this id. Where each shard is a broker of its own, one that does not coordinate the
    /// group says so; where the machine is one, the request hops. The reply to a join or a sync may take as long as a rebalance.
    pub async fn group(
        &self,
        group_id: &str,
        request: GroupRequest,
    ) -> Result<GroupReply, GroupError> {
        let Some(owner) = self.group_coordinator(group_id) else {
            return Err(GroupError::NotCoordinator);
        };
        if owner == self.shard.number {
            return self.shard.group(group_id.to_owned(), request).await;
        }
        if self.shard.config.advertise == Advertise::Shard {
            return Err(GroupError::NotCoordinator);
        }
        match self
            .ask(owner, Ask::Group(group_id.to_owned(), request))
            .await
        {
            Some(Answer::Group(reply)) => reply,
            _ => Err(GroupError::NotAvailable),
        }
    }

    /// Every group that this broker coordinates: this shard, or all of the machine where that is one broker.
    pub async fn groups(&self) -> Result<Vec<ListedGroup>, GroupError> {
        let mut groups = self.shard.groups().await?;
        if self.shard.config.advertise == Advertise::Machine {
            for shard in (0..self.shard.io.mesh.shards() as u32).filter(|n| *n != self.shard.number)
            {
                match self.ask(shard, Ask::Groups).await {
                    Some(Answer::Groups(more)) => groups.extend(more?),
                    _ => return Err(GroupError::NotAvailable),
                }
            }
        }
        Ok(groups)
    }
}
