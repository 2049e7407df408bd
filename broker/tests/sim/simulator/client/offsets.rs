//! How clients find a group's coordinator, commit offsets and fetch them, in all versions, and hold the answers against what
//! is known. Never in a group itself.

use broker::shard::PartitionKey;
use protocol::error_code::ErrorCode;
use protocol::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use protocol::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestTopic, OffsetCommitRequestTopicPartition,
    OffsetCommitResponse,
};
use protocol::messages::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestGroupTopic,
    OffsetFetchRequestTopic, OffsetFetchResponse,
};
use protocol::primitives::{Reader, Uuid};

use super::super::history::{Known, groups};
use super::{Lost, Wire};

const FIND_COORDINATOR: i16 = 10;
const OFFSET_COMMIT: i16 = 8;
const OFFSET_FETCH: i16 = 9;

/// A partition of a topic that is there.
#[derive(Debug, Clone)]
pub struct Place {
    /// The topic's name.
    pub topic: String,
    /// What was known of it.
    pub known: (Known, u64),
    /// The partition.
    pub key: PartitionKey,
}

/// Who commits.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Its member id; empty for who is no member.
    pub member_id: String,
    /// Its lasting name.
    pub instance: Option<String>,
    /// Its generation; -1 for who is no member.
    pub generation_id: i32,
}

/// A commit to be sent.
pub struct Wanted {
    /// Who sends it.
    pub who: Identity,
    /// It must be refused.
    pub is_stale: bool,
    /// How long the offset is kept, milliseconds.
    pub retention_ms: Option<i64>,
}

