//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 75;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 0;
pub const FLEXIBLE: i16 = 0;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsRequest<'a> {
    pub topics: Vec<DescribeTopicPartitionsRequestTopic<'a>>,
    pub response_partition_limit: i32,
    pub cursor: Option<DescribeTopicPartitionsRequestCursor<'a>>,
}

impl<'a> Default for DescribeTopicPartitionsRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            response_partition_limit: 2000,
            cursor: None,
        }
    }
}

impl<'a> DescribeTopicPartitionsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = required("topics", r.array("topics", flexible, DescribeTopicPartitionsRequestTopic::bytes_min(version), |r| DescribeTopicPartitionsRequestTopic::decode(r, version))?)?;
        out.response_partition_limit = r.int32("response_partition_limit")?;
        out.cursor = r.nullable_struct("cursor", |r| DescribeTopicPartitionsRequestCursor::decode(r, version))?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        w.extend_from_slice(&self.response_partition_limit.to_be_bytes());
        put_struct(w, self.cursor.is_some()); if let Some(item) = &self.cursor { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsRequestTopic<'a> {
    pub name: Cow<'a, str>,
}

impl<'a> Default for DescribeTopicPartitionsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
        }
    }
}

impl<'a> DescribeTopicPartitionsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsRequestCursor<'a> {
    pub topic_name: Cow<'a, str>,
    pub partition_index: i32,
}

impl<'a> Default for DescribeTopicPartitionsRequestCursor<'a> {
    fn default() -> Self {
        Self {
            topic_name: Default::default(),
            partition_index: Default::default(),
        }
    }
}

impl<'a> DescribeTopicPartitionsRequestCursor<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic_name = required("topic_name", r.nullable_string("topic_name", flexible)?)?;
        out.partition_index = r.int32("partition_index")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        bytes += 4;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.topic_name, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<DescribeTopicPartitionsResponseTopic<'a>>,
    pub next_cursor: Option<DescribeTopicPartitionsResponseCursor<'a>>,
}

impl<'a> Default for DescribeTopicPartitionsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
            next_cursor: None,
        }
    }
}

impl<'a> DescribeTopicPartitionsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.topics = required("topics", r.array("topics", flexible, DescribeTopicPartitionsResponseTopic::bytes_min(version), |r| DescribeTopicPartitionsResponseTopic::decode(r, version))?)?;
        out.next_cursor = r.nullable_struct("next_cursor", |r| DescribeTopicPartitionsResponseCursor::decode(r, version))?;
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
        put_struct(w, self.next_cursor.is_some()); if let Some(item) = &self.next_cursor { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic<'a> {
    pub error_code: i16,
    pub name: Option<Cow<'a, str>>,
    pub topic_id: Uuid,
    pub is_internal: bool,
    pub partitions: Vec<DescribeTopicPartitionsResponseTopicPartition>,
    pub topic_authorized_operations: i32,
}

impl<'a> Default for DescribeTopicPartitionsResponseTopic<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: None,
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl<'a> DescribeTopicPartitionsResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.name = r.nullable_string("name", flexible)?;
        out.topic_id = r.uuid("topic_id")?;
        out.is_internal = r.bool("is_internal")?;
        out.partitions = required("partitions", r.array("partitions", flexible, DescribeTopicPartitionsResponseTopicPartition::bytes_min(version), |r| DescribeTopicPartitionsResponseTopicPartition::decode(r, version))?)?;
        out.topic_authorized_operations = r.int32("topic_authorized_operations")?;
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
        bytes += 16;
        bytes += 1;
        bytes += if flexible { 1 } else { 4 };
        bytes += 4;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.name.as_deref(), flexible);
        w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        w.push(u8::from(self.is_internal));
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        w.extend_from_slice(&self.topic_authorized_operations.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopicPartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    pub eligible_leader_replicas: Option<Vec<i32>>,
    pub last_known_elr: Option<Vec<i32>>,
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponseTopicPartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            eligible_leader_replicas: Some(Vec::new()),
            last_known_elr: Some(Vec::new()),
            offline_replicas: Default::default(),
        }
    }
}

impl<'a> DescribeTopicPartitionsResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.partition_index = r.int32("partition_index")?;
        out.leader_id = r.int32("leader_id")?;
        out.leader_epoch = r.int32("leader_epoch")?;
        out.replica_nodes = required("replica_nodes", r.array("replica_nodes", flexible, 4, |r| r.int32("replica_nodes"))?)?;
        out.isr_nodes = required("isr_nodes", r.array("isr_nodes", flexible, 4, |r| r.int32("isr_nodes"))?)?;
        out.eligible_leader_replicas = r.array("eligible_leader_replicas", flexible, 4, |r| r.int32("eligible_leader_replicas"))?;
        out.last_known_elr = r.array("last_known_elr", flexible, 4, |r| r.int32("last_known_elr"))?;
        out.offline_replicas = required("offline_replicas", r.array("offline_replicas", flexible, 4, |r| r.int32("offline_replicas"))?)?;
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
        bytes += 4;
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.leader_id.to_be_bytes());
        w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        put_array(w, Some(self.replica_nodes.len()), flexible); for item in &self.replica_nodes { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, Some(self.isr_nodes.len()), flexible); for item in &self.isr_nodes { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, self.eligible_leader_replicas.as_ref().map(Vec::len), flexible); for item in self.eligible_leader_replicas.iter().flatten() { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, self.last_known_elr.as_ref().map(Vec::len), flexible); for item in self.last_known_elr.iter().flatten() { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, Some(self.offline_replicas.len()), flexible); for item in &self.offline_replicas { w.extend_from_slice(&item.to_be_bytes()); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeTopicPartitionsResponseCursor<'a> {
    pub topic_name: Cow<'a, str>,
    pub partition_index: i32,
}

impl<'a> Default for DescribeTopicPartitionsResponseCursor<'a> {
    fn default() -> Self {
        Self {
            topic_name: Default::default(),
            partition_index: Default::default(),
        }
    }
}

impl<'a> DescribeTopicPartitionsResponseCursor<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic_name = required("topic_name", r.nullable_string("topic_name", flexible)?)?;
        out.partition_index = r.int32("partition_index")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        bytes += 4;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.topic_name, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

