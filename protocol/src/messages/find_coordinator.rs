//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 10;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 5;
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
            out.key = r.nullable_string("key", flexible)?.ok_or(DecodeError { field: "key", problem: Problem::Null })?;
        }
        if version >= 1 {
            out.key_type = r.int8("key_type")?;
        }
        if version >= 4 {
            out.coordinator_keys = match r.array("coordinator_keys", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(r.string("coordinator_keys", flexible)?); } Some(all) } }.ok_or(DecodeError { field: "coordinator_keys", problem: Problem::Null })?;
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
            out.error_message = match r.nullable_string("error_message", flexible)? { None if !((1..=3).contains(&version)) => return Err(DecodeError { field: "error_message", problem: Problem::Null }), value => value };
        }
        if version <= 3 {
            out.node_id = r.int32("node_id")?;
        }
        if version <= 3 {
            out.host = r.nullable_string("host", flexible)?.ok_or(DecodeError { field: "host", problem: Problem::Null })?;
        }
        if version <= 3 {
            out.port = r.int32("port")?;
        }
        if version >= 4 {
            out.coordinators = match r.array("coordinators", flexible)? { None => None, Some(count) => { let mut all = Vec::with_capacity(count.min(64)); for _ in 0..count { all.push(FindCoordinatorResponseCoordinator::decode(r, version)?); } Some(all) } }.ok_or(DecodeError { field: "coordinators", problem: Problem::Null })?;
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
        if version >= 1 {
            w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        }
        if version <= 3 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if (1..=3).contains(&version) {
            put_nullable_string(w, self.error_message.as_deref(), flexible);
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
            out.key = r.nullable_string("key", flexible)?.ok_or(DecodeError { field: "key", problem: Problem::Null })?;
        }
        if version >= 4 {
            out.node_id = r.int32("node_id")?;
        }
        if version >= 4 {
            out.host = r.nullable_string("host", flexible)?.ok_or(DecodeError { field: "host", problem: Problem::Null })?;
        }
        if version >= 4 {
            out.port = r.int32("port")?;
        }
        if version >= 4 {
            out.error_code = r.int16("error_code")?;
        }
        if version >= 4 {
            out.error_message = match r.nullable_string("error_message", flexible)? { None if !(version >= 4) => return Err(DecodeError { field: "error_message", problem: Problem::Null }), value => value };
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
            put_nullable_string(w, self.error_message.as_deref(), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

