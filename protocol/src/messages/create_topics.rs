//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 19;
pub const VERSION_MIN: i16 = 2;
pub const VERSION_MAX: i16 = 7;
pub const FLEXIBLE: i16 = 5;

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsRequest<'a> {
    pub topics: Vec<CreateTopicsRequestTopic<'a>>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl<'a> Default for CreateTopicsRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: 60000,
            validate_only: Default::default(),
        }
    }
}

impl<'a> CreateTopicsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = required("topics", r.array("topics", flexible, CreateTopicsRequestTopic::bytes_min(version), |r| CreateTopicsRequestTopic::decode(r, version))?)?;
        out.timeout_ms = r.int32("timeout_ms")?;
        out.validate_only = r.bool("validate_only")?;
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
        w.push(u8::from(self.validate_only));
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub assignments: Vec<CreateTopicsRequestTopicAssignment>,
    pub configs: Vec<CreateTopicsRequestTopicConfig<'a>>,
}

impl<'a> Default for CreateTopicsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            num_partitions: Default::default(),
            replication_factor: Default::default(),
            assignments: Default::default(),
            configs: Default::default(),
        }
    }
}

impl<'a> CreateTopicsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.num_partitions = r.int32("num_partitions")?;
        out.replication_factor = r.int16("replication_factor")?;
        out.assignments = required("assignments", r.array("assignments", flexible, CreateTopicsRequestTopicAssignment::bytes_min(version), |r| CreateTopicsRequestTopicAssignment::decode(r, version))?)?;
        out.configs = required("configs", r.array("configs", flexible, CreateTopicsRequestTopicConfig::bytes_min(version), |r| CreateTopicsRequestTopicConfig::decode(r, version))?)?;
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
        bytes += 2;
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        w.extend_from_slice(&self.num_partitions.to_be_bytes());
        w.extend_from_slice(&self.replication_factor.to_be_bytes());
        put_array(w, Some(self.assignments.len()), flexible); for item in &self.assignments { item.encode(w, version); }
        put_array(w, Some(self.configs.len()), flexible); for item in &self.configs { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsRequestTopicAssignment {
    pub partition_index: i32,
    pub broker_ids: Vec<i32>,
}

impl Default for CreateTopicsRequestTopicAssignment {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            broker_ids: Default::default(),
        }
    }
}

impl<'a> CreateTopicsRequestTopicAssignment {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.partition_index = r.int32("partition_index")?;
        out.broker_ids = required("broker_ids", r.array("broker_ids", flexible, 4, |r| r.int32("broker_ids"))?)?;
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
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.partition_index.to_be_bytes());
        put_array(w, Some(self.broker_ids.len()), flexible); for item in &self.broker_ids { w.extend_from_slice(&item.to_be_bytes()); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsRequestTopicConfig<'a> {
    pub name: Cow<'a, str>,
    pub value: Option<Cow<'a, str>>,
}

impl<'a> Default for CreateTopicsRequestTopicConfig<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: None,
        }
    }
}

impl<'a> CreateTopicsRequestTopicConfig<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.value = r.nullable_string("value", flexible)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        put_nullable_string(w, self.value.as_deref(), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsResponse<'a> {
    pub throttle_time_ms: i32,
    pub topics: Vec<CreateTopicsResponseTopic<'a>>,
}

impl<'a> Default for CreateTopicsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            topics: Default::default(),
        }
    }
}

impl<'a> CreateTopicsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.topics = required("topics", r.array("topics", flexible, CreateTopicsResponseTopic::bytes_min(version), |r| CreateTopicsResponseTopic::decode(r, version))?)?;
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
pub struct CreateTopicsResponseTopic<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub topic_config_error_code: i16,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub configs: Option<Vec<CreateTopicsResponseTopicConfig<'a>>>,
}

impl<'a> Default for CreateTopicsResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: None,
            topic_config_error_code: Default::default(),
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl<'a> CreateTopicsResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        if version >= 7 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
        if version >= 5 {
            out.num_partitions = r.int32("num_partitions")?;
        }
        if version >= 5 {
            out.replication_factor = r.int16("replication_factor")?;
        }
        if version >= 5 {
            out.configs = null_if(version >= 5, "configs", r.array("configs", flexible, CreateTopicsResponseTopicConfig::bytes_min(version), |r| CreateTopicsResponseTopicConfig::decode(r, version))?)?;
        }
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 5 => out.topic_config_error_code = r.int16("topic_config_error_code")?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        if version >= 7 {
            bytes += 16;
        }
        bytes += 2;
        bytes += if flexible { 1 } else { 2 };
        if version >= 5 {
            bytes += 4;
        }
        if version >= 5 {
            bytes += 2;
        }
        if version >= 5 {
            bytes += if flexible { 1 } else { 4 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        if version >= 7 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        if version >= 5 {
            w.extend_from_slice(&self.num_partitions.to_be_bytes());
        }
        if version >= 5 {
            w.extend_from_slice(&self.replication_factor.to_be_bytes());
        }
        if version >= 5 {
            put_array(w, self.configs.as_ref().map(Vec::len).or(if version >= 5 { None } else { Some(0) }), flexible); for item in self.configs.iter().flatten() { item.encode(w, version); }
        }
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 5 && self.topic_config_error_code != defaults.topic_config_error_code {
                let mut inside = Vec::new();
                inside.extend_from_slice(&self.topic_config_error_code.to_be_bytes());
                tags.push((0, inside));
            }
            put_unsigned_varint(w, tags.len() as u32);
            for (tag, inside) in tags {
                put_unsigned_varint(w, tag);
                put_unsigned_varint(w, inside.len() as u32);
                w.extend_from_slice(&inside);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTopicsResponseTopicConfig<'a> {
    pub name: Cow<'a, str>,
    pub value: Option<Cow<'a, str>>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
}

impl<'a> Default for CreateTopicsResponseTopicConfig<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: None,
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
        }
    }
}

impl<'a> CreateTopicsResponseTopicConfig<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 5 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 5 {
            out.value = null_if(version >= 5, "value", r.nullable_string("value", flexible)?)?;
        }
        if version >= 5 {
            out.read_only = r.bool("read_only")?;
        }
        if version >= 5 {
            out.config_source = r.int8("config_source")?;
        }
        if version >= 5 {
            out.is_sensitive = r.bool("is_sensitive")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 5 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 5 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 5 {
            bytes += 1;
        }
        if version >= 5 {
            bytes += 1;
        }
        if version >= 5 {
            bytes += 1;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 5 {
            put_string(w, &self.name, flexible);
        }
        if version >= 5 {
            put_nullable_string(w, self.value.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        if version >= 5 {
            w.push(u8::from(self.read_only));
        }
        if version >= 5 {
            w.extend_from_slice(&self.config_source.to_be_bytes());
        }
        if version >= 5 {
            w.push(u8::from(self.is_sensitive));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

