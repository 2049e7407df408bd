//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 55;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 2;
pub const FLEXIBLE: i16 = 0;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumRequest<'a> {
    pub topics: Vec<DescribeQuorumRequestTopic<'a>>,
}

impl<'a> Default for DescribeQuorumRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = required("topics", r.array("topics", flexible, DescribeQuorumRequestTopic::bytes_min(version), |r| DescribeQuorumRequestTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumRequestTopic<'a> {
    pub topic_name: Cow<'a, str>,
    pub partitions: Vec<DescribeQuorumRequestTopicPartition>,
}

impl<'a> Default for DescribeQuorumRequestTopic<'a> {
    fn default() -> Self {
        Self {
            topic_name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic_name = required("topic_name", r.nullable_string("topic_name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, DescribeQuorumRequestTopicPartition::bytes_min(version), |r| DescribeQuorumRequestTopicPartition::decode(r, version))?)?;
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
        put_string(w, &self.topic_name, flexible);
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumRequestTopicPartition {
    pub partition_index: i32,
}

impl Default for DescribeQuorumRequestTopicPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumRequestTopicPartition {
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
pub struct DescribeQuorumResponse<'a> {
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub topics: Vec<DescribeQuorumResponseTopic<'a>>,
    pub nodes: Vec<DescribeQuorumResponseNode<'a>>,
}

impl<'a> Default for DescribeQuorumResponse<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: None,
            topics: Default::default(),
            nodes: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        if version >= 2 {
            out.error_message = null_if(version >= 2, "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        out.topics = required("topics", r.array("topics", flexible, DescribeQuorumResponseTopic::bytes_min(version), |r| DescribeQuorumResponseTopic::decode(r, version))?)?;
        if version >= 2 {
            out.nodes = required("nodes", r.array("nodes", flexible, DescribeQuorumResponseNode::bytes_min(version), |r| DescribeQuorumResponseNode::decode(r, version))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if version >= 2 {
            put_nullable_string(w, self.error_message.as_deref().or(if version >= 2 { None } else { Some("") }), flexible);
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if version >= 2 {
            put_array(w, Some(self.nodes.len()), flexible); for item in &self.nodes { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponseTopic<'a> {
    pub topic_name: Cow<'a, str>,
    pub partitions: Vec<DescribeQuorumResponseTopicPartition<'a>>,
}

impl<'a> Default for DescribeQuorumResponseTopic<'a> {
    fn default() -> Self {
        Self {
            topic_name: Default::default(),
            partitions: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topic_name = required("topic_name", r.nullable_string("topic_name", flexible)?)?;
        out.partitions = required("partitions", r.array("partitions", flexible, DescribeQuorumResponseTopicPartition::bytes_min(version), |r| DescribeQuorumResponseTopicPartition::decode(r, version))?)?;
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
        put_string(w, &self.topic_name, flexible);
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponseTopicPartition<'a> {
    pub partition_index: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub high_watermark: i64,
    pub current_voters: Vec<DescribeQuorumResponseTopicPartitionVoter>,
    pub observers: Vec<DescribeQuorumResponseTopicPartitionObserver>,
}

impl<'a> Default for DescribeQuorumResponseTopicPartition<'a> {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            error_message: None,
            leader_id: Default::default(),
            leader_epoch: Default::default(),
            high_watermark: Default::default(),
            current_voters: Default::default(),
            observers: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumResponseTopicPartition<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.error_code = r.int16("error_code")?;
        if version >= 2 {
            out.error_message = null_if(version >= 2, "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        out.leader_id = r.int32("leader_id")?;
        out.leader_epoch = r.int32("leader_epoch")?;
        out.high_watermark = r.int64("high_watermark")?;
        out.current_voters = required("current_voters", r.array("current_voters", flexible, DescribeQuorumResponseTopicPartitionVoter::bytes_min(version), |r| DescribeQuorumResponseTopicPartitionVoter::decode(r, version))?)?;
        out.observers = required("observers", r.array("observers", flexible, DescribeQuorumResponseTopicPartitionObserver::bytes_min(version), |r| DescribeQuorumResponseTopicPartitionObserver::decode(r, version))?)?;
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
        if version >= 2 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes += 4;
        bytes += 4;
        bytes += 8;
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if version >= 2 {
            put_nullable_string(w, self.error_message.as_deref().or(if version >= 2 { None } else { Some("") }), flexible);
        }
        w.extend_from_slice(&self.leader_id.to_be_bytes());
        w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        w.extend_from_slice(&self.high_watermark.to_be_bytes());
        put_array(w, Some(self.current_voters.len()), flexible); for item in &self.current_voters { item.encode(w, version); }
        put_array(w, Some(self.observers.len()), flexible); for item in &self.observers { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponseTopicPartitionVoter {
    pub replica_id: i32,
    pub replica_directory_id: Uuid,
    pub log_end_offset: i64,
    pub last_fetch_timestamp: i64,
    pub last_caught_up_timestamp: i64,
}

impl Default for DescribeQuorumResponseTopicPartitionVoter {
    fn default() -> Self {
        Self {
            replica_id: Default::default(),
            replica_directory_id: Default::default(),
            log_end_offset: Default::default(),
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl<'a> DescribeQuorumResponseTopicPartitionVoter {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.replica_id = r.int32("replica_id")?;
        if version >= 2 {
            out.replica_directory_id = r.uuid("replica_directory_id")?;
        }
        out.log_end_offset = r.int64("log_end_offset")?;
        if version >= 1 {
            out.last_fetch_timestamp = r.int64("last_fetch_timestamp")?;
        }
        if version >= 1 {
            out.last_caught_up_timestamp = r.int64("last_caught_up_timestamp")?;
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
        if version >= 2 {
            bytes += 16;
        }
        bytes += 8;
        if version >= 1 {
            bytes += 8;
        }
        if version >= 1 {
            bytes += 8;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.replica_id.to_be_bytes());
        if version >= 2 {
            w.extend_from_slice(&self.replica_directory_id.0.to_be_bytes());
        }
        w.extend_from_slice(&self.log_end_offset.to_be_bytes());
        if version >= 1 {
            w.extend_from_slice(&self.last_fetch_timestamp.to_be_bytes());
        }
        if version >= 1 {
            w.extend_from_slice(&self.last_caught_up_timestamp.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponseTopicPartitionObserver {
    pub replica_id: i32,
    pub replica_directory_id: Uuid,
    pub log_end_offset: i64,
    pub last_fetch_timestamp: i64,
    pub last_caught_up_timestamp: i64,
}

impl Default for DescribeQuorumResponseTopicPartitionObserver {
    fn default() -> Self {
        Self {
            replica_id: Default::default(),
            replica_directory_id: Default::default(),
            log_end_offset: Default::default(),
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl<'a> DescribeQuorumResponseTopicPartitionObserver {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.replica_id = r.int32("replica_id")?;
        if version >= 2 {
            out.replica_directory_id = r.uuid("replica_directory_id")?;
        }
        out.log_end_offset = r.int64("log_end_offset")?;
        if version >= 1 {
            out.last_fetch_timestamp = r.int64("last_fetch_timestamp")?;
        }
        if version >= 1 {
            out.last_caught_up_timestamp = r.int64("last_caught_up_timestamp")?;
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
        if version >= 2 {
            bytes += 16;
        }
        bytes += 8;
        if version >= 1 {
            bytes += 8;
        }
        if version >= 1 {
            bytes += 8;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.replica_id.to_be_bytes());
        if version >= 2 {
            w.extend_from_slice(&self.replica_directory_id.0.to_be_bytes());
        }
        w.extend_from_slice(&self.log_end_offset.to_be_bytes());
        if version >= 1 {
            w.extend_from_slice(&self.last_fetch_timestamp.to_be_bytes());
        }
        if version >= 1 {
            w.extend_from_slice(&self.last_caught_up_timestamp.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponseNode<'a> {
    pub node_id: i32,
    pub listeners: Vec<DescribeQuorumResponseNodeListener<'a>>,
}

impl<'a> Default for DescribeQuorumResponseNode<'a> {
    fn default() -> Self {
        Self {
            node_id: Default::default(),
            listeners: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumResponseNode<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 2 {
            out.node_id = r.int32("node_id")?;
        }
        if version >= 2 {
            out.listeners = required("listeners", r.array("listeners", flexible, DescribeQuorumResponseNodeListener::bytes_min(version), |r| DescribeQuorumResponseNodeListener::decode(r, version))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 2 {
            bytes += 4;
        }
        if version >= 2 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 2 {
            w.extend_from_slice(&self.node_id.to_be_bytes());
        }
        if version >= 2 {
            put_array(w, Some(self.listeners.len()), flexible); for item in &self.listeners { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeQuorumResponseNodeListener<'a> {
    pub name: Cow<'a, str>,
    pub host: Cow<'a, str>,
    pub port: i16,
}

impl<'a> Default for DescribeQuorumResponseNodeListener<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            host: Default::default(),
            port: Default::default(),
        }
    }
}

impl<'a> DescribeQuorumResponseNodeListener<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 2 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 2 {
            out.host = required("host", r.nullable_string("host", flexible)?)?;
        }
        if version >= 2 {
            out.port = r.int16("port")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 2 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 2 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 2 {
            bytes += 2;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 2 {
            put_string(w, &self.name, flexible);
        }
        if version >= 2 {
            put_string(w, &self.host, flexible);
        }
        if version >= 2 {
            w.extend_from_slice(&self.port.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

