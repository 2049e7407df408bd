//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 42;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 2;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteGroupsRequest<'a> {
    pub groups_names: Vec<Cow<'a, str>>,
}

impl<'a> Default for DeleteGroupsRequest<'a> {
    fn default() -> Self {
        Self {
            groups_names: Default::default(),
        }
    }
}

impl<'a> DeleteGroupsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.groups_names = required("groups_names", r.array("groups_names", flexible, if flexible { 1 } else { 2 }, |r| r.string("groups_names", flexible))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.groups_names.len()), flexible); for item in &self.groups_names { put_string(w, &item, flexible); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeleteGroupsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Vec<DeleteGroupsResponseResult<'a>>,
}

impl<'a> Default for DeleteGroupsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            results: Default::default(),
        }
    }
}

impl<'a> DeleteGroupsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.results = required("results", r.array("results", flexible, DeleteGroupsResponseResult::bytes_min(version), |r| DeleteGroupsResponseResult::decode(r, version))?)?;
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
pub struct DeleteGroupsResponseResult<'a> {
    pub group_id: Cow<'a, str>,
    pub error_code: i16,
}

impl<'a> Default for DeleteGroupsResponseResult<'a> {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl<'a> DeleteGroupsResponseResult<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.group_id = required("group_id", r.nullable_string("group_id", flexible)?)?;
        out.error_code = r.int16("error_code")?;
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
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.group_id, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

