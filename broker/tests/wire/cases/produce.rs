//! Produce, the request around the records: acks, topics, partitions, duplicates, lengths, versions.

use protocol::messages::produce::{
    ProduceRequest, ProduceRequestTopicData, ProduceRequestTopicDataPartitionData,
};
use protocol::primitives::Uuid;

use super::requests::{
    PRODUCE, Parts, at, create, delete, fetch_all, offsets, offsets_request, produce, produce_body,
    tagged,
};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step, id_named};

/// Versions that are answered.
pub const VERSIONS: std::ops::RangeInclusive<i16> = 3..=13;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(plain(run, version));
        all.push(acks(run, version));
        all.push(unknown(run, version));
        all.push(several(run, version));
        all.push(twice(run, version));
        all.push(twice_and_none(run, version));
        all.push(malformed_among(run, version));
        all.push(transactional(run, version));
    }
    all.push(null_records(run));
    all.push(acks_0(run));
    all.push(few_replicas(run));
    all.push(with_transactional_id(run));
    all.push(lengths(run));
    all.push(old_versions(run));
    all.push(internal_topics(run));
    all.push(pipelined(run));
    all.push(ids(run));
    all.push(gone(run));
    all
}

fn step(run: &Run, label: impl Into<String>, version: i16, acks: i16, parts: Parts<'_>) -> Step {
    let body = produce_body(run, version, acks, None, parts);
    Step::ask(label, PRODUCE, version, &body)
}

fn plain(run: &Run, version: i16) -> Scenario {
    let topic = format!("plain-v{version}");
    let three = Batch::of(run.time, 3).bytes();
    Scenario::new(format!("plain v{version}"))
        .topic(&topic, 2, &[])
        .step(produce(run, "three records", version, &topic, &three))
        .step(produce(run, "three more", version, &topic, &three))
        .step(step(
            run,
            "the other partition",
            version,
            1,
            &[(&topic, &[(1, Some(&three))])],
        ))
        .step(fetch_all(run, "what is there", 11, &topic, 0))
}

fn acks(run: &Run, version: i16) -> Scenario {
    let topic = format!("acks-v{version}");
    let one = Batch::of(run.time, 1).bytes();
    let mut scenario = Scenario::new(format!("acks v{version}")).topic(&topic, 1, &[]);
    for acks in [1, -1, 2, -2, i16::MIN, i16::MAX] {
        let label = format!("acks {acks}");
        scenario = scenario.step(step(
            run,
            label,
            version,
            acks,
            &[(&topic, &[(0, Some(&one))])],
        ));
    }
    scenario
        .step(step(
            run,
            "acks 2, no such topic",
            version,
            2,
            &[("none", &[(0, Some(&one))])],
        ))
        .step(step(
            run,
            "acks 2, no such partition",
            version,
            2,
            &[(&topic, &[(7, Some(&one))])],
        ))
        .step(step(
            run,
            "acks 2, empty records",
            version,
            2,
            &[(&topic, &[(0, Some(&[]))])],
        ))
        .step(step(
            run,
            "acks 2, broken records",
            version,
            2,
            &[(&topic, &[(0, Some(&[7; 80]))])],
        ))
        .step(step(run, "acks 2, no topics", version, 2, &[]))
        .step(step(
            run,
            "acks 2, one good and one unknown topic",
            version,
            2,
            &[(&topic, &[(0, Some(&one))]), ("none", &[(0, Some(&one))])],
        ))
        .step(fetch_all(run, "what is there", 11, &topic, 0))
}

