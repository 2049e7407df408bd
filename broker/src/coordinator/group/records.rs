//! The records of the group coordinators in Kafka's own schema of `__consumer_offsets`, so that tools that read the topic
//! work: offsets (key version 1, value 4, or 1 where the client asked for a retention of its own) and group metadata (key 2,
//! value 3). Reads every version that Kafka ever wrote of these two. Pure.

use std::sync::Arc;

use bytes::Bytes;
use protocol::primitives::{
    DecodeError, Problem, Reader, put_array, put_nullable_bytes, put_nullable_string, put_string,
    put_unsigned_varint, required,
};

/// A record of a group coordinator. Without a value it is a tombstone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRecord {
    /// An offset is stored or removed.
    Offset {
        /// The group.
        group_id: Arc<str>,
        /// The topic's name.
        topic: Arc<str>,
        /// The partition's number.
        partition: i32,
        /// The offset.
        value: Option<StoredOffset>,
    },
    /// A group has a new generation or is removed.
    Group {
        /// The group.
        group_id: Arc<str>,
        /// Its generation.
        value: Option<Generation>,
    },
}

/// An offset as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOffset {
    /// The next record to read.
    pub offset: i64,
    /// Leader epoch of the last record read, -1 if it is not known.
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: Box<str>,
    /// When it was stored, wall time in milliseconds.
    pub committed_ms: i64,
    /// When it goes; `None` follows `offsets.retention.minutes`.
    pub expires_ms: Option<i64>,
    /// Id of the topic it was stored for, 0 if it was not known.
    pub topic_id: u128,
}

/// One generation of a group as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Type of the group; `None` if it never had a member.
    pub protocol_type: Option<Arc<str>>,
    /// Its number.
    pub generation_id: i32,
    /// The protocol chosen.
    pub protocol_name: Option<Arc<str>>,
    /// Member id of the leader.
    pub leader: Option<Arc<str>>,
    /// When the group came into its state, wall time in milliseconds; -1 if it is not known.
    pub since_ms: i64,
    /// Everybody.
    pub members: Vec<GenerationMember>,
}

/// A member of a generation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationMember {
    /// Its id.
    pub member_id: Arc<str>,
    /// Its lasting name.
    pub group_instance_id: Option<Arc<str>>,
    /// Client id of the connection it joined by.
    pub client_id: Arc<str>,
    /// Its address.
    pub client_host: Arc<str>,
    /// How long a rebalance waits for it.
    pub rebalance_timeout_ms: i32,
    /// After this time without a word it is gone.
    pub session_timeout_ms: i32,
    /// What it says of itself in the protocol chosen.
    pub subscription: Bytes,
    /// Its part.
    pub assignment: Bytes,
}

/// Why bytes are no record of a group coordinator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupRecordError {
    /// A record of something else, such as a group of the newer protocol.
    #[error("a record with a key of version {0}")]
    UnknownKey(i16),
    /// A value of a version that Kafka does not write.
    #[error("a value of version {0}")]
    UnknownValue(i16),
    /// Cut or malformed.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
}

const OFFSET_KEY: i16 = 1;
const GROUP_KEY: i16 = 2;
const OFFSET_VALUE: i16 = 4;
const OFFSET_VALUE_WITH_EXPIRY: i16 = 1;
const GROUP_VALUE: i16 = 3;
/// Values of these versions are known; from this one on they are flexible.
const VALUE_MAX: i16 = 4;
const FLEXIBLE: i16 = 4;
/// Tag of the topic's id in an offset's value.
const TOPIC_ID_TAG: u32 = 0;
/// The least that a member takes in any version: five lengths and a timeout.
const MEMBER_BYTES_MIN: usize = 9;

impl GroupRecord {
    /// Whether it removes.
    pub fn is_tombstone(&self) -> bool {
        matches!(
            self,
            Self::Offset { value: None, .. } | Self::Group { value: None, .. }
        )
    }

    /// The key's bytes.
    pub fn encode_key(&self, out: &mut Vec<u8>) {
        match self {
            Self::Offset {
                group_id,
                topic,
                partition,
                ..
            } => {
                out.extend_from_slice(&OFFSET_KEY.to_be_bytes());
                put_string(out, group_id, false);
                put_string(out, topic, false);
                out.extend_from_slice(&partition.to_be_bytes());
            }
            Self::Group { group_id, .. } => {
                out.extend_from_slice(&GROUP_KEY.to_be_bytes());
                put_string(out, group_id, false);
            }
        }
    }

