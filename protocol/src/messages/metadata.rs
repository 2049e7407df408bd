//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 3;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 13;
pub const FLEXIBLE: i16 = 9;

#[derive(Debug, Clone, PartialEq)]
pub struct MetadataRequest<'a> {
    pub topics: Option<Vec<MetadataRequestTopic<'a>>>,
    pub allow_auto_topic_creation: bool,
    pub include_cluster_authorized_operations: bool,
    pub include_topic_authorized_operations: bool,
}

impl<'a> Default for MetadataRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: Default::default(),
            include_topic_authorized_operations: Default::default(),
        }
    }
}

impl<'a> MetadataRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = null_if(version >= 1, "topics", r.array("topics", flexible, MetadataRequestTopic::bytes_min(version), |r| MetadataRequestTopic::decode(r, version))?)?;
        if version >= 4 {
            out.allow_auto_topic_creation = r.bool("allow_auto_topic_creation")?;
        }
        if (8..=10).contains(&version) {
            out.include_cluster_authorized_operations = r.bool("include_cluster_authorized_operations")?;
        }
        if version >= 8 {
            out.include_topic_authorized_operations = r.bool("include_topic_authorized_operations")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, self.topics.as_ref().map(Vec::len).or(if version >= 1 { None } else { Some(0) }), flexible); for item in self.topics.iter().flatten() { item.encode(w, version); }
        if version >= 4 {
            w.push(u8::from(self.allow_auto_topic_creation));
        }
        if (8..=10).contains(&version) {
            w.push(u8::from(self.include_cluster_authorized_operations));
        }
        if version >= 8 {
            w.push(u8::from(self.include_topic_authorized_operations));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetadataRequestTopic<'a> {
    pub topic_id: Uuid,
    pub name: Option<Cow<'a, str>>,
}

impl<'a> Default for MetadataRequestTopic<'a> {
    fn default() -> Self {
        Self {
            topic_id: Default::default(),
            name: None,
        }
    }
}

impl<'a> MetadataRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 10 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.name = null_if(version >= 10, "name", r.nullable_string("name", flexible)?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 10 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 10 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_nullable_string(w, self.name.as_deref().or(if version >= 10 { None } else { Some("") }), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponse<'a> {
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker<'a>>,
    pub cluster_id: Option<Cow<'a, str>>,
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic<'a>>,
    pub cluster_authorized_operations: i32,
    pub error_code: i16,
}

impl<'a> Default for MetadataResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            brokers: Default::default(),
            cluster_id: None,
            controller_id: -1,
            topics: Default::default(),
            cluster_authorized_operations: -2147483648,
            error_code: Default::default(),
        }
    }
}

impl<'a> MetadataResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.brokers = required("brokers", r.array("brokers", flexible, MetadataResponseBroker::bytes_min(version), |r| MetadataResponseBroker::decode(r, version))?)?;
        if version >= 2 {
            out.cluster_id = null_if(version >= 2, "cluster_id", r.nullable_string("cluster_id", flexible)?)?;
        }
        if version >= 1 {
            out.controller_id = r.int32("controller_id")?;
        }
        out.topics = required("topics", r.array("topics", flexible, MetadataResponseTopic::bytes_min(version), |r| MetadataResponseTopic::decode(r, version))?)?;
        if (8..=10).contains(&version) {
            out.cluster_authorized_operations = r.int32("cluster_authorized_operations")?;
        }
        if version >= 13 {
            out.error_code = r.int16("error_code")?;
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
        put_array(w, Some(self.brokers.len()), flexible); for item in &self.brokers { item.encode(w, version); }
        if version >= 2 {
            put_nullable_string(w, self.cluster_id.as_deref().or(if version >= 2 { None } else { Some("") }), flexible);
        }
        if version >= 1 {
            w.extend_from_slice(&self.controller_id.to_be_bytes());
        }
        put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        if (8..=10).contains(&version) {
            w.extend_from_slice(&self.cluster_authorized_operations.to_be_bytes());
        }
        if version >= 13 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponseBroker<'a> {
    pub node_id: i32,
    pub host: Cow<'a, str>,
    pub port: i32,
    pub rack: Option<Cow<'a, str>>,
}

