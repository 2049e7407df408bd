//! The offsets that one group has stored. Change by records alone. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::records::{GroupRecord, StoredOffset};
use super::turn::Turn;
use super::{
    CommitOffsets, CommitPartition, FetchOffsets, FetchedOffset, FetchedTopic, GroupError,
    GroupReply,
};
use crate::limits;

/// Offsets by topic and partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offsets {
    topics: BTreeMap<Arc<str>, BTreeMap<i32, StoredOffset>>,
    count: usize,
    bytes: usize,
}

/// What an offset takes in memory beside its note, roughly.
const OFFSET_BYTES: usize = size_of::<StoredOffset>() + 48;

impl Offsets {
    /// An offset is stored.
    pub fn put(&mut self, topic: &Arc<str>, partition: i32, offset: StoredOffset) {
        self.count += 1;
        self.bytes += OFFSET_BYTES + offset.metadata.len();
        let topic_offsets = match self.topics.get_mut(topic) {
            Some(offsets) => offsets,
            None => {
                self.bytes += topic.len();
                self.topics.entry(topic.clone()).or_default()
            }
        };
        if let Some(before) = topic_offsets.insert(partition, offset) {
            self.count -= 1;
            self.bytes -= OFFSET_BYTES + before.metadata.len();
        }
    }

    /// An offset goes.
    pub fn remove(&mut self, topic: &str, partition: i32) {
        let Some(topic_offsets) = self.topics.get_mut(topic) else {
            return;
        };
        if let Some(before) = topic_offsets.remove(&partition) {
            self.count -= 1;
            self.bytes -= OFFSET_BYTES + before.metadata.len();
        }
        if topic_offsets.is_empty() {
            self.topics.remove(topic);
            self.bytes -= topic.len();
        }
    }

    /// One offset.
    pub fn get(&self, topic: &str, partition: i32) -> Option<&StoredOffset> {
        self.topics.get(topic)?.get(&partition)
    }

    /// Each of them, by topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, i32, &StoredOffset)> {
        let topics = self.topics.iter();
        topics.flat_map(|(topic, offsets)| {
            let each = offsets.iter();
            each.map(move |(partition, offset)| (topic, *partition, offset))
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Memory they take, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// OffsetFetch.
    pub fn fetch(&self, request: &FetchOffsets) -> Vec<FetchedTopic> {
        let Some(topics) = &request.topics else {
            let all = self.topics.iter();
            return all
                .map(|(topic, offsets)| FetchedTopic {
                    topic: topic.clone(),
                    partitions: offsets
                        .iter()
                        .map(|(partition, offset)| fetched(*partition, Some(offset)))
                        .collect(),
                })
                .collect();
        };
        let one_topic = |asked: &super::TopicPartitions| {
            let stored = self.topics.get(&asked.topic);
            let is_same = |offset: &&StoredOffset| {
                offset.topic_id == 0 || asked.topic_id == 0 || offset.topic_id == asked.topic_id
            };
            let find = |partition: &i32| stored?.get(partition).filter(is_same);
            let partitions = asked.partitions.iter();
            FetchedTopic {
                topic: asked.topic.clone(),
                partitions: partitions
                    .map(|partition| fetched(*partition, find(partition)))
                    .collect(),
            }
        };
        topics.iter().map(one_topic).collect()
    }
}

/// OffsetCommit by somebody who may, into a group that holds `held`.
pub fn commit_offsets(
    group_id: &Arc<str>,
    held: &Offsets,
    commit: &CommitOffsets,
    turn: &mut Turn<'_>,
) -> Result<GroupReply, GroupError> {
    // Each tombstone names the group again: what a group's end would write is bounded with what it holds.
    let each = group_id.len() + OFFSET_BYTES;
    let topics = commit.topics.iter();
    let new: usize = topics
        .map(|topic| {
            let partitions = topic.partitions.iter();
            let one =
                |partition: &CommitPartition| each + topic.topic.len() + partition.metadata.len();
            partitions.map(one).sum::<usize>()
        })
        .sum();
    if held.bytes() + held.len() * each + new > limits::GROUP_OFFSETS_BYTES_MAX {
        return Err(GroupError::GroupTooLarge);
    }
    let now_ms = turn.moment.wall_ms;
    let expires_ms =
        (commit.retention_ms != -1).then(|| now_ms.saturating_add(commit.retention_ms));
    let units_max = turn.config.offset_metadata_units_max;
    let mut results = Vec::with_capacity(commit.topics.len());
    for topic in &commit.topics {
        let mut of_topic = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            if partition.metadata.encode_utf16().count() > units_max {
                of_topic.push(Err(GroupError::MetadataTooLarge));
                continue;
            }
            of_topic.push(Ok(()));
            turn.counts.offset_commits += 1;
            turn.records.push(GroupRecord::Offset {
                group_id: group_id.clone(),
                topic: topic.topic.clone(),
                partition: partition.partition,
                value: Some(StoredOffset {
                    offset: partition.offset,
                    leader_epoch: partition.leader_epoch,
                    metadata: partition.metadata.as_str().into(),
                    committed_ms: now_ms,
                    expires_ms,
                    topic_id: topic.topic_id,
                }),
            });
        }
        results.push(of_topic);
    }
    Ok(GroupReply::Committed(results))
}

/// The record that removes an offset.
pub fn tombstone(group_id: &Arc<str>, topic: &Arc<str>, partition: i32) -> GroupRecord {
    GroupRecord::Offset {
        group_id: group_id.clone(),
        topic: topic.clone(),
        partition,
        value: None,
    }
}

fn fetched(partition: i32, offset: Option<&StoredOffset>) -> FetchedOffset {
    match offset {
        Some(offset) => FetchedOffset {
            partition,
            offset: offset.offset,
            leader_epoch: offset.leader_epoch,
            metadata: offset.metadata.to_string(),
        },
        None => FetchedOffset {
            partition,
            offset: -1,
            leader_epoch: -1,
            metadata: String::new(),
        },
    }
}
