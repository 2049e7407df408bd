//! Record batches, records and codecs from outside: round trips, batches another implementation made,
//! and hostile bytes.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use protocol::compression::{Compression, CompressionError, compress, decompress, decompress_into};
use protocol::record::{
    Header, RecordError, RecordRejection, RecordsError, RecordsPolicy, records, validate_records,
};
use protocol::record_batch::{
    Attributes, BatchHeader, BatchParseError, ClientBatchError, HEADER_BYTES, RecordBatch,
    RecordBatchBuilder, RecordBatchMut, TimestampType, batches, increment_sequence,
};

const NOW_MS: i64 = 1_700_000_000_000;
const OUTPUT_BYTES_MAX: usize = 1 << 20;

fn lenient() -> RecordsPolicy {
    RecordsPolicy {
        timestamp_type: TimestampType::CreateTime,
        now_ms: NOW_MS,
        timestamp_before_ms_max: i64::MAX,
        timestamp_after_ms_max: 3_600_000,
        key_required: false,
    }
}

fn three_records(codec: Compression) -> Vec<u8> {
    let mut builder = RecordBatchBuilder::new(codec);
    builder
        .append(NOW_MS, Some(b"k0"), Some(b"v0"), &[])
        .unwrap();
    builder
        .append(
            NOW_MS + 5,
            None,
            Some(b"v1"),
            &[Header {
                key: b"h",
                value: None,
            }],
        )
        .unwrap();
    builder.append(NOW_MS - 5, Some(b"k2"), None, &[]).unwrap();
    builder.build().unwrap()
}

/// Patches bytes of a batch and makes the CRC right again.
fn patched(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    bytes[at..at + with.len()].copy_from_slice(with);
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn fixture(codec: Compression) -> Vec<u8> {
    let text = match codec {
        Compression::None => include_str!("records/kafka-python-none.hex"),
        Compression::Gzip => include_str!("records/kafka-python-gzip.hex"),
        Compression::Snappy => include_str!("records/kafka-python-snappy.hex"),
        Compression::Lz4 => include_str!("records/kafka-python-lz4.hex"),
        Compression::Zstd => include_str!("records/kafka-python-zstd.hex"),
    };
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn crc32c_vectors() {
    // RFC 3720, B.4.
    assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c::crc32c(&[0xff; 32]), 0x62a8_ab43);
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
}

/// As Java's readers do, which Kafka validates with.
#[test]
fn what_follows_compressed_data_is_left_alone() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
        let mut packed = Vec::new();
        compress(codec, None, b"some records", &mut packed).unwrap();
        packed.extend_from_slice(&[1, 2, 3]);
        let unpacked = decompress(codec, &packed, OUTPUT_BYTES_MAX);
        assert_eq!(unpacked.unwrap(), b"some records", "{codec:?}");
    }
    let mut members = Vec::new();
    compress(Compression::Gzip, None, b"one ", &mut members).unwrap();
    compress(Compression::Gzip, None, b"two", &mut members).unwrap();
    let unpacked = decompress(Compression::Gzip, &members, OUTPUT_BYTES_MAX);
    assert_eq!(unpacked.unwrap(), b"one two");
}

#[test]
fn cut_data_is_refused_wherever_it_is_cut() {
    for codec in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let mut packed = Vec::new();
        compress(codec, None, b"some records, some records", &mut packed).unwrap();
        for bytes in 0..packed.len() {
            let cut = decompress(codec, &packed[..bytes], OUTPUT_BYTES_MAX);
            assert!(cut.is_err(), "{codec:?} cut to {bytes} bytes");
        }
    }
}