fn unknown(run: &Run, version: i16) -> Scenario {
    let topic = format!("unknown-v{version}");
    let one = Batch::of(run.time, 1).bytes();
    let long = "x".repeat(300);
    let mut scenario = Scenario::new(format!("unknown v{version}")).topic(&topic, 2, &[]);
    for partition in [2, -1, i32::MIN, i32::MAX] {
        let label = format!("partition {partition}");
        scenario = scenario.step(step(
            run,
            label,
            version,
            -1,
            &[(&topic, &[(partition, Some(&one))])],
        ));
    }
    for name in ["nowhere", "", ".", "..", "$#!", "with space", &long] {
        let label = format!("topic {name:.12}");
        scenario = scenario.step(step(run, label, version, -1, &[(name, &[(0, Some(&one))])]));
    }
    scenario
        .step(step(run, "no topics", version, -1, &[]))
        .step(step(
            run,
            "a topic without partitions",
            version,
            -1,
            &[(&topic, &[])],
        ))
        .step(step(
            run,
            "an unknown topic without partitions",
            version,
            -1,
            &[("nowhere", &[])],
        ))
        .step(step(
            run,
            "topics with and without partitions",
            version,
            -1,
            &[
                (&topic, &[]),
                (&topic, &[(1, Some(&one))]),
                ("nowhere", &[]),
                ("nowhere", &[(0, None)]),
            ],
        ))
        .step(step(
            run,
            "unknown topic, broken records",
            version,
            -1,
            &[("nowhere", &[(0, Some(&[1; 70]))])],
        ))
        .step(step(
            run,
            "unknown partition, empty records",
            version,
            -1,
            &[(&topic, &[(9, Some(&[]))])],
        ))
}

fn several(run: &Run, version: i16) -> Scenario {
    let (first, second) = (format!("first-v{version}"), format!("second-v{version}"));
    let one = Batch::of(run.time, 1).bytes();
    let two = Batch::of(run.time, 2).bytes();
    let broken = Batch {
        crc: Some(1),
        ..Batch::of(run.time, 1)
    }
    .bytes();
    Scenario::new(format!("several v{version}"))
        .topic(&first, 3, &[])
        .topic(&second, 2, &[])
        .step(step(
            run,
            "two topics, all partitions",
            version,
            -1,
            &[
                (&first, &[(0, Some(&one)), (1, Some(&two)), (2, Some(&one))]),
                (&second, &[(1, Some(&two)), (0, Some(&one))]),
            ],
        ))
        .step(step(
            run,
            "good, broken and unknown ones",
            version,
            -1,
            &[
                (
                    &first,
                    &[(2, Some(&two)), (5, Some(&one)), (0, Some(&broken))],
                ),
                ("nowhere", &[(0, Some(&one)), (1, Some(&broken))]),
                (&second, &[(0, Some(&[])), (1, Some(&one))]),
            ],
        ))
        .step(step(
            run,
            "the topic twice, other partitions",
            version,
            -1,
            &[
                (&first, &[(0, Some(&one))]),
                (&second, &[(0, Some(&one))]),
                (&first, &[(1, Some(&two))]),
            ],
        ))
        .step(fetch_all(run, "first 0", 11, &first, 0))
        .step(fetch_all(run, "first 1", 11, &first, 1))
        .step(fetch_all(run, "first 2", 11, &first, 2))
        .step(fetch_all(run, "second 0", 11, &second, 0))
        .step(fetch_all(run, "second 1", 11, &second, 1))
}

fn twice(run: &Run, version: i16) -> Scenario {
    let topic = format!("twice-v{version}");
    let one = Batch::of(run.time, 1).bytes();
    let two = Batch::of(run.time + 5, 2).bytes();
    let broken = Batch {
        crc: Some(1),
        ..Batch::of(run.time, 1)
    }
    .bytes();
    let all = |label, parts: Parts<'_>| step(run, label, version, -1, parts);
    Scenario::new(format!("twice v{version}"))
        .topic(&topic, 2, &[])
        .step(all(
            "the same partition twice",
            &[(&topic, &[(0, Some(&one)), (0, Some(&two))])],
        ))
        .step(all(
            "three times",
            &[(&topic, &[(0, Some(&one)), (0, Some(&two)), (0, Some(&one))])],
        ))
        .step(all(
            "another between",
            &[(&topic, &[(0, Some(&two)), (1, Some(&one)), (0, Some(&one))])],
        ))
        .step(all(
            "in two entries of the topic",
            &[(&topic, &[(0, Some(&one))]), (&topic, &[(0, Some(&two))])],
        ))
        .step(all(
            "good, then broken",
            &[(&topic, &[(0, Some(&one)), (0, Some(&broken))])],
        ))
        .step(all(
            "broken, then good",
            &[(&topic, &[(0, Some(&broken)), (0, Some(&one))])],
        ))
        .step(all(
            "unknown partition twice",
            &[(&topic, &[(9, Some(&one)), (9, Some(&two))])],
        ))
        .step(all(
            "unknown topic twice",
            &[("none", &[(0, Some(&one)), (0, Some(&two))])],
        ))
        .step(fetch_all(run, "what is there", 11, &topic, 0))
        .step(fetch_all(run, "and in the other", 11, &topic, 1))
}

