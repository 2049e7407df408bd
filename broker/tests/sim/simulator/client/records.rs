//! Records that say who they are: a number, and a key and bytes that follow from it. Batches of them, and back.

use std::ops::Range;

use bytes::Bytes;
use protocol::compression::{Compression, decompress};
use protocol::record::{Header, records};
use protocol::record_batch::{RecordBatchBuilder, batches};

/// Bytes of the smallest value.
pub const VALUE_BYTES_MIN: u64 = 16;

/// An idempotent producer's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Producer id.
    pub id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Sequence of the first record.
    pub sequence: i32,
}

/// Whether this record has no value: it deletes its key where only the newest of each key is kept.
pub fn is_tombstone(number: u64) -> bool {
    number % 5 == 4
}

/// The key of this record, one of `keys`.
pub fn key(number: u64, keys: u64) -> u64 {
    number % keys
}

fn value(number: u64, bytes: usize, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&(bytes as u64).to_le_bytes());
    out.resize(bytes, (number as u8) ^ 0x5a);
}

/// A batch of these records, with `keys` keys and values of `value_bytes` bytes.
pub fn batch(
    numbers: Range<u64>,
    keys: u64,
    value_bytes: u64,
    timestamp_ms: i64,
    compression: Compression,
    identity: Option<Identity>,
) -> Bytes {
    let mut builder = RecordBatchBuilder::new(compression);
    if let Some(identity) = identity {
        builder.producer(identity.id, identity.epoch, identity.sequence);
    }
    let mut text = Vec::new();
    for number in numbers {
        value(number, value_bytes as usize, &mut text);
        let name = number.to_le_bytes();
        let header = Header {
            key: b"number",
            value: Some(&name),
        };
        let (value, headers) = match is_tombstone(number) {
            true => (None, &[header][..]),
            false => (Some(&text[..]), &[][..]),
        };
        let key = key(number, keys).to_le_bytes();
        builder
            .append(timestamp_ms, Some(&key), value, headers)
            .expect("a few small records fit");
    }
    Bytes::from(builder.build().expect("small batches can be built"))
}

/// What a read of whole batches gave.
#[derive(Debug, Default)]
pub struct Found {
    /// Offset and number of each record, in the order they stand.
    pub records: Vec<(i64, u64)>,
    /// Leader epochs of the batches, in their order.
    pub epochs: Vec<i32>,
    /// Producer id and base offset of each batch that has one.
    pub producers: Vec<(i64, i64)>,
    /// The offset after the last batch, if there is one.
    pub end: Option<i64>,
}

/// Takes the answer to a read apart, believing nothing.
pub fn found(bytes: &[u8], keys: u64) -> Result<Found, String> {
    let mut found = Found::default();
    let mut expected = Vec::new();
    for batch in batches(bytes) {
        let batch = batch.map_err(|error| error.to_string())?;
        if !batch.crc_matches() {
            return Err("a batch's checksum does not match".to_owned());
        }
        let header = batch.header();
        found.epochs.push(header.partition_leader_epoch());
        found.end = Some(header.last_offset() + 1);
        if header.has_producer_id() {
            let place = (header.producer_id(), header.base_offset());
            found.producers.push(place);
        }
        let codec = Compression::from_id(header.attributes().compression_id());
        let unpacked;
        let payload = match codec {
            Some(Compression::None) => batch.payload(),
            Some(codec) => {
                unpacked = decompress(codec, batch.payload(), 16 << 20)
                    .map_err(|error| error.to_string())?;
                &unpacked
            }
            None => return Err("a batch of no known compression".to_owned()),
        };
        for record in records(payload) {
            let record = record.map_err(|error| error.to_string())?;
            let name = match record.value {
                Some(text) => Some(text),
                None => record
                    .headers
                    .into_iter()
                    .next()
                    .and_then(|header| header.value),
            };
            let number = name
                .and_then(|name| name.first_chunk())
                .map(|bytes| u64::from_le_bytes(*bytes))
                .ok_or("a record without its number")?;
            let text = record.value.unwrap_or_default();
            value(number, text.len(), &mut expected);
            let key_is_right = record.key == Some(&key(number, keys).to_le_bytes()[..]);
            let value_is_right = match is_tombstone(number) {
                true => record.value.is_none(),
                false => expected == text,
            };
            if !key_is_right || !value_is_right {
                return Err(format!("record {number} is not what was sent"));
            }
            let offset = header.base_offset() + i64::from(record.offset_delta);
            found.records.push((offset, number));
        }
    }
    Ok(found)
}
