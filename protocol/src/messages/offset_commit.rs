//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 8;
pub const VERSION_MIN: i16 = 2;
pub const VERSION_MAX: i16 = 10;
pub const FLEXIBLE: i16 = 8;

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub generation_id_or_member_epoch: i32,
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub retention_time_ms: i64,
    pub topics: Vec<OffsetCommitRequestTopic<'a>>,
}

impl<'a> Default for OffsetCommitRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Default::default(),
        }
    }
}

impl<'a> OffsetCommitRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.generation_id_or_member_epoch = r.int32("generation_id_or_member_epoch")?;
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        if version >= 7 {
            out.group_instance_id = null_if(version >= 7, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        if version <= 4 {
            out.retention_time_ms = r.int64("retention_time_ms")?;
        }
        out.topics = required("topics", r.array("topics", flexible, OffsetCommitRequestTopic::bytes_min(version), |r| OffsetCommitRequestTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.group_id, flexible);
        w.extend_from_slice(&self.generation_id_or_member_epoch.to_be_bytes());
        put_string(w, &self.member_id, flexible);
        if version >= 7 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 7 { None } else { Some("") }), flexible);
        }
        if version <= 4 {
            w.extend_from_slice(&self.retention_time_ms.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partitions: Vec<OffsetCommitRequestTopicPartition<'a>>,
}

impl<'a> Default for OffsetCommitRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetCommitRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 9 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 10 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.partitions = required("partitions", r.array("partitions", flexible, OffsetCommitRequestTopicPartition::bytes_min(version), |r| OffsetCommitRequestTopicPartition::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 9 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 10 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 9 {
            put_string(w, &self.name, flexible);
        }
        if version >= 10 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitRequestTopicPartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<Cow<'a, str>>,
}

impl<'a> Default for OffsetCommitRequestTopicPartition<'a> {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            committed_metadata: None,
        }
    }
}

impl<'a> OffsetCommitRequestTopicPartition<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.committed_offset = r.int64("committed_offset")?;
        if version >= 6 {
            out.committed_leader_epoch = r.int32("committed_leader_epoch")?;
        }
        out.committed_metadata = r.nullable_string("committed_metadata", flexible)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes += 8;
        if version >= 6 {
            bytes += 4;
        }
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.committed_offset.to_be_bytes());
        if version >= 6 {
            w.extend_from_slice(&self.committed_leader_epoch.to_be_bytes());
        }
        put_nullable_string(w, self.committed_metadata.as_deref(), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetCommitResponseTopic<'a>>,
}

impl<'a> Default for OffsetCommitResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> OffsetCommitResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.topics = required("topics", r.array("topics", flexible, OffsetCommitResponseTopic::bytes_min(version), |r| OffsetCommitResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 3 {
            w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partitions: Vec<OffsetCommitResponseTopicPartition>,
}

impl<'a> Default for OffsetCommitResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetCommitResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 9 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 10 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.partitions = required("partitions", r.array("partitions", flexible, OffsetCommitResponseTopicPartition::bytes_min(version), |r| OffsetCommitResponseTopicPartition::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 9 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 10 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 9 {
            put_string(w, &self.name, flexible);
        }
        if version >= 10 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetCommitResponseTopicPartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl Default for OffsetCommitResponseTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl<'a> OffsetCommitResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.error_code = r.int16("error_code")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes += 2;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

