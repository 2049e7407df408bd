//! One group: what the log keeps of it, and what goes on in it. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::classic::ClassicGroup;
use super::figures::{GroupFigures, OffsetFigures};
use super::offsets::{Offsets, commit_offsets, tombstone};
use super::records::{Generation, GroupRecord, StoredOffset};
use super::turn::{Due, Turn};
use super::{
    CommitOffsets, GroupError, GroupReply, GroupRequest, GroupState, JoinGroup, ListedGroup,
    Ticket, TopicPartitions,
};
use crate::planted::{self, Bug};

/// A group.
#[derive(Debug)]
pub struct Group {
    /// Its last generation on record; `None` for one that only ever stored offsets.
    recorded: Option<Generation>,
    offsets: Offsets,
    classic: ClassicGroup,
}

impl Group {
    /// A group that a record speaks of. It comes to life by [`Group::start`].
    pub fn new(group_id: Arc<str>) -> Self {
        Self {
            recorded: None,
            offsets: Offsets::default(),
            classic: ClassicGroup::new(group_id, -1),
        }
    }

    /// A group that its first member makes; it goes on record as an empty one, also if that member is refused, as in Kafka.
    pub fn begin(
        group_id: &Arc<str>,
        join: JoinGroup,
        ticket: Ticket,
        turn: &mut Turn<'_>,
    ) -> Self {
        let mut group = Self::new(group_id.clone());
        group.classic = ClassicGroup::new(group_id.clone(), turn.moment.wall_ms);
        group.classic.record(turn);
        group.classic.join(join, ticket, turn);
        group
    }

    /// The log is read.
    pub fn start(&mut self, group_id: &Arc<str>, turn: &mut Turn<'_>) {
        if let Some(recorded) = &self.recorded {
            self.classic = ClassicGroup::load(group_id.clone(), recorded, turn);
        }
    }

    /// Its last generation on record.
    pub fn recorded(&self) -> Option<&Generation> {
        self.recorded.as_ref()
    }

    /// Its offsets.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Memory it takes, roughly.
    pub fn bytes(&self) -> usize {
        self.offsets.bytes() + self.classic.bytes()
    }

