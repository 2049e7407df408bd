//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 16;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 5;
pub const FLEXIBLE: i16 = 3;

#[derive(Debug, Clone, PartialEq)]
pub struct ListGroupsRequest<'a> {
    pub states_filter: Vec<Cow<'a, str>>,
    pub types_filter: Vec<Cow<'a, str>>,
}

impl<'a> Default for ListGroupsRequest<'a> {
    fn default() -> Self {
        Self {
            states_filter: Default::default(),
            types_filter: Default::default(),
        }
    }
}

impl<'a> ListGroupsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 4 {
            out.states_filter = required("states_filter", r.array("states_filter", flexible, if flexible { 1 } else { 2 }, |r| r.string("states_filter", flexible))?)?;
        }
        if version >= 5 {
            out.types_filter = required("types_filter", r.array("types_filter", flexible, if flexible { 1 } else { 2 }, |r| r.string("types_filter", flexible))?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 4 {
            put_array(w, Some(self.states_filter.len()), flexible); for item in &self.states_filter { put_string(w, &item, flexible); }
        }
        if version >= 5 {
            put_array(w, Some(self.types_filter.len()), flexible); for item in &self.types_filter { put_string(w, &item, flexible); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListGroupsResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Vec<ListGroupsResponseGroup<'a>>,
}

impl<'a> Default for ListGroupsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            groups: Default::default(),
        }
    }
}

impl<'a> ListGroupsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        out.error_code = r.int16("error_code")?;
        out.groups = required("groups", r.array("groups", flexible, ListGroupsResponseGroup::bytes_min(version), |r| ListGroupsResponseGroup::decode(r, version))?)?;
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
        put_array(w, Some(self.groups.len()), flexible); for item in &self.groups { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListGroupsResponseGroup<'a> {
    pub group_id: Cow<'a, str>,
    pub protocol_type: Cow<'a, str>,
    pub group_state: Cow<'a, str>,
    pub group_type: Cow<'a, str>,
}

impl<'a> Default for ListGroupsResponseGroup<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            protocol_type: Default::default(),
            group_state: Default::default(),
            group_type: Default::default(),
        }
    }
}

impl<'a> ListGroupsResponseGroup<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.protocol_type = required("protocol_type", r.nullable_string("protocol_type", flexible)?)?;
        if version >= 4 {
            out.group_state = required("group_state", r.nullable_string("group_state", flexible)?)?;
        }
        if version >= 5 {
            out.group_type = required("group_type", r.nullable_string("group_type", flexible)?)?;
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
        bytes += if flexible { 1 } else { 2 };
        if version >= 4 {
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
        put_string(w, &self.group_id, flexible);
        put_string(w, &self.protocol_type, flexible);
        if version >= 4 {
            put_string(w, &self.group_state, flexible);
        }
        if version >= 5 {
            put_string(w, &self.group_type, flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

