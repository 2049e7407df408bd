//! Produces against one partition, told as transcripts.

use super::validate::one_batch;
use super::*;
use protocol::compression::Compression;
use protocol::record_batch::{RecordBatchBuilder, RecordBatchMut, TimestampType};

const NOW: i64 = 1_700_000_000_000;

fn config() -> PartitionConfig {
    PartitionConfig {
        message_bytes_max: 1 << 20,
        segment_bytes_max: 1 << 30,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_ms_max: i64::MAX,
        timestamp_after_ms_max: 3_600_000,
        compacted: false,
        compression: None,
        validate_compressed: true,
        write_caching: false,
    }
}

fn partition() -> Partition {
    let mut partition = Partition::new(config(), PartitionStart::default());
    partition.lead(0);
    partition
}

fn batch(compression: Compression, records: i32, producer: Option<(i64, i16, i32)>) -> Bytes {
    let mut builder = RecordBatchBuilder::new(compression);
    if let Some((id, epoch, sequence)) = producer {
        builder.producer(id, epoch, sequence);
    }
    for record in 0..records {
        builder
            .append(
                NOW,
                Some(b"key"),
                Some(format!("value {record}").as_bytes()),
                &[],
            )
            .unwrap();
    }
    builder.build().unwrap().into()
}

fn commit(partition: &mut Partition, prepared: &Prepared) {
    let mut bytes = prepared.bytes.to_vec();
    let mut batch = RecordBatchMut::parse(&mut bytes).unwrap();
    batch.set_base_offset(prepared.base_offset);
    batch.set_partition_leader_epoch(prepared.leader_epoch);
    partition.apply(Slice::from(Bytes::from(bytes)), 1);
}

fn append(partition: &mut Partition, bytes: &Bytes) -> i64 {
    match partition.prepare(bytes, NOW).unwrap() {
        Decided::Append(prepared) => {
            commit(partition, &prepared);
            prepared.base_offset
        }
        Decided::Duplicate { base_offset, .. } => -1 - base_offset,
    }
}

#[test]
fn offsets_are_decided_at_prepare_and_visible_at_apply() {
    let mut partition = partition();
    let bytes = batch(Compression::None, 3, None);
    let Decided::Append(first) = partition.prepare(&bytes, NOW).unwrap() else {
        panic!("no duplicate")
    };
    let Decided::Append(second) = partition.prepare(&bytes, NOW).unwrap() else {
        panic!("no duplicate")
    };
    assert_eq!(
        (
            first.base_offset,
            second.base_offset,
            partition.high_watermark()
        ),
        (0, 3, 0)
    );
    commit(&mut partition, &first);
    assert_eq!(partition.high_watermark(), 3);
    commit(&mut partition, &second);
    assert_eq!(
        partition.read_tail(4, 1, true).len(),
        1,
        "the batch that holds the offset"
    );
    assert_eq!(partition.read_tail(0, 1, false).len(), 0);
    assert_eq!(partition.read_tail(6, 100, true).len(), 0);
    let freed = partition.written_back(3);
    assert_eq!((freed, partition.tail_start_offset()), (bytes.len(), 3));
}

#[test]
fn producers_are_told_duplicates_gaps_and_old_epochs() {
    let mut partition = partition();
    for sequence in 0..7 {
        assert_eq!(
            append(
                &mut partition,
                &batch(Compression::None, 1, Some((5, 0, sequence)))
            ),
            i64::from(sequence)
        );
    }
    assert_eq!(
        append(
            &mut partition,
            &batch(Compression::None, 1, Some((5, 0, 3)))
        ),
        -1 - 3,
        "one of the last five"
    );
    let refuse = |partition: &mut Partition, producer| {
        partition
            .prepare(&batch(Compression::None, 1, Some(producer)), NOW)
            .unwrap_err()
    };
    assert!(
        matches!(
            refuse(&mut partition, (5, 0, 1)),
            ProduceError::OutOfOrderSequence { .. }
        ),
        "older than five"
    );
    assert!(matches!(
        refuse(&mut partition, (5, 0, 9)),
        ProduceError::OutOfOrderSequence { expected: 7, .. }
    ));
    assert!(
        matches!(
            refuse(&mut partition, (5, 1, 1)),
            ProduceError::OutOfOrderSequence { expected: 0, .. }
        ),
        "a new epoch begins at 0"
    );
    assert_eq!(
        append(
            &mut partition,
            &batch(Compression::None, 1, Some((5, 1, 0)))
        ),
        7
    );
    assert!(matches!(
        refuse(&mut partition, (5, 0, 7)),
        ProduceError::InvalidProducerEpoch { .. }
    ));
    assert_eq!(
        append(
            &mut partition,
            &batch(Compression::None, 1, Some((77, 3, 41)))
        ),
        8,
        "an unknown producer may begin anywhere"
    );
}

