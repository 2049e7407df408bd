//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 14;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 5;
pub const FLEXIBLE: i16 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct SyncGroupRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub generation_id: i32,
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub protocol_type: Option<Cow<'a, str>>,
    pub protocol_name: Option<Cow<'a, str>>,
    pub assignments: Vec<SyncGroupRequestAssignment<'a>>,
}

impl<'a> Default for SyncGroupRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id: Default::default(),
            member_id: Default::default(),
            group_instance_id: None,
            protocol_type: None,
            protocol_name: None,
            assignments: Default::default(),
        }
    }
}

impl<'a> SyncGroupRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.generation_id = r.int32("generation_id")?;
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        if version >= 3 {
            out.group_instance_id = null_if(version >= 3, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        if version >= 5 {
            out.protocol_type = null_if(version >= 5, "protocol_type", r.nullable_string("protocol_type", flexible)?)?;
        }
        if version >= 5 {
            out.protocol_name = null_if(version >= 5, "protocol_name", r.nullable_string("protocol_name", flexible)?)?;
        }
        out.assignments = required("assignments", r.array("assignments", flexible, SyncGroupRequestAssignment::bytes_min(version), |r| SyncGroupRequestAssignment::decode(r, version))?)?;
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
        if version >= 5 {
            put_nullable_string(w, self.protocol_type.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        if version >= 5 {
            put_nullable_string(w, self.protocol_name.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        put_array(w, Some(self.assignments.len()), flexible); for item in &self.assignments { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct SyncGroupRequestAssignment<'a> {
    pub member_id: Cow<'a, str>,
    pub assignment: Cow<'a, [u8]>,
}

impl<'a> Default for SyncGroupRequestAssignment<'a> {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            assignment: Default::default(),
        }
    }
}

impl<'a> SyncGroupRequestAssignment<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        out.assignment = required("assignment", r.nullable_bytes("assignment", flexible)?.map(Cow::Borrowed))?;
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
        put_string(w, &self.member_id, flexible);
        put_nullable_bytes(w, Some(&self.assignment), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct SyncGroupResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub protocol_type: Option<Cow<'a, str>>,
    pub protocol_name: Option<Cow<'a, str>>,
    pub assignment: Cow<'a, [u8]>,
}

impl<'a> Default for SyncGroupResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            protocol_type: None,
            protocol_name: None,
            assignment: Default::default(),
        }
    }
}

impl<'a> SyncGroupResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.error_code = r.int16("error_code")?;
        if version >= 5 {
            out.protocol_type = null_if(version >= 5, "protocol_type", r.nullable_string("protocol_type", flexible)?)?;
        }
        if version >= 5 {
            out.protocol_name = null_if(version >= 5, "protocol_name", r.nullable_string("protocol_name", flexible)?)?;
        }
        out.assignment = required("assignment", r.nullable_bytes("assignment", flexible)?.map(Cow::Borrowed))?;
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
        if version >= 5 {
            put_nullable_string(w, self.protocol_type.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        if version >= 5 {
            put_nullable_string(w, self.protocol_name.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        put_nullable_bytes(w, Some(&self.assignment), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

