//! Fetch sessions (KIP-227): what an incremental answer leaves out, epochs, forgotten partitions, the end of a session.

use protocol::messages::fetch::{
    FetchRequest, FetchRequestForgottenTopic, FetchRequestReplicaState, FetchRequestTopic,
    FetchRequestTopicPartition,
};
use protocol::primitives::Uuid;

use super::requests::{
    FetchParts, PRODUCE, create, delete, fetch, fetch_request, from, produce, produce_body,
};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step, id_named, session_of};

const VERSIONS: [i16; 6] = [7, 11, 12, 13, 15, 18];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(grows(run, version));
        all.push(changes(run, version));
        all.push(epochs(run, version));
        all.push(ends(run, version));
        all.push(errors(run, version));
        all.push(order(run, version));
        all.push(limits(run, version));
        all.push(twice(run, version));
        all.push(appears(run, version));
        all.push(made_again(run, version));
        all.push(waits(run, version));
        all.push(isolated(run, version));
        all.push(replica(run, version));
    }
    all.push(ids_and_names(run));
    all.push(ids(run));
    all.push(connections(run));
    all
}

/// A fetch in the session of slot 0, at this epoch.
fn at(run: &Run, epoch: i32, topics: FetchParts<'_>) -> FetchRequest<'static> {
    FetchRequest {
        session_id: if epoch == 0 { 0 } else { session_of(0) },
        session_epoch: epoch,
        ..fetch_request(run, topics)
    }
}

fn forgets<'a>(
    run: &Run,
    request: FetchRequest<'a>,
    topics: &[(&str, &[i32])],
) -> FetchRequest<'a> {
    let topics = topics
        .iter()
        .map(|(name, partitions)| FetchRequestForgottenTopic {
            topic: run.topic(name).into(),
            topic_id: Uuid(id_named(&run.topic(name))),
            partitions: partitions.to_vec(),
        });
    FetchRequest {
        forgotten_topics_data: topics.collect(),
        ..request
    }
}

fn append(run: &Run, label: &str, topic: &str, partition: i32) -> Step {
    let bytes = Batch::of(run.time, 1).bytes();
    let body = produce_body(run, 7, -1, None, &[(topic, &[(partition, Some(&bytes))])]);
    Step::ask(label, PRODUCE, 7, &body).prepares()
}

/// A session over two partitions of this topic, each with one record, and an empty third.
fn opened(run: &Run, version: i16, name: &str) -> (Scenario, String) {
    let topic = format!("{name}-v{version}");
    let request = at(run, 0, &[(&topic, &[from(0, 0), from(1, 0), from(2, 0)])]);
    let scenario = Scenario::new(format!("{name} v{version}"))
        .topic(&topic, 4, &[])
        .step(append(run, "to 0", &topic, 0))
        .step(append(run, "to 1", &topic, 1))
        .step(fetch("opened", version, &request).opens(0));
    (scenario, topic)
}

fn grows(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "grows");
    let ask =
        |label: &str, epoch, topics: FetchParts<'_>| fetch(label, version, &at(run, epoch, topics));
    scenario
        .step(ask("the same again", 1, &[]))
        .step(ask("further", 2, &[(&topic, &[from(0, 1), from(1, 1)])]))
        .step(ask("nothing new", 3, &[]))
        .step(append(run, "to 2", &topic, 2))
        .step(ask("2 has grown", 4, &[]))
        .step(ask("2 again", 5, &[]))
        .step(ask("beyond it", 6, &[(&topic, &[from(2, 1)])]))
        .step(append(run, "more to 0", &topic, 0))
        .step(append(run, "more to 1", &topic, 1))
        .step(ask("a later offset of 0", 7, &[(&topic, &[from(0, 2)])]))
        .step(ask("1 is left", 8, &[]))
        .step(ask("1 as well", 9, &[(&topic, &[from(1, 2)])]))
        .step(ask("nothing is left", 10, &[]))
}

