//! What compaction leaves of a batch: some of its records, at their offsets, under a header that still tells where the batch
//! began and ended and who sent it. It decides about no record; its caller does.

use thiserror::Error;

use super::{BatchHeader, HEADER_BYTES, RecordBatch, RecordBatchBuilder, TimestampType};
use crate::compression::{Compression, CompressionError, decompress_into};
use crate::record::{RecordError, RecordRef, records};
use crate::record_batch::BatchBuildError;

/// What [`BatchFilter::filter`] left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtered {
    /// All records: the batch stays as it is, byte for byte.
    All,
    /// Some of the records, in a batch of their own that was appended to the output.
    Some,
    /// No record, and nothing was appended.
    Nothing,
}

/// Why the records of a batch cannot be walked or written again.
#[derive(Debug, Error)]
pub enum FilterError {
    /// Nobody knows how to decompress it.
    #[error("codec {0} is unknown")]
    Codec(u8),
    /// Or it cannot be.
    #[error(transparent)]
    Compression(#[from] CompressionError),
    /// What comes out are no records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// There are more or fewer of them than the header says.
    #[error("{found} records where {announced} are announced")]
    Count {
        /// As the header says.
        announced: i32,
        /// As walked.
        found: usize,
    },
    /// The smaller batch cannot be built.
    #[error(transparent)]
    Build(#[from] BatchBuildError),
}

/// Filters batches, one after the other, reusing its memory.
#[derive(Debug, Default)]
pub struct BatchFilter {
    payload: Vec<u8>,
    /// Of each record of the batch, whether it is kept.
    kept: Vec<bool>,
}

impl BatchFilter {
    /// Calls `each` for every record of `batch` with its offset, in order. The payload may grow to `payload_bytes_max` bytes.
    ///
    /// # Errors
    /// The records cannot be read; `each` may have seen some of them.
    pub fn walk(
        &mut self,
        batch: &RecordBatch<'_>,
        payload_bytes_max: usize,
        mut each: impl FnMut(&RecordRef<'_>, i64),
    ) -> Result<(), FilterError> {
        let header = batch.header();
        for record in records(self.payload_of(batch, payload_bytes_max)?) {
            let record = record?;
            each(&record, offset_of(&header, &record));
        }
        Ok(())
    }

    /// Leaves the records of `batch` that `keep` says of, by their offsets. If a tombstone is among them and the batch has no
    /// delete horizon yet, it gets `new_horizon_ms` (KIP-534), which by itself makes it another batch. A batch that is written
    /// again keeps its base offset, last offset, leader epoch, producer, sequence, codec and timestamp type.
    ///
    /// # Errors
    /// The records cannot be read or written; `out` is as before.
    pub fn filter(
        &mut self,
        batch: &RecordBatch<'_>,
        payload_bytes_max: usize,
        new_horizon_ms: i64,
        mut keep: impl FnMut(&RecordRef<'_>, i64) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<Filtered, FilterError> {
        let header = batch.header();
        let attributes = header.attributes();
        let codec = codec_of(batch)?;
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        let mut tombstones = false;
        let walked = self.walk(batch, payload_bytes_max, |record, offset| {
            let keep = keep(record, offset);
            tombstones |= keep && record.value.is_none();
            kept.push(keep);
        });
        self.kept = kept;
        walked?;
        let (announced, found) = (header.record_count(), self.kept.len());
        if usize::try_from(announced) != Ok(found) {
            return Err(FilterError::Count { announced, found });
        }
        let known_horizon = attributes.has_delete_horizon();
        let horizon_ms = match (known_horizon, tombstones) {
            (true, _) => Some(header.base_timestamp()),
            (false, true) => Some(new_horizon_ms),
            (false, false) => None,
        };
        if !self.kept.contains(&true) {
            return Ok(Filtered::Nothing);
        }
        if !self.kept.contains(&false) && known_horizon == horizon_ms.is_some() {
            return Ok(Filtered::All);
        }
        let mut builder = RecordBatchBuilder::new(codec);
        inherit(&mut builder, &header);
        builder.delete_horizon(horizon_ms);
        let payload = match codec {
            Compression::None => batch.payload(),
            // The walk has left it there.
            _ => &self.payload,
        };
        let mut headers = Vec::new();
        for (record, _) in records(payload).zip(&self.kept).filter(|(_, kept)| **kept) {
            let record = record?;
            headers.clear();
            headers.extend(record.headers);
            let timestamp = header.base_timestamp().wrapping_add(record.timestamp_delta);
            builder.append_at(
                record.offset_delta,
                timestamp,
                record.key,
                record.value,
                &headers,
            )?;
        }
        builder.build_into(out)?;
        Ok(Filtered::Some)
    }

    fn payload_of<'a>(
        &'a mut self,
        batch: &RecordBatch<'a>,
        payload_bytes_max: usize,
    ) -> Result<&'a [u8], FilterError> {
        let codec = codec_of(batch)?;
        if codec == Compression::None {
            return Ok(batch.payload());
        }
        decompress_into(codec, batch.payload(), payload_bytes_max, &mut self.payload)?;
        Ok(&self.payload)
    }
}

fn codec_of(batch: &RecordBatch<'_>) -> Result<Compression, FilterError> {
    let codec = batch.header().attributes().compression_id();
    Compression::from_id(codec).ok_or(FilterError::Codec(codec))
}

/// Appends what is left of a batch without records: its header, which still tells its offsets, its times and its producer's
/// last sequence.
pub fn append_empty(header: &BatchHeader<'_>, out: &mut Vec<u8>) -> Result<(), BatchBuildError> {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    inherit(&mut builder, header);
    let start = out.len();
    builder.build_into(out)?;
    let mut batch = super::RecordBatchMut {
        bytes: &mut out[start..],
    };
    batch.put(super::BASE_TIMESTAMP, header.max_timestamp().to_be_bytes());
    batch.put(super::MAX_TIMESTAMP, header.max_timestamp().to_be_bytes());
    batch.refresh_crc();
    debug_assert_eq!(out.len() - start, HEADER_BYTES);
    Ok(())
}

/// What a batch keeps of the one that it is a part of.
fn inherit(builder: &mut RecordBatchBuilder, header: &BatchHeader<'_>) {
    let attributes = header.attributes();
    let append_time = attributes.timestamp_type() == TimestampType::LogAppendTime;
    builder
        .base_offset(header.base_offset())
        .last_offset_delta(Some(header.last_offset_delta()))
        .partition_leader_epoch(header.partition_leader_epoch())
        .producer(
            header.producer_id(),
            header.producer_epoch(),
            header.base_sequence(),
        )
        .transactional(attributes.is_transactional())
        .control(attributes.is_control())
        .log_append_time(append_time.then_some(header.max_timestamp()));
}

fn offset_of(header: &BatchHeader<'_>, record: &RecordRef<'_>) -> i64 {
    let delta = i64::from(record.offset_delta);
    header.base_offset().saturating_add(delta)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Header;

    /// (timestamp, key, value), each at its offset delta.
    type Sample = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

    fn batch_of(codec: Compression, samples: &[Sample], append_time: Option<i64>) -> Vec<u8> {
        let mut builder = RecordBatchBuilder::new(codec);
        builder
            .base_offset(1000)
            .partition_leader_epoch(7)
            .producer(55, 3, 900)
            .log_append_time(append_time);
        let headers = [Header {
            key: b"h",
            value: Some(b"1"),
        }];
        for (timestamp, key, value) in samples {
            builder
                .append(*timestamp, key.as_deref(), value.as_deref(), &headers)
                .unwrap();
        }
        builder.build().unwrap()
    }

    /// Offset, timestamp, key, value, headers.
    type Seen = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, u32);

    fn read(bytes: &[u8]) -> Vec<Seen> {
        let batch = RecordBatch::parse(bytes).unwrap();
        assert!(batch.crc_matches());
        let header = batch.header();
        let mut filter = BatchFilter::default();
        let mut seen = Vec::new();
        filter
            .walk(&batch, 1 << 20, |record, offset| {
                let timestamp = header.base_timestamp().wrapping_add(record.timestamp_delta);
                seen.push((
                    offset,
                    timestamp,
                    record.key.map(<[u8]>::to_vec),
                    record.value.map(<[u8]>::to_vec),
                    record.headers.count_left(),
                ));
            })
            .unwrap();
        assert_eq!(seen.len() as i32, header.record_count());
        seen
    }

    fn samples() -> impl Strategy<Value = Vec<Sample>> {
        let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
        prop::collection::vec((0..100_000_i64, bytes(), bytes()), 1..30)
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_it_was(
            samples in samples(),
            codec in 0..5_u8,
            mask in any::<u32>(),
            append_time in prop::option::of(Just(77_777_i64)),
        ) {
            let codec = Compression::from_id(codec).unwrap();
            let whole = batch_of(codec, &samples, append_time);
            let batch = RecordBatch::parse(&whole).unwrap();
            let keeps = |offset: i64| mask & (1 << (offset - 1000)) != 0;
            let expected: Vec<_> = read(&whole).into_iter().filter(|(offset, ..)| keeps(*offset)).collect();
            let mut out = vec![9; 3];
            let filtered = BatchFilter::default()
                .filter(&batch, 1 << 20, 424_242, |_, offset| keeps(offset), &mut out)
                .unwrap();
            let tombstones = expected.iter().any(|(_, _, _, value, _)| value.is_none());
            prop_assert_eq!(&out[..3], &[9; 3]);
            match filtered {
                Filtered::Nothing => prop_assert!(expected.is_empty() && out.len() == 3),
                Filtered::All => prop_assert!(expected.len() == samples.len() && out.len() == 3 && !tombstones),
                Filtered::Some => {
                    prop_assert_eq!(read(&out[3..]), expected.clone());
                    let left = RecordBatch::parse(&out[3..]).unwrap();
                    let (left, header) = (left.header(), batch.header());
                    prop_assert_eq!(left.base_offset(), header.base_offset());
                    prop_assert_eq!(left.last_offset(), header.last_offset());
                    prop_assert_eq!(left.last_sequence(), header.last_sequence());
                    prop_assert_eq!(left.producer_id(), header.producer_id());
                    prop_assert_eq!(left.partition_leader_epoch(), header.partition_leader_epoch());
                    prop_assert_eq!(left.attributes().timestamp_type(), header.attributes().timestamp_type());
                    prop_assert_eq!(left.attributes().compression_id(), codec.id());
                    prop_assert_eq!(left.attributes().has_delete_horizon(), tombstones);
                    prop_assert!(!tombstones || left.base_timestamp() == 424_242);
                    let latest = expected.iter().map(|(_, timestamp, ..)| *timestamp).max().unwrap();
                    prop_assert_eq!(left.max_timestamp(), append_time.unwrap_or(latest));
                }
            }
        }
    }

    #[test]
    fn a_horizon_stays_when_records_go_later() {
        let samples: Vec<Sample> = (0..3).map(|at| (at, Some(vec![at as u8]), None)).collect();
        let whole = batch_of(Compression::None, &samples, None);
        let mut filter = BatchFilter::default();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let batch = RecordBatch::parse(&whole).unwrap();
        let filtered = filter.filter(&batch, 1 << 20, 500, |_, _| true, &mut first);
        assert_eq!(
            filtered.unwrap(),
            Filtered::Some,
            "a horizon makes another batch"
        );
        let batch = RecordBatch::parse(&first).unwrap();
        let filtered = filter.filter(
            &batch,
            1 << 20,
            900,
            |_, offset| offset == 1001,
            &mut second,
        );
        assert_eq!(filtered.unwrap(), Filtered::Some);
        let left = RecordBatch::parse(&second).unwrap().header();
        assert!(left.attributes().has_delete_horizon());
        assert_eq!(left.base_timestamp(), 500, "it is set once");
        assert_eq!(read(&second), vec![(1001, 1, Some(vec![1]), None, 1)]);
    }

    #[test]
    fn numbers_that_contradict_each_other_are_no_panic() {
        let samples: Vec<Sample> = (0..3).map(|at| (at, Some(vec![at as u8]), None)).collect();
        let mut whole = batch_of(Compression::None, &samples, None);
        let mut batch = crate::record_batch::RecordBatchMut::parse(&mut whole).unwrap();
        batch.set_base_offset(i64::MAX - 1);
        batch.put(crate::record_batch::RECORD_COUNT, 2_i32.to_be_bytes());
        let mut filter = BatchFilter::default();
        let mut out = Vec::new();
        let filtered = filter.filter(&batch.batch(), 1 << 20, 0, |_, _| true, &mut out);
        assert!(matches!(
            filtered,
            Err(FilterError::Count {
                announced: 2,
                found: 3
            })
        ));
        assert!(out.is_empty());
    }

    #[test]
    fn an_empty_batch_tells_who_sent_it_and_where_it_ended() {
        let samples: Vec<Sample> = (0..3).map(|at| (40 + at, None, None)).collect();
        let whole = batch_of(Compression::Zstd, &samples, None);
        let header = RecordBatch::parse(&whole).unwrap().header();
        let mut out = Vec::new();
        append_empty(&header, &mut out).unwrap();
        let batch = RecordBatch::parse(&out).unwrap();
        let left = batch.header();
        assert!(batch.crc_matches() && batch.payload().is_empty());
        assert_eq!((left.base_offset(), left.last_offset()), (1000, 1002));
        assert_eq!((left.producer_id(), left.producer_epoch()), (55, 3));
        assert_eq!((left.base_sequence(), left.last_sequence()), (900, 902));
        assert_eq!((left.record_count(), left.max_timestamp()), (0, 42));
    }
}
