//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 21;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 2;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteRecordsRequest<'a> {
    pub topics: Vec<DeleteRecordsRequestTopic<'a>>,
    pub timeout_ms: i32,
}

impl<'a> Default for DeleteRecordsRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: Default::default(),
        }
    }
}

impl<'a> DeleteRecordsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = required("topics", r.array("topics", flexible, DeleteRecordsRequestTopic::bytes_min(version), |r| DeleteRecordsRequestTopic::decode(r, version))?)?;
        out.timeout_ms = r.int32("timeout_ms")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        w.extend_from_slice(&self.timeout_ms.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteRecordsRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<DeleteRecordsRequestTopicPartition>,
}

impl<'a> Default for DeleteRecordsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> DeleteRecordsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, DeleteRecordsRequestTopicPartition::bytes_min(version), |r| DeleteRecordsRequestTopicPartition::decode(r, version))?)?;
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
pub struct DeleteRecordsRequestTopicPartition {
    pub partition_index: i32,
    pub offset: i64,
}

impl Default for DeleteRecordsRequestTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            offset: Default::default(),
        }
    }
}

impl<'a> DeleteRecordsRequestTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.offset = r.int64("offset")?;
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
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.offset.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteRecordsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<DeleteRecordsResponseTopic<'a>>,
}

impl<'a> Default for DeleteRecordsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> DeleteRecordsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.topics = required("topics", r.array("topics", flexible, DeleteRecordsResponseTopic::bytes_min(version), |r| DeleteRecordsResponseTopic::decode(r, version))?)?;
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
pub struct DeleteRecordsResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<DeleteRecordsResponseTopicPartition>,
}

impl<'a> Default for DeleteRecordsResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> DeleteRecordsResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, DeleteRecordsResponseTopicPartition::bytes_min(version), |r| DeleteRecordsResponseTopicPartition::decode(r, version))?)?;
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
pub struct DeleteRecordsResponseTopicPartition {
    pub partition_index: i32,
    pub low_watermark: i64,
    pub error_code: i16,
}

impl Default for DeleteRecordsResponseTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            low_watermark: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl<'a> DeleteRecordsResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.low_watermark = r.int64("low_watermark")?;
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
        bytes += 8;
        bytes += 2;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.low_watermark.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