fn changes(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "changes");
    let ask = |label: &str, request: &FetchRequest<'_>| fetch(label, version, request);
    let forget = |epoch, topics: FetchParts<'_>, forgotten: &[(&str, &[i32])]| {
        forgets(run, at(run, epoch, topics), forgotten)
    };
    scenario
        .step(ask("without 0", &forget(1, &[], &[(&topic, &[0])])))
        .step(ask("0 is back", &at(run, 2, &[(&topic, &[from(0, 0)])])))
        .step(ask(
            "forgotten and asked for",
            &forget(3, &[(&topic, &[from(1, 0)])], &[(&topic, &[1])]),
        ))
        .step(ask(
            "forgets what it has not",
            &forget(4, &[], &[(&topic, &[1, 77, -1]), ("nowhere", &[0])]),
        ))
        .step(ask(
            "two more",
            &at(
                run,
                5,
                &[
                    (&topic, &[from(3, 0), from(1, 0)]),
                    ("nowhere", &[from(0, 0)]),
                ],
            ),
        ))
        .step(ask("nothing changed", &at(run, 6, &[])))
        .step(ask(
            "without the unknown one",
            &forget(7, &[], &[("nowhere", &[0])]),
        ))
        .step(ask(
            "a topic without partitions",
            &at(run, 8, &[(&topic, &[])]),
        ))
}

fn epochs(run: &Run, version: i16) -> Scenario {
    let (mut scenario, topic) = opened(run, version, "epochs");
    for epoch in [0, 2, 5, i32::MAX, i32::MIN, -2] {
        // Epoch 0 would end it.
        if epoch == 0 {
            continue;
        }
        let request = at(run, epoch, &[(&topic, &[from(0, 0)])]);
        scenario = scenario.step(fetch(format!("epoch {epoch}"), version, &request));
    }
    let again = FetchRequest {
        session_id: session_of(0),
        ..at(run, 0, &[(&topic, &[from(1, 0), from(0, 0)])])
    };
    scenario
        .step(fetch("epoch 1", version, &at(run, 1, &[])))
        .step(fetch("epoch 1 twice", version, &at(run, 1, &[])))
        .step(fetch("epoch 2", version, &at(run, 2, &[])))
        .step(fetch("opened anew", version, &again).opens(1))
        .step(fetch("the old one", version, &at(run, 3, &[])))
        .step(fetch(
            "the new one",
            version,
            &FetchRequest {
                session_id: session_of(1),
                ..at(run, 1, &[])
            },
        ))
}

fn ends(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "ends");
    let reopen = at(run, 0, &[(&topic, &[from(0, 0), from(1, 1)])]);
    let last = at(run, -1, &[(&topic, &[from(1, 0)])]);
    let all_forgotten = forgets(run, at(run, 1, &[]), &[(&topic, &[0, 1])]);
    let asked_and_forgotten = forgets(
        run,
        at(run, 1, &[(&topic, &[from(0, 0)])]),
        &[(&topic, &[0, 1])],
    );
    let empty = FetchRequest {
        session_epoch: 0,
        ..fetch_request(run, &[])
    };
    scenario
        .step(fetch("the last", version, &last))
        .step(fetch("after the last", version, &at(run, 1, &[])))
        .step(fetch("opened again", version, &reopen).opens(0))
        .step(fetch("all forgotten", version, &all_forgotten))
        .step(fetch("after all was forgotten", version, &at(run, 2, &[])))
        .step(fetch("opened once more", version, &reopen).opens(0))
        .step(fetch(
            "asked for and all forgotten",
            version,
            &asked_and_forgotten,
        ))
        .step(fetch("after that", version, &at(run, 2, &[])))
        .step(fetch("opened for nothing", version, &empty).opens(0))
        .step(fetch("still nothing", version, &at(run, 1, &[])))
        .step(fetch("after nothing", version, &at(run, 2, &[])))
        .step(fetch("for nothing again", version, &empty).opens(0))
        .step(fetch(
            "something after nothing",
            version,
            &at(run, 1, &[(&topic, &[from(0, 0)])]),
        ))
        .step(fetch("and again", version, &at(run, 2, &[])))
}