    /// The value's bytes. False, and nothing written: it is a tombstone.
    pub fn encode_value(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Offset { value: None, .. } | Self::Group { value: None, .. } => return false,
            Self::Offset {
                value: Some(offset),
                ..
            } => offset.encode(out),
            Self::Group {
                value: Some(generation),
                ..
            } => generation.encode(out),
        }
        true
    }

    /// The record of these bytes.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self, GroupRecordError> {
        let mut reader = Reader::new(key);
        let version = reader.int16("key version")?;
        match version {
            0 | OFFSET_KEY => Ok(Self::Offset {
                group_id: reader.string("group", false)?.into(),
                topic: reader.string("topic", false)?.into(),
                partition: reader.int32("partition")?,
                value: value.map(StoredOffset::decode).transpose()?,
            }),
            GROUP_KEY => Ok(Self::Group {
                group_id: reader.string("group", false)?.into(),
                value: value.map(Generation::decode).transpose()?,
            }),
            other => Err(GroupRecordError::UnknownKey(other)),
        }
    }
}

/// A reader behind the value's version, and that version.
fn value_reader(value: &[u8]) -> Result<(Reader<'_>, i16), GroupRecordError> {
    let mut reader = Reader::new(value);
    match reader.int16("value version")? {
        version @ 0..=VALUE_MAX => Ok((reader, version)),
        other => Err(GroupRecordError::UnknownValue(other)),
    }
}

impl StoredOffset {
    fn encode(&self, out: &mut Vec<u8>) {
        let version = match self.expires_ms {
            Some(_) => OFFSET_VALUE_WITH_EXPIRY,
            None => OFFSET_VALUE,
        };
        let flexible = version >= FLEXIBLE;
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&self.offset.to_be_bytes());
        if flexible {
            out.extend_from_slice(&self.leader_epoch.to_be_bytes());
        }
        put_string(out, &self.metadata, flexible);
        out.extend_from_slice(&self.committed_ms.to_be_bytes());
        if let Some(expires_ms) = self.expires_ms {
            out.extend_from_slice(&expires_ms.to_be_bytes());
        }
        if flexible && self.topic_id == 0 {
            put_unsigned_varint(out, 0);
        } else if flexible {
            put_unsigned_varint(out, 1);
            put_unsigned_varint(out, TOPIC_ID_TAG);
            put_unsigned_varint(out, size_of::<u128>() as u32);
            out.extend_from_slice(&self.topic_id.to_be_bytes());
        }
    }

    fn decode(value: &[u8]) -> Result<Self, GroupRecordError> {
        let (mut reader, version) = value_reader(value)?;
        let offset = reader.int64("offset")?;
        let leader_epoch = match version {
            3.. => reader.int32("leader epoch")?,
            _ => -1,
        };
        let metadata = reader.string("metadata", version >= FLEXIBLE)?.into();
        let committed_ms = reader.int64("commit timestamp")?;
        let expires_ms = match version {
            1 => Some(reader.int64("expire timestamp")?).filter(|expires_ms| *expires_ms != -1),
            _ => None,
        };
        let mut topic_id = 0;
        if version >= FLEXIBLE {
            reader.tags(|tag, reader| {
                if tag == TOPIC_ID_TAG {
                    topic_id = reader.uuid("topic id")?.0;
                }
                Ok(tag == TOPIC_ID_TAG)
            })?;
        }
        Ok(Self {
            offset,
            leader_epoch,
            metadata,
            committed_ms,
            expires_ms,
            topic_id,
        })
    }
}

impl Generation {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&GROUP_VALUE.to_be_bytes());
        put_string(
            out,
            self.protocol_type.as_deref().unwrap_or_default(),
            false,
        );
        out.extend_from_slice(&self.generation_id.to_be_bytes());
        put_nullable_string(out, self.protocol_name.as_deref(), false);
        put_nullable_string(out, self.leader.as_deref(), false);
        out.extend_from_slice(&self.since_ms.to_be_bytes());
        put_array(out, Some(self.members.len()), false);
        for member in &self.members {
            put_string(out, &member.member_id, false);
            put_nullable_string(out, member.group_instance_id.as_deref(), false);
            put_string(out, &member.client_id, false);
            put_string(out, &member.client_host, false);
            out.extend_from_slice(&member.rebalance_timeout_ms.to_be_bytes());
            out.extend_from_slice(&member.session_timeout_ms.to_be_bytes());
            put_nullable_bytes(out, Some(&member.subscription), false);
            put_nullable_bytes(out, Some(&member.assignment), false);
        }
    }

    fn decode(value: &[u8]) -> Result<Self, GroupRecordError> {
        let (mut reader, version) = value_reader(value)?;
        let flexible = version >= FLEXIBLE;
        let protocol_type = reader.string("protocol type", flexible)?;
        let protocol_type = (!protocol_type.is_empty()).then(|| protocol_type.into());
        let generation_id = reader.int32("generation")?;
        let protocol_name = reader.nullable_string("protocol", flexible)?;
        let leader = reader.nullable_string("leader", flexible)?;
        let since_ms = match version {
            2.. => reader.int64("current state timestamp")?,
            _ => -1,
        };
        let read = |reader: &mut Reader<'_>| GenerationMember::decode(reader, version);
        let members = reader.array("members", flexible, MEMBER_BYTES_MIN, read)?;
        Ok(Self {
            protocol_type,
            generation_id,
            protocol_name: protocol_name.map(Into::into),
            leader: leader.map(Into::into),
            since_ms,
            members: required("members", members)?,
        })
    }

    /// Size of the value's bytes, at most.
    pub fn bytes(&self) -> usize {
        let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or_default().len();
        let members = self.members.iter().map(GenerationMember::bytes);
        64 + text(&self.protocol_type)
            + text(&self.protocol_name)
            + text(&self.leader)
            + members.sum::<usize>()
    }
}

