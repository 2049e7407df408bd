//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 23;
pub const VERSION_MIN: i16 = 2;
pub const VERSION_MAX: i16 = 4;
pub const FLEXIBLE: i16 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochRequest<'a> {
    pub replica_id: i32,
    pub topics: Vec<OffsetForLeaderEpochRequestTopic<'a>>,
}

impl<'a> Default for OffsetForLeaderEpochRequest<'a> {
    fn default() -> Self {
        Self {
            replica_id: -2,
            topics: Default::default(),
        }
    }
}

impl<'a> OffsetForLeaderEpochRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.replica_id = r.int32("replica_id")?;
        }
        out.topics = required("topics", r.array("topics", flexible, OffsetForLeaderEpochRequestTopic::bytes_min(version), |r| OffsetForLeaderEpochRequestTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 3 {
            w.extend_from_slice(&self.replica_id.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochRequestTopic<'a> {
    pub topic: Cow<'a, str>,
    pub partitions: Vec<OffsetForLeaderEpochRequestTopicPartition>,
}

impl<'a> Default for OffsetForLeaderEpochRequestTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetForLeaderEpochRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, OffsetForLeaderEpochRequestTopicPartition::bytes_min(version), |r| OffsetForLeaderEpochRequestTopicPartition::decode(r, version))?)?;
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
        put_string(w, &self.topic, flexible);
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochRequestTopicPartition {
    pub partition: i32,
    pub current_leader_epoch: i32,
    pub leader_epoch: i32,
}

impl Default for OffsetForLeaderEpochRequestTopicPartition {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            current_leader_epoch: -1,
            leader_epoch: Default::default(),
        }
    }
}

impl<'a> OffsetForLeaderEpochRequestTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition = r.int32("partition")?;
        out.current_leader_epoch = r.int32("current_leader_epoch")?;
        out.leader_epoch = r.int32("leader_epoch")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes += 4;
        bytes += 4;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition.to_be_bytes());
        w.extend_from_slice(&self.current_leader_epoch.to_be_bytes());
        w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetForLeaderEpochResponseTopic<'a>>,
}

impl<'a> Default for OffsetForLeaderEpochResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> OffsetForLeaderEpochResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.topics = required("topics", r.array("topics", flexible, OffsetForLeaderEpochResponseTopic::bytes_min(version), |r| OffsetForLeaderEpochResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochResponseTopic<'a> {
    pub topic: Cow<'a, str>,
    pub partitions: Vec<OffsetForLeaderEpochResponseTopicPartition>,
}

impl<'a> Default for OffsetForLeaderEpochResponseTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetForLeaderEpochResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, OffsetForLeaderEpochResponseTopicPartition::bytes_min(version), |r| OffsetForLeaderEpochResponseTopicPartition::decode(r, version))?)?;
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
        put_string(w, &self.topic, flexible);
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetForLeaderEpochResponseTopicPartition {
    pub error_code: i16,
    pub partition: i32,
    pub leader_epoch: i32,
    pub end_offset: i64,
}

impl Default for OffsetForLeaderEpochResponseTopicPartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition: Default::default(),
            leader_epoch: -1,
            end_offset: -1,
        }
    }
}

impl<'a> OffsetForLeaderEpochResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.partition = r.int32("partition")?;
        out.leader_epoch = r.int32("leader_epoch")?;
        out.end_offset = r.int64("end_offset")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 2;
        bytes += 4;
        bytes += 4;
        bytes += 8;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.partition.to_be_bytes());
        w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        w.extend_from_slice(&self.end_offset.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

