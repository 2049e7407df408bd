//! Kafka's primitive types over byte slices. Every length and count is checked against what is left before it is used;
//! no input makes it panic, none makes it allocate more than the input's own size.

use std::borrow::Cow;
use std::fmt;

/// Most elements an array may have (Kafka 4.4's own cap).
pub const ARRAY_LEN_MAX: usize = 1_000_000;
/// Most tagged fields one section may have (Kafka 4.4's own cap).
pub const TAGS_MAX: u32 = 10_000;

/// What was wrong with the bytes, and in which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct DecodeError {
    /// The field being read.
    pub field: &'static str,
    /// What was wrong.
    pub problem: Problem,
}

/// Kinds of malformed input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The bytes end before the value does.
    #[error("the bytes end too early")]
    Short,
    /// A length or count is negative, or larger than what is left.
    #[error("impossible length")]
    Length,
    /// A null where none may stand.
    #[error("null where none may be")]
    Null,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Text,
    /// A variable-length number of too many bytes.
    #[error("number of too many bytes")]
    Varint,
    /// Tags out of order, twice, or too many.
    #[error("malformed tagged fields")]
    Tags,
    /// A version this decoder does not know.
    #[error("unsupported version")]
    Version,
}

/// A Kafka UUID; text form is unpadded base64url of 22 characters (`org.apache.kafka.common.Uuid`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid(pub u128);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for place in 0..22 {
            let shift = 122 - place * 6;
            let six = if shift >= 0 {
                self.0 >> shift
            } else {
                self.0 << -shift
            };
            write!(f, "{}", ALPHABET[(six & 63) as usize] as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads values one after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

macro_rules! fixed {
    ($($name:ident $kind:ty, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[inline]
        pub fn $name(&mut self, field: &'static str) -> Result<$kind, DecodeError> {
            const BYTES: usize = size_of::<$kind>();
            let raw = self.take(field, BYTES)?;
            let mut whole = [0; BYTES];
            whole.copy_from_slice(raw);
            Ok(<$kind>::from_be_bytes(whole))
        }
    )*};
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], DecodeError> {
        if count > self.remaining() {
            return Err(DecodeError {
                field,
                problem: Problem::Short,
            });
        }
        let taken = &self.bytes[self.position..self.position + count];
        self.position += count;
        Ok(taken)
    }

    fixed! {
        int8 i8, "One byte, signed.";
        int16 i16, "Two bytes, big endian, signed.";
        int32 i32, "Four bytes, big endian, signed.";
        int64 i64, "Eight bytes, big endian, signed.";
        raw_uuid u128, "Sixteen bytes, big endian.";
    }

    /// One byte; anything but 0 is true, as in Kafka.
    pub fn bool(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        Ok(self.int8(field)? != 0)
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, field: &'static str) -> Result<Uuid, DecodeError> {
        self.raw_uuid(field).map(Uuid)
    }

    /// An unsigned variable-length number of at most 32 bits.
    #[inline]
    pub fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(field, 1)?[0];
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError {
            field,
            problem: Problem::Varint,
        })
    }

    /// Length of a string, byte string or array: compact (n + 1, 0 is null) or fixed (-1 is null).
    fn length(
        &mut self,
        field: &'static str,
        flexible: bool,
        short: bool,
    ) -> Result<Option<usize>, DecodeError> {
        let length = if flexible {
            i64::from(self.unsigned_varint(field)?) - 1
        } else if short {
            i64::from(self.int16(field)?)
        } else {
            i64::from(self.int32(field)?)
        };
        match usize::try_from(length) {
            Ok(length) if length <= self.remaining() => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            _ => Err(DecodeError {
                field,
                problem: Problem::Length,
            }),
        }
    }

    /// Text that may be null.
    pub fn nullable_string(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<Cow<'a, str>>, DecodeError> {
        let Some(length) = self.length(field, flexible, true)? else {
            return Ok(None);
        };
        let raw = self.take(field, length)?;
        match std::str::from_utf8(raw) {
            Ok(text) => Ok(Some(Cow::Borrowed(text))),
            Err(_) => Err(DecodeError {
                field,
                problem: Problem::Text,
            }),
        }
    }

    /// Text.
    pub fn string(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Cow<'a, str>, DecodeError> {
        self.nullable_string(field, flexible)?.ok_or(DecodeError {
            field,
            problem: Problem::Null,
        })
    }

    /// Bytes that may be null.
    pub fn nullable_bytes(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.length(field, flexible, false)? {
            Some(length) => self.take(field, length).map(Some),
            None => Ok(None),
        }
    }

    /// Count of an array that may be null; every element takes at least one byte.
    pub fn array(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<usize>, DecodeError> {
        match self.length(field, flexible, false)? {
            Some(count) if count > ARRAY_LEN_MAX => Err(DecodeError {
                field,
                problem: Problem::Length,
            }),
            count => Ok(count),
        }
    }

    /// A section of tagged fields (KIP-482): `known` reads a tag it knows and says so; others are skipped.
    pub fn tags(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader<'a>) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let malformed = DecodeError {
            field: "tagged fields",
            problem: Problem::Tags,
        };
        let count = self.unsigned_varint("tagged fields")?;
        if count > TAGS_MAX {
            return Err(malformed);
        }
        let mut last = None;
        for _ in 0..count {
            let tag = self.unsigned_varint("tag")?;
            if last.is_some_and(|last| tag <= last) {
                return Err(malformed);
            }
            last = Some(tag);
            let length = self.unsigned_varint("tag length")? as usize;
            let mut inside = Reader::new(self.take("tagged field", length)?);
            known(tag, &mut inside)?;
        }
        Ok(())
    }
}

