//! DeleteGroups: with and without members, unknown, twice.

use protocol::messages::delete_groups;

use super::group_requests::{
    ask_commit, ask_delete, ask_describe, ask_fetch, ask_join, ask_leave, at, bytes, commit, join,
    leave, scenario, stable,
};
use crate::scenario::{Run, Scenario, member_of};

const VERSIONS: std::ops::RangeInclusive<i16> =
    delete_groups::VERSION_MIN..=delete_groups::VERSION_MAX;

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(deleted(run, version));
        all.push(bytes(run, "delete groups", delete_groups::KEY, version));
    }
    all
}

fn deleted(run: &Run, version: i16) -> Scenario {
    let topic = format!("deleted-v{version}");
    let name = run.topic(&topic);
    let group = |text: &str| run.topic(&format!("deleted-v{version}-{text}"));
    let (a, b, c, d, none) = (
        group("a"),
        group("b"),
        group("c"),
        group("d"),
        group("none"),
    );
    let me = member_of(0);
    let commits = |group: &str| {
        ask_commit("commit", 8, &commit(group, &[(&name, 0, &[at(0, 5)])])).prepares()
    };
    scenario(format!("deleted v{version}"), &a)
        .topic(&topic, 1, &[])
        .steps([commits(&a), commits(&b), commits(&c)])
        .steps(stable(&d, &me))
        .step(ask_delete("unknown", version, &[&none]))
        .step(ask_delete("an empty name", version, &[""]))
        .step(ask_delete("none", version, &[]))
        .step(ask_delete("one", version, &[&a]))
        .step(ask_delete("it again", version, &[&a]))
        .step(ask_fetch("its offsets", 8, &[(&a, None)]))
        .step(ask_describe("what it looks like", 5, &[&a]))
        .step(ask_delete("one twice", version, &[&b, &b]))
        .step(ask_delete("with a member", version, &[&d]))
        .step(ask_delete("several", version, &[&none, &c, &d]))
        .step(ask_leave("leaves", 2, &leave(&d, &[(&me, None)])))
        .step(ask_delete("when its member has left", version, &[&d]))
        .step(ask_join("joins anew", 2, &join(&d, "")).remembers(1))
        .step(ask_describe("anew", 5, &[&d]))
}
