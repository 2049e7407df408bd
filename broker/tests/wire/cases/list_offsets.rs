//! ListOffsets: special timestamps, look-ups by time, epochs, isolation, duplicates.

use protocol::compression::Compression;
use protocol::messages::list_offsets::{ListOffsetsRequest, ListOffsetsRequestTopicPartition};

use super::requests::{LIST_OFFSETS, OffsetParts, at, offsets, offsets_request, produce, tagged};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: std::ops::RangeInclusive<i16> = 1..=11;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(special(run, version));
        all.push(by_time(run, version));
        all.push(unknown(run, version));
        all.push(twice(run, version));
        all.push(epochs(run, version));
        all.push(readers(run, version));
        all.push(lengths(run, version));
    }
    all.push(codecs(run));
    all.push(times_out_of_order(run));
    all.push(log_append_time(run));
    all.push(without_times(run));
    all.push(versions_that_are_not(run));
    all.push(patience(run));
    all
}

/// Five batches of three records in partition 0, ten milliseconds apart; nothing in 1.
fn filled(run: &Run, name: &str, topic: &str) -> Scenario {
    let mut scenario = Scenario::new(name).topic(topic, 2, &[]);
    for batch in 0..5 {
        let bytes = Batch::of(run.time + batch * 10, 3).bytes();
        scenario =
            scenario.step(produce(run, format!("batch {batch}"), 7, topic, &bytes).prepares());
    }
    scenario
}

fn special(run: &Run, version: i16) -> Scenario {
    let topic = format!("special-v{version}");
    let mut scenario = filled(run, &format!("special v{version}"), &topic);
    for timestamp in [-1, -2, -3, -4, -5, -6, -7, -100, i64::MIN] {
        for partition in [0, 1, 9] {
            let request = offsets_request(run, &[(&topic, &[at(partition, timestamp)])]);
            scenario = scenario.step(offsets(
                format!("{timestamp} of {partition}"),
                version,
                &request,
            ));
        }
    }
    let several = offsets_request(
        run,
        &[
            (&topic, &[at(0, -1), at(1, -1), at(7, -1)]),
            ("nowhere", &[at(0, -2), at(1, -5)]),
        ],
    );
    scenario.step(offsets("several", version, &several))
}

fn by_time(run: &Run, version: i16) -> Scenario {
    let topic = format!("time-v{version}");
    let mut scenario = filled(run, &format!("by time v{version}"), &topic);
    for delta in [-1000, -1, 0, 1, 2, 3, 9, 10, 11, 12, 13, 40, 42, 43, 1000] {
        let request = offsets_request(
            run,
            &[(&topic, &[at(0, run.time + delta), at(1, run.time + delta)])],
        );
        scenario = scenario.step(offsets(format!("T{delta:+}"), version, &request));
    }
    for timestamp in [0, 1, i64::MAX] {
        let request = offsets_request(run, &[(&topic, &[at(0, timestamp)])]);
        scenario = scenario.step(offsets(format!("{timestamp}"), version, &request));
    }
    scenario
}

