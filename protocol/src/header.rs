//! Request and response headers (KIP-482). Which header a message has depends on its API and version alone.

use std::borrow::Cow;

use crate::messages::flexible_from;
use crate::primitives::{DecodeError, Reader, put_nullable_string, put_unsigned_varint};

/// Number of ApiVersions, whose response header is version 0 in every version.
const API_VERSIONS: i16 = 18;

/// Header of a request, versions 1 and 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// Which API.
    pub api_key: i16,
    /// Which version of it.
    pub api_version: i16,
    /// Chosen by the client; the response carries it back.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<Cow<'a, str>>,
}

/// Whether this version of this API uses compact lengths and tagged fields. APIs without a schema here count as not flexible.
pub fn is_flexible(api_key: i16, version: i16) -> bool {
    flexible_from(api_key).is_some_and(|from| version >= from)
}

impl<'a> RequestHeader<'a> {
    /// The header at the start of `frame` (without the frame's length) and how many bytes it takes.
    pub fn decode(frame: &'a [u8]) -> Result<(Self, usize), DecodeError> {
        let mut reader = Reader::new(frame);
        let api_key = reader.int16("api_key")?;
        let api_version = reader.int16("api_version")?;
        let correlation_id = reader.int32("correlation_id")?;
        let client_id = reader.nullable_string("client_id", false)?;
        if is_flexible(api_key, api_version) {
            reader.skip_tags()?;
        }
        Ok((
            Self {
                api_key,
                api_version,
                correlation_id,
                client_id,
            },
            reader.position(),
        ))
    }

    /// Appends the header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.api_key.to_be_bytes());
        out.extend_from_slice(&self.api_version.to_be_bytes());
        out.extend_from_slice(&self.correlation_id.to_be_bytes());
        put_nullable_string(out, self.client_id.as_deref(), false);
        if is_flexible(self.api_key, self.api_version) {
            put_unsigned_varint(out, 0);
        }
    }
}

/// Appends the header of a response.
pub fn put_response_header(out: &mut Vec<u8>, api_key: i16, version: i16, correlation_id: i32) {
    out.extend_from_slice(&correlation_id.to_be_bytes());
    if api_key != API_VERSIONS && is_flexible(api_key, version) {
        put_unsigned_varint(out, 0);
    }
}

/// Bytes of the response header; tagged fields in it are skipped.
pub fn skip_response_header(
    reader: &mut Reader<'_>,
    api_key: i16,
    version: i16,
) -> Result<i32, DecodeError> {
    let correlation_id = reader.int32("correlation_id")?;
    if api_key != API_VERSIONS && is_flexible(api_key, version) {
        reader.skip_tags()?;
    }
    Ok(correlation_id)
}