#[test]
fn an_epoch_of_none_is_no_epoch() {
    let mut partition = partition();
    let below = partition.prepare(&batch(Compression::None, 1, Some((78, -2, 0))), NOW);
    assert!(matches!(
        below,
        Err(ProduceError::InvalidProducerEpoch { .. })
    ));
    for (at, (epoch, sequence)) in [(-1, 5), (-1, 9), (0, 7)].into_iter().enumerate() {
        let bytes = batch(Compression::None, 1, Some((79, epoch, sequence)));
        assert_eq!(
            append(&mut partition, &bytes),
            at as i64,
            "after a batch without an epoch any sequence will do"
        );
    }
}

#[test]
fn a_duplicate_of_a_batch_in_flight_takes_its_place() {
    let mut partition = partition();
    let bytes = batch(Compression::None, 2, Some((1, 0, 0)));
    let Decided::Append(prepared) = partition.prepare(&bytes, NOW).unwrap() else {
        panic!("no duplicate")
    };
    let again = partition.prepare(&bytes, NOW).unwrap();
    assert_eq!(
        again,
        Decided::Duplicate {
            base_offset: 0,
            log_append_time_ms: NOW
        }
    );
    partition.unprepare(prepared.base_offset);
    assert!(
        matches!(partition.prepare(&bytes, NOW).unwrap(), Decided::Append(_)),
        "it never came"
    );
}

#[test]
fn what_was_sent_behind_a_refused_batch_does_not_come_first() {
    let batches = [0, 2, 4].map(|first| batch(Compression::None, 2, Some((1, 0, first))));
    let is_append = |decided| matches!(decided, Ok(Decided::Append(_)));
    for unprepared in [true, false] {
        let mut partition = partition();
        if unprepared {
            let Ok(Decided::Append(prepared)) = partition.prepare(&batches[0], NOW) else {
                panic!("it is taken")
            };
            partition.unprepare(prepared.base_offset);
        } else {
            partition.refuse(&batches[0]);
        }
        let early = partition.prepare(&batches[1], NOW);
        assert!(matches!(
            early,
            Err(ProduceError::OutOfOrderSequence {
                got: 2,
                expected: 0,
                ..
            })
        ));
        partition.refuse(&batches[1]);
        let other_epoch = batch(Compression::None, 1, Some((2, 0, 7)));
        assert!(
            is_append(partition.prepare(&other_epoch, NOW)),
            "of another producer"
        );
        for batch in &batches {
            assert!(is_append(partition.prepare(batch, NOW)));
        }
        let next_life = batch(Compression::None, 1, Some((1, 1, 0)));
        assert!(is_append(partition.prepare(&next_life, NOW)));
    }
}

#[test]
fn sequences_wrap() {
    let mut partition = partition();
    append(
        &mut partition,
        &batch(Compression::None, 2, Some((1, 0, i32::MAX - 1))),
    );
    assert_eq!(
        append(
            &mut partition,
            &batch(Compression::None, 1, Some((1, 0, 0)))
        ),
        2
    );
}

#[test]
fn producers_survive_a_manifest() {
    let mut partition = partition();
    for sequence in 0..6 {
        append(
            &mut partition,
            &batch(Compression::None, 1, Some((5, 2, sequence))),
        );
    }
    let bytes = partition.producers().encode();
    let again = producers::Producers::decode(&bytes).unwrap();
    assert_eq!(again.encode(), bytes);
    assert!(producers::Producers::decode(&bytes[..bytes.len() - 1]).is_none());
}