fn unknown(run: &Run, version: i16) -> Scenario {
    let topic = format!("unknown-v{version}");
    let mut scenario = Scenario::new(format!("unknown v{version}")).topic(&topic, 2, &[]);
    for partition in [2, -1, i32::MIN, i32::MAX] {
        let request = offsets_request(run, &[(&topic, &[at(partition, -1)])]);
        scenario = scenario.step(offsets(format!("partition {partition}"), version, &request));
    }
    for name in ["nowhere", "", ".", "$#!"] {
        let request = offsets_request(run, &[(name, &[at(0, -1), at(1, 5), at(2, -3), at(3, -9)])]);
        scenario = scenario.step(offsets(format!("topic {name}"), version, &request));
    }
    let parts: [(&str, OffsetParts<'_>); 4] = [
        ("no topics", &[]),
        ("a topic without partitions", &[(&topic, &[])]),
        ("an unknown topic without partitions", &[("nowhere", &[])]),
        (
            "with and without",
            &[
                (&topic, &[]),
                ("nowhere", &[at(0, -1)]),
                (&topic, &[at(1, -1)]),
            ],
        ),
    ];
    scenario
        .steps(parts.map(|(label, topics)| offsets(label, version, &offsets_request(run, topics))))
}

fn twice(run: &Run, version: i16) -> Scenario {
    let topic = format!("twice-v{version}");
    let scenario = filled(run, &format!("twice v{version}"), &topic);
    let parts: [(&str, OffsetParts<'_>); 6] = [
        ("the same partition", &[(&topic, &[at(0, -1), at(0, -1)])]),
        ("other times", &[(&topic, &[at(0, -1), at(0, -2)])]),
        (
            "three times, another between",
            &[(&topic, &[at(0, -1), at(1, -1), at(0, -2), at(0, 5)])],
        ),
        (
            "two entries of the topic",
            &[(&topic, &[at(0, -1)]), (&topic, &[at(0, -2), at(1, -1)])],
        ),
        ("unknown partition", &[(&topic, &[at(9, -1), at(9, -1)])]),
        (
            "unknown topic",
            &[("nowhere", &[at(0, -1), at(0, -1), at(1, -1)])],
        ),
    ];
    scenario
        .steps(parts.map(|(label, topics)| offsets(label, version, &offsets_request(run, topics))))
}

fn epochs(run: &Run, version: i16) -> Scenario {
    let topic = format!("epochs-v{version}");
    let mut scenario = filled(run, &format!("epochs v{version}"), &topic);
    for epoch in [0, -1, -2, 1, 1000, i32::MIN] {
        for (label, partition, timestamp) in [
            ("latest", 0, -1),
            ("earliest", 0, -2),
            ("largest", 0, -3),
            ("local", 0, -4),
            ("by time", 0, run.time),
            ("none", 1, -1),
            ("-9", 0, -9),
            ("unknown", 9, -1),
        ] {
            let part = ListOffsetsRequestTopicPartition {
                current_leader_epoch: epoch,
                ..at(partition, timestamp)
            };
            let request = offsets_request(run, &[(&topic, &[part])]);
            scenario = scenario.step(offsets(format!("epoch {epoch} {label}"), version, &request));
        }
    }
    scenario
}

fn readers(run: &Run, version: i16) -> Scenario {
    let topic = format!("readers-v{version}");
    let mut scenario = filled(run, &format!("readers v{version}"), &topic);
    let parts = [at(0, -1), at(1, -1)];
    for isolation_level in [0, 1, 2, -1, 127] {
        for timestamp in [-1, -2, -3, run.time + 5, run.time + 1000] {
            let request = ListOffsetsRequest {
                isolation_level,
                ..offsets_request(run, &[(&topic, &[at(0, timestamp)])])
            };
            let label = match timestamp {
                0.. => format!("isolation {isolation_level} T{:+}", timestamp - run.time),
                _ => format!("isolation {isolation_level} {timestamp}"),
            };
            scenario = scenario.step(offsets(label, version, &request));
        }
    }
    let elsewhere = ListOffsetsRequest {
        isolation_level: 2,
        ..offsets_request(run, &[("nowhere", &[at(0, -1), at(1, -9)])])
    };
    scenario = scenario.step(offsets("isolation 2, unknown", version, &elsewhere));
    for replica_id in [-2, -3, 0, 5, i32::MAX, i32::MIN] {
        let request = ListOffsetsRequest {
            replica_id,
            ..offsets_request(run, &[(&topic, &parts), ("nowhere", &[at(0, -1)])])
        };
        scenario = scenario.step(offsets(format!("replica {replica_id}"), version, &request));
        let request = ListOffsetsRequest {
            replica_id,
            isolation_level: 1,
            ..offsets_request(run, &[(&topic, &[at(0, run.time + 5)])])
        };
        scenario = scenario.step(offsets(
            format!("replica {replica_id} by time"),
            version,
            &request,
        ));
    }
    scenario
}

fn lengths(run: &Run, version: i16) -> Scenario {
    let topic = format!("lengths-v{version}");
    let mut body = Vec::new();
    offsets_request(run, &[(&topic, &[at(0, -1)])]).encode(&mut body, version);
    let mut longer = body.clone();
    longer.extend_from_slice(&[0, 0, 0]);
    let ask = |label: &str, body: &[u8]| Step::ask(label, LIST_OFFSETS, version, body);
    Scenario::new(format!("lengths v{version}"))
        .topic(&topic, 1, &[])
        .step(ask("bytes after the end", &longer))
        .step(ask("cut", &body[..body.len() - 1]))
        .step(ask("only the replica", &body[..4]))
        .step(ask("nothing", &[]))
        .steps(tagged(LIST_OFFSETS, version, &body))
        .step(Step::ask_as(
            "no client id",
            None,
            LIST_OFFSETS,
            version,
            &body,
        ))
}

fn asked(run: &Run, mut scenario: Scenario, topic: &str, times: &[i64]) -> Scenario {
    for &timestamp in times {
        let request = offsets_request(run, &[(topic, &[at(0, timestamp)])]);
        let label = match timestamp {
            0.. if timestamp > 1_000_000 => format!("{topic}: T{:+}", timestamp - run.time),
            _ => format!("{topic}: {timestamp}"),
        };
        scenario = scenario.step(offsets(label, 8, &request));
    }
    scenario
}

fn codecs(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("codecs");
    for codec in Compression::ALL {
        let topic = codec.name();
        scenario = scenario.topic(topic, 1, &[]);
        for batch in 0..3 {
            let bytes = Batch::of(run.time + batch * 10, 5).with(codec).bytes();
            scenario = scenario.step(produce(
                run,
                format!("{topic} batch {batch}"),
                7,
                topic,
                &bytes,
            ));
        }
        let times = [0, 1, 4, 5, 10, 12, 14, 15, 20, 24, 25].map(|delta| run.time + delta);
        scenario = asked(run, scenario, topic, &times);
        scenario = asked(run, scenario, topic, &[-1, -2, -3, -4]);
    }
    scenario
}

/// Later records with earlier times; the largest more than once.
fn times_out_of_order(run: &Run) -> Scenario {
    let topic = "disorder";
    let mut scenario = Scenario::new("times out of order").topic(topic, 1, &[]);
    let (key, value): (Option<&[u8]>, Option<&[u8]>) = (Some(b"k"), Some(b"v"));
    for (base, deltas) in [
        (50, vec![0, 5, 2]),
        (20, vec![0, 1, 2]),
        (90, vec![-80, 0, -85, 0]),
        (90, vec![0]),
        (30, vec![3, 2, 1]),
    ] {
        let records: Vec<_> = deltas.iter().map(|delta| (*delta, key, value)).collect();
        let bytes = Batch::holding(run.time + base, &records).bytes();
        scenario =
            scenario.step(produce(run, format!("{base} {deltas:?}"), 7, topic, &bytes).prepares());
        scenario = asked(run, scenario, topic, &[-3]);
        let last = scenario.steps.len() - 1;
        scenario.steps[last].label = format!("largest after {base} {deltas:?}");
    }
    let times: Vec<_> = [0, 5, 6, 10, 20, 21, 31, 33, 50, 52, 54, 55, 56, 89, 90, 91]
        .iter()
        .map(|delta| run.time + delta)
        .collect();
    let scenario = asked(run, scenario, topic, &times);
    asked(run, scenario, topic, &[-3])
}

fn log_append_time(run: &Run) -> Scenario {
    let topic = "stamped";
    let mut scenario = Scenario::new("log append time").topic(
        topic,
        1,
        &[("message.timestamp.type", "LogAppendTime")],
    );
    for batch in 0..2 {
        let bytes = Batch::of(run.time + batch * 10, 3).bytes();
        scenario =
            scenario.step(produce(run, format!("batch {batch}"), 7, topic, &bytes).prepares());
        // The largest of two would depend on whether both came in one millisecond.
        if batch == 0 {
            scenario = asked(run, scenario, topic, &[-3]);
        }
    }
    asked(
        run,
        scenario,
        topic,
        &[0, run.time, run.time + 50, -1, -2, -4],
    )
}

/// Records that have no timestamp are never found.
fn without_times(run: &Run) -> Scenario {
    let topic = "timeless";
    let scenario = Scenario::new("without times")
        .topic(topic, 1, &[])
        .step(produce(
            run,
            "no times",
            7,
            topic,
            &Batch::of(-1, 1).bytes(),
        ));
    let scenario = asked(run, scenario, topic, &[0, -1, -2, -3]).step(produce(
        run,
        "times",
        7,
        topic,
        &Batch::of(run.time, 2).bytes(),
    ));
    let mut scenario = asked(
        run,
        scenario,
        topic,
        &[1, run.time, run.time + 1, run.time + 2],
    );
    let request = offsets_request(run, &[(topic, &[at(0, -3)])]);
    scenario = scenario.step(offsets("the largest then", 8, &request));
    scenario
}

/// How long a client waits, and segments that may be elsewhere.
fn patience(run: &Run) -> Scenario {
    let topic = "patience";
    let mut scenario = filled(run, "patience", topic);
    for version in [10, 11] {
        for timeout_ms in [0, -1, 1000, i32::MIN, i32::MAX] {
            for timestamp in [-1, -4, -5, -6, run.time] {
                let request = ListOffsetsRequest {
                    timeout_ms,
                    ..offsets_request(run, &[(topic, &[at(0, timestamp), at(1, timestamp)])])
                };
                let what = match timestamp {
                    0.. => "T".to_owned(),
                    _ => timestamp.to_string(),
                };
                let label = format!("{what} within {timeout_ms} v{version}");
                scenario = scenario.step(offsets(label, version, &request));
            }
        }
    }
    scenario
}

fn versions_that_are_not(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("versions that are not");
    for version in [0, 12, -1, i16::MIN, 99] {
        let mut body = Vec::new();
        offsets_request(run, &[("nowhere", &[at(0, -1)])]).encode(&mut body, 1);
        scenario = scenario
            .step(Step::ask(
                format!("version {version}"),
                LIST_OFFSETS,
                version,
                &body,
            ))
            .step(Step::ask(
                format!("version {version}, nothing"),
                LIST_OFFSETS,
                version,
                &[],
            ));
    }
    scenario
}