impl Wire {
    /// Asks for the coordinator of `group`: its port. `None`: not now.
    pub async fn find_coordinator(&mut self, group: &str) -> Result<Option<u16>, Lost> {
        let version = self.random.between(0, 6) as i16;
        let request = FindCoordinatorRequest {
            key: group.into(),
            key_type: 0,
            coordinator_keys: vec![group.into()],
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.ask((FIND_COORDINATOR, version), encode).await?;
        let answer = FindCoordinatorResponse::decode(&mut Reader::new(&body), version);
        let Ok(answer) = answer else {
            self.fail("malformed-answer", "FindCoordinator".to_owned());
            return Err(Lost);
        };
        let (code, port) = match answer.coordinators.first() {
            Some(one) => (one.error_code, one.port),
            None => (answer.error_code, answer.port),
        };
        match ErrorCode::from_code(code) {
            ErrorCode::None => Ok(Some(port as u16)),
            ErrorCode::CoordinatorNotAvailable => Ok(None),
            code => {
                self.fail("wrong-refusal", format!("coordinator of {group}: {code:?}"));
                Ok(None)
            }
        }
    }

    /// Any partition of a topic that is there.
    pub fn some_place(&self) -> Option<Place> {
        let present = self.setting.history.present();
        if present.is_empty() {
            return None;
        }
        let (topic, id, partitions) = self.random.pick(&present);
        Some(Place {
            topic: topic.clone(),
            known: self.setting.history.topic(topic),
            key: PartitionKey {
                topic_id: *id,
                partition: self.random.index(*partitions as usize) as i32,
            },
        })
    }

    /// Whether the topic is still what it was.
    pub fn is_still(&self, place: &Place) -> bool {
        self.setting.history.topic(&place.topic) == place.known
    }

    /// Commits a new offset; how it was answered.
    pub async fn commit_offset(
        &mut self,
        group: &str,
        place: &Place,
        wanted: Wanted,
    ) -> Result<ErrorCode, Lost> {
        let Wanted {
            who,
            is_stale,
            retention_ms,
        } = wanted;
        let version_max = if retention_ms.is_some() { 4 } else { 10 };
        let version_min = if who.instance.is_some() { 7 } else { 2 };
        let version = self.random.between(version_min, version_max) as i16;
        let key = place.key;
        let groups = &self.setting.history.groups;
        let offset = groups.commits(group, key, retention_ms.is_some());
        let note = groups::note(offset);
        let request = OffsetCommitRequest {
            group_id: group.into(),
            generation_id_or_member_epoch: who.generation_id,
            member_id: who.member_id.as_str().into(),
            group_instance_id: who.instance.as_deref().map(Into::into),
            retention_time_ms: retention_ms.unwrap_or(-1),
            topics: vec![OffsetCommitRequestTopic {
                name: place.topic.as_str().into(),
                topic_id: Uuid(key.topic_id),
                partitions: vec![OffsetCommitRequestTopicPartition {
                    partition_index: key.partition,
                    committed_offset: offset,
                    committed_leader_epoch: -1,
                    committed_metadata: Some(note.as_str().into()),
                }],
            }],
        };
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.ask((OFFSET_COMMIT, version), encode).await?;
        let answer = OffsetCommitResponse::decode(&mut Reader::new(&body), version);
        let Some(one) = answer.as_ref().ok().and_then(|answer| {
            let topic = answer.topics.first()?;
            topic.partitions.first()
        }) else {
            self.fail("malformed-answer", "OffsetCommit".to_owned());
            return Err(Lost);
        };
        let (number, code) = (self.number, ErrorCode::from_code(one.error_code));
        self.setting.doing(number, || {
            format!("{group}: commits {offset} for {key:?} as {who:?}: {code:?}")
        });
        let history = &self.setting.history;
        match code {
            // Whom a member was before, it is again if a lying disk has lost who it became.
            ErrorCode::None if is_stale && !self.setting.has_ever_lost.get() => {
                self.fail("stale-commit", format!("{group}: {offset} by {who:?}"));
            }
            // The topic of this name may have been another one by then.
            ErrorCode::None if self.is_still(place) => {
                history.committed(group, key, offset, who.generation_id);
            }
            ErrorCode::None => {}
            ErrorCode::IllegalGeneration
            | ErrorCode::UnknownMemberId
            | ErrorCode::RebalanceInProgress
            | ErrorCode::FencedInstanceId
            | ErrorCode::GroupIdNotFound
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress => {
                history.refused_commit(group, key, offset);
            }
            // Whether it is stored nobody knows.
            ErrorCode::CoordinatorNotAvailable => {}
            _ => self.fail("wrong-refusal", format!("{group}: a commit: {code:?}")),
        }
        Ok(code)
    }

    /// Fetches one offset and holds it against what is known. `None`: not now.
    pub async fn fetch_offset(
        &mut self,
        group: &str,
        place: &Place,
    ) -> Result<Result<i64, ErrorCode>, Lost> {
        let version = self.random.between(1, 10) as i16;
        let key = place.key;
        let request = OffsetFetchRequest {
            group_id: group.into(),
            topics: Some(vec![OffsetFetchRequestTopic {
                name: place.topic.as_str().into(),
                partition_indexes: vec![key.partition],
            }]),
            groups: vec![OffsetFetchRequestGroup {
                group_id: group.into(),
                topics: Some(vec![OffsetFetchRequestGroupTopic {
                    name: place.topic.as_str().into(),
                    topic_id: Uuid(key.topic_id),
                    partition_indexes: vec![key.partition],
                }]),
                ..OffsetFetchRequestGroup::default()
            }],
            ..OffsetFetchRequest::default()
        };
        let begun = self.setting.history.groups.tick();
        let encode = |out: &mut Vec<u8>, version| request.encode(out, version);
        let body = self.ask((OFFSET_FETCH, version), encode).await?;
        let answer = OffsetFetchResponse::decode(&mut Reader::new(&body), version);
        let Some((code, offset, note)) = answer.as_ref().ok().and_then(told) else {
            self.fail("malformed-answer", "OffsetFetch".to_owned());
            return Err(Lost);
        };
        let (number, code) = (self.number, ErrorCode::from_code(code));
        self.setting.doing(number, || {
            format!("{group}: fetches {key:?}: {offset}, {code:?}")
        });
        match code {
            ErrorCode::None => {
                if self.is_still(place) {
                    let history = &self.setting.history;
                    history.fetched(group, key, begun, (offset, &note));
                }
                Ok(Ok(offset))
            }
            ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId => Ok(Err(code)),
            _ => {
                self.fail("wrong-refusal", format!("{group}: a fetch: {code:?}"));
                Ok(Err(code))
            }
        }
    }
}

/// What an answer says of the one offset that was asked for: a code, the offset, its note.
fn told(answer: &OffsetFetchResponse<'_>) -> Option<(i16, i64, String)> {
    let text = |note: Option<&str>| note.unwrap_or_default().to_owned();
    if let Some(group) = answer.groups.first() {
        if group.error_code != 0 {
            return Some((group.error_code, -1, String::new()));
        }
        let one = group.topics.first()?.partitions.first()?;
        let note = text(one.metadata.as_deref());
        return Some((one.error_code, one.committed_offset, note));
    }
    if answer.error_code != 0 {
        return Some((answer.error_code, -1, String::new()));
    }
    let one = answer.topics.first()?.partitions.first()?;
    let note = text(one.metadata.as_deref());
    Some((one.error_code, one.committed_offset, note))
}
