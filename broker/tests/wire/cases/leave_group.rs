//! LeaveGroup: by id, by lasting name, several at once.

use protocol::messages::leave_group;

use super::group_requests::{
    ask_describe, ask_join, ask_leave, bytes, join, join_static, leave, scenario, stable,
};
use crate::scenario::{Run, Scenario, member_of};

const VERSIONS: std::ops::RangeInclusive<i16> = leave_group::VERSION_MIN..=leave_group::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(without_group(run, version));
        all.push(of_a_member(run, version));
        all.push(bytes(run, "leave", leave_group::KEY, version));
    }
    for version in 3..=5 {
        all.push(several(run, version));
    }
    all
}

fn without_group(run: &Run, version: i16) -> Scenario {
    let group = run.topic("leave-none");
    scenario(format!("no group v{version}"), &group)
        .step(ask_leave("nobody", version, &leave(&group, &[("", None)])))
        .step(ask_leave(
            "somebody",
            version,
            &leave(&group, &[("x", None)]),
        ))
        .step(ask_leave(
            "two",
            version,
            &leave(&group, &[("x", None), ("y", Some("z"))]),
        ))
        .step(ask_leave("none", version, &leave(&group, &[])))
        .step(ask_leave(
            "an empty group",
            version,
            &leave("", &[("x", None)]),
        ))
        .step(ask_leave(
            "a blank group",
            version,
            &leave(" ", &[("x", None)]),
        ))
}

fn of_a_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("leave-v{version}"));
    let me = member_of(0);
    scenario(format!("a member v{version}"), &group)
        .step(ask_join("asks to join", 4, &join(&group, "")).remembers(1))
        .step(ask_leave(
            "before it has joined",
            version,
            &leave(&group, &[(&member_of(1), None)]),
        ))
        .steps(stable(&group, &me))
        .step(ask_leave(
            "another",
            version,
            &leave(&group, &[("x", None)]),
        ))
        .step(ask_leave("nobody", version, &leave(&group, &[("", None)])))
        .step(ask_leave("itself", version, &leave(&group, &[(&me, None)])))
        .step(ask_leave(
            "itself again",
            version,
            &leave(&group, &[(&me, None)]),
        ))
        .step(ask_describe("what is left", 5, &[&group]))
}

fn several(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("leave-several-v{version}"));
    let me = member_of(0);
    scenario(format!("several v{version}"), &group)
        .step(ask_join("joins", 5, &join_static(&group, "", "wire")).remembers(0))
        .step(ask_leave(
            "another id",
            version,
            &leave(&group, &[("x", Some("wire"))]),
        ))
        .step(ask_leave(
            "another name",
            version,
            &leave(&group, &[(&me, Some("other"))]),
        ))
        .step(ask_leave(
            "an empty name",
            version,
            &leave(&group, &[(&me, Some(""))]),
        ))
        .step(ask_leave(
            "strangers, then by name, then again",
            version,
            &leave(
                &group,
                &[
                    ("x", None),
                    ("", Some("other")),
                    ("", Some("wire")),
                    ("", Some("wire")),
                ],
            ),
        ))
        .step(ask_describe("what is left", 5, &[&group]))
        .step(ask_join("joins again", 5, &join_static(&group, "", "wire")).remembers(0))
        .step(ask_leave(
            "by both",
            version,
            &leave(&group, &[(&me, Some("wire"))]),
        ))
        .step(ask_join("joins once more", 5, &join_static(&group, "", "wire")).remembers(0))
        .step(ask_leave(
            "by its id",
            version,
            &leave(&group, &[(&me, None)]),
        ))
        .step(ask_leave("none", version, &leave(&group, &[])))
        .step(ask_describe("what is left at last", 5, &[&group]))
}
