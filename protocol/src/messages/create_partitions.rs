//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 37;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 3;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct CreatePartitionsRequest<'a> {
    pub topics: Vec<CreatePartitionsRequestTopic<'a>>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl<'a> Default for CreatePartitionsRequest<'a> {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: Default::default(),
            validate_only: Default::default(),
        }
    }
}

impl<'a> CreatePartitionsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.topics = required("topics", r.array("topics", flexible, CreatePartitionsRequestTopic::bytes_min(version), |r| CreatePartitionsRequestTopic::decode(r, version))?)?;
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
pub struct CreatePartitionsRequestTopic<'a> {
    pub name: Cow<'a, str>,
    pub count: i32,
    pub assignments: Option<Vec<CreatePartitionsRequestTopicAssignment>>,
}

impl<'a> Default for CreatePartitionsRequestTopic<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            count: Default::default(),
            assignments: Some(Vec::new()),
        }
    }
}

impl<'a> CreatePartitionsRequestTopic<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.count = r.int32("count")?;
        out.assignments = r.array("assignments", flexible, CreatePartitionsRequestTopicAssignment::bytes_min(version), |r| CreatePartitionsRequestTopicAssignment::decode(r, version))?;
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
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        w.extend_from_slice(&self.count.to_be_bytes());
        put_array(w, self.assignments.as_ref().map(Vec::len), flexible); for item in self.assignments.iter().flatten() { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreatePartitionsRequestTopicAssignment {
    pub broker_ids: Vec<i32>,
}

impl Default for CreatePartitionsRequestTopicAssignment {
    fn default() -> Self {
        Self {
            broker_ids: Default::default(),
        }
    }
}

impl<'a> CreatePartitionsRequestTopicAssignment {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.broker_ids = required("broker_ids", r.array("broker_ids", flexible, 4, |r| r.int32("broker_ids"))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.broker_ids.len()), flexible); for item in &self.broker_ids { w.extend_from_slice(&item.to_be_bytes()); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreatePartitionsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Vec<CreatePartitionsResponseResult<'a>>,
}

impl<'a> Default for CreatePartitionsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            results: Default::default(),
        }
    }
}

impl<'a> CreatePartitionsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.results = required("results", r.array("results", flexible, CreatePartitionsResponseResult::bytes_min(version), |r| CreatePartitionsResponseResult::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        put_array(w, Some(self.results.len()), flexible); for item in &self.results { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreatePartitionsResponseResult<'a> {
    pub name: Cow<'a, str>,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
}

impl<'a> Default for CreatePartitionsResponseResult<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            error_code: Default::default(),
            error_message: None,
        }
    }
}

impl<'a> CreatePartitionsResponseResult<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
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
        bytes += if flexible { 1 } else { 2 };
        bytes += 2;
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