/// The same partition twice, once without a batch. Kafka appends the batch that is one, whatever it answers: what is there
/// afterwards is not compared.
fn twice_and_none(run: &Run, version: i16) -> Scenario {
    let topic = format!("none-v{version}");
    let one = Batch::of(run.time, 1).bytes();
    let two = [one.clone(), one.clone()].concat();
    let magic = Batch {
        magic: 1,
        ..Batch::of(run.time, 1)
    }
    .bytes();
    let mut scenario = Scenario::new(format!("twice, and none v{version}")).topic(&topic, 1, &[]);
    for (label, bytes) in [
        ("empty", &Vec::new()),
        ("two batches", &two),
        ("magic 1", &magic),
    ] {
        for (label, first, second) in [
            (format!("good, then {label}"), &one, bytes),
            (format!("{label}, then good"), bytes, &one),
            (format!("{label}, then empty"), bytes, &Vec::new()),
        ] {
            let parts: Parts<'_> = &[(&topic, &[(0, Some(first)), (0, Some(second))])];
            scenario = scenario.step(step(run, label, version, -1, parts));
        }
    }
    scenario
}

/// One partition's batch has an impossible length or format: what becomes of the others?
fn malformed_among(run: &Run, version: i16) -> Scenario {
    let topic = format!("malformed-v{version}");
    let one = Batch::of(run.time, 1);
    let changed = |change: fn(&mut Batch)| {
        let mut batch = one.clone();
        change(&mut batch);
        batch.bytes()
    };
    let short = changed(|batch| batch.length = Some(5));
    let magic = changed(|batch| batch.magic = 9);
    let flagged = changed(|batch| batch.attributes = 0x10);
    let crc = changed(|batch| batch.crc = Some(1));
    let one = one.bytes();
    let cut = &magic[..16];
    let second = [&one[..], &magic].concat();
    let as_id = |label: &str, id, acks, parts: Parts<'_>| {
        let body = produce_body(run, version, acks, id, parts);
        Step::ask(label, PRODUCE, version, &body)
    };
    let three = |label: &str, first: &[u8], middle: &[u8], last: &[u8]| {
        let parts: Parts<'_> = &[
            (&topic, &[(0, Some(first)), (1, Some(middle))]),
            ("nowhere", &[(0, Some(last))]),
        ];
        as_id(label, None, -1, parts)
    };
    Scenario::new(format!("malformed among good v{version}"))
        .topic(&topic, 2, &[])
        .step(three("short first", &short, &one, &one))
        .step(three("short in the middle", &one, &short, &one))
        .step(three("short for an unknown topic", &one, &one, &short))
        .step(three("magic", &one, &magic, &one))
        .step(three("magic, but cut", &one, cut, &one))
        .step(three("magic in a second batch", &one, &second, &one))
        .step(three("transactional, then short", &flagged, &short, &one))
        .step(three("short, then transactional", &short, &flagged, &one))
        .step(three("crc, then transactional", &crc, &flagged, &one))
        .step(three("transactional, unknown topic", &one, &one, &flagged))
        .step(as_id(
            "short, with an id",
            Some("tx"),
            -1,
            &[(&topic, &[(0, Some(&one)), (1, Some(&short))])],
        ))
        .step(as_id(
            "short, acks 2",
            None,
            2,
            &[(&topic, &[(0, Some(&one)), (1, Some(&short))])],
        ))
        .step(
            as_id(
                "",
                None,
                0,
                &[(&topic, &[(0, Some(&one)), (1, Some(&short))])],
            )
            .send_only(),
        )
        .step(fetch_all(run, "after acks 0", 11, &topic, 0))
        .step(fetch_all(run, "what is there", 11, &topic, 0))
        .step(fetch_all(run, "and in the other", 11, &topic, 1))
}

