//! The records inside a batch: an allocation-free walk over an uncompressed payload, the checks the
//! broker makes on a client's records, and the encoding of one record. It never decompresses and never
//! reads the batch header's bytes (`record_batch` does).
//!
//! ```text
//!  record := length varint | attributes i8 | timestamp delta varlong | offset delta varint
//!          | key length varint | key | value length varint | value
//!          | header count varint | { key length varint | key | value length varint | value }*
//! ```
//!
//! Varints are zig-zag. A negative key or value length means null. Source: Kafka's `DefaultRecord`.

use thiserror::Error;

mod validation;
pub use validation::{
    REJECTIONS_MAX, RecordRejection, RecordsError, RecordsPolicy, RecordsSummary, Rejection,
    Rejections, validate_records,
};

/// One record, borrowed from its batch's uncompressed payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Unused by Kafka; kept as it is.
    pub attributes: i8,
    /// Milliseconds after the batch's base timestamp.
    pub timestamp_delta: i64,
    /// Offsets after the batch's base offset.
    pub offset_delta: i32,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, already walked once, so that iterating them cannot fail.
    pub headers: Headers<'a>,
}

/// One record header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Meant as UTF-8; not checked, as Kafka's broker does not.
    pub key: &'a [u8],
    /// The value, if there is one.
    pub value: Option<&'a [u8]>,
}

/// A record's headers in their order, duplicates included. An iterator that does not allocate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    left: u32,
    bytes: &'a [u8],
}

impl Headers<'_> {
    /// Headers not yet yielded.
    pub fn count_left(&self) -> u32 {
        self.left
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader { bytes: self.bytes };
        let header = reader.header().ok()?;
        self.bytes = reader.bytes;
        Some(header)
    }
}

/// Why bytes are not a record. Kafka answers every one with INVALID_RECORD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecordError {
    /// A varint runs past the end or over its longest form.
    #[error("Found invalid record structure: a varint is malformed or cut")]
    Varint,
    /// A length reaches beyond what is left.
    #[error("Found invalid record structure: a length of {length} with {left} bytes left")]
    Length {
        /// What the field says.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The record's own length differs from what its fields take.
    #[error("Invalid record size: {unread} of {length} bytes in record payload were not read")]
    NotConsumed {
        /// The record's length.
        length: usize,
        /// Bytes of it left over.
        unread: usize,
    },
    /// Negative, or more than bytes left.
    #[error("Found invalid number of record headers {0}")]
    HeaderCount(i32),
}

/// Walks the records of an uncompressed payload. See [`Records`].
pub fn records(payload: &[u8]) -> Records<'_> {
    Records {
        reader: Reader { bytes: payload },
    }
}

/// Iterator over records; ends at the end of the payload or after the first error. It does not know
/// the batch's record count: compare, as [`validate_records`] does.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordRef<'a>, RecordError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.bytes.is_empty() {
            return None;
        }
        let record = self.reader.record();
        if record.is_err() {
            self.reader.bytes = &[];
        }
        Some(record)
    }
}

impl Records<'_> {
    /// Bytes not walked yet.
    pub fn bytes_left(&self) -> usize {
        self.reader.bytes.len()
    }
}

