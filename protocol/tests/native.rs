//! The native envelope from outside: every kind reads back, hostile metas never panic.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::frame::{Frame, FrameBuilder, FrameError, META_BYTES_MAX};
use protocol::native::{
    MetadataRecord, NativeError, PartitionManifest, QuorumManifest, StorageManifest, kind,
};

const FRAME_BYTES_MAX: usize = 1 << 20;

fn metadata_record() -> impl Strategy<Value = MetadataRecord> {
    prop_oneof![
        (any::<u128>(), any::<u32>()).prop_map(|(cluster_id, format_version)| {
            MetadataRecord::Cluster {
                cluster_id,
                format_version,
            }
        }),
        (any::<u32>(), any::<u32>()).prop_map(|(machine_id, shard_count)| {
            MetadataRecord::Machine {
                machine_id,
                shard_count,
            }
        }),
        (any::<u128>(), ".{0,249}")
            .prop_map(|(topic_id, name)| MetadataRecord::Topic { topic_id, name }),
        (any::<u128>(), any::<i32>(), any::<u32>(), any::<u32>()).prop_map(
            |(topic_id, partition, quorum, shard)| MetadataRecord::Partition {
                topic_id,
                partition,
                quorum,
                shard
            }
        ),
        (any::<i8>(), ".*", ".*", option::of(".*")).prop_map(
            |(resource_type, resource_name, key, value)| {
                MetadataRecord::Config {
                    resource_type,
                    resource_name,
                    key,
                    value,
                }
            }
        ),
        any::<u128>().prop_map(|topic_id| MetadataRecord::RemoveTopic { topic_id }),
        (any::<u32>(), any::<i64>()).prop_map(|(shard, next_producer_id)| {
            MetadataRecord::ProducerIdBlock {
                shard,
                next_producer_id,
            }
        }),
    ]
}

fn quorum_manifest() -> QuorumManifest {
    QuorumManifest {
        quorum: 3,
        applied_index: 1 << 40,
        applied_term: 5,
        term: 6,
        vote: 1001,
        commit: (1 << 40) + 1,
        voters: [1001, 2001, 3001].into_iter().collect(),
    }
}

fn decode_any(frame: &Frame<'_>) {
    let _ = MetadataRecord::decode(frame);
    let _ = QuorumManifest::decode(frame);
    let _ = PartitionManifest::decode(frame);
    let _ = StorageManifest::decode(frame);
}

#[test]
fn manifests_read_back() {
    let mut builder = FrameBuilder::new();
    let quorum = quorum_manifest();
    let bytes = quorum.encode(&mut builder, b"origin").unwrap();
    let frame = Frame::parse(bytes, FRAME_BYTES_MAX).unwrap().0;
    assert_eq!(QuorumManifest::decode(&frame), Ok(quorum.clone()));
    assert_eq!(frame.attachment, b"origin");

    let partition = PartitionManifest {
        topic_id: u128::MAX - 7,
        partition: 12,
        added_term: 2,
        log_start_offset: 100,
        next_offset: 1 << 41,
    };
    let bytes = partition
        .encode(&mut builder, b"flat arrays")
        .unwrap()
        .to_vec();
    let frame = Frame::parse(&bytes, FRAME_BYTES_MAX).unwrap().0;
    assert_eq!(PartitionManifest::decode(&frame), Ok(partition));
    assert_eq!(frame.attachment, b"flat arrays");
    assert_eq!(
        QuorumManifest::decode(&frame),
        Err(NativeError::Kind(kind::PARTITION_MANIFEST))
    );

    let storage = StorageManifest {
        format_version: 1,
        cluster_id: 1 << 100,
        directory_id: 77,
        machine_id: 1,
        shard_count: 8,
        shard: 3,
        created_ms: 1_700_000_000_000,
    };
    let frame = Frame::parse(storage.encode(&mut builder).unwrap(), FRAME_BYTES_MAX)
        .unwrap()
        .0;
    assert_eq!(StorageManifest::decode(&frame), Ok(storage));
}

#[test]
fn too_many_voters_are_refused() {
    let mut builder = FrameBuilder::new();
    let manifest = QuorumManifest {
        voters: (0..17).collect(),
        ..quorum_manifest()
    };
    let frame = Frame::parse(manifest.encode(&mut builder, &[]).unwrap(), FRAME_BYTES_MAX)
        .unwrap()
        .0;
    assert!(matches!(
        QuorumManifest::decode(&frame),
        Err(NativeError::Count { count: 17, .. })
    ));
}

#[test]
fn a_meta_has_a_bound() {
    let mut builder = FrameBuilder::new();
    let topic = MetadataRecord::Topic {
        topic_id: 1,
        name: "x".repeat(META_BYTES_MAX),
    };
    assert!(matches!(
        topic.encode(&mut builder),
        Err(FrameError::MetaBytes { .. })
    ));
    let small = MetadataRecord::RemoveTopic { topic_id: 1 };
    let frame = Frame::parse(small.encode(&mut builder).unwrap(), FRAME_BYTES_MAX)
        .unwrap()
        .0;
    assert_eq!(
        MetadataRecord::decode(&frame),
        Ok(small),
        "the builder is usable after a refusal"
    );
}

/// Files of an older build must stay readable: this frame's bytes never change.
#[test]
fn the_bytes_of_a_frame_are_fixed() {
    let mut builder = FrameBuilder::new();
    let record = MetadataRecord::ProducerIdBlock {
        shard: 7,
        next_producer_id: 5000,
    };
    let bytes = record.encode(&mut builder).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "2c0000004b08b0d707010100200000000c00000000000600140004000600000088130000000000000700000000000000"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn metadata_records_read_back(records in vec(metadata_record(), 1..8)) {
        let mut builder = FrameBuilder::new();
        let mut log = Vec::new();
        for record in &records {
            log.extend_from_slice(record.encode(&mut builder).unwrap());
        }
        let mut rest = &log[..];
        let mut read = Vec::new();
        while !rest.is_empty() {
            let (frame, size) = Frame::parse(rest, FRAME_BYTES_MAX).unwrap();
            read.push(MetadataRecord::decode(&frame).unwrap());
            rest = &rest[size..];
        }
        prop_assert_eq!(read, records);
    }

    #[test]
    fn hostile_metas_never_panic(
        record in metadata_record(),
        kind in any::<bool>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut builder = FrameBuilder::new();
        let bytes = record.encode(&mut builder).unwrap();
        let frame = Frame::parse(bytes, FRAME_BYTES_MAX).unwrap().0;
        let mut meta = frame.meta.to_vec();
        for (at, byte) in damage {
            let at = at.index(meta.len());
            meta[at] = byte;
        }
        let kinds = [frame.kind, kind::CONFIG_RECORD, kind::QUORUM_MANIFEST, kind::TOPIC_RECORD];
        for kind in if kind { &kinds[..1] } else { &kinds } {
            decode_any(&Frame { kind: *kind, meta: &meta, ..frame });
        }
    }

    #[test]
    fn random_metas_never_panic(meta in vec(any::<u8>(), 0..120), kind in 0x0101_u16..0x0108) {
        decode_any(&Frame { kind, flags: 1, meta: &meta, attachment: &[] });
        decode_any(&Frame { kind: kind + 0x100, flags: 1, meta: &meta, attachment: &[] });
    }
}
