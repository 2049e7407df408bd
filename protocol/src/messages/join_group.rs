//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 11;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 9;
pub const FLEXIBLE: i16 = 6;

#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupRequest<'a> {
    pub group_id: Cow<'a, str>,
    pub session_timeout_ms: i32,
    pub rebalance_timeout_ms: i32,
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub protocol_type: Cow<'a, str>,
    pub protocols: Vec<JoinGroupRequestProtocol<'a>>,
    pub reason: Option<Cow<'a, str>>,
}

impl<'a> Default for JoinGroupRequest<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            session_timeout_ms: Default::default(),
            rebalance_timeout_ms: -1,
            member_id: Default::default(),
            group_instance_id: None,
            protocol_type: Default::default(),
            protocols: Default::default(),
            reason: None,
        }
    }
}

impl<'a> JoinGroupRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.session_timeout_ms = r.int32("session_timeout_ms")?;
        if version >= 1 {
            out.rebalance_timeout_ms = r.int32("rebalance_timeout_ms")?;
        }
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        if version >= 5 {
            out.group_instance_id = null_if(version >= 5, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        out.protocol_type = required("protocol_type", r.nullable_string("protocol_type", flexible)?)?;
        out.protocols = required("protocols", r.array("protocols", flexible, JoinGroupRequestProtocol::bytes_min(version), |r| JoinGroupRequestProtocol::decode(r, version))?)?;
        if version >= 8 {
            out.reason = null_if(version >= 8, "reason", r.nullable_string("reason", flexible)?)?;
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
        w.extend_from_slice(&self.session_timeout_ms.to_be_bytes());
        if version >= 1 {
            w.extend_from_slice(&self.rebalance_timeout_ms.to_be_bytes());
        }
        put_string(w, &self.member_id, flexible);
        if version >= 5 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        put_string(w, &self.protocol_type, flexible);
        put_array(w, Some(self.protocols.len()), flexible); for item in &self.protocols { item.encode(w, version); }
        if version >= 8 {
            put_nullable_string(w, self.reason.as_deref().or(if version >= 8 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupRequestProtocol<'a> {
    pub name: Cow<'a, str>,
    pub metadata: Cow<'a, [u8]>,
}

impl<'a> Default for JoinGroupRequestProtocol<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            metadata: Default::default(),
        }
    }
}

impl<'a> JoinGroupRequestProtocol<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.metadata = required("metadata", r.nullable_bytes("metadata", flexible)?.map(Cow::Borrowed))?;
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
        put_string(w, &self.name, flexible);
        put_nullable_bytes(w, Some(&self.metadata), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub generation_id: i32,
    pub protocol_type: Option<Cow<'a, str>>,
    pub protocol_name: Option<Cow<'a, str>>,
    pub leader: Cow<'a, str>,
    pub skip_assignment: bool,
    pub member_id: Cow<'a, str>,
    pub members: Vec<JoinGroupResponseMember<'a>>,
}

impl<'a> Default for JoinGroupResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            generation_id: -1,
            protocol_type: None,
            protocol_name: None,
            leader: Default::default(),
            skip_assignment: Default::default(),
            member_id: Default::default(),
            members: Default::default(),
        }
    }
}

impl<'a> JoinGroupResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 2 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.error_code = r.int16("error_code")?;
        out.generation_id = r.int32("generation_id")?;
        if version >= 7 {
            out.protocol_type = null_if(version >= 7, "protocol_type", r.nullable_string("protocol_type", flexible)?)?;
        }
        out.protocol_name = null_if(version >= 7, "protocol_name", r.nullable_string("protocol_name", flexible)?)?;
        out.leader = required("leader", r.nullable_string("leader", flexible)?)?;
        if version >= 9 {
            out.skip_assignment = r.bool("skip_assignment")?;
        }
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        out.members = required("members", r.array("members", flexible, JoinGroupResponseMember::bytes_min(version), |r| JoinGroupResponseMember::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 2 {
            w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        }
        w.extend_from_slice(&self.error_code.to_be_bytes());
        w.extend_from_slice(&self.generation_id.to_be_bytes());
        if version >= 7 {
            put_nullable_string(w, self.protocol_type.as_deref().or(if version >= 7 { None } else { Some("") }), flexible);
        }
        put_nullable_string(w, self.protocol_name.as_deref().or(if version >= 7 { None } else { Some("") }), flexible);
        put_string(w, &self.leader, flexible);
        if version >= 9 {
            w.push(u8::from(self.skip_assignment));
        }
        put_string(w, &self.member_id, flexible);
        put_array(w, Some(self.members.len()), flexible); for item in &self.members { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct JoinGroupResponseMember<'a> {
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub metadata: Cow<'a, [u8]>,
}

impl<'a> Default for JoinGroupResponseMember<'a> {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: None,
            metadata: Default::default(),
        }
    }
}

impl<'a> JoinGroupResponseMember<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        if version >= 5 {
            out.group_instance_id = null_if(version >= 5, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        out.metadata = required("metadata", r.nullable_bytes("metadata", flexible)?.map(Cow::Borrowed))?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        if version >= 5 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.member_id, flexible);
        if version >= 5 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 5 { None } else { Some("") }), flexible);
        }
        put_nullable_bytes(w, Some(&self.metadata), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

