//! Records that say who they are: a number, and bytes that follow from it. Batches of them, and back.

use std::ops::Range;

use bytes::Bytes;
use protocol::compression::{Compression, decompress};
use protocol::record::records;
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

fn value(number: u64, bytes: usize, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&(bytes as u64).to_le_bytes());
    out.resize(bytes, (number as u8) ^ 0x5a);
}

/// A batch of these records, each with a value of `value_bytes` bytes.
pub fn batch(
    numbers: Range<u64>,
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
        builder
            .append(timestamp_ms, None, Some(&text), &[])
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
}

/// Takes the answer to a read apart, believing nothing.
pub fn found(bytes: &[u8]) -> Result<Found, String> {
    let mut found = Found::default();
    let mut expected = Vec::new();
    for batch in batches(bytes) {
        let batch = batch.map_err(|error| error.to_string())?;
        if !batch.crc_matches() {
            return Err("a batch's checksum does not match".to_owned());
        }
        let header = batch.header();
        found.epochs.push(header.partition_leader_epoch());
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
            let text = record.value.unwrap_or_default();
            let number = text
                .first_chunk()
                .map(|bytes| u64::from_le_bytes(*bytes))
                .ok_or("a record without its number")?;
            value(number, text.len(), &mut expected);
            if expected != text {
                return Err(format!("record {number} is not what was sent"));
            }
            let offset = header.base_offset() + i64::from(record.offset_delta);
            found.records.push((offset, number));
        }
    }
    Ok(found)
}
