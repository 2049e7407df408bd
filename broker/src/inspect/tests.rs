//! What is said of whole files and of damaged ones.

use proptest::prelude::*;
use protocol::compression::Compression;
use protocol::frame::FrameBuilder;
use protocol::native::{MetadataRecord, PartitionManifest, QuorumManifest, StorageManifest};
use protocol::record_batch::{RecordBatchBuilder, RecordBatchMut};

use super::*;
use crate::log::index::{BatchExtent, SegmentIndex};
use crate::log::manifest::{Manifest, Origin, PartitionState};
use crate::log::{Segment, SegmentId};

fn inspected(name: &str, bytes: &[u8]) -> (String, bool) {
    let mut text = String::new();
    let whole = inspect(name, &bytes, false, &mut text);
    (text, whole)
}

#[track_caller]
fn says(name: &str, bytes: &[u8], whole: bool, words: &[&str]) {
    let (text, found) = inspected(name, bytes);
    assert_eq!(found, whole, "{text}");
    for words in words {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

fn batch(codec: Compression, base_offset: i64, records: i64) -> Vec<u8> {
    let mut builder = RecordBatchBuilder::new(codec);
    builder.base_offset(base_offset);
    for record in 0..records {
        builder
            .append(5000 + record, Some(b"key"), Some(b"a value"), &[])
            .unwrap();
    }
    builder.build().unwrap()
}

fn segment() -> Vec<u8> {
    let batches = Compression::ALL.iter().enumerate();
    batches
        .flat_map(|(at, codec)| batch(*codec, 42 + 10 * at as i64, 10))
        .collect()
}

const SEGMENT: &str = "some/where/00000000000000000042.log";

#[test]
fn a_segment_is_told_batch_by_batch_whatever_the_codec() {
    let mut bytes = segment();
    let end = bytes.len();
    says(
        SEGMENT,
        &bytes,
        true,
        &[
            "0: offsets 42-51 records 10 bytes",
            "largest time 5009 producer -1 epoch -1 sequence -1 codec none",
            "codec gzip",
            "codec snappy",
            "codec lz4",
            "codec zstd",
            &format!("5 batches with 50 records in {end} bytes, next offset 92"),
        ],
    );
    bytes.resize(end + 3 * READ_BYTES, 0);
    says(
        SEGMENT,
        &bytes,
        true,
        &[&format!("{end}: {} preallocated bytes", 3 * READ_BYTES)],
    );
    let mut text = String::new();
    assert!(inspect(SEGMENT, &&bytes[..], true, &mut text));
    assert!(
        text.contains("  91 time 5009 key 3 bytes \"key\" value 7 bytes \"a value\" headers 0"),
        "{text}"
    );
}

#[test]
fn damage_in_a_segment_is_named_with_its_byte() {
    let whole = segment();
    let second = batch(Compression::None, 42, 10).len();
    let damaged = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    says(
        SEGMENT,
        &damaged(second + 65),
        false,
        &[
            &format!("{}: DAMAGED: CHECKSUM MISMATCH", second + 17),
            "5 batches with 40 records",
        ],
    );
    says(
        SEGMENT,
        &damaged(7),
        false,
        &[
            "0: offsets 43-52",
            &format!("{second}: DAMAGED: offset 52 comes after offset 52"),
        ],
    );
    says(
        SEGMENT,
        &damaged(second + 16),
        false,
        &[&format!(
            "{second}: DAMAGED: {} bytes that are no record batch: Invalid magic found in record: 3",
            whole.len() - second
        )],
    );
    let cut = &whole[..whole.len() - 1];
    says(
        SEGMENT,
        cut,
        false,
        &["bytes that are no record batch", "4 batches"],
    );
    let later = "00000000000000000050.log";
    says(
        later,
        &whole,
        false,
        &["0: DAMAGED: offset 42 comes after offset 49"],
    );
    let mut zeros = whole.clone();
    zeros.resize(whole.len() + 5000, 0);
    zeros.push(7);
    says(
        SEGMENT,
        &zeros,
        false,
        &[&format!(
            "{}: DAMAGED: 1 bytes that are no record batch, after 5000 zeros",
            whole.len() + 5000
        )],
    );
}

#[test]
fn records_that_contradict_their_header_are_told_under_a_right_checksum() {
    // Producer fields and checksum are made anew by `set_producer`, whatever else was changed.
    let edited = |codec, edit: fn(&mut [u8])| {
        let mut bytes = batch(codec, 0, 10);
        edit(&mut bytes);
        RecordBatchMut::parse(&mut bytes)
            .unwrap()
            .set_producer(1, 2, 3);
        bytes
    };
    let name = "00000000000000000000.log";
    let count = |bytes: &mut [u8]| bytes[60] = 9;
    says(
        name,
        &edited(Compression::None, count),
        false,
        &["57: DAMAGED: its header counts 9 records, there are 10"],
    );
    says(
        name,
        &edited(Compression::Zstd, count),
        false,
        &["57: DAMAGED: its header counts 9 records, there are 10"],
    );
    let time = |bytes: &mut [u8]| bytes[42] ^= 1;
    says(
        name,
        &edited(Compression::None, time),
        false,
        &["35: DAMAGED: its header's largest time is 5008"],
    );
    let record = |bytes: &mut [u8]| bytes[61] = 0x7f;
    says(
        name,
        &edited(Compression::None, record),
        false,
        &["61: DAMAGED: record 0, at byte 0"],
    );
    let block = |bytes: &mut [u8]| bytes[61] ^= 0xff;
    says(
        name,
        &edited(Compression::Gzip, block),
        false,
        &["61: DAMAGED: gzip"],
    );
    let codec = |bytes: &mut [u8]| bytes[22] = 6;
    says(
        name,
        &edited(Compression::None, codec),
        false,
        &["21: DAMAGED: codec 6 is not known"],
    );
}

#[test]
fn an_index_is_told_mark_by_mark() {
    let segment = Segment::new(42, 0);
    let mut index = SegmentIndex::starting_at(42, segment.start());
    for at in 0..3 {
        index.push(&BatchExtent {
            base_offset: 42 + at,
            last_offset: 42 + at,
            max_timestamp: 70 + at,
            bytes: 40_000,
        });
    }
    let mut bytes = index.encode();
    let name = SegmentId::appended(42).index_name();
    says(
        &name,
        &bytes,
        true,
        &[
            "index of segment 42: 3 marks, up to offset 45, 120000 bytes, largest time 72",
            "44 at 80000, largest time before it 71",
        ],
    );
    says(
        &SegmentId::appended(43).index_name(),
        &bytes,
        false,
        &["16: DAMAGED: its name says segment 43"],
    );
    bytes[60] ^= 1;
    says(
        &name,
        &bytes,
        false,
        &["0: DAMAGED: no usable index: its CRC is"],
    );
    says(
        &name,
        &[],
        false,
        &["it does not begin as an index file does"],
    );
}

#[test]
fn kafkas_other_files_are_named() {
    let mut offsets = Vec::new();
    for (offset, position) in [(3_u32, 4096_u32), (9, 9000)] {
        offsets.extend_from_slice(&offset.to_be_bytes());
        offsets.extend_from_slice(&position.to_be_bytes());
    }
    offsets.resize(4096, 0);
    says(
        "00000000000000000100.index",
        &offsets,
        true,
        &[
            "Kafka's offset index: 2 entries",
            "first: offset 103 at 4096",
            "last: offset 109 at 9000",
        ],
    );
    let mut times = 1_700_000_000_000_i64.to_be_bytes().to_vec();
    times.extend_from_slice(&7_u32.to_be_bytes());
    says(
        "00000000000000000100.timeindex",
        &times,
        true,
        &[
            "Kafka's time index: 1 entries",
            "last: time 1700000000000 at offset 107",
        ],
    );
    says(
        "00000000000000000100.timeindex",
        &times[..11],
        false,
        &["its length is no multiple of 12"],
    );
    says(
        "leader-epoch-checkpoint",
        b"0\n",
        true,
        &["Kafka's leader epochs"],
    );
    says("what.ever", b"", false, &["cannot be told from its name"]);
}

fn manifest() -> Manifest {
    Manifest {
        origin: Origin {
            journal_id: 0xdef,
            sequence: 12,
            image_version: 13,
        },
        quorum: QuorumManifest {
            quorum: 3,
            applied_index: 9,
            applied_term: 2,
            term: 2,
            vote: 1,
            commit: 9,
            voters: [1].into_iter().collect(),
        },
        records: vec![MetadataRecord::Topic {
            topic_id: 0xabc,
            name: "orders".into(),
        }],
        partitions: vec![PartitionState {
            head: PartitionManifest {
                topic_id: 5,
                partition: 1,
                added_term: 1,
                log_start_offset: 0,
                next_offset: 30,
            },
            topic: "orders".into(),
            segments: vec![Segment {
                next_offset: 30,
                bytes: 999,
                ..Segment::new(0, 5)
            }],
            cleaned_offset: 0,
            leader_epochs: vec![(0, 0)],
            producers: Vec::new(),
        }],
    }
}

#[test]
fn manifests_are_told_and_their_damage() {
    let bytes = manifest().encode().unwrap();
    says(
        "3.manifest",
        &bytes,
        true,
        &[
            "quorum 3: applied index 9",
            "made from frame 12 of journal 00000000000000000000000000000def, metadata version 13",
            "record topic 00000000000000000000000000000abc name orders",
            "partition orders-1 of topic",
            "  segment 0 generation 0 next offset 30 bytes 999",
        ],
    );
    says(
        "3.manifest",
        &bytes[..bytes.len() - 1],
        false,
        &["DAMAGED: no whole manifest"],
    );
    let mut flipped = bytes.clone();
    flipped[20] ^= 1;
    says(
        "3.manifest",
        &flipped,
        false,
        &["0: DAMAGED: no whole manifest: frame CRC is"],
    );

    let storage = StorageManifest {
        format_version: 1,
        cluster_id: 6,
        directory_id: 7,
        machine_id: 8,
        shard_count: 2,
        shard: 0,
        created_ms: 9,
    };
    let mut builder = FrameBuilder::new();
    let mut bytes = storage.encode(&mut builder).unwrap().to_vec();
    says(
        "storage.manifest",
        &bytes,
        true,
        &["of cluster 00000000000000000000000000000006", "2 shards"],
    );
    bytes[30] ^= 1;
    says("storage.manifest", &bytes, false, &["0: DAMAGED"]);
}

/// A file of 3 GiB that is not there: only what is asked for is made.
struct Huge {
    batch: Vec<u8>,
    largest_read: std::cell::Cell<usize>,
}

impl Source for Huge {
    fn bytes(&self) -> u64 {
        3 << 30
    }

    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Vec<u8>> {
        self.largest_read.set(self.largest_read.get().max(bytes));
        if position > 0 {
            return Err(io::Error::other("the disk is gone"));
        }
        let mut out = self.batch.clone();
        out.resize(bytes, 0);
        Ok(out)
    }
}

#[test]
fn no_file_is_read_as_a_whole_and_a_failing_disk_is_told() {
    let huge = Huge {
        batch: batch(Compression::None, 0, 10),
        largest_read: Default::default(),
    };
    let mut text = String::new();
    assert!(!inspect(
        "00000000000000000000.log",
        &huge,
        false,
        &mut text
    ));
    assert!(
        text.contains("offsets 0-9") && text.contains("it cannot be read: the disk is gone"),
        "{text}"
    );
    assert!(huge.largest_read.get() <= READ_BYTES);
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..6000), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for name in ["1.log", "1.idx", "1.index", "1.timeindex", "1.journal", "1.manifest"] {
            inspected(name, &bytes);
        }
        let mut damaged = segment();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        inspected(SEGMENT, &damaged);
    }
}
