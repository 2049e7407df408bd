//! Batches and topic names that lie: Kafka's code, nothing appended, nothing made.

use std::fs;
use std::io::Write as _;

use protocol::compression::{Compression, compress};
use protocol::record_batch::HEADER_BYTES;
use tempfile::tempdir;

use crate::broker::{Broker, connect};
use crate::wire::{
    Body, Fields, Honest, METADATA, assert_records, batch, create_topic, fetch, fetched, frame,
    produce, produced, reply, try_once,
};

const CORRUPT_MESSAGE: i16 = 2;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const MESSAGE_TOO_LARGE: i16 = 10;
const INVALID_TOPIC: i16 = 17;
const UNSUPPORTED_COMPRESSION: i16 = 76;
const INVALID_RECORD: i16 = 87;

const LENGTH: usize = 8;
const MAGIC: usize = 16;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const RECORD_COUNT: usize = 57;

/// `batch` with `bytes` written at `at`, and its checksum made right again.
fn changed(batch: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut out = batch.to_vec();
    out[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::crc32c(&out[ATTRIBUTES..]);
    out[CRC..CRC + 4].copy_from_slice(&crc.to_be_bytes());
    out
}

/// A batch whose payload, compressed by `codec`, is `payload`, which claims `count` records.
fn with_payload(codec: Compression, count: i32, payload: &[u8]) -> Vec<u8> {
    let mut out = batch(Compression::None, &[b"x"]);
    out.truncate(HEADER_BYTES);
    out.extend_from_slice(payload);
    let length = i32::try_from(out.len() - 12).unwrap();
    out[LENGTH..LENGTH + 4].copy_from_slice(&length.to_be_bytes());
    out[ATTRIBUTES + 1] = codec.id();
    out[LAST_OFFSET_DELTA..LAST_OFFSET_DELTA + 4].copy_from_slice(&(count - 1).to_be_bytes());
    changed(&out, RECORD_COUNT, &count.to_be_bytes())
}

/// Apache Kafka 4.3.0 answers the same to each, but for the codec that does not exist and the largest length, where it
/// fails itself (UNKNOWN_SERVER_ERROR).
#[test]
fn batches_that_lie_get_kafkas_code_and_append_nothing() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    assert_eq!(create_topic(broker.port, "lies", 1, &[]), 0);
    let good = batch(Compression::None, &[b"one", b"two"]);
    let mut wrong_crc = good.clone();
    wrong_crc[CRC] ^= 1;
    let longer = i32::try_from(good.len() - 12 + 1).unwrap().to_be_bytes();
    let record_length_lies = changed(&good, HEADER_BYTES, &[0x7e]);
    let cases: Vec<(&str, Vec<u8>, i16)> = vec![
        ("wrong CRC", wrong_crc, CORRUPT_MESSAGE),
        (
            "more records than there are",
            changed(&good, RECORD_COUNT, &3i32.to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "fewer records than there are",
            changed(&good, RECORD_COUNT, &1i32.to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "no records",
            changed(&good, RECORD_COUNT, &0i32.to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "a negative count",
            changed(&good, RECORD_COUNT, &(-5i32).to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "the largest count",
            changed(&good, RECORD_COUNT, &i32::MAX.to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "a last offset that lies",
            changed(&good, LAST_OFFSET_DELTA, &9i32.to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "a negative last offset",
            changed(&good, LAST_OFFSET_DELTA, &(-1i32).to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "a batch length beyond the records",
            changed(&good, LENGTH, &longer),
            INVALID_RECORD,
        ),
        (
            "a negative batch length",
            changed(&good, LENGTH, &(-1i32).to_be_bytes()),
            CORRUPT_MESSAGE,
        ),
        (
            "the largest batch length",
            changed(&good, LENGTH, &i32::MAX.to_be_bytes()),
            INVALID_RECORD,
        ),
        (
            "a record length that lies",
            record_length_lies,
            INVALID_RECORD,
        ),
        ("magic 0", changed(&good, MAGIC, &[0]), INVALID_RECORD),
        ("magic 3", changed(&good, MAGIC, &[3]), CORRUPT_MESSAGE),
        (
            "a control batch",
            changed(&good, ATTRIBUTES, &[0, 0x20]),
            INVALID_RECORD,
        ),
        (
            "a codec that does not exist",
            changed(&good, ATTRIBUTES, &[0, 7]),
            UNSUPPORTED_COMPRESSION,
        ),
        (
            "a header alone",
            good[..HEADER_BYTES - 1].to_vec(),
            INVALID_RECORD,
        ),
        ("bytes that are no batch", vec![0xee; 200], CORRUPT_MESSAGE),
        ("two batches", [&good[..], &good].concat(), INVALID_RECORD),
    ];
    for (name, records, expected) in cases {
        let answer = try_once(broker.port, &produce("lies", -1, &records));
        let (code, base_offset) = produced(&answer.unwrap_or_else(|| panic!("{name}: closed")));
        assert_eq!((code, base_offset), (expected, -1), "{name}");
        honest.goes_on();
    }
    let kept = try_once(broker.port, &fetch("lies", 0, 1 << 20)).unwrap();
    assert_eq!(fetched(&kept), (0, 0, &[][..]), "nothing was appended");
    assert!(honest.finish() > 0);
    broker.stop();
}

/// Record bytes that grow beyond every bound: one record whose value is `megabytes` of zeros.
fn bomb(codec: Compression, megabytes: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    let value = vec![0u8; megabytes << 20];
    protocol::record::encode(&mut payload, 0, 0, None, Some(&value), &[]);
    drop(value);
    let mut compressed = Vec::new();
    compress(codec, None, &payload, &mut compressed).unwrap();
    with_payload(codec, 1, &compressed)
}

#[test]
fn compressed_bombs_are_refused_within_the_bound() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    assert_eq!(
        create_topic(
            broker.port,
            "bombs",
            1,
            &[("max.message.bytes", "16000000")]
        ),
        0
    );
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let records = bomb(codec, 300);
        let answer = try_once(broker.port, &produce("bombs", -1, &records));
        let (code, _) = produced(&answer.expect("it is answered"));
        assert!(
            [MESSAGE_TOO_LARGE, INVALID_RECORD, CORRUPT_MESSAGE].contains(&code),
            "{codec:?}: {code}"
        );
        honest.goes_on();
    }
    // What the codecs themselves cannot read, or not to its end.
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let mut cut = Vec::new();
        compress(codec, None, &[7; 10_000], &mut cut).unwrap();
        cut.truncate(cut.len() / 2);
        for payload in [&cut[..], &[0xff; 500], b""] {
            let records = with_payload(codec, 1, payload);
            let answer = try_once(broker.port, &produce("bombs", -1, &records));
            let (code, _) = produced(&answer.expect("it is answered"));
            assert!(
                [INVALID_RECORD, CORRUPT_MESSAGE].contains(&code),
                "{codec:?}: {code}"
            );
        }
    }
    let peak = broker.peak_bytes();
    assert!(peak < 900 << 20, "{peak} bytes");
    assert!(honest.finish() > 0);
    broker.stop();
}

#[test]
fn illegal_topic_names_are_refused_and_make_nothing() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let long = "t".repeat(250);
    let names = [
        "",
        ".",
        "..",
        &long,
        "a/b",
        "../../escape",
        "a b",
        "ü",
        "a\0b",
        "a\nb",
        "%2e",
        "~",
    ];
    for name in names {
        assert_eq!(
            create_topic(broker.port, name, 1, &[]),
            INVALID_TOPIC,
            "{name:?}"
        );
        let asked = frame(METADATA, 4, &Body::default().i32(1).text(name).i8(1).0);
        let answer = try_once(broker.port, &asked).unwrap();
        let mut fields = Fields(&answer);
        fields.take(4 + 4);
        for _ in 0..fields.i32() {
            fields.take(4);
            fields.text();
            fields.take(4);
            fields.text();
        }
        fields.text();
        fields.take(4 + 4);
        assert_eq!(fields.i16(), INVALID_TOPIC, "{name:?}");
        let records = batch(Compression::None, &[b"x"]);
        let answer = try_once(broker.port, &produce(name, -1, &records)).unwrap();
        let code = produced(&answer).0;
        assert!(
            [UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC].contains(&code),
            "{name:?}: {code}"
        );
        let answer = try_once(broker.port, &fetch(name, 0, 1000)).unwrap();
        let code = fetched(&answer).0;
        assert!(
            [UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC].contains(&code),
            "{name:?}: {code}"
        );
    }
    let count = honest.finish();
    broker.stop();
    let shard = data.path().join("shard-0");
    let directories = fs::read_dir(shard).unwrap().flatten();
    let topics: Vec<String> = directories
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "journal")
        .collect();
    assert!(
        topics.iter().all(|name| name.starts_with("honest-0")),
        "{topics:?}"
    );
    let broker = Broker::start(data.path(), &[]);
    assert_records(broker.port, "honest", count..=count);
}

#[test]
fn requests_that_name_a_million_things_stay_within_the_bound() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    let million = 1_000_000;
    let strings = |prefix: Body| prefix.i32(million).raw(&vec![0; 2 * 1_000_000]);
    let cases = [
        (
            "Metadata",
            frame(METADATA, 4, &strings(Body::default()).i8(0).0),
        ),
        (
            "CreateTopics",
            frame(
                19,
                2,
                &Body::default().i32(million).raw(&vec![0; 16 << 20]).0,
            ),
        ),
        (
            "DeleteTopics",
            frame(20, 1, &strings(Body::default()).i32(1000).0),
        ),
        // Resources with a million names each.
        (
            "DescribeConfigs",
            frame(
                32,
                1,
                &{
                    let resource = |body: Body| strings(body.i8(2).text("honest"));
                    let body = (0..5).fold(Body::default().i32(5), |body, _| resource(body));
                    body.i8(0)
                }
                .0,
            ),
        ),
        (
            "ListOffsets",
            frame(
                2,
                1,
                &Body::default()
                    .i32(-1)
                    .i32(million)
                    .raw(&vec![0; 6 << 20])
                    .0,
            ),
        ),
        (
            "Fetch",
            frame(
                1,
                4,
                &Body::default()
                    .i32(-1)
                    .i32(0)
                    .i32(0)
                    .i32(1)
                    .i8(0)
                    .i32(million)
                    .raw(&vec![0; 6 << 20])
                    .0,
            ),
        ),
    ];
    for (name, bytes) in cases {
        // Answered or closed: what matters is what it costs.
        let mut stream = connect(broker.port);
        let _ = stream.write_all(&bytes);
        let _ = reply(&mut stream);
        honest.goes_on();
        let peak = broker.peak_bytes();
        assert!(peak < 900 << 20, "{name}: {peak} bytes");
    }
    assert!(honest.finish() > 0);
    broker.stop();
}
