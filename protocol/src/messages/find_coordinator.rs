//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 10;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 6;
pub const FLEXIBLE: i16 = 3;

#[derive(Debug, Clone, PartialEq)]
pub struct FindCoordinatorRequest<'a> {
    pub key: Cow<'a, str>,
    pub key_type: i8,
    pub coordinator_keys: Vec<Cow<'a, str>>,
}

impl<'a> Default for FindCoordinatorRequest<'a> {
    fn default() -> Self {
        Self {
            key: Default::default(),
            key_type: Default::default(),
            coordinator_keys: Default::default(),
        }
    }
}

impl<'a> FindCoordinatorRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version <= 3 {
            out.key = required("key", r.nullable_string("key", flexible)?)?;
        }
        if version >= 1 {
            out.key_type = r.int8("key_type")?;
        }
        if version >= 4 {
            out.coordinator_keys = required("coordinator_keys", r.array("coordinator_keys", flexible, if flexible { 1 } else { 2 }, |r| r.string("coordinator_keys", flexible))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version <= 3 {
            put_string(w, &self.key, flexible);
        }
        if version >= 1 {
            w.extend_from_slice(&self.key_type.to_be_bytes());
        }
        if version >= 4 {
            put_array(w, Some(self.coordinator_keys.len()), flexible); for item in &self.coordinator_keys { put_string(w, &item, flexible); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FindCoordinatorResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub node_id: i32,
    pub host: Cow<'a, str>,
    pub port: i32,
    pub coordinators: Vec<FindCoordinatorResponseCoordinator<'a>>,
}

impl<'a> Default for FindCoordinatorResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: None,
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            coordinators: Default::default(),
        }
    }
}

impl<'a> FindCoordinatorResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        if version <= 3 {
            out.error_code = r.int16("error_code")?;
        }
        if (1..=3).contains(&version) {
            out.error_message = null_if((1..=3).contains(&version), "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        if version <= 3 {
            out.node_id = r.int32("node_id")?;
        }
        if version <= 3 {
            out.host = required("host", r.nullable_string("host", flexible)?)?;
        }
        if version <= 3 {
            out.port = r.int32("port")?;
        }
        if version >= 4 {
            out.coordinators = required("coordinators", r.array("coordinators", flexible, FindCoordinatorResponseCoordinator::bytes_min(version), |r| FindCoordinatorResponseCoordinator::decode(r, version))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 1 {
            w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        }
        if version <= 3 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if (1..=3).contains(&version) {
            put_nullable_string(w, self.error_message.as_deref().or(if (1..=3).contains(&version) { None } else { Some("") }), flexible);
        }
        if version <= 3 {
            w.extend_from_slice(&self.node_id.to_be_bytes());
        }
        if version <= 3 {
            put_string(w, &self.host, flexible);
        }
        if version <= 3 {
            w.extend_from_slice(&self.port.to_be_bytes());
        }
        if version >= 4 {
            put_array(w, Some(self.coordinators.len()), flexible); for item in &self.coordinators { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FindCoordinatorResponseCoordinator<'a> {
    pub key: Cow<'a, str>,
    pub node_id: i32,
    pub host: Cow<'a, str>,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
}

impl<'a> Default for FindCoordinatorResponseCoordinator<'a> {
    fn default() -> Self {
        Self {
            key: Default::default(),
            node_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            error_code: Default::default(),
            error_message: None,
        }
    }
}

impl<'a> FindCoordinatorResponseCoordinator<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 4 {
            out.key = required("key", r.nullable_string("key", flexible)?)?;
        }
        if version >= 4 {
            out.node_id = r.int32("node_id")?;
        }
        if version >= 4 {
            out.host = required("host", r.nullable_string("host", flexible)?)?;
        }
        if version >= 4 {
            out.port = r.int32("port")?;
        }
        if version >= 4 {
            out.error_code = r.int16("error_code")?;
        }
        if version >= 4 {
            out.error_message = null_if(version >= 4, "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 4 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 4 {
            bytes += 4;
        }
        if version >= 4 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 4 {
            bytes += 4;
        }
        if version >= 4 {
            bytes += 2;
        }
        if version >= 4 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 4 {
            put_string(w, &self.key, flexible);
        }
        if version >= 4 {
            w.extend_from_slice(&self.node_id.to_be_bytes());
        }
        if version >= 4 {
            put_string(w, &self.host, flexible);
        }
        if version >= 4 {
            w.extend_from_slice(&self.port.to_be_bytes());
        }
        if version >= 4 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if version >= 4 {
            put_nullable_string(w, self.error_message.as_deref().or(if version >= 4 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

