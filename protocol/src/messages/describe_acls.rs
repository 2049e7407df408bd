//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 29;
pub const VERSION_MIN: i16 = 1;
pub const VERSION_MAX: i16 = 3;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeAclsRequest<'a> {
    pub resource_type_filter: i8,
    pub resource_name_filter: Option<Cow<'a, str>>,
    pub pattern_type_filter: i8,
    pub principal_filter: Option<Cow<'a, str>>,
    pub host_filter: Option<Cow<'a, str>>,
    pub operation: i8,
    pub permission_type: i8,
}

impl<'a> Default for DescribeAclsRequest<'a> {
    fn default() -> Self {
        Self {
            resource_type_filter: Default::default(),
            resource_name_filter: None,
            pattern_type_filter: 3,
            principal_filter: None,
            host_filter: None,
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl<'a> DescribeAclsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resource_type_filter = r.int8("resource_type_filter")?;
        out.resource_name_filter = r.nullable_string("resource_name_filter", flexible)?;
        out.pattern_type_filter = r.int8("pattern_type_filter")?;
        out.principal_filter = r.nullable_string("principal_filter", flexible)?;
        out.host_filter = r.nullable_string("host_filter", flexible)?;
        out.operation = r.int8("operation")?;
        out.permission_type = r.int8("permission_type")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.resource_type_filter.to_be_bytes());
        put_nullable_string(w, self.resource_name_filter.as_deref(), flexible);
        w.extend_from_slice(&self.pattern_type_filter.to_be_bytes());
        put_nullable_string(w, self.principal_filter.as_deref(), flexible);
        put_nullable_string(w, self.host_filter.as_deref(), flexible);
        w.extend_from_slice(&self.operation.to_be_bytes());
        w.extend_from_slice(&self.permission_type.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeAclsResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub resources: Vec<DescribeAclsResponseResource<'a>>,
}

impl<'a> Default for DescribeAclsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: None,
            resources: Default::default(),
        }
    }
}

impl<'a> DescribeAclsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
        out.resources = required("resources", r.array("resources", flexible, DescribeAclsResponseResource::bytes_min(version), |r| DescribeAclsResponseResource::decode(r, version))?)?;
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
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        put_array(w, Some(self.resources.len()), flexible); for item in &self.resources { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeAclsResponseResource<'a> {
    pub resource_type: i8,
    pub resource_name: Cow<'a, str>,
    pub pattern_type: i8,
    pub acls: Vec<DescribeAclsResponseResourceAcl<'a>>,
}

impl<'a> Default for DescribeAclsResponseResource<'a> {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            pattern_type: 3,
            acls: Default::default(),
        }
    }
}

impl<'a> DescribeAclsResponseResource<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resource_type = r.int8("resource_type")?;
        out.resource_name = required("resource_name", r.nullable_string("resource_name", flexible)?)?;
        out.pattern_type = r.int8("pattern_type")?;
        out.acls = required("acls", r.array("acls", flexible, DescribeAclsResponseResourceAcl::bytes_min(version), |r| DescribeAclsResponseResourceAcl::decode(r, version))?)?;
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
        bytes += 1;
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.resource_type.to_be_bytes());
        put_string(w, &self.resource_name, flexible);
        w.extend_from_slice(&self.pattern_type.to_be_bytes());
        put_array(w, Some(self.acls.len()), flexible); for item in &self.acls { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeAclsResponseResourceAcl<'a> {
    pub principal: Cow<'a, str>,
    pub host: Cow<'a, str>,
    pub operation: i8,
    pub permission_type: i8,
}

impl<'a> Default for DescribeAclsResponseResourceAcl<'a> {
    fn default() -> Self {
        Self {
            principal: Default::default(),
            host: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl<'a> DescribeAclsResponseResourceAcl<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.principal = required("principal", r.nullable_string("principal", flexible)?)?;
        out.host = required("host", r.nullable_string("host", flexible)?)?;
        out.operation = r.int8("operation")?;
        out.permission_type = r.int8("permission_type")?;
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
        bytes += 1;
        bytes += 1;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.principal, flexible);
        put_string(w, &self.host, flexible);
        w.extend_from_slice(&self.operation.to_be_bytes());
        w.extend_from_slice(&self.permission_type.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

