//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 35;
pub const VERSION_MIN: i16 = 1;
pub const VERSION_MAX: i16 = 5;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsRequest<'a> {
    pub topics: Option<Vec<DescribeLogDirsRequestTopic<'a>>>,
}

impl<'a> Default for DescribeLogDirsRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
        }
    }
}

impl<'a> DescribeLogDirsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = r.array("topics", flexible, DescribeLogDirsRequestTopic::bytes_min(version), |r| DescribeLogDirsRequestTopic::decode(r, version))?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, self.topics.as_ref().map(Vec::len), flexible); for item in self.topics.iter().flatten() { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsRequestTopic<'a> {
    pub topic: Cow<'a, str>,
    pub partitions: Vec<i32>,
}

impl<'a> Default for DescribeLogDirsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> DescribeLogDirsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, 4, |r| r.int32("partitions"))?)?;
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
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { w.extend_from_slice(&item.to_be_bytes()); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub results: Vec<DescribeLogDirsResponseResult<'a>>,
}

impl<'a> Default for DescribeLogDirsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            results: Default::default(),
        }
    }
}

impl<'a> DescribeLogDirsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        if version >= 3 {
            out.error_code = r.int16("error_code")?;
        }
        out.results = required("results", r.array("results", flexible, DescribeLogDirsResponseResult::bytes_min(version), |r| DescribeLogDirsResponseResult::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        if version >= 3 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        put_array(w, Some(self.results.len()), flexible); for item in &self.results { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsResponseResult<'a> {
    pub error_code: i16,
    pub log_dir: Cow<'a, str>,
    pub topics: Vec<DescribeLogDirsResponseResultTopic<'a>>,
    pub total_bytes: i64,
    pub usable_bytes: i64,
    pub is_cordoned: bool,
}

impl<'a> Default for DescribeLogDirsResponseResult<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            log_dir: Default::default(),
            topics: Default::default(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: Default::default(),
        }
    }
}

impl<'a> DescribeLogDirsResponseResult<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.log_dir = required("log_dir", r.nullable_string("log_dir", flexible)?)?;
        out.topics = required("topics", r.array("topics", flexible, DescribeLogDirsResponseResultTopic::bytes_min(version), |r| DescribeLogDirsResponseResultTopic::decode(r, version))?)?;
        if version >= 4 {
            out.total_bytes = r.int64("total_bytes")?;
        }
        if version >= 4 {
            out.usable_bytes = r.int64("usable_bytes")?;
        }
        if version >= 5 {
            out.is_cordoned = r.bool("is_cordoned")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 2;
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 4 };
        if version >= 4 {
            bytes += 8;
        }
        if version >= 4 {
            bytes += 8;
        }
        if version >= 5 {
            bytes += 1;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_string(w, &self.log_dir, flexible);
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if version >= 4 {
            w.extend_from_slice(&self.total_bytes.to_be_bytes());
        }
        if version >= 4 {
            w.extend_from_slice(&self.usable_bytes.to_be_bytes());
        }
        if version >= 5 {
            w.push(u8::from(self.is_cordoned));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeLogDirsResponseResultTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<DescribeLogDirsResponseResultTopicPartition>,
}

impl<'a> Default for DescribeLogDirsResponseResultTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> DescribeLogDirsResponseResultTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, DescribeLogDirsResponseResultTopicPartition::bytes_min(version), |r| DescribeLogDirsResponseResultTopicPartition::decode(r, version))?)?;
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
pub struct DescribeLogDirsResponseResultTopicPartition {
    pub partition_index: i32,
    pub partition_size: i64,
    pub offset_lag: i64,
    pub is_future_key: bool,
}

impl Default for DescribeLogDirsResponseResultTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            partition_size: Default::default(),
            offset_lag: Default::default(),
            is_future_key: Default::default(),
        }
    }
}

impl<'a> DescribeLogDirsResponseResultTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.partition_size = r.int64("partition_size")?;
        out.offset_lag = r.int64("offset_lag")?;
        out.is_future_key = r.bool("is_future_key")?;
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
        bytes += 8;
        bytes += 1;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.partition_size.to_be_bytes());
        w.extend_from_slice(&self.offset_lag.to_be_bytes());
        w.push(u8::from(self.is_future_key));
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