#[test]
fn batches_of_kafka_python_read_record_by_record() {
    for codec in Compression::ALL {
        let bytes = fixture(codec);
        let batch = RecordBatch::parse(&bytes).unwrap();
        assert!(batch.crc_matches(), "{codec:?}");
        assert_eq!(batch.check_client_batch(), Ok(()));
        assert_eq!(batch.size_bytes(), bytes.len());
        assert_eq!(
            Compression::from_id(batch.attributes().compression_id()),
            Some(codec)
        );
        assert_eq!(
            (
                batch.producer_id(),
                batch.producer_epoch(),
                batch.base_sequence()
            ),
            (9001, 3, i32::MAX - 2)
        );
        assert_eq!(batch.last_sequence(), 46);
        let payload = decompress(codec, batch.payload(), OUTPUT_BYTES_MAX).unwrap();
        let summary = validate_records(batch.header(), &payload, &lenient()).unwrap();
        assert_eq!(summary.max_timestamp, batch.max_timestamp());
        assert!(summary.offset_deltas_sequential);
        let mut count = 0_u32;
        for (index, record) in records(&payload).enumerate() {
            let record = record.unwrap();
            let text = format!("{{\"n\":{index},\"text\":\"the quick brown fox\"}}");
            let text = text.repeat(if codec == Compression::None { 1 } else { 40 });
            let key = format!("key-{index}");
            assert_eq!(record.offset_delta, index as i32);
            assert_eq!(
                batch.base_timestamp() + record.timestamp_delta,
                NOW_MS + (index as i64 * 7) % 31
            );
            assert_eq!(record.key, (index % 3 != 0).then_some(key.as_bytes()));
            assert_eq!(record.value, (index != 7).then_some(text.as_bytes()));
            let headers: Vec<_> = record.headers.map(|h| (h.key, h.value)).collect();
            let three: &[(&[u8], Option<&[u8]>)] = &[
                (b"h", Some(b"1")),
                (b"h", None),
                ("é".as_bytes(), Some(b"")),
            ];
            assert_eq!(headers, if index % 5 == 0 { three } else { &[] });
            count += 1;
        }
        assert_eq!(count, 50);
    }
}

#[test]
fn our_uncompressed_bytes_are_those_of_kafka_python() {
    let theirs = fixture(Compression::None);
    let batch = RecordBatch::parse(&theirs).unwrap();
    let mut builder = RecordBatchBuilder::new(Compression::None);
    builder
        .producer(9001, 3, i32::MAX - 2)
        .partition_leader_epoch(batch.partition_leader_epoch());
    for record in records(batch.payload()) {
        let record = record.unwrap();
        let headers: Vec<_> = record.headers.collect();
        let timestamp = batch.base_timestamp() + record.timestamp_delta;
        builder
            .append(timestamp, record.key, record.value, &headers)
            .unwrap();
    }
    assert_eq!(builder.build().unwrap(), theirs);
}

#[test]
fn header_checks_follow_kafka() {
    let good = three_records(Compression::None);
    let parse = |bytes: &[u8]| RecordBatch::parse(bytes).err();
    for end in 0..good.len() {
        assert_eq!(
            parse(&good[..end]),
            Some(BatchParseError::Truncated { available: end })
        );
    }
    assert_eq!(
        parse(&patched(good.clone(), 16, &[1])),
        Some(BatchParseError::OldMagic(1))
    );
    assert_eq!(
        parse(&patched(good.clone(), 16, &[3])),
        Some(BatchParseError::UnknownMagic(3))
    );
    assert_eq!(
        parse(&patched(good.clone(), 16, &[0xff])),
        Some(BatchParseError::UnknownMagic(-1))
    );
    assert_eq!(
        parse(&patched(good.clone(), 8, &[0, 0, 0, 13])),
        Some(BatchParseError::BatchLength(13))
    );
    assert_eq!(
        parse(&patched(good.clone(), 8, &[0xff; 4])),
        Some(BatchParseError::BatchLength(-1))
    );
    assert_eq!(
        parse(&patched(good.clone(), 8, &[0, 0, 0, 48])),
        Some(BatchParseError::ShorterThanHeader(60))
    );
    let huge = patched(good.clone(), 8, &i32::MAX.to_be_bytes());
    assert!(matches!(
        parse(&huge),
        Some(BatchParseError::Truncated { .. })
    ));
    assert!(
        BatchHeader::parse(&huge).is_ok(),
        "a header alone may be read"
    );
}

