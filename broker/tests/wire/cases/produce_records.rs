//! Produce, what is in the records: each of Kafka's checks, alone and two at a time, in versions that answer differently.

use protocol::compression::{Compression, compress};
use protocol::record::{Header, encode};

use super::requests::{PRODUCE, fetch_all, produce, produce_body};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

/// One a shape of answer, and both sides of what depends on the version.
const VERSIONS: [i16; 5] = [3, 5, 6, 7, 9];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in 3..=9 {
        all.push(broken_batches(run, version));
    }
    for version in VERSIONS {
        all.push(which_check_wins(run, version));
        all.push(codecs(run, version));
        all.push(compacted(run, version));
        all.push(timestamps(run, version));
        all.push(log_append_time(run, version));
        all.push(small_batches(run, version));
    }
    all.push(compression_types(run));
    all.push(record_contents(run));
    all.push(compressed_contents(run));
    all.push(lying_lengths(run));
    all.push(attribute_bits(run));
    all.push(small_segments(run));
    all.push(largest_batches(run));
    all
}

fn with(batch: &Batch, change: impl Fn(&mut Batch)) -> Vec<u8> {
    let mut changed = batch.clone();
    change(&mut changed);
    changed.bytes()
}

/// Named payloads sent one after the other to a topic; then what is there.
fn sent(
    run: &Run,
    scenario: Scenario,
    version: i16,
    topic: &str,
    batches: Vec<(&str, Vec<u8>)>,
) -> Scenario {
    let mut scenario = scenario;
    for (label, bytes) in batches {
        scenario = scenario.step(produce(run, label, version, topic, &bytes));
    }
    scenario.step(fetch_all(run, "what is there", 11, topic, 0))
}