impl<'a> Default for MetadataResponseBroker<'a> {
    fn default() -> Self {
        Self {
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            rack: None,
        }
    }
}

impl<'a> MetadataResponseBroker<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.node_id = r.int32("node_id")?;
        out.host = required("host", r.nullable_string("host", flexible)?)?;
        out.port = r.int32("port")?;
        if version >= 1 {
            out.rack = null_if(version >= 1, "rack", r.nullable_string("rack", flexible)?)?;
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
        bytes += if flexible { 1 } else { 2 };
        bytes += 4;
        if version >= 1 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.node_id.to_be_bytes());
        put_string(w, &self.host, flexible);
        w.extend_from_slice(&self.port.to_be_bytes());
        if version >= 1 {
            put_nullable_string(w, self.rack.as_deref().or(if version >= 1 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponseTopic<'a> {
    pub error_code: i16,
    pub name: Option<Cow<'a, str>>,
    pub topic_id: Uuid,
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponseTopicPartition>,
    pub topic_authorized_operations: i32,
}

impl<'a> Default for MetadataResponseTopic<'a> {
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

impl<'a> MetadataResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.name = null_if(version >= 12, "name", r.nullable_string("name", flexible)?)?;
        if version >= 10 {
            out.topic_id = r.uuid("topic_id")?;
        }
        if version >= 1 {
            out.is_internal = r.bool("is_internal")?;
        }
        out.partitions = required("partitions", r.array("partitions", flexible, MetadataResponseTopicPartition::bytes_min(version), |r| MetadataResponseTopicPartition::decode(r, version))?)?;
        if version >= 8 {
            out.topic_authorized_operations = r.int32("topic_authorized_operations")?;
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
        if version >= 10 {
            bytes += 16;
        }
        if version >= 1 {
            bytes += 1;
        }
        bytes += if flexible { 1 } else { 4 };
        if version >= 8 {
            bytes += 4;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.name.as_deref().or(if version >= 12 { None } else { Some("") }), flexible);
        if version >= 10 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        if version >= 1 {
            w.push(u8::from(self.is_internal));
        }
        put_array(w, Some(self.partitions.len()), flexible); for item in &self.partitions { item.encode(w, version); }
        if version >= 8 {
            w.extend_from_slice(&self.topic_authorized_operations.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetadataResponseTopicPartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponseTopicPartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl<'a> MetadataResponseTopicPartition {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.partition_index = r.int32("partition_index")?;
        out.leader_id = r.int32("leader_id")?;
        if version >= 7 {
            out.leader_epoch = r.int32("leader_epoch")?;
        }
        out.replica_nodes = required("replica_nodes", r.array("replica_nodes", flexible, 4, |r| r.int32("replica_nodes"))?)?;
        out.isr_nodes = required("isr_nodes", r.array("isr_nodes", flexible, 4, |r| r.int32("isr_nodes"))?)?;
        if version >= 5 {
            out.offline_replicas = required("offline_replicas", r.array("offline_replicas", flexible, 4, |r| r.int32("offline_replicas"))?)?;
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
        bytes += 4;
        bytes += 4;
        if version >= 7 {
            bytes += 4;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        if version >= 5 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        w.extend_from_slice(&self.leader_id.to_be_bytes());
        if version >= 7 {
            w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        }
        put_array(w, Some(self.replica_nodes.len()), flexible); for item in &self.replica_nodes { w.extend_from_slice(&item.to_be_bytes()); }
        put_array(w, Some(self.isr_nodes.len()), flexible); for item in &self.isr_nodes { w.extend_from_slice(&item.to_be_bytes()); }
        if version >= 5 {
            put_array(w, Some(self.offline_replicas.len()), flexible); for item in &self.offline_replicas { w.extend_from_slice(&item.to_be_bytes()); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

