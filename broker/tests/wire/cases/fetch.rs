//! Fetch: offsets, limits, epochs, sessions, waits.

use protocol::messages::fetch::{
    FetchRequest, FetchRequestForgottenTopic, FetchRequestReplicaState, FetchRequestTopic,
    FetchRequestTopicPartition,
};
use protocol::primitives::Uuid;

use super::requests::PRODUCE;
use super::requests::{
    FETCH, FetchParts, create, delete, fetch, fetch_all, fetch_request, from, produce,
    produce_body, tagged,
};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step, id_named};

/// Those left out are those before them, with a tag that only replicas write.
const VERSIONS: [i16; 13] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 18];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(offsets(run, version));
        all.push(limits(run, version));
        all.push(unknown(run, version));
        all.push(twice(run, version));
        all.push(epochs(run, version));
        all.push(replicas(run, version));
        all.push(isolation(run, version));
        all.push(lengths(run, version));
        if version >= 7 {
            all.push(sessions(run, version));
        }
    }
    all.push(opened_sessions(run));
    all.push(waits(run));
    all.push(woken(run));
    all.push(racks(run));
    all.push(versions_that_are_not(run));
    all.push(codecs(run));
    all.push(ids(run));
    all.push(gone(run));
    all
}

/// A topic of three partitions: ten batches of three records in 0, one large batch in 1, nothing in 2.
fn filled(run: &Run, name: &str, topic: &str) -> Scenario {
    let mut scenario = Scenario::new(name).topic(topic, 3, &[]);
    for batch in 0..10 {
        let bytes = Batch::of(run.time + batch * 10, 3).bytes();
        scenario =
            scenario.step(produce(run, format!("batch {batch}"), 7, topic, &bytes).prepares());
    }
    let large = Batch::holding(run.time, &[(0, Some(b"large"), Some(&[b'l'; 5000]))]).bytes();
    let body = produce_body(run, 7, -1, None, &[(topic, &[(1, Some(&large))])]);
    scenario.step(Step::ask("the large batch", PRODUCE, 7, &body).prepares())
}

fn offsets(run: &Run, version: i16) -> Scenario {
    let topic = format!("offsets-v{version}");
    let mut scenario = filled(run, &format!("offsets v{version}"), &topic);
    for offset in [0, 1, 2, 3, 29, 30, 31, 1000, -1, -2, i64::MIN, i64::MAX] {
        let request = fetch_request(run, &[(&topic, &[from(0, offset)])]);
        scenario = scenario.step(fetch(format!("from {offset}"), version, &request));
    }
    for offset in [0, 1, -1] {
        let request = fetch_request(run, &[(&topic, &[from(2, offset)])]);
        scenario = scenario.step(fetch(
            format!("from {offset} where nothing is"),
            version,
            &request,
        ));
    }
    let all = fetch_request(run, &[(&topic, &[from(0, 28), from(1, 0), from(2, 0)])]);
    let bad = fetch_request(run, &[(&topic, &[from(0, 99), from(1, 0), from(2, 5)])]);
    scenario
        .step(fetch("all partitions", version, &all))
        .step(fetch("one good of three", version, &bad))
}