/// Appends one record to `out`. Lengths above `i32::MAX` are the caller's bug.
pub fn encode(
    out: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[Header<'_>],
) {
    let length = 1
        + varint_bytes(timestamp_delta)
        + varint_bytes(i64::from(offset_delta))
        + bytes_field_bytes(key)
        + bytes_field_bytes(value)
        + varint_bytes(headers.len() as i64)
        + headers
            .iter()
            .map(|h| bytes_field_bytes(Some(h.key)) + bytes_field_bytes(h.value))
            .sum::<usize>();
    put_varint(out, length as i64);
    out.push(0);
    put_varint(out, timestamp_delta);
    put_varint(out, i64::from(offset_delta));
    put_bytes_field(out, key);
    put_bytes_field(out, value);
    put_varint(out, headers.len() as i64);
    for header in headers {
        put_bytes_field(out, Some(header.key));
        put_bytes_field(out, header.value);
    }
}

#[derive(Debug, Clone)]
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline(always)]
    fn record(&mut self) -> Result<RecordRef<'a>, RecordError> {
        let length = self.varint()?;
        let body = self.take(length)?;
        let mut body = Reader { bytes: body };
        let attributes = body.take(1)?[0] as i8;
        let timestamp_delta = body.varlong()?;
        let offset_delta = body.varint()?;
        let key = body.nullable_bytes()?;
        let value = body.nullable_bytes()?;
        let header_count = body.varint()?;
        let headers = body.headers(header_count)?;
        if !body.bytes.is_empty() {
            return Err(RecordError::NotConsumed {
                length: length as usize,
                unread: body.bytes.len(),
            });
        }
        Ok(RecordRef {
            attributes,
            timestamp_delta,
            offset_delta,
            key,
            value,
            headers,
        })
    }

    #[inline(always)]
    fn headers(&mut self, count: i32) -> Result<Headers<'a>, RecordError> {
        if count == 0 {
            return Ok(Headers {
                left: 0,
                bytes: &[],
            });
        }
        let left = u32::try_from(count).map_err(|_| RecordError::HeaderCount(count))?;
        if left as usize > self.bytes.len() {
            return Err(RecordError::HeaderCount(count));
        }
        let headers = Headers {
            left,
            bytes: self.bytes,
        };
        for _ in 0..left {
            self.header()?;
        }
        Ok(headers)
    }

    #[inline(never)]
    fn header(&mut self) -> Result<Header<'a>, RecordError> {
        let key_length = self.varint()?;
        let key = self.take(key_length)?;
        let value = self.nullable_bytes()?;
        Ok(Header { key, value })
    }

    #[inline(always)]
    fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, RecordError> {
        let length = self.varint()?;
        if length < 0 {
            Ok(None)
        } else {
            self.take(length).map(Some)
        }
    }

    #[inline(always)]
    fn take(&mut self, length: i32) -> Result<&'a [u8], RecordError> {
        let beyond = RecordError::Length {
            length,
            left: self.bytes.len(),
        };
        let wanted = usize::try_from(length).map_err(|_| beyond)?;
        let (taken, rest) = self.bytes.split_at_checked(wanted).ok_or(beyond)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// At most five bytes; as in Kafka, what the fifth holds beyond 32 bits is dropped.
    #[inline(always)]
    fn varint(&mut self) -> Result<i32, RecordError> {
        let zigzag = self.unsigned(5)? as u32;
        Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    /// At most ten bytes.
    #[inline(always)]
    fn varlong(&mut self) -> Result<i64, RecordError> {
        let zigzag = self.unsigned(10)?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// One and two bytes are nearly all there is: they stay out of the loop.
    #[inline(always)]
    fn unsigned(&mut self, bytes_max: usize) -> Result<u64, RecordError> {
        match *self.bytes {
            [first, ref rest @ ..] if first < 0x80 => {
                self.bytes = rest;
                Ok(u64::from(first))
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.bytes = rest;
                Ok(u64::from(first & 0x7f) | u64::from(second) << 7)
            }
            _ => self.unsigned_long(bytes_max),
        }
    }

    #[inline(never)]
    fn unsigned_long(&mut self, bytes_max: usize) -> Result<u64, RecordError> {
        let mut value = 0;
        for (index, &byte) in self.bytes.iter().enumerate().take(bytes_max) {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.bytes = &self.bytes[index + 1..];
                return Ok(value);
            }
        }
        Err(RecordError::Varint)
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn varint_bytes(value: i64) -> usize {
    let bits = 64 - (zigzag(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn bytes_field_bytes(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint_bytes(bytes.len() as i64) + bytes.len())
}

fn put_bytes_field(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varint(out, -1),
        Some(bytes) => {
            put_varint(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}