#[test]
fn client_checks_follow_kafka() {
    let good = three_records(Compression::None);
    let check = |at: usize, with: &[u8]| {
        let bytes = patched(good.clone(), at, with);
        RecordBatch::parse(&bytes).unwrap().check_client_batch()
    };
    assert_eq!(check(23, &2_i32.to_be_bytes()), Ok(()));
    assert!(matches!(
        check(23, &(-1_i32).to_be_bytes()),
        Err(ClientBatchError::OffsetRange { .. })
    ));
    assert_eq!(
        check(57, &0_i32.to_be_bytes()),
        Err(ClientBatchError::RecordCount(0))
    );
    assert!(matches!(
        check(57, &4_i32.to_be_bytes()),
        Err(ClientBatchError::CountAndRange { .. })
    ));
    assert_eq!(
        check(21, &0x20_i16.to_be_bytes()),
        Err(ClientBatchError::Control)
    );
    assert!(matches!(
        check(43, &7_i64.to_be_bytes()),
        Err(ClientBatchError::Sequence { .. })
    ));
    assert_eq!(check(43, &(-5_i64).to_be_bytes()), Ok(()));
    // Offsets wrap as Java's do; that base offset must be 0 is the produce path's check.
    assert_eq!(check(0, &i64::MAX.to_be_bytes()), Ok(()));
}

#[test]
fn patches_keep_the_crc_right() {
    let mut bytes = three_records(Compression::Lz4);
    bytes.extend_from_slice(b"behind");
    let mut batch = RecordBatchMut::parse(&mut bytes).unwrap();
    batch.set_base_offset(1 << 40);
    batch.set_partition_leader_epoch(12);
    assert!(batch.batch().crc_matches());
    assert!(
        !batch.set_max_timestamp(TimestampType::CreateTime, NOW_MS + 5),
        "nothing to change"
    );
    assert!(batch.set_max_timestamp(TimestampType::LogAppendTime, 77));
    batch.set_producer(5, 6, 7);
    let read = batch.batch();
    assert!(read.crc_matches());
    assert_eq!(
        (read.base_offset(), read.last_offset(), read.next_offset()),
        (1 << 40, (1 << 40) + 2, (1 << 40) + 3)
    );
    assert_eq!(
        (read.partition_leader_epoch(), read.max_timestamp()),
        (12, 77)
    );
    assert_eq!(read.attributes(), Attributes(0x08 | 3));
    assert_eq!(
        (
            read.producer_id(),
            read.producer_epoch(),
            read.last_sequence()
        ),
        (5, 6, 9)
    );
    assert!(bytes.ends_with(b"behind"));
}

#[test]
fn a_flipped_bit_breaks_the_crc() {
    let good = three_records(Compression::None);
    for bit in 21 * 8..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(
            !RecordBatch::parse(&bad).unwrap().crc_matches(),
            "bit {bit}"
        );
    }
}

#[test]
fn a_log_walk_stops_at_a_cut_batch_and_at_garbage() {
    let one = three_records(Compression::None);
    let mut log = [one.clone(), one.clone(), one[..70].to_vec()].concat();
    let mut walk = batches(&log);
    assert_eq!(walk.by_ref().filter_map(Result::ok).count(), 2);
    assert_eq!(walk.position(), 2 * one.len());
    log[one.len() + 16] = 9;
    let mut walk = batches(&log);
    assert!(walk.next().unwrap().is_ok());
    assert_eq!(
        walk.next().unwrap().err(),
        Some(BatchParseError::UnknownMagic(9))
    );
    assert!(walk.next().is_none());
    assert_eq!(walk.position(), one.len());
    assert!(batches(&[]).next().is_none());
}

#[test]
fn sequences_wrap_to_zero() {
    assert_eq!(increment_sequence(5, 3), 8);
    assert_eq!(increment_sequence(i32::MAX, 0), i32::MAX);
    assert_eq!(increment_sequence(i32::MAX, 1), 0);
    assert_eq!(increment_sequence(i32::MAX - 2, 5), 2);
    assert_eq!(increment_sequence(i32::MAX, i32::MAX), i32::MAX - 1);
}

