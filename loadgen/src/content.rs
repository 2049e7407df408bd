//! What a record of the load generator holds, so that a reader can tell a lost, doubled, moved or changed one and when it was
//! due; and batches of such records, built before the run and stamped anew for each request. Does no IO.
//!
//! ```text
//!  value := check u32 | run u32 | producer u32 | partition u32 | index u32 | first sequence u64 | due u64 | filler
//! ```
//!
//! A producer writes to one partition and numbers its records from 0; a record's sequence is its batch's first sequence and its
//! index in the batch. Due is CLOCK_MONOTONIC, ns. All but the index is the same in every record of a batch, and the check is the
//! CRC-32C of the filler and *then* of the fields: so a new stamp changes the same bytes of every record by the same difference.
//! Stamping is one pass of a 36-byte xor, and two multiplications for the batch's CRC (`BatchTemplate`). Keys differ from record to
//! record: they are written anew for each request as well, and the CRC is then taken of the whole batch.

use protocol::compression::Compression;
use protocol::record::{Header, RecordRef, records};
use protocol::record_batch::{
    BatchBuildError, BatchTemplate, HEADER_BYTES, RecordBatchBuilder, TemplateHeader, crc_from_zero,
};
use std::collections::VecDeque;

use crate::keys::{self, KEY_BYTES, KeyDraw, Keys};
use crate::payload::{Payload, Records};

/// Bytes of the stamp: the least that a stamped value has.
pub const STAMP_BYTES: usize = 36;
/// Bytes of prebuilt batches of one core, as long as more than one fits.
const POOL_BYTES_MAX: usize = 64 << 20;
/// Different batches that a core sends in turn, at most.
const POOL_BATCHES_MAX: usize = 4;

const CHECK: std::ops::Range<usize> = 0..4;
const INDEX: std::ops::Range<usize> = 16..20;

/// Who wrote a batch of records, and which of its records they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Drawn once for a run of this program.
    pub run: u32,
    /// Number of the producer in the run.
    pub producer: u32,
    /// Partition that the producer writes to.
    pub partition: u32,
    /// Sequence of the batch's first record.
    pub first: u64,
    /// When the batch was due, CLOCK_MONOTONIC, ns.
    pub due_ns: u64,
}

impl Stamp {
    /// The stamp of a value and its index in the batch, if the check is right.
    pub fn read(value: &[u8]) -> Option<(Self, u32)> {
        let (head, filler) = value.split_first_chunk::<STAMP_BYTES>()?;
        let check = crc32c::crc32c_append(crc32c::crc32c(filler), &head[CHECK.end..]);
        let u32_at = |at: usize| {
            let [a, b, c, d] = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            u32::from_be_bytes([a, b, c, d])
        };
        let u64_at = |at: usize| u64::from(u32_at(at)) << 32 | u64::from(u32_at(at + 4));
        (u32_at(0) == check).then(|| {
            let stamp = Self {
                run: u32_at(4),
                producer: u32_at(8),
                partition: u32_at(12),
                first: u64_at(20),
                due_ns: u64_at(28),
            };
            (stamp, u32_at(INDEX.start))
        })
    }

    /// The fields, with check and index zero.
    fn fields(self) -> [u8; STAMP_BYTES] {
        let mut fields = [0; STAMP_BYTES];
        fields[4..8].copy_from_slice(&self.run.to_be_bytes());
        fields[8..12].copy_from_slice(&self.producer.to_be_bytes());
        fields[12..16].copy_from_slice(&self.partition.to_be_bytes());
        fields[20..28].copy_from_slice(&self.first.to_be_bytes());
        fields[28..36].copy_from_slice(&self.due_ns.to_be_bytes());
        fields
    }

    /// What changes in every record when this stamp becomes `next`.
    fn difference(self, next: Self) -> [u8; STAMP_BYTES] {
        let mut difference = next.fields();
        for (byte, old) in difference.iter_mut().zip(self.fields()) {
            *byte ^= old;
        }
        let check = crc_from_zero(&difference[CHECK.end..]);
        difference[CHECK].copy_from_slice(&check.to_be_bytes());
        difference
    }
}

