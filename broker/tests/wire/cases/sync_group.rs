//! SyncGroup: who may give, who may take.

use protocol::messages::sync_group::{self, SyncGroupRequest};

use super::group_requests::{
    ask_beat, ask_join, ask_sync, beat, bytes, join, join_static, scenario, sync,
};
use crate::scenario::{Run, Scenario, member_of};

const VERSIONS: std::ops::RangeInclusive<i16> = sync_group::VERSION_MIN..=sync_group::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(without_group(run, version));
        all.push(of_a_member(run, version));
        all.push(bytes(run, "sync", sync_group::KEY, version));
    }
    for version in 3..=5 {
        all.push(of_a_static_member(run, version));
    }
    all.push(protocols(run));
    all.push(parts(run));
    all
}

fn without_group(run: &Run, version: i16) -> Scenario {
    let group = run.topic("sync-none");
    scenario(format!("no group v{version}"), &group)
        .step(ask_sync("of nobody", version, &sync(&group, "", 0, &[])))
        .step(ask_sync("of somebody", version, &sync(&group, "x", 0, &[])))
        .step(ask_sync(
            "of generation -1",
            version,
            &sync(&group, "x", -1, &[("x", b"")]),
        ))
        .step(ask_sync("an empty group", version, &sync("", "x", 1, &[])))
        .step(ask_sync("a blank group", version, &sync(" ", "x", 1, &[])))
}

fn of_a_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("sync-v{version}"));
    let me = member_of(0);
    let mut scenario = scenario(format!("a member v{version}"), &group)
        .step(ask_join("asks to join", 4, &join(&group, "")).remembers(0))
        .step(ask_sync(
            "before it has joined",
            version,
            &sync(&group, &me, 0, &[]),
        ))
        .step(ask_join("joins", 4, &join(&group, &me)).remembers(0));
    for (label, member, generation) in [
        ("of the last generation", &*me, 0),
        ("of the next generation", &me, 2),
        ("of no generation", &me, -1),
        ("another member", "x", 1),
        ("nobody", "", 1),
        ("another member of another generation", "x", 9),
    ] {
        scenario = scenario.step(ask_sync(
            label,
            version,
            &sync(&group, member, generation, &[]),
        ));
    }
    scenario
        .step(ask_sync(
            "gives its part",
            version,
            &sync(&group, &me, 1, &[(&me, b"part")]),
        ))
        .step(ask_sync(
            "takes it again",
            version,
            &sync(&group, &me, 1, &[]),
        ))
        .step(ask_sync(
            "gives another",
            version,
            &sync(&group, &me, 1, &[(&me, b"other")]),
        ))
        .step(ask_sync(
            "of the next generation, stable",
            version,
            &sync(&group, &me, 2, &[]),
        ))
        .step(ask_join("joins again", 4, &join(&group, &me)).remembers(0))
        .step(ask_sync(
            "of the old generation",
            version,
            &sync(&group, &me, 1, &[(&me, b"p")]),
        ))
        .step(ask_sync(
            "gives nothing",
            version,
            &sync(&group, &me, 2, &[]),
        ))
        .step(ask_beat("is alive", 3, &beat(&group, &me, 2)))
}

fn of_a_static_member(run: &Run, version: i16) -> Scenario {
    let group = run.topic(&format!("sync-static-v{version}"));
    let me = member_of(0);
    let named = |id: &str, name: Option<&'static str>, generation| SyncGroupRequest {
        group_instance_id: name.map(Into::into),
        ..sync(&group, id, generation, &[])
    };
    scenario(format!("a static member v{version}"), &group)
        .step(ask_join("joins", 5, &join_static(&group, "", "wire")).remembers(0))
        .step(ask_sync(
            "another id",
            version,
            &named("x", Some("wire"), 1),
        ))
        .step(ask_sync("no id", version, &named("", Some("wire"), 1)))
        .step(ask_sync(
            "another name",
            version,
            &named(&me, Some("other"), 1),
        ))
        .step(ask_sync(
            "another generation",
            version,
            &named(&me, Some("wire"), 7),
        ))
        .step(ask_sync(
            "another id and generation",
            version,
            &named("x", Some("wire"), 7),
        ))
        .step(ask_sync(
            "by both names",
            version,
            &named(&me, Some("wire"), 1),
        ))
        .step(ask_sync("by its id alone", version, &named(&me, None, 1)))
}

fn protocols(run: &Run) -> Scenario {
    let group = run.topic("sync-protocols");
    let me = member_of(0);
    let mut scenario =
        scenario("protocols", &group).step(ask_join("joins", 2, &join(&group, "")).remembers(0));
    for (label, kind, name) in [
        ("another type", Some("connect"), Some("range")),
        ("another name", Some("consumer"), Some("sticky")),
        ("no type", None, Some("range")),
        ("no name", Some("consumer"), None),
        ("neither", None, None),
        ("an empty type", Some(""), Some("range")),
        ("an empty name", Some("consumer"), Some("")),
        ("the right ones", Some("consumer"), Some("range")),
    ] {
        for (who, group, id) in [
            ("", &*group, &*me),
            (", unknown", &group, "x"),
            (", no group", "", "x"),
        ] {
            let request = SyncGroupRequest {
                protocol_type: kind.map(Into::into),
                protocol_name: name.map(Into::into),
                ..sync(group, id, 1, &[])
            };
            scenario = scenario.step(ask_sync(format!("{label}{who}"), 5, &request));
        }
    }
    scenario
}

/// Parts of who is not there, of one twice, none.
fn parts(run: &Run) -> Scenario {
    let group = run.topic("sync-parts");
    let me = member_of(0);
    scenario("parts", &group)
        .step(ask_join("joins", 2, &join(&group, "")).remembers(0))
        .step(ask_sync(
            "for others too",
            3,
            &sync(
                &group,
                &me,
                1,
                &[("x", b"x's"), (&me, b"mine"), ("", b"nobody's")],
            ),
        ))
        .step(ask_join("joins again", 2, &join(&group, &me)))
        .step(ask_sync(
            "twice",
            3,
            &sync(&group, &me, 2, &[(&me, b"one"), (&me, b"two")]),
        ))
        .step(ask_join("joins once more", 2, &join(&group, &me)))
        .step(ask_sync(
            "only for others",
            3,
            &sync(&group, &me, 3, &[("x", b"x's")]),
        ))
        .step(ask_sync("takes it", 5, &sync(&group, &me, 3, &[])))
}
