//! Groups of several members: who waits for whom, and what each is told. Each member has a connection of its own.

use protocol::messages::join_group::{self, JoinGroupRequest};
use protocol::messages::sync_group;

use super::group_requests::{
    SESSION_MS, ask_beat, ask_commit, ask_describe, ask_join, ask_leave, ask_sync, at, beat,
    commit, join, join_static, leave, protocol, scenario, stable, sync,
};
use crate::scenario::{Run, Scenario, Step, member_of};

/// What a beat says before the broker knows of the rebalance.
const STABLE: &[&str] = &["error_code=0"];

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    vec![
        two_members(run),
        one_leaves(run),
        one_dies(run),
        one_stays_away(run),
        commits_between(run),
        common_protocol(run),
        too_many(run),
        leader_leaves(run),
        sync_waits(run),
        static_leader(run),
        replaced_while_it_waits(run),
        removed_by_name(run),
        while_it_rebalances(run),
    ]
}

fn joined(label: &str, connection: usize) -> Step {
    Step::receive(label, join_group::KEY, 5).over(connection)
}

fn synced(label: &str, connection: usize) -> Step {
    Step::receive(label, sync_group::KEY, 3).over(connection)
}

/// Steps that make a stable group of two in generation 2: the leader in slot 0, the other, over connection 1, in slot 1.
fn two(group: &str) -> Vec<Step> {
    let (a, b) = (member_of(0), member_of(1));
    let mut steps = stable(group, &a);
    steps.push(ask_join("b asks", 5, &join(group, "")).over(1).remembers(1));
    steps.push(ask_join("b joins", 5, &join(group, &b)).over(1).send_only());
    steps.push(ask_beat("a hears of it", 3, &beat(group, &a, 1)).settles(STABLE));
    steps.push(ask_join("a joins again", 5, &join(group, &a)));
    steps.push(joined("b has joined", 1));
    steps.push(
        ask_sync("b waits", 3, &sync(group, &b, 2, &[]))
            .over(1)
            .send_only(),
    );
    steps.push(ask_sync(
        "a gives",
        3,
        &sync(group, &a, 2, &[(&a, b"a's"), (&b, b"b's")]),
    ));
    steps.push(synced("b has its part", 1));
    steps
}

fn two_members(run: &Run) -> Scenario {
    let group = run.topic("two");
    let (a, b) = (member_of(0), member_of(1));
    scenario("two members", &group)
        .steps(two(&group))
        .step(ask_describe("what it looks like", 5, &[&group]))
        .step(ask_beat("a beats", 3, &beat(&group, &a, 2)))
        .step(ask_beat("b beats", 3, &beat(&group, &b, 2)).over(1))
        .step(ask_beat("a in the old generation", 3, &beat(&group, &a, 1)))
        .step(ask_sync("b asks again", 3, &sync(&group, &b, 2, &[])).over(1))
        .step(ask_join("b joins again, unchanged", 5, &join(&group, &b)).over(1))
        .step(ask_beat("a beats at last", 3, &beat(&group, &a, 2)))
}

fn one_leaves(run: &Run) -> Scenario {
    let group = run.topic("leaves");
    let (a, b) = (member_of(0), member_of(1));
    scenario("one leaves", &group)
        .steps(two(&group))
        .step(ask_leave("b leaves", 1, &leave(&group, &[(&b, None)])).over(1))
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 2)))
        .step(ask_sync(
            "a asks in the old generation",
            3,
            &sync(&group, &a, 2, &[]),
        ))
        .step(ask_describe("meanwhile", 5, &[&group]))
        .step(ask_join("a joins again", 5, &join(&group, &a)))
        .step(ask_sync(
            "a gives",
            3,
            &sync(&group, &a, 3, &[(&a, b"all")]),
        ))
        .step(ask_beat("b beats still", 3, &beat(&group, &b, 2)).over(1))
        .step(ask_describe("what is left", 5, &[&group]))
}

