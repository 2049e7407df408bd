//! JoinGroup: what is refused, what a first member is told.

use protocol::messages::join_group::{self, JoinGroupRequest};

use super::group_requests::{
    SESSION_MS, ask_beat, ask_describe, ask_join, ask_leave, ask_sync, beat, bytes, join,
    join_static, leave, protocol, scenario, stable, sync,
};
use crate::scenario::{Run, Scenario, member_of};

const VERSIONS: std::ops::RangeInclusive<i16> = join_group::VERSION_MIN..=join_group::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(first_member(run, version));
        all.push(refused(run, version));
        all.push(known_members(run, version));
        all.push(bytes(run, "join", join_group::KEY, version));
    }
    for version in 5..=9 {
        all.push(static_member(run, version));
    }
    all.push(several_protocols(run));
    all.push(other_types(run));
    all.push(reasons(run));
    all
}

fn first_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("first-v{version}"));
    let me = member_of(0);
    let mut scenario = scenario(format!("a first member v{version}"), &group)
        .step(ask_join("without an id", version, &join(&group, "")).remembers(0));
    if version >= 4 {
        scenario = scenario.step(ask_join("with its id", version, &join(&group, &me)));
    }
    scenario
        .step(ask_beat("is alive", 2, &beat(&group, &me, 1)))
        .step(ask_join("again", version, &join(&group, &me)))
        .step(ask_describe("what it looks like now", 6, &[&group]))
        .step(ask_leave("leaves", 2, &leave(&group, &[(&me, None)])))
        .step(ask_join("when it has left", version, &join(&group, &me)))
        .step(ask_describe("what is left", 6, &[&group]))
}

fn refused(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("refused-v{version}"));
    let base = || join(&group, "");
    let requests: Vec<(&str, JoinGroupRequest<'_>)> = vec![
        ("an unknown id", join(&group, "nobody")),
        ("an empty group", join("", "")),
        ("an empty group and an id", join("", "x")),
        (
            "a blank group",
            JoinGroupRequest {
                session_timeout_ms: 999,
                ..join(" ", "")
            },
        ),
        (
            "a session too short",
            JoinGroupRequest {
                session_timeout_ms: 999,
                ..base()
            },
        ),
        (
            "a session too long",
            JoinGroupRequest {
                session_timeout_ms: 1_800_001,
                ..base()
            },
        ),
        (
            "no session",
            JoinGroupRequest {
                session_timeout_ms: 0,
                ..base()
            },
        ),
        (
            "a session below 0",
            JoinGroupRequest {
                session_timeout_ms: -1,
                ..base()
            },
        ),
        (
            "an empty group and no session",
            JoinGroupRequest {
                session_timeout_ms: 0,
                ..join("", "x")
            },
        ),
        (
            "no session, an unknown id",
            JoinGroupRequest {
                session_timeout_ms: 0,
                ..join(&group, "x")
            },
        ),
        (
            "no protocols",
            JoinGroupRequest {
                protocols: Vec::new(),
                ..base()
            },
        ),
        (
            "no type",
            JoinGroupRequest {
                protocol_type: "".into(),
                ..base()
            },
        ),
        (
            "no type and no protocols",
            JoinGroupRequest {
                protocol_type: "".into(),
                protocols: Vec::new(),
                ..base()
            },
        ),
        (
            "an unknown id and no protocols",
            JoinGroupRequest {
                protocols: Vec::new(),
                ..join(&group, "x")
            },
        ),
    ];
    let mut scenario = scenario(format!("refused v{version}"), &group);
    for (label, request) in requests {
        scenario = scenario.step(ask_join(label, version, &request));
    }
    scenario
}

/// A group that has a member of another id, type or protocol.
fn known_members(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("known-v{version}"));
    let me = member_of(0);
    let base = || join(&group, "");
    let other = |id: &str, request: JoinGroupRequest<'static>| JoinGroupRequest {
        member_id: id.to_owned().into(),
        ..request
    };
    let of_type = || JoinGroupRequest {
        protocol_type: "connect".into(),
        ..base()
    };
    let of_protocol = || JoinGroupRequest {
        protocols: vec![protocol("sticky", b"s")],
        ..base()
    };
    scenario(format!("beside a member v{version}"), &group)
        .steps(stable(&group, &me))
        .step(ask_join("an unknown id", version, &join(&group, "x")))
        .step(ask_join("another type", version, &of_type()))
        .step(ask_join("another protocol", version, &of_protocol()))
        .step(ask_join(
            "another type, an unknown id",
            version,
            &other("x", of_type()),
        ))
        .step(ask_join(
            "its own id, another type",
            version,
            &other(&me, of_type()),
        ))
        .step(ask_join(
            "its own id, another protocol",
            version,
            &other(&me, of_protocol()),
        ))
        .step(ask_join(
            "its own id, the same",
            version,
            &join(&group, &me),
        ))
        .step(ask_beat("is alive", 2, &beat(&group, &me, 1)))
        .step(ask_beat(
            "is alive in the next generation",
            2,
            &beat(&group, &me, 2),
        ))
        .step(ask_beat(
            "is alive in the one after",
            2,
            &beat(&group, &me, 3),
        ))
        .step(ask_describe("what it looks like", 6, &[&group]))
}

