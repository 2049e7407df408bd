//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 9;
pub const VERSION_MIN: i16 = 1;
pub const VERSION_MAX: i16 = 10;
pub const FLEXIBLE: i16 = 6;

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub topics: Option<Vec<OffsetFetchRequestTopic<'a>>>,
    pub groups: Vec<OffsetFetchRequestGroup<'a>>,
    pub require_stable: bool,
}

impl<'a> Default for OffsetFetchRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Some(Vec::new()),
            groups: Default::default(),
            require_stable: Default::default(),
        }
    }
}

impl<'a> OffsetFetchRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 7 {
            out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        }
        if version <= 7 {
            out.topics = null_if((2..=7).contains(&version), "topics", r.array("topics", flexible, OffsetFetchRequestTopic::bytes_min(version), |r| OffsetFetchRequestTopic::decode(r, version))?)?;
        }
        if version >= 8 {
            out.groups = required("groups", r.array("groups", flexible, OffsetFetchRequestGroup::bytes_min(version), |r| OffsetFetchRequestGroup::decode(r, version))?)?;
        }
        if version >= 7 {
            out.require_stable = r.bool("require_stable")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 7 {
            put_string(w, &self.group_id, flexible);
        }
        if version <= 7 {
            put_array(w, self.topics.as_ref().map(Vec::len).or(if (2..=7).contains(&version) { None } else { Some(0) }), flexible); for item in self.topics.iter().flatten() { item.encode(w, version); }
        }
        if version >= 8 {
            put_array(w, Some(self.groups.len()), flexible); for item in &self.groups { item.encode(w, version); }
        }
        if version >= 7 {
            w.push(u8::from(self.require_stable));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub partition_indexes: Vec<i32>,
}

impl<'a> Default for OffsetFetchRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partition_indexes: Default::default(),
        }
    }
}

impl<'a> OffsetFetchRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 7 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version <= 7 {
            out.partition_indexes = required("partition_indexes", r.array("partition_indexes", flexible, 4, |r| r.int32("partition_indexes"))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 7 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version <= 7 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 7 {
            put_string(w, &self.name, flexible);
        }
        if version <= 7 {
            put_array(w, Some(self.partition_indexes.len()), flexible); for item in &self.partition_indexes { w.extend_from_slice(&item.to_be_bytes()); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequestGroup<'a> {
    pub group_id: Cow<'a, str>,
    pub member_id: Option<Cow<'a, str>>,
    pub member_epoch: i32,
    pub topics: Option<Vec<OffsetFetchRequestGroupTopic<'a>>>,
}

impl<'a> Default for OffsetFetchRequestGroup<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: None,
            member_epoch: -1,
            topics: Some(Vec::new()),
        }
    }
}

