//! A segment, ours or Kafka's: every batch, its checksum, its records also where they are compressed, and whether offsets
//! grow. It believes no length and holds one batch at a time.

use protocol::compression::{Compression, decompress};
use protocol::record::{RecordRef, records};
use protocol::record_batch::{
    BatchHeader, BatchParseError, HEADER_BYTES, RecordBatch, TimestampType,
};

use super::{READ_BYTES, Report, Source, Stop, Window, base_offset_of};
use crate::limits;

/// Larger batches are named, not looked into.
const BATCH_BYTES_MAX: usize = 128 << 20;

/// What was found so far.
#[derive(Default)]
struct Walk {
    position: u64,
    batches: u64,
    records: u64,
    /// Least offset that may come next.
    next_offset: i64,
}

pub(super) fn inspect(
    name: &str,
    source: &dyn Source,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let mut window = Window::over(source);
    let mut walk = Walk {
        next_offset: base_offset_of(name, ".log").unwrap_or(0),
        ..Walk::default()
    };
    while walk.position < source.bytes() {
        let left = source.bytes() - walk.position;
        let head = window.at(walk.position, HEADER_BYTES)?;
        let header = match BatchHeader::parse(head) {
            Ok(header) => header,
            Err(error) => {
                rest(source, walk.position, error, report)?;
                break;
            }
        };
        let bytes = header.size_bytes();
        if bytes as u64 > left {
            let error = BatchParseError::Truncated {
                available: left as usize,
            };
            rest(source, walk.position, error, report)?;
            break;
        }
        if bytes > BATCH_BYTES_MAX {
            report.wrong(
                walk.position,
                format_args!("a batch of {bytes} bytes is larger than any that is looked into"),
            )?;
        } else if let Ok(batch) = RecordBatch::parse(window.at(walk.position, bytes)?) {
            walk.batch(&batch, report)?;
        }
        walk.position += bytes as u64;
    }
    report.say(format_args!(
        "{} batches with {} records in {} bytes, next offset {}",
        walk.batches, walk.records, walk.position, walk.next_offset
    ))
}

impl Walk {
    fn batch(&mut self, batch: &RecordBatch<'_>, report: &mut Report<'_>) -> Result<(), Stop> {
        let at = self.position;
        let attributes = batch.attributes();
        let codec = Compression::from_id(attributes.compression_id());
        report.say(format_args!(
            "{at}: offsets {}-{} records {} bytes {} leader epoch {} largest time {} producer {} epoch {} sequence {} codec {}{}{}{}",
            batch.base_offset(),
            batch.last_offset(),
            batch.record_count(),
            batch.size_bytes(),
            batch.partition_leader_epoch(),
            batch.max_timestamp(),
            batch.producer_id(),
            batch.producer_epoch(),
            batch.base_sequence(),
            codec.map_or("unknown", Compression::name),
            if attributes.timestamp_type() == TimestampType::LogAppendTime { " log append time" } else { "" },
            if attributes.is_transactional() { " transactional" } else { "" },
            if attributes.is_control() { " control" } else { "" },
        ))?;
        self.batches += 1;
        if batch.base_offset() < self.next_offset {
            report.wrong(
                at,
                format_args!(
                    "offset {} comes after offset {}",
                    batch.base_offset(),
                    self.next_offset - 1
                ),
            )?;
        }
        if batch.last_offset() < batch.base_offset() {
            report.wrong(
                at + 23,
                format_args!("its last offset lies before its first"),
            )?;
        }
        self.next_offset = self.next_offset.max(batch.next_offset());
        if !batch.crc_matches() {
            // Nothing below the checksum means anything then.
            return report.wrong(
                at + 17,
                format_args!("CHECKSUM MISMATCH, {:08x} is stored", batch.crc()),
            );
        }
        let Some(codec) = codec else {
            return report.wrong(
                at + 21,
                format_args!("codec {} is not known", attributes.compression_id()),
            );
        };
        if codec == Compression::None {
            return self.payload(batch, batch.payload(), report);
        }
        match decompress(codec, batch.payload(), limits::DECOMPRESSED_BYTES_MAX) {
            Ok(payload) => self.payload(batch, &payload, report),
            Err(error) => report.wrong(at + HEADER_BYTES as u64, format_args!("{error}")),
        }
    }