fn errors(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "errors");
    let ask =
        |label: &str, epoch, topics: FetchParts<'_>| fetch(label, version, &at(run, epoch, topics));
    let of = |partition, fetch_offset, current_leader_epoch| FetchRequestTopicPartition {
        current_leader_epoch,
        ..from(partition, fetch_offset)
    };
    let diverging = FetchRequestTopicPartition {
        last_fetched_epoch: 7,
        ..from(1, 1)
    };
    let negative = FetchRequestTopicPartition {
        partition_max_bytes: 0,
        ..from(0, 0)
    };
    scenario
        .step(ask(
            "beyond the end",
            1,
            &[(&topic, &[from(0, 9), from(1, 1)])],
        ))
        .step(ask("still beyond", 2, &[]))
        .step(ask("at the end", 3, &[(&topic, &[from(0, 1)])]))
        .step(ask("nothing new", 4, &[]))
        .step(ask("an unknown partition", 5, &[(&topic, &[from(9, 0)])]))
        .step(ask("still unknown", 6, &[]))
        .step(ask("a newer epoch", 7, &[(&topic, &[of(0, 1, 5)])]))
        .step(ask("still newer", 8, &[]))
        .step(ask("its epoch", 9, &[(&topic, &[of(0, 1, 0)])]))
        .step(ask("nothing new again", 10, &[]))
        .step(ask("another log", 11, &[(&topic, &[diverging])]))
        .step(ask("still another", 12, &[]))
        .step(ask("no bytes", 13, &[(&topic, &[negative])]))
        .step(ask("no bytes again", 14, &[]))
}

/// What brought records goes to the end of the line.
fn order(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "order");
    let ask =
        |label: &str, epoch, topics: FetchParts<'_>| fetch(label, version, &at(run, epoch, topics));
    scenario
        .step(append(run, "to 2", &topic, 2))
        .step(ask("all have something", 1, &[]))
        .step(ask("again", 2, &[]))
        .step(ask("0 has nothing", 3, &[(&topic, &[from(0, 1)])]))
        .step(ask("0 has something", 4, &[(&topic, &[from(0, 0)])]))
        .step(ask(
            "errors stay where they are",
            5,
            &[
                (&topic, &[from(1, 99), from(3, 0)]),
                ("nowhere", &[from(0, 0)]),
            ],
        ))
        .step(ask("1 is good again", 6, &[(&topic, &[from(1, 0)])]))
        .step(ask("again, and again", 7, &[]))
}

fn limits(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "limits");
    let mut scenario = scenario.step(append(run, "to 2", &topic, 2));
    for epoch in 1..5 {
        let request = FetchRequest {
            max_bytes: 10,
            ..at(run, epoch, &[])
        };
        scenario = scenario.step(fetch(format!("one at a time {epoch}"), version, &request));
    }
    let small = FetchRequestTopicPartition {
        partition_max_bytes: 1,
        ..from(1, 0)
    };
    scenario
        .step(fetch(
            "few bytes of 1",
            version,
            &at(run, 5, &[(&topic, &[small])]),
        ))
        .step(fetch("few again", version, &at(run, 6, &[])))
}

fn twice(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "twice");
    let ask =
        |label: &str, epoch, topics: FetchParts<'_>| fetch(label, version, &at(run, epoch, topics));
    scenario
        .step(ask(
            "the same twice",
            1,
            &[(&topic, &[from(0, 1), from(0, 0)])],
        ))
        .step(ask(
            "two entries",
            2,
            &[
                (&topic, &[from(3, 0)]),
                ("nowhere", &[from(0, 0), from(0, 1)]),
                (&topic, &[from(3, 9), from(1, 1)]),
            ],
        ))
        .step(ask("again", 3, &[]))
}

