//! Batches of an answer as text. A last batch that is cut is left out: Kafka cuts at the byte limit, Pelton never does.

use protocol::compression::{Compression, decompress};
use protocol::record::records;
use protocol::record_batch::{RecordBatch, batches};

use crate::answer::Times;
use crate::answer::value::Value;

const UNPACKED_BYTES_MAX: usize = 64 << 20;
const SHOWN_RECORDS_MAX: usize = 4;
const DELTA_MS_MAX: u64 = 1_000_000_000;
const SHOWN_BYTES_MAX: usize = 24;

/// Each whole batch as a value, for the list that stands in place of the bytes.
pub fn texts(bytes: &[u8], times: Times) -> Vec<Value> {
    let shown = batches(bytes).map(|batch| match batch {
        Ok(batch) => show(&batch, times),
        Err(error) => Value::Atom(format!("no batch: {error}")),
    });
    shown.collect()
}

fn show(batch: &RecordBatch<'_>, times: Times) -> Value {
    let header = batch.header();
    let text = format!(
        "{}-{} epoch {} attributes {:#x} {}..{} by {}/{}/{} {} {} {}",
        header.base_offset(),
        header.last_offset(),
        header.partition_leader_epoch(),
        header.attributes().0,
        times.text(header.base_timestamp()),
        times.text(header.max_timestamp()),
        header.producer_id(),
        header.producer_epoch(),
        header.base_sequence(),
        header.record_count(),
        payload(batch, times),
        if batch.crc_matches() {
            "right"
        } else {
            "wrong"
        },
    );
    Value::Struct(vec![("batch".to_owned(), Value::Atom(text))])
}

/// The first records: timestamp delta, offset delta, key, value, headers.
fn payload(batch: &RecordBatch<'_>, times: Times) -> String {
    let Some(codec) = Compression::from_id(batch.attributes().compression_id()) else {
        return "of no codec".to_owned();
    };
    let Ok(payload) = decompress(codec, batch.payload(), UNPACKED_BYTES_MAX) else {
        return "corrupt".to_owned();
    };
    // A delta as large as a time is one that makes a special time: shown as that.
    let time = |delta: i64| match delta.unsigned_abs() {
        ..DELTA_MS_MAX => delta.to_string(),
        _ => times.text(batch.base_timestamp().wrapping_add(delta)),
    };
    let mut shown = Vec::new();
    for record in records(&payload).take(SHOWN_RECORDS_MAX) {
        shown.push(match record {
            Ok(record) => format!(
                "{}/{}/{}/{}/{}",
                time(record.timestamp_delta),
                record.offset_delta,
                text(record.key),
                text(record.value),
                record.headers.count_left()
            ),
            Err(_) => "malformed".to_owned(),
        });
    }
    format!("({})", shown.join(" "))
}

fn text(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "null".to_owned(),
        Some(bytes) if bytes.len() > SHOWN_BYTES_MAX => {
            format!("{}b{:08x}", bytes.len(), crc32fast::hash(bytes))
        }
        Some(bytes) => String::from_utf8_lossy(bytes).escape_default().to_string(),
    }
}
