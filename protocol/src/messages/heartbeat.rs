//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 12;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 4;
pub const FLEXIBLE: i16 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct HeartbeatRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub generation_id: i32,
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
}

impl<'a> Default for HeartbeatRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id: Default::default(),
            member_id: Default::default(),
            group_instance_id: None,
        }
    }
}

impl<'a> HeartbeatRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.generation_id = r.int32("generation_id")?;
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        if version >= 3 {
            out.group_instance_id = null_if(version >= 3, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.group_id, flexible);
        w.extend_from_slice(&self.generation_id.to_be_bytes());
        put_string(w, &self.member_id, flexible);
        if version >= 3 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 3 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct HeartbeatResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl Default for HeartbeatResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl<'a> HeartbeatResponse {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.error_code = r.int16("error_code")?;
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
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