/// A member whose session ends.
fn one_dies(run: &Run) -> Scenario {
    let group = run.topic("dies");
    let me = member_of(0);
    let short = |id: &str| JoinGroupRequest {
        session_timeout_ms: 1000,
        ..join(&group, id)
    };
    scenario("one dies", &group)
        .step(ask_join("joins", 2, &short("")).remembers(0))
        .step(ask_sync(
            "its part",
            2,
            &sync(&group, &me, 1, &[(&me, b"part")]),
        ))
        .step(ask_beat("beats", 2, &beat(&group, &me, 1)))
        .step(
            ask_describe("when its session has ended", 5, &[&group])
                .settles(&["group_state=\"Stable\""]),
        )
        .step(ask_beat("beats again", 2, &beat(&group, &me, 1)))
        .step(ask_join("joins again", 2, &short(&me)))
}

/// A member that does not join again in the time that the rebalance waits for it.
fn one_stays_away(run: &Run) -> Scenario {
    let group = run.topic("away");
    let (a, b) = (member_of(0), member_of(1));
    let hasty = |id: &str| JoinGroupRequest {
        rebalance_timeout_ms: 1000,
        ..join(&group, id)
    };
    scenario("one stays away", &group)
        .step(ask_join("a joins", 2, &hasty("")).remembers(0))
        .step(ask_sync(
            "a's part",
            2,
            &sync(&group, &a, 1, &[(&a, b"part")]),
        ))
        .step(ask_join("b asks", 5, &hasty("")).over(1).remembers(1))
        .step(ask_join("b joins", 5, &hasty(&b)).over(1).at_least(900))
        .step(ask_describe("what it looks like", 5, &[&group]))
        .step(ask_beat("a beats", 3, &beat(&group, &a, 2)))
}

fn commits_between(run: &Run) -> Scenario {
    let (group, name) = (run.topic("between"), run.topic("between"));
    let (a, b) = (member_of(0), member_of(1));
    let commits = |label: &str, member: &str, generation| {
        let request = protocol::messages::offset_commit::OffsetCommitRequest {
            member_id: member.to_owned().into(),
            generation_id_or_member_epoch: generation,
            ..commit(&group, &[(&name, 0, &[at(0, 1)])])
        };
        ask_commit(label, 8, &request)
    };
    scenario("commits between", &group)
        .topic("between", 1, &[])
        .steps(stable(&group, &a))
        .step(
            ask_join("b asks", 5, &join(&group, ""))
                .over(1)
                .remembers(1),
        )
        .step(commits("b before it has joined", &b, 0))
        .step(
            ask_join("b joins", 5, &join(&group, &b))
                .over(1)
                .send_only(),
        )
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 1)).settles(STABLE))
        .step(commits("a while it prepares", &a, 1))
        .step(commits("b while it prepares", &b, 1))
        .step(commits("b while it prepares, generation 2", &b, 2))
        .step(commits("nobody while it prepares", "", -1))
        .step(ask_join("a joins again", 5, &join(&group, &a)))
        .step(joined("b has joined", 1))
        .step(commits("a while it completes", &a, 2))
        .step(commits("b while it completes", &b, 2))
        .step(commits("a while it completes, generation 1", &a, 1))
        .step(commits("nobody while it completes", "", -1))
}

fn common_protocol(run: &Run) -> Scenario {
    let group = run.topic("common");
    let (a, b) = (member_of(0), member_of(1));
    let wants = |id: &str, protocols| JoinGroupRequest {
        protocols,
        ..join(&group, id)
    };
    let of_a = || {
        vec![
            protocol("x", b"ax"),
            protocol("y", b"ay"),
            protocol("z", b"az"),
        ]
    };
    let of_b = || vec![protocol("z", b"bz"), protocol("y", b"by")];
    scenario("a common protocol", &group)
        .step(ask_join("a joins", 2, &wants("", of_a())).remembers(0))
        .step(
            ask_join("b asks", 5, &wants("", of_b()))
                .over(1)
                .remembers(1),
        )
        .step(
            ask_join("b joins", 5, &wants(&b, of_b()))
                .over(1)
                .send_only(),
        )
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 1)).settles(STABLE))
        .step(ask_join("a joins again", 5, &wants(&a, of_a())))
        .step(joined("b has joined", 1))
        .step(
            ask_join(
                "c has none in common",
                2,
                &wants("", vec![protocol("x", b"")]),
            )
            .over(2),
        )
        .step(
            ask_join(
                "d has one",
                4,
                &wants("", vec![protocol("q", b""), protocol("y", b"")]),
            )
            .over(2),
        )
}

