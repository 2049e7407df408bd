//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 18;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 4;
pub const FLEXIBLE: i16 = 3;

#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsRequest<'a> {
    pub client_software_name: Cow<'a, str>,
    pub client_software_version: Cow<'a, str>,
}

impl<'a> Default for ApiVersionsRequest<'a> {
    fn default() -> Self {
        Self {
            client_software_name: Default::default(),
            client_software_version: Default::default(),
        }
    }
}

impl<'a> ApiVersionsRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.client_software_name = required("client_software_name", r.nullable_string("client_software_name", flexible)?)?;
        }
        if version >= 3 {
            out.client_software_version = required("client_software_version", r.nullable_string("client_software_version", flexible)?)?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        if version >= 3 {
            put_string(w, &self.client_software_name, flexible);
        }
        if version >= 3 {
            put_string(w, &self.client_software_version, flexible);
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsResponse<'a> {
    pub error_code: i16,
    pub api_keys: Vec<ApiVersionsResponseApi>,
    pub throttle_time_ms: i32,
    pub supported_features: Vec<ApiVersionsResponseSupportedFeature<'a>>,
    pub finalized_features_epoch: i64,
    pub finalized_features: Vec<ApiVersionsResponseFinalizedFeature<'a>>,
    pub zk_migration_ready: bool,
}

impl<'a> Default for ApiVersionsResponse<'a> {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            api_keys: Default::default(),
            throttle_time_ms: Default::default(),
            supported_features: Default::default(),
            finalized_features_epoch: -1,
            finalized_features: Default::default(),
            zk_migration_ready: Default::default(),
        }
    }
}

impl<'a> ApiVersionsResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.error_code = r.int16("error_code")?;
        out.api_keys = required("api_keys", r.array("api_keys", flexible, ApiVersionsResponseApi::bytes_min(version), |r| ApiVersionsResponseApi::decode(r, version))?)?;
        if version >= 1 {
            out.throttle_time_ms = r.int32("throttle_time_ms")?;
        }
        if flexible {
            r.tags(|tag, r| {
                match tag {
                    0 if version >= 3 => out.supported_features = required("supported_features", r.array("supported_features", flexible, ApiVersionsResponseSupportedFeature::bytes_min(version), |r| ApiVersionsResponseSupportedFeature::decode(r, version))?)?,
                    1 if version >= 3 => out.finalized_features_epoch = r.int64("finalized_features_epoch")?,
                    2 if version >= 3 => out.finalized_features = required("finalized_features", r.array("finalized_features", flexible, ApiVersionsResponseFinalizedFeature::bytes_min(version), |r| ApiVersionsResponseFinalizedFeature::decode(r, version))?)?,
                    3 if version >= 3 => out.zk_migration_ready = r.bool("zk_migration_ready")?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.error_code.to_be_bytes());
        put_array(w, Some(self.api_keys.len()), flexible); for item in &self.api_keys { item.encode(w, version); }
        if version >= 1 {
            w.extend_from_slice(&self.throttle_time_ms.to_be_bytes());
        }
        if flexible {
            let defaults = Self::default();
            let mut tags: Vec<(u32, Vec<u8>)> = Vec::new();
            if version >= 3 && self.supported_features != defaults.supported_features {
                let mut inside = Vec::new();
                put_array(&mut inside, Some(self.supported_features.len()), flexible); for item in &self.supported_features { item.encode(&mut inside, version); }
                tags.push((0, inside));
            }
            if version >= 3 && self.finalized_features_epoch != defaults.finalized_features_epoch {
                let mut inside = Vec::new();
                inside.extend_from_slice(&self.finalized_features_epoch.to_be_bytes());
                tags.push((1, inside));
            }
            if version >= 3 && self.finalized_features != defaults.finalized_features {
                let mut inside = Vec::new();
                put_array(&mut inside, Some(self.finalized_features.len()), flexible); for item in &self.finalized_features { item.encode(&mut inside, version); }
                tags.push((2, inside));
            }
            if version >= 3 && self.zk_migration_ready != defaults.zk_migration_ready {
                let mut inside = Vec::new();
                inside.push(u8::from(self.zk_migration_ready));
                tags.push((3, inside));
            }
            put_unsigned_varint(w, tags.len() as u32);
            for (tag, inside) in tags {
                put_unsigned_varint(w, tag);
                put_unsigned_varint(w, inside.len() as u32);
                w.extend_from_slice(&inside);
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsResponseApi {
    pub api_key: i16,
    pub min_version: i16,
    pub max_version: i16,
}

impl Default for ApiVersionsResponseApi {
    fn default() -> Self {
        Self {
            api_key: Default::default(),
            min_version: Default::default(),
            max_version: Default::default(),
        }
    }
}

impl<'a> ApiVersionsResponseApi {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.api_key = r.int16("api_key")?;
        out.min_version = r.int16("min_version")?;
        out.max_version = r.int16("max_version")?;
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 2;
        bytes += 2;
        bytes += 2;
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.api_key.to_be_bytes());
        w.extend_from_slice(&self.min_version.to_be_bytes());
        w.extend_from_slice(&self.max_version.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsResponseSupportedFeature<'a> {
    pub name: Cow<'a, str>,
    pub min_version: i16,
    pub max_version: i16,
}

impl<'a> Default for ApiVersionsResponseSupportedFeature<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            min_version: Default::default(),
            max_version: Default::default(),
        }
    }
}

impl<'a> ApiVersionsResponseSupportedFeature<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 3 {
            out.min_version = r.int16("min_version")?;
        }
        if version >= 3 {
            out.max_version = r.int16("max_version")?;
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
            bytes += 2;
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
            put_string(w, &self.name, flexible);
        }
        if version >= 3 {
            w.extend_from_slice(&self.min_version.to_be_bytes());
        }
        if version >= 3 {
            w.extend_from_slice(&self.max_version.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ApiVersionsResponseFinalizedFeature<'a> {
    pub name: Cow<'a, str>,
    pub max_version_level: i16,
    pub min_version_level: i16,
}

impl<'a> Default for ApiVersionsResponseFinalizedFeature<'a> {
    fn default() -> Self {
        Self {
            name: Default::default(),
            max_version_level: Default::default(),
            min_version_level: Default::default(),
        }
    }
}

impl<'a> ApiVersionsResponseFinalizedFeature<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        if version >= 3 {
            out.name = required("name", r.nullable_string("name", flexible)?)?;
        }
        if version >= 3 {
            out.max_version_level = r.int16("max_version_level")?;
        }
        if version >= 3 {
            out.min_version_level = r.int16("min_version_level")?;
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
            bytes += 2;
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
            put_string(w, &self.name, flexible);
        }
        if version >= 3 {
            w.extend_from_slice(&self.max_version_level.to_be_bytes());
        }
        if version >= 3 {
            w.extend_from_slice(&self.min_version_level.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

