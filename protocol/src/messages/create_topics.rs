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
        out.topics = match r.array("topics", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(CreateTopicsRequestTopic::decode(r, version)?); } Some(all) } }.ok_or(DecodeError { field: "topics", problem: Problem::Null })?;
        out.timeout_ms = r.int32("timeout_ms")?;
        out.validate_only = r.bool("validate_only")?;
        if flexible {
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
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
        out.name = r.nullable_string("name", flexible)?.ok_or(DecodeError { field: "name", problem: Problem::Null })?;
        out.num_partitions = r.int32("num_partitions")?;
        out.replication_factor = r.int16("replication_factor")?;
        out.assignments = match r.array("assignments", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(CreateTopicsRequestTopicAssignment::decode(r, version)?); } Some(all) } }.ok_or(DecodeError { field: "assignments", problem: Problem::Null })?;
        out.configs = match r.array("configs", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(CreateTopicsRequestTopicConfig::decode(r, version)?); } Some(all) } }.ok_or(DecodeError { field: "configs", problem: Problem::Null })?;
        if flexible {
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
        }
        Ok(out)
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
        out.broker_ids = match r.array("broker_ids", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(r.int32("broker_ids")?); } Some(all) } }.ok_or(DecodeError { field: "broker_ids", problem: Problem::Null })?;
        if flexible {
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
        }
        Ok(out)
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
        out.name = r.nullable_string("name", flexible)?.ok_or(DecodeError { field: "name", problem: Problem::Null })?;
        out.value = r.nullable_string("value", flexible)?;
        if flexible {
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
        }
        Ok(out)
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
        out.topics = match r.array("topics", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(CreateTopicsResponseTopic::decode(r, version)?); } Some(all) } }.ok_or(DecodeError { field: "topics", problem: Problem::Null })?;
        if flexible {
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
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
        out.name = r.nullable_string("name", flexible)?.ok_or(DecodeError { field: "name", problem: Problem::Null })?;
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
            out.configs = match match r.array("configs", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(CreateTopicsResponseTopicConfig::decode(r, version)?); } Some(all) } } { None if !(version >= 5) => return Err(DecodeError { field: "configs", problem: Problem::Null }), value => value };
        }
        if flexible {
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    0 if version >= 5 => out.topic_config_error_code = r.int16("topic_config_error_code")?,
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
        }
        Ok(out)
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
            put_array(w, self.configs.as_ref().map(Vec::len), flexible); for item in self.configs.iter().flatten() { item.encode(w, version); }
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
            out.name = r.nullable_string("name", flexible)?.ok_or(DecodeError { field: "name", problem: Problem::Null })?;
        }
        if version >= 5 {
            out.value = match r.nullable_string("value", flexible)? { None if !(version >= 5) => return Err(DecodeError { field: "value", problem: Problem::Null }), value => value };
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
            r.tags(|tag, r| {
                let _ = (&r, version);
                match tag {
                    _ => return Ok(false),
                }
                #[allow(unreachable_code)]
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 5 {
            put_string(w, &self.name, flexible);
        }
        if version >= 5 {
            put_nullable_string(w, self.value.as_deref(), flexible);
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