/// A topic is asked for before it is there.
fn appears(run: &Run, version: i16) -> Scenario {
    let topic = format!("appears-v{version}");
    let later = format!("later-v{version}");
    let request = at(run, 0, &[(&later, &[from(0, 0)]), (&topic, &[from(0, 0)])]);
    let bytes = Batch::of(run.time, 1).bytes();
    Scenario::new(format!("appears v{version}"))
        .topic(&topic, 1, &[])
        .step(fetch("opened", version, &request).opens(0))
        .step(fetch("not there", version, &at(run, 1, &[])))
        .steps(create(run, &later))
        .step(fetch("there", version, &at(run, 2, &[])))
        .step(produce(run, "a batch", 7, &later, &bytes).prepares())
        .step(fetch("with a record", version, &at(run, 3, &[])))
}

/// A topic is deleted and made again, while a session is about it.
fn made_again(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "again");
    scenario
        .step(fetch(
            "only 0",
            version,
            &forgets(
                run,
                at(run, 1, &[(&topic, &[from(0, 1)])]),
                &[(&topic, &[1, 2])],
            ),
        ))
        .step(delete(run, &topic))
        .step(fetch("gone", version, &at(run, 2, &[])))
        .step(fetch("still gone", version, &at(run, 3, &[])))
        .steps(create(run, &topic))
        .step(fetch("another", version, &at(run, 4, &[])))
        .step(fetch(
            "from its start",
            version,
            &at(run, 5, &[(&topic, &[from(0, 0)])]),
        ))
        .step(fetch("again", version, &at(run, 6, &[])))
}

fn waits(run: &Run, version: i16) -> Scenario {
    let (scenario, topic) = opened(run, version, "waits");
    let waiting = |epoch, max_wait_ms, topics: FetchParts<'_>| FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        ..at(run, epoch, topics)
    };
    let bytes = Batch::of(run.time, 1).bytes();
    let body = produce_body(run, 8, -1, None, &[(&topic, &[(2, Some(&bytes))])]);
    let end: FetchParts<'_> = &[(&topic, &[from(0, 1), from(1, 1)])];
    scenario
        .step(fetch("at the end", version, &waiting(1, 300, end)).at_least(290))
        .step(fetch("still there", version, &waiting(2, 300, &[])).at_least(290))
        .step(fetch("", version, &waiting(3, 30_000, &[])).send_only())
        .step(Step::ask("a batch to 2", PRODUCE, 8, &body).over(1))
        .step(Step::receive("woken", 1, version).at_least(20_000))
        .step(
            fetch(
                "an unknown partition",
                version,
                &waiting(4, 300, &[(&topic, &[from(2, 1), from(9, 0)])]),
            )
            .at_least(290),
        )
        .step(
            fetch(
                "a failing partition",
                version,
                &waiting(5, 10_000, &[(&topic, &[from(2, 99)])]),
            )
            .at_least(5000),
        )
}

fn isolated(run: &Run, version: i16) -> Scenario {
    let topic = format!("isolated-v{version}");
    let request = |epoch, topics: FetchParts<'_>| FetchRequest {
        isolation_level: 1,
        ..at(run, epoch, topics)
    };
    Scenario::new(format!("isolated v{version}"))
        .topic(&topic, 2, &[])
        .step(append(run, "to 0", &topic, 0))
        .step(
            fetch(
                "opened",
                version,
                &request(
                    0,
                    &[
                        (&topic, &[from(0, 0), from(1, 0)]),
                        ("nowhere", &[from(0, 0)]),
                    ],
                ),
            )
            .opens(0),
        )
        .step(fetch("again", version, &request(1, &[])))
        .step(fetch(
            "at the end",
            version,
            &request(2, &[(&topic, &[from(0, 1)])]),
        ))
        .step(fetch("uncommitted", version, &at(run, 3, &[])))
}

