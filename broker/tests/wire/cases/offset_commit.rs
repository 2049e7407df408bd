//! OffsetCommit: of members and of nobody, to topics that are there and that are not.

use protocol::messages::offset_commit::{
    self, OffsetCommitRequest, OffsetCommitRequestTopicPartition,
};

use super::group_requests::{
    ask_commit, ask_describe, ask_fetch, ask_join, ask_sync, at, bytes, commit, join, join_static,
    scenario, stable, sync,
};
use crate::scenario::{Run, Scenario, id_of, member_of};

const VERSIONS: std::ops::RangeInclusive<i16> =
    offset_commit::VERSION_MIN..=offset_commit::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(simple(run, version));
        all.push(of_a_member(run, version));
        all.push(unknown_topics(run, version));
        all.push(bytes(run, "commit", offset_commit::KEY, version));
    }
    for version in [7, 9, 10] {
        all.push(of_a_static_member(run, version));
    }
    all.push(metadata(run));
    all.push(odd_offsets(run));
    all.push(shapes(run, 9));
    all.push(shapes(run, 10));
    all.push(ids(run));
    all
}

fn by<'a>(
    request: OffsetCommitRequest<'a>,
    member_id: &str,
    generation: i32,
) -> OffsetCommitRequest<'a> {
    OffsetCommitRequest {
        member_id: member_id.to_owned().into(),
        generation_id_or_member_epoch: generation,
        ..request
    }
}