/// A minimum of in-sync replicas above the number of replicas counts as that number.
fn few_replicas(run: &Run) -> Scenario {
    let one = Batch::of(run.time, 1).bytes();
    let mut scenario = Scenario::new("min.insync.replicas");
    for minimum in ["1", "2", "5"] {
        let topic = format!("min-{minimum}");
        scenario = scenario.topic(&topic, 1, &[("min.insync.replicas", minimum)]);
        for acks in [-1, 1] {
            let label = format!("{minimum}, acks {acks}");
            let parts: Parts<'_> = &[(&topic, &[(0, Some(&one))])];
            scenario = scenario.step(step(run, label, 9, acks, parts));
        }
    }
    scenario
}

/// Transactional batches with a transactional id: of a partition that no transaction knows.
fn with_transactional_id(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("with a transactional id");
    let flagged = Batch {
        attributes: 0x10,
        ..Batch::of(run.time, 1)
    };
    let lone = flagged.bytes();
    let by = flagged.by(4242, 0, 0).bytes();
    for version in VERSIONS {
        let topic = format!("tx-v{version}");
        let parts: [(&str, Parts<'_>); 2] = [
            ("of a producer", &[(&topic, &[(0, Some(&by))])]),
            ("unknown partition", &[(&topic, &[(9, Some(&by))])]),
        ];
        scenario = scenario.topic(&topic, 1, &[]);
        for (label, parts) in parts {
            let body = produce_body(run, version, -1, Some("tx"), parts);
            scenario = scenario.step(Step::ask(
                format!("{label} v{version}"),
                PRODUCE,
                version,
                &body,
            ));
        }
    }
    let parts: Parts<'_> = &[("tx-v9", &[(0, Some(&lone))])];
    let body = produce_body(run, 9, -1, Some("tx"), parts);
    scenario = scenario.step(Step::ask("of none", PRODUCE, 9, &body));
    scenario
}

/// Null in place of records: Kafka leaves it without an answer.
fn null_records(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("null records").topic("null", 1, &[]);
    for version in [3, 6, 9] {
        let parts: Parts<'_> = &[("null", &[(0, None)])];
        scenario = scenario.step(step(run, format!("v{version}"), version, -1, parts));
    }
    scenario
}

fn transactional(run: &Run, version: i16) -> Scenario {
    let topic = format!("transactional-v{version}");
    let plain = Batch::of(run.time, 1);
    let flagged = Batch {
        attributes: 0x10,
        ..plain.clone()
    };
    let by = flagged.clone().by(4242, 0, 0);
    let as_id = |label: &str, id, parts: Parts<'_>| {
        Step::ask(
            label,
            PRODUCE,
            version,
            &produce_body(run, version, -1, id, parts),
        )
    };
    let (plain, flagged, by) = (plain.bytes(), flagged.bytes(), by.bytes());
    Scenario::new(format!("transactional v{version}"))
        .topic(&topic, 2, &[])
        .step(as_id(
            "an id, a plain batch",
            Some("tx"),
            &[(&topic, &[(0, Some(&plain))])],
        ))
        .step(as_id(
            "an empty id, a plain batch",
            Some(""),
            &[(&topic, &[(0, Some(&plain))])],
        ))
        .step(as_id(
            "no id, a flagged batch",
            None,
            &[(&topic, &[(0, Some(&flagged))])],
        ))
        .step(as_id(
            "no id, a flagged batch of a producer",
            None,
            &[(&topic, &[(0, Some(&by))])],
        ))
        .step(as_id(
            "no id, one plain and one flagged batch",
            None,
            &[(&topic, &[(0, Some(&plain)), (1, Some(&by))])],
        ))
        .step(as_id(
            "no id, flagged, unknown topic",
            None,
            &[("none", &[(0, Some(&by))])],
        ))
        .step(as_id(
            "no id, flagged, unknown partition",
            None,
            &[(&topic, &[(8, Some(&by))])],
        ))
        .step(step(
            run,
            "no id, flagged, acks 2",
            version,
            2,
            &[(&topic, &[(0, Some(&by))])],
        ))
        .step(fetch_all(run, "what is there", 11, &topic, 0))
}

