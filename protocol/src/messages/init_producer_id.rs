//! Generated from the schema of the same name; do not edit. Regenerate with PELTON_REGENERATE=1.
#![allow(missing_docs, clippy::all, clippy::too_many_lines)]

use std::borrow::Cow;

use crate::primitives::*;

pub const KEY: i16 = 22;
pub const VERSION_MIN: i16 = 0;
pub const VERSION_MAX: i16 = 5;
pub const FLEXIBLE: i16 = 2;

#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdRequest<'a> {
    pub transactional_id: Option<Cow<'a, str>>,
    pub transaction_timeout_ms: i32,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl<'a> Default for InitProducerIdRequest<'a> {
    fn default() -> Self {
        Self {
            transactional_id: None,
            transaction_timeout_ms: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl<'a> InitProducerIdRequest<'a> {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.transactional_id = r.nullable_string("transactional_id", flexible)?;
        out.transaction_timeout_ms = r.int32("transaction_timeout_ms")?;
        if version >= 3 {
            out.producer_id = r.int64("producer_id")?;
        }
        if version >= 3 {
            out.producer_epoch = r.int16("producer_epoch")?;
        }
        if flexible {
            r.skip_tags()?;
        }
        Ok(out)
    }

    pub fn encode(&self, w: &mut Vec<u8>, version: i16) {
        let flexible = version >= FLEXIBLE;
        let _ = (&w, flexible);
        put_nullable_string(w, self.transactional_id.as_deref(), flexible);
        w.extend_from_slice(&self.transaction_timeout_ms.to_be_bytes());
        if version >= 3 {
            w.extend_from_slice(&self.producer_id.to_be_bytes());
        }
        if version >= 3 {
            w.extend_from_slice(&self.producer_epoch.to_be_bytes());
        }
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            producer_id: -1,
            producer_epoch: Default::default(),
        }
    }
}

impl<'a> InitProducerIdResponse {
    pub fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= FLEXIBLE;
        let mut out = Self::default();
        out.throttle_time_ms = r.int32("throttle_time_ms")?;
        out.error_code = r.int16("error_code")?;
        out.producer_id = r.int64("producer_id")?;
        out.producer_epoch = r.int16("producer_epoch")?;
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
        w.extend_from_slice(&self.producer_id.to_be_bytes());
        w.extend_from_slice(&self.producer_epoch.to_be_bytes());
        if flexible {
            put_unsigned_varint(w, 0);
        }
    }
}

