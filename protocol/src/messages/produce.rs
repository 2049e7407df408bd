//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 0;
pub const VERSION_MIN: i16 = 3;
pub const VERSION_MAX: i16 = 13;
pub const FLEXIBLE: i16 = 9;

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceRequest<'a> {
    pub transactional_id: Option<Cow<'a, str>>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: Vec<ProduceRequestTopicData<'a>>,
}

impl<'a> Default for ProduceRequest<'a> {
    fn default() -> Self {
        Self {
            transactional_id: None,
            acks: Default::default(),
            timeout_ms: Default::default(),
            topic_data: Default::default(),
        }
    }
}

impl<'a> ProduceRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.transactional_id = r.nullable_string("transactional_id", flexible)?;
        out.acks = r.int16("acks")?;
        out.timeout_ms = r.int32("timeout_ms")?;
        out.topic_data = required("topic_data", r.array("topic_data", flexible, ProduceRequestTopicData::bytes_min(version), |r| ProduceRequestTopicData::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_nullable_string(w, self.transactional_id.as_deref(), flexible);
        w.extend_from_slice(&self.acks.to_be_bytes());
        w.extend_from_slice(&self.timeout_ms.to_be_bytes());
        put_array(w, Some(self.topic_data.len()), flexible); for item in &self.topic_data { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceRequestTopicData<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partition_data: Vec<ProduceRequestTopicDataPartitionData<'a>>,
}

impl<'a> Default for ProduceRequestTopicData<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            partition_data: Default::default(),
        }
    }
}

impl<'a> ProduceRequestTopicData<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 12 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 13 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.partition_data = required("partition_data", r.array("partition_data", flexible, ProduceRequestTopicDataPartitionData::bytes_min(version), |r| ProduceRequestTopicDataPartitionData::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 12 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 13 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 12 {
            put_string(w, &self.name, flexible);
        }
        if version >= 13 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_array(w, Some(self.partition_data.len()), flexible); for item in &self.partition_data { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceRequestTopicDataPartitionData<'a> {
    pub index: i32,
    pub records: Option<Cow<'a, [u8]>>,
}

impl<'a> Default for ProduceRequestTopicDataPartitionData<'a> {
    fn default() -> Self {
        Self {
            index: Default::default(),
            records: None,
        }
    }
}

impl<'a> ProduceRequestTopicDataPartitionData<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.index = r.int32("index")?;
        out.records = r.nullable_bytes("records", flexible)?.map(Cow::Borrowed);
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
        w.extend_from_slice(&self.index.to_be_bytes());
        put_nullable_bytes(w, self.records.as_deref(), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceResponse<'a> {
    pub responses: Vec<ProduceResponseTopicResponse<'a>>,
    pub throttle_time_ms: i32,
    pub node_endpoints: Vec<ProduceResponseNodeEndpoint<'a>>,
}

impl<'a> Default for ProduceResponse<'a> {
    fn default() -> Self {
        Self {
            responses: Default::default(),
            throttle_time_ms: Default::default(),
            node_endpoints: Default::default(),
        }
    }
}

impl<'a> ProduceResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.responses = required("responses", r.array("responses", flexible, ProduceResponseTopicResponse::bytes_min(version), |r| ProduceResponseTopicResponse::decode(r, version))?)?;
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 10 => out.node_endpoints = required("node_endpoints", r.array("node_endpoints", flexible, ProduceResponseNodeEndpoint::bytes_min(version), |r| ProduceResponseNodeEndpoint::decode(r, version))?)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.responses.len()), flexible); for item in &self.responses { item.encode(w, version); }
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 10 && self.node_endpoints != defaults.node_endpoints {
                let mut inside = Vec::new();
                put_array(&mut inside, Some(self.node_endpoints.len()), flexible); for item in &self.node_endpoints { item.encode(&mut inside, version); }
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
pub struct ProduceResponseTopicResponse<'a> {
    pub name: Cow<'a, str>,
    pub topic_id: Uuid,
    pub partition_responses: Vec<ProduceResponseTopicResponsePartitionResponse<'a>>,
}

impl<'a> Default for ProduceResponseTopicResponse<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            partition_responses: Default::default(),
        }
    }
}

impl<'a> ProduceResponseTopicResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 12 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 13 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.partition_responses = required("partition_responses", r.array("partition_responses", flexible, ProduceResponseTopicResponsePartitionResponse::bytes_min(version), |r| ProduceResponseTopicResponsePartitionResponse::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version <= 12 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 13 {
            bytes += 16;
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 12 {
            put_string(w, &self.name, flexible);
        }
        if version >= 13 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        put_array(w, Some(self.partition_responses.len()), flexible); for item in &self.partition_responses { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceResponseTopicResponsePartitionResponse<'a> {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    pub log_append_time_ms: i64,
    pub log_start_offset: i64,
    pub record_errors: Vec<ProduceResponseTopicResponsePartitionResponseRecordError<'a>>,
    pub error_message: Option<Cow<'a, str>>,
    pub current_leader: ProduceResponseTopicResponsePartitionResponseLeaderIdAndEpoch,
}