fn broken_batches(run: &Run, version: i16) -> Scenario {
    let topic = format!("broken-v{version}");
    let good = Batch::of(run.time, 3);
    let bytes = good.bytes();
    let two = [bytes.clone(), bytes.clone()].concat();
    let cut_second = [&bytes[..], &bytes[..40]].concat();
    let broken_second = [bytes.clone(), with(&good, |b| b.magic = 1)].concat();
    let corrupt_second = [bytes.clone(), with(&good, |b| b.magic = 7)].concat();
    let short_second = [bytes.clone(), with(&good, |b| b.length = Some(3))].concat();
    let batches = vec![
        ("empty", Vec::new()),
        ("one byte", vec![0]),
        ("eleven bytes", bytes[..11].to_vec()),
        ("twelve bytes", bytes[..12].to_vec()),
        ("sixteen bytes", bytes[..16].to_vec()),
        ("seventeen bytes", bytes[..17].to_vec()),
        ("sixty bytes", bytes[..60].to_vec()),
        ("only a header", bytes[..61].to_vec()),
        ("cut by one", bytes[..bytes.len() - 1].to_vec()),
        ("one byte more", [&bytes[..], &[0]].concat()),
        ("eighty zeros", vec![0; 80]),
        ("eighty of 255", vec![255; 80]),
        ("two batches", two),
        ("a cut second batch", cut_second),
        ("a second batch of magic 1", broken_second),
        ("a second batch of magic 7", corrupt_second),
        ("a second batch of length 3", short_second),
        ("magic 0", with(&good, |b| b.magic = 0)),
        ("magic 1", with(&good, |b| b.magic = 1)),
        ("magic 3", with(&good, |b| b.magic = 3)),
        ("magic -1", with(&good, |b| b.magic = -1)),
        ("length 0", with(&good, |b| b.length = Some(0))),
        ("length 13", with(&good, |b| b.length = Some(13))),
        ("length 14", with(&good, |b| b.length = Some(14))),
        ("length 48", with(&good, |b| b.length = Some(48))),
        ("length 49", with(&good, |b| b.length = Some(49))),
        ("length -1", with(&good, |b| b.length = Some(-1))),
        ("length too large", with(&good, |b| b.length = Some(10_000))),
        ("largest length", with(&good, |b| b.length = Some(i32::MAX))),
        (
            "length one less",
            with(&good, |b| b.length = Some(bytes.len() as i32 - 13)),
        ),
        ("crc", with(&good, |b| b.crc = Some(7))),
        ("base offset 1", with(&good, |b| b.base_offset = 1)),
        ("base offset -1", with(&good, |b| b.base_offset = -1)),
        (
            "largest base offset",
            with(&good, |b| b.base_offset = i64::MAX),
        ),
        ("leader epoch 9", with(&good, |b| b.leader_epoch = 9)),
        (
            "last offset delta 1",
            with(&good, |b| b.last_offset_delta = Some(1)),
        ),
        (
            "last offset delta 3",
            with(&good, |b| b.last_offset_delta = Some(3)),
        ),
        (
            "last offset delta -1",
            with(&good, |b| b.last_offset_delta = Some(-1)),
        ),
        (
            "smallest last offset delta",
            with(&good, |b| b.last_offset_delta = Some(i32::MIN)),
        ),
        (
            "largest last offset delta",
            with(&good, |b| b.last_offset_delta = Some(i32::MAX)),
        ),
        ("count 0", with(&good, |b| b.count = Some(0))),
        ("count -1", with(&good, |b| b.count = Some(-1))),
        ("count 2", with(&good, |b| b.count = Some(2))),
        ("count 4", with(&good, |b| b.count = Some(4))),
        ("largest count", with(&good, |b| b.count = Some(i32::MAX))),
        (
            "count and delta one more",
            with(&good, |b| {
                (b.count, b.last_offset_delta) = (Some(4), Some(3))
            }),
        ),
        (
            "count and delta one less",
            with(&good, |b| {
                (b.count, b.last_offset_delta) = (Some(2), Some(1))
            }),
        ),
        (
            "no records",
            with(&Batch::holding(run.time, &[]), |b| {
                b.last_offset_delta = Some(0)
            }),
        ),
        (
            "no records, delta -1",
            Batch::holding(run.time, &[]).bytes(),
        ),
        ("a control batch", with(&good, |b| b.attributes = 0x20)),
        ("a delete horizon", with(&good, |b| b.attributes = 0x40)),
        ("unknown attributes", with(&good, |b| b.attributes = 0x0f80)),
        ("codec 5", with(&good, |b| b.attributes = 5)),
        ("codec 7", with(&good, |b| b.attributes = 7)),
        (
            "producer without sequence",
            with(&good, |b| b.producer_id = 5),
        ),
        ("producer, sequence -2", good.clone().by(5, 0, -2).bytes()),
        ("producer -1, sequence 4", good.clone().by(-1, 3, 4).bytes()),
        ("producer -2", good.clone().by(-2, 3, 4).bytes()),
        ("producer, epoch -1", good.clone().by(6, -1, 0).bytes()),
        (
            "largest timestamp too small",
            with(&good, |b| b.max_timestamp = Some(run.time)),
        ),
        (
            "largest timestamp too large",
            with(&good, |b| b.max_timestamp = Some(run.time + 50_000)),
        ),
        (
            "largest timestamp -1",
            with(&good, |b| b.max_timestamp = Some(-1)),
        ),
        ("good", bytes),
    ];
    let scenario = Scenario::new(format!("broken batches v{version}")).topic(&topic, 1, &[]);
    sent(run, scenario, version, &topic, batches)
}

