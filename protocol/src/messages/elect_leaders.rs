//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 43;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 2;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct ElectLeadersRequest<'a> {
    pub election_type: i8,
    pub topic_partitions: Option<Vec<ElectLeadersRequestTopic<'a>>>,
    pub timeout_ms: i32,
}

impl<'a> Default for ElectLeadersRequest<'a> {
    fn default() -> Self {
        Self {
            election_type: Default::default(),
            topic_partitions: Some(Vec::new()),
            timeout_ms: 60000,
        }
    }
}

impl<'a> ElectLeadersRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.election_type = r.int8("election_type")?;
        }
        out.topic_partitions = r.array("topic_partitions", flexible, ElectLeadersRequestTopic::bytes_min(version), |r| ElectLeadersRequestTopic::decode(r, version))?;
        out.timeout_ms = r.int32("timeout_ms")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 1 {
            w.extend_from_slice(&self.election_type.to_be_bytes());
        }
        put_array(w, self.topic_partitions.as_ref().map(Vec::len), flexible); for item in self.topic_partitions.iter().flatten() { item.encode(w, version); }
        w.extend_from_slice(&self.timeout_ms.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ElectLeadersRequestTopic<'a> {
    pub topic: Cow<'a, str>,
    pub partitions: Vec<i32>,
}

impl<'a> Default for ElectLeadersRequestTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> ElectLeadersRequestTopic<'a> {
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
pub struct ElectLeadersResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub replica_election_results: Vec<ElectLeadersResponseTopic<'a>>,
}

impl<'a> Default for ElectLeadersResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            replica_election_results: Default::default(),
        }
    }
}

impl<'a> ElectLeadersResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        if version >= 1 {
            out.error_code = r.int16("error_code")?;
        }
        out.replica_election_results = required("replica_election_results", r.array("replica_election_results", flexible, ElectLeadersResponseTopic::bytes_min(version), |r| ElectLeadersResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        if version >= 1 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        put_array(w, Some(self.replica_election_results.len()), flexible); for item in &self.replica_election_results { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ElectLeadersResponseTopic<'a> {
    pub topic: Cow<'a, str>,
    pub partition_result: Vec<ElectLeadersResponseTopicPartition<'a>>,
}

impl<'a> Default for ElectLeadersResponseTopic<'a> {
    fn default() -> Self {
        Self {
            topic: Default::default(),
            partition_result: Default::default(),
        }
    }
}

impl<'a> ElectLeadersResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic = required("topic", r.nullable_string("topic", flexible)?)?;
        out.partition_result = required("partition_result", r.array("partition_result", flexible, ElectLeadersResponseTopicPartition::bytes_min(version), |r| ElectLeadersResponseTopicPartition::decode(r, version))?)?;
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
        put_array(w, Some(self.partition_result.len()), flexible); for item in &self.partition_result { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ElectLeadersResponseTopicPartition<'a> {
    pub partition_id: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
}

impl<'a> Default for ElectLeadersResponseTopicPartition<'a> {
    fn default() -> Self {
        Self {
            partition_id: Default::default(),
            error_code: Default::default(),
            error_message: None,
        }
    }
}

impl<'a> ElectLeadersResponseTopicPartition<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_id = r.int32("partition_id")?;
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
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
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_id.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

