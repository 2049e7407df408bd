//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 60;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 2;
pub const FLEXIBLE: i16 = 0;

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterRequest {
    pub include_cluster_authorized_operations: bool,
    pub endpoint_type: i8,
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: Default::default(),
            endpoint_type: 1,
            include_fenced_brokers: Default::default(),
        }
    }
}

impl<'a> DescribeClusterRequest {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.include_cluster_authorized_operations = r.bool("include_cluster_authorized_operations")?;
        if version >= 1 {
            out.endpoint_type = r.int8("endpoint_type")?;
        }
        if version >= 2 {
            out.include_fenced_brokers = r.bool("include_fenced_brokers")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.push(u8::from(self.include_cluster_authorized_operations));
        if version >= 1 {
            w.extend_from_slice(&self.endpoint_type.to_be_bytes());
        }
        if version >= 2 {
            w.push(u8::from(self.include_fenced_brokers));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterResponse<'a> {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<Cow<'a, str>>,
    pub endpoint_type: i8,
    pub cluster_id: Cow<'a, str>,
    pub controller_id: i32,
    pub brokers: Vec<DescribeClusterResponseBroker<'a>>,
    pub cluster_authorized_operations: i32,
}

impl<'a> Default for DescribeClusterResponse<'a> {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: None,
            endpoint_type: 1,
            cluster_id: Default::default(),
            controller_id: -1,
            brokers: Default::default(),
            cluster_authorized_operations: -2147483648,
        }
    }
}

impl<'a> DescribeClusterResponse<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.error_code = r.int16("error_code")?;
        out.error_message = r.nullable_string("error_message", flexible)?;
        if version >= 1 {
            out.endpoint_type = r.int8("endpoint_type")?;
        }
        out.cluster_id = required("cluster_id", r.nullable_string("cluster_id", flexible)?)?;
        out.controller_id = r.int32("controller_id")?;
        out.brokers = required("brokers", r.array("brokers", flexible, DescribeClusterResponseBroker::bytes_min(version), |r| DescribeClusterResponseBroker::decode(r, version))?)?;
        out.cluster_authorized_operations = r.int32("cluster_authorized_operations")?;
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
        if version >= 1 {
            w.extend_from_slice(&self.endpoint_type.to_be_bytes());
        }
        put_string(w, &self.cluster_id, flexible);
        w.extend_from_slice(&self.controller_id.to_be_bytes());
        put_array(w, Some(self.brokers.len()), flexible); for item in &self.brokers { item.encode(w, version); }
        w.extend_from_slice(&self.cluster_authorized_operations.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct DescribeClusterResponseBroker<'a> {
    pub broker_id: i32,
    pub host: Cow<'a, str>,
    pub port: i32,
    pub rack: Option<Cow<'a, str>>,
    pub is_fenced: bool,
}

impl<'a> Default for DescribeClusterResponseBroker<'a> {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            host: Default::default(),
            port: Default::default(),
            rack: None,
            is_fenced: Default::default(),
        }
    }
}

impl<'a> DescribeClusterResponseBroker<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.broker_id = r.int32("broker_id")?;
        out.host = required("host", r.nullable_string("host", flexible)?)?;
        out.port = r.int32("port")?;
        out.rack = r.nullable_string("rack", flexible)?;
        if version >= 2 {
            out.is_fenced = r.bool("is_fenced")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub const fn bytes_min(version: i16) -> usize {
        let flexible = version >= FLEXIBLE;
        let mut bytes = flexible as usize;
        bytes += 4;
        bytes += if flexible { 1 } else { 2 };
        bytes += 4;
        bytes += if flexible { 1 } else { 2 };
        if version >= 2 {
            bytes += 1;
        }
        bytes
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        w.extend_from_slice(&self.broker_id.to_be_bytes());
        put_string(w, &self.host, flexible);
        w.extend_from_slice(&self.port.to_be_bytes());
        put_nullable_string(w, self.rack.as_deref(), flexible);
        if version >= 2 {
            w.push(u8::from(self.is_fenced));
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