#[test]
fn record_counts_must_match_what_is_there() {
    let bytes = three_records(Compression::None);
    let with_count = |count: i32| {
        let bytes = patched(bytes.clone(), 57, &count.to_be_bytes());
        let batch = RecordBatch::parse(&bytes).unwrap();
        validate_records(batch.header(), batch.payload(), &lenient())
    };
    let summary = with_count(3).unwrap();
    assert_eq!(
        (summary.max_timestamp, summary.max_timestamp_index),
        (NOW_MS + 5, 1)
    );
    assert!(summary.offset_deltas_sequential);
    assert_eq!(with_count(4), Err(RecordsError::TooFew { found: 3 }));
    assert!(matches!(with_count(2), Err(RecordsError::Trailing { .. })));
    assert!(matches!(with_count(0), Err(RecordsError::Trailing { .. })));
    assert_eq!(with_count(i32::MAX), Err(RecordsError::TooFew { found: 3 }));
}

#[test]
fn records_without_key_or_out_of_time_are_listed() {
    let bytes = three_records(Compression::None);
    let batch = RecordBatch::parse(&bytes).unwrap();
    let rejected =
        |policy: RecordsPolicy| match validate_records(batch.header(), batch.payload(), &policy) {
            Err(RecordsError::Rejected(rejections)) => {
                assert_eq!(rejections.listed.len(), rejections.total as usize);
                let any = rejections.any_timestamp;
                (
                    rejections
                        .listed
                        .into_iter()
                        .map(|r| (r.batch_index, r.reason))
                        .collect::<Vec<_>>(),
                    any,
                )
            }
            other => panic!("{other:?}"),
        };
    let out = |timestamp| RecordRejection::TimestampOutOfRange { timestamp };
    let keys = RecordsPolicy {
        key_required: true,
        ..lenient()
    };
    assert_eq!(
        rejected(keys),
        (vec![(1, RecordRejection::KeyMissing)], false)
    );
    let young = RecordsPolicy {
        timestamp_after_ms_max: 4,
        ..lenient()
    };
    assert_eq!(rejected(young), (vec![(1, out(NOW_MS + 5))], true));
    let old = RecordsPolicy {
        timestamp_before_ms_max: 4,
        ..keys
    };
    assert_eq!(
        rejected(old),
        (
            vec![(1, RecordRejection::KeyMissing), (2, out(NOW_MS - 5))],
            true
        )
    );
    let at_the_bounds = RecordsPolicy {
        timestamp_before_ms_max: 5,
        timestamp_after_ms_max: 5,
        ..lenient()
    };
    assert!(validate_records(batch.header(), batch.payload(), &at_the_bounds).is_ok());
}

#[test]
fn log_append_time_from_a_producer() {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    builder.log_append_time(Some(NOW_MS));
    builder.append(3, None, None, &[]).unwrap();
    let bytes = builder.build().unwrap();
    let batch = RecordBatch::parse(&bytes).unwrap();
    let validate = |timestamp_type| {
        let policy = RecordsPolicy {
            timestamp_type,
            timestamp_before_ms_max: 10,
            ..lenient()
        };
        validate_records(batch.header(), batch.payload(), &policy)
    };
    assert_eq!(
        validate(TimestampType::CreateTime).unwrap().max_timestamp,
        NOW_MS
    );
    let Err(RecordsError::Rejected(rejections)) = validate(TimestampType::LogAppendTime) else {
        panic!("accepted");
    };
    assert_eq!(
        rejections.listed[0].reason,
        RecordRejection::LogAppendTimeFromProducer {
            timestamp: NOW_MS,
            key_bytes: 0,
            value_bytes: 0,
        }
    );
}