fn limits(run: &Run, version: i16) -> Scenario {
    let topic = format!("limits-v{version}");
    let mut scenario = filled(run, &format!("limits v{version}"), &topic);
    let of = |partition, bytes| FetchRequestTopicPartition {
        partition_max_bytes: bytes,
        ..from(partition, 0)
    };
    for bytes in [0, 1, -1, 90, 200, 300, i32::MIN, i32::MAX] {
        let request = fetch_request(run, &[(&topic, &[of(0, bytes)])]);
        scenario = scenario.step(fetch(format!("partition max {bytes}"), version, &request));
        let both = fetch_request(run, &[(&topic, &[of(1, bytes), of(0, bytes)])]);
        scenario = scenario.step(fetch(format!("partition max {bytes}, two"), version, &both));
        let request = FetchRequest {
            max_bytes: bytes,
            ..fetch_request(run, &[(&topic, &[from(1, 0), from(0, 0)])])
        };
        scenario = scenario.step(fetch(format!("max {bytes}"), version, &request));
        let request = FetchRequest {
            max_bytes: bytes,
            ..fetch_request(run, &[(&topic, &[from(2, 0), from(0, 0), from(1, 0)])])
        };
        scenario = scenario.step(fetch(
            format!("max {bytes}, an empty one first"),
            version,
            &request,
        ));
        let request = FetchRequest {
            min_bytes: bytes,
            max_wait_ms: 10,
            ..fetch_request(run, &[(&topic, &[from(0, 27)])])
        };
        scenario = scenario.step(fetch(format!("min {bytes}"), version, &request));
    }
    let zero_then_more = fetch_request(run, &[(&topic, &[of(0, 0), of(1, 1 << 20)])]);
    let failed_first = fetch_request(run, &[(&topic, &[from(0, 99), of(1, 1)])]);
    let second_cut = FetchRequest {
        max_bytes: 5200,
        ..fetch_request(run, &[(&topic, &[from(1, 0), from(0, 0)])])
    };
    scenario
        .step(fetch(
            "nothing of the first, all of the second",
            version,
            &zero_then_more,
        ))
        .step(fetch(
            "an error first, then a large batch",
            version,
            &failed_first,
        ))
        .step(fetch(
            "room for a batch of the second",
            version,
            &second_cut,
        ))
}