#[test]
fn broken_batches_get_kafkas_answers() {
    let mut partition = partition();
    let good = batch(Compression::None, 2, None);
    let mut refuse = |bytes: Option<Vec<u8>>, version| {
        let bytes = bytes.map(Bytes::from);
        one_batch(bytes.as_ref(), version)
            .and_then(|batch| partition.prepare(&batch, NOW))
            .unwrap_err()
    };
    let edit = |at: usize, value: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = value;
        Some(bytes)
    };
    assert!(matches!(refuse(None, 9), ProduceError::NotOneBatch(_)));
    assert!(matches!(
        refuse(Some(Vec::new()), 9),
        ProduceError::NotOneBatch(_)
    ));
    assert!(
        matches!(
            refuse(Some([good.to_vec(), good.to_vec()].concat()), 9),
            ProduceError::NotOneBatch(_)
        ),
        "two batches"
    );
    assert!(
        matches!(refuse(edit(16, 1), 9), ProduceError::NotOneBatch(_)),
        "magic 1"
    );
    assert!(
        matches!(refuse(edit(16, 3), 9), ProduceError::CorruptMessage(_)),
        "magic 3"
    );
    assert!(
        matches!(refuse(edit(7, 1), 9), ProduceError::InvalidBatch(_)),
        "a base offset"
    );
    assert!(
        matches!(refuse(edit(30, 99), 9), ProduceError::CorruptMessage(_)),
        "the checksum"
    );
    let zstd = batch(Compression::Zstd, 2, None);
    assert_eq!(
        refuse(Some(zstd.to_vec()), 6),
        ProduceError::UnsupportedCompression
    );
    let mut small = Partition::new(
        PartitionConfig {
            message_bytes_max: 50,
            ..config()
        },
        PartitionStart::default(),
    );
    assert!(matches!(
        small.prepare(&good, NOW),
        Err(ProduceError::MessageTooLarge { max: 50, .. })
    ));
    let future = partition.prepare(&good, NOW - 4_000_000).unwrap_err();
    assert!(
        matches!(&future, ProduceError::InvalidTimestamps { record_errors, .. } if record_errors.len() == 2)
    );
}

#[test]
fn another_codec_is_made_where_the_topic_wants_it() {
    for codec in Compression::ALL {
        let wanted = PartitionConfig {
            compression: Some((Compression::Lz4, None)),
            ..config()
        };
        let mut partition = Partition::new(wanted, PartitionStart::default());
        let Decided::Append(prepared) = partition
            .prepare(&batch(codec, 10, Some((1, 0, 0))), NOW)
            .unwrap()
        else {
            panic!("no duplicate")
        };
        let header = RecordBatch::parse(&prepared.bytes).unwrap();
        assert!(header.crc_matches());
        assert_eq!(
            header.header().attributes().compression_id(),
            Compression::Lz4.id()
        );
        assert_eq!(
            (
                header.header().record_count(),
                header.header().base_sequence()
            ),
            (10, 0)
        );
    }
}

#[test]
fn the_first_batch_tells_whether_it_is_transactional() {
    use super::validate::is_transactional;
    use protocol::record_batch::BatchParseError;
    let plain = batch(Compression::None, 2, None);
    let mut flagged = plain.to_vec();
    flagged[22] |= 0x10;
    assert_eq!(is_transactional(&plain), Ok(false));
    assert_eq!(is_transactional(&flagged), Ok(true));
    assert_eq!(
        is_transactional(&flagged[..flagged.len() - 1]),
        Ok(false),
        "a cut batch is none"
    );
    assert_eq!(is_transactional(&[]), Ok(false));
    let mut magic = plain.to_vec();
    magic[16] = 1;
    assert_eq!(is_transactional(&magic), Ok(false), "a format that was");
    magic[16] = 9;
    assert_eq!(
        is_transactional(&magic),
        Err(BatchParseError::UnknownMagic(9))
    );
    let mut short = plain.to_vec();
    short[8..12].copy_from_slice(&5i32.to_be_bytes());
    assert_eq!(
        is_transactional(&short),
        Err(BatchParseError::BatchLength(5))
    );
}

#[test]
fn gaps_in_offset_deltas_are_closed_when_a_batch_is_recompressed() {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    for delta in [0, 4] {
        builder
            .append_at(delta, NOW, Some(b"k"), Some(b"v"), &[])
            .unwrap();
    }
    let mut bytes = builder.build().unwrap();
    bytes[23..27].copy_from_slice(&1i32.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    let wanted = PartitionConfig {
        compression: Some((Compression::Lz4, None)),
        ..config()
    };
    let mut partition = Partition::new(wanted, PartitionStart::default());
    let decided = partition.prepare(&Bytes::from(bytes), NOW).unwrap();
    let Decided::Append(prepared) = decided else {
        panic!("no duplicate")
    };
    let header = RecordBatch::parse(&prepared.bytes).unwrap().header();
    assert_eq!((header.record_count(), header.last_offset_delta()), (2, 1));
}