impl GenerationMember {
    fn decode(reader: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let member_id = reader.string("member id", flexible)?.into();
        let group_instance_id = match version {
            3.. => reader.nullable_string("group instance id", flexible)?,
            _ => None,
        };
        let client_id = reader.string("client id", flexible)?.into();
        let client_host = reader.string("client host", flexible)?.into();
        let rebalance_timeout_ms = match version {
            1.. => reader.int32("rebalance timeout")?,
            _ => -1,
        };
        let session_timeout_ms = reader.int32("session timeout")?;
        // Old ones wait for a member as long as its session lasts.
        let rebalance_timeout_ms = match rebalance_timeout_ms {
            -1 => session_timeout_ms,
            known => known,
        };
        let mut bytes = |field| {
            let bytes = required(field, reader.nullable_bytes(field, flexible)?)?;
            Ok::<_, DecodeError>(Bytes::copy_from_slice(bytes))
        };
        let (subscription, assignment) = (bytes("subscription")?, bytes("assignment")?);
        if flexible {
            reader.skip_tags()?;
        }
        Ok(Self {
            member_id,
            group_instance_id: group_instance_id.map(Into::into),
            client_id,
            client_host,
            rebalance_timeout_ms,
            session_timeout_ms,
            subscription,
            assignment,
        })
    }

    /// Size of its bytes, at most.
    fn bytes(&self) -> usize {
        let instance = self.group_instance_id.as_deref().unwrap_or_default();
        32 + self.member_id.len()
            + instance.len()
            + self.client_id.len()
            + self.client_host.len()
            + self.subscription.len()
            + self.assignment.len()
    }
}