/// Writes the first stamp into a value that has room for it.
fn write_default_stamp(value: &mut [u8], index: u32) {
    value[..STAMP_BYTES].copy_from_slice(&Stamp::default().fields());
    value[INDEX].copy_from_slice(&index.to_be_bytes());
    let (head, filler) = value.split_at(STAMP_BYTES);
    let check = crc32c::crc32c_append(crc32c::crc32c(filler), &head[CHECK.end..]);
    value[CHECK].copy_from_slice(&check.to_be_bytes());
}

/// How batches look.
#[derive(Debug, Clone)]
pub struct BatchShape {
    /// Their records.
    pub payload: Payload,
    /// Records of a full batch.
    pub records: usize,
    /// Codec. A batch with neither stamps nor keys is compressed once, others before each request.
    pub compression: Compression,
    /// Whether records carry stamps.
    pub stamped: bool,
}

/// One batch, ready to be sent.
#[derive(Debug)]
pub struct Batch {
    template: BatchTemplate<STAMP_BYTES>,
    stamp: Stamp,
    records: usize,
    value_bytes: u64,
    keyed: Option<Keyed>,
    /// For a compressed batch with stamps or keys: what to compress.
    raw: Option<Box<Raw>>,
}

/// What a batch's keys are, and where they stand behind its header.
#[derive(Debug)]
struct Keyed {
    keys: Keys,
    seed: u64,
    places: Vec<u32>,
}

#[derive(Debug)]
struct Raw {
    template: BatchTemplate<STAMP_BYTES>,
    builder: RecordBatchBuilder,
}

impl Batch {
    fn build(shape: &BatchShape, count: usize, stream: u64) -> Result<Self, BatchBuildError> {
        let stamp_bytes = if shape.stamped { STAMP_BYTES } else { 0 };
        let is_keyed = shape.payload.keys != Keys::None;
        let changes = shape.stamped || is_keyed;
        let rebuilt = changes && shape.compression != Compression::None;
        let codec = match rebuilt {
            true => Compression::None,
            false => shape.compression,
        };
        let mut builder = RecordBatchBuilder::new(codec);
        let mut drawn = Records::new(&shape.payload, stream);
        let names: Vec<_> = (0..shape.payload.headers)
            .map(|at| format!("header-{at}"))
            .collect();
        let headers: Vec<_> = names
            .iter()
            .map(|name| Header {
                key: name.as_bytes(),
                value: Some(b"8 bytes!"),
            })
            .collect();
        let (mut value, mut value_bytes) = (Vec::new(), 0);
        let key = keys::key(0);
        let key = is_keyed.then_some(&key[..]);
        for index in 0..count as u32 {
            let is_tombstone = |every: u32| keys::is_tombstone(u64::from(index), every);
            if shape.payload.tombstone_every.is_some_and(is_tombstone) {
                builder.append(0, key, None, &headers)?;
                continue;
            }
            drawn.next(&mut value, stamp_bytes);
            if shape.stamped {
                write_default_stamp(&mut value, index);
            }
            builder.append(0, key, Some(&value), &headers)?;
            value_bytes += value.len() as u64;
        }
        let bytes = builder.build()?;
        let values = |record: &RecordRef<'_>| record.value.map(<[u8]>::as_ptr);
        let places = match shape.stamped {
            true => places_of(&bytes, 0, values),
            false => Vec::new(),
        };
        let keyed = is_keyed.then(|| Keyed {
            keys: shape.payload.keys,
            seed: shape.payload.seed,
            places: places_of(&bytes, HEADER_BYTES, |record| {
                record.key.map(<[u8]>::as_ptr)
            }),
        });
        let template =
            BatchTemplate::new(bytes, places).expect("a batch just built is a whole one");
        let raw = rebuilt.then(|| {
            Box::new(Raw {
                template: template.clone(),
                builder: RecordBatchBuilder::new(shape.compression),
            })
        });
        Ok(Self {
            template,
            stamp: Stamp::default(),
            records: count,
            value_bytes,
            keyed,
            raw,
        })
    }

    /// Makes it the batch of this stamp and header.
    pub fn stamp(&mut self, stamp: Stamp, header: TemplateHeader) -> Result<(), BatchBuildError> {
        let difference = self.stamp.difference(stamp);
        self.stamp = stamp;
        let changed = match &mut self.raw {
            None => &mut self.template,
            Some(raw) => &mut raw.template,
        };
        changed.xor_places(&difference);
        if let Some(keyed) = &self.keyed {
            changed.change_records(|records| keyed.write(stamp, records));
        }
        if let Some(raw) = &mut self.raw {
            self.template = raw.compressed()?;
        }
        self.template.set_header(header);
        Ok(())
    }