#[test]
fn malformed_records_are_named() {
    let parse = |bytes: &[u8]| records(bytes).find_map(Result::err);
    assert_eq!(parse(&[]), None);
    assert_eq!(parse(&[0x80]), Some(RecordError::Varint));
    assert_eq!(parse(&[0x80; 12]), Some(RecordError::Varint));
    assert!(matches!(
        parse(&[0x01]),
        Some(RecordError::Length { length: -1, .. })
    ));
    // length 6, attributes, timestamp delta, offset delta, null key, null value, headers
    assert_eq!(parse(&[12, 0, 0, 0, 1, 1, 0]), None);
    assert!(matches!(
        parse(&[14, 0, 0, 0, 1, 1, 0]),
        Some(RecordError::Length { length: 7, left: 6 })
    ));
    assert_eq!(
        parse(&[14, 0, 0, 0, 1, 1, 0, 0]),
        Some(RecordError::NotConsumed {
            length: 7,
            unread: 1
        })
    );
    assert_eq!(
        parse(&[12, 0, 0, 0, 1, 1, 1]),
        Some(RecordError::HeaderCount(-1))
    );
    assert_eq!(
        parse(&[12, 0, 0, 0, 1, 1, 2]),
        Some(RecordError::HeaderCount(1))
    );
    assert!(matches!(
        parse(&[16, 0, 0, 0, 1, 1, 2, 1, 1]),
        Some(RecordError::Length { length: -1, .. })
    ));
    assert!(matches!(
        parse(&[12, 0, 0, 0, 8, 1, 0]),
        Some(RecordError::Length { length: 4, .. })
    ));
}

#[test]
fn bombs_stop_at_the_cap() {
    let zeros = vec![0; 64 << 20];
    for codec in Compression::ALL {
        let mut bomb = Vec::new();
        compress(codec, None, &zeros, &mut bomb).unwrap();
        let mut out = Vec::new();
        let refused = decompress_into(codec, &bomb, OUTPUT_BYTES_MAX, &mut out);
        let too_large = CompressionError::TooLarge {
            codec: codec.name(),
            output_bytes_max: OUTPUT_BYTES_MAX,
        };
        assert_eq!(refused, Err(too_large));
        assert!(
            out.capacity() <= OUTPUT_BYTES_MAX + 4096,
            "{codec:?} took {}",
            out.capacity()
        );
    }
}

#[test]
fn lying_sizes_are_not_allocated_for() {
    // Raw snappy: 900,000 declared, 3 bytes there; xerial: a block of 2 GiB.
    let mut out = Vec::new();
    assert!(
        decompress_into(
            Compression::Snappy,
            &[0xa0, 0xf7, 0x36],
            OUTPUT_BYTES_MAX,
            &mut out
        )
        .is_err()
    );
    assert!(out.capacity() < 4096);
    let mut xerial = vec![
        0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
    ];
    xerial.extend_from_slice(&[0x7f, 0xff, 0xff, 0xff, 1, 2]);
    assert!(decompress_into(Compression::Snappy, &xerial, OUTPUT_BYTES_MAX, &mut out).is_err());
    assert!(out.capacity() < 4096);
    // zstd: a frame header that declares 1 MiB, cut.
    let mut bomb = Vec::new();
    compress(Compression::Zstd, None, &vec![0; 1 << 20], &mut bomb).unwrap();
    let cut = &bomb[..bomb.len().min(12)];
    assert!(decompress_into(Compression::Zstd, cut, OUTPUT_BYTES_MAX, &mut out).is_err());
    assert!(out.capacity() <= 64 * 1024);
}

#[test]
fn the_cap_is_exact() {
    let data: Vec<u8> = (0..100_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 5) as u8)
        .collect();
    for codec in Compression::ALL {
        let mut packed = Vec::new();
        compress(codec, None, &data, &mut packed).unwrap();
        assert_eq!(
            decompress(codec, &packed, data.len()).as_ref(),
            Ok(&data),
            "{codec:?}"
        );
        let below = decompress(codec, &packed, data.len() - 1);
        assert!(
            matches!(below, Err(CompressionError::TooLarge { .. })),
            "{codec:?} {below:?}"
        );
    }
}