    /// As ListGroups shows it.
    pub fn list(&self, group_id: &str) -> ListedGroup {
        ListedGroup {
            group_id: group_id.into(),
            protocol_type: self.classic.protocol_type().unwrap_or_default().into(),
            state: self.classic.state(),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> GroupState {
        self.classic.state()
    }

    /// As operators are told of it. Nobody has looked yet how far behind it is.
    pub fn figures(&self, group_id: &Arc<str>) -> GroupFigures {
        let offsets = self.offsets.iter();
        let offsets = offsets.map(|(topic, partition, stored)| OffsetFigures {
            topic: topic.clone(),
            topic_id: stored.topic_id,
            partition,
            offset: stored.offset,
            lag: None,
        });
        GroupFigures {
            group_id: group_id.clone(),
            state: self.state(),
            protocol_type: self.classic.protocol_type().unwrap_or_default().into(),
            members: self.classic.members(),
            offsets: offsets.collect(),
        }
    }

    /// Everybody who waits, and is answered by nobody else.
    pub fn take_tickets(&mut self) -> Vec<Ticket> {
        self.classic.take_tickets()
    }

    /// A record of this group happens.
    pub fn replay(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::Offset {
                topic,
                partition,
                value: Some(offset),
                ..
            } => self.offsets.put(topic, *partition, offset.clone()),
            GroupRecord::Offset {
                topic,
                partition,
                value: None,
                ..
            } => self.offsets.remove(topic, *partition),
            GroupRecord::Group { value, .. } => self.recorded.clone_from(value),
        }
    }

    /// Whether nothing is left of it after its tombstone.
    pub fn is_gone(&self) -> bool {
        self.recorded.is_none() && self.offsets.is_empty() && self.classic.is_deserted()
    }

    fn id(&self) -> &Arc<str> {
        self.classic.id()
    }

    /// Handles a request; a reply of `None` comes, or has come, through `turn`.
    pub fn ask(
        &mut self,
        request: GroupRequest,
        ticket: Ticket,
        turn: &mut Turn<'_>,
    ) -> Option<Result<GroupReply, GroupError>> {
        let classic = &mut self.classic;
        let reply = match request {
            GroupRequest::Join(join) => {
                classic.join(join, ticket, turn);
                return None;
            }
            GroupRequest::Sync(sync) => {
                classic.sync(sync, ticket, turn);
                return None;
            }
            GroupRequest::Heartbeat(who) => {
                classic.heartbeat(&who, turn).map(|()| GroupReply::Alive)
            }
            GroupRequest::Leave(members) => Ok(GroupReply::Left(classic.leave(&members, turn))),
            GroupRequest::CommitOffsets(commit) => self.commit(&commit, turn),
            GroupRequest::FetchOffsets(fetch) => {
                Ok(GroupReply::Offsets(self.offsets.fetch(&fetch)))
            }
            GroupRequest::Describe => Ok(GroupReply::Described(classic.describe())),
            GroupRequest::Delete => self.delete(turn).map(|()| GroupReply::Deleted),
            GroupRequest::DeleteOffsets(topics) => self.delete_offsets(&topics, turn),
        };
        Some(reply)
    }

    /// Something of this group is due.
    pub fn due(&mut self, due: &Due, turn: &mut Turn<'_>) {
        match due {
            Due::Session(_, member_id) => self.classic.session_due(member_id, turn),
            Due::Join(_) => self.classic.join_due(turn),
            Due::Sync(_) => self.classic.sync_due(turn),
            Due::Sweep => {}
        }
    }

    fn commit(
        &mut self,
        commit: &CommitOffsets,
        turn: &mut Turn<'_>,
    ) -> Result<GroupReply, GroupError> {
        self.classic.check_commit(&commit.member)?;
        if self.classic.commits_count_as_heartbeats() {
            self.classic.hear_of(&commit.member.member_id, turn);
        }
        commit_offsets(self.id(), &self.offsets, commit, turn)
    }

    fn delete(&mut self, turn: &mut Turn<'_>) -> Result<(), GroupError> {
        if !self.classic.is_empty() {
            return Err(GroupError::NotEmpty);
        }
        let group_id = self.id().clone();
        turn.counts.offset_deletions += self.offsets.len() as u64;
        let offsets = self.offsets.iter();
        turn.records
            .extend(offsets.map(|(topic, partition, _)| tombstone(&group_id, topic, partition)));
        self.bury(turn);
        Ok(())
    }

    fn bury(&mut self, turn: &mut Turn<'_>) {
        self.classic.forget_pending(turn);
        turn.records.push(GroupRecord::Group {
            group_id: self.id().clone(),
            value: None,
        });
    }

    fn delete_offsets(
        &self,
        topics: &[TopicPartitions],
        turn: &mut Turn<'_>,
    ) -> Result<GroupReply, GroupError> {
        if !self.classic.is_empty() && !self.classic.is_consumer() {
            return Err(GroupError::NotEmpty);
        }
        let of_topic = |asked: &TopicPartitions| {
            let subscribed = self.classic.is_subscribed_to(&asked.topic);
            let partitions = asked.partitions.iter();
            let each = partitions.map(|partition| match subscribed {
                true => Err(GroupError::SubscribedToTopic),
                false => {
                    if self.offsets.get(&asked.topic, *partition).is_some() {
                        let record = tombstone(self.id(), &asked.topic, *partition);
                        turn.records.push(record);
                        turn.counts.offset_deletions += 1;
                    }
                    Ok(())
                }
            });
            each.collect()
        };
        let results = topics.iter().map(of_topic).collect();
        Ok(GroupReply::OffsetsDeleted(results))
    }

    /// Removes offsets of topics that are gone, and, if this walk looks for it, what has expired; a group that is empty and
    /// keeps no offset goes too.
    pub fn sweep(&mut self, expires: bool, gone: &BTreeSet<(Arc<str>, u128)>, turn: &mut Turn<'_>) {
        let group_id = self.id().clone();
        let expiry = match expires {
            true => self.expiry(),
            false => Expiry::Never,
        };
        let (now_ms, retention_ms) = (turn.moment.wall_ms, turn.config.offsets_retention_ms);
        let mut kept = 0;
        for (topic, partition, offset) in self.offsets.iter() {
            let is_gone = gone.contains(&(topic.clone(), offset.topic_id));
            let has_expired = || {
                expiry.has_passed(offset, now_ms, retention_ms)
                    && (planted::on(Bug::OffsetsExpiredWhileLive)
                        || !self.classic.is_subscribed_to(topic))
            };
            if is_gone {
                turn.counts.offset_deletions += 1;
            } else if has_expired() {
                turn.counts.offset_expirations += 1;
            } else {
                kept += 1;
                continue;
            }
            turn.records.push(tombstone(&group_id, topic, partition));
        }
        if expires && kept == 0 && self.classic.is_empty() && self.classic.is_deserted() {
            self.bury(turn);
        }
    }

    /// What the retention of this group's offsets counts from.
    fn expiry(&self) -> Expiry {
        match self.classic.protocol_type() {
            None => Expiry::SinceCommit,
            Some(_) if self.classic.is_empty() => match self.classic.since_ms() {
                Some(since_ms) => Expiry::Since(since_ms),
                None => Expiry::SinceCommit,
            },
            // Only a stable group is sure of what it reads.
            Some(_) if self.classic.is_stable() && self.classic.knows_topics() => {
                Expiry::SinceCommit
            }
            Some(_) => Expiry::Never,
        }
    }
}

/// What the retention of an offset counts from.
#[derive(Debug, Clone, Copy)]
enum Expiry {
    /// It is kept.
    Never,
    /// When it was stored.
    SinceCommit,
    /// When the group lost its last member.
    Since(i64),
}

impl Expiry {
    fn has_passed(self, offset: &StoredOffset, now_ms: i64, retention_ms: i64) -> bool {
        let since_ms = match self {
            Self::Never => return false,
            Self::SinceCommit => offset.committed_ms,
            Self::Since(since_ms) => since_ms,
        };
        match offset.expires_ms {
            Some(expires_ms) => now_ms >= expires_ms,
            None => now_ms.saturating_sub(since_ms) >= retention_ms,
        }
    }
}
