//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 33;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 2;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsRequest<'a> {
    pub resources: Vec<AlterConfigsRequestResource<'a>>,
    pub validate_only: bool,
}

impl<'a> Default for AlterConfigsRequest<'a> {
    fn default() -> Self {
        Self {
            resources: Default::default(),
            validate_only: Default::default(),
        }
    }
}

impl<'a> AlterConfigsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resources = required("resources", r.array("resources", flexible, AlterConfigsRequestResource::bytes_min(version), |r| AlterConfigsRequestResource::decode(r, version))?)?;
        out.validate_only = r.bool("validate_only")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.resources.len()), flexible); for item in &self.resources { item.encode(w, version); }
        w.push(u8::from(self.validate_only));
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsRequestResource<'a> {
    pub resource_type: i8,
    pub resource_name: Cow<'a, str>,
    pub configs: Vec<AlterConfigsRequestResourceConfig<'a>>,
}

impl<'a> Default for AlterConfigsRequestResource<'a> {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            configs: Default::default(),
        }
    }
}

impl<'a> AlterConfigsRequestResource<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resource_type = r.int8("resource_type")?;
        out.resource_name = required("resource_name", r.nullable_string("resource_name", flexible)?)?;
        out.configs = required("configs", r.array("configs", flexible, AlterConfigsRequestResourceConfig::bytes_min(version), |r| AlterConfigsRequestResourceConfig::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 1;
        bytes += if flexible { 1 } else { 2 };
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.resource_type.to_be_bytes());
        put_string(w, &self.resource_name, flexible);
        put_array(w, Some(self.configs.len()), flexible); for item in &self.configs { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsRequestResourceConfig<'a> {
    pub name: Cow<'a, str>,
    pub value: Option<Cow<'a, str>>,
}

impl<'a> Default for AlterConfigsRequestResourceConfig<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: None,
        }
    }
}

impl<'a> AlterConfigsRequestResourceConfig<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.value = r.nullable_string("value", flexible)?;
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
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        put_nullable_string(w, self.value.as_deref(), flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsResponse<'a> {
    pub throttle_time_ms: i32,
    pub responses: Vec<AlterConfigsResponseResource<'a>>,
}

impl<'a> Default for AlterConfigsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            responses: Default::default(),
        }
    }
}

impl<'a> AlterConfigsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.responses = required("responses", r.array("responses", flexible, AlterConfigsResponseResource::bytes_min(version), |r| AlterConfigsResponseResource::decode(r, version))?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        put_array(w, Some(self.responses.len()), flexible); for item in &self.responses { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterConfigsResponseResource<'a> {
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub resource_type: i8,
    pub resource_name: Cow<'a, str>,
}

impl<'a> Default for AlterConfigsResponseResource<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: None,
            resource_type: Default::default(),
            resource_name: Default::default(),
        }
    }
}

impl<'a> AlterConfigsResponseResource<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
        out.resource_type = r.int8("resource_type")?;
        out.resource_name = required("resource_name", r.nullable_string("resource_name", flexible)?)?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 2;
        bytes += if flexible { 1 } else { 2 };
        bytes += 1;
        bytes += if flexible { 1 } else { 2 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        w.extend_from_slice(&self.resource_type.to_be_bytes());
        put_string(w, &self.resource_name, flexible);
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