/// More members than `group.max.size`.
fn too_many(run: &Run) -> Scenario {
    let group = run.topic("many");
    let mut scenario = scenario("too many", &group).steps(stable(&group, &member_of(0)));
    for number in 1..5 {
        let asks = ask_join(format!("{number} asks"), 5, &join(&group, ""));
        scenario = scenario.step(asks.over(number).remembers(number));
    }
    for number in 1..5 {
        let member = member_of(number);
        let joins = ask_join(format!("{number} joins"), 5, &join(&group, &member));
        let beats = ask_beat(format!("{number} has come"), 3, &beat(&group, &member, 1));
        scenario = scenario
            .step(joins.over(number).send_only())
            .step(beats.over(8).settles(&["error_code=25"]));
    }
    scenario
        .step(ask_describe("all have come", 5, &[&group]))
        .step(ask_join(
            "the first joins again",
            5,
            &join(&group, &member_of(0)),
        ))
        .step(ask_join("one too many", 5, &join(&group, "")).over(9))
        .step(ask_join("one too many, without asking", 2, &join(&group, "")).over(9))
        .step(ask_join("one too many, of an id", 5, &join(&group, "x")).over(9))
}

fn leader_leaves(run: &Run) -> Scenario {
    let group = run.topic("leader");
    let (a, b) = (member_of(0), member_of(1));
    scenario("the leader leaves", &group)
        .steps(two(&group))
        .step(ask_leave("a leaves", 1, &leave(&group, &[(&a, None)])))
        .step(ask_beat("b hears of it", 3, &beat(&group, &b, 2)).over(1))
        .step(ask_join("b joins again", 5, &join(&group, &b)).over(1))
        .step(ask_sync("b gives", 3, &sync(&group, &b, 3, &[(&b, b"all")])).over(1))
        .step(ask_describe("what is left", 5, &[&group]))
}

/// A member that asks for its part is told of a rebalance that begins meanwhile.
fn sync_waits(run: &Run) -> Scenario {
    let group = run.topic("waits");
    let (a, b, c) = (member_of(0), member_of(1), member_of(2));
    scenario("a sync waits", &group)
        .steps(stable(&group, &a))
        .step(
            ask_join("b asks", 5, &join(&group, ""))
                .over(1)
                .remembers(1),
        )
        .step(
            ask_join("b joins", 5, &join(&group, &b))
                .over(1)
                .send_only(),
        )
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 1)).settles(STABLE))
        .step(ask_join("a joins again", 5, &join(&group, &a)))
        .step(joined("b has joined", 1))
        .step(
            ask_sync("b waits", 3, &sync(&group, &b, 2, &[]))
                .over(1)
                .send_only(),
        )
        .step(
            ask_join("c asks", 5, &join(&group, ""))
                .over(2)
                .remembers(2),
        )
        .step(
            ask_join("c joins", 5, &join(&group, &c))
                .over(2)
                .send_only(),
        )
        .step(synced("b is told", 1))
        .step(ask_beat("a is told", 3, &beat(&group, &a, 2)))
        .step(
            ask_join("b joins again", 5, &join(&group, &b))
                .over(1)
                .send_only(),
        )
        .step(ask_join("a joins once more", 5, &join(&group, &a)))
        .step(joined("b has joined again", 1))
        .step(joined("c has joined", 2))
}

fn replaced_while_it_waits(run: &Run) -> Scenario {
    let group = run.topic("replaced");
    let a = member_of(0);
    let named = join_static(&group, "", "wire");
    scenario("a static member is replaced while it waits", &group)
        .steps(stable(&group, &a))
        .step(ask_join("b joins", 5, &named).over(1).send_only())
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 1)).settles(STABLE))
        .step(ask_join("b comes back", 5, &named).over(2).send_only())
        .step(joined("the b of before is fenced", 1))
        .step(ask_join("a joins again", 5, &join(&group, &a)).in_any_order())
        .step(joined("the new b has joined", 2))
        .step(ask_describe("what it looks like", 5, &[&group]))
}

