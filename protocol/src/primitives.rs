//! Kafka's primitive types over byte slices. Every length and count is checked against what is left before it is used;
//! no input makes it panic, none makes it allocate more than a small multiple of the input's own size. What Kafka 4.3.0
//! reads in its own lax way (lengths below -1, tags in any order, text that is not UTF-8) is read in the same way.

use std::borrow::Cow;
use std::fmt;

/// Bytes of memory that decoding a message may take for each byte of the message ...
pub const DECODED_BYTES_PER_BYTE: usize = 8;
/// ... beside these, so that a short message may have any shape ...
pub const DECODED_BYTES_FREE: usize = 64 * 1024;
/// ... but never more than this.
pub const DECODED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What an allocator may need beside an allocation's own bytes.
const ALLOCATION_BYTES: usize = 16;

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
    /// A variable-length number of too many bytes.
    #[error("number of too many bytes")]
    Varint,
    /// Many elements of few bytes each: decoding them would take many times the message's own bytes.
    #[error("more elements than a message of its size may have")]
    Memory,
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

/// Reads values one after the other. One reader reads one message: it keeps the account of the memory that decoding takes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    memory_left: usize,
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
        let memory = bytes.len().saturating_mul(DECODED_BYTES_PER_BYTE);
        Self {
            bytes,
            position: 0,
            memory_left: memory
                .saturating_add(DECODED_BYTES_FREE)
                .min(DECODED_BYTES_MAX),
        }
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

    /// An unsigned variable-length number of at most 32 bits; what a fifth byte has beyond them is dropped, as in Kafka.
    #[inline]
    pub fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(field, 1)?[0];
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

    /// Length of a byte string or count of an array: compact (n + 1, as a signed number) or fixed. Negative is null.
    fn length(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<usize>, DecodeError> {
        let length = if flexible {
            (self.unsigned_varint(field)? as i32).wrapping_sub(1)
        } else {
            self.int32(field)?
        };
        self.checked(field, length)
    }

    fn checked(&self, field: &'static str, length: i32) -> Result<Option<usize>, DecodeError> {
        match usize::try_from(length) {
            Ok(length) if length <= self.remaining() => Ok(Some(length)),
            Ok(_) => Err(DecodeError {
                field,
                problem: Problem::Length,
            }),
            Err(_) => Ok(None),
        }
    }

    /// Takes `bytes` and what an allocator adds from the memory that this message may take.
    pub(crate) fn charge(&mut self, field: &'static str, bytes: usize) -> Result<(), DecodeError> {
        let charged = bytes
            .checked_add(ALLOCATION_BYTES)
            .and_then(|bytes| self.memory_left.checked_sub(bytes));
        self.memory_left = charged.ok_or(DecodeError {
            field,
            problem: Problem::Memory,
        })?;
        Ok(())
    }

    /// Text that may be null, at most 32,767 bytes. What is not UTF-8 becomes U+FFFD, as in Kafka.
    pub fn nullable_string(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<Cow<'a, str>>, DecodeError> {
        let length = if flexible {
            (self.unsigned_varint(field)? as i32).wrapping_sub(1)
        } else {
            i32::from(self.int16(field)?)
        };
        let Some(length) = self.checked(field, length)? else {
            return Ok(None);
        };
        if length > i16::MAX as usize {
            return Err(DecodeError {
                field,
                problem: Problem::Length,
            });
        }
        let raw = self.take(field, length)?;
        if let Ok(text) = std::str::from_utf8(raw) {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.charge(field, raw.len() * char::REPLACEMENT_CHARACTER.len_utf8())?;
        Ok(Some(Cow::Owned(text_of(raw))))
    }

    /// Text.
    pub fn string(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Cow<'a, str>, DecodeError> {
        required(field, self.nullable_string(field, flexible)?)
    }

    /// Bytes that may be null.
    pub fn nullable_bytes(
        &mut self,
        field: &'static str,
        flexible: bool,
    ) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.length(field, flexible)? {
            Some(length) => self.take(field, length).map(Some),
            None => Ok(None),
        }
    }

    /// Count of an array that may be null, whose elements take at least `element_bytes_min` bytes each.
    pub fn count(
        &mut self,
        field: &'static str,
        flexible: bool,
        element_bytes_min: usize,
    ) -> Result<Option<usize>, DecodeError> {
        match self.length(field, flexible)? {
            Some(count) if count > self.remaining() / element_bytes_min => Err(DecodeError {
                field,
                problem: Problem::Length,
            }),
            count => Ok(count),
        }
    }

    /// An array that may be null, its elements read by `read`. Memory is taken once, for as many as are announced, when
    /// these can be there.
    pub fn array<T>(
        &mut self,
        field: &'static str,
        flexible: bool,
        element_bytes_min: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.count(field, flexible, element_bytes_min)? else {
            return Ok(None);
        };
        if count > 0 {
            self.charge(field, count.saturating_mul(size_of::<T>()))?;
        }
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(read(self)?);
        }
        Ok(Some(all))
    }

    /// A struct that may be null, read by `read`.
    pub fn nullable_struct<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.int8(field)? < 0 {
            return Ok(None);
        }
        read(self).map(Some)
    }

    /// A section of tagged fields (KIP-482): `known` reads a tag it knows and says so; others are skipped. As in Kafka
    /// tags come in any order, the last of several counts, and a known field's own length is not looked at.
    pub fn tags(
        &mut self,
        mut known: impl FnMut(u32, &mut Self) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let count = self.unsigned_varint("tagged fields")? as i32;
        for _ in 0..count {
            let tag = self.unsigned_varint("tag")?;
            let length = self.unsigned_varint("tag length")? as usize;
            if !known(tag, self)? {
                self.take("tagged field", length)?;
            }
        }
        Ok(())
    }

    /// A section of tagged fields of which none is known.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        self.tags(|_, _| Ok(false))
    }
}

