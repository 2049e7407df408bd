//! OffsetDelete: of groups with and without members.

use protocol::messages::join_group::JoinGroupRequest;
use protocol::messages::offset_delete;

use super::group_requests::{
    ask_commit, ask_fetch, ask_join, ask_leave, ask_offset_delete, ask_sync, at, bytes, commit,
    join, leave, protocol, scenario, stable, sync,
};
use crate::scenario::{Run, Scenario, member_of};

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    vec![
        without_members(run),
        subscribed(run),
        of_another_type(run),
        bytes(run, "offset delete", offset_delete::KEY, 0),
    ]
}

fn without_members(run: &Run) -> Scenario {
    let (group, name) = (run.topic("odel"), run.topic("odel"));
    let none = run.topic("odel-none");
    scenario("without members", &group)
        .topic("odel", 3, &[])
        .step(ask_offset_delete("no group", &none, &[(&name, &[0])]))
        .step(ask_offset_delete(
            "no group, an unknown topic",
            &none,
            &[("none", &[0])],
        ))
        .step(ask_offset_delete("an empty group", "", &[(&name, &[0])]))
        .step(
            ask_commit(
                "commit",
                8,
                &commit(&group, &[(&name, 0, &[at(0, 5), at(1, 6), at(2, 7)])]),
            )
            .prepares(),
        )
        .step(ask_offset_delete("one", &group, &[(&name, &[1])]))
        .step(ask_offset_delete("it again", &group, &[(&name, &[1])]))
        .step(ask_fetch("what is left", 8, &[(&group, None)]))
        .step(ask_offset_delete(
            "unknown ones between",
            &group,
            &[("none", &[0, 1]), (&name, &[9, 0, -1]), ("no", &[])],
        ))
        .step(ask_offset_delete(
            "a topic twice",
            &group,
            &[(&name, &[0]), (&name, &[2])],
        ))
        .step(ask_offset_delete("nothing", &group, &[]))
        .step(ask_offset_delete("no partitions", &group, &[(&name, &[])]))
        .step(ask_fetch("what is left at last", 8, &[(&group, None)]))
}

/// What a consumer's subscription of version 0 to this topic is.
fn subscription(topic: &str) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, 0, 1];
    bytes.extend_from_slice(&(topic.len() as u16).to_be_bytes());
    bytes.extend_from_slice(topic.as_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0]);
    bytes
}

fn subscribed(run: &Run) -> Scenario {
    let group = run.topic("subscribed");
    let (name, other) = (run.topic("subscribed"), run.topic("unsubscribed"));
    let me = member_of(0);
    let metadata: &'static [u8] = subscription(&name).leak();
    let wants = JoinGroupRequest {
        protocols: vec![protocol("range", metadata)],
        ..join(&group, "")
    };
    scenario("subscribed", &group)
        .topic("subscribed", 2, &[])
        .topic("unsubscribed", 2, &[])
        .step(
            ask_commit(
                "commit",
                8,
                &commit(
                    &group,
                    &[(&name, 0, &[at(0, 5)]), (&other, 0, &[at(0, 5), at(1, 6)])],
                ),
            )
            .prepares(),
        )
        .step(ask_join("joins", 2, &wants).remembers(0).prepares())
        .step(ask_offset_delete(
            "before its part",
            &group,
            &[(&name, &[0]), (&other, &[0])],
        ))
        .step(ask_sync(
            "sync",
            2,
            &sync(&group, &me, 1, &[(&me, b"part")]),
        ))
        .step(ask_offset_delete(
            "both",
            &group,
            &[(&name, &[0, 1]), (&other, &[0, 9]), ("none", &[0])],
        ))
        .step(ask_fetch("what is left", 8, &[(&group, None)]))
        .step(ask_leave("leaves", 2, &leave(&group, &[(&me, None)])))
        .step(ask_offset_delete(
            "when it has left",
            &group,
            &[(&name, &[0])],
        ))
        .step(ask_fetch("what is left at last", 8, &[(&group, None)]))
}

/// Members that say nothing that Kafka could read, or are no consumers.
fn of_another_type(run: &Run) -> Scenario {
    let (group, strange) = (run.topic("connect"), run.topic("strange"));
    let name = run.topic("connect");
    let typed = JoinGroupRequest {
        protocol_type: "connect".into(),
        ..join(&group, "")
    };
    scenario("of another type", &group)
        .topic("connect", 1, &[])
        .step(ask_commit("commit", 8, &commit(&group, &[(&name, 0, &[at(0, 5)])])).prepares())
        .step(ask_join("joins", 2, &typed))
        .step(ask_offset_delete("of connect", &group, &[(&name, &[0])]))
        .step(ask_offset_delete("of connect, nothing", &group, &[]))
        .steps(stable(&strange, &member_of(0)))
        .step(ask_commit(
            "commit too",
            8,
            &commit(&strange, &[(&name, 0, &[at(0, 5)])]),
        ))
        .step(ask_offset_delete(
            "of an odd subscription",
            &strange,
            &[(&name, &[0])],
        ))
}