fn static_leader(run: &Run) -> Scenario {
    let group = run.topic("sleader");
    let (a, b) = (member_of(0), member_of(1));
    let named = |id: &str, name: &'static str| join_static(&group, id, name);
    scenario("a static leader comes back", &group)
        .step(ask_join("a joins", 5, &named("", "wire")).remembers(0))
        .step(ask_sync(
            "a's part",
            3,
            &sync(&group, &a, 1, &[(&a, b"part")]),
        ))
        .step(
            ask_join("b joins", 5, &named("", "name"))
                .over(1)
                .send_only(),
        )
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 1)).settles(STABLE))
        .step(ask_join("a joins again", 5, &named(&a, "wire")))
        .step(joined("b has joined", 1).remembers(1))
        .step(
            ask_sync("b waits", 3, &sync(&group, &b, 2, &[]))
                .over(1)
                .send_only(),
        )
        .step(ask_sync(
            "a gives",
            3,
            &sync(&group, &a, 2, &[(&a, b"a's"), (&b, b"b's")]),
        ))
        .step(synced("b has its part", 1))
        .step(ask_join("a comes back, version 9", 9, &named("", "wire")).remembers(2))
        .step(ask_join("a comes back, version 8", 8, &named("", "wire")).remembers(3))
        .step(ask_join("b comes back, version 9", 9, &named("", "name")).remembers(4))
        .step(ask_sync(
            "b takes its part",
            3,
            &sync(&group, &member_of(4), 2, &[]),
        ))
        .step(ask_describe("what it looks like", 5, &[&group]))
}

fn removed_by_name(run: &Run) -> Scenario {
    let group = run.topic("removed");
    let a = member_of(0);
    scenario("removed by name", &group)
        .step(ask_join("a joins", 5, &join_static(&group, "", "wire")).remembers(0))
        .step(ask_sync(
            "a's part",
            3,
            &sync(&group, &a, 1, &[(&a, b"part")]),
        ))
        .step(
            ask_leave(
                "an administrator removes it",
                4,
                &leave(&group, &[("", Some("wire"))]),
            )
            .over(1),
        )
        .step(ask_beat("a beats", 3, &beat(&group, &a, 1)))
        .step(ask_join(
            "a joins again",
            5,
            &join_static(&group, &a, "wire"),
        ))
        .step(ask_join(
            "a joins anew",
            5,
            &join_static(&group, "", "wire"),
        ))
}

/// What a member that has not joined again is told.
fn while_it_rebalances(run: &Run) -> Scenario {
    let group = run.topic("while");
    let (a, b) = (member_of(0), member_of(1));
    let long = JoinGroupRequest {
        session_timeout_ms: SESSION_MS,
        ..join(&group, &b)
    };
    scenario("while it rebalances", &group)
        .steps(stable(&group, &a))
        .step(
            ask_join("b asks", 5, &join(&group, ""))
                .over(1)
                .remembers(1),
        )
        .step(ask_beat("b beats before it joins", 3, &beat(&group, &b, 1)))
        .step(ask_join("b joins", 5, &long).over(1).send_only())
        .step(ask_beat("a hears of it", 3, &beat(&group, &a, 1)).settles(STABLE))
        .step(ask_beat("a in another generation", 3, &beat(&group, &a, 5)))
        .step(ask_sync(
            "a asks for its part",
            3,
            &sync(&group, &a, 1, &[]),
        ))
        .step(ask_sync(
            "a asks in another generation",
            3,
            &sync(&group, &a, 2, &[]),
        ))
        .step(ask_describe("what it looks like", 5, &[&group]))
        .step(ask_leave("b leaves meanwhile", 1, &leave(&group, &[(&b, None)])).over(2))
        .step(joined("b is told", 1))
        .step(ask_beat("a beats", 3, &beat(&group, &a, 1)).over(3))
}