fn acks_0(run: &Run) -> Scenario {
    let one = Batch::of(run.time, 1).bytes();
    let broken = Batch {
        crc: Some(1),
        ..Batch::of(run.time, 1)
    }
    .bytes();
    let mut scenario = Scenario::new("acks 0").topic("acks-0", 2, &[]);
    let end = offsets_request(run, &[("acks-0", &[at(0, -1), at(1, -1)])]);
    for version in VERSIONS {
        for (name, topic, partition, records) in [
            ("good", "acks-0", 0, Some(&one[..])),
            ("broken", "acks-0", 0, Some(&broken)),
            ("empty", "acks-0", 0, Some(&[])),
            ("unknown topic", "nowhere", 0, Some(&one)),
            ("unknown partition", "acks-0", 7, Some(&one)),
            ("good again", "acks-0", 1, Some(&one)),
        ] {
            scenario = scenario
                .step(step(run, "", version, 0, &[(topic, &[(partition, records)])]).send_only())
                .step(offsets(format!("after {name} v{version}"), 1, &end));
        }
        scenario = scenario
            .step(
                step(
                    run,
                    "",
                    version,
                    0,
                    &[("acks-0", &[(1, Some(&one)), (0, Some(&broken))])],
                )
                .send_only(),
            )
            .step(offsets(
                format!("after one good, one broken v{version}"),
                1,
                &end,
            ))
            .step(step(run, "", version, 0, &[]).send_only())
            .step(offsets(format!("after no topics v{version}"), 1, &end))
            .step(step(run, "", version, 0, &[("acks-0", &[])]).send_only())
            .step(offsets(format!("after no partitions v{version}"), 1, &end));
    }
    scenario
}

fn lengths(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("lengths").topic("lengths", 1, &[]);
    let one = Batch::of(run.time, 1).bytes();
    for version in VERSIONS {
        let body = produce_body(run, version, -1, None, &[("lengths", &[(0, Some(&one))])]);
        let mut longer = body.clone();
        longer.extend_from_slice(&[0, 0, 0, 0, 0]);
        scenario = scenario
            .step(Step::ask(
                format!("bytes after the end v{version}"),
                PRODUCE,
                version,
                &longer,
            ))
            .step(Step::ask(
                format!("cut v{version}"),
                PRODUCE,
                version,
                &body[..body.len() - 1],
            ))
            .step(Step::ask(
                format!("only acks v{version}"),
                PRODUCE,
                version,
                &body[..4],
            ))
            .steps(
                tagged(PRODUCE, version, &body)
                    .into_iter()
                    .map(|step| Step {
                        label: format!("{} v{version}", step.label),
                        ..step
                    }),
            )
            .step(Step::ask(
                format!("nothing v{version}"),
                PRODUCE,
                version,
                &[],
            ))
            .step(Step::ask_as(
                format!("no client id v{version}"),
                None,
                PRODUCE,
                version,
                &body,
            ));
        for timeout in [0i32, -1, i32::MAX, i32::MIN] {
            let mut other = body.clone();
            let place = if version >= 9 { 3 } else { 4 };
            other[place..place + 4].copy_from_slice(&timeout.to_be_bytes());
            scenario = scenario.step(Step::ask(
                format!("timeout {timeout} v{version}"),
                PRODUCE,
                version,
                &other,
            ));
        }
    }
    scenario
}

fn old_versions(run: &Run) -> Scenario {
    let one = Batch::of(run.time, 1).bytes();
    let mut scenario = Scenario::new("versions that are not").topic("old", 1, &[]);
    for version in [0, 1, 2, -1, i16::MIN, 99] {
        let body = produce_body(run, 3, -1, None, &[("old", &[(0, Some(&one))])]);
        let (with_id, without) = (&body[..], &body[2..]);
        let body = if version >= 3 { with_id } else { without };
        let acks_0 = produce_body(run, 3, 0, None, &[("old", &[(0, Some(&one))])]);
        scenario = scenario
            .step(Step::ask(
                format!("version {version}"),
                PRODUCE,
                version,
                body,
            ))
            .step(Step::ask(
                format!("version {version}, acks 0"),
                PRODUCE,
                version,
                &acks_0[2..],
            ))
            .step(Step::ask(
                format!("version {version}, nothing"),
                PRODUCE,
                version,
                &[],
            ));
    }
    scenario
}