fn static_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("static-v{version}"));
    let (me, again) = (member_of(0), member_of(1));
    let named = |id: &str| join_static(&group, id, "wire");
    let other_protocol = || JoinGroupRequest {
        protocols: vec![protocol("range", b"\0\0\0\0\0\0\0\0\0\x01x")],
        ..named("")
    };
    scenario(format!("a static member v{version}"), &group)
        .step(ask_join("unknown, with an id", version, &named("x")))
        .step(ask_join("without an id", version, &named("")).remembers(0))
        .step(ask_sync(
            "its part",
            3,
            &sync(&group, &me, 1, &[(&me, b"part")]),
        ))
        .step(ask_join("with its id", version, &named(&me)))
        .step(ask_sync(
            "its part again",
            3,
            &sync(&group, &me, 1, &[(&me, b"part")]),
        ))
        .step(ask_sync(
            "its next part",
            3,
            &sync(&group, &me, 2, &[(&me, b"part 2")]),
        ))
        .step(ask_join("comes back", version, &named("")).remembers(1))
        .step(ask_beat("with its old id", 3, &heartbeat(&group, &me, 2)))
        .step(ask_beat(
            "with its new id",
            3,
            &heartbeat(&group, &again, 2),
        ))
        .step(ask_join("with its old id again", version, &named(&me)))
        .step(ask_join("another id", version, &named("x")))
        .step(ask_join(
            "by another name with the id",
            version,
            &join_static(&group, &again, "name"),
        ))
        .step(ask_join(
            "no name with the id",
            version,
            &join(&group, &again),
        ))
        .step(ask_describe("what it looks like", 5, &[&group]))
        .step(ask_join("comes back with another wish", version, &other_protocol()).remembers(2))
        .step(ask_describe("what it looks like now", 5, &[&group]))
        .step(ask_join(
            "an empty name",
            version,
            &join_static(&group, "x", ""),
        ))
}

fn heartbeat<'a>(
    group: &str,
    id: &str,
    generation: i32,
) -> protocol::messages::heartbeat::HeartbeatRequest<'a> {
    protocol::messages::heartbeat::HeartbeatRequest {
        group_instance_id: Some("wire".into()),
        ..beat(group, id, generation)
    }
}

fn several_protocols(run: &Run) -> Scenario {
    let group = run.topic("several");
    let me = member_of(0);
    let wants = |id: &str, protocols| JoinGroupRequest {
        protocols,
        ..join(&group, id)
    };
    scenario("several protocols", &group)
        .step(
            ask_join(
                "three",
                2,
                &wants(
                    "",
                    vec![protocol("b", b"1"), protocol("a", b"2"), protocol("c", b"")],
                ),
            )
            .remembers(0),
        )
        .step(ask_join(
            "in another order",
            2,
            &wants(&me, vec![protocol("c", b"1"), protocol("a", b"2")]),
        ))
        .step(ask_join(
            "no name",
            2,
            &wants(&me, vec![protocol("", b"1")]),
        ))
        .step(ask_join(
            "no metadata",
            7,
            &wants(&me, vec![protocol("a", b"")]),
        ))
}

fn other_types(run: &Run) -> Scenario {
    let group = run.topic("types");
    let me = member_of(0);
    let typed = |id: &str| JoinGroupRequest {
        protocol_type: "connect".into(),
        protocols: vec![protocol("sessioned", b"\x00\x01")],
        ..join(&group, id)
    };
    scenario("a type of its own", &group)
        .step(ask_join("joins", 3, &typed("")).remembers(0))
        .step(ask_sync(
            "its part",
            5,
            &protocol::messages::sync_group::SyncGroupRequest {
                protocol_type: Some("connect".into()),
                protocol_name: Some("sessioned".into()),
                ..sync(&group, &me, 1, &[(&me, b"\x00\xff part")])
            },
        ))
        .step(ask_describe("what it looks like", 6, &[&group]))
        .step(ask_leave("leaves", 5, &leave(&group, &[(&me, None)])))
        .step(ask_describe("what is left", 6, &[&group]))
        .step(ask_join("consumers come", 3, &join(&group, "")).remembers(1))
        .step(ask_describe("what it is now", 6, &[&group]))
}

fn reasons(run: &Run) -> Scenario {
    let group = run.topic("reasons");
    let because = |reason: &'static str| JoinGroupRequest {
        reason: Some(reason.into()),
        ..join_static(&group, "", "wire")
    };
    scenario("reasons", &group)
        .step(ask_join("of no time to rebalance", 8, &because("x")).remembers(0))
        .step(ask_join("again", 9, &because("")).remembers(0))
        .step(ask_join(
            "the shortest session",
            9,
            &JoinGroupRequest {
                session_timeout_ms: 1000,
                ..because("y")
            },
        ))
        .step(ask_join(
            "the longest session",
            9,
            &JoinGroupRequest {
                session_timeout_ms: 1_800_000,
                ..because("y")
            },
        ))
        .step(ask_join(
            "the usual session",
            9,
            &JoinGroupRequest {
                session_timeout_ms: SESSION_MS,
                ..because("y")
            },
        ))
}
