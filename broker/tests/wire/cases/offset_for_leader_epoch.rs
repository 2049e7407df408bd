//! OffsetForLeaderEpoch: epochs that were and were not, what the client believes, replicas, duplicates, lengths.

use protocol::messages::offset_for_leader_epoch::{
    KEY, OffsetForLeaderEpochRequest, OffsetForLeaderEpochRequestTopic,
    OffsetForLeaderEpochRequestTopicPartition, VERSION_MAX, VERSION_MIN,
};

use super::requests::{create, delete, produce, tagged};
use crate::batch::Batch;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: std::ops::RangeInclusive<i16> = VERSION_MIN..=VERSION_MAX;

/// Topics: name and partitions, each with what the client believes and the epoch it asks for.
type Parts<'a> = &'a [(&'a str, &'a [(i32, i32, i32)])];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(epochs(run, version));
        all.push(unknown(run, version));
        all.push(twice(run, version));
        all.push(lengths(run, version));
    }
    all.push(replicas(run));
    all.push(gone(run));
    all.push(versions_that_are_not(run));
    all
}

fn request<'a>(run: &Run, topics: Parts<'_>) -> OffsetForLeaderEpochRequest<'a> {
    OffsetForLeaderEpochRequest {
        replica_id: -1,
        topics: topics
            .iter()
            .map(|(name, partitions)| OffsetForLeaderEpochRequestTopic {
                topic: run.topic(name).into(),
                partitions: partitions
                    .iter()
                    .map(|(partition, current_leader_epoch, leader_epoch)| {
                        OffsetForLeaderEpochRequestTopicPartition {
                            partition: *partition,
                            current_leader_epoch: *current_leader_epoch,
                            leader_epoch: *leader_epoch,
                        }
                    })
                    .collect(),
            })
            .collect(),
    }
}

fn ask(label: impl Into<String>, version: i16, request: &OffsetForLeaderEpochRequest<'_>) -> Step {
    let mut body = Vec::new();
    request.encode(&mut body, version);
    Step::ask(label, KEY, version, &body)
}

/// Two batches of three records in partition 0, nothing in 1.
fn filled(run: &Run, name: &str, topic: &str) -> Scenario {
    let mut scenario = Scenario::new(name).topic(topic, 2, &[]);
    for batch in 0..2 {
        let bytes = Batch::of(run.time + batch * 10, 3).bytes();
        scenario =
            scenario.step(produce(run, format!("batch {batch}"), 7, topic, &bytes).prepares());
    }
    scenario
}

fn epochs(run: &Run, version: i16) -> Scenario {
    let topic = format!("epochs-v{version}");
    let mut scenario = filled(run, &format!("epochs v{version}"), &topic);
    for current in [-1, 0, 1, -2, i32::MIN, i32::MAX] {
        for epoch in [0, -1, 1, -2, 7, i32::MIN, i32::MAX] {
            let both: Parts<'_> = &[(&topic, &[(0, current, epoch), (1, current, epoch)])];
            let label = format!("epoch {epoch}, believing {current}");
            scenario = scenario.step(ask(label, version, &request(run, both)));
        }
    }
    scenario
}