/// Two faults at once: the earlier check answers.
fn which_check_wins(run: &Run, version: i16) -> Scenario {
    let topic = format!("wins-v{version}");
    let configs = [
        ("cleanup.policy", "compact"),
        ("max.message.bytes", "300"),
        ("message.timestamp.after.max.ms", "1000"),
    ];
    let scenario = Scenario::new(format!("which check wins v{version}")).topic(&topic, 1, &configs);
    let good = Batch::of(run.time, 2);
    let large = Batch::holding(run.time, &[(0, Some(b"k"), Some(&[b'v'; 400]))]);
    let keyless = Batch::holding(run.time, &[(0, None, Some(b"v"))]);
    let late = Batch::of(run.time + 5_000_000, 1);
    let zstd = large.clone().with(Compression::Zstd);
    type Change = fn(&mut Batch);
    let faults: [(&str, Change); 7] = [
        ("transactional", |b| b.attributes |= 0x10),
        ("base offset", |b| b.base_offset = 3),
        ("crc", |b| b.crc = Some(1)),
        ("codec 6", |b| b.attributes |= 6),
        ("count", |b| b.count = Some(9)),
        ("control", |b| b.attributes |= 0x20),
        ("sequence", |b| b.producer_id = 1),
    ];
    let mut batches = Vec::new();
    for (at, (first, change)) in faults.iter().enumerate() {
        for (second, other) in &faults[at + 1..] {
            batches.push((
                format!("{first}, {second}"),
                with(&good, |b| {
                    change(b);
                    other(b);
                }),
            ));
        }
        batches.push((
            format!("{first}, magic 1"),
            with(&good, |b| {
                change(b);
                b.magic = 1;
            }),
        ));
        batches.push((format!("{first}, too large"), with(&large, change)));
        batches.push((format!("{first}, no key"), with(&keyless, change)));
        batches.push((format!("{first}, late"), with(&late, change)));
        batches.push((format!("{first}, zstd"), with(&zstd, change)));
    }
    batches.push((
        "no key, late".to_owned(),
        Batch::holding(run.time + 5_000_000, &[(0, None, Some(b"v"))]).bytes(),
    ));
    batches.push((
        "late with a key, no key in time".to_owned(),
        Batch::holding(
            run.time,
            &[(5_000_000, Some(b"k"), None), (0, None, Some(b"v"))],
        )
        .bytes(),
    ));
    batches.push((
        "too large, two batches".to_owned(),
        [large.bytes(), large.bytes()].concat(),
    ));
    batches.push((
        "no key, bad order".to_owned(),
        keyless.clone().by(77, 0, 0).bytes(),
    ));
    let batches = batches
        .iter()
        .map(|(label, bytes)| (label.as_str(), bytes.clone()));
    sent(run, scenario, version, &topic, batches.collect())
}

fn codecs(run: &Run, version: i16) -> Scenario {
    let topic = format!("codecs-v{version}");
    let scenario = Scenario::new(format!("codecs v{version}")).topic(&topic, 1, &[]);
    let good = Batch::of(run.time, 5);
    let mut batches = Vec::new();
    for codec in [
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let name = codec.name();
        let whole = good.clone().with(codec);
        let mut packed = Vec::new();
        compress(codec, None, &good.payload, &mut packed).unwrap();
        let mut flipped = packed.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x55;
        let cut = packed[..packed.len() - 3].to_vec();
        let twice = [packed.clone(), packed.clone()].concat();
        let more = [packed.clone(), vec![1, 2, 3]].concat();
        let replaced = |bytes: Vec<u8>| with(&whole, |b| b.compressed = Some(bytes.clone()));
        batches.push((name.to_owned(), whole.bytes()));
        batches.push((format!("{name} of nothing"), replaced(Vec::new())));
        batches.push((format!("{name} of garbage"), replaced(vec![0xa5; 40])));
        batches.push((format!("{name} of zeros"), replaced(vec![0; 40])));
        batches.push((format!("{name}, a byte changed"), replaced(flipped)));
        batches.push((format!("{name}, cut"), replaced(cut)));
        batches.push((format!("{name}, twice"), replaced(twice)));
        batches.push((format!("{name}, bytes after it"), replaced(more)));
        batches.push((
            format!("{name}, not compressed"),
            replaced(good.payload.clone()),
        ));
        batches.push((
            format!("{name}, count one more"),
            with(&whole, |b| {
                (b.count, b.last_offset_delta) = (Some(6), Some(5));
            }),
        ));
        batches.push((
            format!("{name}, count one less"),
            with(&whole, |b| {
                (b.count, b.last_offset_delta) = (Some(4), Some(3));
            }),
        ));
        batches.push((
            format!("{name}, largest timestamp wrong"),
            with(&whole, |b| b.max_timestamp = Some(5)),
        ));
    }
    let snappy_raw = {
        let mut packed = Vec::new();
        compress(Compression::Snappy, None, &good.payload, &mut packed).unwrap();
        packed[20..].to_vec()
    };
    batches.push((
        "snappy, raw".to_owned(),
        with(&good.clone().with(Compression::Snappy), |b| {
            b.compressed = Some(snappy_raw.clone())
        }),
    ));
    let batches = batches
        .iter()
        .map(|(label, bytes)| (label.as_str(), bytes.clone()));
    sent(run, scenario, version, &topic, batches.collect())
}