impl<'a> OffsetFetchRequestGroup<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 8 {
            out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        }
        if version >= 9 {
            out.member_id = null_if(version >= 9, "member_id", r.nullable_string("member_id", flexible)?)?;
        }
        if version >= 9 {
            out.member_epoch = r.int32("member_epoch")?;
        }
        if version >= 8 {
            out.topics = null_if(version >= 8, "topics", r.array("topics", flexible, OffsetFetchRequestGroupTopic::bytes_min(version), |r| OffsetFetchRequestGroupTopic::decode(r, version))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 8 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 9 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 9 {
            bytes += 4;
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 8 {
            put_string(w, &self.group_id, flexible);
        }
        if version >= 9 {
            put_nullable_string(w, self.member_id.as_deref().or(if version >= 9 { None } else { Some("") }), flexible);
        }
        if version >= 9 {
            w.extend_from_slice(&self.member_epoch.to_be_bytes());
        }
        if version >= 8 {
            put_array(w, self.topics.as_ref().map(Vec::len).or(if version >= 8 { None } else { Some(0) }), flexible); for item in self.topics.iter().flatten() { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchRequestGroupTopic<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partition_indexes: Vec<i32>,
}

impl<'a> Default for OffsetFetchRequestGroupTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            partition_indexes: Default::default(),
        }
    }
}

impl<'a> OffsetFetchRequestGroupTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if (8..=9).contains(&version) {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 10 {
            out.topic_id = r.uuid("topic_id")?;
        }
        if version >= 8 {
            out.partition_indexes = required("partition_indexes", r.array("partition_indexes", flexible, 4, |r| r.int32("partition_indexes"))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 8 && version <= 9 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 10 {
            bytes += 16;
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if (8..=9).contains(&version) {
            put_string(w, &self.name, flexible);
        }
        if version >= 10 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        if version >= 8 {
            put_array(w, Some(self.partition_indexes.len()), flexible); for item in &self.partition_indexes { w.extend_from_slice(&item.to_be_bytes()); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetFetchResponseTopic<'a>>,
    pub error_code: i16,
    pub groups: Vec<OffsetFetchResponseGroup<'a>>,
}

impl<'a> Default for OffsetFetchResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
            error_code: Default::default(),
            groups: Default::default(),
        }
    }
}

impl<'a> OffsetFetchResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        if version <= 7 {
            out.topics = required("topics", r.array("topics", flexible, OffsetFetchResponseTopic::bytes_min(version), |r| OffsetFetchResponseTopic::decode(r, version))?)?;
        }
        if (2..=7).contains(&version) {
            out.error_code = r.int16("error_code")?;
        }
        if version >= 8 {
            out.groups = required("groups", r.array("groups", flexible, OffsetFetchResponseGroup::bytes_min(version), |r| OffsetFetchResponseGroup::decode(r, version))?)?;
        }
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
        if version <= 7 {
            put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        }
        if (2..=7).contains(&version) {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if version >= 8 {
            put_array(w, Some(self.groups.len()), flexible); for item in &self.groups { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<OffsetFetchResponseTopicPartition<'a>>,
}

impl<'a> Default for OffsetFetchResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetFetchResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 7 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version <= 7 {
            out.partitions = required("partitions", r.array("partitions", flexible, OffsetFetchResponseTopicPartition::bytes_min(version), |r| OffsetFetchResponseTopicPartition::decode(r, version))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 7 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version <= 7 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 7 {
            put_string(w, &self.name, flexible);
        }
        if version <= 7 {
            put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponseTopicPartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub metadata: Option<Cow<'a, str>>,
    pub error_code: i16,
}

impl<'a> Default for OffsetFetchResponseTopicPartition<'a> {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: None,
            error_code: Default::default(),
        }
    }
}

impl<'a> OffsetFetchResponseTopicPartition<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 7 {
            out.partition_index = r.int32("partition_index")?;
        }
        if version <= 7 {
            out.committed_offset = r.int64("committed_offset")?;
        }
        if (5..=7).contains(&version) {
            out.committed_leader_epoch = r.int32("committed_leader_epoch")?;
        }
        if version <= 7 {
            out.metadata = null_if(version <= 7, "metadata", r.nullable_string("metadata", flexible)?)?;
        }
        if version <= 7 {
            out.error_code = r.int16("error_code")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 7 {
            bytes += 4;
        }
        if version <= 7 {
            bytes += 8;
        }
        if version >= 5 && version <= 7 {
            bytes += 4;
        }
        if version <= 7 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version <= 7 {
            bytes += 2;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 7 {
            w.extend_from_slice(&self.partition_index.to_be_bytes());
        }
        if version <= 7 {
            w.extend_from_slice(&self.committed_offset.to_be_bytes());
        }
        if (5..=7).contains(&version) {
            w.extend_from_slice(&self.committed_leader_epoch.to_be_bytes());
        }
        if version <= 7 {
            put_nullable_string(w, self.metadata.as_deref().or(if version <= 7 { None } else { Some("") }), flexible);
        }
        if version <= 7 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponseGroup<'a> {
    pub group_id: Cow<'a, str>,
    pub topics: Vec<OffsetFetchResponseGroupTopic<'a>>,
    pub error_code: i16,
}

impl<'a> Default for OffsetFetchResponseGroup<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl<'a> OffsetFetchResponseGroup<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 8 {
            out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        }
        if version >= 8 {
            out.topics = required("topics", r.array("topics", flexible, OffsetFetchResponseGroupTopic::bytes_min(version), |r| OffsetFetchResponseGroupTopic::decode(r, version))?)?;
        }
        if version >= 8 {
            out.error_code = r.int16("error_code")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 8 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 4 };
        }
        if version >= 8 {
            bytes += 2;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 8 {
            put_string(w, &self.group_id, flexible);
        }
        if version >= 8 {
            put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        }
        if version >= 8 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponseGroupTopic<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partitions: Vec<OffsetFetchResponseGroupTopicPartition<'a>>,
}

impl<'a> Default for OffsetFetchResponseGroupTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetFetchResponseGroupTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if (8..=9).contains(&version) {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 10 {
            out.topic_id = r.uuid("topic_id")?;
        }
        if version >= 8 {
            out.partitions = required("partitions", r.array("partitions", flexible, OffsetFetchResponseGroupTopicPartition::bytes_min(version), |r| OffsetFetchResponseGroupTopicPartition::decode(r, version))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 8 && version <= 9 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 10 {
            bytes += 16;
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if (8..=9).contains(&version) {
            put_string(w, &self.name, flexible);
        }
        if version >= 10 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        if version >= 8 {
            put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetFetchResponseGroupTopicPartition<'a> {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub metadata: Option<Cow<'a, str>>,
    pub error_code: i16,
}

impl<'a> Default for OffsetFetchResponseGroupTopicPartition<'a> {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: None,
            error_code: Default::default(),
        }
    }
}

impl<'a> OffsetFetchResponseGroupTopicPartition<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 8 {
            out.partition_index = r.int32("partition_index")?;
        }
        if version >= 8 {
            out.committed_offset = r.int64("committed_offset")?;
        }
        if version >= 8 {
            out.committed_leader_epoch = r.int32("committed_leader_epoch")?;
        }
        if version >= 8 {
            out.metadata = null_if(version >= 8, "metadata", r.nullable_string("metadata", flexible)?)?;
        }
        if version >= 8 {
            out.error_code = r.int16("error_code")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 8 {
            bytes += 4;
        }
        if version >= 8 {
            bytes += 8;
        }
        if version >= 8 {
            bytes += 4;
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 8 {
            bytes += 2;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 8 {
            w.extend_from_slice(&self.partition_index.to_be_bytes());
        }
        if version >= 8 {
            w.extend_from_slice(&self.committed_offset.to_be_bytes());
        }
        if version >= 8 {
            w.extend_from_slice(&self.committed_leader_epoch.to_be_bytes());
        }
        if version >= 8 {
            put_nullable_string(w, self.metadata.as_deref().or(if version >= 8 { None } else { Some("") }), flexible);
        }
        if version >= 8 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