/// An unsigned variable-length number.
pub fn put_unsigned_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_length(out: &mut Vec<u8>, length: Option<usize>, flexible: bool, short: bool) {
    if flexible {
        put_unsigned_varint(out, length.map_or(0, |length| length as u32 + 1));
    } else if short {
        out.extend_from_slice(&length.map_or(-1, |length| length as i16).to_be_bytes());
    } else {
        out.extend_from_slice(&length.map_or(-1, |length| length as i32).to_be_bytes());
    }
}

/// Text that may be null. Text longer than a non-flexible length can say (32,767 bytes) is cut.
pub fn put_nullable_string(out: &mut Vec<u8>, text: Option<&str>, flexible: bool) {
    let text = text.map(|text| {
        if flexible {
            text
        } else {
            &text[..text.floor_char_boundary(i16::MAX as usize)]
        }
    });
    put_length(out, text.map(str::len), flexible, true);
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
}

/// Text.
pub fn put_string(out: &mut Vec<u8>, text: &str, flexible: bool) {
    put_nullable_string(out, Some(text), flexible);
}

/// Bytes that may be null.
pub fn put_nullable_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>, flexible: bool) {
    put_length(out, bytes.map(<[u8]>::len), flexible, false);
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// Count of an array that may be null.
pub fn put_array(out: &mut Vec<u8>, count: Option<usize>, flexible: bool) {
    put_length(out, count, flexible, false);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_beyond_the_bytes_is_refused_before_it_is_used() {
        let hostile = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
        let mut reader = Reader::new(&hostile);
        assert_eq!(
            reader.array("topics", true).unwrap_err().problem,
            Problem::Length
        );
        let mut negative = Reader::new(&[0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(
            negative.array("topics", false).unwrap_err().problem,
            Problem::Length
        );
    }

    #[test]
    fn uuids_print_as_kafka_prints_them() {
        assert_eq!(Uuid(0).to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid(1).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
    }

    proptest! {
        #[test]
        fn varints_round_trip(value: u32) {
            let mut out = Vec::new();
            put_unsigned_varint(&mut out, value);
            prop_assert_eq!(Reader::new(&out).unsigned_varint("value").unwrap(), value);
        }

        #[test]
        fn no_input_panics(bytes: Vec<u8>, flexible: bool) {
            let mut reader = Reader::new(&bytes);
            let _ = reader.nullable_string("a", flexible);
            let _ = reader.nullable_bytes("b", flexible);
            let _ = reader.array("c", flexible);
            let _ = reader.tags(|_, _| Ok(false));
        }
    }
}
