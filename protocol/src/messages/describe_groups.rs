//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 15;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 6;
pub const FLEXIBLE: i16 = 5;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeGroupsRequest<'a> {
    pub groups: Vec<Cow<'a, str>>,
    pub include_authorized_operations: bool,
}

impl<'a> Default for DescribeGroupsRequest<'a> {
    fn default() -> Self {
        Self {
            groups: Default::default(),
            include_authorized_operations: Default::default(),
        }
    }
}

impl<'a> DescribeGroupsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.groups = required("groups", r.array("groups", flexible, if flexible { 1 } else { 2 }, |r| r.string("groups", flexible))?)?;
        if version >= 3 {
            out.include_authorized_operations = r.bool("include_authorized_operations")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.groups.len()), flexible); for item in &self.groups { put_string(w, &item, flexible); }
        if version >= 3 {
            w.push(u8::from(self.include_authorized_operations));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeGroupsResponse<'a> {
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribeGroupsResponseGroup<'a>>,
}

impl<'a> Default for DescribeGroupsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            groups: Default::default(),
        }
    }
}

impl<'a> DescribeGroupsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.groups = required("groups", r.array("groups", flexible, DescribeGroupsResponseGroup::bytes_min(version), |r| DescribeGroupsResponseGroup::decode(r, version))?)?;
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
        put_array(w, Some(self.groups.len()), flexible); for item in &self.groups { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeGroupsResponseGroup<'a> {
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub group_id: Cow<'a, str>,
    pub group_state: Cow<'a, str>,
    pub protocol_type: Cow<'a, str>,
    pub protocol_data: Cow<'a, str>,
    pub members: Vec<DescribeGroupsResponseGroupMember<'a>>,
    pub authorized_operations: i32,
}

impl<'a> Default for DescribeGroupsResponseGroup<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: None,
            group_id: Default::default(),
            group_state: Default::default(),
            protocol_type: Default::default(),
            protocol_data: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl<'a> DescribeGroupsResponseGroup<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        if version >= 6 {
            out.error_message = null_if(version >= 6, "error_message", r.nullable_string("error_message", flexible)?)?;
        }
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.group_state = required("group_state", r.nullable_string("group_state", flexible)?)?;
        out.protocol_type = required("protocol_type", r.nullable_string("protocol_type", flexible)?)?;
        out.protocol_data = required("protocol_data", r.nullable_string("protocol_data", flexible)?)?;
        out.members = required("members", r.array("members", flexible, DescribeGroupsResponseGroupMember::bytes_min(version), |r| DescribeGroupsResponseGroupMember::decode(r, version))?)?;
        if version >= 3 {
            out.authorized_operations = r.int32("authorized_operations")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 2;
        if version >= 6 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 4 };
        if version >= 3 {
            bytes += 4;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if version >= 6 {
            put_nullable_string(w, self.error_message.as_deref().or(if version >= 6 { None } else { Some("") }), flexible);
        }
        put_string(w, &self.group_id, flexible);
        put_string(w, &self.group_state, flexible);
        put_string(w, &self.protocol_type, flexible);
        put_string(w, &self.protocol_data, flexible);
        put_array(w, Some(self.members.len()), flexible); for item in &self.members { item.encode(w, version); }
        if version >= 3 {
            w.extend_from_slice(&self.authorized_operations.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeGroupsResponseGroupMember<'a> {
    pub member_id: Cow<'a, str>,
    pub group_instance_id: Option<Cow<'a, str>>,
    pub client_id: Cow<'a, str>,
    pub client_host: Cow<'a, str>,
    pub member_metadata: Cow<'a, [u8]>,
    pub member_assignment: Cow<'a, [u8]>,
}

impl<'a> Default for DescribeGroupsResponseGroupMember<'a> {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: None,
            client_id: Default::default(),
            client_host: Default::default(),
            member_metadata: Default::default(),
            member_assignment: Default::default(),
        }
    }
}

impl<'a> DescribeGroupsResponseGroupMember<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.member_id = required("member_id", r.nullable_string("member_id", flexible)?)?;
        if version >= 4 {
            out.group_instance_id = null_if(version >= 4, "group_instance_id", r.nullable_string("group_instance_id", flexible)?)?;
        }
        out.client_id = required("client_id", r.nullable_string("client_id", flexible)?)?;
        out.client_host = required("client_host", r.nullable_string("client_host", flexible)?)?;
        out.member_metadata = required("member_metadata", r.nullable_bytes("member_metadata", flexible)?.map(Cow::Borrowed))?;
        out.member_assignment = required("member_assignment", r.nullable_bytes("member_assignment", flexible)?.map(Cow::Borrowed))?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += if flexible { 1 } else { 2 };
        if version >= 4 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 4 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.member_id, flexible);
        if version >= 4 {
            put_nullable_string(w, self.group_instance_id.as_deref().or(if version >= 4 { None } else { Some("") }), flexible);
        }
        put_string(w, &self.client_id, flexible);
        put_string(w, &self.client_host, flexible);
        put_nullable_bytes(w, Some(&self.member_metadata), flexible);
        put_nullable_bytes(w, Some(&self.member_assignment), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