    fn payload(
        &mut self,
        batch: &RecordBatch<'_>,
        payload: &[u8],
        report: &mut Report<'_>,
    ) -> Result<(), Stop> {
        let payload_at = self.position + HEADER_BYTES as u64;
        let compressed = batch.attributes().compression_id() != 0;
        let place = if compressed {
            " of the decompressed records"
        } else {
            ""
        };
        let (mut count, mut before, mut max_timestamp) = (0_i64, -1_i64, -1);
        let mut walk = records(payload);
        loop {
            let at = payload.len() - walk.bytes_left();
            // Inside a compressed batch a byte of the file cannot be named.
            let (file_at, inside) = if compressed {
                (payload_at, at)
            } else {
                (payload_at + at as u64, at)
            };
            let record = match walk.next() {
                None => break,
                Some(Ok(record)) => record,
                Some(Err(error)) => {
                    report.wrong(
                        file_at,
                        format_args!("record {count}, at byte {inside}{place}: {error}"),
                    )?;
                    break;
                }
            };
            if i64::from(record.offset_delta) <= before
                || record.offset_delta > batch.last_offset_delta()
            {
                report.wrong(file_at, format_args!("record {count}, at byte {inside}{place}: its offset delta {} is out of order", record.offset_delta))?;
            }
            before = i64::from(record.offset_delta);
            count += 1;
            let timestamp = batch.base_timestamp().wrapping_add(record.timestamp_delta);
            max_timestamp = max_timestamp.max(timestamp);
            if report.records {
                record_line(batch, &record, timestamp, report)?;
            }
        }
        self.records += count as u64;
        if count != i64::from(batch.record_count()) {
            report.wrong(
                self.position + 57,
                format_args!(
                    "its header counts {} records, there are {count}",
                    batch.record_count()
                ),
            )?;
        }
        let own_times = batch.attributes().timestamp_type() == TimestampType::CreateTime
            && !batch.attributes().has_delete_horizon();
        if own_times && count > 0 && max_timestamp != batch.max_timestamp() {
            report.wrong(
                self.position + 35,
                format_args!(
                    "its header's largest time is {}, that of its records {max_timestamp}",
                    batch.max_timestamp()
                ),
            )?;
        }
        Ok(())
    }
}

fn record_line(
    batch: &RecordBatch<'_>,
    record: &RecordRef<'_>,
    timestamp: i64,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let offset = batch
        .base_offset()
        .wrapping_add(i64::from(record.offset_delta));
    report.say(format_args!(
        "  {offset} time {timestamp} key {} value {} headers {}",
        Text(record.key),
        Text(record.value),
        record.headers.count_left()
    ))
}

/// Bytes as an operator reads them: their number, and the first as text.
struct Text<'a>(Option<&'a [u8]>);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 64;
        let Some(bytes) = self.0 else {
            return f.write_str("null");
        };
        let shown = &bytes[..bytes.len().min(SHOWN)];
        let more = if shown.len() < bytes.len() { "..." } else { "" };
        write!(
            f,
            "{} bytes \"{}{more}\"",
            bytes.len(),
            shown.escape_ascii()
        )
    }
}

/// What follows the last batch: an active segment's preallocated zeros, or damage.
fn rest(
    source: &dyn Source,
    position: u64,
    error: BatchParseError,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let mut at = position;
    while at < source.bytes() {
        let read = source.read_at(at, READ_BYTES);
        let piece = read.map_err(|error| Stop::Read(at, error))?;
        if let Some(first) = piece.iter().position(|byte| *byte != 0) {
            let zeros = at + first as u64 - position;
            let left = source.bytes() - position;
            return if zeros < 17 {
                report.wrong(
                    position,
                    format_args!("{left} bytes that are no record batch: {error}"),
                )
            } else {
                report.wrong(
                    position + zeros,
                    format_args!(
                        "{} bytes that are no record batch, after {zeros} zeros",
                        left - zeros
                    ),
                )
            };
        }
        if piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
    }
    report.say(format_args!(
        "{position}: {} preallocated bytes",
        source.bytes() - position
    ))
}
