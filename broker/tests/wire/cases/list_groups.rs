//! DescribeGroups and ListGroups: groups in every state, filters.

use protocol::messages::{describe_groups, list_groups};

use super::group_requests::{
    ask_commit, ask_describe, ask_join, ask_list, at, bytes, commit, join_static, scenario, stable,
};
use crate::scenario::{Run, Scenario, Step, member_of};

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in describe_groups::VERSION_MIN..=describe_groups::VERSION_MAX {
        all.push(described(run, version));
        all.push(bytes(run, "describe", describe_groups::KEY, version));
    }
    for version in list_groups::VERSION_MIN..=list_groups::VERSION_MAX {
        all.push(listed(run, version));
    }
    all
}

/// Groups of these names: one of offsets only, one stable, one that waits for its parts. (Whether one whose only member has
/// not joined yet is shown, in Kafka, is a matter of time.)
fn groups(run: &Run, name: &str, topic: &str) -> (Vec<String>, Vec<Step>) {
    let groups = ["-empty", "-stable", "-parts"].map(|end| run.topic(&format!("{name}{end}")));
    let topic = run.topic(topic);
    let mut steps = vec![
        ask_commit(
            "commit",
            8,
            &commit(&groups[0], &[(&topic, 0, &[at(0, 5)])]),
        )
        .prepares(),
    ];
    steps.extend(stable(&groups[1], &member_of(0)));
    steps.push(
        ask_join("joins", 5, &join_static(&groups[2], "", "wire"))
            .remembers(1)
            .prepares(),
    );
    (groups.into(), steps)
}

fn described(run: &Run, version: i16) -> Scenario {
    let name = format!("described-v{version}");
    let (groups, steps) = groups(run, &name, &name);
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    let mut scenario = scenario(format!("described v{version}"), names[0])
        .topic(&name, 1, &[])
        .steps(steps);
    for group in &names {
        scenario = scenario.step(ask_describe(format!("{}", group.len()), version, &[group]));
    }
    scenario
        .step(ask_describe("all", version, &names))
        .step(ask_describe("unknown", version, &[&run.topic("none")]))
        .step(ask_describe("an empty name", version, &[""]))
        .step(ask_describe("none", version, &[]))
        .step(ask_describe("one twice", version, &[names[0], names[0]]))
        .step({
            let mut body = Vec::new();
            describe_groups::DescribeGroupsRequest {
                groups: vec![names[0].to_owned().into()],
                include_authorized_operations: false,
            }
            .encode(&mut body, version);
            Step::ask("without operations", describe_groups::KEY, version, &body)
        })
}

fn listed(run: &Run, version: i16) -> Scenario {
    let name = format!("listed-v{version}");
    let (groups, steps) = groups(run, &name, &name);
    let mut scenario = scenario(format!("listed v{version}"), &groups[0])
        .topic(&name, 1, &[])
        .steps(steps);
    let filters: &[(&[&str], &[&str])] = &[
        (&[], &[]),
        (&["Empty"], &[]),
        (&["empty"], &[]),
        (&["STABLE"], &[]),
        (&["Stable", "Empty"], &[]),
        (&["CompletingRebalance"], &[]),
        (&["PreparingRebalance"], &[]),
        (&["Dead"], &[]),
        (&["nonsense"], &[]),
        (&[""], &[]),
        (&[], &["classic"]),
        (&[], &["Classic"]),
        (&[], &["CLASSIC", "consumer"]),
        (&[], &["consumer"]),
        (&[], &["share"]),
        (&[], &["streams"]),
        (&[], &["unknown"]),
        (&[], &["nonsense"]),
        (&[], &[""]),
        (&["Empty"], &["classic"]),
        (&["Empty"], &["consumer"]),
    ];
    for (states, types) in filters {
        if states.is_empty() || version >= 4 || version == 0 {
            let label = format!("{states:?} {types:?}");
            scenario = scenario.step(ask_list(label, version, states, types).topics_like(&name));
        }
    }
    scenario
}