#[test]
fn foreign_framings() {
    let data = b"raw snappy as librdkafka sends it, raw snappy as librdkafka sends it".repeat(9);
    let raw = snap::raw::Encoder::new().compress_vec(&data).unwrap();
    assert_eq!(
        decompress(Compression::Snappy, &raw, 4096),
        Ok(data.clone())
    );
    let mut two_members = Vec::new();
    compress(Compression::Gzip, Some(1), &data[..100], &mut two_members).unwrap();
    compress(Compression::Gzip, Some(9), &data[100..], &mut two_members).unwrap();
    assert_eq!(
        decompress(Compression::Gzip, &two_members, 4096),
        Ok(data.clone())
    );
    // A stream whose frame header names a window but no content size, as Java's encoder writes it.
    let streamed = zstd::stream::encode_all(&data[..], 3).unwrap();
    assert_eq!(
        decompress(Compression::Zstd, &streamed, 4096),
        Ok(data.clone())
    );
    let long = vec![b'x'; 900_000];
    let streamed = zstd::stream::encode_all(&long[..], 3).unwrap();
    assert_eq!(
        decompress(Compression::Zstd, &streamed, OUTPUT_BYTES_MAX),
        Ok(long)
    );
    // Dependent blocks, which Kafka's readers refuse.
    let mut lz4 = Vec::new();
    compress(Compression::Lz4, None, &data, &mut lz4).unwrap();
    assert_eq!(lz4[4] & 0x20, 0x20, "we write independent blocks");
    lz4[4] &= !0x20;
    assert!(matches!(
        decompress(Compression::Lz4, &lz4, 4096),
        Err(CompressionError::Corrupt { .. })
    ));
}

#[test]
fn levels() {
    let data = b"levels ".repeat(1000);
    for (codec, level, good) in [
        (Compression::Gzip, -1, true),
        (Compression::Gzip, 9, true),
        (Compression::Gzip, 10, false),
        (Compression::Zstd, 1, true),
        (Compression::Zstd, 22, true),
        (Compression::Zstd, 23, false),
        (Compression::Zstd, i32::MIN, false),
        (Compression::Lz4, 17, true),
    ] {
        let mut out = Vec::new();
        assert_eq!(
            compress(codec, Some(level), &data, &mut out).is_ok(),
            good,
            "{codec:?} {level}"
        );
    }
}

type OwnedRecord = (
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Vec<(Vec<u8>, Option<Vec<u8>>)>,
);