fn compacted(run: &Run, version: i16) -> Scenario {
    let mut scenario = Scenario::new(format!("compacted v{version}"));
    for policy in ["compact", "compact,delete"] {
        let topic = format!("{}-v{version}", policy.replace(',', "-"));
        scenario = scenario.topic(&topic, 1, &[("cleanup.policy", policy)]);
        let (key, value): (Option<&[u8]>, Option<&[u8]>) = (Some(b"k"), Some(b"v"));
        for (label, records) in [
            ("a key", vec![(0, key, value)]),
            ("no key", vec![(0, None, value)]),
            ("an empty key", vec![(0, Some(&b""[..]), value)]),
            ("a tombstone", vec![(0, key, None)]),
            ("neither", vec![(0, None, None)]),
            (
                "the second without",
                vec![(0, key, value), (0, None, value), (0, key, value)],
            ),
            (
                "two without",
                vec![(0, None, value), (1, key, value), (2, None, None)],
            ),
        ] {
            let batch = Batch::holding(run.time, &records);
            for codec in [Compression::None, Compression::Gzip, Compression::Lz4] {
                let label = format!("{policy}: {label}, {}", codec.name());
                let bytes = batch.clone().with(codec).bytes();
                scenario = scenario.step(produce(run, label, version, &topic, &bytes));
            }
        }
        let many: Vec<_> = (0..40).map(|_| (0, None, value)).collect();
        let bytes = Batch::holding(run.time, &many).bytes();
        scenario = scenario
            .step(produce(
                run,
                format!("{policy}: forty without"),
                version,
                &topic,
                &bytes,
            ))
            .step(fetch_all(
                run,
                format!("{policy}: what is there"),
                11,
                &topic,
                0,
            ));
    }
    scenario
}

fn timestamps(run: &Run, version: i16) -> Scenario {
    let topic = format!("bounds-v{version}");
    let scenario = Scenario::new(format!("timestamps v{version}")).topic(
        &topic,
        1,
        &[
            ("message.timestamp.before.max.ms", "7200000"),
            ("message.timestamp.after.max.ms", "3600000"),
        ],
    );
    let (key, value): (Option<&[u8]>, Option<&[u8]>) = (Some(b"k"), Some(b"v"));
    let hours = 3_600_000;
    let mut batches = Vec::new();
    for (label, base, deltas) in [
        ("in time", run.time, vec![0, 5]),
        ("an hour old", run.time, vec![-hours]),
        ("three hours old", run.time, vec![-3 * hours]),
        ("four hours ahead", run.time, vec![4 * hours]),
        ("one of three late", run.time, vec![0, 4 * hours, 1]),
        ("one late, one old", run.time, vec![4 * hours, -4 * hours]),
        ("none", -1, vec![0]),
        ("below none", -2, vec![0]),
        ("zero", 0, vec![0]),
        ("the smallest", i64::MIN, vec![0]),
        ("the largest", i64::MAX, vec![0]),
        ("overflow", i64::MAX, vec![1]),
        ("falling", run.time, vec![5, 4, 3]),
        ("none by its delta", run.time, vec![-1 - run.time]),
    ] {
        let records: Vec<_> = deltas.iter().map(|delta| (*delta, key, value)).collect();
        let mut batch = Batch::holding(base, &records);
        let largest = deltas.iter().max().copied().unwrap_or(0);
        batch.max_timestamp = Some(base.wrapping_add(largest));
        batches.push((label.to_owned(), batch.bytes()));
        batches.push((
            format!("{label}, zstd or gzip"),
            batch
                .with(if version >= 7 {
                    Compression::Zstd
                } else {
                    Compression::Gzip
                })
                .bytes(),
        ));
    }
    let stamped = Batch {
        attributes: 0x08,
        ..Batch::of(run.time, 2)
    };
    let late = Batch {
        max_timestamp: Some(run.time + 4 * hours),
        ..stamped.clone()
    };
    batches.push(("stamped by the producer".to_owned(), stamped.bytes()));
    batches.push(("stamped by the producer, late".to_owned(), late.bytes()));
    batches.push((
        "stamped by the producer, gzip".to_owned(),
        stamped.with(Compression::Gzip).bytes(),
    ));
    let batches = batches
        .iter()
        .map(|(label, bytes)| (label.as_str(), bytes.clone()));
    sent(run, scenario, version, &topic, batches.collect())
}