    /// As it goes into a request.
    pub fn bytes(&self) -> &[u8] {
        self.template.bytes()
    }

    /// Its records.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Bytes of their values, not compressed.
    pub fn value_bytes(&self) -> u64 {
        self.value_bytes
    }
}

impl Keyed {
    /// Writes the keys of the batch of this stamp.
    fn write(&self, stamp: Stamp, records: &mut [u8]) {
        let draw = KeyDraw::new(self.keys, self.seed, stamp.producer);
        for (sequence, &place) in (stamp.first..).zip(&self.places) {
            let key = records[place as usize..].first_chunk_mut::<KEY_BYTES>();
            *key.expect("places were found in this batch") = keys::key(draw.number(sequence));
        }
    }
}

impl Raw {
    fn compressed(&mut self) -> Result<BatchTemplate<STAMP_BYTES>, BatchBuildError> {
        let payload = &self.template.bytes()[HEADER_BYTES..];
        for record in records(payload) {
            let record = record.expect("this batch was built here");
            let headers: Vec<_> = record.headers.collect();
            self.builder.append(0, record.key, record.value, &headers)?;
        }
        let bytes = self.builder.build()?;
        Ok(BatchTemplate::new(bytes, Vec::new()).expect("a batch just built is a whole one"))
    }
}