fn owned_record() -> impl Strategy<Value = OwnedRecord> {
    let bytes = || vec(any::<u8>(), 0..200);
    let headers = vec((vec(any::<u8>(), 0..9), option::of(bytes())), 0..4);
    (
        -1_i64..1 << 50,
        option::of(bytes()),
        option::of(bytes()),
        headers,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_built_is_read(owned in vec(owned_record(), 1..20), codec in 0_u8..5) {
        let codec = Compression::from_id(codec).unwrap();
        let mut builder = RecordBatchBuilder::new(codec);
        for (timestamp, key, value, headers) in &owned {
            let headers: Vec<_> = headers.iter().map(|(k, v)| Header { key: k, value: v.as_deref() }).collect();
            builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers).unwrap();
        }
        let bytes = builder.build().unwrap();
        prop_assert_eq!(builder.record_count(), 0);
        let batch = RecordBatch::parse(&bytes).unwrap();
        prop_assert!(batch.crc_matches());
        for size in [1, 20, 21, 22, 4096] {
            prop_assert!(batch.crc_matches_pieces(batch.bytes().chunks(size)));
        }
        let cut = &batch.bytes()[..batch.bytes().len() - 1];
        prop_assert!(!batch.crc_matches_pieces(cut.chunks(30)));
        prop_assert_eq!(batch.check_client_batch(), Ok(()));
        let payload = decompress(codec, batch.payload(), OUTPUT_BYTES_MAX).unwrap();
        let policy = RecordsPolicy { timestamp_after_ms_max: i64::MAX, ..lenient() };
        let summary = validate_records(batch.header(), &payload, &policy).unwrap();
        prop_assert_eq!(summary.max_timestamp, batch.max_timestamp());
        let read: Vec<OwnedRecord> = records(&payload).map(|record| {
            let record = record.unwrap();
            (
                batch.base_timestamp() + record.timestamp_delta,
                record.key.map(<[u8]>::to_vec),
                record.value.map(<[u8]>::to_vec),
                record.headers.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))).collect(),
            )
        }).collect();
        prop_assert_eq!(read, owned);
    }

    #[test]
    fn hostile_records_never_panic(bytes in vec(any::<u8>(), 0..300), count in any::<i32>()) {
        let header = patched(three_records(Compression::None), 57, &count.to_be_bytes());
        let _ = validate_records(BatchHeader::parse(&header).unwrap(), &bytes, &lenient());
        for record in records(&bytes).flatten() {
            let left = record.headers.count_left() as usize;
            prop_assert_eq!(record.headers.count(), left);
        }
    }

    #[test]
    fn hostile_batches_never_panic(mut bytes in vec(any::<u8>(), 0..200), magic in any::<bool>()) {
        if magic && bytes.len() > HEADER_BYTES {
            let length = (bytes.len() - 12) as i32;
            bytes[16] = 2;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
        }
        for batch in batches(&bytes).flatten() {
            let _ = (batch.crc_matches(), batch.check_client_batch(), batch.last_sequence(), batch.next_offset());
            let _ = format!("{batch:?}");
        }
        if let Ok(mut batch) = RecordBatchMut::parse(&mut bytes) {
            batch.set_max_timestamp(TimestampType::LogAppendTime, 1);
        }
    }

    #[test]
    fn damaged_compressed_data_never_panics_or_outgrows_the_cap(
        codec in 1_u8..5,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let codec = Compression::from_id(codec).unwrap();
        let data = b"some text, some text, other text ".repeat(500);
        let mut packed = Vec::new();
        compress(codec, None, &data, &mut packed).unwrap();
        for (at, byte) in damage {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        if let Some(cut) = cut {
            packed.truncate(cut.index(packed.len()));
        }
        if let Ok(out) = decompress(codec, &packed, 20_000) {
            prop_assert!(out.len() <= 20_000);
        }
    }
}

/// `cargo test --release -p protocol --test records -- --ignored --nocapture figures`
#[test]
#[ignore = "prints figures, checks nothing"]
fn figures() {
    use std::hint::black_box;
    use std::io::Write;
    let mut builder = RecordBatchBuilder::new(Compression::None);
    for _ in 0..1000 {
        builder.append(NOW_MS, None, Some(&[7; 100]), &[]).unwrap();
    }
    let bytes = builder.build().unwrap();
    let batch = RecordBatch::parse(&bytes).unwrap();
    let measure = |what: &str, rounds: u32, work: &mut dyn FnMut()| {
        let best = (0..7).map(|_| {
            let start = std::time::Instant::now();
            (0..rounds).for_each(|_| work());
            start.elapsed().as_secs_f64() * 1e9 / f64::from(rounds)
        });
        let best = best.fold(f64::MAX, f64::min);
        writeln!(std::io::stderr(), "{what}: {best:.1} ns").unwrap();
    };
    measure("parse + client checks", 1_000_000, &mut || {
        let batch = RecordBatch::parse(black_box(&bytes)).unwrap();
        black_box(batch.check_client_batch()).unwrap();
    });
    measure("crc of 1000 x 100 B", 10_000, &mut || {
        black_box(black_box(batch).crc_matches());
    });
    measure("validate 1000 x 100 B", 10_000, &mut || {
        black_box(validate_records(
            black_box(batch.header()),
            batch.payload(),
            &lenient(),
        ))
        .unwrap();
    });
    for codec in Compression::ALL {
        let mut packed = Vec::new();
        compress(codec, None, batch.payload(), &mut packed).unwrap();
        let mut out = Vec::new();
        measure(&format!("decompress {}", codec.name()), 200, &mut || {
            decompress_into(codec, black_box(&packed), OUTPUT_BYTES_MAX, &mut out).unwrap();
        });
    }
}