fn log_append_time(run: &Run, version: i16) -> Scenario {
    let topic = format!("append-v{version}");
    let scenario = Scenario::new(format!("log append time v{version}")).topic(
        &topic,
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    );
    let good = Batch::of(run.time, 2);
    let batches = vec![
        ("plain", good.bytes()),
        ("gzip", good.clone().with(Compression::Gzip).bytes()),
        ("lz4", good.clone().with(Compression::Lz4).bytes()),
        ("of a producer", good.clone().by(9, 0, 0).bytes()),
        ("of a producer, again", good.clone().by(9, 0, 0).bytes()),
        ("of a producer, a gap", good.clone().by(9, 0, 7).bytes()),
        ("without a time", Batch::of(-1, 2).bytes()),
        ("old", Batch::of(0, 2).bytes()),
        ("late", Batch::of(run.time + 20_000_000, 2).bytes()),
        (
            "stamped by the producer",
            with(&good, |b| b.attributes = 0x08),
        ),
        (
            "stamped by the producer, gzip",
            with(&good.clone().with(Compression::Gzip), |b| {
                b.attributes = 0x08
            }),
        ),
        ("broken", with(&good, |b| b.crc = Some(1))),
        ("count", with(&good, |b| b.count = Some(1))),
        ("unknown attributes", with(&good, |b| b.attributes = 0x4000)),
        ("a delete horizon", with(&good, |b| b.attributes = 0x40)),
    ];
    sent(run, scenario, version, &topic, batches)
}

fn small_batches(run: &Run, version: i16) -> Scenario {
    let topic = format!("small-v{version}");
    let scenario = Scenario::new(format!("max.message.bytes v{version}")).topic(
        &topic,
        1,
        &[("max.message.bytes", "150")],
    );
    let of = |bytes: usize| {
        // 61 of the header, and 8 of the record beside key and value.
        let value = vec![b'v'; bytes - 61 - 9];
        let batch = Batch::holding(run.time, &[(0, Some(b"k"), Some(&value))]).bytes();
        assert!(batch.len().abs_diff(bytes) <= 2);
        batch
    };
    let zeros = vec![0; 5_000];
    let packed = Batch::holding(run.time, &[(0, Some(b"k"), Some(&zeros))]).with(Compression::Gzip);
    let batches = vec![
        ("148 or so", of(147)),
        ("150 or so", of(149)),
        ("151 or so", of(152)),
        ("1000", of(1000)),
        ("1000, broken", {
            let mut bytes = of(1000);
            bytes[500] ^= 1;
            bytes
        }),
        ("5000 packed into few", packed.bytes()),
        (
            "of a producer",
            Batch::holding(run.time, &[(0, None, Some(&[7; 300]))])
                .by(3, 0, 0)
                .bytes(),
        ),
    ];
    sent(run, scenario, version, &topic, batches)
}