impl<'a> Default for ProduceResponseTopicResponsePartitionResponse<'a> {
    fn default() -> Self {
        Self {
            index: Default::default(),
            error_code: Default::default(),
            base_offset: Default::default(),
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Default::default(),
            error_message: None,
            current_leader: Default::default(),
        }
    }
}

impl<'a> ProduceResponseTopicResponsePartitionResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.index = r.int32("index")?;
        out.error_code = r.int16("error_code")?;
        out.base_offset = r.int64("base_offset")?;
        out.log_append_time_ms = r.int64("log_append_time_ms")?;
        if version >= 5 {
            out.log_start_offset = r.int64("log_start_offset")?;
        }
        if version >= 8 {
            out.record_errors = required("record_errors", r.array("record_errors", flexible, ProduceResponseTopicResponsePartitionResponseRecordError::bytes_min(version), |r| ProduceResponseTopicResponsePartitionResponseRecordError::decode(r, version))?)?;
        }
        if version >= 8 {
            out.error_message = null_if(version >= 8, "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 10 => out.current_leader = ProduceResponseTopicResponsePartitionResponseLeaderIdAndEpoch::decode(r, version)?,
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
        bytes += 4;
        bytes += 2;
        bytes += 8;
        bytes += 8;
        if version >= 5 {
            bytes += 8;
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 4 };
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.index.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.base_offset.to_be_bytes());
        w.extend_from_slice(&self.log_append_time_ms.to_be_bytes());
        if version >= 5 {
            w.extend_from_slice(&self.log_start_offset.to_be_bytes());
        }
        if version >= 8 {
            put_array(w, Some(self.record_errors.len()), flexible); for item in &self.record_errors { item.encode(w, version); }
        }
        if version >= 8 {
            put_nullable_string(w, self.error_message.as_deref().or(if version >= 8 { None } else { Some("") }), flexible);
        }
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 10 && self.current_leader != defaults.current_leader {
                let mut inside = Vec::new();
                self.current_leader.encode(&mut inside, version);
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
pub struct ProduceResponseTopicResponsePartitionResponseRecordError<'a> {
    pub batch_index: i32,
    pub batch_index_error_message: Option<Cow<'a, str>>,
}

impl<'a> Default for ProduceResponseTopicResponsePartitionResponseRecordError<'a> {
    fn default() -> Self {
        Self {
            batch_index: Default::default(),
            batch_index_error_message: None,
        }
    }
}

impl<'a> ProduceResponseTopicResponsePartitionResponseRecordError<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 8 {
            out.batch_index = r.int32("batch_index")?;
        }
        if version >= 8 {
            out.batch_index_error_message = null_if(version >= 8, "batch_index_error_message", r.nullable_string("batch_index_error_message", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 8 {
            bytes += 4;
        }
        if version >= 8 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 8 {
            w.extend_from_slice(&self.batch_index.to_be_bytes());
        }
        if version >= 8 {
            put_nullable_string(w, self.batch_index_error_message.as_deref().or(if version >= 8 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceResponseTopicResponsePartitionResponseLeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for ProduceResponseTopicResponsePartitionResponseLeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl<'a> ProduceResponseTopicResponsePartitionResponseLeaderIdAndEpoch {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 10 {
            out.leader_id = r.int32("leader_id")?;
        }
        if version >= 10 {
            out.leader_epoch = r.int32("leader_epoch")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 10 {
            bytes += 4;
        }
        if version >= 10 {
            bytes += 4;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 10 {
            w.extend_from_slice(&self.leader_id.to_be_bytes());
        }
        if version >= 10 {
            w.extend_from_slice(&self.leader_epoch.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ProduceResponseNodeEndpoint<'a> {
    pub node_id: i32,
    pub host: Cow<'a, str>,
    pub port: i32,
    pub rack: Option<Cow<'a, str>>,
}

impl<'a> Default for ProduceResponseNodeEndpoint<'a> {
    fn default() -> Self {
        Self {
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            rack: None,
        }
    }
}

impl<'a> ProduceResponseNodeEndpoint<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 10 {
            out.node_id = r.int32("node_id")?;
        }
        if version >= 10 {
            out.host = required("host", r.nullable_string("host", flexible)?)?;
        }
        if version >= 10 {
            out.port = r.int32("port")?;
        }
        if version >= 10 {
            out.rack = null_if(version >= 10, "rack", r.nullable_string("rack", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 10 {
            bytes += 4;
        }
        if version >= 10 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 10 {
            bytes += 4;
        }
        if version >= 10 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 10 {
            w.extend_from_slice(&self.node_id.to_be_bytes());
        }
        if version >= 10 {
            put_string(w, &self.host, flexible);
        }
        if version >= 10 {
            w.extend_from_slice(&self.port.to_be_bytes());
        }
        if version >= 10 {
            put_nullable_string(w, self.rack.as_deref().or(if version >= 10 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

