//! OffsetFetch: of one group and several, of what was never stored.

use protocol::messages::offset_fetch;

use super::group_requests::{ask_commit, ask_fetch, at, bytes, commit, scenario};
use crate::scenario::{Run, Scenario, Step, id_of};

const VERSIONS: std::ops::RangeInclusive<i16> =
    offset_fetch::VERSION_MIN..=offset_fetch::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(one_group(run, version));
        all.push(bytes(run, "fetch", offset_fetch::KEY, version));
    }
    for version in 8..=10 {
        all.push(several_groups(run, version));
        all.push(members(run, version));
    }
    all.push(ids(run));
    all
}

fn one_group(run: &Run, version: i16) -> Scenario {
    let topic = format!("fetch-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let id = id_of(0);
    let none = run.topic("fetch-none");
    let mut scenario = scenario(format!("one group v{version}"), &group)
        .topic(&topic, 3, &[])
        .step(ask_fetch(
            "no group",
            version,
            &[(&none, Some(&[(&name, id, &[0, 1])]))],
        ))
        .step(ask_fetch(
            "an empty group",
            version,
            &[("", Some(&[(&name, id, &[0, 1])]))],
        ))
        .step(
            ask_commit(
                "commit",
                8,
                &commit(&group, &[(&name, 0, &[at(0, 5), at(2, 7)])]),
            )
            .prepares(),
        )
        .step(ask_fetch(
            "stored and not",
            version,
            &[(&group, Some(&[(&name, id, &[2, 1, 0])]))],
        ))
        .step(ask_fetch(
            "partitions and topics that are not",
            version,
            &[(
                &group,
                Some(&[
                    ("none", 77, &[0, 1]),
                    (&name, id, &[9, 0, -1]),
                    ("no", 78, &[]),
                ]),
            )],
        ))
        .step(ask_fetch(
            "a partition twice",
            version,
            &[(&group, Some(&[(&name, id, &[0, 0])]))],
        ))
        .step(ask_fetch(
            "a topic twice",
            version,
            &[(&group, Some(&[(&name, id, &[0]), (&name, id, &[2])]))],
        ))
        .step(ask_fetch(
            "no partitions",
            version,
            &[(&group, Some(&[(&name, id, &[])]))],
        ))
        .step(ask_fetch("no topics", version, &[(&group, Some(&[]))]));
    if version >= 2 {
        scenario = scenario
            .step(ask_fetch("everything", version, &[(&group, None)]))
            .step(ask_fetch(
                "everything of no group",
                version,
                &[(&none, None)],
            ))
            .step(ask_fetch(
                "everything of an empty group",
                version,
                &[("", None)],
            ));
    }
    scenario
}

fn several_groups(run: &Run, version: i16) -> Scenario {
    let topic = format!("several-v{version}");
    let name = run.topic(&topic);
    let (a, b) = (
        run.topic(&format!("a-v{version}")),
        run.topic(&format!("b-v{version}")),
    );
    let id = id_of(0);
    let both: &[(&str, u128, &[i32])] = &[(&name, id, &[0, 1])];
    scenario(format!("several groups v{version}"), &a)
        .topic(&topic, 2, &[])
        .step(ask_commit("a", 8, &commit(&a, &[(&name, 0, &[at(0, 5)])])).prepares())
        .step(ask_commit("b", 8, &commit(&b, &[(&name, 0, &[at(1, 7)])])).prepares())
        .step(ask_fetch("none", version, &[]))
        .step(ask_fetch(
            "two",
            version,
            &[(&a, Some(both)), (&b, Some(both))],
        ))
        .step(ask_fetch(
            "two, everything",
            version,
            &[(&b, None), (&a, None)],
        ))
        .step(ask_fetch(
            "unknown ones between",
            version,
            &[
                ("none", Some(both)),
                (&a, Some(both)),
                ("", None),
                (&b, None),
            ],
        ))
        .step(ask_fetch(
            "one twice",
            version,
            &[(&a, Some(both)), (&a, None)],
        ))
}

/// Member ids and epochs, and whether only what is stable will do.
fn members(run: &Run, version: i16) -> Scenario {
    let topic = format!("members-v{version}");
    let (group, name) = (run.topic(&topic), run.topic(&topic));
    let mut scenario = scenario(format!("members v{version}"), &group)
        .topic(&topic, 2, &[])
        .step(ask_commit("commit", 8, &commit(&group, &[(&name, 0, &[at(0, 5)])])).prepares());
    for stable in [false, true] {
        for (member_id, member_epoch) in [
            (None, -1),
            (Some("x"), -1),
            (Some("x"), 0),
            (Some("x"), 5),
            (Some(""), 1),
            (None, 3),
        ] {
            let request = offset_fetch::OffsetFetchRequest {
                groups: vec![offset_fetch::OffsetFetchRequestGroup {
                    group_id: group.clone().into(),
                    member_id: member_id.map(Into::into),
                    member_epoch,
                    topics: None,
                }],
                require_stable: stable,
                ..Default::default()
            };
            let mut body = Vec::new();
            request.encode(&mut body, version);
            let label = format!("{member_id:?} {member_epoch} {stable}");
            scenario = scenario.step(Step::ask(label, offset_fetch::KEY, version, &body));
        }
    }
    scenario
}

fn ids(run: &Run) -> Scenario {
    let (group, name) = (run.topic("fetch-ids"), run.topic("fetch-ids"));
    let all: &[i32] = &[0, 1];
    scenario("ids", &group)
        .topic("fetch-ids", 2, &[])
        .topic("fetch-ids-other", 1, &[])
        .step(ask_commit(
            "commit",
            10,
            &commit(&group, &[("", id_of(0), &[at(0, 5)])]),
        ))
        .step(ask_fetch(
            "its id",
            10,
            &[(&group, Some(&[("", id_of(0), all)]))],
        ))
        .step(ask_fetch(
            "another id",
            10,
            &[(&group, Some(&[("", id_of(1), all)]))],
        ))
        .step(ask_fetch(
            "unknown ids first",
            10,
            &[(
                &group,
                Some(&[
                    ("", 77, all),
                    ("", id_of(0), all),
                    ("", 0, all),
                    ("", id_of(1), all),
                ]),
            )],
        ))
        .step(ask_fetch(
            "unknown ids of no group",
            10,
            &[("none", Some(&[("", 77, all)]))],
        ))
        .step(ask_fetch(
            "by name",
            9,
            &[(&group, Some(&[(&name, 0, all)]))],
        ))
}
