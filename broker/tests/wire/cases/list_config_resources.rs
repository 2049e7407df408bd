//! ListConfigResources: the resources that have settings, by type.

use protocol::messages::list_config_resources::{self, ListConfigResourcesRequest};

use super::admin_requests::{
    BROKER, CLIENT_METRICS, DELETE, GROUP, SET, TOPIC, ask_change, bytes, change, changed, step,
};
use super::requests::tagged;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;

fn ask(label: impl Into<String>, version: i16, resource_types: &[i8]) -> Step {
    let request = ListConfigResourcesRequest {
        resource_types: resource_types.to_vec(),
    };
    step!(label, list_config_resources, version, &request)
        .in_any_order()
        .later()
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = vec![listed(run)];
    for version in VERSIONS {
        let mut scenario = Scenario::new(format!("types v{version}"));
        for kinds in [
            &[][..],
            &[0],
            &[1],
            &[3],
            &[8],
            &[16],
            &[32],
            &[33],
            &[127],
            &[-1],
            &[16, 16],
            &[16, 77],
            &[16, 32],
            &[4],
            &[4, 4, 8],
        ] {
            scenario = scenario.step(ask(format!("{kinds:?}"), version, kinds));
        }
        all.push(scenario);
        all.push(bytes(list_config_resources::KEY, version));
        let mut body = Vec::new();
        ListConfigResourcesRequest::default().encode(&mut body, version);
        let tags = tagged(list_config_resources::KEY, version, &body);
        let tags = tags.into_iter().map(Step::in_any_order);
        all.push(Scenario::new(format!("tags v{version}")).steps(tags));
    }
    all
}

fn listed(run: &Run) -> Scenario {
    let node = run.node.to_string();
    let set = |kind, name: &str, key, value| changed(kind, name, &[(key, SET, Some(value))]);
    let gone = |kind, name: &str, key| changed(kind, name, &[(key, DELETE, None)]);
    let topic = run.topic("listed");
    let mut scenario = Scenario::new("listed").topic("listed", 1, &[]).step(
        ask_change(
            "set",
            1,
            &change(vec![
                set(GROUP, "g", "consumer.session.timeout.ms", "50000"),
                set(CLIENT_METRICS, "m", "interval.ms", "1000"),
                set(BROKER, &node, "message.max.bytes", "900000"),
                set(TOPIC, &topic, "retention.ms", "900000"),
            ]),
        )
        .prepares(),
    );
    for version in VERSIONS {
        for kinds in [&[][..], &[2], &[4], &[8], &[16], &[32], &[2, 4, 8, 16, 32]] {
            scenario = scenario.step(ask(format!("v{version}, {kinds:?}"), version, kinds));
        }
    }
    scenario = scenario.step(
        ask_change(
            "gone",
            1,
            &change(vec![
                gone(GROUP, "g", "consumer.session.timeout.ms"),
                gone(CLIENT_METRICS, "m", "interval.ms"),
                gone(BROKER, &node, "message.max.bytes"),
            ]),
        )
        .prepares(),
    );
    for version in VERSIONS {
        for kinds in [&[][..], &[2], &[4], &[8], &[16], &[32]] {
            scenario = scenario.step(
                ask(format!("gone, v{version}, {kinds:?}"), version, kinds)
                    .settles(&["\"m\"", "\"g\""]),
            );
        }
    }
    scenario
}
