//! Where a partition is that a request tells by its topic's name or id. Pure: the image knows.

use std::sync::Arc;

use super::PartitionKey;
use crate::metadata::{Image, Topic};

/// Why there is no partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// No topic of this id.
    Topic,
    /// The topic has no such partition, or there is no topic of this name.
    Partition,
    /// The topic of this id is gone, and another has its name.
    OtherTopic,
}

/// Who leads a partition, and which it is; or why nobody does.
pub type Place = Result<(u32, PartitionKey), Absent>;

/// A topic as a request tells it: by name, or by an id that is not 0.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Its name; of one told by id nothing, or what it was called when it was found.
    pub name: Option<&'a str>,
    /// Its id; 0 if it is told by name.
    pub id: u128,
    /// Whether it is told by id.
    pub by_id: bool,
}

impl<'a> Told<'a> {
    /// A topic told by name.
    pub fn by_name(name: &'a str) -> Self {
        Self {
            name: Some(name),
            id: 0,
            by_id: false,
        }
    }

    /// A topic told by id.
    pub fn by_id(id: u128) -> Self {
        Self {
            name: None,
            id,
            by_id: true,
        }
    }

    /// Looks for it.
    pub fn find<'i>(&self, image: &'i Image) -> Found<'i> {
        let topic = match self.name {
            Some(name) => image.topic(name).ok_or(Absent::Partition),
            None => image.topic_by_id(self.id).ok_or(Absent::Topic),
        };
        Found {
            topic: topic.map(Arc::as_ref),
            id: self.by_id.then_some(self.id),
        }
    }
}

/// A topic that was looked for.
#[derive(Debug, Clone, Copy)]
pub struct Found<'i> {
    topic: Result<&'i Topic, Absent>,
    /// The id it was told by.
    id: Option<u128>,
}

impl Found<'_> {
    /// Where its partition of this number is.
    pub fn place(&self, partition: i32) -> Place {
        let topic = self.topic?;
        let index = usize::try_from(partition).map_err(|_| Absent::Partition)?;
        let placement = topic.partitions.get(index).ok_or(Absent::Partition)?;
        if self.id.is_some_and(|id| id != topic.id) {
            return Err(Absent::OtherTopic);
        }
        let key = PartitionKey {
            topic_id: topic.id,
            partition,
        };
        Ok((placement.shard, key))
    }
}