/// Where `part` of each record of an uncompressed batch begins, if it has that, counted from `origin`.
fn places_of(
    batch: &[u8],
    origin: usize,
    part: impl Fn(&RecordRef<'_>) -> Option<*const u8>,
) -> Vec<u32> {
    let start = batch[origin..].as_ptr() as usize;
    let places = records(&batch[HEADER_BYTES..]).filter_map(|record| {
        let place = part(&record.expect("this batch was built here"))?;
        Some((place as usize - start) as u32)
    });
    places.collect()
}

/// The prebuilt batches of one core, sent in turn. More are made when connections hold all of them half sent.
#[derive(Debug)]
pub struct BatchPool {
    shape: BatchShape,
    free: VecDeque<Batch>,
    made: u64,
    seed: u64,
}

impl BatchPool {
    /// Builds the batches; `core` makes those of different cores differ.
    pub fn new(shape: &BatchShape, core: usize) -> Result<Self, BatchBuildError> {
        let mut pool = Self {
            shape: shape.clone(),
            free: VecDeque::new(),
            made: 0,
            seed: (core as u64) << 32,
        };
        let first = pool.make(shape.records)?;
        let fitting = POOL_BYTES_MAX / first.bytes().len().max(1);
        pool.free.push_back(first);
        for _ in 1..fitting.clamp(1, POOL_BATCHES_MAX) {
            let next = pool.make(shape.records)?;
            pool.free.push_back(next);
        }
        Ok(pool)
    }

    /// A batch of `count` records; a full one is there already, if not too many are in use.
    pub fn take(&mut self, count: usize) -> Result<Batch, BatchBuildError> {
        match self.free.pop_front() {
            Some(batch) if batch.records() == count => Ok(batch),
            other => {
                self.free.extend(other);
                self.make(count)
            }
        }
    }

    /// Back after it was sent.
    pub fn give(&mut self, batch: Batch) {
        if batch.records() == self.shape.records {
            self.free.push_back(batch);
        }
    }

    fn make(&mut self, count: usize) -> Result<Batch, BatchBuildError> {
        self.made += 1;
        Batch::build(&self.shape, count, self.seed + self.made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Sizes;
    use protocol::compression::decompress_into;
    use protocol::record_batch::RecordBatch;

    const HEADER: TemplateHeader = TemplateHeader {
        timestamp_ms: 1_700_000_000_000,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
    };

    fn shape(compression: Compression, stamped: bool) -> BatchShape {
        BatchShape {
            payload: Payload {
                sizes: Sizes::Uniform(STAMP_BYTES as u32, 200),
                keys: Keys::Uniform(9_000),
                tombstone_every: None,
                headers: 1,
                compressible: 0.2,
                lines: None,
                seed: 1,
            },
            records: 70,
            compression,
            stamped,
        }
    }

    fn stamp(first: u64) -> Stamp {
        Stamp {
            run: 7,
            producer: 2,
            partition: 3,
            first,
            due_ns: first * 1_000_003,
        }
    }

    #[test]
    fn batches_are_right_after_every_stamp() {
        for compression in [Compression::None, Compression::Lz4] {
            let mut pool = BatchPool::new(&shape(compression, true), 0).expect("builds");
            for first in [0, 70, 1 << 40, 12] {
                let mut batch = pool.take(70).expect("builds");
                batch.stamp(stamp(first), HEADER).expect("stamps");
                let parsed = RecordBatch::parse(batch.bytes()).expect("batch");
                assert!(parsed.crc_matches());
                parsed.check_client_batch().expect("a client may send it");
                let mut payload = Vec::new();
                let codec = Compression::from_id(parsed.attributes().compression_id());
                assert_eq!(codec, Some(compression));
                decompress_into(compression, parsed.payload(), 1 << 20, &mut payload)
                    .expect("decompresses");
                let walked = records(&payload).map(|record| record.expect("record"));
                let stamps: Vec<_> = walked
                    .map(|record| Stamp::read(record.value.expect("value")))
                    .collect();
                let expected = (0..70).map(|index| Some((stamp(first), index)));
                assert_eq!(stamps, expected.collect::<Vec<_>>());
                let found = records(&payload).map(|record| record.expect("record").key);
                let draw = KeyDraw::new(Keys::Uniform(9_000), 1, 2);
                let expected: Vec<_> = (first..first + 70)
                    .map(|sequence| keys::key(draw.number(sequence)))
                    .collect();
                assert!(found.eq(expected.iter().map(|key| Some(&key[..]))));
                pool.give(batch);
            }
        }
    }

    #[test]
    fn every_changed_byte_of_a_value_is_seen() {
        let mut pool = BatchPool::new(&shape(Compression::None, true), 1).expect("builds");
        let mut batch = pool.take(1).expect("builds");
        batch.stamp(stamp(5), HEADER).expect("stamps");
        let place = batch.template.places()[0] as usize;
        let end = place + batch.value_bytes() as usize;
        let mut value = batch.bytes()[place..end].to_vec();
        assert_eq!(Stamp::read(&value), Some((stamp(5), 0)));
        for at in 0..value.len() {
            value[at] ^= 0x10;
            assert_eq!(Stamp::read(&value), None, "byte {at}");
            value[at] ^= 0x10;
        }
        assert_eq!(Stamp::read(&value[..STAMP_BYTES - 1]), None);
    }

    #[test]
    fn some_records_delete_their_keys() {
        let mut shape = shape(Compression::None, true);
        shape.payload.tombstone_every = Some(10);
        let mut batch = BatchPool::new(&shape, 0)
            .and_then(|mut pool| pool.take(70))
            .expect("builds");
        batch.stamp(stamp(140), HEADER).expect("stamps");
        let parsed = RecordBatch::parse(batch.bytes()).expect("batch");
        assert!(parsed.crc_matches());
        for (index, record) in (0..).zip(records(parsed.payload())) {
            let record = record.expect("record");
            assert!(record.key.is_some());
            let read = record.value.map(|value| Stamp::read(value).expect("right"));
            let expected = (index % 10 != 9).then(|| (stamp(140), index));
            assert_eq!(read, expected);
        }
    }

    #[test]
    fn a_batch_without_stamps_and_keys_is_compressed_once_and_still_gets_its_header() {
        let mut shape = shape(Compression::Zstd, false);
        shape.payload.keys = Keys::None;
        let mut pool = BatchPool::new(&shape, 0).expect("builds");
        let mut batch = pool.take(70).expect("builds");
        assert!(batch.raw.is_none());
        batch.stamp(stamp(5), HEADER).expect("stamps");
        let parsed = RecordBatch::parse(batch.bytes()).expect("batch");
        assert!(parsed.crc_matches());
        assert_eq!(parsed.max_timestamp(), HEADER.timestamp_ms);
    }

    #[test]
    fn the_pool_gives_out_its_batches_in_turn_and_makes_more_when_all_are_out() {
        let mut pool = BatchPool::new(&shape(Compression::None, true), 0).expect("builds");
        let held: Vec<_> = (0..6).map(|_| pool.take(70).expect("builds")).collect();
        assert!(
            held.windows(2)
                .all(|pair| pair[0].bytes() != pair[1].bytes())
        );
        for batch in held {
            pool.give(batch);
        }
        assert_eq!(pool.free.len(), 6);
    }
}
