//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 74;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 1;
pub const FLEXIBLE: i16 = 0;

#[derive(Debug, Clone, PartialEq)]
pub struct ListConfigResourcesRequest {
    pub resource_types: Vec<i8>,
}

impl Default for ListConfigResourcesRequest {
    fn default() -> Self {
        Self {
            resource_types: Default::default(),
        }
    }
}

impl<'a> ListConfigResourcesRequest {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 1 {
            out.resource_types = required("resource_types", r.array("resource_types", flexible, 1, |r| r.int8("resource_types"))?)?;
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
            put_array(w, Some(self.resource_types.len()), flexible); for item in &self.resource_types { w.extend_from_slice(&item.to_be_bytes()); }
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListConfigResourcesResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub config_resources: Vec<ListConfigResourcesResponseResource<'a>>,
}

impl<'a> Default for ListConfigResourcesResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            config_resources: Default::default(),
        }
    }
}

impl<'a> ListConfigResourcesResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.error_code = r.int16("error_code")?;
        out.config_resources = required("config_resources", r.array("config_resources", flexible, ListConfigResourcesResponseResource::bytes_min(version), |r| ListConfigResourcesResponseResource::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_array(w, Some(self.config_resources.len()), flexible); for item in &self.config_resources { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ListConfigResourcesResponseResource<'a> {
    pub resource_name: Cow<'a, str>,
    pub resource_type: i8,
}

impl<'a> Default for ListConfigResourcesResponseResource<'a> {
    fn default() -> Self {
        Self {
            resource_name: Default::default(),
            resource_type: 16,
        }
    }
}

impl<'a> ListConfigResourcesResponseResource<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resource_name = required("resource_name", r.nullable_string("resource_name", flexible)?)?;
        if version >= 1 {
            out.resource_type = r.int8("resource_type")?;
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
        if version >= 1 {
            bytes += 1;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.resource_name, flexible);
        if version >= 1 {
            w.extend_from_slice(&self.resource_type.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