fn compression_types(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("compression.type");
    for wanted in ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("type-{wanted}");
        scenario = scenario.topic(&topic, 1, &[("compression.type", wanted)]);
        for codec in Compression::ALL {
            let batch = Batch::of(run.time, 3).with(codec);
            let label = format!("{} into {wanted}", codec.name());
            scenario = scenario.step(produce(run, label, 8, &topic, &batch.bytes()));
        }
        let good = Batch::of(run.time, 3);
        for (label, bytes) in [
            ("of a producer", good.clone().by(4, 2, 0).bytes()),
            ("of a producer, again", good.clone().by(4, 2, 0).bytes()),
            (
                "largest timestamp wrong",
                with(&good, |b| b.max_timestamp = Some(7)),
            ),
            ("unknown attributes", with(&good, |b| b.attributes = 0x4000)),
            ("a delete horizon", with(&good, |b| b.attributes = 0x40)),
            (
                "offset deltas with gaps",
                Batch::of(run.time, 1).and(4, &[]).bytes(),
            ),
            (
                "headers",
                Batch::of(run.time, 1)
                    .and(
                        1,
                        &[
                            Header {
                                key: b"h",
                                value: None,
                            },
                            Header {
                                key: b"h",
                                value: Some(b"2"),
                            },
                        ],
                    )
                    .bytes(),
            ),
        ] {
            scenario = scenario.step(produce(
                run,
                format!("{label} into {wanted}"),
                8,
                &topic,
                &bytes,
            ));
        }
        scenario = scenario.step(fetch_all(
            run,
            format!("what is in {wanted}"),
            11,
            &topic,
            0,
        ));
    }
    let append = [
        ("compression.type", "lz4"),
        ("message.timestamp.type", "LogAppendTime"),
    ];
    let compact = [
        ("compression.type", "gzip"),
        ("cleanup.policy", "compact"),
        ("max.message.bytes", "120"),
    ];
    let value = vec![0; 200];
    scenario
        .topic("type-append", 1, &append)
        .topic("type-compact", 1, &compact)
        .step(produce(
            run,
            "plain into lz4, stamped",
            8,
            "type-append",
            &Batch::of(run.time, 2).bytes(),
        ))
        .step(fetch_all(run, "what is stamped", 11, "type-append", 0))
        .step(produce(
            run,
            "keyless into gzip, compacted",
            8,
            "type-compact",
            &Batch::holding(run.time, &[(0, None, None)]).bytes(),
        ))
        .step(produce(
            run,
            "too large before it is packed",
            8,
            "type-compact",
            &Batch::holding(run.time, &[(0, Some(b"k"), Some(&value))]).bytes(),
        ))
        .step(fetch_all(run, "what is compacted", 11, "type-compact", 0))
}

/// Bytes of a record's fields by hand: zig-zag numbers below 64 are their double.
fn record_contents(run: &Run) -> Scenario {
    let topic = "contents";
    let scenario = Scenario::new("records by hand").topic(topic, 1, &[]);
    let holding = |payload: &[u8], count| Batch {
        payload: payload.to_vec(),
        records: (count, 0),
        ..Batch::of(run.time, 1)
    };
    let mut two = Vec::new();
    encode(&mut two, 0, 0, Some(b"k"), Some(b"v"), &[]);
    let one = two.clone();
    encode(&mut two, 0, 1, Some(b"k"), Some(b"v"), &[]);
    let records = hand_made();
    let mut batches: Vec<(&str, Vec<u8>)> = records
        .iter()
        .map(|(label, payload)| (*label, holding(payload, 1).bytes()))
        .collect();
    batches.push((
        "one record, count 2",
        with(&holding(&one, 1), |b| {
            (b.count, b.last_offset_delta) = (Some(2), Some(1))
        }),
    ));
    batches.push(("two records, count 1", holding(&two, 1).bytes()));
    batches.push((
        "a byte after the record",
        holding(&[&one[..], &[0]].concat(), 1).bytes(),
    ));
    batches.push(("no bytes, count 1", holding(&[], 1).bytes()));
    batches.push(("deltas 0 and 5", {
        let batch = Batch::of(run.time, 1).and(5, &[]);
        batch.bytes()
    }));
    batches.push(("deltas 5 and 0", {
        let mut payload = Vec::new();
        encode(&mut payload, 0, 5, Some(b"k"), None, &[]);
        encode(&mut payload, 0, 0, Some(b"k"), None, &[]);
        holding(&payload, 2).bytes()
    }));
    batches.push(("delta -1", {
        let mut payload = Vec::new();
        encode(&mut payload, 0, -1, Some(b"k"), None, &[]);
        holding(&payload, 1).bytes()
    }));
    sent(run, scenario, 8, topic, batches)
}

