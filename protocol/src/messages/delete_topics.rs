//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 20;
pub const VERSION_MIN: i16 = 1;
pub const VERSION_MAX: i16 = 6;
pub const FLEXIBLE: i16 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteTopicsRequest<'a> {
    pub topics: Vec<DeleteTopicsRequestTopic<'a>>,
    pub topic_names: Vec<Cow<'a, str>>,
    pub timeout_ms: i32,
}

impl<'a> Default for DeleteTopicsRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            topic_names: Default::default(),
            timeout_ms: Default::default(),
        }
    }
}

impl<'a> DeleteTopicsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 6 {
            out.topics = required("topics", r.array("topics", flexible, DeleteTopicsRequestTopic::bytes_min(version), |r| DeleteTopicsRequestTopic::decode(r, version))?)?;
        }
        if version <= 5 {
            out.topic_names = required("topic_names", r.array("topic_names", flexible, if flexible { 1 } else { 2 }, |r| r.string("topic_names", flexible))?)?;
        }
        out.timeout_ms = r.int32("timeout_ms")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 6 {
            put_array(w, Some(self.topics.len()), flexible); for item in &self.topics { item.encode(w, version); }
        }
        if version <= 5 {
            put_array(w, Some(self.topic_names.len()), flexible); for item in &self.topic_names { put_string(w, &item, flexible); }
        }
        w.extend_from_slice(&self.timeout_ms.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteTopicsRequestTopic<'a> {
    pub name: Option<Cow<'a, str>>,
    pub topic_id: Uuid,
}

impl<'a> Default for DeleteTopicsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: None,
            topic_id: Default::default(),
        }
    }
}

impl<'a> DeleteTopicsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 6 {
            out.name = null_if(version >= 6, "name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 6 {
            out.topic_id = r.uuid("topic_id")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 6 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 6 {
            bytes += 16;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 6 {
            put_nullable_string(w, self.name.as_deref().or(if version >= 6 { None } else { Some("") }), flexible);
        }
        if version >= 6 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteTopicsResponse<'a> {
    pub throttle_time_ms: i32,
    pub responses: Vec<DeleteTopicsResponseTopic<'a>>,
}

impl<'a> Default for DeleteTopicsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            responses: Default::default(),
        }
    }
}

impl<'a> DeleteTopicsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.responses = required("responses", r.array("responses", flexible, DeleteTopicsResponseTopic::bytes_min(version), |r| DeleteTopicsResponseTopic::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        put_array(w, Some(self.responses.len()), flexible); for item in &self.responses { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteTopicsResponseTopic<'a> {
    pub name: Option<Cow<'a, str>>,
    pub topic_id: Uuid,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
}

impl<'a> Default for DeleteTopicsResponseTopic<'a> {
    fn default() -> Self {
        Self {
            name: None,
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: None,
        }
    }
}

impl<'a> DeleteTopicsResponseTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = null_if(version >= 6, "name", r.nullable_string("name", flexible)?)?;
        if version >= 6 {
            out.topic_id = r.uuid("topic_id")?;
        }
        out.error_code = r.int16("error_code")?;
        if version >= 5 {
            out.error_message = null_if(version >= 5, "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        if version >= 6 {
            bytes += 16;
        }
        bytes += 2;
        if version >= 5 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_nullable_string(w, self.name.as_deref().or(if version >= 6 { None } else { Some("") }), flexible);
        if version >= 6 {
            w.extend_from_slice(&self.topic_id.0.to_be_bytes());
        }
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if version >= 5 {
            put_nullable_string(w, self.error_message.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