/// Of a group without members.
fn simple(run: &Run, version: i16) -> Scenario {
    let topic = format!("simple-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let other = |text: &str| run.topic(&format!("simple-v{version}-{text}"));
    let commits = |group: &str| commit(group, &[(&name, id_of(0), &[at(0, 5), at(1, 7)])]);
    let mut scenario = scenario(format!("simple v{version}"), &group)
        .topic(&topic, 2, &[])
        .step(ask_commit("two", version, &commits(&group)))
        .step(ask_fetch(
            "what is stored",
            8,
            &[(&group, Some(&[(&name, 0, &[0, 1, 2])]))],
        ))
        .step(ask_describe("what it looks like", 6, &[&group]))
        .step(ask_commit(
            "again, lower",
            version,
            &commit(&group, &[(&name, id_of(0), &[at(0, 3)])]),
        ))
        .step(ask_fetch("what is stored now", 8, &[(&group, None)]));
    for (label, member, generation) in [
        ("a member, no generation", "x", -1),
        ("a member, generation 0", "x", 0),
        ("a member, generation 1", "x", 1),
        ("nobody, generation 0", "", 0),
        ("nobody, generation 1", "", 1),
        ("nobody, generation -2", "", -2),
    ] {
        scenario = scenario.step(ask_commit(
            label,
            version,
            &by(commits(&group), member, generation),
        ));
        let unknown = other(&format!("{generation}{member}"));
        scenario = scenario.step(ask_commit(
            format!("{label}, an unknown group"),
            version,
            &by(commits(&unknown), member, generation),
        ));
    }
    let named = OffsetCommitRequest {
        group_instance_id: Some("wire".into()),
        ..commits(&group)
    };
    scenario
        .step(ask_commit("by a lasting name", version, &named))
        .step(ask_commit("an empty group", version, &commits("")))
        .step(ask_commit(
            "retention",
            version,
            &OffsetCommitRequest {
                retention_time_ms: 60_000,
                ..commits(&group)
            },
        ))
        .step(ask_commit("nothing", version, &commit(&group, &[])))
        .step(ask_commit(
            "no partitions",
            version,
            &commit(&group, &[(&name, id_of(0), &[])]),
        ))
}

fn of_a_member(run: &Run, version: i16) -> Scenario {
    let topic = format!("member-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let me = member_of(0);
    let commits = |offset| commit(&group, &[(&name, id_of(0), &[at(0, offset)])]);
    scenario(format!("a member v{version}"), &group)
        .topic(&topic, 1, &[])
        .steps(stable(&group, &me))
        .step(ask_commit(
            "in its generation",
            version,
            &by(commits(1), &me, 1),
        ))
        .step(ask_commit("in the last", version, &by(commits(2), &me, 0)))
        .step(ask_commit("in the next", version, &by(commits(3), &me, 2)))
        .step(ask_commit("in none", version, &by(commits(4), &me, -1)))
        .step(ask_commit(
            "another member",
            version,
            &by(commits(5), "x", 1),
        ))
        .step(ask_commit(
            "another member, no generation",
            version,
            &by(commits(5), "x", -1),
        ))
        .step(ask_commit("nobody", version, &by(commits(6), "", 1)))
        .step(ask_commit(
            "nobody, no generation",
            version,
            &by(commits(7), "", -1),
        ))
        .step(ask_fetch("what is stored", 7, &[(&group, None)]))
        .step(ask_join("joins again", 2, &join(&group, &me)))
        .step(ask_commit(
            "in the old generation",
            version,
            &by(commits(8), &me, 1),
        ))
        .step(ask_commit(
            "before its part",
            version,
            &by(commits(9), &me, 2),
        ))
        .step(ask_sync(
            "takes its part",
            2,
            &sync(&group, &me, 2, &[(&me, b"part")]),
        ))
        .step(ask_commit(
            "with its part",
            version,
            &by(commits(10), &me, 2),
        ))
        .step(ask_fetch("what is stored at last", 7, &[(&group, None)]))
}

fn of_a_static_member(run: &Run, version: i16) -> Scenario {
    let topic = format!("static-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let me = member_of(0);
    let commits = |id: &str, instance: Option<&'static str>, generation| {
        let request = OffsetCommitRequest {
            group_instance_id: instance.map(Into::into),
            ..by(
                commit(&group, &[(&name, id_of(0), &[at(0, 1)])]),
                id,
                generation,
            )
        };
        ask_commit(
            format!("{id:.6} {instance:?} {generation}"),
            version,
            &request,
        )
    };
    scenario(format!("a static member v{version}"), &group)
        .topic(&topic, 1, &[])
        .step(ask_join("joins", 5, &join_static(&group, "", "wire")).remembers(0))
        .step(ask_sync(
            "sync",
            3,
            &sync(&group, &me, 1, &[(&me, b"part")]),
        ))
        .step(commits(&me, Some("wire"), 1))
        .step(commits(&me, None, 1))
        .step(commits("x", Some("wire"), 1))
        .step(commits("", Some("wire"), 1))
        .step(commits(&me, Some("name"), 1))
        .step(commits(&me, Some("wire"), 3))
        .step(commits("x", Some("wire"), 3))
        .step(commits("", Some("wire"), -1))
}

fn unknown_topics(run: &Run, version: i16) -> Scenario {
    let topic = format!("unknown-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let good = [at(0, 1)];
    let some = [at(5, 1), at(0, 2), at(-1, 3), at(1, 4)];
    scenario(format!("unknown topics v{version}"), &group)
        .topic(&topic, 2, &[])
        .step(ask_commit(
            "one",
            version,
            &commit(&group, &[("none", 77, &good)]),
        ))
        .step(ask_commit(
            "unknown, by a stranger",
            version,
            &by(commit(&group, &[("none", 77, &good)]), "x", 4),
        ))
        .step(ask_commit(
            "known and unknown, by a stranger",
            version,
            &by(
                commit(&group, &[(&name, id_of(0), &some), ("none", 77, &good)]),
                "x",
                4,
            ),
        ))
        .step(ask_commit(
            "partitions",
            version,
            &commit(&group, &[(&name, id_of(0), &some)]),
        ))
        .step(ask_commit(
            "first and last",
            version,
            &commit(
                &group,
                &[
                    ("none", 77, &some),
                    (&name, id_of(0), &some),
                    ("no", 78, &good),
                ],
            ),
        ))
        .step(ask_commit(
            "twice",
            version,
            &commit(
                &group,
                &[
                    ("none", 77, &good),
                    (&name, id_of(0), &good),
                    ("none", 77, &some),
                ],
            ),
        ))
        .step(ask_commit(
            "no partitions",
            version,
            &commit(&group, &[("none", 77, &[])]),
        ))
        .step(ask_commit(
            "an illegal name",
            version,
            &commit(&group, &[("$#!", 79, &good)]),
        ))
        .step(ask_commit(
            "no name and no id",
            version,
            &commit(&group, &[("", 0, &good)]),
        ))
        .step(ask_fetch("what is stored", 5, &[(&group, None)]))
}

fn metadata(run: &Run) -> Scenario {
    let (group, name) = (run.topic("metadata"), run.topic("metadata"));
    let noted = |text: Option<&str>, epoch| OffsetCommitRequestTopicPartition {
        committed_metadata: text.map(|text| text.to_owned().into()),
        committed_leader_epoch: epoch,
        ..at(0, 1)
    };
    let mut scenario = scenario("metadata", &group).topic("metadata", 2, &[]);
    for (label, text) in [
        ("null", None),
        ("a text", Some("a text".to_owned())),
        ("odd letters", Some("ä\u{0}€\u{1f600}\n".to_owned())),
        ("4096 letters", Some("x".repeat(4096))),
        ("4097 letters", Some("x".repeat(4097))),
        ("4097 bytes of 2049 letters", Some("é".repeat(2048) + "x")),
        ("4096 letters of two units", Some("\u{1f600}".repeat(2048))),
        ("4098 units of 2049 letters", Some("\u{1f600}".repeat(2049))),
    ] {
        for version in [2, 8] {
            let request = commit(
                &group,
                &[(&name, 0, &[noted(text.as_deref(), 3), at(1, 9)])],
            );
            scenario = scenario.step(ask_commit(format!("{label} v{version}"), version, &request));
        }
        if label.len() < 12 {
            let stored = ask_fetch(format!("{label} stored"), 8, &[(&group, None)]);
            scenario = scenario.step(stored);
        }
    }
    scenario
        .step(ask_commit(
            "an epoch below 0",
            6,
            &commit(&group, &[(&name, 0, &[noted(None, -7)])]),
        ))
        .step(ask_fetch("the epoch", 5, &[(&group, None)]))
}

fn odd_offsets(run: &Run) -> Scenario {
    let (group, name) = (run.topic("odd"), run.topic("odd"));
    let mut scenario = scenario("odd offsets", &group).topic("odd", 1, &[]);
    for offset in [0, -1, -2, i64::MAX, i64::MIN] {
        scenario = scenario
            .step(ask_commit(
                format!("{offset}"),
                8,
                &commit(&group, &[(&name, 0, &[at(0, offset)])]),
            ))
            .step(ask_fetch(format!("{offset} stored"), 8, &[(&group, None)]));
    }
    scenario
}

/// The same topic and partition twice.
fn shapes(run: &Run, version: i16) -> Scenario {
    let topic = format!("shapes-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let id = id_of(0);
    scenario(format!("shapes v{version}"), &group)
        .topic(&topic, 3, &[])
        .step(ask_commit(
            "a partition twice",
            version,
            &commit(&group, &[(&name, id, &[at(0, 1), at(0, 2)])]),
        ))
        .step(ask_fetch("which counts", 8, &[(&group, None)]))
        .step(ask_commit(
            "a topic twice",
            version,
            &commit(
                &group,
                &[(&name, id, &[at(0, 3)]), (&name, id, &[at(1, 4)])],
            ),
        ))
        .step(ask_commit(
            "a topic twice, with an unknown partition",
            version,
            &commit(
                &group,
                &[(&name, id, &[at(0, 3), at(9, 9)]), (&name, id, &[at(1, 4)])],
            ),
        ))
        .step(ask_fetch("what is stored", 8, &[(&group, None)]))
}

fn ids(run: &Run) -> Scenario {
    let (group, name) = (run.topic("ids"), run.topic("ids"));
    let some = [at(0, 1), at(7, 1)];
    scenario("ids", &group)
        .topic("ids", 1, &[])
        .step(ask_commit(
            "a name without its id",
            10,
            &commit(&group, &[(&name, 0, &some)]),
        ))
        .step(ask_commit(
            "its id",
            10,
            &commit(&group, &[("", id_of(0), &some)]),
        ))
        .step(ask_commit(
            "two unknown ids",
            10,
            &commit(&group, &[("", 77, &some), ("", 78, &some), ("", 77, &some)]),
        ))
        .step(ask_fetch(
            "by id",
            10,
            &[(&group, Some(&[("", id_of(0), &[0, 7])]))],
        ))
        .step(ask_fetch(
            "by name",
            9,
            &[(&group, Some(&[(&name, 0, &[0, 7])]))],
        ))
        .step(ask_fetch("everything by id", 10, &[(&group, None)]))
}