fn hand_made() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("smallest", vec![12, 0, 0, 0, 1, 1, 0]),
        ("length 0", vec![0, 0, 0, 0, 1, 1, 0]),
        ("length -1", vec![1, 0, 0, 0, 1, 1, 0]),
        ("length one less", vec![10, 0, 0, 0, 1, 1, 0]),
        ("length one more", vec![14, 0, 0, 0, 1, 1, 0]),
        (
            "length one more, and the byte",
            vec![14, 0, 0, 0, 1, 1, 0, 0],
        ),
        ("length beyond the end", vec![0xfe, 0x01, 0, 0, 0, 1, 1, 0]),
        ("attributes 255", vec![12, 255, 0, 0, 1, 1, 0]),
        (
            "an endless number",
            vec![255, 255, 255, 255, 255, 255, 255, 255],
        ),
        (
            "a number of five bytes",
            vec![12 | 128, 128, 128, 128, 0, 0, 0, 0, 1, 1, 0],
        ),
        ("a key beyond the record", vec![12, 0, 0, 0, 100, 1, 0]),
        ("a value beyond the record", vec![12, 0, 0, 0, 1, 100, 0]),
        ("key length -2", vec![12, 0, 0, 0, 3, 1, 0]),
        ("value length -2", vec![12, 0, 0, 0, 1, 3, 0]),
        ("header count -1", vec![12, 0, 0, 0, 1, 1, 1]),
        ("header count 1, none there", vec![12, 0, 0, 0, 1, 1, 2]),
        ("header count 60, none there", vec![12, 0, 0, 0, 1, 1, 120]),
        ("a header", vec![18, 0, 0, 0, 1, 1, 2, 2, b'h', 1]),
        ("a header of no key", vec![14, 0, 0, 0, 1, 1, 2, 1]),
        (
            "a header of no key and a value",
            vec![16, 0, 0, 0, 1, 1, 2, 1, 1],
        ),
        ("a header of an empty key", vec![16, 0, 0, 0, 1, 1, 2, 0, 1]),
        (
            "a header's key that is not text",
            vec![18, 0, 0, 0, 1, 1, 2, 2, 0xff, 1],
        ),
        (
            "a header beyond the record",
            vec![16, 0, 0, 0, 1, 1, 2, 100, 1],
        ),
    ]
}

/// The same inside compressed batches. Kafka does not look at a record's own length there: those are asked apart.
fn compressed_contents(run: &Run) -> Scenario {
    let topic = "compressed-contents";
    let mut scenario = Scenario::new("records by hand, compressed").topic(topic, 1, &[]);
    for codec in [Compression::Gzip, Compression::Lz4] {
        for (label, payload) in hand_made() {
            if !lies(label) {
                let label = format!("{label}, {}", codec.name());
                let bytes = packed(run, codec, &payload);
                scenario = scenario.step(produce(run, label, 8, topic, &bytes));
            }
        }
        let gaps = Batch::of(run.time, 1).and(5, &[]).with(codec).bytes();
        scenario = scenario
            .step(produce(
                run,
                format!("deltas 0 and 5, {}", codec.name()),
                8,
                topic,
                &gaps,
            ))
            .step(produce(
                run,
                format!("no bytes, count 1, {}", codec.name()),
                8,
                topic,
                &packed(run, codec, &[]),
            ));
    }
    scenario.step(fetch_all(run, "what is there", 11, topic, 0))
}

