//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 2;
pub const VERSION_MIN: i16 = 1;
pub const VERSION_MAX: i16 = 11;
pub const FLEXIBLE: i16 = 6;

#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsRequest<'a> {
    pub replica_id: i32,
    pub isolation_level: i8,
    pub topics: Vec<ListOffsetsRequestTopic<'a>>,
    pub timeout_ms: i32,
}

impl<'a> Default for ListOffsetsRequest<'a> {
    fn default() -> Self {
        Self {
            replica_id: Default::default(),
            isolation_level: Default::default(),
            topics: Default::default(),
            timeout_ms: Default::default(),
        }
    }
}

impl<'a> ListOffsetsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.replica_id = r.int32("replica_id")?;
        if version >= 2 {
            out.isolation_level = r.int8("isolation_level")?;
        }
        out.topics = required("topics", r.array("topics", flexible, ListOffsetsRequestTopic::bytes_min(version), |r| ListOffsetsRequestTopic::decode(r, version))?)?;
        if version >= 10 {
            out.timeout_ms = r.int32("timeout_ms")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.replica_id.to_be_bytes());
        if version >= 2 {
            w.extend_from_slice(&self.isolation_level.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if version >= 10 {
            w.extend_from_slice(&self.timeout_ms.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<ListOffsetsRequestTopicPartition>,
}

impl<'a> Default for ListOffsetsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> ListOffsetsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, ListOffsetsRequestTopicPartition::bytes_min(version), |r| ListOffsetsRequestTopicPartition::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsRequestTopicPartition {
    pub partition_index: i32,
    pub current_leader_epoch: i32,
    pub timestamp: i64,
}

impl Default for ListOffsetsRequestTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            current_leader_epoch: -1,
            timestamp: Default::default(),
        }
    }
}

impl<'a> ListOffsetsRequestTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        if version >= 4 {
            out.current_leader_epoch = r.int32("current_leader_epoch")?;
        }
        out.timestamp = r.int64("timestamp")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        if version >= 4 {
            bytes += 4;
        }
        bytes += 8;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        if version >= 4 {
            w.extend_from_slice(&self.current_leader_epoch.to_be_bytes());
        }
        w.extend_from_slice(&self.timestamp.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<ListOffsetsResponseTopic<'a>>,
}

impl<'a> Default for ListOffsetsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> ListOffsetsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 2 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.topics = required("topics", r.array("topics", flexible, ListOffsetsResponseTopic::bytes_min(version), |r| ListOffsetsResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 2 {
            w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<ListOffsetsResponseTopicPartition>,
}

impl<'a> Default for ListOffsetsResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> ListOffsetsResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, ListOffsetsResponseTopicPartition::bytes_min(version), |r| ListOffsetsResponseTopicPartition::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListOffsetsResponseTopicPartition {
    pub partition_index: i32,
    pub error_code: i16,
    pub timestamp: i64,
    pub offset: i64,
    pub leader_epoch: i32,
}

impl Default for ListOffsetsResponseTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

impl<'a> ListOffsetsResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.error_code = r.int16("error_code")?;
        out.timestamp = r.int64("timestamp")?;
        out.offset = r.int64("offset")?;
        if version >= 4 {
            out.leader_epoch = r.int32("leader_epoch")?;
        }
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
        bytes += 8;
        bytes += 8;
        if version >= 4 {
            bytes += 4;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.timestamp.to_be_bytes());
        w.extend_from_slice(&self.offset.to_be_bytes());
        if version >= 4 {
            w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