/// The topics that a consumer's metadata subscribes to: the common beginning of every version of Kafka's consumer protocol.
pub fn subscribed_topics(metadata: &[u8]) -> Result<Vec<Arc<str>>, DecodeError> {
    let mut reader = Reader::new(metadata);
    if reader.int16("version")? < 0 {
        return Err(DecodeError {
            field: "version",
            problem: Problem::Version,
        });
    }
    let topics = reader.array("topics", false, 2, |reader| {
        Ok(reader.string("topic", false)?.into())
    })?;
    required("topics", topics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(record: &GroupRecord) -> Vec<u8> {
        let mut out = Vec::new();
        record.encode_key(&mut out);
        out
    }

    fn value(record: &GroupRecord) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        record.encode_value(&mut out).then_some(out)
    }

    fn offset(value: Option<StoredOffset>) -> GroupRecord {
        GroupRecord::Offset {
            group_id: "g".into(),
            topic: "t".into(),
            partition: 7,
            value,
        }
    }

    fn stored(expires_ms: Option<i64>, topic_id: u128) -> StoredOffset {
        StoredOffset {
            offset: 5,
            leader_epoch: if expires_ms.is_some() { -1 } else { 3 },
            metadata: "note".into(),
            committed_ms: 1_700_000_000_000,
            expires_ms,
            topic_id,
        }
    }

    fn generation() -> Generation {
        Generation {
            protocol_type: Some("consumer".into()),
            generation_id: 4,
            protocol_name: Some("range".into()),
            leader: Some("m".into()),
            since_ms: 9,
            members: vec![GenerationMember {
                member_id: "m".into(),
                group_instance_id: Some("i".into()),
                client_id: "c".into(),
                client_host: "/127.0.0.1".into(),
                rebalance_timeout_ms: 300_000,
                session_timeout_ms: 45_000,
                subscription: Bytes::from_static(&[0, 1]),
                assignment: Bytes::from_static(&[2]),
            }],
        }
    }

    fn group(value: Option<Generation>) -> GroupRecord {
        GroupRecord::Group {
            group_id: "g".into(),
            value,
        }
    }

    /// The bytes are those that Kafka 4.3.0 wrote for the same group, taken from its log.
    #[test]
    fn records_have_kafkas_bytes() {
        assert_eq!(
            key(&offset(None)),
            b"\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x07"
        );
        assert_eq!(key(&group(None)), b"\x00\x02\x00\x01g");
        let plain = value(&offset(Some(stored(None, 0)))).unwrap();
        assert_eq!(
            plain,
            b"\x00\x04\0\0\0\0\0\0\0\x05\0\0\0\x03\x05note\0\0\x01\x8b\xcf\xe5\x68\0\0"
        );
        let with_id = value(&offset(Some(stored(None, 0x0102)))).unwrap();
        assert_eq!(with_id[..plain.len() - 1], plain[..plain.len() - 1]);
        assert_eq!(
            with_id[plain.len() - 1..],
            *b"\x01\x00\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02"
        );
        let expiring = value(&offset(Some(stored(Some(8), 0)))).unwrap();
        assert_eq!(
            expiring,
            b"\x00\x01\0\0\0\0\0\0\0\x05\0\x04note\0\0\x01\x8b\xcf\xe5\x68\0\0\0\0\0\0\0\0\x08"
        );
        assert_eq!(
            value(&group(Some(generation()))).unwrap(),
            b"\x00\x03\0\x08consumer\0\0\0\x04\0\x05range\0\x01m\0\0\0\0\0\0\0\x09\0\0\0\x01\
              \0\x01m\0\x01i\0\x01c\0\x0a/127.0.0.1\0\x04\x93\xe0\0\0\xaf\xc8\0\0\0\x02\x00\x01\0\0\0\x01\x02"
        );
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let empty = Generation {
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: Vec::new(),
            ..generation()
        };
        for record in [
            offset(None),
            offset(Some(stored(None, 0))),
            offset(Some(stored(None, u128::MAX))),
            offset(Some(stored(Some(3), 0))),
            group(None),
            group(Some(generation())),
            group(Some(empty)),
        ] {
            let read = GroupRecord::decode(&key(&record), value(&record).as_deref());
            assert_eq!(read, Ok(record));
        }
    }

    #[test]
    fn values_of_old_and_of_flexible_versions_are_read() {
        let read = |value: &[u8]| match GroupRecord::decode(b"\0\x02\0\x01g", Some(value)) {
            Ok(GroupRecord::Group { value, .. }) => value.unwrap(),
            other => panic!("{other:?}"),
        };
        let old = read(
            b"\0\0\0\x08consumer\0\0\0\x04\0\x05range\0\x01m\0\0\0\x01\
              \0\x01m\0\x01c\0\x01h\0\0\0\x09\0\0\0\0\0\0\0\0",
        );
        let member = &old.members[0];
        assert_eq!((member.rebalance_timeout_ms, old.since_ms), (9, -1));
        let flexible = read(
            b"\0\x04\x09consumer\0\0\0\x04\x06range\x02m\0\0\0\0\0\0\0\x09\x02\
              \x02m\x02i\x02c\x0b/127.0.0.1\0\x04\x93\xe0\0\0\xaf\xc8\x03\x00\x01\x02\x02\0\0",
        );
        assert_eq!(flexible, generation());
    }

    #[test]
    fn what_is_not_ours_is_told_apart_from_what_is_cut() {
        let unknown = GroupRecord::decode(&[0, 3, 0, 1, b'g'], Some(&[0, 0]));
        assert_eq!(unknown, Err(GroupRecordError::UnknownKey(3)));
        let newer = GroupRecord::decode(&key(&group(None)), Some(&[0, 5]));
        assert_eq!(newer, Err(GroupRecordError::UnknownValue(5)));
        let whole = value(&group(Some(generation()))).unwrap();
        for end in 0..whole.len() {
            let cut = GroupRecord::decode(&key(&group(None)), Some(&whole[..end]));
            assert!(matches!(cut, Err(GroupRecordError::Malformed(_))), "{end}");
        }
    }

    #[test]
    fn subscriptions_of_any_version_name_their_topics() {
        let topics = |bytes: &[u8]| subscribed_topics(bytes).ok();
        let one: Vec<Arc<str>> = vec!["t".into()];
        assert_eq!(
            topics(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff"),
            Some(one.clone())
        );
        assert_eq!(topics(b"\0\x09\0\0\0\x01\0\x01t and more"), Some(one));
        assert_eq!(topics(b"\xff\xff\0\0\0\0"), None);
        assert_eq!(topics(b"\0\0\0\0\0\x09\0\x01t"), None);
        assert_eq!(topics(b""), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(key: Vec<u8>, value: Option<Vec<u8>>, kind in 0i16..4, version in 0i16..6) {
            let key = [&kind.to_be_bytes()[..], &key].concat();
            let value = value.map(|value| [&version.to_be_bytes()[..], &value].concat());
            let _ = GroupRecord::decode(&key, value.as_deref());
            let _ = subscribed_topics(&key);
        }
    }
}
