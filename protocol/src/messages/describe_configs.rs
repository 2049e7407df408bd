//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 32;
pub const VERSION_MIN: i16 = 1;
pub const VERSION_MAX: i16 = 4;
pub const FLEXIBLE: i16 = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsRequest<'a> {
    pub resources: Vec<DescribeConfigsRequestResource<'a>>,
    pub include_synonyms: bool,
    pub include_documentation: bool,
}

impl<'a> Default for DescribeConfigsRequest<'a> {
    fn default() -> Self {
        Self {
            resources: Default::default(),
            include_synonyms: Default::default(),
            include_documentation: Default::default(),
        }
    }
}

impl<'a> DescribeConfigsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resources = required("resources", r.array("resources", flexible, DescribeConfigsRequestResource::bytes_min(version), |r| DescribeConfigsRequestResource::decode(r, version))?)?;
        out.include_synonyms = r.bool("include_synonyms")?;
        if version >= 3 {
            out.include_documentation = r.bool("include_documentation")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_array(w, Some(self.resources.len()), flexible); for item in &self.resources { item.encode(w, version); }
        w.push(u8::from(self.include_synonyms));
        if version >= 3 {
            w.push(u8::from(self.include_documentation));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsRequestResource<'a> {
    pub resource_type: i8,
    pub resource_name: Cow<'a, str>,
    pub configuration_keys: Option<Vec<Cow<'a, str>>>,
}

impl<'a> Default for DescribeConfigsRequestResource<'a> {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            configuration_keys: Some(Vec::new()),
        }
    }
}

impl<'a> DescribeConfigsRequestResource<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.resource_type = r.int8("resource_type")?;
        out.resource_name = required("resource_name", r.nullable_string("resource_name", flexible)?)?;
        out.configuration_keys = r.array("configuration_keys", flexible, if flexible { 1 } else { 2 }, |r| r.string("configuration_keys", flexible))?;
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
        put_array(w, self.configuration_keys.as_ref().map(Vec::len), flexible); for item in self.configuration_keys.iter().flatten() { put_string(w, &item, flexible); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResponse<'a> {
    pub throttle_time_ms: i32,
    pub results: Vec<DescribeConfigsResponseResult<'a>>,
}

impl<'a> Default for DescribeConfigsResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            results: Default::default(),
        }
    }
}

impl<'a> DescribeConfigsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.results = required("results", r.array("results", flexible, DescribeConfigsResponseResult::bytes_min(version), |r| DescribeConfigsResponseResult::decode(r, version))?)?;
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
pub struct DescribeConfigsResponseResult<'a> {
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub resource_type: i8,
    pub resource_name: Cow<'a, str>,
    pub configs: Vec<DescribeConfigsResponseResultConfig<'a>>,
}

impl<'a> Default for DescribeConfigsResponseResult<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: None,
            resource_type: Default::default(),
            resource_name: Default::default(),
            configs: Default::default(),
        }
    }
}

impl<'a> DescribeConfigsResponseResult<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
        out.resource_type = r.int8("resource_type")?;
        out.resource_name = required("resource_name", r.nullable_string("resource_name", flexible)?)?;
        out.configs = required("configs", r.array("configs", flexible, DescribeConfigsResponseResultConfig::bytes_min(version), |r| DescribeConfigsResponseResultConfig::decode(r, version))?)?;
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
        bytes += if flexible { 1 } else { 4 };
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_nullable_string(w, self.error_message.as_deref(), flexible);
        w.extend_from_slice(&self.resource_type.to_be_bytes());
        put_string(w, &self.resource_name, flexible);
        put_array(w, Some(self.configs.len()), flexible); for item in &self.configs { item.encode(w, version); }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResponseResultConfig<'a> {
    pub name: Cow<'a, str>,
    pub value: Option<Cow<'a, str>>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
    pub synonyms: Vec<DescribeConfigsResponseResultConfigSynonym<'a>>,
    pub config_type: i8,
    pub documentation: Option<Cow<'a, str>>,
}

impl<'a> Default for DescribeConfigsResponseResultConfig<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: None,
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
            synonyms: Default::default(),
            config_type: Default::default(),
            documentation: None,
        }
    }
}

impl<'a> DescribeConfigsResponseResultConfig<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.value = r.nullable_string("value", flexible)?;
        out.read_only = r.bool("read_only")?;
        out.config_source = r.int8("config_source")?;
        out.is_sensitive = r.bool("is_sensitive")?;
        out.synonyms = required("synonyms", r.array("synonyms", flexible, DescribeConfigsResponseResultConfigSynonym::bytes_min(version), |r| DescribeConfigsResponseResultConfigSynonym::decode(r, version))?)?;
        if version >= 3 {
            out.config_type = r.int8("config_type")?;
        }
        if version >= 3 {
            out.documentation = null_if(version >= 3, "documentation", r.nullable_string("documentation", flexible)?)?;
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
        bytes += 1;
        bytes += 1;
        bytes += 1;
        bytes += if flexible { 1 } else { 4 };
        if version >= 3 {
            bytes += 1;
        }
        if version >= 3 {
            bytes += if flexible { 1 } else { 2 };
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        put_nullable_string(w, self.value.as_deref(), flexible);
        w.push(u8::from(self.read_only));
        w.extend_from_slice(&self.config_source.to_be_bytes());
        w.push(u8::from(self.is_sensitive));
        put_array(w, Some(self.synonyms.len()), flexible); for item in &self.synonyms { item.encode(w, version); }
        if version >= 3 {
            w.extend_from_slice(&self.config_type.to_be_bytes());
        }
        if version >= 3 {
            put_nullable_string(w, self.documentation.as_deref().or(if version >= 3 { None } else { Some("") }), flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeConfigsResponseResultConfigSynonym<'a> {
    pub name: Cow<'a, str>,
    pub value: Option<Cow<'a, str>>,
    pub source: i8,
}

impl<'a> Default for DescribeConfigsResponseResultConfigSynonym<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: None,
            source: Default::default(),
        }
    }
}

impl<'a> DescribeConfigsResponseResultConfigSynonym<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.name = required("name", r.nullable_string("name", flexible)?)?;
        out.value = r.nullable_string("value", flexible)?;
        out.source = r.int8("source")?;
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
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_string(w, &self.name, flexible);
        put_nullable_string(w, self.value.as_deref(), flexible);
        w.extend_from_slice(&self.source.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

