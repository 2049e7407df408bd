//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 46;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 0;
pub const FLEXIBLE: i16 = 0;

#[derive(Debug, Clone, PartialEq)]
pub struct ListPartitionReassignmentsRequest<'a> {
    pub timeout_ms: i32,
    pub topics: Option<Vec<ListPartitionReassignmentsRequestTopic<'a>>>,
}

impl<'a> Default for ListPartitionReassignmentsRequest<'a> {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            topics: Some(Vec::new()),
        }
    }
}

impl<'a> ListPartitionReassignmentsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.timeout_ms = r.int32("timeout_ms")?;
        out.topics = r.array("topics", flexible, ListPartitionReassignmentsRequestTopic::bytes_min(version), |r| ListPartitionReassignmentsRequestTopic::decode(r, version))?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.timeout_ms.to_be_bytes());
        put_array(w, self.topics.as_ref().map(Vec::len), flexible); for item in self.topics.iter().flatten() { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListPartitionReassignmentsRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub partition_indexes: Vec<i32>,
}

impl<'a> Default for ListPartitionReassignmentsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partition_indexes: Default::default(),
        }
    }
}

impl<'a> ListPartitionReassignmentsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partition_indexes = required("partition_indexes", r.array("partition_indexes", flexible, 4, |r| r.int32("partition_indexes"))?)?;
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
        put_array(w, Some(self.partition_indexes.len()), flexible); for item in &self.partition_indexes { w.extend_from_slice(&item.to_be_bytes()); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListPartitionReassignmentsResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub topics: Vec<ListPartitionReassignmentsResponseTopic<'a>>,
}

impl<'a> Default for ListPartitionReassignmentsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: None,
            topics: Default::default(),
        }
    }
}

impl<'a> ListPartitionReassignmentsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
        out.topics = required("topics", r.array("topics", flexible, ListPartitionReassignmentsResponseTopic::bytes_min(version), |r| ListPartitionReassignmentsResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListPartitionReassignmentsResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub partitions: Vec<ListPartitionReassignmentsResponseTopicPartition>,
}

impl<'a> Default for ListPartitionReassignmentsResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> ListPartitionReassignmentsResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, ListPartitionReassignmentsResponseTopicPartition::bytes_min(version), |r| ListPartitionReassignmentsResponseTopicPartition::decode(r, version))?)?;
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
pub struct ListPartitionReassignmentsResponseTopicPartition {
    pub partition_index: i32,
    pub replicas: Vec<i32>,
    pub adding_replicas: Vec<i32>,
    pub removing_replicas: Vec<i32>,
}

impl Default for ListPartitionReassignmentsResponseTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            replicas: Default::default(),
            adding_replicas: Default::default(),
            removing_replicas: Default::default(),
        }
    }
}

impl<'a> ListPartitionReassignmentsResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.replicas = required("replicas", r.array("replicas", flexible, 4, |r| r.int32("replicas"))?)?;
        out.adding_replicas = required("adding_replicas", r.array("adding_replicas", flexible, 4, |r| r.int32("adding_replicas"))?)?;
        out.removing_replicas = required("removing_replicas", r.array("removing_replicas", flexible, 4, |r| r.int32("removing_replicas"))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        put_array(w, Some(self.replicas.len()), flexible); for item in &self.replicas { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, Some(self.adding_replicas.len()), flexible); for item in &self.adding_replicas { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, Some(self.removing_replicas.len()), flexible); for item in &self.removing_replicas { w.extend_from_slice(&item.to_be_bytes()); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