fn unknown(run: &Run, version: i16) -> Scenario {
    let topic = format!("unknown-v{version}");
    let mut scenario = filled(run, &format!("unknown v{version}"), &topic);
    for partition in [2, -1, i32::MIN, i32::MAX] {
        let parts: Parts<'_> = &[(&topic, &[(partition, -1, 0)])];
        let label = format!("partition {partition}");
        scenario = scenario.step(ask(label, version, &request(run, parts)));
    }
    let parts: [(&str, Parts<'_>); 8] = [
        ("no topics", &[]),
        ("a topic without partitions", &[(&topic, &[])]),
        ("an unknown topic", &[("nowhere", &[(0, -1, 0), (1, 5, 5)])]),
        ("an unknown topic without partitions", &[("nowhere", &[])]),
        ("an empty name", &[("", &[(0, -1, 0)])]),
        ("an illegal name", &[("$#!", &[(0, -1, 0)])]),
        (
            "known and unknown",
            &[
                (&topic, &[(0, -1, 0), (9, -1, 0)]),
                ("nowhere", &[(0, -1, 0)]),
                (&topic, &[(1, -1, 0)]),
            ],
        ),
        (
            "with and without partitions",
            &[(&topic, &[]), (&topic, &[(1, -1, 0)]), ("nowhere", &[])],
        ),
    ];
    scenario.steps(parts.map(|(label, parts)| ask(label, version, &request(run, parts))))
}

fn twice(run: &Run, version: i16) -> Scenario {
    let topic = format!("twice-v{version}");
    let scenario = filled(run, &format!("twice v{version}"), &topic);
    let parts: [(&str, Parts<'_>); 4] = [
        ("the same partition", &[(&topic, &[(0, -1, 0), (0, -1, 0)])]),
        ("other epochs", &[(&topic, &[(0, -1, 0), (0, -1, 5)])]),
        (
            "two entries of the topic",
            &[
                (&topic, &[(0, -1, 0)]),
                ("nowhere", &[(0, -1, 0)]),
                (&topic, &[(1, -1, 0), (0, 9, 0)]),
            ],
        ),
        (
            "two entries of an unknown topic",
            &[("nowhere", &[(0, -1, 0)]), ("nowhere", &[(0, -1, 0)])],
        ),
    ];
    scenario.steps(parts.map(|(label, parts)| ask(label, version, &request(run, parts))))
}

fn lengths(run: &Run, version: i16) -> Scenario {
    let topic = format!("lengths-v{version}");
    let mut body = Vec::new();
    request(run, &[(&topic, &[(0, -1, 0)])]).encode(&mut body, version);
    let mut longer = body.clone();
    longer.extend_from_slice(&[0, 0, 0]);
    let raw = |label: &str, body: &[u8]| Step::ask(label, KEY, version, body);
    Scenario::new(format!("lengths v{version}"))
        .topic(&topic, 1, &[])
        .step(raw("bytes after the end", &longer))
        .step(raw("cut", &body[..body.len() - 1]))
        .step(raw("short", &body[..3]))
        .step(raw("nothing", &[]))
        .steps(tagged(KEY, version, &body))
        .step(Step::ask_as("no client id", None, KEY, version, &body))
}

/// Consumers call themselves -1, debuggers -2; Kafka answers to whoever asks.
fn replicas(run: &Run) -> Scenario {
    let topic = "replicas";
    let mut scenario = filled(run, "replicas", topic);
    for version in [3, 4] {
        for replica_id in [-2, -3, 0, 1, 5, i32::MAX, i32::MIN] {
            let request = OffsetForLeaderEpochRequest {
                replica_id,
                ..request(
                    run,
                    &[
                        (topic, &[(0, -1, 0), (1, 0, 0), (9, -1, 0)]),
                        ("nowhere", &[(0, -1, 0)]),
                    ],
                )
            };
            scenario = scenario.step(ask(
                format!("replica {replica_id} v{version}"),
                version,
                &request,
            ));
        }
    }
    scenario
}

fn gone(run: &Run) -> Scenario {
    let topic = "gone";
    let look = |label: &str| ask(label, 4, &request(run, &[(topic, &[(0, -1, 0)])]));
    filled(run, "gone", topic)
        .step(look("there"))
        .step(delete(run, topic))
        .step(look("deleted"))
        .steps(create(run, topic))
        .step(look("made again"))
}

fn versions_that_are_not(run: &Run) -> Scenario {
    let mut scenario = Scenario::new("versions that are not");
    for version in [0, 1, 5, -1, i16::MIN, 99] {
        let mut body = Vec::new();
        request(run, &[("nowhere", &[(0, -1, 0)])]).encode(&mut body, 2);
        scenario = scenario
            .step(Step::ask(format!("version {version}"), KEY, version, &body))
            .step(Step::ask(
                format!("version {version}, nothing"),
                KEY,
                version,
                &[],
            ));
    }
    scenario
}
