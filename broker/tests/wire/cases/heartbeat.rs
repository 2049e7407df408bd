//! Heartbeat: who may beat, of which generation.

use protocol::messages::heartbeat;

use super::group_requests::{
    ask_beat, ask_join, ask_sync, beat, bytes, join, join_static, scenario, stable, sync,
};
use crate::scenario::{Run, Scenario, member_of};

const VERSIONS: std::ops::RangeInclusive<i16> = heartbeat::VERSION_MIN..=heartbeat::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(without_group(run, version));
        all.push(of_a_member(run, version));
        all.push(bytes(run, "heartbeat", heartbeat::KEY, version));
    }
    for version in 3..=4 {
        all.push(of_a_static_member(run, version));
    }
    all.push(before_the_first_sync(run));
    all
}

fn without_group(run: &Run, version: i16) -> Scenario {
    let group = run.topic("beat-none");
    scenario(format!("no group v{version}"), &group)
        .step(ask_beat("of nobody", version, &beat(&group, "", 0)))
        .step(ask_beat("of somebody", version, &beat(&group, "x", 0)))
        .step(ask_beat(
            "of generation -1",
            version,
            &beat(&group, "x", -1),
        ))
        .step(ask_beat("an empty group", version, &beat("", "x", 1)))
        .step(ask_beat("of nothing", version, &beat("", "", -1)))
        .step(ask_beat("a blank group", version, &beat(" ", "x", 1)))
}

fn of_a_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("beat-v{version}"));
    let me = member_of(0);
    let beats = |label: &str, member: &str, generation| {
        ask_beat(label, version, &beat(&group, member, generation))
    };
    scenario(format!("a member v{version}"), &group)
        .steps(stable(&group, &me))
        .step(beats("in its generation", &me, 1))
        .step(beats("in the last generation", &me, 0))
        .step(beats("in no generation", &me, -1))
        .step(beats("in the next generation", &me, 2))
        .step(beats("another member", "x", 1))
        .step(beats("nobody", "", 1))
        .step(beats("another member of another generation", "x", 7))
}

fn of_a_static_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("beat-static-v{version}"));
    let me = member_of(0);
    let beats = |label: &str, member: &str, instance: Option<&'static str>, generation| {
        let request = heartbeat::HeartbeatRequest {
            group_instance_id: instance.map(Into::into),
            ..beat(&group, member, generation)
        };
        ask_beat(label, version, &request)
    };
    scenario(format!("a static member v{version}"), &group)
        .step(
            ask_join("joins", 5, &join_static(&group, "", "wire"))
                .remembers(0)
                .prepares(),
        )
        .step(ask_sync("sync", 3, &sync(&group, &me, 1, &[(&me, b"part")])).prepares())
        .step(beats("by both names", &me, Some("wire"), 1))
        .step(beats("by its id alone", &me, None, 1))
        .step(beats("by another id", "x", Some("wire"), 1))
        .step(beats("by no id", "", Some("wire"), 1))
        .step(beats("by another name", &me, Some("other"), 1))
        .step(beats("by an empty name", &me, Some(""), 1))
        .step(beats("of another generation", &me, Some("wire"), 5))
        .step(beats(
            "by another id, of another generation",
            "x",
            Some("wire"),
            5,
        ))
}

fn before_the_first_sync(run: &Run) -> Scenario {
    let group = run.topic("beat-early");
    let me = member_of(0);
    scenario("before the first sync", &group)
        .step(ask_join("asks to join", 4, &join(&group, "")).remembers(0))
        .step(ask_beat("before it has joined", 4, &beat(&group, &me, 0)))
        .step(ask_beat(
            "before it has joined, -1",
            4,
            &beat(&group, &me, -1),
        ))
        .step(ask_join("joins", 4, &join(&group, &me)).remembers(0))
        .step(ask_beat("before its part", 4, &beat(&group, &me, 1)))
        .step(ask_beat(
            "before its part, of no generation",
            4,
            &beat(&group, &me, -1),
        ))
}
