//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 13;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 5;
pub const FLEXIBLE: i16 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct LeaveGroupRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub member_id: Cow<'a, str>,
    pub members: Vec<LeaveGroupRequestMember<'a>>,
}

impl<'a> Default for LeaveGroupRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            members: Default::default(),
        }
    }
}

impl<'a> LeaveGroupRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        if version <= 2 {
            out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        }
        if version >= 3 {
            out.members = required("members", r.array("members", flexible, LeaveGroupRequestMember::bytes_min(version), |r| LeaveGroupRequestMember::decode(r, version))?)?;
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
        if version <= 2 {
            put_string(w, &self.member_id, flexible);
        }
        if version >= 3 {
            put_array(w, Some(self.members.len()), flexible); for item in &self.members { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeaveGroupRequestMember<'a> {
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub reason: Option<Cow<'a, str>>,
}

impl<'a> Default for LeaveGroupRequestMember<'a> {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: None,
            reason: None,
        }
    }
}

impl<'a> LeaveGroupRequestMember<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        }
        if version >= 3 {
            out.group_instance_id = null_if(version >= 3, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        if version >= 5 {
            out.reason = null_if(version >= 5, "reason", r.nullable_string("reason", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 3 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 3 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 5 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 3 {
            put_string(w, &self.member_id, flexible);
        }
        if version >= 3 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 3 { None } else { Some("") }), flexible);
        }
        if version >= 5 {
            put_nullable_string(w, self.reason.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeaveGroupResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub members: Vec<LeaveGroupResponseMember<'a>>,
}

impl<'a> Default for LeaveGroupResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            members: Default::default(),
        }
    }
}

impl<'a> LeaveGroupResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.error_code = r.int16("error_code")?;
        if version >= 3 {
            out.members = required("members", r.array("members", flexible, LeaveGroupResponseMember::bytes_min(version), |r| LeaveGroupResponseMember::decode(r, version))?)?;
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
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if version >= 3 {
            put_array(w, Some(self.members.len()), flexible); for item in &self.members { item.encode(w, version); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct LeaveGroupResponseMember<'a> {
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub error_code: i16,
}

impl<'a> Default for LeaveGroupResponseMember<'a> {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: None,
            error_code: Default::default(),
        }
    }
}

impl<'a> LeaveGroupResponseMember<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        }
        if version >= 3 {
            out.group_instance_id = null_if(version >= 3, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        if version >= 3 {
            out.error_code = r.int16("error_code")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        if version >= 3 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 3 {
            bytes += if flexible { 1 } else { 2 };
        }
        if version >= 3 {
            bytes += 2;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 3 {
            put_string(w, &self.member_id, flexible);
        }
        if version >= 3 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 3 { None } else { Some("") }), flexible);
        }
        if version >= 3 {
            w.extend_from_slice(&self.error_code.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

