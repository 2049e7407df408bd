//! ElectLeaders: preferred and unclean, of leaders that lead already, of what is not there.

use protocol::messages::elect_leaders::{self, ElectLeadersRequest, ElectLeadersRequestTopic};

use super::admin_requests::{bytes, step};
use super::requests::tagged;
use crate::scenario::{Run, Scenario, Step};

const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;

type Topics<'a> = Option<&'a [(&'a str, &'a [i32])]>;

fn of(election_type: i8, topics: Topics<'_>) -> ElectLeadersRequest<'static> {
    let topic = |(name, partitions): &(&str, &[i32])| ElectLeadersRequestTopic {
        topic: (*name).to_owned().into(),
        partitions: partitions.to_vec(),
    };
    ElectLeadersRequest {
        election_type,
        topic_partitions: topics.map(|topics| topics.iter().map(topic).collect()),
        timeout_ms: 30_000,
    }
}

fn ask(label: impl Into<String>, version: i16, request: &ElectLeadersRequest<'_>) -> Step {
    step!(label, elect_leaders, version, request).in_any_order()
}

pub fn scenarios(run: &Run) -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in VERSIONS {
        all.push(elections(run, version));
        all.push(bytes(elect_leaders::KEY, version));
        let mut body = Vec::new();
        of(0, Some(&[])).encode(&mut body, version);
        let tags = tagged(elect_leaders::KEY, version, &body);
        all.push(Scenario::new(format!("tags v{version}")).steps(tags));
    }
    all
}

fn elections(run: &Run, version: i16) -> Scenario {
    let topic = |text: &str| format!("elected-v{version}-{text}");
    let (a, b) = (run.topic(&topic("a")), run.topic(&topic("b")));
    let mut scenario = Scenario::new(format!("elections v{version}"))
        .topic(&topic("a"), 2, &[])
        .topic(&topic("b"), 1, &[]);
    let cases: &[(&str, Topics<'_>)] = &[
        ("one", Some(&[(&a, &[0])])),
        ("two", Some(&[(&a, &[0, 1])])),
        ("two topics", Some(&[(&a, &[0]), (&b, &[0])])),
        ("a partition twice", Some(&[(&a, &[0, 0])])),
        ("a topic twice", Some(&[(&a, &[0]), (&a, &[1])])),
        (
            "a topic twice, one partition",
            Some(&[(&a, &[0]), (&a, &[0])]),
        ),
        ("no partitions", Some(&[(&a, &[])])),
        ("no topics", Some(&[])),
        ("an unknown partition", Some(&[(&a, &[7])])),
        ("a partition below 0", Some(&[(&a, &[-1])])),
        (
            "known and unknown",
            Some(&[("unknown", &[0]), (&a, &[1, 9])]),
        ),
        ("an unknown topic", Some(&[("unknown", &[0, 1])])),
        ("an illegal topic", Some(&[("$#! ä", &[0])])),
        ("an empty name", Some(&[("", &[0])])),
    ];
    for election_type in [0, 1, 2, -1, 127] {
        for (label, topics) in cases {
            let request = of(election_type, *topics);
            scenario = scenario.step(ask(
                format!("type {election_type}, {label}"),
                version,
                &request,
            ));
        }
        let request = of(election_type, None);
        let step = ask(format!("type {election_type}, all"), version, &request);
        scenario = scenario.step(step.topics_like(&topic("")));
    }
    for timeout_ms in [0, -1, i32::MAX] {
        for (label, topics) in [
            ("one", Some(&[(a.as_str(), &[0][..])][..])),
            ("none", Some(&[][..])),
            ("all", None),
        ] {
            let request = ElectLeadersRequest {
                timeout_ms,
                ..of(0, topics)
            };
            let step = ask(format!("{label}, {timeout_ms} ms"), version, &request);
            scenario = scenario.step(step.topics_like(&topic("")));
        }
    }
    scenario
}