fn internal_topics(run: &Run) -> Scenario {
    let one = Batch::of(run.time, 1).bytes();
    let mut scenario = Scenario::new("names of internal topics");
    for name in [
        "__consumer_offsets",
        "__transaction_state",
        "__share_group_state",
        "__cluster_metadata",
    ] {
        // Names as they are, not in this run's name space: the topics are not there.
        let bare = Run {
            prefix: String::new(),
            ..run.clone()
        };
        let body = produce_body(&bare, 9, -1, None, &[(name, &[(0, Some(&one))])]);
        scenario = scenario
            .step(Step::ask(name, PRODUCE, 9, &body))
            .step(Step::ask_as(
                format!("{name} by the admin client"),
                Some("__admin_client"),
                PRODUCE,
                9,
                &body,
            ));
    }
    scenario
}

/// Five at once, then their answers in order.
fn pipelined(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("pipelined").topic("pipelined", 1, &[]);
    let one = Batch::of(run.time, 1).bytes();
    let broken = Batch {
        crc: Some(1),
        ..Batch::of(run.time, 1)
    }
    .bytes();
    for records in [&one, &broken, &one, &one, &broken] {
        scenario = scenario.step(produce(run, "", 7, "pipelined", records).send_only());
    }
    for answer in 0..5 {
        scenario = scenario.step(Step::receive(format!("answer {answer}"), PRODUCE, 7));
    }
    scenario
}

/// Topics told by ids that are none, or by the same one twice.
fn ids(run: &Run) -> Scenario {
    let (one, two) = ("ids-one", "ids-two");
    let scenario = Scenario::new("ids").topic(one, 2, &[]).topic(two, 2, &[]);
    let batch = Batch::of(run.time, 1).bytes();
    let of = |topics: &[(u128, &[i32])]| {
        let topic_data = topics
            .iter()
            .map(|(id, partitions)| ProduceRequestTopicData {
                topic_id: Uuid(*id),
                partition_data: partitions
                    .iter()
                    .map(|index| ProduceRequestTopicDataPartitionData {
                        index: *index,
                        records: Some(batch.as_slice().into()),
                    })
                    .collect(),
                ..ProduceRequestTopicData::default()
            });
        let request = ProduceRequest {
            transactional_id: None,
            acks: -1,
            timeout_ms: 10_000,
            topic_data: topic_data.collect(),
        };
        let mut body = Vec::new();
        request.encode(&mut body, 13);
        body
    };
    let id = |topic: &str| id_named(&run.topic(topic));
    let (one, two, none, other) = (id(one), id(two), id("ids-none"), id("ids-other"));
    let asked: [(&str, &[(u128, &[i32])]); 8] = [
        ("two topics", &[(two, &[1, 0]), (one, &[0])]),
        ("an unknown one", &[(none, &[0])]),
        (
            "two unknown ones",
            &[(none, &[0]), (one, &[0]), (other, &[0]), (none, &[1])],
        ),
        ("unknown partitions", &[(one, &[7, 0, -1]), (none, &[-1])]),
        ("one twice", &[(one, &[0]), (two, &[0]), (one, &[1, 0])]),
        ("the id 0", &[(0, &[0])]),
        ("the id 1", &[(1, &[0]), (one, &[1])]),
        ("no partitions", &[(one, &[]), (none, &[])]),
    ];
    scenario.steps(asked.map(|(label, topics)| Step::ask(label, PRODUCE, 13, &of(topics))))
}

/// A topic that was deleted: its id is unknown, also when its name is there again.
fn gone(run: &Run) -> Scenario {
    let topic = "gone";
    let batch = Batch::of(run.time, 1).bytes();
    let ask =
        |label: &str, version| produce(run, format!("{label} v{version}"), version, topic, &batch);
    Scenario::new("gone")
        .topic(topic, 1, &[])
        .steps([ask("there", 12), ask("there", 13)])
        .step(delete(run, topic))
        .steps([ask("deleted", 12), ask("deleted", 13)])
        .steps(create(run, topic))
        .steps([ask("made again", 12), ask("made again", 13)])
}