fn replica(run: &Run, version: i16) -> Scenario {
    let topic = format!("replica-v{version}");
    let as_replica = |request: FetchRequest<'static>| FetchRequest {
        replica_id: 5,
        replica_state: FetchRequestReplicaState {
            replica_id: 5,
            replica_epoch: -1,
        },
        ..request
    };
    let open = as_replica(at(run, 0, &[(&topic, &[from(0, 0), from(1, 0)])]));
    Scenario::new(format!("replica v{version}"))
        .topic(&topic, 2, &[])
        .step(append(run, "to 0", &topic, 0))
        .step(fetch("opened", version, &open).opens(0))
        .step(fetch("again", version, &as_replica(at(run, 1, &[]))))
        .step(fetch("as a consumer", version, &at(run, 2, &[])))
}

/// A session is either of names or of ids.
fn ids_and_names(run: &Run) -> Scenario {
    let topic = "mixed";
    let open = at(run, 0, &[(topic, &[from(0, 0), from(1, 0)])]);
    let mut scenario = Scenario::new("ids and names")
        .topic(topic, 2, &[])
        .step(append(run, "to 0", topic, 0));
    for (opened, other) in [(12, 13), (7, 18), (13, 12), (18, 7)] {
        scenario = scenario
            .step(fetch(format!("opened v{opened} for v{other}"), opened, &open).opens(0))
            .step(fetch(
                format!("then v{other} after v{opened}"),
                other,
                &at(run, 1, &[]),
            ))
            .step(fetch(
                format!("again v{opened} after v{other}"),
                opened,
                &at(run, 1, &[]),
            ))
            .step(fetch(
                format!("another epoch v{other} after v{opened}"),
                other,
                &at(run, 9, &[]),
            ));
    }
    scenario
}

fn ids(run: &Run) -> Scenario {
    let topic = "known";
    let mut scenario = Scenario::new("ids")
        .topic(topic, 2, &[])
        .step(append(run, "to 0", topic, 0));
    let known = id_named(&run.topic(topic));
    let none = id_named(&run.topic("none"));
    let of = |id: u128, partitions: &[i32]| FetchRequestTopic {
        topic_id: Uuid(id),
        partitions: partitions.iter().map(|at| from(*at, 0)).collect(),
        ..FetchRequestTopic::default()
    };
    for version in [13, 16, 18] {
        let ask = |label: &str, epoch, topics: Vec<FetchRequestTopic<'static>>| {
            let request = FetchRequest {
                topics,
                ..at(run, epoch, &[])
            };
            fetch(format!("{label} v{version}"), version, &request)
        };
        scenario = scenario
            .step(ask("opened", 0, vec![of(none, &[1]), of(known, &[0])]).opens(0))
            .step(ask("again", 1, vec![]))
            .step(ask("one more", 2, vec![of(none, &[0]), of(known, &[1])]))
            .step(ask("and again", 3, vec![]))
            .step(ask("an unknown partition", 4, vec![of(known, &[9])]))
            .step(ask("for the last time", 5, vec![]));
    }
    scenario
}

/// Two connections, one session: it lives with the shard that they are connected to.
fn connections(run: &Run) -> Scenario {
    let topic = "shared";
    let open = at(run, 0, &[(topic, &[from(0, 0), from(1, 0)])]);
    Scenario::new("connections")
        .of_one_shard()
        .topic(topic, 2, &[])
        .step(append(run, "to 0", topic, 0))
        .step(fetch("opened", 12, &open).opens(0))
        .step(fetch("over another", 12, &at(run, 1, &[])).over(1))
        .step(fetch("over the first", 12, &at(run, 2, &[])))
        .step(fetch("the last over another", 12, &at(run, -1, &[])).over(1))
        .step(fetch("over the first again", 12, &at(run, 3, &[])))
}
