//! What a record of the load generator holds, so that a reader can tell a lost, doubled, moved or changed one; and batches of
//! such records, built once and stamped anew for each request. It does no IO.
//!
//! ```text
//!  value := checksum u32 | run u32 | connection u32 | partition u32 | sequence u64 | filler
//! ```
//!
//! The sequence counts the records of one (run, connection, partition) from 0. The checksum is the CRC-32C of the filler and
//! then of the fields between, in this order: the filler's part is known when the batch is built, and stamping costs 20 bytes' worth.

use std::borrow::Cow;

use protocol::compression::Compression;
use protocol::messages::produce;
use protocol::record::records;
use protocol::record_batch::{
    BatchBuildError, HEADER_BYTES, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE,
    RecordBatchBuilder, RecordBatchMut,
};

use crate::client::put_request;

/// Bytes of the fields before the filler.
pub const VALUE_BYTES_MIN: usize = 24;
/// The newest version with a body that ends with the records.
pub const PRODUCE_VERSION: i16 = 7;

const CHECKSUM_BYTES: usize = 4;

/// Who wrote a record, and which of its records it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Drawn once for a run of this program.
    pub run: u32,
    /// Number of the connection in the run.
    pub connection: u32,
    /// Partition the record was meant for.
    pub partition: u32,
    /// Counts the records of run, connection and partition.
    pub sequence: u64,
}

impl Stamp {
    /// The stamp of a value, if its checksum is right.
    pub fn read(value: &[u8]) -> Option<Self> {
        let head = value.first_chunk::<VALUE_BYTES_MIN>()?;
        let crc = crc(
            filler_crc(&value[VALUE_BYTES_MIN..]),
            &head[CHECKSUM_BYTES..],
        );
        let [
            c0,
            c1,
            c2,
            c3,
            r0,
            r1,
            r2,
            r3,
            n0,
            n1,
            n2,
            n3,
            p0,
            p1,
            p2,
            p3,
            sequence @ ..,
        ] = *head;
        (u32::from_be_bytes([c0, c1, c2, c3]) == crc).then_some(Self {
            run: u32::from_be_bytes([r0, r1, r2, r3]),
            connection: u32::from_be_bytes([n0, n1, n2, n3]),
            partition: u32::from_be_bytes([p0, p1, p2, p3]),
            sequence: u64::from_be_bytes(sequence),
        })
    }

    fn write(self, head: &mut [u8], filler_crc: u32) {
        head[4..8].copy_from_slice(&self.run.to_be_bytes());
        head[8..12].copy_from_slice(&self.connection.to_be_bytes());
        head[12..16].copy_from_slice(&self.partition.to_be_bytes());
        head[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        let crc = crc(filler_crc, &head[CHECKSUM_BYTES..VALUE_BYTES_MIN]);
        head[..CHECKSUM_BYTES].copy_from_slice(&crc.to_be_bytes());
    }
}

/// How the requests of a run look.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Topic name.
    pub topic: String,
    /// Kafka's: -1, 0 or 1.
    pub acks: i16,
    /// Bytes of a value, at least [`VALUE_BYTES_MIN`].
    pub record_bytes: usize,
    /// Codec of the batches.
    pub compression: Compression,
    /// Timestamp of all records, milliseconds.
    pub timestamp_ms: i64,
}

/// A whole Produce request of one batch to one partition, built once.
pub struct ProduceFrame {
    shape: Shape,
    partition: i32,
    frame: Vec<u8>,
    batch: usize,
    /// Where each value begins in `frame` (not compressed) or in `values`, and the CRC of its filler.
    places: Vec<(usize, u32)>,
    values: Vec<u8>,
}

impl ProduceFrame {
    /// Builds a request of `records` records.
    pub fn new(shape: &Shape, partition: i32, records: usize) -> Result<Self, BatchBuildError> {
        let mut new = Self {
            shape: shape.clone(),
            partition,
            frame: Vec::new(),
            batch: 0,
            places: Vec::with_capacity(records),
            values: filler(shape.record_bytes * records),
        };
        for value in new.values.chunks_exact(shape.record_bytes) {
            let position = new.places.len() * shape.record_bytes;
            new.places
                .push((position, filler_crc(&value[VALUE_BYTES_MIN..])));
        }
        new.build()?;
        if shape.compression == Compression::None {
            new.find_values();
        }
        Ok(new)
    }

    /// Records in the batch.
    pub fn records(&self) -> usize {
        self.places.len()
    }

