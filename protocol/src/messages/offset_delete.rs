//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 47;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 0;
pub const FLEXIBLE: i16 = 32767;

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetDeleteRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub topics: Vec<OffsetDeleteRequestTopic<'a>>,
}

impl<'a> Default for OffsetDeleteRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> OffsetDeleteRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.topics = required("topics", r.array("topics", flexible, OffsetDeleteRequestTopic::bytes_min(version), |r| OffsetDeleteRequestTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.group_id, flexible);
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetDeleteRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<OffsetDeleteRequestTopicPartition>,
}

impl<'a> Default for OffsetDeleteRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetDeleteRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, OffsetDeleteRequestTopicPartition::bytes_min(version), |r| OffsetDeleteRequestTopicPartition::decode(r, version))?)?;
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
pub struct OffsetDeleteRequestTopicPartition {
    pub partition_index: i32,
}

impl Default for OffsetDeleteRequestTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
        }
    }
}

impl<'a> OffsetDeleteRequestTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetDeleteResponse<'a> {
    pub error_code: i16,
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetDeleteResponseTopic<'a>>,
}

impl<'a> Default for OffsetDeleteResponse<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            throttle_time_ms: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> OffsetDeleteResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.topics = required("topics", r.array("topics", flexible, OffsetDeleteResponseTopic::bytes_min(version), |r| OffsetDeleteResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct OffsetDeleteResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<OffsetDeleteResponseTopicPartition>,
}

impl<'a> Default for OffsetDeleteResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> OffsetDeleteResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, OffsetDeleteResponseTopicPartition::bytes_min(version), |r| OffsetDeleteResponseTopicPartition::decode(r, version))?)?;
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
pub struct OffsetDeleteResponseTopicPartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl Default for OffsetDeleteResponseTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl<'a> OffsetDeleteResponseTopicPartition {
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