/// `value`, which may not be null.
pub fn required<T>(field: &'static str, value: Option<T>) -> Result<T, DecodeError> {
    value.ok_or(DecodeError {
        field,
        problem: Problem::Null,
    })
}

/// `value`, which may be null only if `allowed`.
pub fn null_if<T>(
    allowed: bool,
    field: &'static str,
    value: Option<T>,
) -> Result<Option<T>, DecodeError> {
    if value.is_none() && !allowed {
        return required(field, value).map(Some);
    }
    Ok(value)
}

/// `raw` as Java reads it: one U+FFFD for each malformed part. They are those of `String::from_utf8_lossy`, but for
/// an encoded surrogate (0xED 0xA0..=0xBF ...), which is one part and not one a byte.
fn text_of(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len() * char::REPLACEMENT_CHARACTER.len_utf8());
    let mut rest = raw;
    while !rest.is_empty() {
        let (good, bad) = match std::str::from_utf8(rest) {
            Ok(_) => (rest.len(), 0),
            Err(error) => {
                let good = error.valid_up_to();
                let bad = match rest[good..] {
                    [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
                    [0xed, 0xa0..=0xbf, ..] => 2,
                    _ => error.error_len().unwrap_or(rest.len() - good),
                };
                (good, bad)
            }
        };
        text.push_str(std::str::from_utf8(&rest[..good]).expect("checked just now"));
        if bad > 0 {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        rest = &rest[good + bad..];
    }
    text
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

/// What stands before a struct that may be null.
pub fn put_struct(out: &mut Vec<u8>, is_there: bool) {
    out.push(if is_there { 1 } else { u8::MAX });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_count_beyond_the_bytes_is_refused_before_it_is_used() {
        let hostile = [0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
        let problem = |result: Result<Option<Vec<i32>>, DecodeError>| result.unwrap_err().problem;
        let read = |bytes: &[u8], flexible| {
            problem(Reader::new(bytes).array("topics", flexible, 4, |r| r.int32("topic")))
        };
        assert_eq!(read(&hostile, true), Problem::Length);
        let two_of_four_bytes = [0, 0, 0, 2, 1, 1, 1, 1, 1, 1, 1];
        assert_eq!(read(&two_of_four_bytes, false), Problem::Length);
        assert_eq!(read(&[0, 0, 0, 2, 1, 1, 1], false), Problem::Length);
    }

    /// Asked of Kafka 4.3.0 with Metadata v0, v1 and v9.
    #[test]
    fn lax_numbers_are_read_as_kafka_reads_them() {
        let count = |bytes: &[u8], flexible| Reader::new(bytes).count("topics", flexible, 1);
        assert_eq!(count(&[0xff, 0xff, 0xff, 0xfe], false), Ok(None));
        assert_eq!(count(&[0x80, 0, 0, 0], false), Ok(None));
        assert_eq!(count(&[0x81, 0x80, 0x80, 0x80, 0x08], true), Ok(None));
        assert!(count(&[0x80, 0x80, 0x80, 0x80, 0x08], true).is_err());
        let varint = |bytes: &[u8]| Reader::new(bytes).unsigned_varint("number");
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0x7f]), Ok(u32::MAX));
        assert_eq!(varint(&[0x80, 0x80, 0x80, 0x80, 0x10]), Ok(0));
        assert!(varint(&[0x80; 6]).is_err());
        let mut client_id = Reader::new(&[0x80, 0]);
        assert_eq!(client_id.nullable_string("client_id", false), Ok(None));
        let tags = |bytes: &[u8]| Reader::new(bytes).skip_tags();
        assert_eq!(tags(&[2, 7, 1, b'a', 5, 1, b'b']), Ok(()));
        assert_eq!(tags(&[2, 5, 1, b'a', 5, 1, b'b']), Ok(()));
        assert_eq!(tags(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(()));
        assert!(tags(&[1, 5, 9, b'a']).is_err());
    }

    #[test]
    fn a_known_tag_is_read_by_its_own_length_and_the_last_one_counts() {
        let bytes = [2, 0, 9, 3, b'a', b'b', 0, 0, 2, b'c', 0xee];
        let mut reader = Reader::new(&bytes);
        let mut seen = None;
        reader
            .tags(|tag, r| {
                seen = Some((tag, r.nullable_string("cluster_id", true)?));
                Ok(true)
            })
            .unwrap();
        assert_eq!(seen, Some((0, Some("c".into()))));
        assert_eq!(reader.remaining(), 1);
    }

    /// What Kafka 4.3.0 gives back as topic names in Metadata v1.
    #[test]
    fn text_that_is_not_utf8_is_replaced_as_java_does() {
        for (raw, text) in [
            (&b"a\xffb"[..], "a\u{fffd}b"),
            (b"a\xed\xa0\x80b", "a\u{fffd}b"),
            (
                b"\xed\xa0\x80\xed\xb0\x80|\xed\xa0|\xed",
                "\u{fffd}\u{fffd}|\u{fffd}|\u{fffd}",
            ),
            (
                b"\xe2\x82|\xf0\x9f\x98|\xc0\x80|",
                "\u{fffd}|\u{fffd}|\u{fffd}\u{fffd}|",
            ),
            (
                b"\xf5\x80\x80\x80|\xe2(\xa1|\xf0\x90\x80",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}|\u{fffd}(\u{fffd}|\u{fffd}",
            ),
            (
                b"\xe0\x80\x80|\xe0\xa0|\xf4\x90\x80\x80|\xe1\x80|",
                "\u{fffd}\u{fffd}\u{fffd}|\u{fffd}|\u{fffd}\u{fffd}\u{fffd}\u{fffd}|\u{fffd}|",
            ),
        ] {
            assert_eq!(text_of(raw), text, "{raw:x?}");
        }
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
            let _ = reader.array("c", flexible, 1, |r| r.string("d", flexible));
            let _ = reader.skip_tags();
        }
    }
}