    /// The frame with its records stamped from `first` on. The correlation id is the connection's to set.
    pub fn stamped(&mut self, first: Stamp) -> Result<&mut [u8], BatchBuildError> {
        let compressed = self.shape.compression != Compression::None;
        let target = if compressed {
            &mut self.values
        } else {
            &mut self.frame
        };
        for (sequence, &(position, filler_crc)) in (first.sequence..).zip(&self.places) {
            let stamp = Stamp { sequence, ..first };
            stamp.write(&mut target[position..][..VALUE_BYTES_MIN], filler_crc);
        }
        if compressed {
            self.build()?;
        } else {
            // Says what the header says already; what counts is that the CRC is made anew.
            RecordBatchMut::parse(&mut self.frame[self.batch..])
                .expect("this batch was built here")
                .set_producer(NO_PRODUCER_ID, NO_PRODUCER_EPOCH, NO_SEQUENCE);
        }
        Ok(&mut self.frame)
    }

    fn build(&mut self) -> Result<(), BatchBuildError> {
        let mut builder = RecordBatchBuilder::new(self.shape.compression);
        for value in self.values.chunks_exact(self.shape.record_bytes) {
            builder.append(self.shape.timestamp_ms, None, Some(value), &[])?;
        }
        let batch = builder.build()?;
        let request = produce::ProduceRequest {
            acks: self.shape.acks,
            timeout_ms: 30_000,
            topic_data: vec![produce::ProduceRequestTopicData {
                name: Cow::Borrowed(&self.shape.topic),
                partition_data: vec![produce::ProduceRequestTopicDataPartitionData {
                    index: self.partition,
                    records: Some(Cow::Borrowed(&batch)),
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        self.frame.clear();
        put_request(
            &mut self.frame,
            produce::KEY,
            PRODUCE_VERSION,
            |out, version| {
                request.encode(out, version);
            },
        );
        self.batch = self.frame.len() - batch.len();
        Ok(())
    }

    /// Makes the places those of the values in the frame; they are not needed beside it any more.
    fn find_values(&mut self) {
        let payload = &self.frame[self.batch + HEADER_BYTES..];
        let whole = records(payload).zip(&mut self.places);
        for (record, place) in whole {
            let value = record.expect("this batch was built here").value;
            let value = value.expect("every record was given a value");
            place.0 = value.as_ptr() as usize - self.frame.as_ptr() as usize;
        }
        self.values = Vec::new();
    }
}

fn filler_crc(filler: &[u8]) -> u32 {
    crc(0, filler)
}

fn crc(before: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(before, bytes)
}

/// Text out of 64 letters, the same in every run: compresses to about three quarters, as dense real data does.
fn filler(bytes: usize) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        LETTERS[(state >> 32) as usize % LETTERS.len()]
    };
    std::iter::repeat_with(letter).take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::record_batch::RecordBatch;

    fn shape(compression: Compression) -> Shape {
        Shape {
            topic: "bench".to_owned(),
            acks: -1,
            record_bytes: 100,
            compression,
            timestamp_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn a_frame_is_a_produce_request_and_stays_one_when_stamped_again() {
        for compression in [Compression::None, Compression::Lz4] {
            let mut frame = ProduceFrame::new(&shape(compression), 3, 50).expect("builds");
            for sequence in [0, 50, 1 << 40] {
                let stamp = Stamp {
                    run: 7,
                    connection: 2,
                    partition: 3,
                    sequence,
                };
                let bytes = frame.stamped(stamp).expect("stamps").to_vec();
                let (_, header) =
                    protocol::header::RequestHeader::decode(&bytes[4..]).expect("header");
                let body = &bytes[4 + header..];
                let request =
                    protocol::produce::ProduceRequest::parse(body, PRODUCE_VERSION).expect("body");
                let partition = request.partitions().next().expect("one partition");
                assert_eq!((&*partition.topic, partition.partition), ("bench", 3));
                let batch =
                    RecordBatch::parse(&body[partition.records.expect("records")]).expect("batch");
                assert!(batch.crc_matches());
                batch.check_client_batch().expect("a client may send it");
                let mut payload = Vec::new();
                protocol::compression::decompress_into(
                    compression,
                    batch.payload(),
                    1 << 20,
                    &mut payload,
                )
                .expect("decompresses");
                let stamps: Vec<_> = records(&payload)
                    .map(|record| Stamp::read(record.expect("record").value.expect("value")))
                    .collect();
                let expected = |at| {
                    Some(Stamp {
                        sequence: sequence + at,
                        ..stamp
                    })
                };
                assert_eq!(stamps, (0..50).map(expected).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_changed_byte_of_a_value_is_seen() {
        let stamp = Stamp {
            run: 1,
            connection: 2,
            partition: 3,
            sequence: 4,
        };
        for bytes in [VALUE_BYTES_MIN, 40] {
            let mut value = filler(bytes);
            let crc = filler_crc(&value[VALUE_BYTES_MIN..]);
            stamp.write(&mut value[..VALUE_BYTES_MIN], crc);
            assert_eq!(Stamp::read(&value), Some(stamp));
            for at in 0..bytes {
                value[at] ^= 0x10;
                assert_eq!(Stamp::read(&value), None, "byte {at}");
                value[at] ^= 0x10;
            }
            assert_eq!(Stamp::read(&value[..VALUE_BYTES_MIN - 1]), None);
        }
    }
}
