//! Indexes: ours mark by mark; of Kafka's, what they are and how far they reach.

use super::{Report, Source, Stop, base_offset_of};
use crate::log::index::{Mark, SegmentIndex};

pub(super) fn inspect(
    name: &str,
    source: &dyn Source,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    // Positions are 32 bits wide: no index is longer, whatever the file says.
    let bytes_max = SegmentIndex::file_bytes_max(u64::from(u32::MAX));
    let bytes = source.bytes().min(bytes_max) as usize;
    let read = source.read_at(0, bytes);
    let index = match SegmentIndex::decode(&read.map_err(|error| Stop::Read(0, error))?) {
        Ok(index) => index,
        Err(defect) => {
            return report.wrong(
                0,
                format_args!(
                    "no usable index: {defect}. It is rebuilt from its segment when it is needed"
                ),
            );
        }
    };
    let end = index.end();
    report.say(format_args!(
        "index of segment {}: {} marks, up to offset {}, {} bytes, largest time {}",
        index.base_offset(),
        index.len(),
        end.offset,
        end.position,
        end.max_timestamp
    ))?;
    for Mark {
        offset,
        position,
        max_timestamp,
    } in index.marks()
    {
        report.say(format_args!(
            "{offset} at {position}, largest time before it {max_timestamp}"
        ))?;
    }
    match base_offset_of(name, ".idx") {
        Some(base) if base != index.base_offset() => {
            report.wrong(16, format_args!("its name says segment {base}"))
        }
        _ => Ok(()),
    }
}

/// Kafka's `.index`: entries of 8 bytes, relative offset and position, big-endian.
pub(super) fn inspect_kafka_offsets(
    name: &str,
    source: &dyn Source,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let base = base_offset_of(name, ".index").unwrap_or(0);
    kafka(source, report, "offset", |[.., a, b]: [u32; 3]| {
        format!("offset {} at {b}", base.wrapping_add(i64::from(a)))
    })
}

/// Kafka's `.timeindex`: entries of 12 bytes, timestamp and relative offset, big-endian.
pub(super) fn inspect_kafka_times(
    name: &str,
    source: &dyn Source,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let base = base_offset_of(name, ".timeindex").unwrap_or(0);
    kafka(source, report, "time", |[high, low, offset]: [u32; 3]| {
        let time = (u64::from(high) << 32 | u64::from(low)) as i64;
        format!(
            "time {time} at offset {}",
            base.wrapping_add(i64::from(offset))
        )
    })
}

/// Entries of Kafka's indexes, up to the zeros that an active one is preallocated with. `words` is given an entry as numbers
/// of 32 bits, the shorter ones with a zero in front.
fn kafka(
    source: &dyn Source,
    report: &mut Report<'_>,
    what: &str,
    words: impl Fn([u32; 3]) -> String,
) -> Result<(), Stop> {
    let width = if what == "time" { 12 } else { 8 };
    let (mut at, mut entries) = (0, 0_u64);
    let (mut first, mut last) = (None, None);
    'pieces: while at < source.bytes() {
        let read = source.read_at(at, 12 * (64 << 10));
        let piece = read.map_err(|error| Stop::Read(at, error))?;
        for bytes in piece.chunks_exact(width) {
            let mut entry = [0; 3];
            for (number, bytes) in entry.iter_mut().rev().zip(bytes.rchunks_exact(4)) {
                *number = bytes
                    .iter()
                    .fold(0, |number, byte| number << 8 | u32::from(*byte));
            }
            if entry == [0; 3] && entries > 0 {
                break 'pieces;
            }
            first.get_or_insert(entry);
            last = Some(entry);
            entries += 1;
        }
        at += piece.len().max(1) as u64;
    }
    report.say(format_args!(
        "Kafka's {what} index: {entries} entries in {} bytes",
        source.bytes()
    ))?;
    if !source.bytes().is_multiple_of(width as u64) {
        report.wrong(
            source.bytes(),
            format_args!("its length is no multiple of {width}"),
        )?;
    }
    for (place, entry) in [("first", first), ("last", last)] {
        if let Some(entry) = entry {
            report.say(format_args!("{place}: {}", words(entry)))?;
        }
    }
    Ok(())
}
