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
/// `i32::MAX`.
const LARGEST: [u8; 4] = [0x7f, 0xff, 0xff, 0xff];

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

/// Batches that are wrong in one field, whose checksum is right: what, where, with what, and Kafka's code.
const WRONG_FIELDS: &[(&str, usize, &[u8], i16)] = &[
    (
        "too many records",
        RECORD_COUNT,
        &[0, 0, 0, 3],
        INVALID_RECORD,
    ),
    (
        "too few records",
        RECORD_COUNT,
        &[0, 0, 0, 1],
        INVALID_RECORD,
    ),
    ("no records", RECORD_COUNT, &[0; 4], INVALID_RECORD),
    ("a negative count", RECORD_COUNT, &[0xff; 4], INVALID_RECORD),
    ("the largest count", RECORD_COUNT, &LARGEST, INVALID_RECORD),
    (
        "a wrong last offset",
        LAST_OFFSET_DELTA,
        &[0, 0, 0, 9],
        INVALID_RECORD,
    ),
    (
        "a negative last offset",
        LAST_OFFSET_DELTA,
        &[0xff; 4],
        INVALID_RECORD,
    ),
    ("a negative length", LENGTH, &[0xff; 4], CORRUPT_MESSAGE),
    ("the largest length", LENGTH, &LARGEST, INVALID_RECORD),
    ("a record's length", HEADER_BYTES, &[0x7e], INVALID_RECORD),
    ("magic 0", MAGIC, &[0], INVALID_RECORD),
    ("magic 3", MAGIC, &[3], CORRUPT_MESSAGE),
    ("a control batch", ATTRIBUTES, &[0, 0x20], INVALID_RECORD),
    (
        "no such codec",
        ATTRIBUTES,
        &[0, 7],
        UNSUPPORTED_COMPRESSION,
    ),
];

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
    let header = good[..HEADER_BYTES - 1].to_vec();
    let twice = [&good[..], &good].concat();
    let mut cases = vec![
        ("wrong CRC", wrong_crc, CORRUPT_MESSAGE),
        (
            "longer than its records",
            changed(&good, LENGTH, &longer),
            INVALID_RECORD,
        ),
        ("a header alone", header, INVALID_RECORD),
        ("no batch at all", vec![0xee; 200], CORRUPT_MESSAGE),
        ("two batches", twice, INVALID_RECORD),
    ];
    for (name, at, bytes, code) in WRONG_FIELDS {
        cases.push((name, changed(&good, *at, bytes), *code));
    }
    for (name, records, expected) in cases {
        let answer = try_once(broker.port, &produce("lies", -1, &records));
        let answer = answer.unwrap_or_else(|| panic!("{name}: closed"));
        assert_eq!(produced(&answer), (expected, -1), "{name}");
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

/// Requests with a million elements, or arrays of so many inside each other.
fn requests_of_a_million() -> [(&'static str, Vec<u8>); 6] {
    const MILLION: i32 = 1_000_000;
    let begin = Body::default;
    let empty_strings = |body: Body| body.i32(MILLION).raw(&vec![0; 2_000_000]);
    let elements = |body: Body, bytes: usize| body.i32(MILLION).raw(&vec![0; bytes]);
    let resource = |body: Body, _| empty_strings(body.i8(2).text("honest"));
    let configs = (0..5).fold(begin().i32(5), resource).i8(0);
    let fetch = begin().i32(-1).i32(0).i32(0).i32(1).i8(0);
    [
        (
            "Metadata",
            frame(METADATA, 4, &empty_strings(begin()).i8(0).0),
        ),
        ("CreateTopics", frame(19, 2, &elements(begin(), 16 << 20).0)),
        (
            "DeleteTopics",
            frame(20, 1, &empty_strings(begin()).i32(1000).0),
        ),
        ("DescribeConfigs", frame(32, 1, &configs.0)),
        (
            "ListOffsets",
            frame(2, 1, &elements(begin().i32(-1), 6 << 20).0),
        ),
        ("Fetch", frame(1, 4, &elements(fetch, 6 << 20).0)),
    ]
}

#[test]
fn requests_that_name_a_million_things_stay_within_the_bound() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let honest = Honest::start(broker.port, "honest");
    for (name, bytes) in requests_of_a_million() {
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