/// Each into a partition of its own, so that what one broker takes does not move the others.
fn lying_lengths(run: &Run) -> Scenario {
    let topic = "lying";
    let mut scenario = Scenario::new("lying lengths").topic(topic, 5, &[]);
    let lying = hand_made().into_iter().filter(|(label, _)| lies(label));
    for (partition, (label, payload)) in (0..).zip(lying) {
        let bytes = packed(run, Compression::Gzip, &payload);
        let body = produce_body(run, 8, -1, None, &[(topic, &[(partition, Some(&bytes))])]);
        scenario = scenario.step(Step::ask(label, PRODUCE, 8, &body));
    }
    scenario
}

fn lies(label: &str) -> bool {
    [
        "length 0",
        "length -1",
        "length one less",
        "length one more",
        "length beyond the end",
    ]
    .contains(&label)
}

fn packed(run: &Run, codec: Compression, payload: &[u8]) -> Vec<u8> {
    let batch = Batch {
        payload: payload.to_vec(),
        records: (1, 0),
        ..Batch::of(run.time, 1)
    };
    batch.with(codec).bytes()
}

fn attribute_bits(run: &Run) -> Scenario {
    let topic = "bits";
    let scenario = Scenario::new("attribute bits").topic(topic, 1, &[]);
    let good = Batch::of(run.time, 1);
    let labels: Vec<_> = (0..16).map(|bit| format!("bit {bit}")).collect();
    let batches = labels
        .iter()
        .enumerate()
        .filter(|(bit, _)| *bit > 2)
        .map(|(bit, label)| {
            (
                label.as_str(),
                with(&good, |b| b.attributes = (1u16 << bit) as i16),
            )
        });
    sent(run, scenario, 8, topic, batches.collect())
}

/// The default of `max.message.bytes`, to the byte.
fn largest_batches(run: &Run) -> Scenario {
    let topic = "largest";
    let scenario = Scenario::new("message.max.bytes").topic(topic, 1, &[]);
    let of = |bytes: usize| {
        let overhead = Batch::holding(run.time, &[(0, None, Some(&vec![0; 1_000_000]))]);
        let overhead = overhead.bytes().len() - 1_000_000;
        let value = vec![7; bytes - overhead];
        let batch = Batch::holding(run.time, &[(0, None, Some(&value))]).bytes();
        assert_eq!(batch.len(), bytes);
        batch
    };
    let zeros = vec![0; 3_000_000];
    let packed = Batch::holding(run.time, &[(0, None, Some(&zeros))]).with(Compression::Gzip);
    let batches = vec![
        ("as large as may be", of(1_048_588)),
        ("a byte more", of(1_048_589)),
        ("three million zeros, packed", packed.bytes()),
    ];
    sent(run, scenario, 8, topic, batches)
}

fn small_segments(run: &Run) -> Scenario {
    let topic = "segments";
    let configs = [
        ("segment.bytes", "1048576"),
        ("max.message.bytes", "3000000"),
    ];
    let scenario = Scenario::new("segment.bytes").topic(topic, 1, &configs);
    let of = |bytes: usize| {
        Batch::holding(run.time, &[(0, Some(b"k"), Some(&vec![b'v'; bytes]))]).bytes()
    };
    let batches = vec![
        ("a small one", of(100)),
        ("larger than a segment", of(1_100_000)),
        ("as large as a segment", of(1_048_576 - 61 - 12)),
        ("beyond max.message.bytes", of(3_000_001)),
    ];
    sent(run, scenario, 8, topic, batches)
}