fn unknown(run: &Run, version: i16) -> Scenario {
    let topic = format!("unknown-v{version}");
    let mut scenario = Scenario::new(format!("unknown v{version}")).topic(&topic, 2, &[]);
    for partition in [2, -1, i32::MIN, i32::MAX] {
        let request = fetch_request(run, &[(&topic, &[from(partition, 0)])]);
        scenario = scenario.step(fetch(format!("partition {partition}"), version, &request));
    }
    for name in ["nowhere", "", ".", "$#!"] {
        let request = fetch_request(run, &[(name, &[from(0, 0), from(1, 0)])]);
        scenario = scenario.step(fetch(format!("topic {name}"), version, &request));
    }
    let parts: [(&str, FetchParts<'_>); 5] = [
        ("no topics", &[]),
        ("a topic without partitions", &[(&topic, &[])]),
        ("an unknown topic without partitions", &[("nowhere", &[])]),
        (
            "with and without partitions",
            &[
                (&topic, &[]),
                ("nowhere", &[from(0, 0)]),
                (&topic, &[from(1, 0)]),
            ],
        ),
        (
            "known and unknown",
            &[
                (&topic, &[from(0, 0), from(9, 0)]),
                ("nowhere", &[from(0, 0)]),
            ],
        ),
    ];
    for (label, topics) in parts {
        scenario = scenario.step(fetch(label, version, &fetch_request(run, topics)));
        let committed = FetchRequest {
            isolation_level: 1,
            ..fetch_request(run, topics)
        };
        scenario = scenario.step(fetch(format!("{label}, committed"), version, &committed));
    }
    let waiting = FetchRequest {
        max_wait_ms: 5000,
        min_bytes: 1,
        ..fetch_request(run, &[])
    };
    let failing = FetchRequest {
        topics: fetch_request(run, &[("nowhere", &[from(0, 0)])]).topics,
        ..waiting.clone()
    };
    scenario
        .step(fetch("no topics, a long wait", version, &waiting).at_least(3000))
        .step(fetch("an unknown topic, a long wait", version, &failing).at_least(3000))
}

fn twice(run: &Run, version: i16) -> Scenario {
    let topic = format!("twice-v{version}");
    let scenario = filled(run, &format!("twice v{version}"), &topic);
    let parts: [(&str, FetchParts<'_>); 5] = [
        (
            "the same partition",
            &[(&topic, &[from(0, 27), from(0, 27)])],
        ),
        ("other offsets", &[(&topic, &[from(0, 27), from(0, 24)])]),
        (
            "another between",
            &[(&topic, &[from(0, 27), from(1, 0), from(0, 24)])],
        ),
        (
            "two entries of the topic",
            &[
                (&topic, &[from(0, 27)]),
                ("nowhere", &[from(0, 0)]),
                (&topic, &[from(1, 0), from(0, 24)]),
            ],
        ),
        (
            "unknown ones",
            &[
                ("nowhere", &[from(0, 0), from(0, 1)]),
                (&topic, &[from(9, 0), from(9, 1)]),
            ],
        ),
    ];
    scenario.steps(parts.map(|(label, topics)| fetch(label, version, &fetch_request(run, topics))))
}

fn epochs(run: &Run, version: i16) -> Scenario {
    let topic = format!("epochs-v{version}");
    let mut scenario = filled(run, &format!("epochs v{version}"), &topic);
    for epoch in [0, -1, -2, 1, 1000, i32::MAX, i32::MIN] {
        for offset in [27, 99] {
            let part = FetchRequestTopicPartition {
                current_leader_epoch: epoch,
                ..from(0, offset)
            };
            let request = fetch_request(run, &[(&topic, &[part])]);
            scenario = scenario.step(fetch(
                format!("leader epoch {epoch} from {offset}"),
                version,
                &request,
            ));
        }
        for (offset, partition) in [(27, 0), (30, 0), (31, 0), (0, 2), (3, 2), (-1, 0)] {
            let part = FetchRequestTopicPartition {
                last_fetched_epoch: epoch,
                ..from(partition, offset)
            };
            let request = fetch_request(run, &[(&topic, &[part])]);
            scenario = scenario.step(fetch(
                format!("last epoch {epoch} from {offset} of {partition}"),
                version,
                &request,
            ));
        }
        let part = FetchRequestTopicPartition {
            current_leader_epoch: 7,
            last_fetched_epoch: epoch,
            ..from(0, 99)
        };
        let request = fetch_request(run, &[(&topic, &[part])]);
        scenario = scenario.step(fetch(
            format!("leader epoch 7, last epoch {epoch}"),
            version,
            &request,
        ));
    }
    for start in [0, 5, 99, i64::MIN, i64::MAX] {
        let part = FetchRequestTopicPartition {
            log_start_offset: start,
            ..from(0, 27)
        };
        let request = fetch_request(run, &[(&topic, &[part])]);
        scenario = scenario.step(fetch(format!("log start {start}"), version, &request));
    }
    scenario
}

fn replicas(run: &Run, version: i16) -> Scenario {
    let topic = format!("replicas-v{version}");
    let mut scenario = filled(run, &format!("replicas v{version}"), &topic);
    for replica_id in [-2, -3, 5, i32::MAX, i32::MIN] {
        for (label, offset) in [("from 27", 27), ("from 99", 99)] {
            let request = FetchRequest {
                replica_id,
                replica_state: replica(replica_id),
                ..fetch_request(run, &[(&topic, &[from(0, offset)])])
            };
            scenario = scenario.step(fetch(
                format!("replica {replica_id} {label}"),
                version,
                &request,
            ));
        }
    }
    let request = FetchRequest {
        replica_id: 5,
        replica_state: replica(5),
        isolation_level: 1,
        ..fetch_request(
            run,
            &[
                (&topic, &[from(0, 27), from(8, 0)]),
                ("nowhere", &[from(0, 0)]),
            ],
        )
    };
    scenario.step(fetch("replica 5, unknown ones", version, &request))
}

fn replica(replica_id: i32) -> FetchRequestReplicaState {
    FetchRequestReplicaState {
        replica_id,
        replica_epoch: -1,
    }
}

fn isolation(run: &Run, version: i16) -> Scenario {
    let topic = format!("isolation-v{version}");
    let mut scenario = filled(run, &format!("isolation v{version}"), &topic);
    for isolation_level in [1, 2, -1, 127, -128] {
        for (label, partition, offset) in [
            ("data", 0, 27),
            ("the end", 0, 30),
            ("beyond", 0, 31),
            ("nothing", 2, 0),
            ("unknown", 9, 0),
        ] {
            let request = FetchRequest {
                isolation_level,
                ..fetch_request(run, &[(&topic, &[from(partition, offset)])])
            };
            scenario = scenario.step(fetch(
                format!("level {isolation_level}: {label}"),
                version,
                &request,
            ));
        }
    }
    scenario
}

fn lengths(run: &Run, version: i16) -> Scenario {
    let topic = format!("lengths-v{version}");
    let request = fetch_request(run, &[(&topic, &[from(0, 0)])]);
    let mut body = Vec::new();
    request.encode(&mut body, version);
    let mut longer = body.clone();
    longer.extend_from_slice(&[0, 0, 0]);
    let ask = |label: &str, body: &[u8]| Step::ask(label, FETCH, version, body);
    let waits = |label: &str, max_wait_ms: i32, min_bytes: i32| {
        let request = FetchRequest {
            max_wait_ms,
            min_bytes,
            ..request.clone()
        };
        fetch(label, version, &request)
    };
    Scenario::new(format!("lengths v{version}"))
        .topic(&topic, 1, &[])
        .step(ask("bytes after the end", &longer))
        .step(ask("cut", &body[..body.len() - 1]))
        .step(ask("only numbers", &body[..12]))
        .step(ask("nothing", &[]))
        .steps(tagged(FETCH, version, &body))
        .step(Step::ask_as("no client id", None, FETCH, version, &body))
        .step(waits("wait -1, min 1", -1, 1))
        .step(waits("wait 0, min 1", 0, 1))
        .step(waits("wait 5000, min 0", 5000, 0).at_least(3000))
        .step(waits("wait 5000, min -1", 5000, -1).at_least(3000))
        .step(waits("wait 200, min 1", 200, 1).at_least(190))
}

fn sessions(run: &Run, version: i16) -> Scenario {
    let topic = format!("sessions-v{version}");
    let mut scenario = Scenario::new(format!("sessions v{version}"))
        .topic(&topic, 2, &[])
        .step(produce(run, "a batch", 7, &topic, &Batch::of(run.time, 1).bytes()).prepares());
    // The largest id and some below it are a fault of Kafka's own.
    for session_id in [0, 5, -1, 1 << 20] {
        for session_epoch in [-1, 1, 5, -2, i32::MAX, i32::MIN] {
            let request = FetchRequest {
                session_id,
                session_epoch,
                ..fetch_request(run, &[(&topic, &[from(0, 0)]), ("nowhere", &[from(0, 0)])])
            };
            let label = format!("session {session_id} epoch {session_epoch}");
            scenario = scenario.step(fetch(label, version, &request));
            let request = FetchRequest {
                session_id,
                session_epoch,
                ..fetch_request(run, &[])
            };
            let label = format!("session {session_id} epoch {session_epoch}, no topics");
            scenario = scenario.step(fetch(label, version, &request));
        }
    }
    let forgotten = FetchRequest {
        forgotten_topics_data: vec![FetchRequestForgottenTopic {
            topic: run.topic(&topic).into(),
            topic_id: Uuid(id_named(&run.topic(&topic))),
            partitions: vec![0, 1, 9],
        }],
        ..fetch_request(run, &[(&topic, &[from(0, 0)])])
    };
    scenario.step(fetch("forgotten without a session", version, &forgotten))
}

/// Epoch 0 asks for a session.
fn opened_sessions(run: &Run) -> Scenario {
    let topic = "opening";
    let mut scenario = Scenario::new("sessions opened")
        .topic(topic, 2, &[])
        .step(produce(run, "a batch", 7, topic, &Batch::of(run.time, 1).bytes()).prepares());
    for version in 7..=18 {
        for session_id in [0, 5] {
            let request = FetchRequest {
                session_id,
                session_epoch: 0,
                ..fetch_request(
                    run,
                    &[
                        (topic, &[from(0, 0), from(1, 0)]),
                        ("nowhere", &[from(0, 0)]),
                    ],
                )
            };
            let label = format!("session {session_id} epoch 0 v{version}");
            scenario = scenario.step(fetch(label, version, &request));
        }
        let empty = FetchRequest {
            session_epoch: 0,
            ..fetch_request(run, &[])
        };
        scenario = scenario.step(fetch(
            format!("epoch 0, no topics v{version}"),
            version,
            &empty,
        ));
    }
    scenario
}

fn waits(run: &Run) -> Scenario {
    let topic = "waits";
    let scenario = Scenario::new("waits")
        .topic(topic, 2, &[])
        .step(produce(run, "a batch", 7, topic, &Batch::of(run.time, 3).bytes()).prepares());
    let of = |wait, min, topics: FetchParts<'_>| FetchRequest {
        max_wait_ms: wait,
        min_bytes: min,
        ..fetch_request(run, topics)
    };
    let end: &[FetchRequestTopicPartition] = &[from(0, 3), from(1, 0)];
    let bad: &[FetchRequestTopicPartition] = &[from(0, 4), from(1, 0)];
    let diverging: &[FetchRequestTopicPartition] = &[FetchRequestTopicPartition {
        last_fetched_epoch: 4,
        ..from(0, 3)
    }];
    let data: &[FetchRequestTopicPartition] = &[from(0, 0), from(1, 0)];
    scenario
        .step(fetch("at the end", 12, &of(300, 1, &[(topic, end)])).at_least(290))
        .step(
            fetch(
                "data, but less than wanted",
                12,
                &of(300, 100_000, &[(topic, data)]),
            )
            .at_least(290),
        )
        .step(fetch("data enough", 12, &of(5000, 1, &[(topic, data)])).at_least(3000))
        .step(fetch("an error beside", 12, &of(5000, 1, &[(topic, bad)])).at_least(3000))
        .step(
            fetch(
                "an unknown topic beside",
                12,
                &of(5000, 1, &[(topic, end), ("nowhere", end)]),
            )
            .at_least(3000),
        )
        .step(fetch("a diverging epoch", 12, &of(5000, 1, &[(topic, diverging)])).at_least(3000))
        .step(
            fetch(
                "more than the largest answer",
                12,
                &FetchRequest {
                    max_bytes: 10,
                    ..of(300, 1000, &[(topic, data)])
                },
            )
            .at_least(290),
        )
}

/// A fetch of two partitions waits on one connection, a produce to one of them on another wakes it.
fn woken(run: &Run) -> Scenario {
    let topic = "woken";
    let mut scenario = Scenario::new("woken").topic(topic, 2, &[]);
    let mut ends = [0, 0];
    for version in [4, 11, 12, 13, 18] {
        for partition in [0, 1] {
            let request = FetchRequest {
                max_wait_ms: 30_000,
                min_bytes: 1,
                ..fetch_request(run, &[(topic, &[from(0, ends[0]), from(1, ends[1])])])
            };
            let one = Batch::of(run.time, 1).bytes();
            let body = produce_body(run, 8, -1, None, &[(topic, &[(partition, Some(&one))])]);
            ends[partition as usize] += 1;
            scenario = scenario
                .step(fetch("", version, &request).send_only())
                .step(
                    Step::ask(
                        format!("a batch to {partition} for v{version}"),
                        PRODUCE,
                        8,
                        &body,
                    )
                    .over(1),
                )
                .step(
                    Step::receive(format!("woken by {partition} v{version}"), FETCH, version)
                        .at_least(20_000),
                );
        }
    }
    scenario
}

fn racks(run: &Run) -> Scenario {
    let topic = "racks";
    let mut scenario = Scenario::new("racks and clusters")
        .topic(topic, 1, &[])
        .step(produce(run, "a batch", 7, topic, &Batch::of(run.time, 1).bytes()).prepares());
    for rack in ["", "rack-1", "a rack with spaces"] {
        for version in [11, 12, 13, 17] {
            let request = FetchRequest {
                rack_id: rack.into(),
                ..fetch_request(run, &[(topic, &[from(0, 0)])])
            };
            scenario = scenario.step(fetch(format!("rack {rack} v{version}"), version, &request));
        }
    }
    for cluster in ["", "another"] {
        let request = FetchRequest {
            cluster_id: Some(cluster.into()),
            ..fetch_request(run, &[(topic, &[from(0, 0)])])
        };
        scenario = scenario.step(fetch(format!("cluster {cluster}"), 12, &request));
    }
    scenario
}

fn versions_that_are_not(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("versions that are not");
    for version in [0, 1, 3, 19, -1, i16::MIN, 99] {
        let mut body = Vec::new();
        fetch_request(run, &[("nowhere", &[from(0, 0)])]).encode(&mut body, 4);
        scenario = scenario
            .step(Step::ask(
                format!("version {version}"),
                FETCH,
                version,
                &body,
            ))
            .step(Step::ask(
                format!("version {version}, nothing"),
                FETCH,
                version,
                &[],
            ));
    }
    scenario
}

/// Batches of every codec go to every version as they are.
fn codecs(run: &Run) -> Scenario {
    use protocol::compression::Compression;
    let topic = "codecs";
    let mut scenario = Scenario::new("codecs").topic(topic, 1, &[]).topic(
        "zstd",
        1,
        &[("compression.type", "zstd")],
    );
    for codec in Compression::ALL {
        let bytes = Batch::of(run.time, 2).with(codec).bytes();
        scenario = scenario
            .step(produce(run, codec.name(), 7, topic, &bytes))
            .step(produce(
                run,
                format!("{} into zstd", codec.name()),
                7,
                "zstd",
                &bytes,
            ));
    }
    for version in 4..=18 {
        scenario = scenario
            .step(fetch_all(run, format!("all v{version}"), version, topic, 0))
            .step(fetch_all(
                run,
                format!("all of zstd v{version}"),
                version,
                "zstd",
                0,
            ));
    }
    scenario
}

/// Topics told by ids that are none, or by the same one twice.
fn ids(run: &Run) -> Scenario {
    let (one, two) = ("ids-one", "ids-two");
    let mut scenario = Scenario::new("ids").topic(one, 2, &[]).topic(two, 2, &[]);
    for topic in [one, two] {
        let bytes = Batch::of(run.time, 1).bytes();
        scenario = scenario.step(produce(run, format!("to {topic}"), 7, topic, &bytes).prepares());
    }
    let parts = |topics: &[(u128, &[i32])]| {
        let topics = topics.iter().map(|(id, partitions)| FetchRequestTopic {
            topic_id: Uuid(*id),
            partitions: partitions.iter().map(|at| from(*at, 0)).collect(),
            ..FetchRequestTopic::default()
        });
        FetchRequest {
            topics: topics.collect(),
            ..fetch_request(run, &[])
        }
    };
    let id = |topic: &str| id_named(&run.topic(topic));
    let (one, two, none, other) = (id(one), id(two), id("ids-none"), id("ids-other"));
    for version in [13, 16, 18] {
        let asked: [(&str, &[(u128, &[i32])]); 9] = [
            ("two topics", &[(two, &[1, 0]), (one, &[0])]),
            ("an unknown one", &[(none, &[0])]),
            ("an unknown one first", &[(none, &[1, 0]), (two, &[0])]),
            (
                "two unknown ones",
                &[(none, &[0]), (one, &[0]), (other, &[0]), (none, &[1])],
            ),
            ("unknown partitions", &[(one, &[7, 0, -1]), (none, &[-1])]),
            ("one twice", &[(one, &[0]), (two, &[0]), (one, &[1, 0])]),
            ("the id 0", &[(0, &[0])]),
            ("the id 1", &[(1, &[0])]),
            ("the id -1", &[(u128::MAX, &[0]), (one, &[1])]),
        ];
        for (label, topics) in asked {
            let request = parts(topics);
            scenario = scenario.step(fetch(format!("{label} v{version}"), version, &request));
            let waiting = FetchRequest {
                max_wait_ms: 5000,
                min_bytes: 1,
                isolation_level: 1,
                ..request
            };
            let label = format!("{label}, waiting v{version}");
            scenario = scenario.step(fetch(label, version, &waiting).at_least(3000));
        }
    }
    scenario
}

/// A topic that was deleted: its id is unknown, also when its name is there again.
fn gone(run: &Run) -> Scenario {
    let topic = "gone";
    let bytes = Batch::of(run.time, 1).bytes();
    let mut scenario = Scenario::new("gone")
        .topic(topic, 1, &[])
        .step(produce(run, "a batch", 7, topic, &bytes).prepares());
    for stage in ["before", "deleted", "made again"] {
        scenario = match stage {
            "deleted" => scenario.step(delete(run, topic)),
            "made again" => scenario.steps(create(run, topic)),
            _ => scenario,
        };
        for version in [12, 13, 18] {
            let label = format!("{stage} v{version}");
            scenario = scenario.step(fetch_all(run, label, version, topic, 0));
        }
    }
    scenario
}
